//! Regular expressions as the rule authors wrote them (Go's RE2 dialect), compiled when first needed.
//!
//! Two translations of one pattern exist. The byte translation treats every byte as one character and is
//! what nearly all text needs. The character translation lets `.` and negated classes take one UTF-8
//! encoded character at a time, as Go does, while `\w \d \s \b` stay ASCII; it is used for buffers that
//! are valid UTF-8, not ASCII, and only for patterns where it can make a difference.

use std::{ops::Range, sync::OnceLock};

use regex_automata::{Anchored, Input, meta, util::syntax};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};

use super::groups::{Groups, Ranges, TooLong};

/// A pattern that the engine cannot take, with the place where it stops being understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the pattern as written, where known.
    pub offset: Option<usize>,
}

/// How a translation sees characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// One byte is one character.
    Bytes,
    /// One UTF-8 encoded scalar value is one character.
    Characters,
}

/// Upper bound of a compiled program in bytes; larger patterns are refused as hostile.
pub(super) const SIZE_LIMIT: usize = 32 << 20;
/// Nesting limit of a pattern.
const NEST_LIMIT: u32 = 120;

/// A pattern, parsed on creation and compiled on first use.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    bytes: Translation,
    characters: Translation,
}

/// What one reading of a pattern is compiled to, each part when first needed; none where it is too large.
#[derive(Debug, Default)]
struct Translation {
    regex: OnceLock<Option<meta::Regex>>,
    groups: OnceLock<Option<Groups>>,
}

impl Pattern {
    /// Parses (not compiles) a pattern.
    ///
    /// # Errors
    /// The pattern is not RE2 syntax, or nests too deep.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        parse(source, Alphabet::Bytes)?;
        Ok(Self::unchecked(source))
    }

    /// A pattern that is known to parse, such as one of our own that a test has parsed.
    #[must_use]
    pub fn unchecked(source: &str) -> Self {
        Self { source: source.to_owned(), bytes: Translation::default(), characters: Translation::default() }
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The program for buffers of this alphabet; none where it is too large to compile.
    pub(crate) fn regex(&self, alphabet: Alphabet) -> Option<&meta::Regex> {
        let slot = &self.translation(alphabet).regex;
        slot.get_or_init(|| parse(&self.source, alphabet).ok().and_then(|hir| compile(&hir).ok())).as_ref()
    }

    fn groups(&self, alphabet: Alphabet) -> Option<&Groups> {
        let slot = &self.translation(alphabet).groups;
        slot.get_or_init(|| parse(&self.source, alphabet).ok().and_then(|hir| Groups::new(&hir))).as_ref()
    }

    fn translation(&self, alphabet: Alphabet) -> &Translation {
        match alphabet {
            Alphabet::Bytes => &self.bytes,
            Alphabet::Characters => &self.characters,
        }
    }

    /// Whether the pattern matches anywhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex(Alphabet::of(text)).is_some_and(|re| re.is_match(text))
    }

    /// Byte ranges of every match in `text`, leftmost first, none overlapping: what the engine has to find.
    #[must_use]
    pub fn find_all(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.regex(Alphabet::of(text)).map_or_else(Vec::new, |re| re.find_iter(text).map(|m| m.range()).collect())
    }

    /// Groups of the leftmost match in `text`: byte ranges, group 0 first.
    #[must_use]
    pub fn captures(&self, text: &[u8]) -> Option<Vec<Option<Range<usize>>>> {
        // Nothing is further left than a match at the start, which is where those that are asked for are.
        if let Some(Ok(Some(groups))) = self.groups(Alphabet::of(text)).map(|groups| groups.at(text, 0)) {
            return Some(groups);
        }
        self.search(&Input::new(text))
    }

    fn search(&self, input: &Input<'_>) -> Option<Ranges> {
        let re = self.regex(Alphabet::of(input.haystack()))?;
        let mut caps = re.create_captures();
        re.search_captures(input, &mut caps);
        caps.is_match().then(|| (0..caps.group_len()).map(|i| caps.get_group(i).map(|s| s.range())).collect())
    }

    /// The groups of a match that is known to be at `found`, with its surroundings visible. None where a search from there
    /// finds another match.
    #[must_use]
    pub fn captures_at(&self, text: &[u8], found: &Range<usize>) -> Option<Vec<Option<Range<usize>>>> {
        let from = boundary(text, found.start.saturating_sub(SURROUNDINGS)).min(found.start);
        let to = boundary(text, text.len().min(found.end + SURROUNDINGS));
        let near = text.get(from..to)?;
        let lifted = |group: Range<usize>| group.start + from..group.end + from;
        let groups = match self.groups(Alphabet::of(near))?.at(near, found.start - from) {
            Ok(groups) => groups,
            Err(TooLong) => self.search(&Input::new(near).range(found.start - from..).anchored(Anchored::Yes)),
        };
        let groups: Ranges = groups?.into_iter().map(|group| group.map(lifted)).collect();
        (groups.first()?.as_ref() == Some(found)).then_some(groups)
    }
}

/// Bytes around a match that its groups may depend on.
const SURROUNDINGS: usize = 64;

