//! `testudo gitleaks`: gitleaks' flags, output fields and exit codes over our engine.

mod arguments;
mod block;
mod config;
mod content;
mod directory;
mod git_date;
mod history;
mod ignored;
mod link;
mod log;
mod log_options;
mod message;
mod output;
mod worktree;

pub(crate) use self::link::remote_url;

use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use testudo_secrets::gitleaks::{CompatFinding, Scanner, Settings, redact};

pub(crate) use arguments::GitleaksArgs;
use arguments::{Command, Flags, Task};
pub(crate) use config::Disk;
use content::Contents;
use ignored::Ignored;
use log::Log;

/// The version of gitleaks that is reproduced.
const VERSION: &str = "8.30.1";
/// What gitleaks exits with for a flag that it does not know.
const UNKNOWN_FLAG: u8 = 126;
/// What it exits with for everything else that keeps it from its work.
const FAILED: u8 = 1;

/// Runs the front. gitleaks exits with 1 on its own errors and with `--exit-code` on findings.
pub(crate) fn run(args: GitleaksArgs) -> ExitCode {
    match execute(args) {
        Ok(code) => code,
        Err(error) => {
            crate::terminal::error(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Tells what is wrong with a command line, and ends as gitleaks does.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let code = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::MissingSubcommand => 0,
        ErrorKind::UnknownArgument => match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(flag)) if flag.starts_with("--") => UNKNOWN_FLAG,
            _ => FAILED,
        },
        _ => FAILED,
    };
    // Nothing is left to tell anybody when standard error is closed.
    drop(error.print());
    ExitCode::from(code)
}

/// Everything a scan needs, shared by its threads.
struct Front {
    flags: Flags,
    task: Task,
    scanner: Scanner,
    log: Log,
    /// Paths of the configuration and of the baseline, which are not looked at.
    own: [String; 2],
    /// What was found so far: a scan that runs out of time has found something too.
    found: Mutex<Vec<CompatFinding>>,
}

impl Front {
    /// Keeps findings for the report.
    fn keep(&self, findings: Vec<CompatFinding>) {
        // A thread that panics while it adds to the list leaves a list that is whole.
        self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(findings);
    }

    /// Whether a path is that of the configuration or of the baseline.
    fn is_own(&self, path: &str) -> bool {
        self.own.iter().any(|own| !own.is_empty() && own == path)
    }

    fn threads(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn scan(&self) -> Result<()> {
        match &self.task {
            Task::Files(path, links) => directory::scan(self, path, *links),
            Task::Stdin => stdin(self),
            Task::History { path, log_opts, platform } => {
                history::scan(self, path, log_opts.as_deref(), platform.as_deref())
            }
            Task::Staged(path) => worktree::staged(self, path),
            Task::Unstaged(path) => worktree::unstaged(self, path),
        }
    }
}

/// How a scan ended.
enum Ended {
    Whole,
    /// Something kept it from its end: what was found until then counts, and the program fails.
    Early(String),
}

fn execute(args: GitleaksArgs) -> Result<ExitCode> {
    let GitleaksArgs { flags, command } = args;
    if let Command::Dir { paths, .. } = &command
        && paths.len() > 1
    {
        crate::terminal::warn("more than one path: the current directory is scanned, as gitleaks does");
    }
    let Some(task) = command.task() else {
        crate::terminal::stdout(&format!("{VERSION}\n"))?;
        return Ok(ExitCode::SUCCESS);
    };
    let log = Log::new(&flags.log_level);
    if flags.diagnostics.as_ref().is_some_and(|kinds| !kinds.is_empty()) {
        log.warn("--diagnostics has no effect here: it profiles gitleaks itself");
    }
    let source = task.path().cloned();
    let place = source.as_deref().unwrap_or(Path::new("."));
    if !place.exists() {
        bail!("{}: no such file or directory", place.display());
    }
    let rules = config::load(&flags, place, log)?;
    let settings = Settings {
        max_decode_depth: usize::try_from(flags.max_decode_depth).unwrap_or(0),
        allow_comments: !flags.ignore_gitleaks_allow,
        max_target_megabytes: usize::try_from(flags.max_target_megabytes).unwrap_or(0),
    };
    let rule_names = rules.rules.iter().map(|r| (r.info.id.clone(), r.info.title.clone())).collect();
    if let Task::History { platform, .. } = &task {
        link::check(platform.as_deref())?;
    }
    let report = output::Report::new(&flags, rule_names)?;
    let ignored = Ignored::read(&flags, source.as_deref(), log)?;
    let own = ignored.own_files(&flags, source.as_deref());
    let scanner = Scanner::new(rules, settings).map_err(anyhow::Error::msg)?;
    let front = Arc::new(Front { flags, task, scanner, log, own, found: Mutex::default() });
    let ended = within_time(&front)?;
    let mut findings = std::mem::take(&mut *front.found.lock().unwrap_or_else(PoisonError::into_inner));
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    ignored.retain(&mut findings);
    if front.flags.redact > 0 {
        findings.iter_mut().for_each(|f| redact(f, front.flags.redact));
    }
    report.finish(&findings, &front, ended)
}

fn order(f: &CompatFinding) -> (&str, &str, usize, usize, &str) {
    (&f.file, &f.commit, f.start_line, f.start_column, &f.rule)
}

/// Scans until the end, or until `--timeout`. A scan that did not end by then ends with the program.
fn within_time(front: &Arc<Front>) -> Result<Ended> {
    let Some(seconds) = u64::try_from(front.flags.timeout).ok().filter(|s| *s > 0) else {
        return Ok(ended(front.scan()));
    };
    let (done, wait) = mpsc::channel();
    let own = Arc::clone(front);
    // Whoever waited may be gone; then nobody needs the answer.
    std::thread::Builder::new().spawn(move || drop(done.send(own.scan()))).context("no thread to scan in")?;
    Ok(match wait.recv_timeout(Duration::from_secs(seconds)) {
        Ok(result) => ended(result),
        Err(mpsc::RecvTimeoutError::Timeout) => Ended::Early(format!("--timeout: the scan took more than {seconds} s")),
        Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the scan ended without a result"),
    })
}

fn ended(result: Result<()>) -> Ended {
    match result {
        Ok(()) => Ended::Whole,
        Err(error) => Ended::Early(format!("{error:#}")),
    }
}

fn stdin(front: &Front) -> Result<()> {
    let mut contents = Contents::new(front);
    let read = contents.of_stream("", &mut std::io::stdin().lock());
    front.keep(contents.take());
    read.context("standard input")
}
