//! Every rule of ours against the cases in its document: each `bad` case is found by the rule, no `good` case is.

use testudo_model::{Confidence, Finding};
use testudo_secrets::{
    document::{self, Expect},
    embedded,
    native::{Display, FingerprintKey, NATIVE, Options, SecretsDetector, VALIDATORS},
};

fn detector() -> SecretsDetector {
    SecretsDetector::own(Options {
        key: FingerprintKey([7; 32]),
        decode_depth: 2,
        display: Display::Masked,
        disabled: Vec::new(),
        least: Confidence::Low,
    })
}

/// Documents of all rules, by id.
fn documents() -> Vec<(&'static str, &'static str)> {
    embedded::all().iter().map(|r| (r.id, r.help)).chain(NATIVE.iter().map(|r| (r.id, r.help))).collect()
}

#[test]
fn every_case_holds() {
    let detector = detector();
    let mut failures = Vec::new();
    for (id, help) in documents() {
        // A rule that is never sure finds what it finds with little confidence.
        let unsure = detector.infos().iter().any(|info| info.id == id && info.confidence == Confidence::Low);
        for case in document::cases(help) {
            for seed in 0..3 {
                let text = document::expand(&case.text, seed);
                let file = case.file.as_deref().unwrap_or("case.env");
                let counts = |f: &Finding| f.confidence > Confidence::Low || unsure && f.rule == id;
                let mut rules = detector.findings_of(file, &text).into_iter().filter(counts);
                // Another rule may name the same secret more exactly: then it is found all the same.
                let found =
                    if case.expect == Expect::Found { rules.next().is_some() } else { rules.any(|f| f.rule == id) };
                if found != (case.expect == Expect::Found) {
                    failures.push(format!(
                        "rules/secrets/{id}.md:{}: {:?} case does not hold: {}",
                        case.line,
                        case.expect,
                        text.trim()
                    ));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_rule_has_a_document_and_cases() {
    for rule in embedded::all() {
        for heading in ["## Why it matters", "## How to fix"] {
            assert!(rule.help.contains(heading), "{}: no {heading}", rule.id);
        }
        let cases = document::cases(rule.help);
        let count = |expect| cases.iter().filter(|c| c.expect == expect).count();
        assert!(count(Expect::Found) >= 2 && count(Expect::Quiet) >= 2, "{}: two cases of each kind", rule.id);
        let checks = rule.rule().validate;
        assert!(checks.iter().all(|c| VALIDATORS.contains(&c.as_str())), "{}: unknown check in {checks:?}", rule.id);
        assert!(["critical", "high", "medium", "low", "info"].contains(&rule.info().severity.as_str()));
    }
    let mut ids: Vec<_> = documents().into_iter().map(|(id, _)| id).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "rule ids are unique");
}

#[test]
fn nothing_found_is_ever_shown_in_clear_text() {
    let detector = detector();
    for (id, help) in documents() {
        for case in document::cases(help).into_iter().filter(|c| c.expect == Expect::Found) {
            let text = document::expand(&case.text, 1);
            let file = case.file.as_deref().unwrap_or("case.env");
            for finding in detector.findings_of(file, &text) {
                let shown = serde_json::to_string(&finding).expect("a finding is JSON");
                let clear = detector_clear().findings_of(file, &text);
                for secret in clear.iter().filter_map(|f| f.properties.get("secret")).filter_map(|s| s.as_str()) {
                    let quoted = serde_json::to_string(secret).expect("a text is JSON");
                    assert!(secret.len() < 6 || !shown.contains(quoted.trim_matches('"')), "{id}: {shown}");
                }
            }
        }
    }
}

fn detector_clear() -> &'static SecretsDetector {
    use std::sync::OnceLock;
    static CLEAR: OnceLock<SecretsDetector> = OnceLock::new();
    CLEAR.get_or_init(|| {
        SecretsDetector::own(Options {
            key: FingerprintKey([7; 32]),
            decode_depth: 2,
            display: Display::Clear,
            disabled: Vec::new(),
            least: Confidence::Low,
        })
    })
}
