//! `testudo release`: stages, deployment, final checks, promotion, and the way back.

mod project;
mod status;
mod world;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::Result;
use clap::{Args, Subcommand, ValueHint};
use testudo_ledger::ReleaseState;
use testudo_release::{
    History, Lock, ReleaseError, Request, Standing, Started, abort, begin, drive, go_back, guard, resume,
};

use crate::{commands::ledger, record, terminal};
use project::Project;
use world::Here;

/// Another process works on the environment.
const HELD: u8 = 6;
/// How long a command may take to end after it was asked to, and how much longer its guard is waited for.
const GRACE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);
/// Longest reason that is recorded, in characters.
const MAX_REASON: usize = 1000;

/// Run stages, deploy, check, promote, and go back where a check fails
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo release run prod --version 1.4.0      every stage of [release.prod] in testudo.toml, one after another
  testudo release status prod                   where it stands, what is the known good version, what to do next
  testudo release resume prod                   go on after a crash: what was done is not done again
  testudo release abort prod                    stop; what was deployed goes back to the known good version
  testudo release rollback prod                 back to the version that was promoted before
  testudo release ledger verify prod --key ops.pub

Exit codes: 0 promoted or done, 1 rejected, 2 usage or configuration, 3 rolled back, 4 the way back failed, 5 in doubt, 6 another
process is at work")]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Release a version: every stage in turn, promoted where all pass, rolled back where a final check fails
    Run(RunArgs),
    /// Show where releases stand
    Status(status::StatusArgs),
    /// Go on with a release whose process ended
    Resume(Which),
    /// Stop the release that is under way
    Abort(AbortArgs),
    /// Return to a version that was promoted before
    Rollback(RollbackArgs),
    /// Show, check and export the ledger of an environment
    Ledger(ledger::ReleaseLedgerArgs),
    /// Run one command of a stage
    #[command(hide = true)]
    Guard(GuardArgs),
}

/// Which environment of which project.
#[derive(Debug, Args)]
struct Which {
    /// The environment: `[release.ENV]` in testudo.toml
    #[arg(value_name = "ENV")]
    environment: String,
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Show no output of commands
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    which: Which,
    /// What is released: `$VERSION` in commands
    #[arg(long, value_name = "VERSION")]
    version: String,
}

