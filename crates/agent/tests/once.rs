//! What the agent makes of lines that are long past, and of changes that somebody accepts while it runs.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(30);

fn folder(name: &str, rest: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("testudo-agent-once-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(folder.join("tree")).unwrap();
    let config = format!("[agent]\nname = \"web-1\"\nstate-dir = \"state\"\n[agent.ports]\nwatch = false\n{rest}");
    fs::write(folder.join("testudo.toml"), config).unwrap();
    folder
}

fn agent(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testudo-agent"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn alerts(folder: &Path) -> String {
    fs::read_to_string(folder.join("state/alerts.jsonl")).unwrap_or_default()
}

/// Waits until the file of alerts has a text so often.
fn wait(folder: &Path, text: &str, count: usize) {
    let begun = Instant::now();
    while alerts(folder).matches(text).count() < count && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(alerts(folder).matches(text).count(), count, "{text}: {}", alerts(folder));
}

#[test]
fn an_attack_that_is_long_over_is_told_and_nobody_is_blocked() {
    for (time, blocked) in [("", 1), ("2020-01-01T00:00:00Z ", 0)] {
        let logs = "[[agent.logs]]\npath = \"auth.log\"\nfrom = \"beginning\"\n[agent.fim]\ntrees = []\n";
        let folder = folder("past", logs);
        let now =
            String::from_utf8(Command::new("date").arg("+%Y-%m-%dT%H:%M:%S%:z ").output().unwrap().stdout).unwrap();
        let time = if time.is_empty() { now.trim_end_matches('\n') } else { time };
        let line = format!("{time}web-1 sshd[1]: Failed password for root from 203.0.113.9 port 5 ssh2\n");
        fs::write(folder.join("auth.log"), line.repeat(10)).unwrap();
        assert!(agent(&folder, &["run", "--once", "--config", "testudo.toml"]).status().unwrap().success());
        let alerts = alerts(&folder);
        assert!(alerts.contains("agent-sshd-brute-force"), "{alerts}");
        assert_eq!(alerts.matches("\"target\":\"203.0.113.9\"").count(), blocked, "{time}: {alerts}");
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn what_is_accepted_reaches_the_agent_that_runs() {
    let folder = folder("accept", "logs = []\n[agent.fim]\ntrees = [\"tree\"]\n".replace("logs = []\n", "").as_str());
    fs::write(folder.join("tree/a"), "one").unwrap();
    let mut child = agent(&folder, &["run", "--config", "testudo.toml"]).spawn().unwrap();
    wait(&folder, "\"start\"", 1);
    fs::write(folder.join("tree/a"), "two").unwrap();
    wait(&folder, "agent-file-changed", 1);
    assert!(agent(&folder, &["fim", "accept", "--db", "state/files.db"]).status().unwrap().success());
    thread::sleep(Duration::from_secs(2));
    // Against the old baseline nothing differs now.
    fs::write(folder.join("tree/a"), "one").unwrap();
    wait(&folder, "agent-file-changed", 2);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn trees_that_come_go_and_lead_elsewhere_are_watched() {
    let folder = folder("roots", "[agent.fim]\ntrees = [\"tree\", \"later\", \"link\"]\n");
    fs::create_dir(folder.join("first")).unwrap();
    fs::create_dir(folder.join("second")).unwrap();
    std::os::unix::fs::symlink("first", folder.join("link")).unwrap();
    let mut child = agent(&folder, &["run", "--config", "testudo.toml"]).spawn().unwrap();
    wait(&folder, "\"start\"", 1);
    fs::write(folder.join("first/a"), "a").unwrap();
    wait(&folder, "first/a was created", 1);
    fs::create_dir(folder.join("later")).unwrap();
    fs::write(folder.join("later/b"), "b").unwrap();
    wait(&folder, "later was created", 1);
    wait(&folder, "later/b was created", 1);
    fs::rename(folder.join("tree"), folder.join("elsewhere")).unwrap();
    wait(&folder, "tree was deleted", 1);
    fs::create_dir(folder.join("tree")).unwrap();
    thread::sleep(Duration::from_secs(2));
    fs::write(folder.join("tree/c"), "c").unwrap();
    wait(&folder, "tree/c was created", 1);
    fs::remove_file(folder.join("link")).unwrap();
    std::os::unix::fs::symlink("second", folder.join("link")).unwrap();
    wait(&folder, "link changed", 1);
    fs::write(folder.join("second/d"), "d").unwrap();
    wait(&folder, "second/d was created", 1);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_folder_that_cannot_be_watched_any_more_is_told_once() {
    let folder = folder("limit", "[agent.fim]\ntrees = [\"tree\"]\n");
    let mut deep = fs::canonicalize(folder.join("tree")).unwrap();
    // The longest path that Linux takes has 4,095 bytes.
    while deep.as_os_str().len() < 3900 {
        deep.push("x".repeat(150.min(3990 - deep.as_os_str().len())));
    }
    fs::create_dir_all(&deep).unwrap();
    let mut child = agent(&folder, &["run", "--config", "testudo.toml"]).spawn().unwrap();
    wait(&folder, "\"start\"", 1);
    for name in ["y", "z"] {
        // From within, longer paths can be made.
        let made = Command::new("mkdir").arg(name.repeat(200)).current_dir(&deep).status().unwrap();
        assert!(made.success());
        wait(&folder, "\"agent-files-unwatched\"", 1);
    }
    thread::sleep(Duration::from_secs(1));
    wait(&folder, "\"agent-files-unwatched\"", 1);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    fs::remove_dir_all(&folder).unwrap();
}
