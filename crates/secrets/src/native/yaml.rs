//! Rules of Nosey Parker and Kingfisher, judged as these tools judge them: which group holds the secret, and what a rule
//! asks for besides its expression.

use std::ops::Range;

use super::{Candidate, Place, SecretsDetector, line_around, lines_of, stand_in};
use crate::{
    entropy::shannon_of_bytes,
    requirements::{Counted, Matched},
    rule::{Conventions, Rule, Subject},
};

/// What says, near a secret, that it is known to Kingfisher's users; lower case.
const DIRECTIVE: &[u8] = b"kingfisher:ignore";

/// Judges a match.
pub(super) fn judge(
    detector: &SecretsDetector,
    place: &Place<'_>,
    text: &[u8],
    found: Range<usize>,
    index: usize,
) -> Option<Candidate> {
    let rule = &detector.rules[index];
    let groups = groups(rule, text, &found)?;
    let held = |group: &usize| groups.get(*group)?.clone().filter(|range| !range.is_empty());
    let range = rule.secret_groups.iter().find_map(held).unwrap_or_else(|| found.clone());
    // Neither tool takes an expression that matches nothing at all; here its empty matches are none.
    if range.is_empty() {
        return None;
    }
    let (matched, secret) = (&text[found.clone()], &text[range.clone()]);
    let subject = Subject { secret, matched, line: line_around(text, &found), path: &place.display, commit: "" };
    if detector.allowlists.iter().any(|list| list.allows(&subject)) {
        return None;
    }
    // Kingfisher judges one group and shows another, where expressions have several.
    let judged = &text[judged(rule, &groups, &found)];
    if rule.conventions == Conventions::Kingfisher
        && (shannon_of_bytes(judged) <= rule.entropy || stand_in::is_stand_in(judged) || is_directed(text, &range))
    {
        return None;
    }
    if let Some(requirements) = &rule.requirements {
        let group = |(name, index): &'_ (String, usize)| groups.get(*index)?.clone().map(|range| (name.clone(), range));
        let named: Vec<(String, Range<usize>)> = rule.group_names.iter().filter_map(group).collect();
        let named: Vec<(&str, &[u8])> =
            named.iter().map(|(name, range)| (name.as_str(), &text[range.clone()])).collect();
        let several = groups.len() > 2 || !rule.group_names.is_empty();
        let counted = if several { Counted::Whole } else { Counted::Secret };
        if requirements.unmet(&Matched { whole: matched, secret: judged, named: &named, counted }).is_some() {
            return None;
        }
    }
    Some(Candidate {
        info: index,
        rule: Some(index),
        matched: found,
        value: String::from_utf8_lossy(secret).into_owned(),
        range,
        confidence: rule.info.confidence,
        proven: false,
        generic: false,
        decoded: Vec::new(),
    })
}

/// The groups of a match, in the text.
fn groups(rule: &Rule, text: &[u8], found: &Range<usize>) -> Option<Vec<Option<Range<usize>>>> {
    let pattern = rule.pattern()?;
    if let Some(groups) = pattern.captures_at(text, found) {
        return Some(groups);
    }
    let alone = pattern.captures(&text[found.clone()]).unwrap_or_default();
    Some(alone.into_iter().map(|group| group.map(|g| g.start + found.start..g.end + found.start)).collect())
}

/// What Kingfisher's entropy and requirements are about: the group TOKEN, else one with a name, else the first group, else
/// the whole match.
fn judged(rule: &Rule, groups: &[Option<Range<usize>>], found: &Range<usize>) -> Range<usize> {
    let tokens = rule.group_names.iter().filter(|(name, _)| name.eq_ignore_ascii_case("TOKEN"));
    let order = tokens.chain(&rule.group_names).map(|(_, index)| *index).chain([1]);
    order.into_iter().find_map(|group| groups.get(group)?.clone()).unwrap_or_else(|| found.clone())
}

/// Whether a line of the secret, or the line before or after, says that it is to be left alone.
fn is_directed(text: &[u8], range: &Range<usize>) -> bool {
    let own = lines_of(text, range, LINE);
    let before = (own.start > 0).then(|| lines_of(text, &(own.start - 1..own.start - 1), LINE));
    let after = (own.end < text.len()).then(|| lines_of(text, &(own.end + 1..own.end + 1), LINE));
    let says = |line: Range<usize>| memchr::memmem::find(&text[line].to_ascii_lowercase(), DIRECTIVE).is_some();
    [Some(own), before, after].into_iter().flatten().any(says)
}

