//! Runs commands: with a deadline, without their secrets in what is kept of them, and never longer than the release itself.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    process::{self, Child, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use testudo_redact::stream::{Masker, Stream};

/// Bytes of one command's output that its log keeps.
const MAX_LOG: usize = 16 << 20;
/// Bytes of standard output that are kept for whoever asked for them.
const MAX_ANSWER: usize = 64 << 10;
/// Bytes of the end of the output that are kept.
const MAX_TAIL: usize = 4 << 10;
const CHUNK: usize = 64 << 10;
const PAUSE: Duration = Duration::from_millis(20);
/// How long output is waited for after a command has ended: a service that it started may hold its end open for ever.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
/// How much longer than its command a guard may take to end.
const UNGUARDED: Duration = Duration::from_secs(5);

/// A command of a stage.
#[derive(Debug, Clone)]
pub struct Command {
    /// What a shell is given.
    pub run: String,
    /// Variables, beside those of the process.
    pub variables: Vec<(&'static str, String)>,
    /// How long it may take.
    pub timeout: Duration,
    /// File of its output; none keeps nothing.
    pub log: Option<PathBuf>,
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Exit code, 128 and the number of the signal where one ended it.
    pub exit: i32,
    /// Whether it was ended because its time was over.
    pub timed_out: bool,
    /// Whether it was ended because somebody asked.
    pub stopped: bool,
    /// The beginning of its standard output as it was.
    pub answer: Vec<u8>,
    /// The end of its output, masked.
    pub tail: String,
    /// How long it took.
    pub took: Duration,
}

/// Who hears of the output while it comes.
pub trait Sink {
    /// More output, masked.
    fn output(&mut self, bytes: &[u8]);

    /// Whether the command has to end.
    fn is_stopped(&mut self) -> bool;
}

/// Runs commands of one environment.
#[derive(Debug)]
pub struct Shell {
    /// The program and its words that lead to [`crate::guard::run`]; lock, grace and command follow.
    pub guard: Vec<OsString>,
    /// The directory in which commands run.
    pub folder: PathBuf,
    /// The file that says that a command runs.
    pub lock: PathBuf,
    /// How long a command may take to end after it was asked to.
    pub grace: Duration,
    /// Knows the secrets.
    pub masker: Masker,
}

impl Shell {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// The guard cannot be started, or the log cannot be written.
    pub fn run(&self, command: &Command, sink: &mut dyn Sink) -> io::Result<Ended> {
        let begun = Instant::now();
        // Before anything runs: what cannot be kept is told then.
        let log = Log::open(command.log.as_deref())?;
        let mut child = self.spawn(command)?;
        let mut lifeline = child.stdin.take();
        let (sender, chunks) = mpsc::sync_channel(16);
        for (pipe, input) in
            [(Pipe::Output, child.stdout.take().map(boxed)), (Pipe::Error, child.stderr.take().map(boxed))]
        {
            if let Some(input) = input {
                let sender = sender.clone();
                thread::spawn(move || forward(pipe, input, &sender));
            }
        }
        drop(sender);
        if let Some(input) = &mut lifeline {
            // A guard that is gone already says why on its standard error.
            drop(input.write_all(b"\n"));
        }
        #[cfg(feature = "fault")]
        fault_during();
        let mut listening = Listening { log, sink, ended: Ended::default(), tail: VecDeque::new(), cut: None };
        let status = listening.follow(
            &mut child,
            &mut lifeline,
            (begun + command.timeout, &chunks),
            (&self.masker, self.grace),
        )?;
        #[cfg(feature = "fault")]
        testudo_ledger::fault::reach("command.done");
        #[cfg(unix)]
        if status.code().is_none() && !crate::guard::end_left(&self.lock) {
            return Err(io::Error::other("the guard of a command was killed, and the command cannot be ended"));
        }
        let mut ended = listening.ended;
        ended.exit = status.code().unwrap_or(-1);
        ended.tail = String::from_utf8_lossy(listening.tail.make_contiguous()).into_owned();
        ended.took = begun.elapsed();
        Ok(ended)
    }

