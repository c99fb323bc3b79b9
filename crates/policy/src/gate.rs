//! The gate: one verdict over findings, coverage and notices. Not run is never clean.

use testudo_model::{Confidence, CoverageState, Finding, Notice, NoticeLevel, Persona, ScanReport, Severity};

use crate::Config;

/// Reasons that are listed one by one; the rest is a number.
const MAX_REASONS: usize = 20;

/// What says which findings are old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// A baseline or a revision was given.
    Given,
    /// Nothing.
    None,
}

/// When a scan passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Findings of this severity and above fail; none for never.
    pub fail_on: Option<Severity>,
    /// Whether what was left out on purpose or by a limit refuses a verdict too.
    pub strict: bool,
    /// Whether a verdict is only given about what is new.
    pub new_only: bool,
    /// What says which findings are old.
    pub reference: Reference,
    /// Lowest confidence that counts.
    pub confidence: Confidence,
    /// Findings for this persona and the ones before it count.
    pub persona: Persona,
}

/// The answer of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing stands against it.
    Passed,
    /// A finding stands against it.
    Failed,
    /// No finding does, but not everything was looked at.
    Incomplete,
}

/// An answer with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub outcome: Outcome,
    /// Why, one sentence each, findings first; empty where it passed.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Exit code of the program: 0 passed, 1 failed, 4 incomplete.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Passed => 0,
            Outcome::Failed => 1,
            Outcome::Incomplete => 4,
        }
    }
}

impl Gate {
    /// The gate of a configuration.
    #[must_use]
    pub fn new(config: &Config, reference: Reference) -> Self {
        Self {
            fail_on: config.gate.fail_on.severity(),
            strict: config.gate.strict,
            new_only: config.gate.new_only,
            reference,
            confidence: config.view.confidence,
            persona: config.view.persona,
        }
    }

    /// Judges a scan. `hidden` is [`crate::Applied::hidden`].
    ///
    /// The gate looks at every unsuppressed finding of the configured confidence and persona, also at those that the
    /// view hides for their severity: a quiet view must not open the gate. A finding at or above `fail_on` fails, whatever
    /// else is missing. Otherwise the scan is incomplete where no detector ran, a detector did not run or not to its end,
    /// or a notice of level `error` (strict: also `gap`) exists; and with `new_only`, where nothing says what is old.
    /// A gate that never fails on findings and is not strict asks for no verdict and always passes.
    #[must_use]
    pub fn judge(&self, report: &ScanReport, hidden: &[Finding]) -> Verdict {
        if self.fail_on.is_none() && !self.strict {
            return Verdict { outcome: Outcome::Passed, reasons: Vec::new() };
        }
        let mut reasons = self.against(report.findings.iter().chain(hidden));
        let missing = self.missing(report);
        let outcome = match (reasons.is_empty(), missing.is_empty()) {
            (false, _) => Outcome::Failed,
            (true, false) => Outcome::Incomplete,
            (true, true) => Outcome::Passed,
        };
        reasons.extend(missing);
        Verdict { outcome, reasons }
    }

    fn against<'a>(&self, findings: impl Iterator<Item = &'a Finding>) -> Vec<String> {
        let Some(limit) = self.fail_on else { return Vec::new() };
        let counts = |f: &&Finding| {
            f.suppressed.is_none()
                && f.severity >= limit
                && f.confidence >= self.confidence
                && f.persona <= self.persona
        };
        let mut bad: Vec<&Finding> = findings.filter(counts).collect();
        bad.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.sort_key().cmp(&b.sort_key())));
        cut(bad.iter().map(|f| format!("{}: {} ({}) in {}", f.severity, f.title, f.rule, place(f))))
    }

    fn missing(&self, report: &ScanReport) -> Vec<String> {
        let mut reasons = Vec::new();
        if report.coverage.is_empty() {
            reasons.push("no detector ran".to_owned());
        }
        if self.new_only && self.reference == Reference::None {
            reasons.push("gate.new-only needs to know what is old: give --baseline or --diff".to_owned());
        }
        for coverage in &report.coverage {
            match coverage.state {
                CoverageState::Complete => {}
                CoverageState::Incomplete => {
                    reasons.push(format!("detector {} did not look at everything in scope", coverage.detector));
                }
                CoverageState::NotRun => reasons.push(format!("detector {} did not run", coverage.detector)),
            }
        }
        let level = if self.strict { NoticeLevel::Gap } else { NoticeLevel::Error };
        let told = report.notices.iter().filter(|notice| notice.level >= level);
        reasons.extend(cut(told.map(sentence)));
        reasons
    }
}

fn sentence(notice: &Notice) -> String {
    let place = notice.location.display_path();
    let separator = if place.is_empty() { "" } else { ": " };
    format!("{} ({}){separator}{place}", notice.message, notice.code)
}

fn place(finding: &Finding) -> String {
    let (path, line) = (finding.location.display_path(), finding.location.line());
    match (path.is_empty(), line) {
        (true, _) => "an unnamed place".to_owned(),
        (false, 0) => path,
        (false, line) => format!("{path}:{line}"),
    }
}

