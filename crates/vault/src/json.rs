//! JSON documents, with their keys in order, written as sops writes them.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

use crate::{Scalar, VaultError, limits, tree::Tree};

/// Reads a document.
///
/// # Errors
/// It is no JSON, a key stands twice in an object, or a limit is exceeded.
pub fn read(text: &str) -> Result<Tree, VaultError> {
    limits::check_size(text)?;
    let tree = serde_json::from_str(text).map_err(|error| {
        // The place is told once.
        let why = error.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why).to_owned();
        VaultError::Syntax { line: error.line(), column: error.column(), why }
    })?;
    limits::check(&tree)?;
    Ok(tree)
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(Scalar::Bool(value)))
    }

    // sops has one kind of number in JSON.
    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(Scalar::Float(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(Scalar::Float(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(Scalar::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(Scalar::Text(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let (mut entries, mut names) = (Vec::new(), std::collections::BTreeSet::new());
        while let Some((key, value)) = access.next_entry::<String, Tree>()? {
            if !names.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key `{}` stands twice", key.escape_debug())));
            }
            entries.push((key, value));
        }
        Ok(Tree::Map(entries))
    }
}

/// Writes a document: a tab for each level, a line break at the end.
#[must_use]
pub fn write(tree: &Tree) -> String {
    let mut out = String::new();
    value(tree, 0, &mut out);
    out.push('\n');
    out
}

fn value(tree: &Tree, depth: usize, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Leaf(scalar) => leaf(scalar, out),
        Tree::List(items) if items.is_empty() => out.push_str("[]"),
        Tree::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Tree::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                line(at, depth + 1, out);
                value(item, depth + 1, out);
            }
            end(depth, ']', out);
        }
        Tree::Map(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                line(at, depth + 1, out);
                out.push_str(&quoted(key));
                out.push_str(": ");
                value(item, depth + 1, out);
            }
            end(depth, '}', out);
        }
    }
}

fn line(at: usize, depth: usize, out: &mut String) {
    out.push_str(if at > 0 { ",\n" } else { "\n" });
    out.extend(std::iter::repeat_n('\t', depth));
}

fn end(depth: usize, bracket: char, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n('\t', depth));
    out.push(bracket);
}

fn leaf(scalar: &Scalar, out: &mut String) {
    match scalar {
        Scalar::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Scalar::Int(number) => out.push_str(&number.to_string()),
        Scalar::Float(number) => out.push_str(&float(*number)),
        Scalar::Text(text) | Scalar::Time(text) | Scalar::Comment(text) => out.push_str(&quoted(text)),
    }
}

/// A number as Go writes it: with an exponent where it is very small or large.
fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) { with_exponent(number) } else { number.to_string() }
}

/// The same with an exponent of two digits at least.
pub(crate) fn with_exponent(number: f64) -> String {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
