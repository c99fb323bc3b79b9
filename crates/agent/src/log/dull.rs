//! Lines that no rule wants, told from all others in one pass.
//!
//! Most lines of a log bring nothing. Before a line is decoded, one expression looks at all of it, which finds at least what
//! each rule finds in a part of it: its anchors are taken off, and of several conditions the one that says most is taken.
//! A rule of which nothing can be said that way is looked at for every line; then nothing is gained, and nothing is missed.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

use super::{
    memory::Memory,
    rule::{Condition, Rule, Subject},
};

/// Shortest text that says something of a line, in bytes.
const MIN_TEXT: usize = 3;
/// What says that another message came again.
const REPEATED: &str = "message repeated [0-9]";
/// How large the expression may be, in bytes.
const MAX_PROGRAM: usize = 16 << 20;
/// How much memory its lazy automaton may take while it runs.
const MAX_AUTOMATON: usize = 4 << 20;

/// What tells lines that no rule wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dull {
    /// Finds something in every line that a rule without a count wants; none where there is no such expression.
    wanted: Option<Regex>,
    /// Rules that want any line, but only where something came before it: ids, and their windows in seconds.
    counting: Vec<(u32, u64)>,
}

impl Dull {
    /// For rules in their tree.
    pub(crate) fn new(rules: &[Rule], children: &[Vec<usize>]) -> Self {
        let mut parents = vec![Vec::new(); rules.len()];
        for (parent, children) in children.iter().enumerate() {
            children.iter().for_each(|child| parents[*child].push(parent));
        }
        let (mut patterns, mut counting) = (vec![REPEATED.to_owned()], Vec::new());
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.level > 0) {
            let above = &parents[number];
            // What a rule wants of which all that is above it tells something is wanted already.
            if !above.is_empty() && above.iter().all(|parent| rules[*parent].level > 0) {
                continue;
            }
            if let Some(correlation) = &rule.correlation {
                counting.push((rule.id, correlation.timeframe));
            } else if let Some(pattern) = best(number, rules, &parents) {
                patterns.push(pattern);
            } else {
                return Self::default();
            }
        }
        Self { wanted: joined(&patterns), counting }
    }

    /// Whether no rule wants a line of a time, in seconds since 1970; 0 where it is not known.
    pub(crate) fn is(&self, text: &[u8], time: u64, memory: &Memory) -> bool {
        let Some(wanted) = &self.wanted else { return false };
        let counts = |(rule, window): &(u32, u64)| memory.has_since(*rule, time.saturating_sub(*window));
        // Fields are text: where a line is none they are not as they stand in it.
        !wanted.is_match(text) && !self.counting.iter().any(counts) && std::str::from_utf8(text).is_ok()
    }
}

fn joined(patterns: &[String]) -> Option<Regex> {
    let all = patterns.iter().map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|");
    let built = RegexBuilder::new(&all).unicode(false).size_limit(MAX_PROGRAM).dfa_size_limit(MAX_AUTOMATON).build();
    built.ok()
}

/// Of the conditions of a rule, and of the only ones above it, what finds the longest text in every line that fits.
fn best(number: usize, rules: &[Rule], parents: &[Vec<usize>]) -> Option<String> {
    let (mut all, mut at) = (Vec::new(), Some(number));
    while let Some(number) = at {
        all.extend(rules[number].conditions.iter().filter_map(found_in_line));
        at = match parents[number].as_slice() {
            [only] if *only != number => Some(*only),
            _ => None,
        };
    }
    // Trees have no loops: a rule stands behind those above it.
    let longest = all.into_iter().rev().max_by_key(|(length, _)| *length)?;
    (longest.0 >= MIN_TEXT).then_some(longest.1)
}

/// The expression of a condition without its anchors, and how much it finds at least.
fn found_in_line(condition: &Condition) -> Option<(usize, String)> {
    let Condition::Matches(subject, expression) = condition else { return None };
    if *subject == Subject::Location {
        return None;
    }
    without_anchors(&expression.pattern()?)
}

fn without_anchors(pattern: &str) -> Option<(usize, String)> {
    let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
    let hir = bare(&hir);
    Some((hir.properties().minimum_len()?, hir.to_string()))
}

/// The same without anchors and groups.
fn bare(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(class) => Hir::class(class.clone()),
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(bare(&repetition.sub))),
        HirKind::Capture(capture) => bare(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(bare).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(bare).collect()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        config::LogFormat,
        log::{Engine, Line, ruleset},
    };

    /// A line is dull only where no rule has a level for it, and most lines are.
    #[test]
    fn what_is_passed_over_no_rule_wants() {
        let mut engine = Engine::new(ruleset());
        let documents = ["sshd", "privilege", "accounts", "web"].map(|name| {
            let path = format!("{}/../../rules/agent/{name}.md", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).unwrap()
        });
        let text = documents.concat();
        let mut dull = 0;
        for format in [LogFormat::Syslog, LogFormat::Plain] {
            for line in text.lines() {
                let line = Line { text: line.as_bytes(), location: "x", arrival: 1_800_000_000, format };
                if engine.clone().judge_wanted(line).is_none() {
                    dull += 1;
                    let told = engine.judge(line).rule.filter(|hit| hit.level > 0);
                    assert_eq!(told, None, "{}", String::from_utf8_lossy(line.text));
                } else {
                    engine.judge(line);
                }
            }
        }
        assert!(dull > 500, "{dull}");
    }

    #[test]
    fn requests_that_bring_nothing_are_dull_until_an_attack() {
        let mut engine = Engine::new(ruleset());
        let request = |path: &str, status: u16| {
            format!("203.0.113.9 - - [31/Jan/2026:12:00:00 +0000] \"GET {path} HTTP/1.1\" {status} 9 \"-\" \"Mozilla\"")
        };
        for (path, status, arrival, expected) in [
            ("/shop", 200, 1000, true),
            ("/shop", 500, 1000, true),
            ("/x?id=1+union+select+2", 200, 1000, false),
            // The rule about errors behind an attack may want it for two minutes.
            ("/shop", 500, 1100, false),
            ("/shop", 500, 1200, true),
            ("/shop", 404, 1200, false),
            ("/caf\u{fffd}", 200, 1200, true),
        ] {
            let text = request(path, status);
            let line = Line { text: text.as_bytes(), location: "x", arrival, format: LogFormat::Plain };
            assert_eq!(engine.clone().judge_wanted(line).is_none(), expected, "{path} {status} {arrival}");
            engine.judge(line);
        }
        let line = Line { text: b"caf\xe9", location: "x", arrival: 1, format: LogFormat::Plain };
        assert!(engine.judge_wanted(line).is_some());
    }
}
