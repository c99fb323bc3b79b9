//! Evidence of scans: a detector looked at a part of the project as a whole, with rules that are known, and nothing is open.

use std::collections::BTreeSet;

use testudo_ledger::{Extent, OpenFinding, ScanEvent};
use testudo_model::{Coverage, CoverageState, DetectorId};

use super::{
    Outcome, RuleSet, Run, Since, Status, World, day_of, place_of,
    recorded::{Entry, run_of},
    short,
};
use crate::wildcard;

/// Findings that are named; the rest is a number.
const NAMED: usize = 5;
/// Findings of one control that a report lists; the rest is a number and a place. Many controls can have the same thousands.
const LISTED: usize = 100;

/// The newest scan in which a detector looked at a part of the project as a whole.
struct Look<'a> {
    entry: Entry<'a>,
    event: &'a ScanEvent,
    extent: &'a Extent,
    coverage: &'a Coverage,
}

/// What of a rule set is asked for.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    /// Whether a rule or a finding with this rule and these weaknesses is meant.
    is: &'w dyn Fn(&str, &[u32]) -> bool,
    /// In words.
    what: &'w str,
}

/// Which findings, of which detector, where.
#[derive(Clone, Copy)]
struct Question<'w> {
    detector: DetectorId,
    scope: Option<&'w str>,
    wanted: Wanted<'w>,
}

impl Question<'_> {
    /// The scan as a look at the whole scope; none where it was none.
    fn look<'a>(&self, entry: Entry<'a>, event: &'a ScanEvent) -> Option<Look<'a>> {
        let extent = event.extent.as_ref().filter(|extent| covers(extent, self.scope))?;
        // How much of the project the tool of an imported report looked at is not known.
        let own = |coverage: &&Coverage| coverage.detector == self.detector && coverage.tool.is_none();
        let coverage = event.coverage.iter().find(own)?;
        (coverage.state != CoverageState::NotRun).then_some(Look { entry, event, extent, coverage })
    }

    fn open<'a>(&self, event: &'a ScanEvent) -> Vec<&'a OpenFinding> {
        self.among(event, &event.open)
    }

    fn accepted<'a>(&self, event: &'a ScanEvent) -> Vec<&'a OpenFinding> {
        self.among(event, &event.accepted)
    }

    fn among<'a>(&self, event: &'a ScanEvent, findings: &'a [OpenFinding]) -> Vec<&'a OpenFinding> {
        let base = event.extent.as_ref().map_or(".", |extent| extent.base.as_str());
        let is = |finding: &&OpenFinding| {
            // A rule of another tool has the tool's name in front.
            let own = finding.rule.split_once('/').map(|(_, rule)| rule);
            finding.detector.is_none_or(|detector| detector == self.detector)
                && [Some(finding.rule.as_str()), own]
                    .into_iter()
                    .flatten()
                    .any(|rule| (self.wanted.is)(rule, &finding.cwe))
                && inside(finding, base, self.scope)
        };
        findings.iter().filter(is).collect()
    }
}

impl Look<'_> {
    fn run(&self, detector: DetectorId) -> Run {
        let tool = format!("{} {} ({detector})", self.event.tool.name, self.event.tool.version);
        run_of(&self.entry, tool, Some(self.coverage.units))
    }
}

/// An entry and its time.
fn place(entry: Entry<'_>) -> String {
    format!("entry {} of {}", place_of(entry.statement), entry.statement.testudo.time)
}

/// A scan that found something.
fn failing(entry: Entry<'_>, event: &ScanEvent, asked: Question<'_>) -> Outcome {
    let open = asked.open(event);
    let tool = format!("{} {} ({})", event.tool.name, event.tool.version, asked.detector);
    let own = event.coverage.iter().find(|coverage| coverage.detector == asked.detector && coverage.tool.is_none());
    let run = run_of(&entry, tool, own.map(|coverage| coverage.units));
    let mut outcome = Outcome::new(Status::Failing, format!("{}: {}", place(entry), named(&open))).seen(run);
    let line = |finding: &&OpenFinding| {
        let path = finding.path.as_deref().unwrap_or_default();
        format!("{} {} {path}", finding.rule, finding.fingerprint)
    };
    outcome.findings = open.iter().take(LISTED).map(line).collect();
    if open.len() > LISTED {
        outcome.findings.push(format!("and {} more in {}", open.len() - LISTED, place_of(entry.statement)));
    }
    outcome
}

/// What was found and accepted is no proof that nothing is there.
fn accepted(outcome: Outcome, accepted: &[&OpenFinding]) -> Outcome {
    if accepted.is_empty() {
        return outcome;
    }
    let mut reasons = outcome.reasons.clone();
    let names: Vec<&str> = accepted.iter().take(NAMED).map(|finding| finding.rule.as_str()).collect();
    let more = if accepted.len() > NAMED { " and others" } else { "" };
    reasons.push(format!(
        "{} findings were accepted by files of the project: {}{more}",
        accepted.len(),
        names.join(", ")
    ));
    Outcome { status: outcome.status.max(Status::Waived), reasons, ..outcome }
}

