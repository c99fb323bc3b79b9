//! An expression in one of the three dialects, and whether its answer is turned around.

use std::{ops::Range, sync::LazyLock};

use regex::bytes::{Captures, Regex, RegexBuilder};

use super::{
    osmatch::OsMatch,
    osregex::{MAX_AUTOMATON, MAX_PROGRAM, OsRegex},
};

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The whole text, byte for byte.
    Exact,
    /// Literals.
    OsMatch,
    /// Classes and groups.
    OsRegex,
    /// What of PCRE2 crate `regex` has, and looks ahead from the beginning: no other look-around, no back-references.
    Pcre2,
}

impl Dialect {
    /// The dialect that an attribute `type` names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::Exact),
            "osmatch" => Some(Self::OsMatch),
            "osregex" => Some(Self::OsRegex),
            "pcre2" => Some(Self::Pcre2),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
enum Compiled {
    Exact(String),
    OsMatch(OsMatch),
    OsRegex(OsRegex),
    Pcre2(Regex),
    Guarded(Vec<Guard>, Regex),
}

/// What has to stand at the beginning of a text, or must not: `(?=x)`, `(?!x)`.
#[derive(Debug, Clone)]
struct Guard {
    wanted: bool,
    regex: Regex,
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    compiled: Compiled,
    negated: bool,
}

/// A text, and the same in lower case, which is made once for all expressions that look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Haystack<'t> {
    pub(crate) text: &'t [u8],
    pub(crate) lower: &'t [u8],
}

/// A match: the offset behind it, and its groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) end: usize,
    pub(crate) groups: Vec<Option<Range<usize>>>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn new(dialect: Dialect, pattern: &str) -> Result<Self, String> {
        let compiled = match dialect {
            Dialect::Exact => Compiled::Exact(pattern.to_owned()),
            Dialect::OsMatch => Compiled::OsMatch(OsMatch::new(pattern)),
            Dialect::OsRegex => Compiled::OsRegex(OsRegex::new(pattern)?),
            Dialect::Pcre2 => match guarded(pattern)? {
                Some((guards, rest)) => Compiled::Guarded(guards, rest),
                None => Compiled::Pcre2(pcre2(pattern)?),
            },
        };
        Ok(Self { compiled, negated: false })
    }

    /// The same with its answer turned around.
    pub(crate) fn negated(self) -> Self {
        Self { negated: !self.negated, ..self }
    }

    /// Whether a text is what the expression wants.
    pub(crate) fn holds(&self, haystack: Haystack<'_>) -> bool {
        let found = match &self.compiled {
            Compiled::Exact(own) => haystack.text == own.as_bytes(),
            Compiled::OsMatch(own) => own.is_match(haystack.lower),
            Compiled::OsRegex(own) => own.is_match(haystack.text),
            Compiled::Pcre2(own) => own.is_match(haystack.text),
            Compiled::Guarded(guards, own) => pass(guards, haystack.text) && own.is_match(haystack.text),
        };
        found != self.negated
    }

    /// The expression as one of crate `regex` (bytes), which finds what it finds; none where it is turned around.
    pub(crate) fn pattern(&self) -> Option<String> {
        if self.negated {
            return None;
        }
        match &self.compiled {
            Compiled::Exact(own) => Some(regex::escape(own)),
            Compiled::OsMatch(own) => own.pattern(),
            Compiled::OsRegex(own) => {
                let all = own.alternatives().iter().map(|regex| format!("(?:{})", regex.as_str()));
                Some(format!("(?is-u:{})", all.collect::<Vec<_>>().join("|")))
            }
            Compiled::Pcre2(own) | Compiled::Guarded(_, own) => Some(format!("(?-u:{})", own.as_str())),
        }
    }

    /// The first match from an offset on; offsets of the answer are those of the whole text.
    pub(crate) fn find(&self, haystack: Haystack<'_>, from: usize) -> Option<Match> {
        let rest = haystack.text.get(from..)?;
        match &self.compiled {
            Compiled::Exact(own) => {
                (rest == own.as_bytes()).then(|| Match { end: haystack.text.len(), groups: vec![] })
            }
            Compiled::OsMatch(own) => {
                let end = own.end(haystack.lower.get(from..)?)?;
                Some(Match { end: from + end, groups: vec![] })
            }
            Compiled::OsRegex(own) => {
                own.alternatives().iter().find_map(|regex| regex.captures(rest)).map(|found| matched(&found, from))
            }
            Compiled::Pcre2(own) => own.captures(rest).map(|found| matched(&found, from)),
            Compiled::Guarded(guards, own) if pass(guards, rest) => {
                own.captures(rest).map(|found| matched(&found, from))
            }
            Compiled::Guarded(..) => None,
        }
    }
}

fn matched(captures: &Captures<'_>, from: usize) -> Match {
    let shifted = |range: Range<usize>| from + range.start..from + range.end;
    let mut groups: Vec<_> = captures.iter().map(|group| group.map(|group| shifted(group.range()))).collect();
    let whole = groups.remove(0);
    Match { end: whole.map_or(from, |whole| whole.end), groups }
}

