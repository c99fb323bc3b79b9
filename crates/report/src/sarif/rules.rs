//! The rules that the results name, in the order of detector and id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use testudo_model::{Confidence, DetectorId, Finding, RuleInfo, Severity};

use super::limit::{self, Cuts, MAX_TAGS};
use super::log::{Configuration, Descriptor, Message, Properties};
use crate::escape;

/// A rule's key: its id is unique in its detector only.
type Key<'a> = (DetectorId, &'a str);

/// The descriptors and the place of each.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    index: BTreeMap<Key<'a>, usize>,
    descriptors: Vec<Descriptor>,
}

impl<'a> Rules<'a> {
    /// One descriptor for each rule that a finding names. What is not known about
    /// a rule is taken from the worst of its findings.
    pub(super) fn of(findings: &[&'a Finding], known: &[RuleInfo], cuts: &mut Cuts) -> Self {
        let known: BTreeMap<Key<'_>, &RuleInfo> =
            known.iter().map(|rule| ((rule.domain, rule.id.as_str()), rule)).collect();
        let mut named: BTreeMap<Key<'a>, &'a Finding> = BTreeMap::new();
        for finding in findings {
            let worst = named.entry((finding.detector, &finding.rule)).or_insert(finding);
            if finding.severity > worst.severity {
                *worst = finding;
            }
        }
        let index = named.keys().enumerate().map(|(at, key)| (*key, at)).collect();
        let descriptors = named
            .iter()
            .map(|(key, finding)| match known.get(key) {
                Some(rule) => descriptor(rule, cuts),
                None => descriptor(&told_by(finding), cuts),
            })
            .collect();
        Self { index, descriptors }
    }

    /// Position of a finding's rule; every finding given to [`Self::of`] has one.
    pub(super) fn index(&self, finding: &'a Finding) -> usize {
        self.index.get(&(finding.detector, finding.rule.as_str())).copied().unwrap_or_default()
    }

    pub(super) fn into_descriptors(self) -> Vec<Descriptor> {
        self.descriptors
    }
}

/// `error`, `warning` or `note` (3.27.10).
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// `security`, `CWE-n` and the `external/cwe/cwe-nnn` that GitHub links, which has
/// at least three digits.
pub(super) fn tags(cwe: &[u32]) -> Vec<String> {
    let numbers: BTreeSet<_> = cwe.iter().collect();
    let mut tags = vec!["security".to_owned()];
    tags.extend(numbers.iter().flat_map(|n| [format!("CWE-{n}"), format!("external/cwe/cwe-{n:03}")]));
    tags
}

fn told_by(finding: &Finding) -> RuleInfo {
    RuleInfo {
        id: finding.rule.clone(),
        domain: finding.detector,
        title: finding.title.clone(),
        severity: finding.severity,
        confidence: finding.confidence,
        persona: finding.persona,
        cwe: finding.cwe.clone(),
        owasp: finding.owasp.clone(),
        aliases: finding.aliases.clone(),
        references: Vec::new(),
        help: String::new(),
    }
}

fn descriptor(rule: &RuleInfo, cuts: &mut Cuts) -> Descriptor {
    let mut all_tags = tags(&rule.cwe);
    all_tags.extend(rule.owasp.iter().map(|category| format!("OWASP-{category}")));
    cuts.tags += limit::cut_to(&mut all_tags, MAX_TAGS);
    let help = if rule.help.trim().is_empty() { None } else { Some(rule.help.clone()) };
    let web = |link: &&str| link.starts_with("https://") || link.starts_with("http://");
    Descriptor {
        id: rule.id.clone(),
        name: pascal_case(&rule.id),
        short_description: Message::text(non_empty(&rule.title, &rule.id)),
        full_description: Message::text(
            first_paragraph(help.as_deref()).unwrap_or_else(|| non_empty(&rule.title, &rule.id)),
        ),
        help: Message { text: help.clone().unwrap_or_else(|| non_empty(&rule.title, &rule.id)), markdown: help },
        help_uri: rule.references.iter().map(|link| link.0.as_str()).find(web).map(escape::url),
        default_configuration: Configuration { level: level(rule.severity) },
        properties: properties(rule, all_tags),
    }
}

fn properties(rule: &RuleInfo, tags: Vec<String>) -> Properties {
    Properties::from([
        ("tags".to_owned(), json!(tags)),
        ("precision".to_owned(), json!(precision(rule.confidence))),
        ("security-severity".to_owned(), json!(security_severity(rule.severity))),
        ("detector".to_owned(), json!(rule.domain)),
        ("cwe".to_owned(), json!(rule.cwe)),
        ("owasp".to_owned(), json!(rule.owasp)),
        ("aliases".to_owned(), json!(rule.aliases)),
    ])
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

/// The middle of the range that GitHub shows as the same word: over 9.0 critical,
/// from 7.0 high, from 4.0 medium, above 0 low, 0 none.
pub(super) fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// `acme-api-key` as `AcmeApiKey`, the form that 3.49.7 asks for.
fn pascal_case(id: &str) -> String {
    let words = id.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    non_empty(&words.map(capital).collect::<String>(), id)
}

fn non_empty(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

/// The first paragraph of a Markdown text that is no heading, on one line.
fn first_paragraph(help: Option<&str>) -> Option<String> {
    let help = help?.replace("\r\n", "\n");
    let paragraph = help.split("\n\n").map(str::trim).find(|part| !part.is_empty() && !part.starts_with('#'))?;
    Some(paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn tags_name_each_weakness_once() {
        assert_eq!(tags(&[79, 79]), ["security", "CWE-79", "external/cwe/cwe-079"]);
        assert_eq!(tags(&[1321]), ["security", "CWE-1321", "external/cwe/cwe-1321"]);
    }

    #[test]
    fn names_are_pascal_case() {
        for (id, name) in [("acme-api-key", "AcmeApiKey"), ("CKV_AWS_20", "CKVAWS20"), ("--", "--"), ("a.b", "AB")] {
            assert_eq!(pascal_case(id), name);
        }
    }

    #[test]
    fn the_full_description_skips_headings() {
        assert_eq!(first_paragraph(Some("# T\r\n\r\nOne\ntwo.\n\nThree.")).as_deref(), Some("One two."));
        assert_eq!(first_paragraph(Some("# T")), None);
    }

    #[test]
    fn the_same_id_in_two_detectors_is_two_rules() {
        let code = sample::finding("a", 1);
        let infra = Finding { detector: DetectorId::Iac, ..sample::finding("a", 2) };
        let rules = Rules::of(&[&code, &infra], &[], &mut Cuts::default());
        assert_ne!(rules.index(&code), rules.index(&infra));
        assert_eq!(rules.into_descriptors().len(), 2);
    }

    #[test]
    fn an_unknown_rule_is_told_by_its_worst_finding() {
        let low = Finding { severity: Severity::Low, ..sample::finding("a", 1) };
        let worst = Finding { severity: Severity::Critical, ..sample::finding("a", 2) };
        let rules = Rules::of(&[&low, &worst], &[], &mut Cuts::default()).into_descriptors();
        assert_eq!(rules[0].properties["security-severity"], "9.5");
    }
}