impl World<'_> {
    /// A detector ran over the scope, and no finding of rules that match is open.
    pub(super) fn rule(
        &self,
        (detector, pattern): (DetectorId, &str),
        scope: Option<&str>,
        max_age: Option<u32>,
    ) -> Outcome {
        if let Some(outcome) = self.absent(scope) {
            return outcome;
        }
        let what = format!("a rule `{pattern}` of {detector}");
        let scope = self.rooted(scope);
        self.detector(
            detector,
            scope.as_deref(),
            Wanted { is: &|rule, _| wildcard::matches(pattern, rule), what: &what },
            max_age,
        )
    }

    /// For each weakness a detector ran over the scope that looks for it, and no finding of it is open.
    pub(super) fn cwe(&self, numbers: &[u32], scope: Option<&str>, max_age: Option<u32>) -> Outcome {
        if let Some(outcome) = self.absent(scope) {
            return outcome;
        }
        let scope = self.rooted(scope);
        let parts = numbers.iter().map(|number| self.weakness(*number, scope.as_deref(), max_age));
        parts.reduce(worse).unwrap_or_else(|| self.missing("no weakness is named".to_owned()))
    }

    fn weakness(&self, number: u32, scope: Option<&str>, max_age: Option<u32>) -> Outcome {
        let what = format!("a rule for CWE-{number}");
        let wanted = Wanted { is: &|_, cwe| cwe.contains(&number), what: &what };
        let knows = |detector: &&DetectorId| {
            self.rules
                .iter()
                .any(|set| set.detector == **detector && set.rules.iter().any(|(_, cwe)| cwe.contains(&number)))
        };
        let looks: Vec<(bool, Outcome)> = DetectorId::ALL
            .iter()
            .map(|detector| (knows(&detector), self.detector(*detector, scope, wanted, max_age)))
            .collect();
        // What another tool found is open, whether a detector of ours looks for it or not.
        let failing =
            looks.iter().find(|(_, outcome)| outcome.status == Status::Failing).map(|(_, outcome)| outcome.clone());
        let best =
            || looks.into_iter().filter(|(knows, _)| *knows).map(|(_, outcome)| outcome).min_by_key(|o| o.status);
        failing.or_else(best).unwrap_or_else(|| {
            self.missing(format!("no detector of this version of testudo has {what}, so nothing looked for it"))
        })
    }

    /// A scope as scans name it; none for all that they count from.
    fn rooted(&self, scope: Option<&str>) -> Option<String> {
        match (self.folder, scope) {
            (".", scope) => scope.map(str::to_owned),
            (folder, None) => Some(folder.to_owned()),
            (folder, Some(scope)) => Some(format!("{folder}/{scope}")),
        }
    }

    /// A scope without a file: whatever ran did not run over it.
    fn absent(&self, scope: Option<&str>) -> Option<Outcome> {
        let scope = scope.filter(|scope| !self.files.any(scope))?;
        Some(Outcome::new(Status::Missing, format!("the project has no file in `{scope}` that a scan looks at")))
    }

    fn detector(&self, detector: DetectorId, scope: Option<&str>, wanted: Wanted<'_>, max_age: Option<u32>) -> Outcome {
        let asked = Question { detector, scope, wanted };
        let said = |ledger: &str| self.in_scans(asked, ledger, max_age);
        self.records.in_each(said).unwrap_or_else(|| self.never(detector, scope))
    }

    /// What the scans of one ledger say: the newest of the whole scope, and each after it that found something.
    fn in_scans(&self, asked: Question<'_>, ledger: &str, max_age: Option<u32>) -> Option<Outcome> {
        let mut scans = self.records.scans(ledger).filter(|(entry, _)| self.is_asked(entry));
        let mut later = None;
        let look = scans.find_map(|(entry, event)| {
            let look = asked.look(entry, event);
            // Whoever found it did not look at everything; it is there all the same.
            later = later.take().or_else(|| Some((entry, event)).filter(|(_, event)| !asked.open(event).is_empty()));
            look
        });
        if let Some((entry, event)) = later {
            return Some(failing(entry, event, asked));
        }
        let look = look?;
        let run = look.run(asked.detector);
        let place = place(look.entry);
        let outcome = match self.gap(&look, asked.wanted) {
            Err(gap) => self.missing(format!("{place}: {gap}")).seen(run),
            Ok(off) => {
                let mut outcome = Outcome::new(Status::Satisfied, format!("{place}: no open finding")).seen(run);
                if !off.is_empty() {
                    outcome.reasons.push(format!("without the rules that were switched off: {}", off.join(", ")));
                }
                let outcome = accepted(outcome, &asked.accepted(look.event));
                self.of_today(outcome, &look, asked.scope).aged(
                    day_of(&look.entry.statement.testudo.time),
                    max_age,
                    self.today,
                )
            }
        };
        Some(outcome)
    }

    /// Where no commit is asked about, a scan speaks for what is there today only while the files in scope are as they were.
    fn of_today(&self, outcome: Outcome, look: &Look<'_>, scope: Option<&str>) -> Outcome {
        let Some(commit) = look.event.commit.as_deref().filter(|_| self.commit.is_none()) else { return outcome };
        let what = match self.files.since(commit, scope) {
            Since::Same => return outcome,
            Since::Changed => "files in scope were changed since",
            Since::Unknown => "this repository does not have that commit",
        };
        let mut reasons = outcome.reasons.clone();
        reasons.push(format!("it is of commit {}, and {what}; scan again", short(commit)));
        Outcome { status: outcome.status.max(Status::Stale), reasons, ..outcome }
    }

    /// Why a scan without an open finding is no evidence; else the rules that were switched off.
    fn gap(&self, look: &Look<'_>, wanted: Wanted<'_>) -> Result<Vec<String>, String> {
        let coverage = look.coverage;
        if coverage.state != CoverageState::Complete || !look.event.summary.complete {
            return Err(format!("{} did not look at everything in scope", coverage.detector));
        }
        if !look.extent.narrowed.is_empty() {
            return Err(format!("less was looked at than usual: {}", look.extent.narrowed.join(", ")));
        }
        if coverage.units == 0 {
            return Err(format!("{} looked at nothing", coverage.detector));
        }
        if look.event.summary.hidden > 0 {
            return Err(format!(
                "{} findings were below the view of that scan, and a ledger does not name those; record one with `--severity info \
                 --confidence low --persona auditor`",
                look.event.summary.hidden
            ));
        }
        let known = |set: &&RuleSet| set.detector == coverage.detector && set.digest == coverage.rules_digest;
        let Some(set) = self.rules.iter().find(known) else {
            return Err(
                "the rules of that scan are not those of today, so nobody can say what it looked for; scan again"
                    .to_owned(),
            );
        };
        let matching: BTreeSet<&str> =
            set.rules.iter().filter(|(id, cwe)| (wanted.is)(id, cwe)).map(|(id, _)| id.as_str()).collect();
        let (off, on): (Vec<&str>, Vec<&str>) =
            matching.into_iter().partition(|id| look.extent.off.iter().any(|off| off == id));
        if on.is_empty() {
            return Err(format!("{} did not run: there is none, or it is switched off", wanted.what));
        }
        Ok(off.into_iter().map(str::to_owned).collect())
    }

    fn never(&self, detector: DetectorId, scope: Option<&str>) -> Outcome {
        let ran = |(entry, event): &(Entry<'_>, &ScanEvent)| {
            self.is_asked(entry) && event.coverage.iter().any(|coverage| coverage.detector == detector)
        };
        let others = self.records.all_scans().filter(ran).count();
        let scope = scope.map_or("the whole project".to_owned(), |scope| format!("`{scope}` as a whole"));
        let mut outcome =
            self.missing(format!("no recorded scan with {detector} looked at {scope}{}", self.at_commit()));
        if others > 0 {
            outcome.reasons.push(format!(
                "{others} recorded with it looked at other parts, at changes or history only, or left files out"
            ));
        }
        outcome
    }
}

