//! From rules of Nosey Parker and Kingfisher as written to the form that all loaders produce, and what is lost on the way.

use regex_syntax::hir::{Hir, HirKind};
use sha2::{Digest as _, Sha256};
use testudo_model::{Confidence, DetectorId, Persona, Reference, RuleInfo, Severity, hex};

use super::{
    LoadError,
    yaml_rules::{self, Dialect, Near, YamlRule},
};
use crate::{
    engine::{
        Pattern,
        pattern::{Alphabet, parse},
    },
    rule::{Conventions, Part, Required, Rule, Ruleset, Unapplied},
};

/// Why keys that are read have no effect, by how they begin.
const REASONS: [(&str, &str); 10] = [
    ("validation", "nobody is asked about a value with another tool's requests"),
    ("revocation", "nothing is revoked"),
    ("prevalidated", "it belongs to the validation, which is not run"),
    ("tls_mode", "it belongs to the validation, which is not run"),
    ("authoritative", "it belongs to the validation, which is not run"),
    ("depends_on_rule.verify_candidates", "it belongs to the validation, which is not run"),
    ("vectorscan_compatible", "it is a hint for another engine"),
    ("betterleaks_filter", "filters are read from Betterleaks TOML only; the rule finds more"),
    ("betterleaks_secret_group", "groups are chosen as for other rules of the format"),
    ("", "the key is not known"),
];

/// How much of a file is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What a scan takes: rules with all their conditions, hidden ones only where others need them.
    Scan,
    /// Every rule with all its conditions, hidden ones as if they were shown.
    Shown,
    /// Every rule, with its expression and nothing else.
    Expressions,
}

/// Reads the rules of a file.
///
/// # Errors
/// As [`yaml_rules::read`], or an expression is not in the dialect.
pub fn load(path: &str, text: &str, extent: Extent) -> Result<Ruleset, LoadError> {
    let rules = yaml_rules::read(path, text)?;
    let digest = hex(&Sha256::digest(text));
    let mut set = Ruleset { digest, unapplied: unapplied(path, &rules), ..Ruleset::default() };
    for rule in &rules {
        if extent == Extent::Expressions {
            set.rules.push(expression(path, rule)?);
        } else if extent == Extent::Shown || rule.visible || is_needed(rule, &rules) {
            let whole = whole(path, rule, &rules)?;
            set.rules.push(Rule { skip_report: whole.skip_report && extent == Extent::Scan, ..whole });
        }
    }
    Ok(set)
}

/// Whether another rule of the file cannot be judged without the matches of this one.
fn is_needed(rule: &YamlRule, rules: &[YamlRule]) -> bool {
    let near = rules.iter().flat_map(|other| &other.depends_on).filter(|dependency| dependency.within.is_some());
    near.into_iter().any(|dependency| dependency.rule_id == rule.id)
}

/// The rule with its expression and nothing else.
fn expression(path: &str, rule: &YamlRule) -> Result<Rule, LoadError> {
    let hir = syntax_tree(path, rule, "pattern", &in_bytes(&rule.pattern))?;
    let mut names = Vec::new();
    collect_names(&hir, &mut names);
    let groups = hir.properties().explicit_captures_len();
    // Rules of these tools have no keywords: the plan finds its own.
    Ok(Rule {
        secret_groups: match rule.dialect {
            Dialect::NoseyParker => (1..=groups).collect(),
            Dialect::Kingfisher => secret_groups(&names, groups),
        },
        group_names: names,
        tags: rule.tags.clone(),
        // What matches is found, as in Nosey Parker.
        conventions: Conventions::NoseyParker,
        ..Rule::of(info(rule), in_bytes(&rule.pattern), 0.0)
    })
}

