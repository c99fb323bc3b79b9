//! What loaded rules say beyond an expression, judged as the tools judge it that they were written for: filters of
//! Betterleaks, composite rules, rules about paths, and rules that yield to others.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use testudo_source::LineIndex;

use super::{
    Candidate, Place, SecretsDetector, line_around,
    nearby::{Nearby, Reach, axes, spots},
    ranks::Ranks,
};
use crate::{
    entropy::shannon,
    expr::{Env, EvalError, Expr, Map, Value},
    rule::{Conventions, Part, Required, Rule, Ruleset, Subject},
    tokens::Counter,
};

/// Bytes on each side of a match that filters see. Those of Betterleaks look at 8,192.
const FRAGMENT: usize = 1 << 14;

/// What on the line of a match says that it is known.
const ALLOWED: [&[u8]; 2] = [b"gitleaks:allow", b"betterleaks:allow"];

fn attributes(path: &str) -> Map {
    Map::of_fields([("path", Value::text(path)), ("resource", Value::text("fs.content"))])
}

/// Whether a prefilter leaves out a file.
pub(super) fn skips(prefilters: &[Expr], path: &str) -> bool {
    !prefilters.is_empty() && {
        let env = Env { attributes: attributes(path), ..Env::default() };
        prefilters.iter().any(|f| f.matches(&env).unwrap_or(false))
    }
}

/// Judges a match by what its rule says and nothing else.
pub(super) fn judge(
    detector: &SecretsDetector,
    place: &Place<'_>,
    text: &[u8],
    found: Range<usize>,
    index: usize,
) -> Option<Candidate> {
    let rule = &detector.rules[index];
    let trimmed = without_breaks(text, found.clone());
    let range = secret_of(rule, text, &found, &trimmed)?;
    let (matched, secret) = (&text[trimmed.clone()], &text[range.clone()]);
    let bits = shannon(secret);
    if rule.entropy > 0.0 && bits <= rule.entropy {
        return None;
    }
    let line = line_around(text, &trimmed);
    if ALLOWED.iter().any(|mark| memchr::memmem::find(line, mark).is_some()) {
        return None;
    }
    let subject = Subject { secret, matched, line, path: &place.display, commit: "" };
    let mut lists = detector.allowlists.iter().chain(&rule.allowlists);
    if lists.any(|a| a.allows(&subject)) || rule.allowlists.iter().any(|a| a.allows_place(&place.display, "")) {
        return None;
    }
    let confidence = Cell::new(None);
    let mut filters = detector.filters.iter().chain(&rule.filter).peekable();
    if filters.peek().is_some() {
        let finding = finding(rule, text, &found, &subject, bits);
        let env = Env {
            finding,
            attributes: attributes(&place.display),
            tokens: Some(&Counter),
            confidence: Some(&confidence),
            ..Env::default()
        };
        // One that cannot be evaluated keeps the finding.
        if filters.any(|f| f.matches(&env).unwrap_or(false)) {
            return None;
        }
    }
    if skips(rule.prefilter.as_slice(), &place.display) {
        return None;
    }
    Some(Candidate {
        info: index,
        rule: Some(index),
        range,
        matched: trimmed,
        value: String::from_utf8_lossy(secret).into_owned(),
        confidence: confidence.get().unwrap_or(rule.info.confidence),
        proven: false,
        generic: false,
        decoded: Vec::new(),
    })
}

/// Computes every filter and prefilter that a match of `secret` by a rule would be asked about, as a scan does.
///
/// # Errors
/// A filter cannot be computed. A scan keeps the finding then.
pub fn compute_filters(set: &Ruleset, rule: &Rule, secret: &str) -> Result<(), EvalError> {
    let (bytes, path) = (secret.as_bytes(), "src/app.conf");
    let subject = Subject { secret: bytes, matched: bytes, line: bytes, path, commit: "" };
    let confidence = Cell::new(None);
    let env = Env {
        finding: finding(rule, bytes, &(0..bytes.len()), &subject, shannon(bytes)),
        attributes: attributes(path),
        tokens: Some(&Counter),
        confidence: Some(&confidence),
        ..Env::default()
    };
    set.filters.iter().chain(&rule.filter).try_for_each(|filter| filter.matches(&env).map(drop))?;
    let before = Env { attributes: attributes(path), ..Env::default() };
    set.prefilters.iter().chain(&rule.prefilter).try_for_each(|filter| filter.matches(&before).map(drop))
}

