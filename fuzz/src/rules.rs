//! Targets: rule files, rule documents and the expression language.

use std::sync::LazyLock;

use testudo_secrets::{
    document::{self, Expect},
    engine::{Engine, Pattern, RawMatch, Spec, Workspace},
    expr::{Env, Expr, Map, Value},
    gitleaks::{self, Fragment, Scanner, Settings},
    load::{
        gitleaks::{NoExtend, load},
        yaml_rules,
        yaml_ruleset::{self, Extent},
    },
    native::{Display, FingerprintKey, Options, Own, SecretsDetector},
};
use testudo_syntax::yaml;

use crate::input::{Input, halves, text};

/// Steps of one expression; few, so that loops show.
const FUEL: u64 = 200_000;

/// YAML: the places are inside the text, and two readings are the same.
pub fn yaml_text(data: &[u8]) {
    let text = text(data);
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
    let read = yaml::documents(&text);
    assert_eq!(read, yaml::documents(&text));
    for document in read.into_iter().flatten() {
        assert!(document.line >= 1 && document.line <= lines, "line {} of {lines}", document.line);
        assert_eq!(document.to_json(), document.to_json());
    }
}

fn options() -> Options {
    Options {
        key: FingerprintKey([7; 32]),
        decode_depth: 2,
        display: Display::Masked,
        disabled: Vec::new(),
        least: testudo_model::Confidence::Low,
    }
}

/// Rules of gitleaks or Betterleaks before the separator, a text behind it. The rules are used by both fronts.
pub fn gitleaks_toml(data: &[u8]) {
    let (rules, rest) = halves(data);
    let rules = text(rules);
    let Ok(set) = load("rules.toml", &rules, &NoExtend) else { return };
    assert_eq!(load("rules.toml", &rules, &NoExtend).map(|again| again.digest), Ok(set.digest.clone()));
    if let Ok(scanner) = Scanner::new(set, Settings::default()) {
        scan_text(&scanner, rest);
    }
    let again = load("rules.toml", &rules, &NoExtend).into_iter().collect();
    if let Ok(detector) = SecretsDetector::with_rules(again, Own::Replace, options()) {
        crate::detect::inspect(&detector, "src/app.conf", rest);
    }
}

fn scan_text(scanner: &Scanner, rest: &[u8]) {
    let run = || {
        let (mut workspace, mut found) = (Workspace::default(), Vec::new());
        for range in gitleaks::fragments(rest) {
            let fragment = Fragment { text: &rest[range], path: "src/app.conf", commit: "", start_line: 0 };
            found.extend(scanner.detect(&fragment, &mut workspace));
        }
        found
    };
    let mut found = run();
    assert_eq!(format!("{found:?}"), format!("{:?}", run()));
    for finding in &mut found {
        assert!(finding.start_line <= finding.end_line);
        gitleaks::redact(finding, 40);
    }
    let json = gitleaks::json(&found);
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "not JSON: {json}");
    let sarif = gitleaks::sarif(&found, &[]);
    assert!(serde_json::from_str::<serde_json::Value>(&sarif).is_ok(), "not JSON: {sarif}");
    assert!(found.is_empty() || gitleaks::csv(&found).lines().count() > found.len());
    assert!(gitleaks::junit(&found).starts_with('<'));
}

/// Rules of Nosey Parker or Kingfisher.
pub fn yaml_rule_file(data: &[u8]) {
    let text = text(data);
    let read = yaml_rules::read("rules.yml", &text);
    assert_eq!(format!("{read:?}"), format!("{:?}", yaml_rules::read("rules.yml", &text)));
    if read.is_err() {
        return;
    }
    let sets = [Extent::Scan, Extent::Shown, Extent::Expressions].map(|e| yaml_ruleset::load("rules.yml", &text, e));
    for set in sets.into_iter().flatten() {
        let Ok(detector) = SecretsDetector::with_rules(vec![set], Own::Replace, options()) else { continue };
        // A rule file is a text like any other.
        crate::detect::inspect(&detector, "rules.yml", text.as_bytes());
    }
}

/// An expression before the separator, a text behind it.
pub fn expression(data: &[u8]) {
    let (source, rest) = halves(data);
    let (source, rest) = (text(source), text(rest));
    let Ok(expression) = Expr::parse(&source) else { return };
    let fields = || {
        Map::of_fields([
            ("secret", Value::text(&rest)),
            ("match", Value::text(&rest)),
            ("line", Value::text(&rest)),
            ("rule_id", Value::text("a-rule")),
            ("fragment_raw", Value::text(&rest)),
            ("path", Value::text("src/app.conf")),
        ])
    };
    let env = Env { finding: fields(), attributes: fields(), captures: fields(), fuel: FUEL, ..Env::default() };
    let first = format!("{:?}", expression.eval(&env));
    assert_eq!(first, format!("{:?}", expression.eval(&env)), "two evaluations differ");
    expression.matches(&env).ok();
}