fn whole(path: &str, rule: &YamlRule, rules: &[YamlRule]) -> Result<Rule, LoadError> {
    let source = rule.path.as_deref();
    let pattern = source.map(|source| syntax_tree(path, rule, "path", source).map(|_| Pattern::unchecked(source)));
    let known = |id: &str| rules.iter().any(|other| other.id == id);
    let near = rule.depends_on.iter().filter_map(|dependency| Some((dependency, dependency.within?)));
    let required = near.filter(|(dependency, _)| known(&dependency.rule_id)).map(|(dependency, near)| Required {
        id: dependency.rule_id.clone(),
        within_lines: None,
        within_columns: None,
        window: match near {
            Near::Anywhere => None,
            Near::Window(window) => Some(window),
        },
        optional: dependency.optional,
        part: Part::Reported,
    });
    Ok(Rule {
        path: pattern.transpose()?,
        entropy: rule.min_entropy.unwrap_or(0.0),
        conventions: match rule.dialect {
            Dialect::NoseyParker => Conventions::NoseyParker,
            Dialect::Kingfisher => Conventions::Kingfisher,
        },
        required: required.collect(),
        skip_report: !rule.visible,
        requirements: rule.requirements.clone(),
        ..expression(path, rule)?
    })
}

/// Both tools read text byte by byte: `.` takes half of a character.
fn in_bytes(pattern: &str) -> String {
    format!("(?-u){pattern}")
}

fn syntax_tree(path: &str, rule: &YamlRule, key: &str, source: &str) -> Result<Hir, LoadError> {
    parse(source, Alphabet::Bytes).map_err(|e| {
        LoadError { line: rule.span.0, column: rule.span.1, ..LoadError::file(path, format!("`{key}`: {e}")) }
            .in_rule(&rule.id)
    })
}

