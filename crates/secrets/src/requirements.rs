//! What a match must have besides matching: `pattern_requirements` of Kingfisher's rules.

use crate::checksum_template::Template;

/// Conditions of a rule. Numbers are least counts of characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Digits of ASCII.
    pub min_digits: usize,
    /// Capital letters of ASCII.
    pub min_uppercase: usize,
    /// Small letters of ASCII.
    pub min_lowercase: usize,
    /// Characters out of `special_chars`.
    pub min_special_chars: usize,
    /// The special characters; none for the punctuation of ASCII.
    pub special_chars: Option<String>,
    /// Texts that must not be in it, in whatever case.
    pub ignore_if_contains: Vec<String>,
    /// A checksum that must be right.
    pub checksum: Option<Checksum>,
}

/// A checksum: two templates that must give the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// What stands in the match.
    pub actual: Template,
    /// What it should be.
    pub expected: Template,
    /// Group that must have taken part.
    pub requires_capture: Option<String>,
    /// What holds where it did not.
    pub missing: Missing,
}

/// What holds for a match without the group that has the checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// It does not count.
    #[default]
    Fails,
    /// It counts: an older form of the token, perhaps.
    Passes,
}

/// A match, as requirements see it.
#[derive(Debug, Clone, Copy)]
pub struct Matched<'a> {
    /// All that the expression matched.
    pub whole: &'a [u8],
    /// The secret in it.
    pub secret: &'a [u8],
    /// Groups with names, those that took part.
    pub named: &'a [(&'a str, &'a [u8])],
    /// What is counted: Kingfisher takes the whole match where the expression has names or several groups.
    pub counted: Counted,
}

/// The text that characters are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The secret.
    Secret,
    /// The whole match.
    Whole,
}

/// The requirement that a match does not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// Too few characters of a kind.
    Characters,
    /// It holds a word that says that it is no secret.
    Ignored,
    /// The checksum is wrong.
    Checksum,
}

impl Requirements {
    /// What a match does not meet, if anything.
    #[must_use]
    pub fn unmet(&self, matched: &Matched<'_>) -> Option<Unmet> {
        let text = String::from_utf8_lossy(match matched.counted {
            Counted::Secret => matched.secret,
            Counted::Whole => matched.whole,
        });
        let count = |is: &dyn Fn(char) -> bool| text.chars().filter(|c| is(*c)).count();
        let special = |c: char| match &self.special_chars {
            Some(set) => set.contains(c),
            None => c.is_ascii_punctuation(),
        };
        if count(&|c| c.is_ascii_digit()) < self.min_digits
            || count(&|c| c.is_ascii_uppercase()) < self.min_uppercase
            || count(&|c| c.is_ascii_lowercase()) < self.min_lowercase
            || self.min_special_chars > 0 && count(&special) < self.min_special_chars
        {
            return Some(Unmet::Characters);
        }
        let lower = text.to_lowercase();
        let words = self.ignore_if_contains.iter().map(|word| word.trim().to_lowercase());
        if words.filter(|word| !word.is_empty()).any(|word| lower.contains(&word)) {
            return Some(Unmet::Ignored);
        }
        let wrong = self.checksum.as_ref().is_some_and(|checksum| !checksum.holds(&text, matched));
        wrong.then_some(Unmet::Checksum)
    }
}

impl Checksum {
    fn holds(&self, text: &str, matched: &Matched<'_>) -> bool {
        let group = |name: &str| matched.named.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes);
        if self.requires_capture.as_deref().is_some_and(|name| group(name).is_none()) {
            return self.missing == Missing::Passes;
        }
        // A group is known by its name, and by its name in capitals.
        let names = |name: &str| match name {
            "MATCH" => Some(text.to_owned()),
            "FULL_MATCH" => Some(String::from_utf8_lossy(matched.whole).into_owned()),
            _ => {
                let capital = || matched.named.iter().find(|(known, _)| known.to_ascii_uppercase() == name);
                let bytes = group(name).or_else(|| capital().map(|(_, bytes)| *bytes))?;
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
        };
        match (self.actual.render(&names), self.expected.render(&names)) {
            (Some(actual), Some(expected)) => actual == expected,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::{base62, crc32};

    fn unmet(requirements: &Requirements, text: &str) -> Option<Unmet> {
        let bytes = text.as_bytes();
        requirements.unmet(&Matched { whole: bytes, secret: bytes, named: &[], counted: Counted::Secret })
    }

    #[test]
    fn characters_are_counted() {
        let all = Requirements {
            min_digits: 1,
            min_uppercase: 1,
            min_lowercase: 1,
            min_special_chars: 1,
            ..Default::default()
        };
        for (text, expected) in [
            ("Abc1!", None),
            ("Abc!", Some(Unmet::Characters)),
            ("abc1!", Some(Unmet::Characters)),
            ("ABC1!", Some(Unmet::Characters)),
            ("Abc1", Some(Unmet::Characters)),
        ] {
            assert_eq!(unmet(&all, text), expected, "{text}");
        }
        let dollars = Requirements { min_special_chars: 2, special_chars: Some("$".to_owned()), ..Default::default() };
        assert_eq!((unmet(&dollars, "a$$"), unmet(&dollars, "a$!")), (None, Some(Unmet::Characters)));
    }

    #[test]
    fn words_are_looked_for_in_any_case() {
        let words =
            Requirements { ignore_if_contains: vec![" Demo ".to_owned(), " ".to_owned()], ..Default::default() };
        assert_eq!((unmet(&words, "a b"), unmet(&words, "xDEMOx")), (None, Some(Unmet::Ignored)));
    }

    #[test]
    fn the_whole_match_counts_where_groups_have_names() {
        let digits = Requirements { min_digits: 2, ..Default::default() };
        let of = |counted| Matched { whole: b"12-a", secret: b"a", named: &[], counted };
        assert_eq!(digits.unmet(&of(Counted::Whole)), None);
        assert_eq!(digits.unmet(&of(Counted::Secret)), Some(Unmet::Characters));
    }

    #[test]
    fn checksums_are_computed_from_groups() {
        let body = "q8Zr7Tn2Lw4s";
        let checksum = Checksum {
            actual: Template::parse("{{ MATCH | suffix: 6 }}").unwrap(),
            expected: Template::parse("{{ BODY | crc32 | base62: 6 }}").unwrap(),
            requires_capture: Some("checksum".to_owned()),
            missing: Missing::Passes,
        };
        let right = base62(crc32(body.as_bytes()), 6);
        for (sum, missing, expected) in [
            (Some(right.as_str()), Missing::Passes, None),
            (Some("000000"), Missing::Passes, Some(Unmet::Checksum)),
            (None, Missing::Passes, None),
            (None, Missing::Fails, Some(Unmet::Checksum)),
        ] {
            let whole = format!("acme_{body}{}", sum.unwrap_or_default());
            let mut named = vec![("body", body.as_bytes())];
            named.extend(sum.map(|sum| ("checksum", sum.as_bytes())));
            let requirements =
                Requirements { checksum: Some(Checksum { missing, ..checksum.clone() }), ..Default::default() };
            let matched =
                Matched { whole: whole.as_bytes(), secret: whole.as_bytes(), named: &named, counted: Counted::Whole };
            assert_eq!(requirements.unmet(&matched), expected, "{sum:?} {missing:?}");
        }
    }
}