/// Bytes on each side that are looked at.
const LINE: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use super::super::{Display, FingerprintKey, Options, Own};
    use super::*;
    use crate::load::yaml_ruleset::{Extent, load};

    /// Rule, value and line of each finding.
    fn found(rules: &str, extent: Extent, text: &str) -> Vec<String> {
        let set = load("rules.yml", rules, extent).unwrap();
        let options = Options {
            key: FingerprintKey([7; 32]),
            decode_depth: 0,
            display: Display::Clear,
            disabled: Vec::new(),
            least: testudo_model::Confidence::Low,
        };
        let detector = SecretsDetector::with_rules(vec![set], Own::Replace, options).unwrap();
        let findings = detector.findings_of("src/a.txt", text);
        let value = |f: &testudo_model::Finding| f.properties["secret"].as_str().unwrap_or_default().to_owned();
        findings.iter().map(|f| format!("{} {} {}", f.rule, value(f), f.location.line())).collect()
    }

    /// What a rule of Kingfisher with these keys finds.
    fn values(keys: &str, text: &str) -> Vec<String> {
        let rules = format!("rules:\n- id: a\n  name: n\n  visible: true\n{keys}\n");
        found(&rules, Extent::Scan, text)
    }

    #[test]
    fn the_secret_and_its_line_are_those_of_the_group() {
        let two = "  pattern: 'k=([a-z]+)\\s+(?P<TOKEN>\\w+)'";
        assert_eq!(values(two, "k=id\n  q8Zr7Tn2"), ["a q8Zr7Tn2 2"]);
        let either = "  pattern: 'x(a1b2)|y(c3d4)'";
        assert_eq!(values(either, "xa1b2 yc3d4"), ["a a1b2 1", "a c3d4 1"]);
        assert_eq!(values("  pattern: 'x(?:(\\d)|z)w'", "xzw"), ["a xzw 1"]);
        assert_eq!(values("  pattern: 'k.{0,2}=(\\w+)'", "ké=q8Zr ké.=q8Zr"), ["a q8Zr 1"], "bytes are counted");
        let plain = "rules: [{id: a, name: n, pattern: 'x(a1b2)|y(c3d4)', categories: [api]}]";
        assert_eq!(found(plain, Extent::Scan, "\nyc3d4"), ["a c3d4 2"]);
    }

    #[test]
    fn entropy_requirements_and_stand_ins_decide() {
        assert_eq!(values("  pattern: 'k=(\\w+)'\n  min_entropy: 2.5", "k=aabb k=q8Zr7Tn2"), ["a q8Zr7Tn2 1"]);
        assert!(values("  pattern: 'k=(\\w+)'", "k=aaaa").is_empty(), "one character repeated has no entropy");
        let digits = "  pattern: 'k=(\\w+)'\n  pattern_requirements: {min_digits: 2, ignore_if_contains: [TEST]}";
        assert_eq!(values(digits, "k=ab1 k=ab12 k=test12"), ["a ab12 1"]);
        assert!(values("  pattern: 'k=(\\w+)'", "k=x0123456789y").is_empty());
        let plain = "rules: [{id: a, name: n, pattern: 'k=(\\w+)'}]";
        assert_eq!(found(plain, Extent::Scan, "k=aaaa k=x0123456789y").len(), 2, "Nosey Parker reports what matches");
    }

    #[test]
    fn a_directive_near_the_secret_drops_it() {
        for (text, count) in [
            ("k=q8Zr # Kingfisher:Ignore", 0),
            ("# kingfisher:ignore\nk=q8Zr", 0),
            ("k=q8Zr\n# kingfisher:ignore", 0),
            ("# kingfisher:ignore\n\nk=q8Zr", 1),
        ] {
            assert_eq!(values("  pattern: 'k=(\\w+)'", text).len(), count, "{text}");
        }
    }

    #[test]
    fn another_match_has_to_be_near_where_the_rule_says_within() {
        let rules = |within: &str, optional: &str| {
            format!(
                "rules:\n- {{id: a, name: n, pattern: 'A(\\w+)', depends_on_rule: [{{rule_id: h, variable: V{within}{optional}}}]}}\n\
                 - {{id: h, name: n, pattern: 'H(\\w+)', visible: false}}\n\
                 - {{id: v, name: n, pattern: 'V(\\w+)', depends_on_rule: [{{rule_id: a, variable: V{within}}}]}}"
            )
        };
        let near = rules(", within: 2L", "");
        assert_eq!(found(&near, Extent::Scan, "Aq8Zr\nHw7Yt"), ["a q8Zr 1"]);
        assert!(found(&near, Extent::Scan, "Aq8Zr\n\nHw7Yt").is_empty());
        assert_eq!(found(&rules(", within: 2L", ", optional: true"), Extent::Scan, "Aq8Zr"), ["a q8Zr 1"]);
        assert_eq!(found(&rules("", ""), Extent::Scan, "Aq8Zr"), ["a q8Zr 1"]);
        // A part that is shown stays a finding of its own.
        assert_eq!(found(&near, Extent::Scan, "Aq8Zr Hw7Yt Vt5Rm"), ["a q8Zr 1", "v t5Rm 1"]);
    }

    #[test]
    fn nothing_is_no_secret() {
        let rules = |pattern: &str| format!("rules: [{{id: a, name: n, pattern: '{pattern}'}}]");
        assert!(found(&rules("q*"), Extent::Scan, "abc").is_empty());
        assert_eq!(found(&rules("k=(q*)(z?)"), Extent::Scan, "k=z k="), ["a z 1", "a k= 1"]);
    }

    #[test]
    fn a_rule_with_a_path_looks_there_only() {
        assert_eq!(values("  pattern: 'k=(\\w+)'\n  path: '\\.txt$'", "k=q8Zr"), ["a q8Zr 1"]);
        assert!(values("  pattern: 'k=(\\w+)'\n  path: '\\.env$'", "k=q8Zr").is_empty());
    }

    #[test]
    fn expressions_alone_find_what_conditions_drop() {
        let rules = "rules: [{id: a, name: n, pattern: 'k=(\\w+)', min_entropy: 7, visible: false}]";
        assert_eq!(found(rules, Extent::Expressions, "k=x0123456789y"), ["a x0123456789y 1"]);
    }
}
