//! What loaded rules can say beyond an expression: composite rules, rules about paths, and Betterleaks' filters.

use super::{Candidate, Place, SecretsDetector};
use crate::{
    expr::{Env, Expr, Map, Value},
    rule::Required,
};

use testudo_source::LineIndex;

/// What a filter looks at.
pub(super) struct Fields<'a> {
    pub(super) secret: &'a str,
    pub(super) matched: &'a [u8],
    pub(super) line: &'a [u8],
    pub(super) rule: &'a str,
    pub(super) path: &'a str,
}

fn attributes(path: &str) -> Map {
    Map::of_fields([("path", Value::text(path))])
}

/// Whether a filter drops a finding. One that cannot be evaluated keeps it.
pub(super) fn drops<'a>(filters: impl Iterator<Item = &'a Expr>, fields: &Fields<'_>) -> bool {
    let mut filters = filters.peekable();
    if filters.peek().is_none() {
        return false;
    }
    let text = |bytes: &[u8]| Value::text(&String::from_utf8_lossy(bytes));
    let finding = Map::of_fields([
        ("secret", Value::text(fields.secret)),
        ("match", text(fields.matched)),
        ("line", text(fields.line)),
        ("rule_id", Value::text(fields.rule)),
    ]);
    let env = Env { finding, attributes: attributes(fields.path), ..Env::default() };
    filters.any(|f| f.matches(&env).unwrap_or(false))
}

/// Whether a prefilter leaves out a file.
pub(super) fn skips(prefilters: &[Expr], path: &str) -> bool {
    !prefilters.is_empty() && {
        let env = Env { attributes: attributes(path), ..Env::default() };
        prefilters.iter().any(|f| f.matches(&env).unwrap_or(false))
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
            value: place.display.clone(),
            confidence: rule.info.confidence,
            proven: false,
            generic: false,
            decoded: Vec::new(),
        })
        .collect()
}

/// Drops findings of composite rules whose other parts are not near, and of rules that only serve as parts.
pub(super) fn complete(detector: &SecretsDetector, text: &[u8], found: Vec<Candidate>) -> Vec<Candidate> {
    let composite =
        |c: &Candidate| c.rule.is_some_and(|r| !detector.rules[r].required.is_empty() || detector.rules[r].skip_report);
    if !found.iter().any(composite) {
        return found;
    }
    let lines = LineIndex::new(text);
    let near = |candidate: &Candidate, required: &Required| {
        let here = lines.position(candidate.range.start);
        found.iter().filter(|o| detector.infos[o.info].id == required.id).any(|other| {
            let there = lines.position(other.range.start);
            required.within_lines.is_none_or(|n| here.line.abs_diff(there.line) <= n)
                && required.within_columns.is_none_or(|n| here.column.abs_diff(there.column) <= n)
        })
    };
    let holds = |c: &&Candidate| {
        c.rule.is_none_or(|r| {
            let rule = &detector.rules[r];
            !rule.skip_report && rule.required.iter().all(|required| near(c, required))
        })
    };
    found.iter().filter(holds).cloned().collect()
}
