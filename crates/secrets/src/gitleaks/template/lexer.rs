//! A template cut into text and actions, and actions cut into tokens.

use super::Fault;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Text as it is written.
    Text(String),
    /// What stands between braces.
    Action(Vec<Token>),
}

/// A token and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// Whether white space stands before it: `.A .B` are two operands, `.A.B` is one.
    pub(super) apart: bool,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A function or a word of the language.
    Word(String),
    /// `.Name`.
    Field(String),
    /// `$` or `$name`, without the dollar sign.
    Variable(String),
    /// `.`.
    Dot,
    Text(String),
    Int(i64),
    Float(f64),
    /// One of `| ( ) , =`.
    Sign(char),
    /// `:=`.
    Declare,
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Cuts a template.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece>, Fault> {
    let (mut out, mut at, mut trim_next) = (Vec::new(), 0, false);
    loop {
        let open = source[at..].find("{{").map(|p| at + p);
        let mut text = &source[at..open.unwrap_or(source.len())];
        if trim_next {
            text = text.trim_start_matches(SPACE);
        }
        let Some(open) = open else {
            push_text(&mut out, text);
            return Ok(out);
        };
        let inside = open + 2;
        let rest = &source[inside..];
        let trims = rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACE));
        if trims {
            text = text.trim_end_matches(SPACE);
        }
        push_text(&mut out, text);
        let start = if trims { inside + 1 } else { inside };
        let body = source[start..].trim_start_matches(SPACE);
        let comment = body.starts_with("/*") && (trims || rest.starts_with("/*"));
        let (end, close) =
            if comment { comment_end(source, open, start)? } else { action(source, open, start, &mut out)? };
        trim_next = close > end + 2;
        at = close;
    }
}

fn push_text(out: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        out.push(Piece::Text(text.to_owned()));
    }
}

/// Where a comment ends, and where its braces do.
fn comment_end(source: &str, open: usize, start: usize) -> Result<(usize, usize), Fault> {
    let end = source[start..].find("*/").map(|p| start + p + 2).ok_or_else(|| Fault::new(open, "unclosed comment"))?;
    let rest = &source[end..];
    if rest.starts_with("}}") {
        return Ok((end, end + 2));
    }
    let spaced = rest.trim_start_matches(SPACE);
    if spaced.len() < rest.len() && spaced.starts_with("-}}") {
        return Ok((end, source.len() - spaced.len() + 3));
    }
    Err(Fault::new(open, "a comment ends with */ and braces, with nothing between"))
}

/// Reads the tokens of an action. Gives where its content ends, and where its braces do.
fn action(source: &str, open: usize, start: usize, out: &mut Vec<Piece>) -> Result<(usize, usize), Fault> {
    let (mut tokens, mut at) = (Vec::new(), start);
    loop {
        let rest = &source[at..];
        let trimmed = rest.trim_start_matches(SPACE);
        let apart = trimmed.len() < rest.len() || at == start;
        if rest.starts_with("}}") || trimmed.starts_with("}}") {
            out.push(Piece::Action(tokens));
            let close = source.len() - trimmed.len();
            return Ok((close, close + 2));
        }
        if apart && trimmed.starts_with("-}}") {
            out.push(Piece::Action(tokens));
            let close = source.len() - trimmed.len();
            return Ok((close, close + 3));
        }
        at = source.len() - trimmed.len();
        if trimmed.is_empty() {
            return Err(Fault::new(open, "unclosed action"));
        }
        let (kind, length) = token(trimmed, at)?;
        tokens.push(Token { at, kind, apart });
        at += length;
    }
}

