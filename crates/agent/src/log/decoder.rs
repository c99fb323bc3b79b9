//! Decoders: what reads fields out of a message, and which of them does.
//!
//! A root decoder is chosen by the program that wrote a line and by its `prematch`, then the first child whose `prematch`
//! matches, or that has none. Where its expression does not match, siblings of the same name are tried; where it does, they
//! add their fields to what was read.

use std::collections::BTreeMap;

use super::{
    expression::{Dialect, Expression, Haystack},
    header::Header,
    problem::{Part, Told},
    xml::Element,
};

/// Longest value of a field that is kept, in bytes.
const MAX_VALUE: usize = 4096;

/// Where an expression begins to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Offset {
    #[default]
    Start,
    Parent,
    Prematch,
    Regex,
}

/// Kinds of logs, which have rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Category {
    #[default]
    Syslog,
    Firewall,
    Ids,
    WebLog,
    Squid,
    Windows,
    Ossec,
}

const CATEGORIES: &[(&str, Category)] = &[
    ("syslog", Category::Syslog),
    ("firewall", Category::Firewall),
    ("ids", Category::Ids),
    ("web-log", Category::WebLog),
    ("squid", Category::Squid),
    ("windows", Category::Windows),
    ("ossec", Category::Ossec),
];

impl Category {
    pub(crate) fn named(name: &str) -> Option<Self> {
        CATEGORIES.iter().find(|(own, _)| *own == name).map(|(_, category)| *category)
    }
}

/// One decoder.
#[derive(Debug, Clone)]
struct Decoder {
    name: String,
    parent: Option<String>,
    program: Option<Expression>,
    prematch: Option<(Expression, Offset)>,
    regex: Option<(Expression, Offset)>,
    order: Vec<String>,
    category: Category,
    uses_own_name: bool,
    children: Vec<usize>,
}

/// All decoders.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decoders {
    all: Vec<Decoder>,
    roots: Vec<usize>,
}