/// Names of groups with their numbers, in the order of the numbers.
fn collect_names(hir: &Hir, names: &mut Vec<(String, usize)>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_ref().map(|name| (name.to_string(), capture.index as usize)));
            collect_names(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => collect_names(&repetition.sub, names),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs.iter().for_each(|sub| collect_names(sub, names)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// Groups that Kingfisher shows as the secret: one with the name TOKEN, else the first that took part.
fn secret_groups(names: &[(String, usize)], groups: usize) -> Vec<usize> {
    let tokens = names.iter().filter(|(name, _)| name.eq_ignore_ascii_case("TOKEN"));
    let mut order: Vec<usize> = tokens.map(|(_, index)| *index).collect();
    order.extend(1..=groups);
    order
}

fn info(rule: &YamlRule) -> RuleInfo {
    RuleInfo {
        id: rule.id.clone(),
        domain: DetectorId::Secrets,
        title: rule.name.clone(),
        severity: Severity::High,
        confidence: rule.confidence.unwrap_or(match rule.dialect {
            Dialect::NoseyParker => Confidence::High,
            Dialect::Kingfisher => Confidence::Medium,
        }),
        persona: Persona::Regular,
        cwe: vec![798],
        owasp: vec!["A07:2021".to_owned(), "A07:2025".to_owned()],
        aliases: Vec::new(),
        references: rule.references.iter().cloned().map(Reference).collect(),
        help: rule.description.clone().unwrap_or_default(),
    }
}

/// What the file says and is not done, one entry a key.
fn unapplied(path: &str, rules: &[YamlRule]) -> Vec<Unapplied> {
    let mut found: Vec<Unapplied> = Vec::new();
    let mut add = |key: &str, reason: String, id: &str| match found
        .iter_mut()
        .find(|known| known.key == key && known.reason == reason)
    {
        Some(known) => known.rules.push(id.to_owned()),
        None => {
            found.push(Unapplied { path: path.to_owned(), key: key.to_owned(), reason, rules: vec![id.to_owned()] })
        }
    };
    for rule in rules {
        for key in &rule.ignored_keys {
            let reason = REASONS.iter().find(|(known, _)| known.is_empty() || known == key);
            add(key, reason.map_or("", |(_, reason)| reason).to_owned(), &rule.id);
        }
        for dependency in &rule.depends_on {
            let missing = !rules.iter().any(|other| other.id == dependency.rule_id);
            let reason = match (dependency.within, missing) {
                (None, _) => "without `within` it only serves the validation, which is not run",
                (Some(_), true) => "the other rule is not in the same file",
                (Some(_), false) => continue,
            };
            add("depends_on_rule", reason.to_owned(), &rule.id);
        }
        if let Some(fault) = &rule.checksum_fault {
            add("pattern_requirements.checksum", fault.to_string(), &rule.id);
        }
    }
    for known in &mut found {
        known.rules.dedup();
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_scan(text: &str) -> Ruleset {
        load("f.yml", text, Extent::Scan).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_secret_is_in_the_group_that_the_tool_takes() {
        for (pattern, extra, expected) in [
            ("abc", "", vec![]),
            ("(a)(b)", "", vec![1, 2]),
            ("(a)(b)", ", min_entropy: 1", vec![1, 2]),
            ("(a)(?P<x>b)(?P<token>c)", ", min_entropy: 1", vec![3, 1, 2, 3]),
        ] {
            let set = load_scan(&format!("rules: [{{id: a, name: b, pattern: '{pattern}'{extra}}}]"));
            assert_eq!(set.rules[0].secret_groups, expected, "{pattern}{extra}");
        }
    }

    #[test]
    fn the_tool_decides_about_what_is_not_said() {
        let info = |text: &str| (load_scan(text).rules[0].info.confidence, load_scan(text).rules[0].conventions);
        let plain = info("rules: [{id: a, name: b, pattern: c, categories: [api]}]");
        assert_eq!(plain, (Confidence::High, Conventions::NoseyParker));
        let beside = "rules: [{id: a, name: b, pattern: c}, {id: d, name: e, pattern: f, visible: true}]";
        assert_eq!(info(beside), (Confidence::Medium, Conventions::Kingfisher));
    }

    #[test]
    fn hidden_rules_are_taken_where_others_need_them() {
        let rules = |within: &str| {
            format!(
                "rules: [{{id: a, name: b, pattern: c, depends_on_rule: [{{rule_id: h, variable: V{within}}}]}}, \
                 {{id: h, name: i, pattern: j, visible: false}}]"
            )
        };
        let ids = |text: &str, extent| {
            let set = load("f.yml", text, extent).unwrap();
            set.rules.iter().map(|r| (r.info.id.clone(), r.skip_report)).collect::<Vec<_>>()
        };
        let named = |id: &str, hidden| (id.to_owned(), hidden);
        assert_eq!(ids(&rules(""), Extent::Scan), [named("a", false)]);
        assert_eq!(ids(&rules(", within: 2L"), Extent::Scan), [named("a", false), named("h", true)]);
        assert_eq!(ids(&rules(""), Extent::Expressions), [named("a", false), named("h", false)]);
    }

    #[test]
    fn what_has_no_effect_is_told_by_key() {
        let text = "rules:\n\
            - {id: a, name: b, pattern: c, validation: {type: Http}, colour: red, depends_on_rule: [{rule_id: x, variable: V}]}\n\
            - {id: d, name: e, pattern: f, validation: {type: Http}}\n\
            - {id: g, name: h, pattern: i, pattern_requirements: {checksum: {actual: {template: x}, expected: '{{ x | uuid }}'}}}\n\
            - {id: j, name: k, pattern: l, depends_on_rule: [{rule_id: x, variable: V, within: 2L}]}";
        let told: Vec<String> = load_scan(text).unapplied.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`colour` of a has no effect: the key is not known",
                "`depends_on_rule` of j has no effect: the other rule is not in the same file",
                "`depends_on_rule` of a has no effect: without `within` it only serves the validation, which is not run",
                "`pattern_requirements.checksum` of g has no effect: filter `uuid` is not computed",
                "`validation` of a, d has no effect: nobody is asked about a value with another tool's requests",
            ]
        );
    }

    #[test]
    fn an_expression_of_another_dialect_is_refused_with_its_place() {
        let error = load("f.yml", "rules:\n- {id: a, name: b, pattern: '(?=a)'}", Extent::Scan).unwrap_err();
        assert!(error.to_string().starts_with("f.yml:2:3: rule a: `pattern`: look-around"), "{error}");
    }
}