/// What filters know as `finding`.
fn finding(rule: &Rule, text: &[u8], found: &Range<usize>, subject: &Subject<'_>, bits: f64) -> Map {
    let (from, to) = (found.start.saturating_sub(FRAGMENT), text.len().min(found.end + FRAGMENT));
    // Offsets count in the text as filters see it, in which bytes that are no UTF-8 are replaced.
    let mut fragment = String::from_utf8_lossy(&text[from..found.start]).into_owned();
    let start = fragment.len();
    let line_start = fragment.rfind(['\r', '\n']).map_or(0, |at| at + 1);
    fragment.push_str(&String::from_utf8_lossy(&text[found.clone()]));
    let end = fragment.len();
    fragment.push_str(&String::from_utf8_lossy(&text[found.end..to]));
    let line_end = fragment[end..].find(['\r', '\n']).map_or(fragment.len(), |at| end + at);
    let text = |bytes: &[u8]| Value::text(&String::from_utf8_lossy(bytes));
    let offset = |at: usize| Value::Int(at as i64);
    Map::of_fields([
        ("secret", text(subject.secret)),
        ("match", text(subject.matched)),
        ("line", text(subject.line)),
        ("rule_id", Value::text(&rule.info.id)),
        ("description", Value::text(&rule.info.title)),
        ("entropy", Value::text(&bits.to_string())),
        ("context", Value::text(&fragment)),
        ("fragment_raw", Value::text(&fragment)),
        ("match_start_idx", offset(start)),
        ("match_end_idx", offset(end)),
        ("match_line_start_idx", offset(line_start)),
        ("match_line_end_idx", offset(line_end)),
    ])
}

/// A match without the line breaks around it.
fn without_breaks(text: &[u8], found: Range<usize>) -> Range<usize> {
    let matched = &text[found.clone()];
    let start = matched.iter().take_while(|b| **b == b'\n').count();
    let end = matched.iter().rev().take_while(|b| **b == b'\n').count();
    if start == matched.len() { found.start..found.start } else { found.start + start..found.end - end }
}

/// The secret in a match: the rule's group, or the first group that is not empty. Without groups, the match.
fn secret_of(rule: &Rule, text: &[u8], found: &Range<usize>, trimmed: &Range<usize>) -> Option<Range<usize>> {
    let pattern = rule.pattern()?;
    let alone = || {
        let groups = pattern.captures(&text[trimmed.clone()])?;
        let lifted = |group: Option<Range<usize>>| group.map(|g| g.start + trimmed.start..g.end + trimmed.start);
        Some(groups.into_iter().map(lifted).collect::<Vec<_>>())
    };
    let groups = pattern.captures_at(text, found).or_else(alone).unwrap_or_default();
    match rule.secret_group {
        _ if groups.len() < 2 => Some(trimmed.clone()),
        0 => Some(groups[1..].iter().flatten().find(|group| !group.is_empty()).unwrap_or(trimmed).clone()),
        group => groups.get(group).map(|range| range.clone().unwrap_or(trimmed.start..trimmed.start)),
    }
}

/// Findings of rules that look at the path alone.
pub(super) fn path_rules(detector: &SecretsDetector, place: &Place<'_>) -> Vec<Candidate> {
    let by_path = |rule: &crate::rule::Rule| {
        rule.regex.is_none() && rule.path.as_ref().is_some_and(|p| p.is_match(place.display.as_bytes()))
    };
    let matching = detector.rules.iter().enumerate().filter(|(_, rule)| by_path(rule));
    let allowed = |rule: &crate::rule::Rule| rule.allowlists.iter().any(|a| a.allows_place(&place.display, ""));
    matching
        .filter(|(_, rule)| !allowed(rule))
        .map(|(index, rule)| Candidate {
            info: index,
            rule: Some(index),
            range: 0..0,
            matched: 0..0,
            value: place.display.clone(),
            confidence: rule.info.confidence,
            proven: false,
            generic: false,
            decoded: Vec::new(),
        })
        .collect()
}

