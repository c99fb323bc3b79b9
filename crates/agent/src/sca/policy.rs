//! Policies: lists of checks of a host in YAML, as Wazuh's security configuration assessment has them. A check that cannot be
//! read stays in the list, with why; it is never passed over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use testudo_model::hex;
use testudo_syntax::yaml::{self, Node, Value, YamlError};

use super::{
    cut, host,
    rule::{Ending, Language, Rule, Variables},
};
use crate::{AgentError, log::Dialect};

/// Our own policy, for hosts with Linux.
const OWN: (&str, &str) = ("testudo_linux.yml", include_str!("../../../../rules/agent/policies/testudo_linux.yml"));

/// A policy.
#[derive(Debug)]
pub struct Policy {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Hexadecimal SHA-256 of its file.
    pub(crate) sha256: String,
    /// What has to hold on a host that the policy is for.
    pub(super) requirements: Option<Test>,
    pub(super) checks: Vec<Check>,
}

impl Policy {
    /// From here on none of its commands is run: what needs one is not applicable.
    pub(crate) fn refuse_commands(&mut self) {
        let tests = self.checks.iter_mut().filter_map(|check| check.test.as_mut().ok()).chain(&mut self.requirements);
        tests.flat_map(|test| &mut test.rules).for_each(Rule::refuse_commands);
    }

    /// What of its checks cannot be read, as `ID: why`. These are never applicable.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.checks.iter().filter_map(|check| Some(format!("{}: {}", check.id, check.test.as_ref().err()?)))
    }
}

/// A check.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) remediation: String,
    /// Requirements of standards that it is about, by standard.
    pub(super) compliance: BTreeMap<String, Vec<String>>,
    /// What it asks, or why that cannot be read.
    pub(super) test: Result<Test, String>,
}

/// Rules, and how many of them have to hold.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) condition: Condition,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    All,
    Any,
    None,
}

/// The policy that is ours.
///
/// # Errors
/// None: a test reads it.
pub(crate) fn own() -> Result<Policy, AgentError> {
    let (name, text) = OWN;
    read(text, Path::new(name))
}

