//! What a reader makes of one entry, before paths, identity and masks are settled for all formats alike.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testudo_model::{Confidence, DetectorId, Persona, Position, Severity, Span};

use crate::json::Fields as _;

/// What says that two findings of one rule in one file are the same over time. Lines and columns never do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// The tool's own: a fingerprint, a package, a resource.
    Own(Vec<String>),
    /// The text that was matched; blanks do not count.
    Text(String),
    /// The secret itself, which then is one incident wherever it stands.
    Secret(String),
}

/// A place as the report names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Path or `file:` URI, absolute or counted from where the tool ran.
    pub(crate) path: Option<String>,
    /// The same counted from what the tool scanned, for where `path` leads nowhere on this machine.
    pub(crate) inside: Option<String>,
    /// Lines and columns.
    pub(crate) span: Option<Span>,
}

impl Place {
    pub(crate) fn file(path: Option<&str>) -> Self {
        Self { path: path.map(str::to_owned), ..Self::default() }
    }

    pub(crate) fn at(self, span: Option<Span>) -> Self {
        Self { span, ..self }
    }
}

/// A span from lines and columns, counted from 1; the end column is the first behind. Reports rarely say offsets, so there
/// are none.
pub(crate) fn span(start: (Option<u32>, Option<u32>), end: (Option<u32>, Option<u32>)) -> Option<Span> {
    let (line, column) = (start.0?, start.1.unwrap_or(1));
    let start = Position { line, column, offset: 0 };
    let last = end.0.unwrap_or(line).max(line);
    let behind = end.1.unwrap_or(if last == line { column } else { 1 });
    let end = Position { line: last, column: if last == line { behind.max(column) } else { behind }, offset: 0 };
    Some(Span { start, end })
}

/// One entry of a report.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// The rule as the tool names it.
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    pub(crate) persona: Persona,
    pub(crate) detector: DetectorId,
    pub(crate) place: Place,
    pub(crate) related: Vec<Place>,
    pub(crate) identity: Identity,
    pub(crate) cwe: Vec<u32>,
    pub(crate) owasp: Vec<String>,
    /// Further ids of the rule.
    pub(crate) aliases: Vec<String>,
    pub(crate) references: Vec<String>,
    /// About the rule, in Markdown.
    pub(crate) help: String,
    pub(crate) fix: Option<String>,
    /// Why the tool itself does not count it.
    pub(crate) suppressed: Option<String>,
    pub(crate) properties: BTreeMap<String, Value>,
}

impl Draft {
    pub(crate) fn new(detector: DetectorId, rule: &str, title: &str) -> Self {
        Self {
            rule: rule.to_owned(),
            title: title.to_owned(),
            message: title.to_owned(),
            severity: Severity::Medium,
            confidence: Confidence::High,
            persona: Persona::Regular,
            detector,
            place: Place::default(),
            related: Vec::new(),
            identity: Identity::Own(Vec::new()),
            cwe: Vec::new(),
            owasp: Vec::new(),
            aliases: Vec::new(),
            references: Vec::new(),
            help: String::new(),
            fix: None,
            suppressed: None,
            properties: BTreeMap::new(),
        }
    }

    /// Bytes of the texts that can be long.
    fn weight(&self) -> usize {
        let identity = match &self.identity {
            Identity::Own(parts) => parts.iter().map(String::len).sum(),
            Identity::Text(text) | Identity::Secret(text) => text.len(),
        };
        let places = std::iter::once(&self.place).chain(&self.related);
        let paths: usize = places.map(|place| place.path.as_ref().map_or(0, String::len)).sum();
        let lists = [&self.owasp, &self.aliases, &self.references].into_iter().flatten();
        let texts =
            [&self.rule, &self.title, &self.message, &self.help].into_iter().chain(&self.fix).chain(&self.suppressed);
        let known: usize = self.properties.values().filter_map(Value::as_str).map(str::len).sum();
        identity
            + paths
            + known
            + self.cwe.len() * size_of::<u32>()
            + lists.chain(texts).map(String::len).sum::<usize>()
    }

    /// Adds a property where there is something to say.
    pub(crate) fn property(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.properties.insert(key.to_owned(), value.into());
        }
    }
}

/// Something that the tool itself says it did not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) path: Option<String>,
    pub(crate) message: String,
}

/// The first things of a kind, and how many more there are.
#[derive(Debug, Clone)]
pub(crate) struct Told<T> {
    pub(crate) first: Vec<T>,
    pub(crate) more: usize,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { first: Vec::new(), more: 0 }
    }
}

impl<T> Told<T> {
    /// Things that are told one by one.
    const MOST: usize = 100;

    fn add(&mut self, thing: impl FnOnce() -> T) {
        if self.first.len() < Self::MOST {
            self.first.push(thing());
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.more
    }
}

/// Whether the tool came to its end, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ended {
    #[default]
    Whole,
    Early,
}

/// Most entries of one report that become findings.
pub(crate) const MAX_FINDINGS: usize = 200_000;
/// Most bytes of text in them. Entries may all refer to one long text, so the size of the report is no bound.
const MAX_WEIGHT: usize = 256 << 20;

