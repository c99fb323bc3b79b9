//! A disk without room: the agent begins and goes on, says so once, and keeps what waited as soon as there is room.

use std::{
    fs,
    io::Read as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_full_disk_ends_nothing_and_loses_nothing() {
    let folder = std::env::temp_dir().join(format!("testudo-agent-no-room-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let config = "[agent]\nname = \"web-1\"\nstate-dir = \"state\"\n[[agent.logs]]\npath = \"auth.log\"\nfrom = \"beginning\"\n[agent.fim]\ntrees = []\n[agent.ports]\nwatch = false\n";
    fs::write(folder.join("testudo.toml"), config).unwrap();
    fs::write(folder.join("auth.log"), "Oct 11 22:14:15 web-1 sshd[1]: Invalid user u from 203.0.113.9 port 5\n")
        .unwrap();
    // No file may grow, which is an error of the call once the signal for it is ignored.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 0; exec \"$0\" run --config testudo.toml"])
        .arg(env!("CARGO_BIN_EXE_testudo-agent"))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    let pid = Pid::from_child(&child);
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    let begun = Instant::now();
    let alerts = || fs::read_to_string(folder.join("state/alerts.jsonl")).unwrap_or_default();
    while !alerts().contains("agent-spool-waited") && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
    kill_process(pid, Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told.matches("events wait in memory, and it is tried again").count(), 1, "{told}");
    assert!(told.contains("2 events waited"), "{told}");
    let alerts = alerts();
    assert_eq!(alerts.matches("agent-sshd-invalid-user").count(), 1, "{alerts}");
    assert!(alerts.contains("events wait in memory") && alerts.contains("agent-spool-waited"), "{alerts}");
    fs::remove_dir_all(&folder).unwrap();
}
