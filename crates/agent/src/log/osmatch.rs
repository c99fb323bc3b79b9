//! The dialect `osmatch`: literals between `|`, each anchored by `^` and `$` or neither, without regard to case. A `!` in
//! front of it all turns the answer around. There is no escape.

use memchr::memmem::Finder;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct OsMatch {
    negated: bool,
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone)]
enum Alternative {
    Always,
    Equal(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Within(Box<Finder<'static>>),
}

impl OsMatch {
    pub(crate) fn new(pattern: &str) -> Self {
        let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        Self { negated, alternatives: pattern.split('|').map(Alternative::new).collect() }
    }

    /// Whether it matches a text in lower case.
    pub(crate) fn is_match(&self, lower: &[u8]) -> bool {
        self.alternatives.iter().any(|alternative| alternative.is_match(lower)) != self.negated
    }

    /// The same as an expression of crate `regex`; none where it is turned around.
    pub(crate) fn pattern(&self) -> Option<String> {
        let all = self.alternatives.iter().map(Alternative::text).map(regex::escape).collect::<Vec<_>>().join("|");
        (!self.negated).then(|| format!("(?i-u:{all})"))
    }

    /// Where a match ends: offset of the byte behind it. A pattern that is turned around has no such place but the start.
    pub(crate) fn end(&self, lower: &[u8]) -> Option<usize> {
        if self.negated {
            return self.is_match(lower).then_some(0);
        }
        self.alternatives.iter().find_map(|alternative| alternative.end(lower))
    }
}

impl Alternative {
    fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let front = text.strip_prefix('^');
        match (front, front.unwrap_or(&text).strip_suffix('$')) {
            (_, _) if text.is_empty() => Self::Always,
            (Some(_), Some(inner)) => Self::Equal(inner.into()),
            (Some(inner), None) => Self::Prefix(inner.into()),
            (None, Some(inner)) => Self::Suffix(inner.into()),
            (None, None) => Self::Within(Box::new(Finder::new(text.as_bytes()).into_owned())),
        }
    }

    /// What it looks for, in lower case.
    fn text(&self) -> &str {
        let bytes = match self {
            Self::Always => &[],
            Self::Equal(own) | Self::Prefix(own) | Self::Suffix(own) => own.as_slice(),
            Self::Within(own) => own.needle(),
        };
        std::str::from_utf8(bytes).expect("it is made of a text")
    }

    fn is_match(&self, lower: &[u8]) -> bool {
        self.end(lower).is_some()
    }

    fn end(&self, lower: &[u8]) -> Option<usize> {
        match self {
            Self::Always => Some(0),
            Self::Equal(own) => (lower == own).then_some(lower.len()),
            Self::Prefix(own) => lower.starts_with(own).then_some(own.len()),
            Self::Suffix(own) => lower.ends_with(own).then_some(lower.len()),
            Self::Within(own) => own.find(lower).map(|at| at + own.needle().len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_anchors() {
        for (pattern, text, expected) in [
            ("Failed", "failed password", true),
            ("^failed", "it failed", false),
            ("^failed|it", "it failed", true),
            ("word$", "password", true),
            ("^a$", "ab", false),
            ("^a$|^ab$", "ab", true),
            ("a.b", "axb", false),
            ("a||b", "zzz", true),
            ("!a|b", "b", false),
            ("!a|b", "c", true),
            ("", "anything", true),
        ] {
            assert_eq!(OsMatch::new(pattern).is_match(text.as_bytes()), expected, "{pattern} {text}");
        }
        assert_eq!(OsMatch::new("x|led").end(b"failed pass"), Some(6));
    }
}
