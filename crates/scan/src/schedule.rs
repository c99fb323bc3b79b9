//! The scheduler: jobs go to threads, results come back in one order.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use testudo_model::{Coverage, CoverageState, DetectorId, Finding, Notice, NoticeCode, NoticeLevel};
use testudo_source::Unit;

use crate::{Detector, Fuel, Marker, Output, Worker, markers, suppress};

/// Something to read: an index into the caller's list, in the order of the report.
pub type Job = usize;

/// Units and notices that a job gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What could not be read.
    pub notices: Vec<Notice>,
}

/// Reads a job and gives its units one by one, so that only one is in memory a thread.
pub trait Loader: Sync {
    /// Number of jobs.
    fn jobs(&self) -> usize;

    /// Reads one job.
    fn load(&self, job: Job, unit: &mut dyn FnMut(Unit)) -> Loaded;
}

/// How far the scan is, for a progress display.
#[derive(Debug, Default)]
pub struct Progress {
    /// Jobs done.
    pub done: AtomicUsize,
    /// Bytes looked at.
    pub bytes: AtomicU64,
}

/// What one detector did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Units looked at.
    pub units: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// Further counts.
    pub counts: BTreeMap<String, u64>,
}

/// Everything a scan gave, in the order of places.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Notices.
    pub notices: Vec<Notice>,
    /// Work done, by detector.
    pub tallies: BTreeMap<DetectorId, Tally>,
}

impl Outcome {
    /// Joins the results of another part of the scan.
    pub fn absorb(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.notices.extend(other.notices);
        for (id, tally) in other.tallies {
            let mine = self.tallies.entry(id).or_default();
            mine.units += tally.units;
            mine.bytes += tally.bytes;
            for (name, count) in tally.counts {
                *mine.counts.entry(name).or_default() += count;
            }
        }
    }

    /// Sorts everything, so that neither threads nor load show in the result.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.notices.sort_by(|a, b| (&a.location, a.code, &a.message).cmp(&(&b.location, b.code, &b.message)));
        self.notices.dedup();
    }

    /// The coverage record of one detector.
    #[must_use]
    pub fn coverage(&self, detector: &dyn Detector, scope: &[String]) -> Coverage {
        let id = detector.id();
        let tally = self.tallies.get(&id).cloned().unwrap_or_default();
        let rules = detector.rules();
        let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
        let concerns = |n: &&Notice| n.detector.is_none_or(|d| d == id) && n.level != NoticeLevel::Info;
        for notice in self.notices.iter().filter(concerns) {
            *skipped.entry(notice.code.as_str().to_owned()).or_default() += 1;
        }
        let error = self.notices.iter().filter(concerns).any(|n| n.level == NoticeLevel::Error);
        Coverage {
            detector: id,
            state: if error { CoverageState::Incomplete } else { CoverageState::Complete },
            rules_digest: rules.digest,
            rules: rules.count,
            scope: scope.to_vec(),
            units: tally.units,
            bytes: tally.bytes,
            skipped,
            counts: tally.counts,
            tool: None,
        }
    }
}

/// Runs all jobs through all detectors on `threads` threads (0 for one a core).
#[must_use]
pub fn run(loader: &dyn Loader, detectors: &[&dyn Detector], threads: usize, progress: &Progress) -> Outcome {
    let jobs = loader.jobs();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { cores } else { threads }.clamp(1, jobs.max(1));
    let next = AtomicUsize::new(0);
    let part = || work(loader, detectors, &next, progress);
    let mut outcome = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads).map(|_| scope.spawn(part)).collect();
        // This thread works too, so that less memory lies idle with others.
        let mut outcome = part();
        for handle in handles {
            // Units are caught one by one, so a thread only ends early on a fault of the scheduler itself.
            match handle.join() {
                Ok(part) => outcome.absorb(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome
    });
    outcome.sort();
    outcome
}

/// Jobs taken at once: enough to make the counter cheap, few enough to share the end.
const BATCH: usize = 8;

fn work(loader: &dyn Loader, detectors: &[&dyn Detector], next: &AtomicUsize, progress: &Progress) -> Outcome {
    let mut bench =
        Bench { detectors, workers: detectors.iter().map(|d| d.worker()).collect(), outcome: Outcome::default() };
    let jobs = loader.jobs();
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= jobs {
            return bench.outcome;
        }
        for job in first..(first + BATCH).min(jobs) {
            let mut bytes = 0;
            let loaded = loader.load(job, &mut |unit| {
                bytes += unit.bytes.len() as u64;
                bench.inspect(&unit);
            });
            bench.outcome.notices.extend(loaded.notices);
            progress.done.fetch_add(1, Ordering::Relaxed);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

/// One thread's workers and results.
struct Bench<'a> {
    detectors: &'a [&'a dyn Detector],
    workers: Vec<Box<dyn Worker + 'a>>,
    outcome: Outcome,
}