/// The nearest offset from here on at which no character is cut.
fn boundary(text: &[u8], at: usize) -> usize {
    (at..text.len()).find(|i| text[*i] & 0xc0 != 0x80).unwrap_or(text.len())
}

impl Alphabet {
    /// The alphabet in which Go would read this text.
    pub(crate) fn of(text: &[u8]) -> Self {
        if text.is_ascii() || std::str::from_utf8(text).is_err() { Self::Bytes } else { Self::Characters }
    }
}

/// Compiles a parsed pattern.
pub(crate) fn compile(hir: &Hir) -> Result<meta::Regex, PatternError> {
    meta::Builder::new()
        .configure(
            meta::Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(SIZE_LIMIT))
                .hybrid_cache_capacity(1 << 20)
                .onepass_size_limit(Some(1 << 18)),
        )
        .build_from_hir(hir)
        .map_err(|e| PatternError { message: e.to_string(), offset: None })
}

/// Parses a Go pattern in one of the two alphabets.
pub(crate) fn parse(source: &str, alphabet: Alphabet) -> Result<Hir, PatternError> {
    let attempt = |alphabet: Alphabet| -> Result<Hir, String> {
        let unicode = alphabet == Alphabet::Characters;
        let config = syntax::Config::new().unicode(unicode).utf8(false).nest_limit(NEST_LIMIT);
        let hir = syntax::parse_with(&translate(source, alphabet), &config).map_err(|e| e.to_string())?;
        Ok(if unicode { fold_ascii_only(hir) } else { hir })
    };
    let first = attempt(alphabet);
    // `\p{...}` and literals outside ASCII in a class exist only in the character reading.
    let result = if first.is_err() { attempt(Alphabet::Characters) } else { first };
    result.map_err(|text: String| {
        let reason = text.lines().rfind(|l| l.starts_with("error: ")).unwrap_or(text.trim());
        PatternError { message: reason.trim_start_matches("error: ").to_owned(), offset: caret(&text) }
    })
}

/// Letters outside ASCII that case folding adds to a letter of ASCII: long s and the Kelvin sign.
const FOLDED: [(char, char); 2] = [('s', '\u{17f}'), ('k', '\u{212a}')];

/// Takes back what `(?i)` adds to `k` and `s` outside ASCII. Literals are found by their ASCII letters only, so an
/// expression must not see more; and `\w` stays ASCII under `(?i)`, as in Go.
fn fold_ascii_only(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let holds = |c: char| class.ranges().iter().any(|r| (r.start()..=r.end()).contains(&c));
            let added = |r: &ClassUnicodeRange| {
                FOLDED.iter().any(|(ascii, other)| (r.start(), r.end()) == (*other, *other) && holds(*ascii))
            };
            let kept = class.ranges().iter().filter(|r| !added(r)).copied();
            Hir::class(Class::Unicode(ClassUnicode::new(kept)))
        }
        HirKind::Class(class) => Hir::class(class),
        HirKind::Repetition(rep) => Hir::repetition(Repetition { sub: Box::new(fold_ascii_only(*rep.sub)), ..rep }),
        HirKind::Capture(cap) => Hir::capture(Capture { sub: Box::new(fold_ascii_only(*cap.sub)), ..cap }),
        HirKind::Concat(subs) => Hir::concat(subs.into_iter().map(fold_ascii_only).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.into_iter().map(fold_ascii_only).collect()),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Empty => Hir::empty(),
    }
}

/// The column of the first caret in a rendered syntax error; the pattern starts at column 4.
fn caret(rendered: &str) -> Option<usize> {
    let line = rendered.lines().find(|l| l.trim_start().starts_with('^'))?;
    Some((line.len() - line.trim_start().len()).saturating_sub(4))
}

/// Whether the character reading can match something else than the byte reading: a class or literal
/// that takes bytes outside ASCII.
pub(crate) fn sees_non_ascii(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Bytes(class)) => class.ranges().iter().any(|r| r.end() >= 0x80),
        HirKind::Class(Class::Unicode(class)) => class.ranges().iter().any(|r| r.end() as u32 >= 0x80),
        HirKind::Literal(literal) => !literal.0.is_ascii(),
        HirKind::Repetition(rep) => sees_non_ascii(&rep.sub),
        HirKind::Capture(cap) => sees_non_ascii(&cap.sub),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs.iter().any(sees_non_ascii),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

