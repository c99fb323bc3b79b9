//! Evidence of attacks on the running application: a probe tried them on its inputs, and none of them worked.

use testudo_ledger::{OpenFinding, ScanEvent};
use testudo_model::{Coverage, CoverageState, DetectorId};

use super::{Outcome, RuleSet, Status, World, day_of, place_of, recorded::Entry, recorded::run_of};
use crate::wildcard;

/// An attack that is asked about.
pub(super) struct Attack<'p> {
    /// Its name: `xss` stands for every rule `probe-xss-...`; `*` stands for any characters.
    pub(super) name: &'p str,
    /// The entry that it is tried on, and where that answers.
    pub(super) entry: Option<(&'p str, Option<&'p str>)>,
}

impl Attack<'_> {
    fn is(&self, rule: &str) -> bool {
        let Some(own) = rule.strip_prefix("probe-") else { return false };
        wildcard::matches(self.name, own) || own.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('-'))
    }

    /// Whether a run looked at the address. What it looked at is written as `ORIGIN/FOLDER/ (profile NAME)`.
    fn covers(&self, coverage: &Coverage) -> bool {
        let Some((_, url)) = self.entry else { return true };
        let within = |scope: &String| {
            let base = scope.split(" (").next().unwrap_or_default();
            url.is_some_and(|url| !base.is_empty() && format!("{}/", url.trim_end_matches('/')).starts_with(base))
        };
        coverage.scope.iter().any(within)
    }

    fn among<'e>(&self, findings: &'e [OpenFinding]) -> Vec<&'e OpenFinding> {
        let probed = |finding: &&OpenFinding| finding.detector.is_none_or(|found| found == DetectorId::Probe);
        findings.iter().filter(probed).filter(|finding| self.is(&finding.rule)).collect()
    }
}

impl World<'_> {
    /// A probe tried an attack on inputs of the running application, and no finding of it is open.
    pub(super) fn attacked(&self, attack: &Attack<'_>, max_age: Option<u32>) -> Outcome {
        if let Some((entry, None)) = attack.entry {
            return self
                .missing(format!("the entry `{entry}` has no `url`, so nobody can say whether a probe looked at it"));
        }
        let said = |ledger: &str| self.probed_in(attack, ledger, max_age);
        self.records.in_each(said).unwrap_or_else(|| {
            let place = attack.entry.and_then(|(_, url)| url).map_or_else(String::new, |url| format!(" of {url}"));
            self.missing(format!("no recorded probe{place}{}: testudo probe URL --record ENV", self.at_commit()))
        })
    }

    fn probed_in(&self, attack: &Attack<'_>, ledger: &str, max_age: Option<u32>) -> Option<Outcome> {
        let run = |(entry, event): (Entry<'_>, &ScanEvent)| {
            let own = |coverage: &&Coverage| coverage.detector == DetectorId::Probe && coverage.tool.is_none();
            let coverage = event.coverage.iter().find(own).filter(|coverage| attack.covers(coverage))?;
            Some(self.probed(attack, (entry, event, coverage), max_age))
        };
        self.records.scans(ledger).filter(|(entry, _)| self.is_asked(entry)).find_map(run)
    }

    fn probed(
        &self,
        attack: &Attack<'_>,
        (entry, event, coverage): (Entry<'_>, &ScanEvent, &Coverage),
        max_age: Option<u32>,
    ) -> Outcome {
        let tool = format!("{} {} (probe)", event.tool.name, event.tool.version);
        let seen = run_of(&entry, tool, Some(coverage.units));
        let place = format!("entry {} of {}", place_of(entry.statement), entry.statement.testudo.time);
        let open = attack.among(&event.open);
        if !open.is_empty() {
            let mut outcome = Outcome::new(Status::Failing, format!("{place}: {} of its attacks worked", open.len()));
            let line = |finding: &&OpenFinding| format!("{} {}", finding.rule, finding.fingerprint);
            outcome.findings = open.iter().map(line).collect();
            return outcome.seen(seen);
        }
        let outcome = match self.unattacked(attack, event, coverage) {
            Some(gap) => self.missing(format!("{place}: {gap}")),
            None if !attack.among(&event.accepted).is_empty() => {
                Outcome::new(Status::Waived, format!("{place}: what worked was accepted by files of the project"))
            }
            None => {
                let inputs = coverage.counts.get("inputs").copied().unwrap_or_default();
                let reason =
                    format!("{place}: tried on {inputs} inputs of {}, without success", coverage.scope.join(", "));
                Outcome::new(Status::Satisfied, reason)
            }
        };
        outcome.seen(seen).aged(day_of(&entry.statement.testudo.time), max_age, self.today)
    }

    /// Why a run without an open finding shows nothing.
    fn unattacked(&self, attack: &Attack<'_>, event: &ScanEvent, coverage: &Coverage) -> Option<String> {
        let known = |set: &&RuleSet| set.detector == DetectorId::Probe && set.digest == coverage.rules_digest;
        let set = self.rules.iter().find(known);
        let none = |set: &RuleSet| !set.rules.iter().any(|(rule, _)| attack.is(rule));
        match set {
            _ if coverage.state != CoverageState::Complete => Some("the probe did not come to its end".to_owned()),
            _ if event.summary.hidden > 0 => Some(format!(
                "{} findings were below the view of that run, and a ledger does not name those",
                event.summary.hidden
            )),
            None => Some("the attacks of that run are not those of today; probe again".to_owned()),
            Some(set) if none(set) => {
                Some(format!("there is no attack `{}`: `testudo rules list` has those of probe", attack.name))
            }
            Some(_) if coverage.counts.get("inputs").is_none_or(|inputs| *inputs == 0) => {
                Some("no input was found that anything could be tried on; give a description with --openapi".to_owned())
            }
            Some(_) => None,
        }
    }
}