/// The first reasons, and how many more there are.
fn cut(reasons: impl Iterator<Item = String>) -> Vec<String> {
    let mut listed: Vec<String> = reasons.collect();
    if listed.len() > MAX_REASONS {
        let more = listed.len() - MAX_REASONS;
        listed.truncate(MAX_REASONS);
        listed.push(format!("and {more} more"));
    }
    listed
}

#[cfg(test)]
mod tests {
    use testudo_model::{DetectorId, Location, NoticeCode, SuppressionKind};

    use super::*;
    use crate::apply::tests::{coverage, finding, report, suppressed};

    const GATE: Gate = Gate {
        fail_on: Some(Severity::High),
        strict: false,
        new_only: false,
        reference: Reference::None,
        confidence: Confidence::High,
        persona: Persona::Regular,
    };

    fn clean() -> ScanReport {
        report(vec![], vec![coverage(DetectorId::Secrets, CoverageState::Complete)], vec![])
    }

    fn with(finding: Finding) -> ScanReport {
        ScanReport { findings: vec![finding], ..clean() }
    }

    fn noticed(code: NoticeCode) -> ScanReport {
        ScanReport { notices: vec![Notice::new(code, Location::file("f"), "why")], ..clean() }
    }

    fn state(state: CoverageState) -> ScanReport {
        ScanReport { coverage: vec![coverage(DetectorId::Secrets, state)], ..clean() }
    }

    #[test]
    fn verdicts() {
        let base = finding("rule", 1);
        let strict = Gate { strict: true, ..GATE };
        let never = Gate { fail_on: None, ..GATE };
        let new_only = Gate { new_only: true, ..GATE };
        for (gate, report, code, reason) in [
            (GATE, clean(), 0, ""),
            (GATE, with(base.clone()), 1, "high: title (rule) in src/a.rs:1"),
            (GATE, with(Finding { severity: Severity::Critical, ..base.clone() }), 1, "critical"),
            (GATE, with(Finding { severity: Severity::Medium, ..base.clone() }), 0, ""),
            (GATE, with(Finding { confidence: Confidence::Medium, ..base.clone() }), 0, ""),
            (GATE, with(Finding { persona: Persona::Auditor, ..base.clone() }), 0, ""),
            (GATE, with(suppressed(base.clone(), SuppressionKind::Baseline)), 0, ""),
            (GATE, state(CoverageState::NotRun), 4, "did not run"),
            (GATE, state(CoverageState::Incomplete), 4, "did not look at everything"),
            (GATE, ScanReport { coverage: vec![], ..clean() }, 4, "no detector ran"),
            (GATE, noticed(NoticeCode::Unreadable), 4, "why (unreadable): f"),
            (GATE, noticed(NoticeCode::TooLarge), 0, ""),
            (strict, noticed(NoticeCode::TooLarge), 4, "too-large"),
            (strict, noticed(NoticeCode::EmptyScope), 0, ""),
            (never, with(base.clone()), 0, ""),
            (never, state(CoverageState::NotRun), 0, ""),
            (Gate { strict: true, ..never }, with(base.clone()), 0, ""),
            (Gate { strict: true, ..never }, state(CoverageState::NotRun), 4, "did not run"),
            (new_only, clean(), 4, "--baseline"),
            (Gate { reference: Reference::Given, ..new_only }, clean(), 0, ""),
        ] {
            let verdict = gate.judge(&report, &[]);
            assert_eq!(verdict.exit_code(), code, "{gate:?} {verdict:?}");
            assert_eq!(verdict.reasons.is_empty(), reason.is_empty(), "{verdict:?}");
            assert!(verdict.reasons.iter().all(|r| r.contains(reason)), "{verdict:?}");
        }
    }

    #[test]
    fn a_finding_that_the_view_hides_for_its_severity_still_fails() {
        let verdict = GATE.judge(&clean(), &[finding("rule", 1)]);
        assert_eq!(verdict.outcome, Outcome::Failed);
    }

    #[test]
    fn findings_come_first_the_worst_on_top_and_long_lists_are_cut() {
        let mut report = state(CoverageState::NotRun);
        report.findings = (0..30).map(|n| finding("rule", n)).collect();
        report.findings.push(Finding { severity: Severity::Critical, ..finding("worst", 99) });
        let verdict = GATE.judge(&report, &[]);
        assert_eq!(verdict.outcome, Outcome::Failed);
        assert!(verdict.reasons[0].starts_with("critical"), "{verdict:?}");
        assert_eq!(verdict.reasons[MAX_REASONS], "and 11 more");
        assert!(verdict.reasons.last().unwrap().contains("did not run"), "{verdict:?}");
    }

    #[test]
    fn the_gate_takes_its_settings_from_the_configuration() {
        let config = Config::parse("[gate]\nfail-on = \"never\"\nstrict = true\n", "t".as_ref()).unwrap();
        let expected = Gate { fail_on: None, strict: true, ..GATE };
        assert_eq!(Gate::new(&config, Reference::None), expected);
        assert_eq!(Gate::new(&Config::default(), Reference::None), GATE);
    }
}