    fn spawn(&self, command: &Command) -> io::Result<Child> {
        let (program, words) =
            self.guard.split_first().ok_or_else(|| io::Error::other("no program to run commands with"))?;
        let mut child = process::Command::new(program);
        child.args(words).arg(&self.lock).arg(self.grace.as_millis().to_string()).arg(&command.run);
        child.current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The key that signs is the release's own.
        child.env_remove("TESTUDO_SIGNING_KEY");
        child.envs(command.variables.iter().map(|(name, value)| (*name, value)));
        // An interrupt from the keyboard is for the release, whose end the guard sees.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut child, 0);
        child.spawn()
    }
}

/// A moment in which a command is certain to run.
#[cfg(feature = "fault")]
fn fault_during() {
    if testudo_ledger::fault::is_due("command.during") {
        thread::sleep(Duration::from_millis(30));
        testudo_ledger::fault::end();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Output,
    Error,
}

fn boxed(input: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(input)
}

fn forward(pipe: Pipe, mut input: Box<dyn Read + Send>, sender: &SyncSender<(Pipe, Vec<u8>)>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) if sender.send((pipe, buffer[..read].to_vec())).is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Follows one command.
struct Listening<'a> {
    log: Log,
    sink: &'a mut dyn Sink,
    ended: Ended,
    tail: VecDeque<u8>,
    /// When the command was asked to end.
    cut: Option<Instant>,
}

impl Listening<'_> {
    fn follow(
        &mut self,
        child: &mut Child,
        lifeline: &mut Option<process::ChildStdin>,
        (deadline, chunks): (Instant, &Receiver<(Pipe, Vec<u8>)>),
        (masker, grace): (&Masker, Duration),
    ) -> io::Result<ExitStatus> {
        let (mut output, mut error) = (masker.stream(), masker.stream());
        let mut gone: Option<(ExitStatus, Instant)> = None;
        let status = loop {
            let received = chunks.recv_timeout(PAUSE);
            match received {
                Ok((Pipe::Output, bytes)) => {
                    let room = MAX_ANSWER.saturating_sub(self.ended.answer.len());
                    self.ended.answer.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    self.take(&mut output, &bytes)?;
                }
                Ok((Pipe::Error, bytes)) => self.take(&mut error, &bytes)?,
                Err(RecvTimeoutError::Disconnected) => break child.wait()?,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if lifeline.is_some() && gone.is_none() {
                self.ended.timed_out = Instant::now() >= deadline;
                self.ended.stopped = !self.ended.timed_out && self.sink.is_stopped();
                if self.ended.timed_out || self.ended.stopped {
                    *lifeline = None;
                    self.cut = Some(Instant::now());
                }
            }
            // A guard that does not end in time does not work any more.
            if gone.is_none() && self.cut.is_some_and(|cut| cut.elapsed() > grace + UNGUARDED) {
                child.kill()?;
            }
            match gone {
                None => gone = child.try_wait()?.map(|status| (status, Instant::now())),
                Some((status, since)) if since.elapsed() > LAST_OUTPUT => break status,
                Some(_) => {}
            }
        };
        for rest in [output, error] {
            let mut bytes = Vec::new();
            rest.finish(&mut bytes);
            self.give(&bytes)?;
        }
        Ok(status)
    }

    fn take(&mut self, stream: &mut Stream<'_>, bytes: &[u8]) -> io::Result<()> {
        let mut masked = Vec::with_capacity(bytes.len());
        stream.push(bytes, &mut masked);
        self.give(&masked)
    }

    fn give(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.tail.extend(&bytes[bytes.len().saturating_sub(MAX_TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(MAX_TAIL));
        self.sink.output(bytes);
        if let Err(error) = self.log.write(bytes) {
            let told = format!("\ntestudo: the rest of the output is not kept: {error}\n");
            self.sink.output(told.as_bytes());
        }
        Ok(())
    }
}

/// The file that keeps the output.
struct Log {
    file: Option<File>,
    left: usize,
}

impl Log {
    fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, left: 0 }) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Every attempt stays.
        let file = File::options().append(true).create(true).open(path)?;
        Ok(Self { file: Some(file), left: MAX_LOG })
    }

    /// Keeps more output. A disk that is full ends no command: what is written after that is not kept.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let kept = bytes.len().min(self.left);
        let mut written = file.write_all(&bytes[..kept]);
        self.left -= kept;
        if kept < bytes.len() {
            let cut = b"\n[the rest of the output is not kept: it is longer than 16 MiB]\n";
            written = written.and_then(|()| file.write_all(cut));
        }
        if kept < bytes.len() || written.is_err() {
            self.file = None;
        }
        written
    }
}