/// Rewrites what Go and the `regex-syntax` crate read differently: `\Q...\E`, a literal `{`, `\z`,
/// `(?#...)` comments of other dialects, and the perl classes, which are ASCII in Go (and whose `\s` has no vertical tab).
fn translate(source: &str, alphabet: Alphabet) -> String {
    let bytes = source.as_bytes();
    let mut out = String::with_capacity(source.len() + 16);
    let (mut at, mut in_class) = (0, false);
    while at < bytes.len() {
        let rest = &source[at..];
        if let Some(quoted) = rest.strip_prefix(r"\Q") {
            let end = quoted.find(r"\E").unwrap_or(quoted.len());
            quoted[..end].chars().for_each(|c| push_escaped(&mut out, c));
            at += 2 + end + if quoted[end..].is_empty() { 0 } else { 2 };
        } else if rest.starts_with('\\') && rest.len() > 1 {
            let next = rest[1..].chars().next().unwrap_or('\\');
            // `\x{...}` and `\p{...}`: the brace is part of the escape.
            let braced = matches!(next, 'x' | 'p' | 'P') && rest[2..].starts_with('{');
            if let Some(end) = rest.find('}').filter(|_| braced) {
                out.push_str(&rest[..=end]);
                at += end + 1;
                continue;
            }
            out.push_str(&escape(next, in_class, alphabet));
            at += 1 + next.len_utf8();
        } else if !in_class && rest.starts_with("(?#") {
            at += rest.find(')').map_or(rest.len(), |end| end + 1);
        } else {
            let c = rest.chars().next().unwrap_or_default();
            match c {
                '[' if in_class && rest.starts_with("[:") && rest.contains(":]") => {
                    let end = rest.find(":]").map_or(1, |e| e + 2);
                    out.push_str(&rest[..end]);
                    at += end;
                    continue;
                }
                '[' if in_class => out.push_str(r"\["),
                '[' => {
                    in_class = true;
                    out.push('[');
                    // A bracket directly behind the opening one is literal.
                    let negated = usize::from(rest[1..].starts_with('^'));
                    out.push_str(&rest[1..1 + negated]);
                    at += negated;
                    if rest[1 + negated..].starts_with(']') {
                        out.push_str(r"\]");
                        at += 1;
                    }
                }
                ']' if in_class => {
                    in_class = false;
                    out.push(']');
                }
                '&' | '~' if in_class => push_escaped(&mut out, c),
                '-' if in_class && rest.starts_with("--") => out.push_str(r"\-"),
                '{' if !in_class && !is_repetition(rest) => out.push_str(r"\{"),
                '}' if !in_class && !closes_repetition(&source[..at]) => out.push_str(r"\}"),
                _ => out.push(c),
            }
            at += c.len_utf8();
        }
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

/// Translation of one escape sequence.
fn escape(next: char, in_class: bool, alphabet: Alphabet) -> String {
    let members = match next {
        'w' | 'W' => "0-9A-Za-z_",
        'd' | 'D' => "0-9",
        // A space that is written as one would be passed over under `(?x)`.
        's' | 'S' => r"\t\n\x0c\r\x20",
        ' ' => return r"\x20".to_owned(),
        'b' if !in_class && alphabet == Alphabet::Characters => return r"(?-u:\b)".to_owned(),
        'B' if !in_class && alphabet == Alphabet::Characters => return r"(?-u:\B)".to_owned(),
        // Letters that only escape in other dialects, and every other punctuation, stay as they are.
        _ => {
            return if next.is_ascii_punctuation() || next.is_ascii_alphanumeric() {
                format!("\\{next}")
            } else {
                next.to_string()
            };
        }
    };
    match (next.is_ascii_uppercase(), in_class) {
        (false, true) => members.to_owned(),
        (false, false) => format!("[{members}]"),
        (true, _) => format!("[^{members}]"),
    }
}

/// Whether a `{` starts a counted repetition.
fn is_repetition(rest: &str) -> bool {
    let Some(end) = rest.find('}') else { return false };
    let inner = &rest[1..end];
    let (low, high) = inner.split_once(',').map_or((inner, None), |(l, h)| (l, Some(h)));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && high.is_none_or(digits)
}

/// Whether the text before a `}` ends in the inside of a counted repetition.
fn closes_repetition(before: &str) -> bool {
    before.rfind('{').is_some_and(|open| is_repetition(&format!("{}}}", &before[open..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (pattern, text, expected) in [
            (r"a{b", "xa{bx", true),
            (r"\{\{[a-z]+}}", "{{abc}}", true),
            (r"a{2}", "aa", true),
            (r"\Qa.b\E+", "a.bb", true),
            (r"[[]x", "[x", true),
            (r"[]a]+", "]", true),
            (r"[\w.-]{3}", "a.-", true),
            (r"[^\s]", "\u{b}", true),
            (r"\s", "\u{b}", false),
            (r"[[:alpha:]]{2}", "ab", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^.{3}$", "äöü", true),
            (r"\w", "ä", false),
            (r"(?i)KEY", "key", true),
            (r"a&&b", "a&&b", true),
            (r"[a&&b]", "&", true),
            (r"^\x{41}\p{Greek}$", "Aλ", true),
            (r"(?x) a \s b \# [\ \t] c", "a b# c", true),
            (r"a\ b", "a b", true),
            (r"(?i)^[\w-]$", "\u{17f}", false),
            (r"(?i)^\w\x{e9}$", "s\u{c9}", true),
        ] {
            let compiled = Pattern::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            assert_eq!(compiled.is_match(text.as_bytes()), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn errors_say_where() {
        let error = Pattern::new("abc(").unwrap_err();
        assert!(error.message.contains("unclosed group"), "{error}");
        assert_eq!(error.offset, Some(3));
    }
}