/// Splits what was found into candidates that are judged by our conventions and the findings of loaded rules: without those
/// whose other parts are not near, those that only serve as parts, and those that another rule tells better.
///
/// Where our rules run too, everything is judged by our conventions: two rules may know the same token.
pub(super) fn settle(
    detector: &SecretsDetector,
    text: &[u8],
    found: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let rule = |c: &Candidate| c.rule.map(|r| &detector.rules[r]);
    if found
        .iter()
        .all(|c| rule(c).is_none_or(|r| r.conventions == Conventions::Own && r.required.is_empty() && !r.skip_report))
    {
        return (found, Vec::new());
    }
    let lines = LineIndex::new(text);
    let (reported, parts) = complete(detector, &lines, found);
    if detector.own > 0 {
        return (reported, Vec::new());
    }
    let foreign = |c: &Candidate| rule(c).is_some_and(|r| r.conventions != Conventions::Own);
    let (foreign, own): (Vec<_>, Vec<_>) = reported.into_iter().partition(foreign);
    (own, without_lesser(detector, &lines, foreign, &parts))
}

/// Drops findings of composite rules whose other parts are not near, those parts where they were near, and findings of rules
/// that only serve as parts. The parts that others took come second, each once.
fn complete(
    detector: &SecretsDetector,
    lines: &LineIndex<'_>,
    found: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let reported = |c: &Candidate| c.rule.is_none_or(|r| !detector.rules[r].skip_report);
    let mut kept: Vec<bool> = found.iter().map(reported).collect();
    let taken = take_parts(detector, lines, &found, &mut kept);
    let parts = found.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(part, _)| part.clone()).collect();
    let flags = kept.into_iter().zip(taken).map(|(kept, taken)| kept && !taken);
    (found.into_iter().zip(flags).filter_map(|(candidate, kept)| kept.then_some(candidate)).collect(), parts)
}

/// Which findings others took as their parts. Findings that miss a part are no longer kept.
fn take_parts(detector: &SecretsDetector, lines: &LineIndex<'_>, found: &[Candidate], kept: &mut [bool]) -> Vec<bool> {
    let mut taken = vec![false; found.len()];
    let mut composite: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in found.iter().enumerate() {
        by_id.entry(&detector.infos[candidate.info].id).or_default().push(at);
        if let Some(rule) = candidate.rule.filter(|r| !detector.rules[*r].required.is_empty()) {
            composite.entry(rule).or_default().push(at);
        }
    }
    if composite.is_empty() {
        return taken;
    }
    let spots = spots(lines, found);
    for (rule, findings) in composite {
        let others = |r: &Required| by_id.get(r.id.as_str()).cloned().unwrap_or_default();
        let required = &detector.rules[rule].required;
        let mut all: Vec<_> = required.iter().map(|r| (r, Nearby::new(&spots, others(r), &axes(r)))).collect();
        for at in findings {
            let here = &spots[at];
            kept[at] &= all.iter().all(|(r, nearby)| r.optional || nearby.any(Nearby::ROOT, &Reach::of(here, r)));
            for (r, nearby) in all.iter_mut().filter(|(r, _)| kept[at] && r.part == Part::Absorbed) {
                nearby.take(Nearby::ROOT, &Reach::of(here, r), &mut taken);
            }
        }
    }
    taken
}

