//! Evidence of scans: a detector looked at a part of the project as a whole, with rules that are known, and nothing is open.

use std::collections::BTreeSet;

use testudo_ledger::{Extent, OpenFinding, ScanEvent};
use testudo_model::{Coverage, CoverageState, DetectorId};

use super::{
    Outcome, RuleSet, Status, World, day_of, place_of,
    recorded::{Entry, run_of},
};
use crate::wildcard;

/// Findings that are named; the rest is a number.
const NAMED: usize = 5;

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
        let looks: Vec<Outcome> = DetectorId::ALL
            .iter()
            .filter(knows)
            .map(|detector| self.detector(*detector, scope, wanted, max_age))
            .collect();
        let failing = looks.iter().find(|outcome| outcome.status == Status::Failing).cloned();
        let best = || looks.into_iter().min_by_key(|outcome| outcome.status);
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
        let Some(look) = self.look(detector, scope) else { return self.never(detector, scope) };
        let run = run_of(
            &look.entry,
            format!("{} {} ({detector})", look.event.tool.name, look.event.tool.version),
            Some(look.coverage.units),
        );
        let place = format!("entry {} of {}", place_of(look.entry.statement), look.entry.statement.testudo.time);
        let open: Vec<&OpenFinding> = look
            .event
            .open
            .iter()
            .filter(|finding| (wanted.is)(&finding.rule, &finding.cwe) && inside(finding, look.extent, scope))
            .collect();
        if !open.is_empty() {
            let mut outcome = Outcome::new(Status::Failing, format!("{place}: {}", named(&open))).seen(run);
            let line = |finding: &&OpenFinding| {
                let path = finding.path.as_deref().unwrap_or_default();
                format!("{} {} {path}", finding.rule, finding.fingerprint)
            };
            outcome.findings = open.iter().map(line).collect();
            return outcome;
        }
        match self.gap(&look, wanted) {
            Err(gap) => self.missing(format!("{place}: {gap}")).seen(run),
            Ok(off) => {
                let mut outcome = Outcome::new(Status::Satisfied, format!("{place}: no open finding")).seen(run);
                if !off.is_empty() {
                    outcome.reasons.push(format!("without the rules that were switched off: {}", off.join(", ")));
                }
                outcome.aged(day_of(&look.entry.statement.testudo.time), max_age, self.today)
            }
        }
    }

    /// Why a scan without an open finding is no evidence; else the rules that were switched off.
    fn gap(&self, look: &Look<'_>, wanted: Wanted<'_>) -> Result<Vec<String>, String> {
        let coverage = look.coverage;
        if coverage.state != CoverageState::Complete || !look.event.summary.complete {
            return Err(format!("{} did not look at everything in scope", coverage.detector));
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

    fn look(&self, detector: DetectorId, scope: Option<&str>) -> Option<Look<'_>> {
        self.records.scans().filter(|(entry, _)| self.is_asked(entry)).find_map(|(entry, event)| {
            let extent = event.extent.as_ref().filter(|extent| covers(extent, scope))?;
            // How much of the project the tool of an imported report looked at is not known.
            let own = |coverage: &&Coverage| coverage.detector == detector && coverage.tool.is_none();
            let coverage = event.coverage.iter().find(own)?;
            (coverage.state != CoverageState::NotRun).then_some(Look { entry, event, extent, coverage })
        })
    }

    fn never(&self, detector: DetectorId, scope: Option<&str>) -> Outcome {
        let ran = |(entry, event): &(Entry<'_>, &ScanEvent)| {
            self.is_asked(entry) && event.coverage.iter().any(|coverage| coverage.detector == detector)
        };
        let others = self.records.scans().filter(ran).count();
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
fn inside(finding: &OpenFinding, extent: &Extent, scope: Option<&str>) -> bool {
    let (Some(scope), Some(path)) = (scope, &finding.path) else { return true };
    if path.starts_with('/') || path.starts_with("..") {
        return true;
    }
    let path = if extent.base == "." { path.clone() } else { format!("{}/{path}", extent.base) };
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
