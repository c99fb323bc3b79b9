//! Values that templates work with.

use std::{collections::BTreeMap, rc::Rc};

use crate::gitleaks::CompatFinding;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A number that gitleaks keeps in 32 bits.
    Single(f32),
    Text(Rc<str>),
    List(Rc<[Self]>),
    Map(Rc<BTreeMap<String, Self>>),
    Finding(&'a CompatFinding),
    /// Seconds of 1970 UTC.
    Time(i64),
}

/// What a template is about.
#[derive(Debug)]
pub struct Values<'a> {
    pub(super) findings: &'a [CompatFinding],
    /// Seconds of 1970 UTC.
    pub(super) now: i64,
}

impl<'a> Values<'a> {
    /// Findings, and what `now` gives: seconds of 1970 UTC.
    #[must_use]
    pub fn of(findings: &'a [CompatFinding], now: i64) -> Self {
        Self { findings, now }
    }
}

/// The fields of a finding in the order of gitleaks' JSON, and those that JSON leaves out.
pub(super) const FIELDS: [&str; 19] = [
    "RuleID",
    "Description",
    "StartLine",
    "EndLine",
    "StartColumn",
    "EndColumn",
    "Match",
    "Secret",
    "File",
    "SymlinkFile",
    "Commit",
    "Link",
    "Entropy",
    "Author",
    "Email",
    "Date",
    "Message",
    "Tags",
    "Fingerprint",
];

/// A field of a finding.
pub(super) fn field<'a>(finding: &'a CompatFinding, name: &str) -> Option<Value<'a>> {
    let number = |n: usize| Value::Int(n as i64);
    Some(match name {
        "RuleID" => text(&finding.rule),
        "Description" => text(&finding.description),
        "StartLine" => number(finding.start_line),
        "EndLine" => number(finding.end_line),
        "StartColumn" => number(finding.start_column),
        "EndColumn" => number(finding.end_column),
        "Line" => text(&finding.line.text()),
        "Match" => text(&finding.matched),
        "Secret" => text(&finding.secret),
        "File" => text(&finding.file),
        "SymlinkFile" => text(&finding.symlink),
        "Commit" => text(&finding.commit),
        "Link" => text(&finding.link),
        "Entropy" => Value::Single(finding.entropy as f32),
        "Author" => text(&finding.author),
        "Email" => text(&finding.email),
        "Date" => text(&finding.date),
        "Message" => text(&finding.message),
        "Tags" => list(finding.tags.iter().map(|tag| text(tag)).collect()),
        "Fingerprint" => text(&finding.fingerprint()),
        _ => return None,
    })
}

pub(super) fn text<'a>(text: &str) -> Value<'a> {
    Value::Text(Rc::from(text))
}

pub(super) fn list(items: Vec<Value<'_>>) -> Value<'_> {
    Value::List(Rc::from(items))
}

impl Value<'_> {
    /// Whether a condition holds with it: it is not nothing, zero or empty.
    pub(super) fn holds(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(yes) => *yes,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Single(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(items) => !items.is_empty(),
            Self::Finding(_) | Self::Time(_) => true,
        }
    }

    /// The name of its type in Go.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Single(_) => "float32",
            Self::Text(_) => "string",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Finding(_) | Self::Time(_) => "struct",
        }
    }
}