/// The policies at a path: a file, or the `.yml` and `.yaml` files of a folder in the order of their names.
///
/// # Errors
/// A file cannot be read, or is no policy.
pub(crate) fn load(path: &Path) -> Result<Vec<Policy>, AgentError> {
    let told = |source| AgentError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(told)?.is_dir() {
        return Ok(vec![load_file(path)?]);
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path).map_err(told)? {
        let file = entry.map_err(told)?.path();
        if file.extension().is_some_and(|end| end == "yml" || end == "yaml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(AgentError::Setting(format!("{}: no file here ends with .yml or .yaml", path.display())));
    }
    files.iter().map(|file| load_file(file)).collect()
}

fn load_file(path: &Path) -> Result<Policy, AgentError> {
    let told = |source| AgentError::Read { path: path.to_owned(), source };
    let limit = yaml::MAX_SIZE as u64;
    let bytes = host::read_regular(path, limit).map_err(told)?;
    if bytes.len() as u64 > limit {
        return Err(AgentError::TooLarge { path: path.to_owned(), limit });
    }
    // Descriptions of some policies are in another encoding; what is looked for is ASCII.
    Ok(Policy { sha256: hex(&Sha256::digest(&bytes)), ..read(&String::from_utf8_lossy(&bytes), path)? })
}

/// Reads the text of a policy.
///
/// # Errors
/// It is no policy.
pub fn read(text: &str, path: &Path) -> Result<Policy, AgentError> {
    let wrong = |error: YamlError| AgentError::Setting(format!("{}:{error}", path.display()));
    let documents = yaml::documents(text).map_err(wrong)?;
    match documents.as_slice() {
        [] => Err(wrong(at(None, "the file is empty; a policy has `policy` and `checks`"))),
        [root] => policy(root, text, path).map_err(wrong),
        [_, second, ..] => Err(wrong(at(Some(second), "a file has one policy, and this is a second document"))),
    }
}

fn at(node: Option<&Node>, message: &str) -> YamlError {
    let (line, column) = node.map_or((1, 1), |node| (node.line, node.column));
    YamlError { message: message.to_owned(), line, column }
}

fn policy(root: &Node, text: &str, path: &Path) -> Result<Policy, YamlError> {
    let head = get(root, "policy").ok_or_else(|| at(Some(root), "there is no `policy`, with its `id` and `name`"))?;
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let id = get(head, "id").and_then(Node::text).map_or_else(stem, str::to_owned);
    let variables = variables(get(root, "variables"))?;
    let dialect = dialect(get(head, "regex_type"))?;
    let language = Language { variables: &variables, dialect, ending: ending(get(head, "strict"))? };
    let list = get(root, "checks").ok_or_else(|| at(Some(root), "there is no `checks`"))?;
    let Value::List(items) = &list.value else { return Err(at(Some(list), "`checks` has to be a list")) };
    let requirements = match get(root, "requirements") {
        None => None,
        Some(node) => Some(test(node, language).map_err(|why| at(Some(node), &why))?),
    };
    let checks = items.iter().map(|item| check(item, language)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    if let Some((item, check)) = items.iter().zip(&checks).find(|(_, check)| !seen.insert(check.id.as_str())) {
        return Err(at(Some(item), &format!("two checks have the id {}", check.id)));
    }
    let name = get(head, "name").and_then(Node::text).map_or_else(|| id.clone(), str::to_owned);
    Ok(Policy { name, sha256: hex(&Sha256::digest(text)), id, requirements, checks })
}

/// The value of a key.
fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(pairs) = &node.value else { return None };
    pairs.iter().find(|(own, _)| own.text() == Some(key)).map(|(_, value)| value)
}

fn dialect(node: Option<&Node>) -> Result<Dialect, YamlError> {
    match node.map(|node| (node, node.text())) {
        None | Some((_, Some("osregex"))) => Ok(Dialect::OsRegex),
        Some((_, Some("pcre2"))) => Ok(Dialect::Pcre2),
        Some((node, _)) => Err(at(Some(node), "`regex_type` is `osregex` or `pcre2`")),
    }
}

/// Whether `strict: true` stands in the head. Only ours has it; other programs pass over it.
fn ending(node: Option<&Node>) -> Result<Ending, YamlError> {
    match node.map(|node| (node, node.text())) {
        None | Some((_, Some("false"))) => Ok(Ending::Any),
        Some((_, Some("true"))) => Ok(Ending::Success),
        Some((node, _)) => Err(at(Some(node), "`strict` is `true` or `false`")),
    }
}

fn variables(node: Option<&Node>) -> Result<Variables, YamlError> {
    let Some(node) = node else { return Ok(Variables::new()) };
    let Value::Map(pairs) = &node.value else { return Err(at(Some(node), "`variables` has to be a table")) };
    let pair = |(name, value): &(Node, Node)| match (name.text(), value.text()) {
        (Some(own), Some(text)) if own.starts_with('$') && own.len() > 1 => Ok((own.to_owned(), text.to_owned())),
        _ => Err(at(Some(name), "a variable is a name that begins with `$`, and a text")),
    };
    pairs.iter().map(pair).collect()
}

fn check(item: &Node, mut language: Language<'_>) -> Result<Check, YamlError> {
    let text = |key: &str| get(item, key).and_then(Node::text).map(str::trim).unwrap_or_default().to_owned();
    let id = get(item, "id").and_then(Node::text).ok_or_else(|| at(Some(item), "this check has no `id`"))?;
    if get(item, "regex_type").is_some() {
        language.dialect = dialect(get(item, "regex_type"))?;
    }
    Ok(Check {
        id: id.to_owned(),
        title: cut(&text("title")),
        remediation: cut(&text("remediation")),
        compliance: compliance(get(item, "compliance")),
        test: test(item, language),
    })
}

fn test(node: &Node, language: Language<'_>) -> Result<Test, String> {
    let condition = match get(node, "condition").and_then(Node::text) {
        Some("all" | "all required") => Condition::All,
        Some("any" | "any required") => Condition::Any,
        Some("none") => Condition::None,
        _ => return Err("`condition` is `all`, `any` or `none`".to_owned()),
    };
    let Some(Value::List(items)) = get(node, "rules").map(|rules| &rules.value) else {
        return Err("`rules` has to be a list".to_owned());
    };
    if items.is_empty() {
        return Err("there is no rule in `rules`".to_owned());
    }
    let rule = |item: &Node| match item.text() {
        Some(text) => Rule::new(text, language).map_err(|why| format!("line {}: {why}", item.line)),
        None => Err(format!("line {}: a rule is a text", item.line)),
    };
    Ok(Test { condition, rules: items.iter().map(rule).collect::<Result<_, _>>()? })
}

/// A list of tables with one standard each, or one table.
fn compliance(node: Option<&Node>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let tables = match node.map(|node| &node.value) {
        Some(Value::List(tables)) => tables.iter().collect(),
        Some(Value::Map(_)) => node.into_iter().collect(),
        _ => Vec::new(),
    };
    for (name, value) in tables
        .iter()
        .filter_map(|table| if let Value::Map(pairs) = &table.value { Some(pairs) } else { None })
        .flatten()
    {
        let texts = match &value.value {
            Value::List(items) => items.iter().filter_map(Node::text).collect(),
            _ => value.text().into_iter().collect::<Vec<_>>(),
        };
        all.entry(name.text().unwrap_or_default().to_owned()).or_default().extend(texts.into_iter().map(str::to_owned));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_read_whole() {
        let own = own().unwrap();
        for check in &own.checks {
            assert!(check.test.is_ok(), "{}: {:?}", check.id, check.test);
            assert!(!check.title.is_empty() && !check.remediation.is_empty(), "{}", check.id);
        }
        assert!(own.checks.len() >= 25);
    }

    #[test]
    fn a_check_that_cannot_be_read_stays() {
        let text = "policy:\n  id: p\nchecks:\n  - id: 1\n    title: t\n    condition: all\n    rules: ['x:/a']\n  - id: 2\n    condition: some\n    rules: ['f:/a']\n  - id: 3\n    condition: all\n    rules: []\n";
        let policy = read(text, Path::new("p.yml")).unwrap();
        let told: Vec<&str> = policy.checks.iter().map(|check| check.test.as_ref().unwrap_err().as_str()).collect();
        assert!(told[0].starts_with("line 7: `x:/a` does not begin"), "{told:?}");
        assert_eq!(told[1..], ["`condition` is `all`, `any` or `none`", "there is no rule in `rules`"]);
    }

    #[test]
    fn what_is_no_policy_has_its_place() {
        for (text, why) in [
            ("", "p.yml:1:1: the file is empty"),
            ("checks: []", "there is no `policy`"),
            ("policy: {id: p}", "there is no `checks`"),
            ("policy: {id: p}\nchecks: 1", "p.yml:2:9: `checks` has to be a list"),
            ("policy: {id: p}\nchecks:\n  - title: t", "p.yml:3:5: this check has no `id`"),
            ("policy: {id: p}\nchecks:\n  - id: 1\n  - id: 1", "p.yml:4:5: two checks have the id 1"),
            ("policy: {id: p, regex_type: perl}\nchecks: []", "`regex_type` is"),
            ("policy: {id: p}\nvariables: {a: b}\nchecks: []", "begins with `$`"),
            ("policy: {id: p}\nrequirements: {condition: all}\nchecks: []", "`rules` has to be a list"),
            ("policy: {id: p, strict: maybe}\nchecks: []", "`strict` is"),
            ("policy: {id: p}\nchecks: []\n---\nchecks: []", "p.yml:4:1: a file has one policy"),
            ("policy: [", "p.yml:2:1: not YAML"),
        ] {
            let told = read(text, Path::new("p.yml")).unwrap_err().to_string();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn files_are_read_as_their_bytes_are_and_nothing_else_is() {
        let folder = std::env::temp_dir().join(format!("testudo-sca-policy-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let bytes = b"policy: {id: p, name: \"\xe9\"}\nchecks: []\n";
        fs::write(folder.join("p.yml"), bytes).unwrap();
        assert_eq!(load(&folder).unwrap()[0].sha256, hex(&Sha256::digest(bytes)));
        let pipe = folder.join("pipe.yml");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(load(&pipe).unwrap_err().to_string().contains("it is no regular file"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn standards_are_lists_of_tables() {
        let text = "policy: {id: p}\nchecks:\n  - id: 1\n    condition: all\n    rules: ['f:/a']\n    compliance:\n      - cis: ['1.1']\n      - pci: ['2.2', '2.3']\n";
        let policy = read(text, Path::new("p.yml")).unwrap();
        assert_eq!(policy.checks[0].compliance["pci"], ["2.2", "2.3"]);
        assert_eq!(policy.name, "p");
    }

    #[test]
    fn any_text_is_read_or_refused() {
        // A generator of our own with a fixed seed: what fails can be run again.
        let mut state = 0x9e37_79b9_u64;
        let mut next = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % most
        };
        let parts = [
            "policy:",
            " id: p",
            "\n",
            "checks:",
            "  - ",
            "rules:",
            "['",
            "f:/a -> r:",
            "(",
            "n:\\d+ compare < 3",
            "']",
            "condition: any",
            "$x",
            "&a",
            "*a",
            "{",
            "\u{0}",
            "not ",
        ];
        for _ in 0..2000 {
            let text: String = (0..next(24)).map(|_| parts[next(parts.len())]).collect();
            drop(read(&text, Path::new("p.yml")));
        }
    }
}
