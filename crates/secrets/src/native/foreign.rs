//! What loaded rules say beyond an expression, judged as the tools judge it that they were written for: filters of
//! Betterleaks, composite rules, rules about paths, and rules that yield to others.

use std::{cell::Cell, collections::BTreeMap, ops::Range};

use testudo_source::LineIndex;

use super::{Candidate, Place, SecretsDetector, line_around};
use crate::{
    entropy::shannon,
    expr::{Env, Expr, Map, Value},
    rule::{Conventions, Required, Rule, Subject, Window},
    tokens::Counter,
};

/// Bytes on each side of a match that filters see. Those of Betterleaks look at 8,192.
const FRAGMENT: usize = 1 << 14;

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
    let group = secret_of(rule, &text[trimmed.clone()])?;
    let range = trimmed.start + group.start..trimmed.start + group.end;
    let (matched, secret) = (&text[trimmed.clone()], &text[range.clone()]);
    let bits = shannon(secret);
    if rule.entropy > 0.0 && bits <= rule.entropy {
        return None;
    }
    let line = line_around(text, &trimmed);
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

/// The secret in a match: the rule's group, or the first group that is not empty, found again in the match alone.
fn secret_of(rule: &Rule, matched: &[u8]) -> Option<Range<usize>> {
    let whole = 0..matched.len();
    let groups = rule.pattern()?.captures(matched).unwrap_or_default();
    match rule.secret_group {
        _ if groups.len() < 2 => Some(whole),
        0 => Some(groups[1..].iter().flatten().find(|group| !group.is_empty()).cloned().unwrap_or(whole)),
        group => groups.get(group).map(|range| range.clone().unwrap_or(0..0)),
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
    let reported = complete(detector, &lines, found);
    if detector.own > 0 {
        return (reported, Vec::new());
    }
    let foreign = |c: &Candidate| rule(c).is_some_and(|r| r.conventions == Conventions::Foreign);
    let (foreign, own): (Vec<_>, Vec<_>) = reported.into_iter().partition(foreign);
    (own, without_lesser(detector, &lines, foreign))
}

/// Drops findings of composite rules whose other parts are not near, those parts where they were near, and findings of rules
/// that only serve as parts.
fn complete(detector: &SecretsDetector, lines: &LineIndex<'_>, found: Vec<Candidate>) -> Vec<Candidate> {
    let mut by_rule: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in found.iter().enumerate() {
        by_rule.entry(&detector.infos[candidate.info].id).or_default().push(at);
    }
    let mut kept = vec![true; found.len()];
    let mut parts: Vec<usize> = Vec::new();
    for (at, candidate) in found.iter().enumerate() {
        let Some(rule) = candidate.rule.map(|r| &detector.rules[r]) else { continue };
        kept[at] &= !rule.skip_report;
        let mut near: Vec<usize> = Vec::new();
        for required in &rule.required {
            let others = by_rule.get(required.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let before = near.len();
            near.extend(others.iter().filter(|o| is_near(lines, candidate, &found[**o], required)));
            kept[at] &= required.optional || near.len() > before;
        }
        if kept[at] {
            parts.extend(near);
        }
    }
    for part in parts {
        kept[part] = false;
    }
    found.into_iter().zip(kept).filter_map(|(candidate, kept)| kept.then_some(candidate)).collect()
}

fn is_near(lines: &LineIndex<'_>, candidate: &Candidate, other: &Candidate, required: &Required) -> bool {
    let (here, there) = (lines.position(candidate.matched.start), lines.position(other.matched.start));
    required.within_lines.is_none_or(|n| here.line.abs_diff(there.line) <= n)
        && required.within_columns.is_none_or(|n| here.column.abs_diff(there.column) <= n)
        && required.window.is_none_or(|window| is_in_window(lines, candidate, other, window))
}

fn is_in_window(lines: &LineIndex<'_>, candidate: &Candidate, other: &Candidate, window: Window) -> bool {
    let (matched, part) = (&candidate.matched, &other.matched);
    let Some((above, below)) = window.lines else {
        let (before, after) = window.columns.unwrap_or((u32::MAX, u32::MAX));
        return part.start < matched.end.saturating_add(after as usize)
            && part.end > matched.start.saturating_sub(before as usize);
    };
    let (first, last) = (lines.line_of(matched.start), lines.line_of(matched.end));
    let (part_first, part_last) = (lines.line_of(part.start), lines.line_of(part.end));
    let in_lines = part_last + above as usize >= first && part_first <= last + below as usize;
    // Columns of a match of several lines mean nothing for the others.
    let Some((before, after)) = window.columns.filter(|_| first == last) else { return in_lines };
    let column = |at: usize| at - lines.line_range(lines.line_of(at)).start;
    in_lines
        && column(part.start) < column(matched.end).saturating_add(after as usize)
        && column(part.end) + before as usize > column(matched.start)
}

/// Without findings whose value another rule of more rank found on the same line.
fn without_lesser(detector: &SecretsDetector, lines: &LineIndex<'_>, found: Vec<Candidate>) -> Vec<Candidate> {
    let mut by_line: BTreeMap<usize, Vec<&Candidate>> = BTreeMap::new();
    for candidate in &found {
        by_line.entry(lines.line_of(candidate.matched.start)).or_default().push(candidate);
    }
    let rank = |c: &Candidate| c.rule.map_or(0, |r| detector.rules[r].rank);
    let is_lesser = |c: &&Candidate| {
        let others = by_line.get(&lines.line_of(c.matched.start)).map(Vec::as_slice).unwrap_or_default();
        !others.iter().any(|o| o.info != c.info && rank(o) > rank(c) && o.value.contains(&c.value))
    };
    let mut kept: Vec<Candidate> = found.iter().filter(is_lesser).cloned().collect();
    kept.dedup_by(|a, b| a.info == b.info && a.range == b.range && a.value == b.value);
    kept
}