/// Without findings whose value is a part of another finding on the same line, or was found there by another rule of more
/// rank, reported or as a part.
fn without_lesser(
    detector: &SecretsDetector,
    lines: &LineIndex<'_>,
    found: Vec<Candidate>,
    parts: &[Candidate],
) -> Vec<Candidate> {
    let line = |c: &Candidate| lines.line_of(c.matched.start);
    let rank = |c: &Candidate| c.rule.map_or(0, |r| detector.rules[r].rank);
    let told: HashSet<(usize, &str)> = parts.iter().map(|part| (line(part), part.value.as_str())).collect();
    let mut by_line: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let all: Vec<&Candidate> = found.iter().chain(parts).collect();
    all.iter().enumerate().for_each(|(at, candidate)| by_line.entry(line(candidate)).or_default().push(at));
    let mut kept: Vec<bool> = found.iter().map(|c| !told.contains(&(line(c), c.value.as_str()))).collect();
    for on_line in by_line.values() {
        let values: Vec<_> = on_line.iter().map(|at| (rank(all[*at]), all[*at].value.as_bytes())).collect();
        let Some(known) = Ranks::of(&values) else { continue };
        for (at, (rank, value)) in on_line.iter().zip(&values).filter(|(at, _)| **at < found.len()) {
            // One of more rank is of another rule: a rule has one rank.
            kept[*at] &= known.of_value(value).is_none_or(|most| most <= *rank);
        }
    }
    let mut kept: Vec<Candidate> = found.into_iter().zip(kept).filter_map(|(c, kept)| kept.then_some(c)).collect();
    kept.dedup_by(|a, b| a.info == b.info && a.range == b.range && a.value == b.value);
    kept
}

#[cfg(test)]
mod tests {
    use testudo_model::{Confidence, Finding};

    use super::super::{Display, FingerprintKey, Options, Own};
    use super::*;
    use crate::load::gitleaks::{NoExtend, load};

    /// Rule, value, line and confidence of each finding.
    fn found(rules: &str, text: &str) -> Vec<(String, String, u32, Confidence)> {
        let set = load("rules.toml", rules, &NoExtend).unwrap();
        let options = Options {
            key: FingerprintKey([7; 32]),
            decode_depth: 0,
            display: Display::Clear,
            disabled: Vec::new(),
            least: Confidence::Low,
        };
        let detector = SecretsDetector::with_rules(vec![set], Own::Replace, options).unwrap();
        let value = |f: &Finding| f.properties["secret"].as_str().unwrap_or_default().to_owned();
        let findings = detector.findings_of("a.txt", text);
        findings.iter().map(|f| (f.rule.clone(), value(f), f.location.line(), f.confidence)).collect()
    }

    fn values(rules: &str, text: &str) -> Vec<String> {
        found(rules, text).into_iter().map(|(rule, value, ..)| format!("{rule} {value}")).collect()
    }

    /// Two rules, the first with more keys.
    fn pair(keys: &str) -> String {
        format!("[[rules]]\nid='a'\nregex='AAA(\\w+)'\n{keys}\n[[rules]]\nid='b'\nregex='BBB(\\w+)'\n")
    }

    #[test]
    fn a_match_is_judged_by_its_rule_alone() {
        let rule = "[[rules]]\nid='a'\nregex='key=(\\w+)'\n";
        assert_eq!(values(rule, "key=changeme"), ["a changeme"]);
        assert!(values(rule, "key=changeme # gitleaks:allow").is_empty());
    }

    #[test]
    fn components_have_to_be_in_the_window() {
        let cases = [
            ("2L", "AAAx\nBBBy", true),
            ("2L", "AAAx\n\nBBBy", false),
            ("+2L", "AAAx\nBBBy", true),
            ("-2L", "AAAx\nBBBy", false),
            ("20C", "AAAfoo.................. BBBy", true),
            ("20C", "AAAfoo.................... BBBy", false),
            ("2L,20C", "AAAfoo\n.................... BBBy", true),
            ("2L,20C", "AAAfoo\n............................. BBBy", false),
        ];
        for (within, text, near) in cases {
            let rules = pair(&format!("components=[{{id='b',within='{within}'}}]"));
            let first = values(&rules, text).iter().any(|v| v.starts_with("a "));
            assert_eq!(first, near, "{within} {text}");
            // A part that was taken is not reported by itself.
            assert_eq!(values(&rules, text).iter().any(|v| v.starts_with("b ")), !near, "{within} {text}");
        }
        assert_eq!(values(&pair("components=[{id='b',optional=true}]"), "AAAx"), ["a x"]);
    }