fn token(text: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let first = text.chars().next().unwrap_or_default();
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let word = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    match first {
        '"' => quoted(text, at),
        '`' => {
            let end = text[1..].find('`').ok_or_else(|| Fault::new(at, "unclosed raw string"))?;
            Ok((Kind::Text(text[1..=end].to_owned()), end + 2))
        }
        '\'' => match text[1..].split_once('\'').map(|(inside, _)| inside) {
            Some(inside) if inside.chars().count() == 1 && inside != "\\" => {
                Ok((Kind::Int(inside.chars().next().map_or(0, |c| i64::from(c as u32))), inside.len() + 2))
            }
            _ => Err(Fault::new(at, "only plain characters are read between single quotes")),
        },
        '|' | '(' | ')' | ',' | '=' => Ok((Kind::Sign(first), 1)),
        ':' if text.starts_with(":=") => Ok((Kind::Declare, 2)),
        '$' => {
            let end = 1 + word(&text[1..]);
            Ok((Kind::Variable(text[1..end].to_owned()), end))
        }
        '.' if digit(&text[1..]) => number(text, at),
        '.' => match word(&text[1..]) {
            0 => Ok((Kind::Dot, 1)),
            end => Ok((Kind::Field(text[1..=end].to_owned()), end + 1)),
        },
        '+' | '-' if digit(&text[1..]) || text[1..].starts_with('.') => number(text, at),
        c if c.is_ascii_digit() => number(text, at),
        c if c.is_alphabetic() || c == '_' => Ok((Kind::Word(text[..word(text)].to_owned()), word(text))),
        c => Err(Fault::new(at, format!("unexpected `{}`", c.escape_default()))),
    }
}

fn number(text: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let sign = usize::from(text.starts_with(['+', '-']));
    let mut end = sign;
    for c in text[sign..].chars() {
        let exponent = matches!(text[..end].chars().last(), Some('e' | 'E')) && !text[sign..].starts_with("0x");
        if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || (matches!(c, '+' | '-') && exponent)) {
            break;
        }
        end += 1;
    }
    let (whole, digits) = (&text[..end], text[..end].replace('_', ""));
    let negative = digits.starts_with('-');
    let bare = digits.trim_start_matches(['+', '-']);
    let hex = bare.strip_prefix("0x").or(bare.strip_prefix("0X"));
    let int = match hex {
        Some(hex) => i64::from_str_radix(hex, 16).ok().and_then(|n| if negative { n.checked_neg() } else { Some(n) }),
        None if bare.len() > 1 && bare.starts_with('0') && !bare.contains(['.', 'e', 'E']) => None,
        None => digits.parse::<i64>().ok(),
    };
    let float = || {
        digits
            .parse::<f64>()
            .ok()
            .filter(|_| bare.contains(['.', 'e', 'E']) && bare.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
    };
    match int.map(Kind::Int).or_else(|| float().map(Kind::Float)) {
        Some(kind) => Ok((kind, end)),
        None => Err(Fault::new(at, format!("`{whole}` is no number that is read here"))),
    }
}

/// A string in double quotes, with Go's escapes.
fn quoted(text: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let (mut out, mut chars) = (String::new(), text.char_indices().skip(1));
    let bad = || Fault::new(at, "malformed string");
    while let Some((place, c)) = chars.next() {
        match c {
            '"' => return Ok((Kind::Text(out), place + 1)),
            '\n' => return Err(Fault::new(at, "unclosed string")),
            '\\' => {
                let (_, escape) = chars.next().ok_or_else(bad)?;
                let mut hex = |count: usize| -> Result<char, Fault> {
                    let digits: String = chars.by_ref().take(count).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&digits, 16).map_err(|_| bad())?;
                    char::from_u32(code).filter(|_| digits.len() == count).ok_or_else(bad)
                };
                out.push(match escape {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'v' => '\u{b}',
                    '\\' | '"' => escape,
                    'x' => hex(2).and_then(|c| if c.is_ascii() { Ok(c) } else { Err(bad()) })?,
                    'u' => hex(4)?,
                    'U' => hex(8)?,
                    _ => return Err(bad()),
                });
            }
            c => out.push(c),
        }
    }
    Err(Fault::new(at, "unclosed string"))
}
