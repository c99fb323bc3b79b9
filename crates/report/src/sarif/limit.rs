//! What GitHub's code scanning accepts, and the account of what was cut to fit.
//!
//! Beyond these numbers GitHub refuses the whole upload, which would hide the
//! worst finding together with the least. The numbers are those of its page
//! "SARIF results exceed one or more limits".

use testudo_model::{Finding, NoticeCode};

use super::log::Notification;
use super::notification;
use crate::wording;

/// Results in a run.
pub(super) const MAX_RESULTS: usize = 25_000;
/// Tags of a rule.
pub(super) const MAX_TAGS: usize = 20;
/// Locations of a result, related ones included.
pub(super) const MAX_RELATED: usize = 999;
/// Steps of a flow.
pub(super) const MAX_STEPS: usize = 10_000;

/// How much was left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cuts {
    /// Results.
    pub(super) results: usize,
    /// Tags of rules.
    pub(super) tags: usize,
    /// Related locations.
    pub(super) related: usize,
    /// Steps of flows.
    pub(super) steps: usize,
}

impl Cuts {
    /// The account; none where nothing was cut.
    pub(super) fn notification(&self) -> Option<Notification> {
        let cut: Vec<_> = [
            (self.results, "result"),
            (self.tags, "rule tag"),
            (self.related, "related location"),
            (self.steps, "flow step"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| wording::count(number as u64, word))
        .collect();
        let text = format!(
            "Left out to stay within what code scanning accepts: {}. The most severe results were kept; the `json` format holds everything.",
            cut.join(", ")
        );
        (!cut.is_empty()).then(|| notification::warning(NoticeCode::OutputLimit.as_str(), text))
    }
}

/// Shortens a list and returns how many items that took away.
pub(super) fn cut_to<T>(list: &mut Vec<T>, limit: usize) -> usize {
    let over = list.len().saturating_sub(limit);
    list.truncate(limit);
    over
}

/// At most `limit` findings in their order: those that count before suppressed
/// ones, then the most severe, then the first.
pub(super) fn most_severe<'a>(findings: &'a [Finding], limit: usize, cuts: &mut Cuts) -> Vec<&'a Finding> {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| (findings[*at].suppressed.is_some(), std::cmp::Reverse(findings[*at].severity), *at));
    cuts.results += cut_to(&mut order, limit);
    order.sort_unstable();
    order.into_iter().map(|at| &findings[at]).collect()
}

#[cfg(test)]
mod tests {
    use testudo_model::Severity;

    use super::*;
    use crate::sample;

    #[test]
    fn the_worst_findings_stay_in_their_order() {
        let mut findings: Vec<_> = (0..5).map(|n| sample::finding(&format!("f{n}"), n)).collect();
        findings[0].severity = Severity::Low;
        findings[1].severity = Severity::Critical;
        findings[2].severity = Severity::Critical;
        findings[2].suppressed = sample::report().findings[2].suppressed.clone();
        let mut cuts = Cuts::default();
        let kept = most_severe(&findings, 3, &mut cuts);
        let paths: Vec<_> = kept.iter().map(|finding| finding.location.display_path()).collect();
        assert_eq!(paths, ["f1", "f3", "f4"]);
        assert_eq!(cuts.results, 2);
    }

    #[test]
    fn cuts_are_told() {
        assert!(Cuts::default().notification().is_none());
        let cuts = Cuts { results: 1, steps: 2, ..Cuts::default() };
        let text = cuts.notification().map(|told| told.message.text).unwrap_or_default();
        assert!(text.contains("accepts: 1 result, 2 flow steps."), "{text}");
    }
}
