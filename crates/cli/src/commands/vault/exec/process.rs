//! The program that gets the values: started, listened to, waited for.

use std::{
    io::{self, Read, Write},
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use testudo_redact::stream::Masker;

use super::{
    ExecArgs,
    hand_over::{Handed, Way},
};
use crate::{commands::vault::identities::SECRET_VARIABLES, terminal};

/// Bytes read at once.
const PIECE: usize = 1 << 16;
/// What shells exit with where a command is not found, and where it cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// Keeps what this process holds out of core dumps and away from debuggers of other programs of the user. A program that is
/// started inherits that it dumps no core.
pub(super) fn protect() -> Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        setrlimit(Resource::Core, none).context("core dumps cannot be switched off")?;
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("this process cannot be kept from debuggers")?;
    Ok(())
}

/// Runs the command of the arguments to its end.
pub(super) fn run(args: &ExecArgs, handed: Handed, masker: Option<&Masker>) -> Result<ExitCode> {
    let [program, arguments @ ..] = args.command.as_slice() else { bail!("a command is expected behind `--`") };
    let mut command = Command::new(program);
    command.args(arguments);
    if args.pristine {
        command.env_clear();
    }
    for name in SECRET_VARIABLES {
        command.env_remove(name);
    }
    // They stay open until the program has them.
    let files = hand_over(&mut command, &handed)?;
    drop(handed);
    if masker.is_some() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    #[cfg(unix)]
    let group = super::signals::Group::choose(&mut command)?;
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(not_started(&program.to_string_lossy(), &error)),
    };
    drop((files, command));
    #[cfg(unix)]
    let forwarding = group.forward(&child)?;
    let status = wait(&mut child, masker);
    #[cfg(unix)]
    forwarding.end();
    Ok(code(status?))
}

fn not_started(program: &str, error: &io::Error) -> ExitCode {
    terminal::error(&format!("{program}: cannot be started: {error}"));
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE })
}

/// Puts values into the environment of a command. Gives the files in memory that it is to inherit.
fn hand_over(command: &mut Command, handed: &Handed) -> Result<Vec<MemoryFile>> {
    let mut files = Vec::new();
    for (name, value) in &handed.0 {
        match value.way {
            Way::Variable => {
                command.env(name, value.text.as_str());
            }
            Way::File => {
                let file = MemoryFile::of(name, value.text.as_bytes())?;
                command.env(name, file.path());
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// A file that has no name in any file system and is gone with the last program that has it open.
struct MemoryFile(#[cfg(target_os = "linux")] std::fs::File);

impl MemoryFile {
    #[cfg(target_os = "linux")]
    fn of(name: &str, bytes: &[u8]) -> Result<Self> {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
        // Without the flag that closes it, the program inherits it. The name is seen by nobody but the user.
        let file = memfd_create("secret", MemfdFlags::ALLOW_SEALING);
        let mut file = std::fs::File::from(file.with_context(|| format!("{name}: no file in memory can be made"))?);
        file.write_all(bytes).with_context(|| format!("{name}: the file in memory cannot be written"))?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)
            .with_context(|| format!("{name}: the file in memory cannot be sealed"))?;
        Ok(Self(file))
    }

    #[cfg(target_os = "linux")]
    fn path(&self) -> String {
        use std::os::fd::AsRawFd as _;
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    #[cfg(not(target_os = "linux"))]
    fn of(name: &str, _: &[u8]) -> Result<Self> {
        bail!("{name}: files in memory need Linux; hand the value over with --allow")
    }

    #[cfg(not(target_os = "linux"))]
    fn path(&self) -> String {
        String::new()
    }
}

/// Waits for a program, and masks what it prints until then.
fn wait(child: &mut Child, masker: Option<&Masker>) -> Result<ExitStatus> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        if let Some(masker) = masker {
            let out = out.map(|out| scope.spawn(move || relay(out, io::stdout(), masker)));
            let err = err.map(|err| scope.spawn(move || relay(err, io::stderr(), masker)));
            for thread in out.into_iter().chain(err) {
                if thread.join().is_err() {
                    bail!("what the command printed could not be masked, and the rest was held back");
                }
            }
        }
        child.wait().context("the command cannot be waited for")
    })
}

/// Hands on what a program prints. Where nobody listens any more its pipe is closed, so that the program learns it.
fn relay(mut from: impl Read, mut to: impl Write, masker: &Masker) {
    let (mut stream, mut piece, mut masked) = (masker.stream(), vec![0; PIECE], Vec::new());
    loop {
        match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => stream.push(&piece[..read], &mut masked),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
        if to.write_all(&masked).and_then(|()| to.flush()).is_err() {
            return;
        }
        masked.clear();
    }
    stream.finish(&mut masked);
    // Nothing is left to be told where the listener went just now.
    drop(to.write_all(&masked).and_then(|()| to.flush()));
}

/// What the program exited with; 128 and the signal where one ended it, as in shells.
fn code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    status.code().and_then(|code| u8::try_from(code & 0xff).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
