//! Reader of gitleaks v8 TOML, and of the same language with Betterleaks' expressions and our own `[rules.testudo]` table.
//!
//! Semantics follow gitleaks 8.30: keys are compared without case, an extended configuration is merged rule by rule
//! (the child's scalars win, lists are joined), `targetRules` are resolved after that, and a configuration that gitleaks
//! refuses is refused here with the place of the fault.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use testudo_model::{Confidence, DetectorId, Persona, Reference, RuleInfo, Severity, hex};

use super::{
    LoadError,
    toml_tree::{self, Node},
};
use crate::{
    engine::{
        Pattern,
        pattern::{Alphabet, parse},
    },
    expr::Expr,
    rule::{Allowlist, Condition, Conventions, Part, RegexTarget, Required, Rule, Ruleset, Window},
    verify::Request,
};

/// How far `extend` may go.
const MAX_EXTEND_DEPTH: usize = 2;
/// Largest rule file in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// Where extended configurations come from; reading files is the caller's business.
pub trait Resolver {
    /// The text of `extend.path`, relative to the working directory as gitleaks reads it.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn path(&self, path: &str) -> Result<String, String>;

    /// gitleaks' own default configuration, for `extend.useDefault`.
    ///
    /// # Errors
    /// How to provide one where there is none.
    fn default_config(&self) -> Result<String, String>;
}

/// A resolver that refuses: for configurations that must stand alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExtend;

impl Resolver for NoExtend {
    fn path(&self, path: &str) -> Result<String, String> {
        Err(format!("`{path}` cannot be extended from here"))
    }

    fn default_config(&self) -> Result<String, String> {
        Err("no default configuration can be extended from here".to_owned())
    }
}

/// Reads a configuration.
///
/// # Errors
/// The first fault, with its place.
pub fn load(path: &str, text: &str, resolver: &dyn Resolver) -> Result<Ruleset, LoadError> {
    let mut hasher = Sha256::new();
    let mut config = Config::read(path, text, resolver, 0, &mut hasher)?;
    config.finish(path)?;
    let digest = hex(&hasher.finalize());
    Ok(Ruleset {
        rules: config.rules,
        allowlists: config.allowlists,
        filters: config.filters,
        prefilters: config.prefilters,
        digest,
        unapplied: Vec::new(),
    })
}

#[derive(Default)]
struct Config {
    rules: Vec<Rule>,
    allowlists: Vec<Allowlist>,
    targeted: Vec<(Vec<String>, LoadError, Vec<Allowlist>)>,
    filters: Vec<Expr>,
    prefilters: Vec<Expr>,
    /// Where each rule starts, for errors that show only once everything is put together.
    places: BTreeMap<String, LoadError>,
}

impl Config {
    fn read(
        path: &str,
        text: &str,
        resolver: &dyn Resolver,
        depth: usize,
        hasher: &mut Sha256,
    ) -> Result<Self, LoadError> {
        if text.len() > MAX_FILE {
            return Err(LoadError::file(
                path,
                format!("rule file of {} bytes is larger than the limit of {MAX_FILE}", text.len()),
            ));
        }
        hasher.update(text.as_bytes());
        let document = toml_tree::parse(path, text)?;
        let root = Node { path, text, table: document.get_ref(), span: (0, text.len()) };
        let mut config = Self::default();
        for node in root.tables("rules")? {
            config.add_rule(&node)?;
        }
        config.check_required()?;
        config.add_allowlists(&root)?;
        config.filters.extend(expression(&root, "filter")?);
        config.prefilters.extend(expression(&root, "prefilter")?);
        if depth < MAX_EXTEND_DEPTH
            && let Some(extend) = root.table("extend")?
        {
            config.extend(&extend, resolver, depth, hasher)?;
        }
        Ok(config)
    }

