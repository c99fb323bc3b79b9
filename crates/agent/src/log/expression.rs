//! An expression in one of the three dialects, and whether its answer is turned around.

use std::ops::Range;

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
    /// What of PCRE2 crate `regex` has: no look-around, no back-references.
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
    pub(crate) fn new(dialect: Dialect, pattern: &str, negated: bool) -> Result<Self, String> {
        let compiled = match dialect {
            Dialect::Exact => Compiled::Exact(pattern.to_owned()),
            Dialect::OsMatch => Compiled::OsMatch(OsMatch::new(pattern)),
            Dialect::OsRegex => Compiled::OsRegex(OsRegex::new(pattern)?),
            Dialect::Pcre2 => Compiled::Pcre2(pcre2(pattern)?),
        };
        Ok(Self { compiled, negated })
    }

    /// Whether a text is what the expression wants.
    pub(crate) fn holds(&self, haystack: Haystack<'_>) -> bool {
        let found = match &self.compiled {
            Compiled::Exact(own) => haystack.text == own.as_bytes(),
            Compiled::OsMatch(own) => own.is_match(haystack.lower),
            Compiled::OsRegex(own) => own.is_match(haystack.text),
            Compiled::Pcre2(own) => own.is_match(haystack.text),
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
            Compiled::Pcre2(own) => Some(format!("(?-u:{})", own.as_str())),
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
        }
    }
}

fn matched(captures: &Captures<'_>, from: usize) -> Match {
    let shifted = |range: Range<usize>| from + range.start..from + range.end;
    let mut groups: Vec<_> = captures.iter().map(|group| group.map(|group| shifted(group.range()))).collect();
    let whole = groups.remove(0);
    Match { end: whole.map_or(from, |whole| whole.end), groups }
}

fn pcre2(pattern: &str) -> Result<Regex, String> {
    // The prefix switches PCRE2 to characters; here bytes and ASCII do, as without it.
    let pattern = pattern.strip_prefix("(*UTF)").unwrap_or(pattern);
    let built = RegexBuilder::new(pattern).unicode(false).size_limit(MAX_PROGRAM).dfa_size_limit(MAX_AUTOMATON).build();
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
        ] {
            let expression = Expression::new(dialect, pattern, negated).unwrap();
            let lower = text.to_ascii_lowercase();
            let haystack = Haystack { text: text.as_bytes(), lower: lower.as_bytes() };
            assert_eq!(expression.holds(haystack), expected, "{pattern} {text}");
        }
        assert!(Expression::new(Dialect::Pcre2, "(?=a)", false).unwrap_err().contains("look-around"));
    }

    #[test]
    fn offsets_are_those_of_the_whole_text() {
        let expression = Expression::new(Dialect::Pcre2, "b(c)(x)?", false).unwrap();
        let haystack = Haystack { text: b"bc abc", lower: b"bc abc" };
        let found = expression.find(haystack, 2).unwrap();
        assert_eq!((found.end, found.groups), (6, vec![Some(5..6), None]));
    }
}