/// A rule document with its cases and templates.
pub fn rule_document(data: &[u8]) {
    let text = text(data);
    let lines = text.lines().count();
    for case in document::cases(&text) {
        assert!(case.line >= 1 && case.line <= lines && matches!(case.expect, Expect::Found | Expect::Quiet));
        assert_eq!(document::expand(&case.text, 3), document::expand(&case.text, 3));
    }
    assert!(document::without_cases(&text).len() <= text.len());
    assert!(document::section(&text, "How to fix").is_none_or(|section| text.contains(section)));
}

/// Pieces that expressions are put together from.
const PIECES: &[&str] = &[
    "a",
    "key",
    "ab_",
    "[0-9a-f]",
    "[^=]",
    r"\w",
    r"\s",
    r"\b",
    ".",
    "(?:key|ab_|token)",
    "(a|b)",
    "=",
    "é",
    r"\d",
    "^",
    "$",
    "-us",
    "[a-z.-]",
    r"[\s\S]",
    "k.y",
    "(?i:key)",
    r"\x2d",
    "_",
    r"\W",
    r"\B",
    "(?:)",
    "(?:x|)",
    "(?:k|ke|key)",
];
/// How a piece is repeated.
const TIMES: &[&str] = &["", "", "", "", "?", "*", "+", "{2}", "{0,3}", "{1,}", "{0,20}?", "*?", "+?", "??", "{3,5}"];
/// Pieces that texts are put together from.
const WORDS: &[&[u8]] = &[
    b"a",
    b"b",
    b"key",
    b"KEY",
    b"ab_",
    b"token",
    b"=",
    b" ",
    b"\n",
    b"-us",
    b"0",
    b"f",
    "é".as_bytes(),
    b"\xff",
    b"_",
    b".",
    b"-",
    b"k",
    b"y",
    b"x",
    "\u{17f}".as_bytes(),
    "\u{212a}".as_bytes(),
    b"\t",
    b"\r\n",
];

/// An expression and a text put together from pieces: the engine, which follows plans, finds what the expression
/// alone finds.
pub fn plan(data: &[u8]) {
    let mut input = Input::new(data);
    let mut regex = String::from(if input.byte().is_multiple_of(4) { "(?i)" } else { "" });
    let pieces = 1 + input.byte() % 8;
    for _ in 0..pieces {
        regex.push_str(PIECES[usize::from(input.byte()) % PIECES.len()]);
        regex.push_str(TIMES[usize::from(input.byte()) % TIMES.len()]);
    }
    let keyword = ["key", "ab_", "-us", "=", "k", ""][usize::from(input.byte()) % 6];
    let mut text = Vec::new();
    for byte in input.rest().iter().take(200) {
        text.extend_from_slice(WORDS[usize::from(*byte) % WORDS.len()]);
    }
    compare(&regex, keyword, &text);
}

/// An expression as it is before the separator, a text behind it.
pub fn regex(data: &[u8]) {
    let (source, rest) = halves(data);
    // Larger ones take long to compile, and what is looked for shows in small ones.
    if source.len() <= 60 && rest.len() <= 2000 {
        compare(&text(source), "", rest);
    }
}

fn compare(regex: &str, keyword: &str, text: &[u8]) {
    let keywords: Vec<String> = if keyword.is_empty() { Vec::new() } else { vec![keyword.to_owned()] };
    let Ok(engine) = Engine::new(vec![Spec { regex: regex.to_owned(), keywords }]) else { return };
    let Ok(pattern) = Pattern::new(regex) else { return };
    let (mut workspace, mut found) = (Workspace::default(), Vec::new());
    engine.find(text, &mut workspace, &mut found);
    let open = keyword.is_empty() || text.to_ascii_lowercase().windows(keyword.len()).any(|w| w == keyword.as_bytes());
    let all = if open { pattern.find_all(text) } else { Vec::new() };
    let expected: Vec<RawMatch> = all.into_iter().map(|m| RawMatch { rule: 0, start: m.start, end: m.end }).collect();
    assert_eq!(found, expected, "{regex:?} in {:?}", String::from_utf8_lossy(text));
}

/// Rules of ours, in a detector that is made once.
pub(crate) static OWN: LazyLock<SecretsDetector> = LazyLock::new(|| {
    SecretsDetector::own(Options {
        key: FingerprintKey([7; 32]),
        decode_depth: 3,
        display: Display::Masked,
        disabled: Vec::new(),
        least: testudo_model::Confidence::Low,
    })
});