    fn add_rule(&mut self, node: &Node<'_>) -> Result<(), LoadError> {
        let rule = read_rule(node)?;
        let id = rule.info.id.clone();
        self.places.insert(id.clone(), node.error(String::new()));
        // gitleaks keeps rules in a map: a later one of the same id replaces the earlier.
        match self.rules.iter_mut().find(|r| r.info.id == id) {
            Some(earlier) => *earlier = rule,
            None => self.rules.push(rule),
        }
        Ok(())
    }

    fn check_required(&self) -> Result<(), LoadError> {
        let known: BTreeSet<&str> = self.rules.iter().map(|r| r.info.id.as_str()).collect();
        for rule in &self.rules {
            if let Some(missing) = rule.required.iter().find(|r| !known.contains(r.id.as_str())) {
                return Err(self.fault(&rule.info.id, format!("required rule `{}` does not exist", missing.id)));
            }
        }
        Ok(())
    }

    fn fault(&self, id: &str, message: String) -> LoadError {
        let place = self.places.get(id).cloned().unwrap_or_else(|| LoadError::file("", ""));
        LoadError { message, ..place }.in_rule(id)
    }

    fn add_allowlists(&mut self, root: &Node<'_>) -> Result<(), LoadError> {
        let mut lists = root.tables("allowlists")?;
        if let Some(old) = root.table("allowlist")? {
            if !lists.is_empty() {
                return Err(old.error("[allowlist] is the deprecated form and cannot stand beside [[allowlists]]"));
            }
            lists.push(old);
        }
        for node in lists {
            let targets = node.strings("targetRules")?;
            if targets.is_empty() {
                self.allowlists.push(read_allowlist(&node)?);
            } else {
                let copies = targets.iter().map(|_| read_allowlist(&node)).collect::<Result<_, _>>()?;
                self.targeted.push((targets, node.error(String::new()), copies));
            }
        }
        Ok(())
    }

    fn extend(
        &mut self,
        extend: &Node<'_>,
        resolver: &dyn Resolver,
        depth: usize,
        hasher: &mut Sha256,
    ) -> Result<(), LoadError> {
        let (path, use_default) = (extend.string("path")?.unwrap_or_default(), extend.flag("useDefault")?);
        if !path.is_empty() && use_default {
            return Err(extend.error("extend.path and extend.useDefault cannot both be set"));
        }
        let (name, text) = if use_default {
            ("gitleaks default configuration".to_owned(), resolver.default_config())
        } else if path.is_empty() {
            return Ok(());
        } else {
            (path.clone(), resolver.path(&path))
        };
        let text = text.map_err(|why| extend.error(format!("cannot extend {name}: {why}")))?;
        let base = Self::read(&name, &text, resolver, depth + 1, hasher)?;
        let disabled: BTreeSet<String> = extend.strings("disabledRules")?.into_iter().collect();
        self.merge(base, &disabled);
        Ok(())
    }

    fn merge(&mut self, base: Self, disabled: &BTreeSet<String>) {
        for rule in base.rules {
            if disabled.contains(&rule.info.id) {
                continue;
            }
            match self.rules.iter_mut().find(|r| r.info.id == rule.info.id) {
                Some(child) => merge_rule(child, rule),
                None => self.rules.push(rule),
            }
        }
        self.places.extend(base.places.into_iter().filter(|(id, _)| !disabled.contains(id)));
        self.allowlists.extend(base.allowlists);
        self.filters.extend(base.filters);
        self.prefilters.extend(base.prefilters);
        self.rules.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    }

    /// Checks and links that need the whole configuration.
    fn finish(&mut self, path: &str) -> Result<(), LoadError> {
        for (targets, place, lists) in std::mem::take(&mut self.targeted) {
            for (target, list) in targets.into_iter().zip(lists) {
                let Some(rule) = self.rules.iter_mut().find(|r| r.info.id == target) else {
                    return Err(LoadError {
                        message: format!("allowlist targets rule `{target}`, which does not exist"),
                        ..place
                    });
                };
                rule.allowlists.push(list);
            }
        }
        for rule in &self.rules {
            self.check(rule, path)?;
        }
        Ok(())
    }

