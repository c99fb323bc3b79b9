//! Runs one command in a process group of its own, and ends all of it when the process that asked for it is gone.
//!
//! The guard is a process between a release and its command. It holds the lock of commands, so nothing else of the release
//! begins before the command has ended; and it reads its standard input, which ends when the release stops the command or is
//! killed itself. Then the group gets TERM and, after a time of grace, KILL. What a command leaves behind in its group is
//! ended the same way: a service has to be started in a session of its own.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid};

/// What the guard ends with where it could not run the command.
const NOT_RUN: u8 = 125;
const PAUSE: Duration = Duration::from_millis(10);
/// How long something that lost its guard may take to end.
const LEFT: Duration = Duration::from_secs(4);

enum Event {
    /// The release is there, and lets the command begin.
    Go,
    /// The release is gone, or wants the command to end.
    Cut,
    /// The command has ended.
    Ended,
}

/// Runs a command with a shell once the release says so, and gives its exit code: 128 and the number of the signal where one
/// ended it.
#[must_use]
pub fn run(lock: &Path, grace: Duration, command: &OsStr) -> u8 {
    match guarded(lock, grace, command) {
        Ok(code) => code,
        Err(error) => {
            // Its standard error is the log of the stage.
            drop(writeln!(io::stderr(), "testudo: the command was not run: {error}"));
            NOT_RUN
        }
    }
}

fn guarded(lock: &Path, grace: Duration, command: &OsStr) -> io::Result<u8> {
    let held = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(lock)?;
    held.try_lock().map_err(|_| io::Error::other("another command of this environment still runs"))?;
    let (sender, events) = mpsc::channel();
    watch_release(sender.clone());
    if !matches!(events.recv(), Ok(Event::Go)) {
        return Ok(NOT_RUN);
    }
    let mut child = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).process_group(0).spawn()?;
    let group = Pid::from_child(&child);
    (&held).write_all(note(group).as_bytes())?;
    thread::spawn(move || {
        // It stays a zombie, so that its number belongs to nobody else while its group is being ended.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(group), options).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        drop(sender.send(Event::Ended));
    });
    if matches!(events.recv(), Ok(Event::Cut)) {
        stop(group, grace, &events);
    }
    let code = sweep(&mut child, group, grace)?;
    held.set_len(0)?;
    Ok(code)
}

/// What the lock file says while a command runs: the start of the machine, and the group.
fn note(group: Pid) -> String {
    format!("{} {}", boot(), group.as_raw_nonzero())
}

/// Names the run of the machine; empty where it has no name. A number of a process means nothing after another start.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Ends what is left of a command whose guard was killed, and says whether nothing of it is left.
#[must_use]
pub(crate) fn end_left(lock: &Path) -> bool {
    let text = fs::read_to_string(lock).unwrap_or_default();
    let Some((start, number)) = text.split_once(' ') else { return true };
    let group = number.trim().parse().ok().and_then(Pid::from_raw);
    let Some(group) = group.filter(|group| start == boot() && group.as_raw_nonzero().get() > 1) else { return true };
    let deadline = Instant::now() + LEFT;
    let mut signal = Signal::TERM;
    while test_kill_process_group(group).is_ok() {
        let now = Instant::now();
        if now >= deadline {
            return false;
        }
        if deadline.duration_since(now) < LEFT / 2 {
            signal = Signal::KILL;
        }
        send(group, signal);
        thread::sleep(PAUSE);
    }
    drop(fs::write(lock, ""));
    true
}

/// Tells when the release lets the command begin, and when its end of standard input is closed.
fn watch_release(sender: Sender<Event>) {
    thread::spawn(move || {
        let mut byte = [0];
        let mut input = io::stdin().lock();
        if matches!(input.read(&mut byte), Ok(1)) {
            drop(sender.send(Event::Go));
            while matches!(input.read(&mut byte), Ok(1)) {}
        }
        drop(sender.send(Event::Cut));
    });
}

/// Ends a group: kindly, then not.
fn stop(group: Pid, grace: Duration, events: &Receiver<Event>) {
    send(group, Signal::TERM);
    let deadline = Instant::now() + grace;
    loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended) => return,
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    send(group, Signal::KILL);
}

/// Sends a signal to a group, which may be gone.
fn send(group: Pid, signal: Signal) -> bool {
    kill_process_group(group, signal).is_ok()
}

/// Ends what the command left behind, and gives its exit code.
fn sweep(child: &mut Child, group: Pid, grace: Duration) -> io::Result<u8> {
    send(group, Signal::TERM);
    let status = child.wait()?;
    if test_kill_process_group(group).is_ok() {
        drop(writeln!(
            io::stderr(),
            "testudo: the command left processes running; they are ended (start a service with setsid, or with a service manager)"
        ));
        let deadline = Instant::now() + grace;
        while test_kill_process_group(group).is_ok() {
            if Instant::now() >= deadline {
                send(group, Signal::KILL);
                break;
            }
            thread::sleep(PAUSE);
        }
    }
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
