//! The pieces that a text is cut into before bytes are merged: a piece never spans two of them. The cut is that of
//! `cl100k_base`: contractions, words with at most one sign in front, up to three digits, runs of signs, and white space.

use std::sync::OnceLock;

use regex_syntax::hir::{ClassUnicode, HirKind};

/// The pieces of a text, in order; together they are the text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = piece(rest);
        let (first, after) = rest.split_at_checked(length).filter(|_| length > 0)?;
        rest = after;
        Some(first)
    })
}

/// What the cut asks of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Number,
    Space,
    Sign,
}

fn kind(c: char) -> Kind {
    match c {
        _ if c.is_ascii_alphabetic() => Kind::Letter,
        _ if c.is_ascii_digit() => Kind::Number,
        _ if c.is_whitespace() => Kind::Space,
        _ if c.is_ascii() => Kind::Sign,
        _ if letters().is_some_and(|class| holds(class, c)) => Kind::Letter,
        _ if c.is_numeric() => Kind::Number,
        _ => Kind::Sign,
    }
}

/// The general category Letter, as the Unicode tables of the expression parser have it.
fn letters() -> Option<&'static ClassUnicode> {
    static LETTERS: OnceLock<Option<ClassUnicode>> = OnceLock::new();
    let read = || match regex_syntax::parse(r"\p{L}").ok()?.into_kind() {
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => Some(class),
        _ => None,
    };
    LETTERS.get_or_init(read).as_ref()
}

fn holds(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let after = ranges.partition_point(|range| range.start() <= c);
    after.checked_sub(1).is_some_and(|at| c <= ranges[at].end())
}

/// Bytes of the first characters of which `test` holds.
fn run(text: &str, mut test: impl FnMut(char) -> bool) -> usize {
    text.find(|c| !test(c)).unwrap_or(text.len())
}

/// Length of the first piece; 0 for the empty text.
fn piece(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    if let Some(length) = contraction(text) {
        return length;
    }
    let width = first.len_utf8();
    let letters = |from: usize| run(&text[from..], |c| kind(c) == Kind::Letter);
    if kind(first) == Kind::Letter {
        return letters(0);
    }
    if !matches!(first, '\r' | '\n') && kind(first) != Kind::Number && letters(width) > 0 {
        return width + letters(width);
    }
    if kind(first) == Kind::Number {
        let mut left = 3;
        return run(text, |c| {
            left -= 1;
            left >= 0 && kind(c) == Kind::Number
        });
    }
    let blank = usize::from(first == ' ');
    let signs = run(&text[blank..], |c| kind(c) == Kind::Sign);
    if signs > 0 {
        let end = blank + signs;
        return end + run(&text[end..], |c| matches!(c, '\r' | '\n'));
    }
    white(text)
}

fn contraction(text: &str) -> Option<usize> {
    let after = text.strip_prefix('\'')?;
    let starts = |end: &&str| after.get(..end.len()).is_some_and(|start| start.eq_ignore_ascii_case(end));
    ["s", "t", "re", "ve", "m", "ll", "d"].iter().find(|end| starts(end)).map(|end| 1 + end.len())
}

/// White space: up to its last line break, or all but the last character where a word follows, or all.
fn white(text: &str) -> usize {
    let all = run(text, |c| kind(c) == Kind::Space);
    let space = &text[..all];
    if let Some(last) = space.rfind(['\r', '\n']) {
        return last + 1;
    }
    match space.char_indices().next_back() {
        Some((at, _)) if all < text.len() && at > 0 => at,
        _ => all,
    }
}