    fn check(&self, rule: &Rule, path: &str) -> Result<(), LoadError> {
        let id = rule.info.id.as_str();
        if id.trim().is_empty() {
            let place = self.places.get(id).cloned().unwrap_or_else(|| LoadError::file(path, ""));
            return Err(LoadError { message: "rule `id` is missing or empty".to_owned(), ..place });
        }
        let Some(regex) = &rule.regex else {
            return if rule.path.is_none() {
                Err(self.fault(id, "both `regex` and `path` are empty, the rule can have no effect".to_owned()))
            } else {
                Ok(())
            };
        };
        let groups = parse(regex, Alphabet::Bytes).map_or(0, |hir| hir.properties().explicit_captures_len());
        if rule.secret_group > groups {
            return Err(self.fault(
                id,
                format!("secretGroup {} is more than the {groups} groups of the regex", rule.secret_group),
            ));
        }
        Ok(())
    }
}

/// Child settings over a base rule's, as gitleaks merges them.
fn merge_rule(child: &mut Rule, base: Rule) {
    if child.info.title.is_empty() {
        child.info.title = base.info.title;
    }
    if child.entropy == 0.0 {
        child.entropy = base.entropy;
    }
    if child.secret_group == 0 {
        child.secret_group = base.secret_group;
    }
    child.regex = child.regex.take().or(base.regex);
    child.path = child.path.take().or(base.path);
    child.filter = child.filter.take().or(base.filter);
    child.prefilter = child.prefilter.take().or(base.prefilter);
    join_before(&mut child.tags, base.tags);
    join_before(&mut child.keywords, base.keywords);
    join_before(&mut child.allowlists, base.allowlists);
    child.required = base.required;
    child.skip_report = base.skip_report;
    child.rank = child.rank.min(base.rank);
}

fn join_before<T>(list: &mut Vec<T>, mut first: Vec<T>) {
    first.append(list);
    *list = first;
}

fn read_rule(node: &Node<'_>) -> Result<Rule, LoadError> {
    let id = node.string("id")?.unwrap_or_default();
    let named = |e: LoadError| e.in_rule(&id);
    let regex = node.string("regex")?.filter(|r| !r.is_empty());
    if let Some(regex) = &regex {
        pattern(node, "regex", regex).map_err(named)?;
    }
    let path = node.string("path")?.filter(|p| !p.is_empty());
    let path = path.map(|p| pattern(node, "path", &p)).transpose().map_err(named)?;
    let lower = |k: String| k.to_lowercase();
    let own = node.table("testudo").map_err(named)?;
    Ok(Rule {
        info: read_info(node, own.as_ref(), &id).map_err(named)?,
        regex,
        path,
        secret_group: secret_group(node).map_err(named)?,
        entropy: node.number("entropy").map_err(named)?.unwrap_or(0.0),
        keywords: node.strings("keywords").map_err(named)?.into_iter().map(lower).collect(),
        tags: node.strings("tags").map_err(named)?,
        allowlists: rule_allowlists(node).map_err(named)?,
        required: required_rules(node).map_err(named)?,
        conventions: if own.is_some() { Conventions::Own } else { Conventions::Foreign },
        rank: rank(node, &id).map_err(named)?,
        skip_report: node.flag("skipReport").map_err(named)?,
        compiled: std::sync::OnceLock::new(),
        validate: own.map_or(Ok(Vec::new()), |t| t.strings("validate")).map_err(named)?,
        filter: expression(node, "filter").map_err(named)?,
        prefilter: expression(node, "prefilter").map_err(named)?,
        secret_groups: Vec::new(),
        group_names: Vec::new(),
        requirements: None,
        verify: own.map_or(Ok(None), |t| read_verify(&t)).map_err(named)?,
    })
}

fn expression(node: &Node<'_>, key: &str) -> Result<Option<Expr>, LoadError> {
    let Some(text) = node.string(key)?.filter(|t| !t.trim().is_empty()) else { return Ok(None) };
    let parsed = Expr::parse(&text);
    parsed.map(Some).map_err(|e| LoadError::at(node.path, node.text, node.offset(key), format!("`{key}` {e}")))
}

