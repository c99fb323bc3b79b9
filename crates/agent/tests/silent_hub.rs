//! A hub that takes connections and never answers: the agent ends all the same when it is asked to.

use std::{
    fs,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Far less than one call to the hub may take, and far more than the agent needs.
const PATIENCE: Duration = Duration::from_secs(8);

#[test]
fn a_hub_that_says_nothing_keeps_nobody() {
    let folder = std::env::temp_dir().join(format!("testudo-agent-silent-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = format!(
        "[agent]\nname = \"web-1\"\nstate-dir = \"state\"\nlogs = []\n[agent.fim]\ntrees = []\n[agent.ports]\nwatch = false\n[agent.hub]\nurl = \"http://{address}\"\ntoken-file = \"token\"\n"
    );
    fs::write(folder.join("testudo.toml"), config).unwrap();
    fs::write(folder.join("token"), "s3cr3t\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_testudo-agent"))
        .args(["run", "--config", "testudo.toml"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The connection stays open, and nothing comes back.
    let connection = listener.accept().unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(20));
    }
    let ended = child.try_wait().unwrap();
    drop(connection);
    child.kill().unwrap_or_default();
    child.wait().unwrap();
    assert!(ended.is_some_and(|status| status.success()), "it still waits");
    fs::remove_dir_all(&folder).unwrap();
}
