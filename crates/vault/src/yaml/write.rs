//! From trees to text: four blanks a level, lists within maps indented, text in the shortest style that reads back as text.

use std::fmt::Write as _;

use super::plain::needs_quotes;
use crate::{Scalar, json, tree::Tree};

/// Blanks a level.
const INDENT: usize = 4;
/// Longest key, in bytes, that is written without a mark before it.
const SIMPLE_KEY: usize = 128;

/// Writes documents, a line with `---` between them.
#[must_use]
pub fn write(documents: &[Tree]) -> String {
    let mut writer = Writer::default();
    for (at, document) in documents.iter().enumerate() {
        if at > 0 {
            writer.out.push_str("---\n");
        }
        match document {
            Tree::Map(entries) if has_values(document) => writer.map(entries, 0),
            Tree::Map(entries) => {
                entries.iter().for_each(|(_, value)| writer.comment(value, 0));
                writer.out.push_str("{}\n");
            }
            other => writer.value(other, 0, INDENT),
        }
    }
    writer.out
}

/// A value alone, as `show --key` prints it: text as it is, everything else as a document.
#[must_use]
pub fn write_value(tree: &Tree) -> String {
    let mut writer = Writer::default();
    match tree {
        Tree::Leaf(Scalar::Text(text)) => return text.clone(),
        Tree::Map(entries) if has_values(tree) => writer.map(entries, 0),
        Tree::List(items) if has_values(tree) => writer.list(items, 0),
        other => writer.value(other, 0, INDENT),
    }
    writer.out.trim_start().to_owned()
}

#[derive(Default)]
struct Writer {
    out: String,
}

fn is_comment(tree: &Tree) -> bool {
    tree.is_comment()
}

fn has_values(tree: &Tree) -> bool {
    match tree {
        Tree::Map(entries) => entries.iter().any(|(_, value)| !is_comment(value)),
        Tree::List(items) => items.iter().any(|item| !is_comment(item)),
        Tree::Leaf(_) | Tree::Null => false,
    }
}

/// The comments at the top of a list, and the rest.
fn split(items: &[Tree]) -> (&[Tree], &[Tree]) {
    items.split_at(items.iter().take_while(|item| is_comment(item)).count())
}

/// The next level below one that begins at a column.
fn below(column: usize) -> usize {
    INDENT * (column / INDENT + 1)
}

impl Writer {
    /// Fills the line up to a column.
    fn pad(&mut self, column: usize) {
        let line = self.out.rfind('\n').map_or(0, |at| at + 1);
        let length = self.out.len() - line;
        self.out.extend(std::iter::repeat_n(' ', column.saturating_sub(length)));
    }

    fn comment(&mut self, tree: &Tree, column: usize) {
        if let Tree::Leaf(Scalar::Comment(text)) = tree {
            // One that was made by something else can have several lines.
            for line in text.split(['\n', '\r']) {
                self.pad(column);
                self.out.push('#');
                self.out.push_str(line);
                self.out.push('\n');
            }
        }
    }

    fn map(&mut self, entries: &[(String, Tree)], column: usize) {
        for (key, value) in entries {
            if is_comment(value) {
                self.comment(value, column);
                continue;
            }
            self.pad(column);
            let name = one_line(key);
            if name.len() > SIMPLE_KEY {
                self.out.push_str("? ");
                self.out.push_str(&name);
                self.out.push('\n');
                self.pad(column);
            } else {
                self.out.push_str(&name);
            }
            self.out.push(':');
            self.value(value, column, below(column));
        }
        self.end(entries.iter().map(|(_, value)| value), column);
    }