fn read_info(node: &Node<'_>, own: Option<&Node<'_>>, id: &str) -> Result<RuleInfo, LoadError> {
    let text = |key: &str| own.map_or(Ok(None), |t| t.string(key));
    let list = |key: &str| own.map_or(Ok(Vec::new()), |t| t.strings(key));
    let cwe = list("cwe")?.iter().filter_map(|c| c.parse().ok()).collect::<Vec<u32>>();
    Ok(RuleInfo {
        id: id.to_owned(),
        domain: DetectorId::Secrets,
        title: node.string("description")?.unwrap_or_default(),
        severity: level(own, "severity", text("severity")?, Severity::High)?,
        confidence: match text("confidence")? {
            Some(word) => level(own, "confidence", Some(word), Confidence::High)?,
            None => level(Some(node), "confidence", node.string("confidence")?, Confidence::High)?,
        },
        persona: level(own, "persona", text("persona")?, Persona::Regular)?,
        cwe: if cwe.is_empty() { vec![798] } else { cwe },
        owasp: vec!["A07:2021".to_owned(), "A07:2025".to_owned()],
        aliases: list("aliases")?,
        references: list("references")?.into_iter().map(Reference).collect(),
        help: String::new(),
    })
}

fn level<L: std::str::FromStr<Err = testudo_model::ParseLevelError>>(
    own: Option<&Node<'_>>,
    key: &str,
    word: Option<String>,
    default: L,
) -> Result<L, LoadError> {
    let (Some(node), Some(word)) = (own, word) else { return Ok(default) };
    word.parse().map_err(|e| LoadError::at(node.path, node.text, node.offset(key), format!("`{key}`: {e}")))
}

/// `secretGroup`, which Betterleaks 2 calls `valueGroup`.
fn secret_group(node: &Node<'_>) -> Result<usize, LoadError> {
    Ok(node.index("secretGroup")?.or(node.index("valueGroup")?).unwrap_or(0))
}

/// `specificity`; without one a rule that calls itself generic yields to the others, as in gitleaks.
fn rank(node: &Node<'_>, id: &str) -> Result<i32, LoadError> {
    let least = if id.to_lowercase().contains("generic") { -1.0 } else { 0.0 };
    Ok(node.number("specificity")?.unwrap_or(least).clamp(-1e6, 1e6) as i32)
}

/// `required` of gitleaks and Betterleaks 1, `components` of Betterleaks 2.
fn required_rules(node: &Node<'_>) -> Result<Vec<Required>, LoadError> {
    let mut rules = node.tables("required")?.iter().map(read_required).collect::<Result<Vec<_>, _>>()?;
    for component in node.tables("components")? {
        rules.push(read_component(&component)?);
    }
    Ok(rules)
}

fn read_component(node: &Node<'_>) -> Result<Required, LoadError> {
    let id = node.string("id")?.unwrap_or_default();
    if id.is_empty() {
        return Err(node.error("a component needs an `id`"));
    }
    let within = node.string("within")?.filter(|w| !w.trim().is_empty() && w != "0");
    let wrong = || at(node, "within", "`within` is not of the form `5L`, `200C` or `-2L,+40C`".to_owned());
    let window = within.map(|w| Window::parse(&w).ok_or_else(wrong)).transpose()?;
    Ok(Required {
        id,
        within_lines: None,
        within_columns: None,
        window,
        optional: node.flag("optional")?,
        part: Part::Absorbed,
    })
}

fn read_required(node: &Node<'_>) -> Result<Required, LoadError> {
    let id = node.string("id")?.unwrap_or_default();
    if id.is_empty() {
        return Err(node.error("[[rules.required]] needs an `id`"));
    }
    let limit = |key: &str| node.index(key).map(|n| n.map(|n| u32::try_from(n).unwrap_or(u32::MAX)));
    Ok(Required {
        id,
        within_lines: limit("withinLines")?,
        within_columns: limit("withinColumns")?,
        window: None,
        optional: false,
        part: Part::Absorbed,
    })
}

