//! Commands that policies name. Nothing stands between them and the system: no shell.

use std::{
    io::{self, PipeReader, Read as _},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Most that is read of what a command writes, in bytes.
const MAX_OUTPUT: usize = 16 << 20;
/// Where programs of the administrator are. The path of whoever runs this is not asked.
pub(super) const FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long the outputs of a command that ended are waited for: what it started may keep them open.
const AFTER: Duration = Duration::from_secs(1);
/// How long lies between two looks at a command that runs.
const PAUSE: Duration = Duration::from_millis(2);

/// What a command did.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// What it wrote, to both of its outputs.
    pub(super) text: Rc<[u8]>,
    /// How it ended, where that was no success.
    pub(super) failure: Option<String>,
}

/// The words of a command: apart by spaces, together in quotes; `\` takes the next character as it is.
///
/// # Errors
/// A quote is never closed, or there is no word.
pub(crate) fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote): (Vec<String>, Option<String>, Option<char>) = (Vec::new(), None, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote != Some('\'') => word.get_or_insert_default().extend(chars.next()),
            _ if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && quote.is_none() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(quote) => Err(format!("the command `{line}` has a {quote} that is never closed")),
        None if words.is_empty() => Err("the command is empty".to_owned()),
        None => Ok(words),
    }
}

/// Runs a command.
///
/// # Errors
/// It cannot be started, does not end in time, or writes too much.
pub(super) fn run(line: &str, limit: Duration) -> Result<Output, String> {
    let told = |error: io::Error| format!("the command `{line}`: {error}");
    let until = Instant::now() + limit;
    let (mut child, reader) = start(&words(line)?).map_err(told)?;
    let written = Arc::new(Mutex::new(Some(Vec::new())));
    let (sender, ends) = mpsc::sync_channel(1);
    let shared = Arc::clone(&written);
    thread::spawn(move || {
        // Nobody waits any more once the time is over.
        sender.try_send(gather(reader, &shared)).ok();
    });
    let ended = wait(&child, until, &ends);
    // Its number stays its own until it is waited for: no other group can be hit.
    kill(&child);
    let status = child.wait().map_err(told)?;
    // Whatever comes later is not kept: what the command started may write on.
    let text = written.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
    match ended {
        Ended::Late => Err(format!("the command `{line}` did not end within {} s", limit.as_secs())),
        Ended::TooMuch => Err(format!("the command `{line}` wrote more than {MAX_OUTPUT} bytes")),
        Ended::Itself => Ok(Output { text: text.into(), failure: (!status.success()).then(|| status.to_string()) }),
    }
}

fn start(words: &[String]) -> io::Result<(Child, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir("/").env("PATH", FOLDERS).env("LC_ALL", "C").process_group(0);
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    // Our own ends of the pipe, which would keep it open, go with the command.
    Ok((command.spawn()?, reader))
}

/// What became of the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gathered {
    /// Nobody writes to them any more, or nobody asks.
    All,
    TooMuch,
}

fn gather(mut reader: PipeReader, written: &Mutex<Option<Vec<u8>>>) -> Gathered {
    let mut buffer = [0; 16 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return Gathered::All,
            Ok(count) => count,
        };
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = written.as_mut() else { return Gathered::All };
        if written.len() + count > MAX_OUTPUT {
            return Gathered::TooMuch;
        }
        written.extend_from_slice(&buffer[..count]);
    }
}

/// How a command ended.
enum Ended {
    Itself,
    Late,
    TooMuch,
}

fn wait(child: &Child, until: Instant, ends: &mpsc::Receiver<Gathered>) -> Ended {
    let mut gathered = None;
    while !has_ended(child) {
        if Instant::now() >= until {
            return Ended::Late;
        }
        match gathered {
            None => gathered = ends.recv_timeout(PAUSE).ok(),
            Some(Gathered::TooMuch) => return Ended::TooMuch,
            Some(Gathered::All) => thread::sleep(PAUSE),
        }
    }
    let gathered = gathered.or_else(|| ends.recv_timeout(AFTER).ok());
    if gathered == Some(Gathered::TooMuch) { Ended::TooMuch } else { Ended::Itself }
}

/// Whether a child has ended. It is left to be waited for.
fn has_ended(child: &Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    number(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
}

fn number(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Ends a child and all of its group.
fn kill(child: &Child) {
    if let Some(group) = number(child) {
        // They may all have ended.
        kill_process_group(group, Signal::KILL).ok();
    }
}