    /// Behind comments at the end of a nested map or list a blank line says that they belong to it. Without one, sops takes
    /// them for a part of the map or list before them.
    fn end<'t>(&mut self, values: impl DoubleEndedIterator<Item = &'t Tree>, column: usize) {
        let mut comments = 0;
        let last =
            values.rev().inspect(|value| comments += usize::from(is_comment(value))).find(|value| !is_comment(value));
        if comments > 0 && column > 0 && matches!(last, Some(Tree::Map(_) | Tree::List(_))) {
            self.out.push('\n');
        }
    }

    fn list(&mut self, items: &[Tree], column: usize) {
        for item in items {
            self.heads(item, column);
            self.item(item, column);
        }
        self.end(items.iter(), column);
    }

    /// The comments that stand before the mark of an item: those at the top of the lists and of the map that begin with it.
    fn heads(&mut self, item: &Tree, column: usize) {
        match item {
            Tree::Map(entries) if has_values(item) => {
                let head = entries.iter().map(|(_, value)| value).take_while(|value| is_comment(value));
                head.for_each(|found| self.comment(found, column));
            }
            Tree::List(items) if has_values(item) => {
                let (head, rest) = split(items);
                head.iter().for_each(|found| self.comment(found, column));
                self.heads(&rest[0], column);
            }
            _ => {}
        }
    }

    /// An item whose head is written.
    fn item(&mut self, item: &Tree, column: usize) {
        if is_comment(item) {
            return self.comment(item, column);
        }
        self.pad(column);
        self.out.push('-');
        let inner = column + 2;
        match item {
            Tree::Map(entries) if has_values(item) => {
                let head = entries.iter().take_while(|(_, value)| is_comment(value)).count();
                self.map(&entries[head..], inner);
            }
            Tree::List(items) if has_values(item) => {
                let (_, rest) = split(items);
                self.item(&rest[0], inner);
                self.list(&rest[1..], inner);
            }
            other => self.value(other, column, inner),
        }
    }

    /// A value behind a key or dash at a column; what takes further lines begins at `inner`.
    fn value(&mut self, tree: &Tree, column: usize, inner: usize) {
        match tree {
            Tree::Map(entries) if has_values(tree) => {
                self.out.push('\n');
                self.map(entries, inner);
            }
            Tree::List(items) if has_values(tree) => {
                self.out.push('\n');
                self.list(items, inner);
            }
            Tree::Map(entries) => self.empty(entries.iter().map(|(_, value)| value), ("{", "}"), inner),
            Tree::List(items) => self.empty(items.iter(), ("[", "]"), inner),
            Tree::Null => self.out.push_str(" null\n"),
            Tree::Leaf(scalar) => {
                self.out.push(' ');
                self.scalar(scalar, column, inner);
                self.out.push('\n');
            }
        }
    }

    /// A list or map with nothing but comments in it.
    fn empty<'t>(&mut self, comments: impl ExactSizeIterator<Item = &'t Tree>, marks: (&str, &str), inner: usize) {
        self.out.push(' ');
        self.out.push_str(marks.0);
        if comments.len() > 0 {
            self.out.push('\n');
            comments.for_each(|found| self.comment(found, inner));
            self.pad(inner);
        }
        self.out.push_str(marks.1);
        self.out.push('\n');
    }

    fn scalar(&mut self, scalar: &Scalar, column: usize, inner: usize) {
        match scalar {
            Scalar::Text(text) if text.contains('\n') && Form::of(text).block => self.block(text, column, inner),
            Scalar::Text(text) => self.out.push_str(&one_line(text)),
            Scalar::Time(text) => self.out.push_str(text),
            Scalar::Int(number) => self.out.push_str(&number.to_string()),
            Scalar::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Scalar::Float(number) => self.out.push_str(&float(*number)),
            Scalar::Comment(_) => {}
        }
    }

    /// A literal block (YAML 1.2, section 8.1.2).
    fn block(&mut self, text: &str, column: usize, inner: usize) {
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            self.out.push_str(&(inner - column).to_string());
        }
        let ends = text.len() - text.trim_end_matches('\n').len();
        match ends {
            0 => self.out.push('-'),
            1 if text.len() > 1 => {}
            _ => self.out.push('+'),
        }
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.pad(inner);
                self.out.push_str(line);
            }
        }
    }
}

/// A number as Go's shortest form: with an exponent below a ten-thousandth and from a million on.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{number:e}");
    let exponent = text.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()).unwrap_or(0);
    if (-4..6).contains(&exponent) { number.to_string() } else { json::with_exponent(number) }
}

/// Text on one line, in quotes where it needs them.
fn one_line(text: &str) -> String {
    let form = Form::of(text);
    if needs_quotes(text) || !form.single && !form.plain || form.breaks {
        double(text)
    } else if form.plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Which styles can hold a text.
struct Form {
    plain: bool,
    single: bool,
    block: bool,
    breaks: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        let (mut indicators, mut special, mut tabs, mut breaks) = (false, false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut before = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let blank_follows = characters.peek().is_none_or(|c| matches!(c, ' ' | '\t'));
            indicators |= match (before, character) {
                (None, '-' | '?') => blank_follows,
                (None, c) if "#,[]{}&*!|>'\"%@`".contains(c) => true,
                (_, ':') => blank_follows,
                (Some(b), '#') => is_break(b) || matches!(b, ' ' | '\t'),
                _ => false,
            };
            tabs |= character == '\t';
            special |= character != '\t' && !is_printable(character);
            breaks |= is_break(character);
            break_space |= character == ' ' && before.is_some_and(is_break);
            space_break |= is_break(character) && before == Some(' ');
            before = Some(character);
        }
        indicators |= text.starts_with("---") || text.starts_with("...");
        let edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(edge) || text.ends_with(edge);
        Self {
            plain: !(indicators || edges || breaks || tabs || special),
            single: !(break_space || space_break || tabs || special),
            // A tab at the start of a block is read by few.
            block: !(text.starts_with('\t')
                || text.ends_with(' ')
                || space_break
                || special
                || text.contains(is_other_break)),
            breaks,
        }
    }
}

fn is_break(character: char) -> bool {
    character == '\n' || is_other_break(character)
}

fn is_other_break(character: char) -> bool {
    matches!(character, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The characters that sops writes as they are: those of two and three bytes, without marks of the byte order.
fn is_printable(character: char) -> bool {
    match character {
        '\n' | ' '..='~' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        '\u{a0}'..='\u{ffff}' => true,
        _ => false,
    }
}

/// Double quotes (YAML 1.2, section 7.3.1).
fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        let short = match character {
            '\0' => Some('0'),
            '\u{7}' => Some('a'),
            '\u{8}' => Some('b'),
            '\t' => Some('t'),
            '\n' => Some('n'),
            '\u{b}' => Some('v'),
            '\u{c}' => Some('f'),
            '\r' => Some('r'),
            '\u{1b}' => Some('e'),
            '"' => Some('"'),
            '\\' => Some('\\'),
            '\u{85}' => Some('N'),
            '\u{2028}' => Some('L'),
            '\u{2029}' => Some('P'),
            _ => None,
        };
        let code = u32::from(character);
        match short {
            Some(letter) => out.extend(['\\', letter]),
            None if is_printable(character) => out.push(character),
            None => match code {
                0..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            }
            .expect("a String takes every write"),
        }
    }
    out.push('"');
    out
}