/// Of two weaknesses the worse one; what both say.
fn worse(a: Outcome, b: Outcome) -> Outcome {
    let (mut worst, other) = if b.status > a.status { (b, a) } else { (a, b) };
    worst.reasons.extend(other.reasons);
    worst.findings.extend(other.findings);
    worst.reasons.dedup();
    worst
}

/// Whether all of a scope was looked at.
fn covers(extent: &Extent, scope: Option<&str>) -> bool {
    extent.whole.iter().any(|path| path == "." || scope.is_some_and(|scope| is_below(scope, path)))
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a finding is in a scope. One whose place is not known could be.
fn inside(finding: &OpenFinding, base: &str, scope: Option<&str>) -> bool {
    let (Some(scope), Some(path)) = (scope, &finding.path) else { return true };
    if path.starts_with('/') || path.starts_with("..") {
        return true;
    }
    let path = if base == "." { path.clone() } else { format!("{base}/{path}") };
    is_below(&path, scope)
}

fn named(open: &[&OpenFinding]) -> String {
    let one = |finding: &&OpenFinding| {
        let place = finding.path.as_deref().map_or_else(String::new, |path| format!(" in {path}"));
        format!("{} ({}{place})", finding.rule, finding.fingerprint)
    };
    let names: Vec<String> = open.iter().take(NAMED).map(one).collect();
    let more = open.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("open: {}{more}", names.join(", "))
}
