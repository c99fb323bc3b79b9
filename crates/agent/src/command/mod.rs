//! The commands, for both binaries: arguments to calls to exit code. Nothing is printed here: whoever calls hands over where
//! to write, and is told what people should know.

mod doctor;
mod files;
mod logtest;
mod responses;
mod sca;

use std::{
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use crate::{AgentError, Config, Duty};

/// Name of a configuration that is found in the current folder.
const CONFIG: &str = "testudo.toml";

/// Watch a host: logs, files and listening ports; tell what is wrong, and block who attacks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo agent doctor                          what can be watched on this machine, and what cannot
  testudo agent run --config testudo.toml       watch; ends with Ctrl-C or SIGTERM
  testudo agent logtest < /var/log/auth.log     what the rules say of these lines
  testudo agent fim init --db files.db /etc     accept files as they are
  testudo agent fim check --db files.db         what changed since
  testudo agent sca run                         is this host configured as it should be?
  testudo agent response list                   who is blocked, and for how long
  testudo agent response undo ID                let an address in again

Exit codes: 0 done, nothing changed or failed; 1 files changed, or checks failed; 2 usage or configuration")]
pub struct AgentArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch this host in the foreground
    Run(RunArgs),
    /// Say which decoder and which rule take the log lines of standard input
    Logtest(logtest::LogtestArgs),
    /// Files: accept them as they are, and see what changed
    Fim(files::FimArgs),
    /// Check how this host is configured
    Sca(sca::ScaArgs),
    /// Answers to attacks: list them, take one back
    Response(responses::ResponseArgs),
    /// Say what can be watched on this machine, what cannot, and why
    Doctor(Which),
}

/// Which configuration.
#[derive(Debug, Args)]
struct Which {
    /// Configuration file [default: testudo.toml here, or else what a usual host has]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    which: Which,
    /// Look at all there is, hand it over, and end
    #[arg(long)]
    once: bool,
}

/// How something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where commands read and write.
pub struct Terminal<'t> {
    /// Standard input.
    pub input: &'t mut dyn BufRead,
    /// Standard output.
    pub out: &'t mut dyn Write,
    /// Takes what people should know.
    pub tell: &'t mut dyn FnMut(&str),
}

impl std::fmt::Debug for Terminal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Terminal")
    }
}

impl Terminal<'_> {
    fn print(&mut self, text: &str) -> Result<(), AgentError> {
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            // Somebody who closed the pipe has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(AgentError::System { what: "standard output", source: error })
            }
            _ => Ok(()),
        }
    }
}

/// Runs a command; gives the exit code.
///
/// # Errors
/// It cannot be done: exit code 2.
pub fn execute(args: AgentArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    match args.command {
        Command::Run(args) => run(&args, terminal),
        Command::Logtest(args) => logtest::run(&args, terminal),
        Command::Fim(args) => files::run(args, terminal),
        Command::Sca(args) => sca::run(args, terminal),
        Command::Response(args) => responses::run(args, terminal),
        Command::Doctor(which) => doctor::run(&which, terminal),
    }
}

fn run(args: &RunArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    let config = args.which.load()?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|source| AgentError::System { what: "signals", source })?;
    }
    let duty = if args.once { Duty::Once } else { Duty::Always };
    crate::run(config, duty, &stop, terminal.tell)?;
    Ok(0)
}

impl Which {
    fn load(&self) -> Result<Config, AgentError> {
        match &self.config {
            Some(path) => Config::load(path),
            None if Path::new(CONFIG).exists() => Config::load(Path::new(CONFIG)),
            None => Ok(Config::standard()),
        }
    }
}
