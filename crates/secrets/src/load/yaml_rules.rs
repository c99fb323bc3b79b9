//! Reader of the YAML rule files of Nosey Parker and Kingfisher: a map whose `rules` is a list.
//!
//! Both tools read the same core; what only one of them knows is optional here. Keys that nobody knows do
//! not stop the reading, they are listed with the rule.

use super::LoadError;
use crate::{
    checksum_template::{Template, TemplateError},
    requirements::{Checksum, Missing, Requirements},
    rule::Window,
};
use testudo_model::Confidence;
use testudo_syntax::yaml::{self, Node, Value};

/// A rule as written.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlRule {
    /// Unique name for machines, such as `np.aws.1`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The regular expression, with its flags and comments as written.
    pub pattern: String,
    /// Least Shannon entropy of a secret, in bits a byte.
    pub min_entropy: Option<f64>,
    /// How sure a match is.
    pub confidence: Option<Confidence>,
    /// Texts in which the pattern matches.
    pub examples: Vec<String>,
    /// Texts in which it does not.
    pub negative_examples: Vec<String>,
    /// Expression over the path of a file, outside of which the rule does not apply.
    pub path: Option<String>,
    /// Categories and tags.
    pub tags: Vec<String>,
    /// Addresses of further reading.
    pub references: Vec<String>,
    /// What the rule is about.
    pub description: Option<String>,
    /// Whether matches are shown; those of a hidden rule only feed others.
    pub visible: bool,
    /// Rules whose matches this one needs.
    pub depends_on: Vec<Dependency>,
    /// What a match must have besides matching.
    pub requirements: Option<Requirements>,
    /// Why the checksum among the requirements cannot be computed.
    pub checksum_fault: Option<TemplateError>,
    /// Keys that have no effect here, those in maps with the path to them.
    pub ignored_keys: Vec<String>,
    /// Whose rule it is.
    pub dialect: Dialect,
    /// Line and column of the rule, counted from 1.
    pub span: (usize, usize),
}

/// Another rule whose match a rule needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its id.
    pub rule_id: String,
    /// The variable of the validation that takes the other value.
    pub variable: String,
    /// Whether the rule counts without it.
    pub optional: bool,
    /// Where the other match must be. Without it, the other value only serves the validation.
    pub within: Option<Near>,
}

/// Where another match must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// Anywhere in the file.
    Anywhere,
    /// In this stretch.
    Window(Window),
}

/// The tool that a file of rules was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Nosey Parker: no rule of the file has a key that only Kingfisher knows.
    NoseyParker,
    /// Kingfisher.
    Kingfisher,
}

/// Reads the rules of a file.
///
/// # Errors
/// The text is not YAML, has no list `rules`, or a rule lacks `id`, `name` or `pattern`, repeats an id or
/// has a value of the wrong kind.
pub fn read(path: &str, text: &str) -> Result<Vec<YamlRule>, LoadError> {
    let documents = yaml::documents(text).map_err(|error| LoadError {
        path: path.to_owned(),
        line: error.line,
        column: error.column,
        rule: None,
        message: error.message,
    })?;
    let mut rules: Vec<YamlRule> = Vec::new();
    for document in &documents {
        let mut reader = Reader { path, rule: None, ignored: Vec::new() };
        for node in reader.rule_nodes(document)? {
            let rule = reader.rule(node)?;
            if rules.iter().any(|known| known.id == rule.id) {
                return Err(reader.error(node, "another rule of this file has the same id; give each its own"));
            }
            rules.push(rule);
        }
    }
    if documents.is_empty() {
        return Err(LoadError::file(path, "the file is empty; a map with a list `rules` is expected"));
    }
    // One key that only one tool knows tells whose file it is.
    if rules.iter().any(|rule| rule.dialect == Dialect::Kingfisher) {
        rules.iter_mut().for_each(|rule| rule.dialect = Dialect::Kingfisher);
    }
    Ok(rules)
}

/// Reads one document, remembering the rule it is in.
struct Reader<'a> {
    path: &'a str,
    rule: Option<String>,
    ignored: Vec<String>,
}

/// Keys with their values.
type Pairs = [(Node, Node)];