fn rule_allowlists(node: &Node<'_>) -> Result<Vec<Allowlist>, LoadError> {
    let mut lists = node.tables("allowlists")?;
    if let Some(old) = node.table("allowlist")? {
        if !lists.is_empty() {
            return Err(
                old.error("[rules.allowlist] is the deprecated form and cannot stand beside [[rules.allowlists]]")
            );
        }
        lists.push(old);
    }
    lists.iter().map(read_allowlist).collect()
}

fn read_allowlist(node: &Node<'_>) -> Result<Allowlist, LoadError> {
    let condition = match node.string("condition")?.unwrap_or_default().to_ascii_uppercase().as_str() {
        "" | "OR" | "||" => Condition::Any,
        "AND" | "&&" => Condition::All,
        other => return Err(node.error(format!("unknown allowlist condition `{other}` (expected `and` or `or`)"))),
    };
    let target = match node.string("regexTarget")?.unwrap_or_default().as_str() {
        "" | "secret" => RegexTarget::Secret,
        "match" => RegexTarget::Match,
        "line" => RegexTarget::Line,
        other => {
            return Err(node.error(format!("unknown allowlist regexTarget `{other}` (expected `match` or `line`)")));
        }
    };
    let patterns = |key: &str| joined(node, key);
    let list = Allowlist {
        condition,
        commits: node.strings("commits")?.iter().map(|c| c.trim().to_lowercase()).collect(),
        paths: patterns("paths")?,
        target,
        regexes: patterns("regexes")?,
        stopwords: node.strings("stopwords")?.iter().map(|w| w.to_lowercase()).collect(),
    };
    if ["commits", "paths", "regexes", "stopwords"].iter().all(|k| !node.has(k)) || list.is_empty() {
        return Err(node.error("an allowlist must hold at least one of commits, paths, regexes or stopwords"));
    }
    Ok(list)
}

/// The expressions of a list as one alternation: one run instead of one for each.
fn joined(node: &Node<'_>, key: &str) -> Result<Vec<Pattern>, LoadError> {
    let sources = node.strings(key)?;
    let mut patterns = sources.iter().map(|p| pattern(node, key, p)).collect::<Result<Vec<_>, _>>()?;
    if patterns.len() > 1 {
        let alternation: Vec<_> = sources.iter().map(|s| format!("(?:{s})")).collect();
        // Joined, a list can be too large to compile where each alone is not: then they stay apart.
        patterns = Pattern::new(&alternation.join("|")).map_or(patterns, |one| vec![one]);
    }
    Ok(patterns)
}

fn read_verify(own: &Node<'_>) -> Result<Option<Request>, LoadError> {
    let Some(node) = own.table("verify")? else { return Ok(None) };
    let codes = |key: &str| {
        let read =
            |code: &String| code.parse().map_err(|_| at(&node, key, format!("`{key}` holds `{code}`, no status code")));
        node.strings(key)?.iter().map(read).collect::<Result<Vec<u16>, _>>()
    };
    let request = Request {
        method: node.string("method")?.unwrap_or_else(|| "GET".to_owned()),
        url: node.string("url")?.ok_or_else(|| node.error("[rules.testudo.verify] needs a `url`"))?,
        headers: node.table("headers")?.map(|h| h.entries()).unwrap_or_default(),
        basic: node.string("basic")?,
        body: node.string("body")?,
        active: codes("active")?,
        inactive: codes("inactive")?,
    };
    request.check().map_err(|why| node.error(format!("[rules.testudo.verify]: {why}")))?;
    Ok(Some(request))
}

/// An error at the value of a key.
fn at(node: &Node<'_>, key: &str, message: String) -> LoadError {
    LoadError::at(node.path, node.text, node.offset(key), message)
}