impl Bench<'_> {
    fn inspect(&mut self, unit: &Unit) {
        let mut inline: Option<Vec<Marker>> = None;
        for at in 0..self.detectors.len() {
            let id = self.detectors[at].id();
            let mut output = self.guarded(at, unit);
            if !output.findings.is_empty() {
                let inline = inline.get_or_insert_with(|| markers(&unit.bytes));
                output.findings.iter_mut().for_each(|f| suppress(f, inline));
            }
            let tally = self.outcome.tallies.entry(id).or_default();
            tally.units += 1;
            tally.bytes += unit.bytes.len() as u64;
            for (name, count) in output.counts {
                *tally.counts.entry(name.to_owned()).or_default() += count;
            }
            self.outcome.findings.append(&mut output.findings);
            self.outcome.notices.extend(output.notices.into_iter().map(|n| n.by(id)));
        }
    }

    /// Runs one detector on one unit inside the panic boundary.
    fn guarded(&mut self, at: usize, unit: &Unit) -> Output {
        let mut fuel = Fuel::for_unit(unit.bytes.len());
        let mut output = Output::default();
        let worker = &mut self.workers[at];
        let result = catch_unwind(AssertUnwindSafe(|| worker.inspect(unit, &mut fuel, &mut output)));
        if result.is_err() {
            // The worker's state may be half changed: it is made anew, and what it said of this unit is dropped.
            self.workers[at] = self.detectors[at].worker();
            let message =
                "the detector failed on this file and its results for it are dropped; please report it with the file";
            output = Output::default();
            output.notices.push(Notice::new(NoticeCode::DetectorFailed, unit.location(), message));
        } else if fuel.is_empty() {
            let message = "the work needed for this file is over the limit; what was found until then is reported";
            output.notices.push(Notice::new(NoticeCode::FuelExhausted, unit.location(), message));
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use testudo_model::{Confidence, Fingerprint, Persona, Severity};
    use testudo_source::{LineIndex, Origin};

    use super::*;
    use crate::RulesIdentity;

    /// Finds the word `bad`, panics on `panic`, burns all fuel on `slow`.
    struct Words;

    impl Detector for Words {
        fn id(&self) -> DetectorId {
            DetectorId::Code
        }

        fn rules(&self) -> RulesIdentity {
            RulesIdentity { digest: String::new(), count: 1 }
        }

        fn worker(&self) -> Box<dyn Worker + '_> {
            Box::new(WordsWorker)
        }
    }

    struct WordsWorker;

    impl Worker for WordsWorker {
        fn inspect(&mut self, unit: &Unit, fuel: &mut Fuel, output: &mut Output) {
            let lines = LineIndex::new(&unit.bytes);
            for at in memchr::memmem::find_iter(&unit.bytes, "bad") {
                let mut location = unit.location();
                location.span = Some(lines.span(at..at + 3));
                output.findings.push(finding(location));
            }
            assert!(memchr::memmem::find(&unit.bytes, b"panic").is_none(), "as asked");
            if memchr::memmem::find(&unit.bytes, b"slow").is_some() {
                while fuel.spend(1 << 20).is_ok() {}
            }
        }
    }

    fn finding(location: testudo_model::Location) -> Finding {
        Finding {
            id: String::new(),
            rule: "word".to_owned(),
            title: String::new(),
            message: String::new(),
            severity: Severity::Low,
            confidence: Confidence::High,
            persona: Persona::Regular,
            detector: DetectorId::Code,
            location,
            related: Vec::new(),
            fingerprint: Fingerprint::from_digest([0; 16]),
            cwe: Vec::new(),
            owasp: Vec::new(),
            aliases: Vec::new(),
            owner: Vec::new(),
            snippet: None,
            fix: None,
            verification: None,
            suppressed: None,
            properties: BTreeMap::new(),
        }
    }

    struct Texts(Vec<String>);

    impl Loader for Texts {
        fn jobs(&self) -> usize {
            self.0.len()
        }

        fn load(&self, job: Job, unit: &mut dyn FnMut(Unit)) -> Loaded {
            unit(Unit::new(format!("{job:03}"), self.0[job].clone().into_bytes(), Origin::File));
            Loaded::default()
        }
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let texts =
            Texts((0..100).map(|n| if n % 3 == 0 { format!("x\nbad {n}\n") } else { "good".to_owned() }).collect());
        let one = run(&texts, &[&Words], 1, &Progress::default());
        assert_eq!(one.findings.len(), 34);
        for threads in [2, 3, 8] {
            let many = run(&texts, &[&Words], threads, &Progress::default());
            assert_eq!((&one.findings, &one.notices, &one.tallies), (&many.findings, &many.notices, &many.tallies));
        }
    }

    #[test]
    fn a_failing_unit_costs_only_itself() {
        std::panic::set_hook(Box::new(|_| {}));
        let texts =
            Texts(["bad", "bad panic", "bad slow", "bad # testudo:ignore word -- known"].map(str::to_owned).to_vec());
        let outcome = run(&texts, &[&Words], 2, &Progress::default());
        let codes: Vec<_> = outcome.notices.iter().map(|n| n.code).collect();
        assert_eq!((outcome.findings.len(), codes), (3, vec![NoticeCode::DetectorFailed, NoticeCode::FuelExhausted]));
        assert_eq!(outcome.coverage(&Words, &[]).state, CoverageState::Incomplete);
        let reasons: Vec<_> =
            outcome.findings.iter().filter_map(|f| f.suppressed.as_ref()).map(|s| s.reason.as_str()).collect();
        assert_eq!(reasons, ["known"]);
    }
}