impl Reader<'_> {
    fn error(&self, node: &Node, message: impl Into<String>) -> LoadError {
        LoadError {
            path: self.path.to_owned(),
            line: node.line,
            column: node.column,
            rule: self.rule.clone(),
            message: message.into(),
        }
    }

    fn rule_nodes<'n>(&self, document: &'n Node) -> Result<&'n [Node], LoadError> {
        let rules = match &document.value {
            Value::Map(pairs) => find(pairs, "rules"),
            _ => None,
        };
        match rules.map(|node| (node, &node.value)) {
            Some((_, Value::List(items))) => Ok(items),
            Some((node, _)) => Err(self.error(node, "`rules` must be a list of rules")),
            None => Err(self.error(document, "a map with a list `rules` is expected")),
        }
    }

    fn rule(&mut self, node: &Node) -> Result<YamlRule, LoadError> {
        self.rule = None;
        self.ignored.clear();
        let Value::Map(pairs) = &node.value else {
            return Err(self.error(node, "a rule must be a map with id, name and pattern"));
        };
        let id = self.required(node, pairs, "id")?;
        self.rule = Some(id.clone());
        self.ignore(pairs, "", &KNOWN);
        let (requirements, checksum_fault) = self.requirements(pairs)?;
        let of_kingfisher = |(key, _): &(Node, Node)| key.text().is_some_and(|key| OF_KINGFISHER.contains(&key));
        let mut tags = self.texts(pairs, "categories")?;
        tags.extend(self.texts(pairs, "tags")?);
        Ok(YamlRule {
            name: self.required(node, pairs, "name")?,
            pattern: self.required(node, pairs, "pattern")?,
            min_entropy: self.entropy(pairs)?,
            confidence: self.confidence(pairs)?,
            examples: self.texts(pairs, "examples")?,
            negative_examples: self.texts(pairs, "negative_examples")?,
            tags,
            path: self.text(pairs, "path")?,
            references: self.texts(pairs, "references")?,
            description: self.text(pairs, "description")?,
            visible: self.visible(pairs)?,
            depends_on: self.depends_on(pairs)?,
            requirements,
            checksum_fault,
            dialect: if pairs.iter().any(of_kingfisher) { Dialect::Kingfisher } else { Dialect::NoseyParker },
            ignored_keys: std::mem::take(&mut self.ignored),
            span: (node.line, node.column),
            id,
        })
    }

    /// Lists the keys of a map that are not known.
    fn ignore(&mut self, pairs: &Pairs, prefix: &str, known: &[&str]) {
        let unknown = pairs.iter().filter_map(|(key, _)| key.text()).filter(|key| !known.contains(key));
        self.ignored.extend(unknown.map(|key| format!("{prefix}{key}")));
    }

    fn required(&self, rule: &Node, pairs: &Pairs, key: &str) -> Result<String, LoadError> {
        match self.text(pairs, key)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            _ => Err(self
                .error(find(pairs, key).unwrap_or(rule), format!("the rule needs `{key}`: a text that is not empty"))),
        }
    }

    fn text(&self, pairs: &Pairs, key: &str) -> Result<Option<String>, LoadError> {
        given(pairs, key)
            .map(|node| {
                node.text().map(str::to_owned).ok_or_else(|| self.error(node, format!("`{key}` must be a text")))
            })
            .transpose()
    }

    fn texts(&self, pairs: &Pairs, key: &str) -> Result<Vec<String>, LoadError> {
        let items = self.list(pairs, key)?.iter();
        items
            .map(|item| {
                item.text()
                    .map(str::to_owned)
                    .ok_or_else(|| self.error(item, format!("`{key}` must be a list of texts")))
            })
            .collect()
    }

    fn list<'n>(&self, pairs: &'n Pairs, key: &str) -> Result<&'n [Node], LoadError> {
        match given(pairs, key).map(|node| (node, &node.value)) {
            None => Ok(&[]),
            Some((_, Value::List(items))) => Ok(items),
            Some((node, _)) => Err(self.error(node, format!("`{key}` must be a list"))),
        }
    }

    fn entropy(&self, pairs: &Pairs) -> Result<Option<f64>, LoadError> {
        let Some(node) = given(pairs, "min_entropy") else { return Ok(None) };
        match node.to_json().as_f64().filter(|bits| (0.0..=8.0).contains(bits)) {
            Some(bits) => Ok(Some(bits)),
            None => Err(self.error(node, "`min_entropy` must be a number from 0 to 8, the bits a byte")),
        }
    }

    fn confidence(&self, pairs: &Pairs) -> Result<Option<Confidence>, LoadError> {
        let Some(node) = given(pairs, "confidence") else { return Ok(None) };
        let level = node.text().and_then(|word| word.to_ascii_lowercase().parse().ok());
        level.map(Some).ok_or_else(|| self.error(node, "`confidence` must be low, medium or high"))
    }

    fn visible(&self, pairs: &Pairs) -> Result<bool, LoadError> {
        Ok(self.flag(pairs, "visible")?.unwrap_or(true))
    }

    fn flag(&self, pairs: &Pairs, key: &str) -> Result<Option<bool>, LoadError> {
        let Some(node) = given(pairs, key) else { return Ok(None) };
        let flag = node.to_json().as_bool();
        flag.map(Some).ok_or_else(|| self.error(node, format!("`{key}` must be true or false")))
    }

    fn depends_on(&mut self, pairs: &Pairs) -> Result<Vec<Dependency>, LoadError> {
        let mut out = Vec::new();
        for item in self.list(pairs, "depends_on_rule")?.iter().filter(|item| !item.is_null()) {
            let Value::Map(inner) = &item.value else {
                return Err(self.error(item, "`depends_on_rule` must be a list of maps with rule_id and variable"));
            };
            self.ignore(inner, "depends_on_rule.", &["rule_id", "variable", "optional", "within"]);
            out.push(Dependency {
                rule_id: self.required(item, inner, "rule_id")?,
                variable: self.required(item, inner, "variable")?,
                optional: self.flag(inner, "optional")?.unwrap_or_default(),
                within: self.within(inner)?,
            });
        }
        Ok(out)
    }

    fn within(&self, pairs: &Pairs) -> Result<Option<Near>, LoadError> {
        let Some(node) = given(pairs, "within") else { return Ok(None) };
        let wrong = || self.error(node, "`within` is not of the form `5L`, `200C` or `-2L,+40C`");
        match node.text().ok_or_else(wrong)?.trim() {
            "" | "0" => Ok(Some(Near::Anywhere)),
            text => Window::parse(text).map(|window| Some(Near::Window(window))).ok_or_else(wrong),
        }
    }

    fn requirements(&mut self, pairs: &Pairs) -> Result<(Option<Requirements>, Option<TemplateError>), LoadError> {
        let Some(node) = given(pairs, "pattern_requirements") else { return Ok((None, None)) };
        let Value::Map(inner) = &node.value else {
            return Err(self.error(node, "`pattern_requirements` must be a map"));
        };
        self.ignore(inner, "pattern_requirements.", &KNOWN_REQUIREMENTS);
        let (checksum, fault) = match self.checksum(inner)? {
            None => (None, None),
            Some(Ok(checksum)) => (Some(checksum), None),
            Some(Err(fault)) => (None, Some(fault)),
        };
        let requirements = Requirements {
            min_digits: self.number(inner, "min_digits")?,
            min_uppercase: self.number(inner, "min_uppercase")?,
            min_lowercase: self.number(inner, "min_lowercase")?,
            min_special_chars: self.number(inner, "min_special_chars")?,
            special_chars: self.text(inner, "special_chars")?,
            ignore_if_contains: self.texts(inner, "ignore_if_contains")?,
            checksum,
        };
        Ok((Some(requirements), fault))
    }

    /// The checksum, or why it cannot be computed.
    fn checksum(&mut self, pairs: &Pairs) -> Result<Option<Result<Checksum, TemplateError>>, LoadError> {
        let Some(node) = given(pairs, "checksum") else { return Ok(None) };
        let form = "`checksum` must be a map with `actual.template` and `expected`";
        let Value::Map(inner) = &node.value else { return Err(self.error(node, form)) };
        let actual = match given(inner, "actual").map(|node| &node.value) {
            Some(Value::Map(actual)) => actual,
            _ => return Err(self.error(node, form)),
        };
        self.ignore(inner, "pattern_requirements.checksum.", &["actual", "expected", "skip_if_missing"]);
        self.ignore(actual, "pattern_requirements.checksum.actual.", &["template", "requires_capture"]);
        let (template, expected) = (self.required(node, actual, "template")?, self.required(node, inner, "expected")?);
        let requires_capture = self.text(actual, "requires_capture")?;
        let skips = self.flag(inner, "skip_if_missing")?.unwrap_or_default();
        let missing = if skips { Missing::Passes } else { Missing::Fails };
        Ok(Some(Template::parse(&template).and_then(|actual| {
            Ok(Checksum { actual, expected: Template::parse(&expected)?, requires_capture, missing })
        })))
    }

    /// A least count; 0 where there is none.
    fn number(&self, pairs: &Pairs, key: &str) -> Result<usize, LoadError> {
        let Some(node) = given(pairs, key) else { return Ok(0) };
        match node.to_json().as_u64().and_then(|number| usize::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => Err(self.error(node, format!("`{key}` must be a whole number from 0"))),
        }
    }
}