/// Compiles an expression, placing its error inside the file.
fn pattern(node: &Node<'_>, key: &str, source: &str) -> Result<Pattern, LoadError> {
    Pattern::new(source).map_err(|e| {
        LoadError::at(
            node.path,
            node.text,
            node.offset(key),
            format!("`{key}` is not a valid expression: {e} in `{}`", shorten(source)),
        )
    })
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(80).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::numbers;

    struct Files(&'static [(&'static str, &'static str)]);

    impl Resolver for Files {
        fn path(&self, path: &str) -> Result<String, String> {
            self.0
                .iter()
                .find(|(p, _)| *p == path)
                .map(|(_, t)| (*t).to_owned())
                .ok_or_else(|| "no such file".to_owned())
        }

        fn default_config(&self) -> Result<String, String> {
            self.path("default")
        }
    }

    fn error(text: &str) -> String {
        load("x.toml", text, &NoExtend).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn faults_name_file_line_and_rule() {
        for (text, expected) in [
            (
                "[[rules]]\nid = \"a\"\nregex = '''a(b'''\n",
                "x.toml:3:9: rule a: `regex` is not a valid expression: unclosed group in `a(b`",
            ),
            ("[[rules]]\nregex = 'a'\n", "x.toml:1:1: rule `id` is missing or empty"),
            (
                "[[rules]]\nid='a'\n",
                "x.toml:1:1: rule a: both `regex` and `path` are empty, the rule can have no effect",
            ),
            (
                "[[rules]]\nid='a'\nregex='(x)'\nsecretGroup=2\n",
                "x.toml:1:1: rule a: secretGroup 2 is more than the 1 groups of the regex",
            ),
            (
                "[[allowlists]]\ncondition='xor'\npaths=['a']\n",
                "x.toml:1:1: unknown allowlist condition `XOR` (expected `and` or `or`)",
            ),
            (
                "[[allowlists]]\n",
                "x.toml:1:1: an allowlist must hold at least one of commits, paths, regexes or stopwords",
            ),
            ("[[rules]]\nid = 3..4\n", "x.toml:2:"),
            ("[[rules]]\nid='a'\nregex=['x']\n", "x.toml:3:7: `regex` must be a string, not array"),
            (
                "[[allowlists]]\ntargetRules=['q']\npaths=['a']\n",
                "x.toml:1:1: allowlist targets rule `q`, which does not exist",
            ),
        ] {
            assert!(error(text).starts_with(expected), "{}\n{expected}", error(text));
        }
    }

    #[test]
    fn extending_merges_rule_by_rule() {
        let base = "[[rules]]\nid='a'\nregex='(x+)'\nentropy=1.5\nkeywords=['X']\ntags=['t']\n[[rules]]\nid='b'\nregex='y'\n[[rules]]\nid='c'\nregex='z'\n";
        let files = Box::leak(Box::new([("base.toml", base)]));
        let text = "[extend]\npath='base.toml'\ndisabledRules=['c']\n[[rules]]\nid='a'\ndescription='mine'\nkeywords=['Y']\n[[allowlists]]\ntargetRules=['b']\nstopwords=['Q']\n";
        let set = load("x.toml", text, &Files(files)).unwrap();
        let ids: Vec<_> = set.rules.iter().map(|r| r.info.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        let a = &set.rules[0];
        assert_eq!((a.info.title.as_str(), a.entropy, a.regex.as_deref()), ("mine", 1.5, Some("(x+)")));
        assert_eq!(a.keywords, ["x", "y"]);
        assert_eq!(set.rules[1].allowlists[0].stopwords, ["q"]);
    }

    #[test]
    fn hostile_text_is_an_error_and_never_a_panic() {
        let mut number = numbers();
        let pieces = [
            "[[rules]]\n",
            "id='a'\n",
            "regex='''",
            "'''\n",
            "(",
            "{",
            "[",
            "\\",
            "entropy=",
            "1e999\n",
            "=",
            "\"",
            "[rules.allowlist]\n",
            "\u{0}",
        ];
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..12 {
                text.push_str(pieces[number(pieces.len())]);
            }
            drop(load("x.toml", &text, &NoExtend));
        }
    }
}