#[derive(Debug, Args)]
struct AbortArgs {
    #[command(flatten)]
    which: Which,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
struct RollbackArgs {
    #[command(flatten)]
    which: Which,
    /// A version that was promoted, or `known-good` [default: the one before]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
}

#[derive(Debug, Args)]
struct GuardArgs {
    lock: PathBuf,
    grace: u64,
    command: OsString,
}

pub(crate) fn run(args: ReleaseArgs) -> Result<ExitCode> {
    let result = match args.command {
        Command::Run(args) => run_release(&args),
        Command::Status(args) => status::run(&args),
        Command::Resume(which) => resume_release(&which),
        Command::Abort(args) => abort_release(&args),
        Command::Rollback(args) => rollback(&args),
        Command::Ledger(args) => ledger::run_for_release(args),
        Command::Guard(args) => {
            return Ok(ExitCode::from(guard::run(&args.lock, Duration::from_millis(args.grace), &args.command)));
        }
    };
    // Somebody else being at work is no mistake, and has a code of its own.
    match result {
        Err(error)
            if matches!(
                error.downcast_ref::<ReleaseError>(),
                Some(ReleaseError::Held { .. } | ReleaseError::Unfinished { .. } | ReleaseError::Fenced { .. })
            ) =>
        {
            terminal::failure(&error);
            Ok(ExitCode::from(HELD))
        }
        result => result,
    }
}

fn run_release(args: &RunArgs) -> Result<ExitCode> {
    let project = Project::load(&args.which)?;
    let lock = project.lock(PATIENCE)?;
    let (mut history, mut here) = project.begin(&lock, args.which.quiet)?;
    project.tell_what_shows_nothing();
    let commit = project.commit();
    begin(&mut history, &project.pipeline, &mut here, &Started { version: args.version.clone(), commit })?;
    tell_beginning(&history);
    go_on(&project, &mut history, &mut here)
}

fn resume_release(which: &Which) -> Result<ExitCode> {
    let project = Project::load(which)?;
    let lock = project.lock(PATIENCE)?;
    let (mut history, mut here) = project.begin(&lock, which.quiet)?;
    resume(&mut history, &project.pipeline, &mut here)?;
    go_on(&project, &mut history, &mut here)
}

fn abort_release(args: &AbortArgs) -> Result<ExitCode> {
    let project = Project::load(&args.which)?;
    let mut told = false;
    let lock = loop {
        // A command whose process is gone is waited for; of a process that is at work it is asked that it stop.
        match project.lock(PATIENCE) {
            Ok(lock) => break lock,
            Err(ReleaseError::Held { .. }) => told = ask_to_stop(&project, args, told)?,
            Err(error) => return Err(error.into()),
        }
        thread::sleep(PAUSE);
    };
    let (mut history, mut here) = project.begin(&lock, args.which.quiet)?;
    if history.unfinished().is_none() {
        if !told {
            terminal::note(&format!("{}: nothing is under way", args.which.environment));
            return Ok(ExitCode::SUCCESS);
        }
        return end_of_abort(&history);
    }
    resume(&mut history, &project.pipeline, &mut here)?;
    let request = asked(&history, &args.reason);
    abort(&mut history, &project.pipeline, &mut here, &request)?;
    if let Err(error) = drive(&mut history, &project.pipeline, &mut here) {
        return open_end(&history, error);
    }
    end_of_abort(&history)
}

/// Leaves the wish that a release stop, once it has begun. Says whether it was told.
fn ask_to_stop(project: &Project, args: &AbortArgs, told: bool) -> Result<bool> {
    let environment = &args.which.environment;
    let history = project.history()?;
    let waiting = |standing: &Standing| standing.aborted.is_none();
    if history.unfinished().is_none_or(|standing| !waiting(standing)) || !Lock::is_held(&project.state, environment) {
        return Ok(told);
    }
    asked(&history, &args.reason).leave(&project.state, environment)?;
    if !told {
        terminal::note("asked the process that is at work to stop");
    }
    Ok(true)
}

fn asked(history: &History, reason: &str) -> Request {
    let release = history.last.as_ref().map(|standing| standing.release.clone()).unwrap_or_default();
    // It stands on one line of many texts.
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let reason = reason.chars().take(MAX_REASON).map(shown).collect();
    Request { release, actor: record::actor(), reason }
}

/// Stopping is what was asked for, so what was stopped is no failure.
fn end_of_abort(history: &History) -> Result<ExitCode> {
    let Some(standing) = &history.last else { return Ok(ExitCode::SUCCESS) };
    drop(terminal::stdout(&line(standing)));
    Ok(match standing.state {
        ReleaseState::Rejected | ReleaseState::RolledBack => ExitCode::SUCCESS,
        ReleaseState::Promoted => {
            terminal::warn("it was promoted before it could be stopped; `testudo release rollback` goes back");
            ExitCode::from(1)
        }
        _ => code(standing),
    })
}

fn rollback(args: &RollbackArgs) -> Result<ExitCode> {
    let project = Project::load(&args.which)?;
    let lock = project.lock(PATIENCE)?;
    let (mut history, mut here) = project.begin(&lock, args.which.quiet)?;
    if let Some(standing) = history.unfinished() {
        let good = standing.target().unwrap_or_default();
        if args.to.as_deref().is_some_and(|to| to != "known-good" && to != good) {
            let release = &standing.release;
            anyhow::bail!(
                "{release} has not ended, and goes back to {good}; end it with `testudo release abort` first"
            );
        }
        resume(&mut history, &project.pipeline, &mut here)?;
        let request = asked(&history, "rollback");
        abort(&mut history, &project.pipeline, &mut here, &request)?;
        if let Err(error) = drive(&mut history, &project.pipeline, &mut here) {
            return open_end(&history, error);
        }
        return end_of_abort(&history);
    }
    let good = history.known_good.as_ref().map(|known| known.version.clone());
    let to = args.to.as_deref().map(|to| if to == "known-good" { good.as_deref().unwrap_or(to) } else { to });
    go_back(&mut history, &project.pipeline, &mut here, to)?;
    tell_beginning(&history);
    go_on(&project, &mut history, &mut here)
}

fn go_on(project: &Project, history: &mut History, here: &mut Here<'_>) -> Result<ExitCode> {
    if let Err(error) = drive(history, &project.pipeline, here) {
        return open_end(history, error);
    }
    here.forget_request();
    let Some(standing) = &history.last else { return Ok(ExitCode::SUCCESS) };
    // The exit code says what happened, also where nobody can be told any more.
    drop(terminal::stdout(&line(standing)));
    Ok(code(standing))
}

/// What could not go on after the deployment began leaves open what is in service.
fn open_end(history: &History, error: ReleaseError) -> Result<ExitCode> {
    let open = history.unfinished().is_some_and(|standing| standing.touched);
    if !open || matches!(error, ReleaseError::Held { .. } | ReleaseError::Fenced { .. }) {
        return Err(error.into());
    }
    terminal::failure(&error.into());
    terminal::warn(
        "the deployment began, and its end is open; go on with `testudo release resume`, or undo it with `abort`",
    );
    Ok(ExitCode::from(5))
}

fn tell_beginning(history: &History) {
    if let Some(standing) = &history.last {
        let good = match &standing.previous {
            Some(version) => format!("the known good version is {version}"),
            None => "no version was promoted before".to_owned(),
        };
        terminal::progress(&format!("{}: {} begins; {good}", standing.release, standing.version));
    }
}

/// Where a release stands, as one line.
fn line(standing: &Standing) -> String {
    let reason = standing.ended.as_deref().unwrap_or_default();
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let text = format!("{}: {} {}{reason}", standing.release, standing.version, standing.state.as_str());
    testudo_report::visible_lines(&text).into_owned() + "\n"
}

/// The exit code of where a release stands.
fn code(standing: &Standing) -> ExitCode {
    ExitCode::from(match standing.state {
        ReleaseState::Promoted => 0,
        // A return is what was asked for.
        ReleaseState::RolledBack if standing.is_return => 0,
        ReleaseState::Rejected => 1,
        ReleaseState::RolledBack => 3,
        ReleaseState::RollbackFailed => 4,
        _ => 5,
    })
}

/// The folder of what releases keep on this machine: locks, wishes to stop, and logs.
fn state_folder(root: &Path) -> PathBuf {
    root.join(".testudo").join("release")
}
