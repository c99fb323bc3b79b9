//! Secrets in names of files and folders: a download named after its token, a folder named after a key.

use testudo_model::{Confidence, Finding};

use super::{Meaning, Place, SecretsDetector, build};
use crate::engine::{RawMatch, Workspace};

/// Looks for tokens in a unit's name; gives the findings and the values. Only vendors' tokens count: a name is no place where passwords are assigned.
pub(super) fn find(
    detector: &SecretsDetector,
    place: &Place<'_>,
    workspace: &mut Workspace,
    matches: &mut Vec<RawMatch>,
) -> (Vec<Finding>, Vec<String>) {
    let name = place.display.as_bytes();
    matches.clear();
    detector.engine.find(name, workspace, matches);
    let vendor = |m: &&RawMatch| matches!(detector.meanings[m.rule as usize], Meaning::Rule(_));
    let mut found: Vec<_> = matches
        .iter()
        .filter(vendor)
        .filter_map(|m| detector.candidate(place, name, m))
        .filter(|candidate| candidate.confidence == Confidence::High && !candidate.generic)
        .collect();
    found.sort_by(|a, b| (a.range.start, &detector.infos[a.info].id).cmp(&(b.range.start, &detector.infos[b.info].id)));
    found.dedup_by(|later, kept| later.range.start < kept.range.end);
    let findings = found.iter().map(|candidate| build::name_finding(detector, place, candidate)).collect();
    (findings, found.into_iter().map(|candidate| candidate.value).collect())
}

/// Masks the secrets of a name in the places of findings, so that no report shows them.
pub(super) fn mask(findings: &mut [Finding], secrets: &[String]) {
    let masked = |text: &str| {
        secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), &testudo_redact::mask(secret)))
    };
    for finding in findings {
        finding.location.path = finding.location.path.as_deref().map(masked);
        finding.location.members.iter_mut().for_each(|member| *member = masked(member));
    }
}