/// Keys that have an effect.
const KNOWN: [&str; 15] = [
    "id",
    "name",
    "pattern",
    "path",
    "min_entropy",
    "confidence",
    "examples",
    "negative_examples",
    "categories",
    "tags",
    "references",
    "description",
    "visible",
    "depends_on_rule",
    "pattern_requirements",
];

/// Keys that Nosey Parker refuses.
const OF_KINGFISHER: [&str; 14] = [
    "path",
    "min_entropy",
    "confidence",
    "visible",
    "depends_on_rule",
    "pattern_requirements",
    "validation",
    "revocation",
    "prevalidated",
    "tls_mode",
    "authoritative",
    "betterleaks_filter",
    "betterleaks_secret_group",
    "vectorscan_compatible",
];

const KNOWN_REQUIREMENTS: [&str; 7] = [
    "min_digits",
    "min_uppercase",
    "min_lowercase",
    "min_special_chars",
    "special_chars",
    "ignore_if_contains",
    "checksum",
];

fn find<'n>(pairs: &'n Pairs, key: &str) -> Option<&'n Node> {
    pairs.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
}

/// The value of a key that is there and not null.
fn given<'n>(pairs: &'n Pairs, key: &str) -> Option<&'n Node> {
    find(pairs, key).filter(|node| !node.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"rules:
  - name: Acme Key
    id: acme.1
    pattern: |
      (?x)
      \b ( acme_ [0-9a-f]{8} ) \b  (?# eight digits )
    min_entropy: 3
    confidence: medium
    visible: false
    categories: [api]
    tags: [cloud]
    description: A key
    references:
      - https://acme.example/keys
    examples:
      - acme_01234567
      - 12
    negative_examples: ['acme_xyz']
    depends_on_rule:
      -
      - rule_id: "acme.2"
        variable: ID
        within: 3L
        verify_candidates: true
    validation:
      type: Http
      content: {request: {method: GET, response_matcher: [{type: StatusMatch, status: [200]}]}}
    pattern_requirements:
      min_digits: 2
      min_uppercase: 0
      special_chars: "!?"
      ignore_if_contains: [test]
      checksum:
        actual: {template: "{{ checksum }}", requires_capture: checksum}
        expected: "{{ body | uuid }}"
    prevalidated: true
  - {name: b, id: acme.2, pattern: "b+"}
"#;

    #[test]
    fn reads_all_that_a_rule_may_say() {
        let rules = read("acme.yml", FULL).expect("the rules are sound");
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let expected = YamlRule {
            id: "acme.1".to_owned(),
            name: "Acme Key".to_owned(),
            pattern: "(?x)\n\\b ( acme_ [0-9a-f]{8} ) \\b  (?# eight digits )\n".to_owned(),
            min_entropy: Some(3.0),
            confidence: Some(Confidence::Medium),
            examples: texts(&["acme_01234567", "12"]),
            negative_examples: texts(&["acme_xyz"]),
            tags: texts(&["api", "cloud"]),
            references: texts(&["https://acme.example/keys"]),
            description: Some("A key".to_owned()),
            visible: false,
            path: None,
            depends_on: vec![Dependency {
                rule_id: "acme.2".to_owned(),
                variable: "ID".to_owned(),
                optional: false,
                within: Window::parse("3L").map(Near::Window),
            }],
            requirements: Some(Requirements {
                min_digits: 2,
                special_chars: Some("!?".to_owned()),
                ignore_if_contains: texts(&["test"]),
                ..Requirements::default()
            }),
            checksum_fault: Some(TemplateError::Filter("uuid".to_owned())),
            dialect: Dialect::Kingfisher,
            ignored_keys: texts(&["validation", "prevalidated", "depends_on_rule.verify_candidates"]),
            span: (2, 5),
        };
        assert_eq!(rules[0], expected);
        assert_eq!((rules[1].id.as_str(), rules[1].visible, rules[1].span), ("acme.2", true, (37, 5)));
    }

    #[test]
    fn faults_name_place_and_rule() {
        for (text, expected) in [
            ("", "f.yml: the file is empty; a map with a list `rules` is expected"),
            ("a: 1", "f.yml:1:1: a map with a list `rules` is expected"),
            ("- 1", "f.yml:1:1: a map with a list `rules` is expected"),
            ("rules: 1", "f.yml:1:8: `rules` must be a list of rules"),
            ("rules:\n  - x", "f.yml:2:5: a rule must be a map with id, name and pattern"),
            ("rules:\n  - name: a", "f.yml:2:5: the rule needs `id`: a text that is not empty"),
            (
                "rules:\n  - id: a\n    name:\n    pattern: b",
                "f.yml:3:9: rule a: the rule needs `name`: a text that is not empty",
            ),
            ("rules:\n  - id: a\n    name: b", "f.yml:2:5: rule a: the rule needs `pattern`: a text that is not empty"),
            ("rules: [{id: a, name: b, pattern: [c]}]", "f.yml:1:35: rule a: `pattern` must be a text"),
            ("rules: [{id: a, name: b, pattern: c, examples: d}]", "f.yml:1:48: rule a: `examples` must be a list"),
            ("rules: [{id: a, name: b, pattern: c, tags: [[]]}]", "f.yml:1:45: rule a: `tags` must be a list of texts"),
            (
                "rules: [{id: a, name: b, pattern: c, visible: no}]",
                "f.yml:1:47: rule a: `visible` must be true or false",
            ),
            (
                "rules: [{id: a, name: b, pattern: c, confidence: sure}]",
                "f.yml:1:50: rule a: `confidence` must be low, medium or high",
            ),
            (
                "rules: [{id: a, name: b, pattern: c, depends_on_rule: [{rule_id: x, variable: y, within: z}]}]",
                "f.yml:1:90: rule a: `within` is not of the form `5L`, `200C` or `-2L,+40C`",
            ),
            (
                "rules: [{id: a, name: b, pattern: c, pattern_requirements: {checksum: 1}}]",
                "f.yml:1:71: rule a: `checksum` must be a map with `actual.template` and `expected`",
            ),
            (
                "rules: [{id: a, name: b, pattern: c, min_entropy: high}]",
                "f.yml:1:51: rule a: `min_entropy` must be a number from 0 to 8, the bits a byte",
            ),
            (
                "rules: [{id: a, name: b, pattern: c, pattern_requirements: {min_digits: -1}}]",
                "f.yml:1:73: rule a: `min_digits` must be a whole number from 0",
            ),
            (
                "rules: [{id: a, name: b, pattern: c, depends_on_rule: [{rule_id: x}]}]",
                "f.yml:1:56: rule a: the rule needs `variable`: a text that is not empty",
            ),
            (
                "rules: [{id: a, name: b, pattern: c}, {id: a, name: b, pattern: c}]",
                "f.yml:1:39: rule a: another rule of this file has the same id; give each its own",
            ),
            ("rules: [", "f.yml:2:1: not YAML"),
        ] {
            let error = read("f.yml", text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    /// The published rules, where folders of them are named by `TESTUDO_TEST_YAML_RULES`, with `:` between.
    #[test]
    #[allow(clippy::print_stderr)]
    fn reads_the_published_rules() {
        let Some(folders) = std::env::var_os("TESTUDO_TEST_YAML_RULES") else {
            eprintln!("skipped: TESTUDO_TEST_YAML_RULES is not set");
            return;
        };
        let (mut files, mut rules, mut ignored, mut faults) = (0, 0, std::collections::BTreeMap::new(), Vec::new());
        for folder in std::env::split_paths(&folders) {
            for entry in std::fs::read_dir(folder).expect("the folder can be read") {
                let path = entry.expect("the entry can be read").path();
                let text = std::fs::read_to_string(&path).expect("the file can be read");
                files += 1;
                match read(&path.to_string_lossy(), &text) {
                    Ok(read) => {
                        rules += read.len();
                        read.iter()
                            .flat_map(|rule| &rule.ignored_keys)
                            .for_each(|key| *ignored.entry(key.clone()).or_insert(0) += 1);
                    }
                    Err(error) => faults.push(error.to_string()),
                }
            }
        }
        eprintln!("{files} files, {rules} rules, ignored keys {ignored:?}");
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
        assert!(rules > 100, "{rules} rules");
    }
}