/// What a decoder read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Its name, and that of the root above it.
    pub(crate) names: Option<(String, String)>,
    pub(crate) category: Category,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Decoders {
    /// Takes a decoder. A parent has to come before it.
    pub(crate) fn add(&mut self, element: &Element, told: &mut Told<'_>) {
        let before = told.count();
        let Some(decoder) = decoder(element, told) else { return };
        if told.count() > before {
            return;
        }
        let number = self.all.len();
        match &decoder.parent {
            None => self.roots.push(number),
            Some(parent) => {
                let parents = self.all.iter_mut().filter(|other| other.parent.is_none() && other.name == *parent);
                let mut found = false;
                for parent in parents {
                    parent.children.push(number);
                    found = true;
                }
                if !found {
                    let what = format!("no decoder above this one is named `{parent}`");
                    told.add(element.line, Part::Decoder(&decoder.name), &what);
                    return;
                }
            }
        }
        self.all.push(decoder);
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Reads the fields of a message.
    pub(crate) fn decode(&self, header: &Header<'_>, haystack: Haystack<'_>) -> Decoded {
        for &number in &self.roots {
            let root = &self.all[number];
            let Some(behind) = root.begins(header, haystack) else { continue };
            return self.read(root, haystack, behind);
        }
        Decoded::default()
    }

    fn read(&self, root: &Decoder, haystack: Haystack<'_>, behind: usize) -> Decoded {
        let mut decoded = Decoded { category: root.category, ..Decoded::default() };
        let own = [root];
        let children: Vec<&Decoder> = root.children.iter().map(|number| &self.all[*number]).collect();
        let candidates: &[&Decoder] = if children.is_empty() { &own } else { &children };
        let mut name = root;
        let start = if children.is_empty() {
            Some((0, behind))
        } else {
            candidates.iter().enumerate().find_map(|(at, child)| Some((at, child.follows(haystack, behind)?)))
        };
        if let Some((at, prematch)) = start {
            if !children.is_empty() && candidates[at].prematch.is_some() {
                name = candidates[at];
            }
            let mut last = prematch;
            let chain = &candidates[at..];
            for (position, child) in chain.iter().enumerate() {
                // A chain is siblings of one name.
                if position > 0 && child.name != chain[0].name {
                    break;
                }
                let Some((regex, offset)) = &child.regex else { break };
                let from = offset.of(behind, prematch, last);
                let Some(found) = regex.find(haystack, from) else { continue };
                name = child;
                last = found.end;
                for (field, group) in child.order.iter().zip(&found.groups) {
                    if let Some(range) = group {
                        decoded.put(field, &haystack.text[range.clone()]);
                    }
                }
            }
        }
        let shown = if name.uses_own_name { &name.name } else { &root.name };
        decoded.names = Some((shown.clone(), root.name.clone()));
        decoded
    }
}

impl Offset {
    fn of(self, parent: usize, prematch: usize, regex: usize) -> usize {
        match self {
            Self::Start => 0,
            Self::Parent => parent,
            Self::Prematch => prematch,
            Self::Regex => regex,
        }
    }
}

impl Decoder {
    /// Whether a root decoder takes a line, and the offset behind its `prematch`.
    fn begins(&self, header: &Header<'_>, haystack: Haystack<'_>) -> Option<usize> {
        // Lines of a program are for decoders that name programs, and no others.
        match (&self.program, header.program) {
            (Some(wanted), Some(program)) => {
                let lower = program.to_ascii_lowercase();
                if !wanted.holds(Haystack { text: program, lower: &lower }) {
                    return None;
                }
            }
            (None, None) => {}
            _ => return None,
        }
        match &self.prematch {
            Some((prematch, _)) => prematch.find(haystack, 0).map(|found| found.end),
            None => Some(0),
        }
    }

    /// Whether a child takes it, and the offset behind its `prematch`.
    fn follows(&self, haystack: Haystack<'_>, behind: usize) -> Option<usize> {
        match &self.prematch {
            Some((prematch, offset)) => {
                let from = if *offset == Offset::Start { 0 } else { behind };
                prematch.find(haystack, from).map(|found| found.end)
            }
            None => Some(behind),
        }
    }
}

impl Decoded {
    fn put(&mut self, field: &str, value: &[u8]) {
        let value = &value[..value.len().min(MAX_VALUE)];
        let name = if field == "user" { "dstuser" } else { field };
        self.fields.insert(name.to_owned(), String::from_utf8_lossy(value).into_owned());
    }
}

fn decoder(element: &Element, told: &mut Told<'_>) -> Option<Decoder> {
    let Some(name) = element.attribute("name").map(str::trim).filter(|name| !name.is_empty()) else {
        told.add(element.line, Part::File, "a decoder needs a `name`");
        return None;
    };
    let part = Part::Decoder(name);
    let mut decoder = Decoder {
        name: name.to_owned(),
        parent: None,
        program: None,
        prematch: None,
        regex: None,
        order: Vec::new(),
        category: Category::default(),
        uses_own_name: false,
        children: Vec::new(),
    };
    let (mut prematch, mut regex) = (None, None);
    for child in &element.children {
        let (key, dialect) = super::rule::base(&child.name);
        match key {
            "parent" => decoder.parent = Some(child.text.trim().to_owned()),
            "program_name" => {
                decoder.program = told.expression(child, dialect.unwrap_or(Dialect::OsMatch), &child.text, part);
            }
            "prematch" => joined(&mut prematch, child, dialect),
            "regex" => joined(&mut regex, child, dialect),
            "order" => decoder.order = child.text.split(',').map(|field| field.trim().to_owned()).collect(),
            "type" => match Category::named(child.text.trim()) {
                Some(category) => decoder.category = category,
                None => told.add(child.line, part, &format!("`{}` is no type", child.text.trim())),
            },
            "use_own_name" => decoder.uses_own_name = matches!(child.text.trim(), "true" | "yes"),
            // They serve rules with `if_fts` alone, which are told.
            "fts" | "ftscomment" => {}
            other => told.add(child.line, part, &format!("the key `{other}` is not known")),
        }
    }
    decoder.prematch = placed(prematch, part, told);
    decoder.regex = placed(regex, part, told);
    Some(decoder)
}

/// An expression whose text may stand in several elements, as its first element says where and how it looks.
type Collected<'e> = Option<(&'e Element, Option<Dialect>, String)>;

fn joined<'e>(collected: &mut Collected<'e>, element: &'e Element, dialect: Option<Dialect>) {
    match collected {
        Some((_, _, text)) => text.push_str(&element.text),
        None => *collected = Some((element, dialect, element.text.clone())),
    }
}

fn placed(collected: Collected<'_>, part: Part<'_>, told: &mut Told<'_>) -> Option<(Expression, Offset)> {
    let (element, dialect, text) = collected?;
    let offset = match element.attribute("offset") {
        None => Offset::Start,
        Some("after_parent") => Offset::Parent,
        Some("after_prematch") => Offset::Prematch,
        Some("after_regex") => Offset::Regex,
        Some(other) => {
            told.add(element.line, part, &format!("`{other}` is no offset"));
            return None;
        }
    };
    let expression = told.expression(element, dialect.unwrap_or(Dialect::OsRegex), &text, part)?;
    Some((expression, offset))
}
