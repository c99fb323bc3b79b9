//! One finding as a result (3.27).

use std::collections::BTreeMap;

use serde_json::json;
use testudo_model::{Edit, Finding, SuppressionKind};

use super::limit::{self, Cuts, MAX_RELATED};
use super::log::{ArtifactChange, Content, Fix, Message, Properties, Replacement, SarifResult, Suppression};
use super::rules::{self, Rules};
use super::{flow, place};

/// The key of the fingerprint; its number rises with the scheme.
const FINGERPRINT: &str = "testudo/v1";

pub(super) fn of<'a>(finding: &'a Finding, rules: &Rules<'a>, cuts: &mut Cuts) -> SarifResult<'a> {
    let code_flows: Vec<_> = flow::of(finding, cuts).into_iter().collect();
    let mut related: Vec<_> = finding.related.iter().collect();
    cuts.related += limit::cut_to(&mut related, MAX_RELATED);
    let related_locations = related.iter().enumerate().map(|(at, location)| {
        let mut location = place::of(location, None);
        location.id = Some(at + 1);
        location
    });
    SarifResult {
        rule_id: &finding.rule,
        rule_index: rules.index(finding),
        level: rules::level(finding.severity),
        message: Message::text(message(finding)),
        locations: vec![place::of(&finding.location, finding.snippet.as_ref())],
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, finding.fingerprint.as_str())]),
        related_locations: related_locations.collect(),
        properties: properties(finding, !code_flows.is_empty()),
        code_flows,
        fixes: fix(finding).into_iter().collect(),
        suppressions: suppression(finding).into_iter().collect(),
    }
}

/// A message may not be empty, and may not hold what 3.11.6 reads as a link.
fn message(finding: &Finding) -> String {
    let texts = [&finding.message, &finding.title, &finding.rule];
    let text = texts.into_iter().find(|text| !text.is_empty()).map_or("-", String::as_str);
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text.to_owned() }
}

fn properties(finding: &Finding, flow_is_told: bool) -> Properties {
    let mut bag = finding.properties.clone();
    if flow_is_told {
        bag.remove(flow::KEY);
    }
    let mut set = |key: &str, value| bag.insert(key.to_owned(), value);
    set("tags", json!(rules::tags(&finding.cwe)));
    set("cwe", json!(finding.cwe));
    set("owasp", json!(finding.owasp));
    set("severity", json!(finding.severity));
    set("security-severity", json!(rules::security_severity(finding.severity)));
    set("confidence", json!(finding.confidence));
    set("persona", json!(finding.persona));
    set("detector", json!(finding.detector));
    set("owner", json!(finding.owner));
    set("aliases", json!(finding.aliases));
    if let Some(verification) = &finding.verification {
        set("verification", json!(verification));
    }
    if let Some(commit) = &finding.location.commit {
        set("commit", json!(commit));
    }
    if let Some(layer) = &finding.location.layer {
        set("layer", json!(layer));
    }
    bag
}

fn suppression(finding: &Finding) -> Option<Suppression<'_>> {
    let given = finding.suppressed.as_ref()?;
    let kind = match given.kind {
        SuppressionKind::Inline => "inSource",
        SuppressionKind::File | SuppressionKind::Baseline | SuppressionKind::Diff | SuppressionKind::Import => {
            "external"
        }
    };
    let mut properties = Properties::from([("kind".to_owned(), json!(given.kind))]);
    properties.extend(given.owner.iter().map(|owner| ("owner".to_owned(), json!(owner))));
    properties.extend(given.until.iter().map(|until| ("until".to_owned(), json!(until))));
    Some(Suppression { kind, status: "accepted", justification: &given.reason, properties })
}

/// The mechanical edits; none where a person has to decide.
fn fix(finding: &Finding) -> Option<Fix> {
    let fix = finding.fix.as_ref().filter(|fix| !fix.edits.is_empty())?;
    let mut files: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for edit in &fix.edits {
        files.entry(&edit.path).or_default().push(edit);
    }
    let artifact_changes = files
        .into_iter()
        .map(|(path, edits)| ArtifactChange {
            artifact_location: place::artifact(path),
            replacements: edits.into_iter().map(replacement).collect(),
        })
        .collect();
    Some(Fix { description: Message::text(fix.description.as_str()), artifact_changes })
}

fn replacement(edit: &Edit) -> Replacement {
    Replacement {
        deleted_region: place::region(&edit.span),
        inserted_content: Content { text: edit.replacement.clone() },
    }
}