fn pass(guards: &[Guard], text: &[u8]) -> bool {
    guards.iter().all(|guard| guard.regex.is_match(text) == guard.wanted)
}

/// A pattern that begins with `^` and looks ahead from there, cut into what it looks for and the rest. Crate `regex` has no
/// look-around; at the beginning of a text it is a question of its own.
fn guarded(pattern: &str) -> Result<Option<(Vec<Guard>, Regex)>, String> {
    let (flags, rest) = match pattern.strip_prefix("(?i)") {
        Some(rest) => ("(?i)", rest),
        None => ("", pattern),
    };
    let Some(mut rest) = rest.strip_prefix('^') else { return Ok(None) };
    let mut guards = Vec::new();
    while let Some(inner) = rest.strip_prefix("(?=").or_else(|| rest.strip_prefix("(?!")) {
        let length = group_length(inner).ok_or("a group is never closed")?;
        let regex = pcre2(&format!("{flags}^(?:{})", &inner[..length]))?;
        guards.push(Guard { wanted: rest.starts_with("(?="), regex });
        rest = &inner[length + 1..];
    }
    if guards.is_empty() {
        return Ok(None);
    }
    Ok(Some((guards, pcre2(&format!("{flags}^(?:{rest})"))?)))
}

/// The length of a text up to the `)` that closes the group it stands in.
fn group_length(text: &str) -> Option<usize> {
    let (mut depth, mut in_class, mut escaped) = (0_u32, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => depth += 1,
            b')' if !in_class && depth == 0 => return Some(at),
            b')' if !in_class => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What PCRE2 takes and crate `regex` does not: a `{` that begins no count, and `\N{U+202E}`.
fn plain(pattern: &str) -> String {
    static BRACE: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r"\\N\{U\+([0-9A-Fa-f]+)\}|\\.|\{[0-9]+(?:,[0-9]*)?\}|\{").expect("it is ours")
    });
    let replaced = BRACE.replace_all(pattern, |found: &regex::Captures<'_>| match (&found[0], found.get(1)) {
        (_, Some(code)) => {
            let character = u32::from_str_radix(code.as_str(), 16).ok().and_then(char::from_u32);
            // Bytes are looked for, so it is its bytes in UTF-8.
            character.map_or_else(
                || found[0].to_owned(),
                |own| own.to_string().bytes().map(|byte| format!(r"\x{byte:02x}")).collect(),
            )
        }
        ("{", None) => r"\{".to_owned(),
        (other, None) => other.to_owned(),
    });
    replaced.into_owned()
}

fn pcre2(pattern: &str) -> Result<Regex, String> {
    // The prefix switches PCRE2 to characters; here bytes and ASCII do, as without it.
    let pattern = plain(pattern.strip_prefix("(*UTF)").unwrap_or(pattern));
    let built =
        RegexBuilder::new(&pattern).unicode(false).size_limit(MAX_PROGRAM).dfa_size_limit(MAX_AUTOMATON).build();
    built.map_err(|error| error.to_string().lines().last().unwrap_or("the expression cannot be read").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_and_its_turn() {
        for (dialect, pattern, negated, text, expected) in [
            (Dialect::Exact, "GET", false, "GET", true),
            (Dialect::Exact, "GET", false, "get", false),
            (Dialect::OsMatch, "^get", false, "GET /", true),
            (Dialect::OsRegex, r"^\w+ /", true, "GET /", false),
            (Dialect::Pcre2, r"(?i)^get\b", false, "GET /", true),
            (Dialect::Pcre2, "^get", false, "GET /", false),
            (Dialect::Pcre2, "^(?!^$|^-$).*", false, "a", true),
            (Dialect::Pcre2, "^(?!^$|^-$).*", false, "-", false),
            (Dialect::Pcre2, "^(?!^$).+$", false, "", false),
            (Dialect::Pcre2, "(?i)^(?=.*A)(?=.*x)", false, "xa", true),
            (Dialect::Pcre2, "^(?=.*a)(?=.*x)", false, "a", false),
            (Dialect::Pcre2, r"body {(.+)}", false, "body {x}", true),
            (Dialect::Pcre2, r"a{2}", false, "aa", true),
            (Dialect::Pcre2, r"(*UTF)\N{U+202E}", false, "x\u{202e}y", true),
        ] {
            let expression = Expression::new(dialect, pattern).unwrap();
            let expression = if negated { expression.negated() } else { expression };
            let lower = text.to_ascii_lowercase();
            let haystack = Haystack { text: text.as_bytes(), lower: lower.as_bytes() };
            assert_eq!(expression.holds(haystack), expected, "{pattern} {text}");
        }
        assert!(Expression::new(Dialect::Pcre2, "x(?=a)").unwrap_err().contains("look-around"));
    }

    #[test]
    fn offsets_are_those_of_the_whole_text() {
        let expression = Expression::new(Dialect::Pcre2, "b(c)(x)?").unwrap();
        let haystack = Haystack { text: b"bc abc", lower: b"bc abc" };
        let found = expression.find(haystack, 2).unwrap();
        assert_eq!((found.end, found.groups), (6, vec![Some(5..6), None]));
    }
}