/// What one tool says in one report.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// Lower case, as it stands in ids of rules.
    pub(crate) tool: String,
    pub(crate) version: String,
    drafts: Vec<Draft>,
    weight: usize,
    /// Entries behind the limits.
    pub(crate) dropped: usize,
    /// Detectors that the report speaks for, also where it found nothing.
    pub(crate) detectors: BTreeSet<DetectorId>,
    /// Further figures, by detector.
    pub(crate) counts: BTreeMap<(DetectorId, &'static str), u64>,
    /// Entries that cannot be read: which, and why.
    pub(crate) faults: Told<(String, &'static str)>,
    pub(crate) gaps: Told<Gap>,
    pub(crate) ended: Ended,
    /// Rules that the report lists as used; 0 where it lists none.
    pub(crate) rules: u64,
}

impl Account {
    pub(crate) fn new(tool: &str, version: Option<&str>) -> Self {
        Self { tool: slug(tool), version: version.unwrap_or_default().to_owned(), ..Self::default() }
    }

    /// Adds an entry, or says why it cannot be one. Behind the limits nothing is made of it.
    pub(crate) fn add(&mut self, entry: impl FnOnce() -> String, draft: impl FnOnce() -> Result<Draft, &'static str>) {
        if self.dropped > 0 {
            self.dropped += 1;
            return;
        }
        match draft() {
            Ok(draft) => self.push(draft),
            Err(why) => self.fault(entry, why),
        }
    }

    fn push(&mut self, draft: Draft) {
        let weight = self.weight.saturating_add(draft.weight());
        if self.drafts.len() < MAX_FINDINGS && weight <= MAX_WEIGHT {
            self.weight = weight;
            self.drafts.push(draft);
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// Says why an entry cannot be read.
    pub(crate) fn fault(&mut self, entry: impl FnOnce() -> String, why: &'static str) {
        self.faults.add(|| (entry(), why));
    }

    /// Passes on what the tool says it did not look at.
    pub(crate) fn gap(&mut self, path: Option<&str>, message: &str) {
        self.gaps.add(|| Gap { path: path.map(str::to_owned), message: message.to_owned() });
    }

    /// Says that the tool did not come to its end, or that the report does not hold what it should.
    pub(crate) fn stopped(&mut self, why: &str) {
        self.ended = Ended::Early;
        self.gap(None, why);
    }

    /// The entries of a list that carries the verdict. One that is there and is no list makes the report incomplete.
    pub(crate) fn entries<'v>(&mut self, value: &'v Value, key: &'static str) -> &'v [Value] {
        if value.get(key).is_some_and(|found| !found.is_array() && !found.is_null()) {
            self.stopped(&format!("its `{key}` is no list"));
        }
        value.list(key)
    }

    /// Holds what was read against what the report itself counts.
    pub(crate) fn expect(&mut self, what: &str, counted: Option<u64>, read: usize) {
        if counted.is_some_and(|counted| counted > read as u64) {
            self.stopped(&format!("it counts {} {what}, and {read} stand in it", counted.unwrap_or_default()));
        }
    }

    /// Adds to a figure.
    pub(crate) fn count(&mut self, detector: DetectorId, name: &'static str, number: u64) {
        self.detectors.insert(detector);
        let figure = self.counts.entry((detector, name)).or_default();
        *figure = figure.saturating_add(number);
    }
}

/// A name as it stands in ids of rules: lower case, words joined by `-`.
pub(crate) fn slug(name: &str) -> String {
    let words =
        name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').filter(|word| !word.is_empty());
    let joined = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if joined.is_empty() { "unknown".to_owned() } else { joined.chars().take(64).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_limit_of_text_nothing_is_made() {
        let mut account = Account { weight: MAX_WEIGHT - 20, ..Account::new("acme", None) };
        let draft = || Ok(Draft::new(DetectorId::Code, "rule", "title"));
        account.add(String::new, draft);
        account.add(String::new, draft);
        account.add(String::new, || panic!("nobody asks for it any more"));
        assert_eq!((account.drafts().len(), account.dropped), (1, 2));
    }

    #[test]
    fn the_first_things_are_told_and_the_rest_is_a_number() {
        let mut account = Account::new("Acme Lint!", None);
        (0..150).for_each(|at| account.fault(|| at.to_string(), "it is broken"));
        assert_eq!((account.faults.first.len(), account.faults.more, account.tool.as_str()), (100, 50, "acme-lint"));
    }

    #[test]
    fn spans_hold_what_a_report_says() {
        let found = |start, end| span(start, end).map(|s| (s.start.line, s.start.column, s.end.line, s.end.column));
        assert_eq!(found((Some(3), Some(5)), (Some(3), Some(9))), Some((3, 5, 3, 9)));
        assert_eq!(found((Some(3), None), (Some(5), None)), Some((3, 1, 5, 1)));
        assert_eq!(found((Some(3), Some(5)), (Some(1), Some(2))), Some((3, 5, 3, 5)));
        assert_eq!(found((None, Some(5)), (Some(1), None)), None);
    }
}
