//! What a release does to the world: entries, commands, checks by our own detectors.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use testudo_ledger::{Event, LedgerError, ReleaseState};
use testudo_policy::{Gate, Reference, Verdict};
use testudo_release::{
    Checked, Command, Ended, Lock, RECHECK, ROLLBACK, ReleaseError, Request, Results, Said, Shell, Sink, Snapshot,
    Stage, Work, World, digest, results, snapshot,
};

use super::project::{self, Project};
use crate::{
    clock,
    commands::scanning,
    record::{self, Recorder},
    scan::{self, Collected, ScanArgs},
    terminal,
};

const PAUSE: Duration = Duration::from_millis(250);

/// This machine, and the project on it.
pub(super) struct Here<'a> {
    project: &'a Project,
    recorder: Recorder,
    shell: Shell,
    lock: &'a Lock,
    quiet: bool,
    /// The release that is worked on.
    release: String,
    /// Number of the last entry that this process wrote, and the highest number of a process then.
    last: Option<(u64, u64)>,
    /// Whether a signal came that would end the process: then the release is to stop.
    told: Arc<AtomicBool>,
    begun: Instant,
}

impl<'a> Here<'a> {
    pub(super) fn new(
        project: &'a Project,
        recorder: Recorder,
        shell: Shell,
        lock: &'a Lock,
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let told = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&told))?;
        }
        let begun = Instant::now();
        Ok(Self { project, recorder, shell, lock, quiet, release: String::new(), last: None, told, begun })
    }

    fn arguments(&self) -> anyhow::Result<ScanArgs> {
        let words =
            ["--config".into(), self.project.config.clone().into(), "--".into(), self.project.root.clone().into()];
        let words: [std::ffi::OsString; 4] = words;
        scanning::arguments(words)
    }

    /// Scans the project, and lets the gate judge where that is asked for.
    fn look(&mut self, asked: &Work) -> anyhow::Result<Checked> {
        let args = self.arguments()?;
        let collected = scan::collect(&args)?;
        let verdict = matches!(asked, Work::Gate).then(|| {
            Gate::new(&collected.effective.config, Reference::None).judge(&collected.report, &collected.hidden)
        });
        let entries = record::scan_with(&self.recorder, &args, &collected, verdict.as_ref())?;
        let (passed, reason) = said(&collected, verdict.as_ref());
        Ok(Checked { passed, reason, entries })
    }

    /// A wish to stop that came too late is none of the next release.
    pub(super) fn forget_request(&self) {
        self.lock.answered();
    }

    fn log_path(&self, stage: &str) -> PathBuf {
        self.project.state.join("logs").join(&self.release).join(format!("{stage}.log"))
    }
}

/// Whether a look at the project lets the release go on. Nothing that was looked at is nothing that passed.
fn said(collected: &Collected, verdict: Option<&Verdict>) -> (bool, String) {
    let report = &collected.report;
    let units: u64 = report.coverage.iter().map(|coverage| coverage.units).sum();
    if report.coverage.is_empty() || units == 0 {
        return (false, "nothing was looked at".to_owned());
    }
    let Some(verdict) = verdict else {
        let open = report.findings.iter().filter(|finding| finding.suppressed.is_none()).count();
        let whole = if report.summary.complete { "" } else { ", not everything could be looked at" };
        return (true, format!("{open} open findings in {units} files{whole}"));
    };
    let passed = verdict.exit_code() == 0;
    let reason = if verdict.reasons.is_empty() { "the gate passed".to_owned() } else { verdict.reasons.join("; ") };
    (passed, reason)
}