    #[test]
    fn filters_count_tokens_and_set_the_confidence() {
        let rule = |filter: &str| format!("[[rules]]\nid='a'\nregex='key=(\\w+)'\nfilter='''{filter}'''\n");
        let language = rule(r#"tokenRatio(finding["secret"]) >= 2.5"#);
        assert_eq!(values(&language, "key=password key=a8f7b3c9d2e1"), ["a a8f7b3c9d2e1"]);
        let plain = rule(r#"failsTokenEfficiency(finding["secret"])"#);
        assert_eq!(values(&plain, "key=kitchen9x key=a8f7b3c9d2e1"), ["a a8f7b3c9d2e1"]);
        let level = rule(
            r#"let before = finding["fragment_raw"][:finding["match_start_idx"]];
            let _ = setConfidence((before contains "login") ? "medium" : "low"); false"#,
        );
        assert_eq!(found(&level, "login: key=abc")[0].3, Confidence::Medium);
        assert_eq!(found(&level, "other: key=abc")[0].3, Confidence::Low);
    }

    #[test]
    fn a_rule_of_less_rank_yields() {
        let rules = "[[rules]]\nid='generic'\nregex='key=(\\w+)'\n[[rules]]\nid='special'\nregex='key=sp_\\w+'\n";
        assert_eq!(values(rules, "key=sp_1 key=other"), ["special key=sp_1", "generic other"]);
    }

    #[test]
    fn what_a_part_tells_is_not_told_again() {
        let more = "[[rules]]\nid='generic'\nregex='key=(\\w+)'\n[[rules]]\nid='peer'\nregex='=(\\w+)'\n";
        let rules = |part: &str| {
            format!(
                "[[rules]]\nid='a'\nregex='AAA(\\w+)'\n{part}\n[[rules]]\nid='b'\nregex='key=(BBB\\w+)'\nskipReport=true\n{more}"
            )
        };
        let text = "AAAx key=BBBy";
        assert_eq!(values(&rules("components=[{id='b'}]"), text), ["a x"]);
        assert_eq!(values(&rules(""), text), ["a x", "peer BBBy"]);
    }

    #[test]
    fn groups_are_those_of_the_match_in_its_place() {
        let rules = "[[rules]]\nid='a'\nregex='key=(\\S+)(?:\\)|$)'\n";
        assert_eq!(values(rules, "(key=abc) x"), ["a abc"]);
    }

    #[test]
    fn many_matches_on_a_line_yield_as_few_do() {
        let rules = "[[rules]]\nid='generic'\nregex='k=(\\w+)'\n[[rules]]\nid='special'\nregex='k=sp_\\w+'\n";
        let special = |n: usize| n.is_multiple_of(2);
        let word = |n: usize| if special(n) { format!("k=sp_{n} ") } else { format!("k=v{n} ") };
        let told = |n: usize| if special(n) { format!("special k=sp_{n}") } else { format!("generic v{n}") };
        let text: String = (0..20_000).map(word).collect();
        assert!(values(rules, &text).into_iter().eq((0..20_000).map(told)));
    }

    #[test]
    fn many_pairs_on_a_line_are_told_as_few_are() {
        let text: String = (0..4_000).map(|n| format!("AAA{n} BBBy{n} ")).collect();
        let told = |limits: &str| values(&pair(&format!("[[rules.required]]\nid='b'\n{limits}\n")), &text);
        let whole: Vec<String> = (0..4_000).map(|n| format!("a {n}")).collect();
        let parts: Vec<String> = (0..4_000).map(|n| format!("b y{n}")).collect();
        for near in ["", "withinLines=0", "withinLines=3\nwithinColumns=8", "withinColumns=100000"] {
            assert!(told(near) == whole, "{near}");
        }
        assert!(told("withinLines=0\nwithinColumns=4") == parts);
    }
}
