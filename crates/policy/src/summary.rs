//! The figures at the end of a report.

use std::collections::{BTreeMap, BTreeSet};

use testudo_model::{Coverage, CoverageState, Finding, Notice, NoticeCode, NoticeLevel, Severity, Summary};

/// Name of the finding property that findings of one incident share.
const INCIDENT_PROPERTY: &str = "incident";

/// Counts what is shown, what is not, and whether everything in scope was looked at.
///
/// `hidden` is the number of findings that the view sets aside. Every severity word has a figure, 0 included.
/// A scan is complete where at least one detector ran, all of them to their end, and no notice says that something in
/// scope was left out.
#[must_use]
pub fn summarise(findings: &[Finding], hidden: usize, coverage: &[Coverage], notices: &[Notice]) -> Summary {
    let counting: Vec<&Finding> = findings.iter().filter(|f| f.suppressed.is_none()).collect();
    let mut by_severity: BTreeMap<String, u64> = Severity::WORDS.iter().map(|word| ((*word).to_owned(), 0)).collect();
    for finding in &counting {
        *by_severity.entry(finding.severity.to_string()).or_default() += 1;
    }
    Summary {
        by_severity,
        findings: counting.len() as u64,
        suppressed: (findings.len() - counting.len()) as u64,
        hidden: hidden as u64,
        incidents: counting.iter().map(|f| incident(f)).collect::<BTreeSet<_>>().len() as u64,
        complete: !coverage.is_empty()
            && coverage.iter().all(|c| c.state == CoverageState::Complete)
            && !notices.iter().any(left_out),
        verification: None,
    }
}

/// What findings of one incident share: the incident, or else only the finding itself.
fn incident(finding: &Finding) -> (bool, String) {
    match finding.properties.get(INCIDENT_PROPERTY) {
        // Marked, so that an incident that looks like a fingerprint is not one.
        Some(name) => (true, name.to_string()),
        None => (false, finding.fingerprint.to_string()),
    }
}

/// Whether a notice says that something in scope was not looked at. Notices about suppressions and about the limits of an output do not.
fn left_out(notice: &Notice) -> bool {
    let elsewhere = matches!(notice.code, NoticeCode::InvalidSuppression | NoticeCode::OutputLimit);
    notice.level >= NoticeLevel::Gap && !elsewhere
}

#[cfg(test)]
mod tests {
    use testudo_model::{DetectorId, Location, SuppressionKind};

    use super::*;
    use crate::apply::tests::{coverage, finding, suppressed};

    #[test]
    fn figures_count_what_counts() {
        let mut one = finding("a", 1);
        one.properties.insert("incident".into(), "same".into());
        let mut two = finding("b", 2);
        two.properties.insert("incident".into(), "same".into());
        let mut three = finding("b", 2);
        three.properties.insert("incident".into(), "other".into());
        let findings =
            [one, two, three, finding("c", 3), finding("c", 3), suppressed(finding("d", 4), SuppressionKind::File)];
        let summary = summarise(&findings, 7, &[coverage(DetectorId::Secrets, CoverageState::Complete)], &[]);
        assert_eq!((summary.findings, summary.suppressed, summary.hidden, summary.incidents), (5, 1, 7, 3));
        assert_eq!((summary.by_severity["high"], summary.by_severity["low"]), (5, 0));
        assert!(summary.complete);
    }

    #[test]
    fn only_a_scan_that_looked_at_everything_is_complete() {
        let of = |state| vec![coverage(DetectorId::Secrets, state)];
        let notice = |code| vec![Notice::new(code, Location::default(), "x")];
        for (coverage, notices, complete) in [
            (of(CoverageState::Complete), vec![], true),
            (vec![], vec![], false),
            (of(CoverageState::NotRun), vec![], false),
            (of(CoverageState::Incomplete), vec![], false),
            (of(CoverageState::Complete), notice(NoticeCode::TooLarge), false),
            (of(CoverageState::Complete), notice(NoticeCode::Unreadable), false),
            (of(CoverageState::Complete), notice(NoticeCode::SymlinkNotFollowed), true),
            (of(CoverageState::Complete), notice(NoticeCode::InvalidSuppression), true),
        ] {
            assert_eq!(summarise(&[], 0, &coverage, &notices).complete, complete, "{coverage:?} {notices:?}");
        }
    }
}
