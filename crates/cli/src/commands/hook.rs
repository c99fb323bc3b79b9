//! `testudo hook`: git asks before it records or accepts something.

mod bypass;
mod install;
mod judge;
mod updates;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

/// Install, remove and run git hooks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo hook install                          pre-commit and pre-push of this repository
  testudo hook install --pre-receive /srv/git/app.git
  testudo hook uninstall
  TESTUDO_BYPASS_REASON='test keys, INC-123' git commit
  git push -o testudo-bypass='test keys, INC-123'")]
pub(crate) struct HookArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write hooks that run testudo; a hook that is there already is kept and runs first
    Install {
        #[command(flatten)]
        which: Which,
        /// Drop an older kept hook where both it and a newer one are in the way
        #[arg(long)]
        force: bool,
        /// The repository
        #[arg(value_name = "REPO", default_value = ".")]
        repository: PathBuf,
    },
    /// Remove the hooks that testudo wrote and put back the ones it kept
    Uninstall {
        #[command(flatten)]
        which: Which,
        /// The repository
        #[arg(value_name = "REPO", default_value = ".")]
        repository: PathBuf,
    },
    /// What an installed hook calls; exit 1 where the gate fails
    Run {
        /// The hook
        hook: Hook,
        /// What git gives the hook; not used
        #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Without a flag: pre-commit and pre-push; in a bare repository pre-receive.
#[derive(Debug, Args)]
struct Which {
    /// Look at what is about to be committed
    #[arg(long)]
    pre_commit: bool,
    /// Look at the commits that are about to be pushed
    #[arg(long)]
    pre_push: bool,
    /// On a server: look at the commits that are pushed to it
    #[arg(long)]
    pre_receive: bool,
}

impl Which {
    fn hooks(&self) -> Vec<Hook> {
        let all =
            [(self.pre_commit, Hook::PreCommit), (self.pre_push, Hook::PrePush), (self.pre_receive, Hook::PreReceive)];
        all.into_iter().filter(|(wanted, _)| *wanted).map(|(_, hook)| hook).collect()
    }
}

/// A moment at which git asks.
#[expect(clippy::enum_variant_names, reason = "the names are git's")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hook {
    /// Before a commit is made.
    PreCommit,
    /// Before commits leave the machine.
    PrePush,
    /// Before a server takes commits.
    PreReceive,
}

impl Hook {
    const ALL: [Self; 3] = [Self::PreCommit, Self::PrePush, Self::PreReceive];

    /// The name of the file that git looks for.
    const fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }
}

/// Runs the command.
pub(crate) use install::is_missing;

pub(crate) fn run(args: HookArgs) -> Result<ExitCode> {
    match args.command {
        Command::Install { which, force, repository } => {
            let kept = if force { install::Kept::Replace } else { install::Kept::Refuse };
            install::install(&repository, &which.hooks(), kept)
        }
        Command::Uninstall { which, repository } => install::uninstall(&repository, &which.hooks()),
        Command::Run { hook, arguments: _ } => judge::run(hook),
    }
}
