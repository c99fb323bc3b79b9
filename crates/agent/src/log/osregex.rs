//! The dialect `osregex`, translated for crate `regex`: bytes, without regard to case, classes of its own, quantifiers
//! behind a class alone, alternatives tried one after another.
//!
//! A quantified class takes as little as it can while something that needs a byte follows. At the end of a pattern it takes
//! what it can, up to where the class behind it could take over.

use regex::bytes::{Regex, RegexBuilder};

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 20_480;
/// How large one compiled alternative may be, in bytes.
pub(crate) const MAX_PROGRAM: usize = 4 << 20;
/// How much memory its lazy automaton may take while it runs.
pub(crate) const MAX_AUTOMATON: usize = 256 << 10;

/// A compiled pattern: its alternatives, in order.
#[derive(Debug, Clone)]
pub(crate) struct OsRegex {
    alternatives: Vec<Regex>,
}

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Set([u64; 4]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Once,
    Plus,
    Star,
}

#[derive(Clone, Copy)]
enum Token {
    Literal(u8),
    Class(Set, Repeat),
    Open,
    Close,
    Start,
    End,
}

impl Token {
    fn is_nullable(self) -> bool {
        match self {
            Self::Class(_, repeat) => repeat == Repeat::Star,
            Self::Literal(_) => false,
            Self::Open | Self::Close | Self::Start | Self::End => true,
        }
    }
}

impl OsRegex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("the pattern is longer than {MAX_PATTERN} bytes"));
        }
        let mut alternatives = Vec::new();
        for tokens in tokens(pattern.as_bytes())? {
            let built = RegexBuilder::new(&translated(&tokens))
                .unicode(false)
                .case_insensitive(true)
                .dot_matches_new_line(true)
                .size_limit(MAX_PROGRAM)
                .dfa_size_limit(MAX_AUTOMATON)
                .build();
            alternatives.push(built.map_err(|error| error.to_string())?);
        }
        Ok(Self { alternatives })
    }

    /// Whether any alternative matches.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.alternatives.iter().any(|regex| regex.is_match(text))
    }

    /// The expressions, in the order in which they are tried.
    pub(crate) fn alternatives(&self) -> &[Regex] {
        &self.alternatives
    }
}

/// The tokens of each alternative.
fn tokens(pattern: &[u8]) -> Result<Vec<Vec<Token>>, String> {
    let (mut all, mut own, mut in_group) = (Vec::new(), Vec::new(), false);
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let escape = *pattern.get(at).ok_or("the pattern ends with `\\`")?;
                at += 1;
                let Some(token) = escaped(escape) else {
                    return Err(format!("`\\{}` is no escape", char::from(escape)));
                };
                let repeat = match (token, pattern.get(at)) {
                    (Token::Class(..), Some(b'+')) => Repeat::Plus,
                    (Token::Class(..), Some(b'*')) => Repeat::Star,
                    _ => Repeat::Once,
                };
                at += usize::from(repeat != Repeat::Once);
                own.push(if let Token::Class(set, _) = token { Token::Class(set, repeat) } else { token });
            }
            b'(' if in_group => return Err("groups cannot be nested".to_owned()),
            b')' if !in_group => return Err("`)` closes no group".to_owned()),
            b'(' | b')' => {
                in_group = byte == b'(';
                own.push(if in_group { Token::Open } else { Token::Close });
            }
            b'|' if in_group => return Err("`|` stands within a group".to_owned()),
            b'|' => all.push(std::mem::take(&mut own)),
            b'^' if own.is_empty() => own.push(Token::Start),
            b'$' if matches!(pattern.get(at), None | Some(b'|')) => own.push(Token::End),
            literal => own.push(Token::Literal(literal)),
        }
    }
    if in_group {
        return Err("a group is never closed".to_owned());
    }
    all.push(own);
    Ok(all)
}

fn escaped(byte: u8) -> Option<Token> {
    let class = |of: fn(u8) -> bool| Some(Token::Class(Set::of(of), Repeat::Once));
    match byte {
        b'w' => class(is_word),
        b'W' => class(|b| !is_word(b)),
        b'd' => class(|b| b.is_ascii_digit()),
        b'D' => class(|b| !b.is_ascii_digit()),
        b's' => class(|b| b == b' '),
        b'S' => class(|b| b != b' '),
        b't' => class(|b| b == b'\t'),
        b'p' => class(is_punctuation),
        b'.' => class(|_| true),
        b'(' | b')' | b'\\' | b'$' | b'|' | b'<' => Some(Token::Literal(byte)),
        _ => None,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'_' | b'-')
}

fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b'!'..=b'.' | b':'..=b'?' | b'[' | b']' | b'{' | b'|' | b'}')
}

impl Set {
    fn of(test: fn(u8) -> bool) -> Self {
        let mut set = [0; 4];
        for byte in (0..=u8::MAX).filter(|byte| test(*byte)) {
            set[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        Self(set)
    }

    fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn without(self, other: Self) -> Self {
        let mut set = self.0;
        set.iter_mut().zip(other.0).for_each(|(own, other)| *own &= !other);
        Self(set)
    }

    /// As a class of crate `regex`.
    fn write(self, out: &mut String) {
        let members: Vec<usize> = (0..=u8::MAX).filter(|byte| self.has(*byte)).map(usize::from).collect();
        if members.is_empty() {
            // A class that holds nothing matches nothing.
            out.push_str(r"[^\x00-\xff]");
            return;
        }
        out.push('[');
        for run in members.chunk_by(|a, b| a + 1 == *b) {
            out.push_str(&format!(r"\x{:02x}-\x{:02x}", run[0], run[run.len() - 1]));
        }
        out.push(']');
    }
}

fn translated(tokens: &[Token]) -> String {
    let mut out = String::new();
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            Token::Literal(byte) => out.push_str(&format!(r"\x{byte:02x}")),
            Token::Open => out.push('('),
            Token::Close => out.push(')'),
            Token::Start => out.push_str(r"\A"),
            Token::End => out.push_str(r"\z"),
            Token::Class(set, repeat) => class(set, repeat, &tokens[at + 1..], &mut out),
        }
    }
    out
}

/// A class and how often it may match, by what follows it.
fn class(set: Set, repeat: Repeat, behind: &[Token], out: &mut String) {
    let is_end = |token: &Token| matches!(token, Token::End);
    let next = behind.iter().find_map(|token| if let Token::Class(set, _) = token { Some(*set) } else { None });
    match repeat {
        Repeat::Once => set.write(out),
        _ if behind.iter().any(|token| !token.is_nullable() || is_end(token)) => {
            set.write(out);
            out.push_str(if repeat == Repeat::Plus { "+?" } else { "*?" });
        }
        _ => {
            if repeat == Repeat::Plus {
                set.write(out);
            }
            next.map_or(set, |next| set.without(next)).write(out);
            out.push('*');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first match: its end and the groups.
    fn find(pattern: &str, text: &str) -> Option<(usize, Vec<String>)> {
        let regex = OsRegex::new(pattern).unwrap();
        let captures = regex.alternatives().iter().find_map(|regex| regex.captures(text.as_bytes()))?;
        let groups = captures.iter().skip(1).flatten();
        let groups = groups.map(|group| String::from_utf8_lossy(group.as_bytes()).into_owned()).collect();
        Some((captures.get(0).unwrap().end(), groups))
    }

    #[test]
    fn classes_quantifiers_groups() {
        for (pattern, text, expected) in [
            (
                r"^Failed \S+ for (\S+) from (\S+)",
                "Failed password for root from 1.2.3.4 port 22",
                Some((37, vec!["root", "1.2.3.4"])),
            ),
            (r"user=(\w+)", "x user=a-b@c d", Some((12, vec!["a-b@c"]))),
            (r"(\d+)\.(\d+)", "v 10x3", Some((6, vec!["10", "3"]))),
            (r"a+", "aaa", None),
            (r"a+", "xa+", Some((3, vec![]))),
            (r"a.c", "abc", None),
            (r"x|^(\d+)", "12x", Some((3, vec![]))),
            (r"\p\p", "a[]", Some((3, vec![]))),
            (r"\s", "a\tb", None),
            (r"end$", "the END", Some((7, vec![]))),
            (r"^a$", "ab", None),
            (r"(\.*) x$", "one two x", Some((9, vec!["one two"]))),
            (r"\(\\\)", r"(\)", Some((3, vec![]))),
        ] {
            let expected = expected.map(|(end, groups)| (end, groups.into_iter().map(str::to_owned).collect()));
            assert_eq!(find(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for (pattern, why) in [
            (r"\*", "no escape"),
            (r"\", "ends with"),
            ("(a", "never closed"),
            ("a)", "closes no"),
            ("((a))", "nested"),
            ("(a|b)", "within"),
        ] {
            assert!(OsRegex::new(pattern).unwrap_err().contains(why), "{pattern}");
        }
    }
}
