//! Decoders: what reads fields out of a message, and which of them does.
//!
//! A root decoder is chosen by the program that wrote a line and by its `prematch`, then the first child whose `prematch`
//! matches, or that has none. Where its expression does not match, siblings of the same name are tried; where it does, they
//! add their fields to what was read.

use std::collections::BTreeMap;

use super::{
    expression::{Dialect, Expression, Haystack},
    header::Header,
    json::Null,
    memory::short,
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
#[derive(Debug, Clone, Default)]
struct Decoder {
    name: String,
    parent: Option<String>,
    program: Option<Expression>,
    prematch: Option<(Expression, Offset)>,
    regex: Option<(Expression, Offset)>,
    order: Vec<String>,
    /// Its kind of log; none stands for that of the root.
    category: Option<Category>,
    uses_own_name: bool,
    /// Reads an object of JSON from there on.
    json: Option<(Offset, Null)>,
    /// Fields whose values together are looked at for the first time.
    first: Vec<String>,
    /// What of it is not known; the rest is used.
    unread: Vec<(usize, String)>,
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
    /// The decoder and the values that are looked at for the first time; none where it calls nothing new.
    pub(crate) first: Option<Vec<String>>,
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
        for (line, what) in &decoder.unread {
            told.add(*line, Part::Decoder(&decoder.name), what);
        }
        self.all.push(decoder);
    }

    /// Whether any decoder reads fields in another way than by expressions.
    pub(crate) fn has_plugins(&self) -> bool {
        self.all.iter().any(|decoder| decoder.json.is_some() || !decoder.first.is_empty())
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
        let mut decoded = Decoded::default();
        let children: Vec<&Decoder> = root.children.iter().map(|number| &self.all[*number]).collect();
        let mut name = root;
        let mut read = Vec::new();
        if children.is_empty() {
            read = decoded.chain(&[root], haystack, Places { parent: behind, prematch: behind });
        } else if let Some((at, prematch)) = begun(&children, haystack, behind) {
            if children[at].prematch.is_some() {
                name = children[at];
            }
            let more = children[at + 1..].iter().take_while(|child| child.goes_on_with(children[at])).count();
            read = decoded.chain(&children[at..=at + more], haystack, Places { parent: behind, prematch });
        }
        let name = read.last().copied().unwrap_or(name);
        decoded.category = name.category.or(root.category).unwrap_or_default();
        let new = read.into_iter().chain([root]).find(|decoder| !decoder.first.is_empty());
        decoded.first = new.map(|decoder| decoded.new_values(decoder, root));
        let shown = if name.uses_own_name { &name.name } else { &root.name };
        decoded.names = Some((shown.clone(), root.name.clone()));
        decoded
    }
}

/// Offsets behind the `prematch` of a root, and of the decoder that reads.
#[derive(Clone, Copy)]
struct Places {
    parent: usize,
    prematch: usize,
}

impl Decoded {
    /// Takes the fields that decoders of one name read, one behind the other; gives those that read something.
    fn chain<'d>(&mut self, chain: &[&'d Decoder], haystack: Haystack<'_>, places: Places) -> Vec<&'d Decoder> {
        let (mut read, mut last) = (Vec::new(), places.prematch);
        for decoder in chain {
            if let Some((offset, null)) = decoder.json {
                let text = haystack.text.get(offset.of(places, last)..).unwrap_or_default();
                super::json::fields(text, null, &mut |field, value| self.put(field, value.as_bytes()));
                read.push(*decoder);
                break;
            }
            let Some((regex, offset)) = &decoder.regex else { break };
            let Some(found) = regex.find(haystack, offset.of(places, last)) else { continue };
            read.push(*decoder);
            last = found.end;
            for (field, group) in decoder.order.iter().zip(&found.groups) {
                if let Some(range) = group {
                    self.put(field, &haystack.text[range.clone()]);
                }
            }
        }
        read
    }

    /// The values that a decoder calls new where they come for the first time, and the decoder.
    fn new_values(&self, decoder: &Decoder, root: &Decoder) -> Vec<String> {
        let value = |field: &String| match field.as_str() {
            "name" => root.name.clone(),
            field => self.fields.get(field).map(|value| short(value)).unwrap_or_default(),
        };
        decoder.first.iter().map(value).chain([root.name.clone()]).collect()
    }
}

/// The first child that takes a message, and the offset behind its `prematch`. Siblings that go on with one that does not
/// take it do not, either.
fn begun(children: &[&Decoder], haystack: Haystack<'_>, behind: usize) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(child) = children.get(at) {
        if let Some(prematch) = child.follows(haystack, behind) {
            return Some((at, prematch));
        }
        at += 1 + children[at + 1..].iter().take_while(|next| next.goes_on_with(child)).count();
    }
    None
}

impl Offset {
    fn of(self, places: Places, regex: usize) -> usize {
        match self {
            Self::Start => 0,
            Self::Parent => places.parent,
            Self::Prematch => places.prematch,
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

    /// Whether it adds to what a sibling of the same name reads.
    fn goes_on_with(&self, first: &Self) -> bool {
        self.name == first.name && self.prematch.is_none()
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
    let mut decoder = Decoder { name: name.to_owned(), ..Decoder::default() };
    let (mut prematch, mut regex, mut null) = (None, None, Null::default());
    for child in &element.children {
        let (key, dialect) = super::rule::base(&child.name);
        match key {
            "prematch" => joined(&mut prematch, child, dialect),
            "regex" => joined(&mut regex, child, dialect),
            "program_name" => {
                decoder.program = told.expression(child, dialect.unwrap_or(Dialect::OsMatch), &child.text, part);
            }
            "json_null_field" => match Null::named(child.text.trim()) {
                Some(named) => null = named,
                None => told.add(child.line, part, &format!("`{}` is no way to read null", child.text.trim())),
            },
            key => word(key, child, &mut decoder, told),
        }
    }
    decoder.json = decoder.json.map(|(offset, _)| (offset, null));
    decoder.prematch = placed(prematch, part, told);
    decoder.regex = placed(regex, part, told);
    Some(decoder)
}

/// Takes a key of a decoder whose text is one or several words.
fn word(key: &str, element: &Element, decoder: &mut Decoder, told: &mut Told<'_>) {
    let text = element.text.trim();
    let list = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
    match key {
        "parent" => decoder.parent = Some(text.to_owned()),
        "order" => decoder.order = text.split(',').map(|field| field.trim().to_owned()).collect(),
        "type" => match Category::named(text) {
            Some(category) => decoder.category = Some(category),
            None => told.add(element.line, Part::Decoder(&decoder.name), &format!("`{text}` is no type")),
        },
        "use_own_name" => decoder.uses_own_name = matches!(text, "true" | "yes"),
        "fts" => {
            decoder.first = list().map(|name| if name == "user" { "dstuser" } else { name }.to_owned()).collect();
        }
        "ftscomment" => {}
        "plugin_decoder" => plugin(element, decoder),
        "accumulate" => decoder.unread.push((element.line, "lines are not joined (`accumulate`)".to_owned())),
        other => told.add(element.line, Part::Decoder(&decoder.name), &format!("the key `{other}` is not known")),
    }
}

fn plugin(element: &Element, decoder: &mut Decoder) {
    let offset = match element.attribute("offset") {
        Some("after_parent") => Offset::Parent,
        Some("after_prematch") => Offset::Prematch,
        _ => Offset::Start,
    };
    match element.text.trim() {
        "JSON_Decoder" => decoder.json = Some((offset, Null::default())),
        other => decoder.unread.push((element.line, format!("the plug-in `{other}` is not known: it reads no fields"))),
    }
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