impl World for Here<'_> {
    fn append(&mut self, event: &Event) -> Result<(u64, String), ReleaseError> {
        let time = clock::now();
        let seq = self.recorder.append(event).map_err(as_release)?;
        let fence = event.predicate["fence"].as_u64().unwrap_or_else(|| self.last.map_or(0, |(_, fence)| fence));
        self.last = Some((seq, fence));
        if let Some(release) = event.predicate["release"].as_str() {
            release.clone_into(&mut self.release);
        }
        Ok((seq, time))
    }

    fn fence(&mut self) -> Result<u64, ReleaseError> {
        let newest = self.recorder.journal().last()?.map(|entry| entry.statement.testudo.seq);
        if let Some((seq, fence)) = self.last
            && newest == Some(seq)
        {
            return Ok(fence);
        }
        let history = project::history(self.recorder.journal()).map_err(as_release)?;
        Ok(history.fence)
    }

    fn command(&mut self, stage: &str, mut command: Command) -> Result<Ended, ReleaseError> {
        command.log = Some(self.log_path(stage));
        // The way back is not stopped half way.
        let may_stop = ![ROLLBACK, RECHECK, "probe"].contains(&stage);
        let mut sink = Heard {
            lock: may_stop.then_some((self.lock, &*self.told)),
            release: &self.release,
            quiet: self.quiet || stage == "probe",
            begun: true,
        };
        let ended = self.shell.run(&command, &mut sink);
        let log = self.log_path(stage);
        ended.map_err(|source| ReleaseError::File { path: log, source })
    }

    fn check(&mut self, stage: &Stage) -> Checked {
        let looked = catch_unwind(AssertUnwindSafe(|| self.look(&stage.work)));
        match looked {
            Ok(Ok(checked)) => checked,
            Ok(Err(error)) => Checked { reason: format!("{error:#}"), ..Checked::default() },
            Err(_) => Checked { reason: "a detector ended early".to_owned(), ..Checked::default() },
        }
    }

    fn digest(&mut self, artifact: &str) -> Result<String, String> {
        digest(&self.project.root.join(artifact)).map_err(|error| error.to_string())
    }

    fn snapshot(&mut self, patterns: &[String]) -> Result<Snapshot, String> {
        snapshot(&self.project.root, patterns)
    }

    fn results(&mut self, patterns: &[String], before: &Snapshot) -> Result<Results, String> {
        results(&self.project.root, patterns, before)
    }

    fn request(&mut self, release: &str) -> Option<Request> {
        let request = self.lock.request(release);
        if request.is_some() {
            self.lock.answered();
        }
        let signal =
            || Request { release: release.to_owned(), actor: record::actor(), reason: "a signal came".to_owned() };
        request.or_else(|| self.told.swap(false, Ordering::Relaxed).then(signal))
    }

    fn now(&mut self) -> SystemTime {
        SystemTime::now()
    }

    fn uptime(&mut self) -> Duration {
        self.begun.elapsed()
    }

    fn mask(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.shell.masker.masked(text.as_bytes())).into_owned()
    }

    fn pause(&mut self) {
        thread::sleep(PAUSE);
    }

    fn say(&mut self, said: Said<'_>) {
        match said {
            Said::Begins(stage, 1) => terminal::progress(&format!("{stage} ...")),
            Said::Begins(stage, attempt) => terminal::progress(&format!("{stage} (attempt {attempt}) ...")),
            Said::Ended(outcome) => {
                let word = if outcome.passed { "passed" } else { "FAILED" };
                let seconds = Duration::from_millis(outcome.millis).as_secs_f64();
                terminal::progress(&format!("{} {word} after {seconds:.1} s: {}", outcome.stage, outcome.reason));
            }
            Said::Over(ReleaseState::InDoubt, reason) => terminal::warn(reason),
            Said::Over(..) => {}
        }
    }
}

/// An error of the ledger keeps its kind.
fn as_release(error: anyhow::Error) -> ReleaseError {
    match error.downcast::<LedgerError>() {
        Ok(error) => error.into(),
        Err(error) => ReleaseError::Refused(format!("{error:#}")),
    }
}

/// Shows output while it comes.
struct Heard<'a> {
    /// Where a wish to stop is left; none for what is not stopped.
    lock: Option<(&'a Lock, &'a AtomicBool)>,
    release: &'a str,
    quiet: bool,
    /// Whether the next byte begins a line.
    begun: bool,
}

impl Sink for Heard<'_> {
    fn output(&mut self, bytes: &[u8]) {
        if self.quiet {
            return;
        }
        let mut text = Vec::with_capacity(bytes.len() + 16);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.begun {
                text.extend_from_slice(b"  | ");
            }
            text.extend_from_slice(line);
            self.begun = line.ends_with(b"\n");
        }
        // What a command prints acts on no terminal. Whoever closed standard error does not want to see it.
        let text = String::from_utf8_lossy(&text);
        drop(std::io::stderr().lock().write_all(testudo_report::visible_lines(&text).as_bytes()));
    }

    fn is_stopped(&mut self) -> bool {
        self.lock.is_some_and(|(lock, told)| told.load(Ordering::Relaxed) || lock.request(self.release).is_some())
    }
}
