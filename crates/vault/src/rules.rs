//! Which values of a file are encrypted: by suffixes and expressions over the keys on the way to a value, or over the
//! comments above it.

use regex::Regex;

use crate::{
    Scalar, VaultError,
    tree::{Place, Tree},
};

/// The suffix of keys that stay in the clear where a file says nothing else.
pub const UNENCRYPTED: &str = "_unencrypted";
/// The keys that say what is encrypted; a file has one of them at most.
pub const KEYS: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];
/// Largest expression that is compiled, in bytes of its program.
const MAX_REGEX: usize = 1 << 20;

/// What the metadata of a file says.
#[derive(Debug, Default)]
pub struct Rules {
    unencrypted_suffix: String,
    encrypted_suffix: String,
    unencrypted_regex: Option<Regex>,
    encrypted_regex: Option<Regex>,
    unencrypted_comment_regex: Option<Regex>,
    encrypted_comment_regex: Option<Regex>,
    only_encrypted: bool,
}

impl Rules {
    /// Reads metadata.
    ///
    /// # Errors
    /// An expression is none.
    pub fn of(metadata: &Tree) -> Result<Self, VaultError> {
        let text = |key: &str| metadata.get(key).and_then(Tree::text).unwrap_or_default();
        let regex =
            |key: &str| Some(text(key)).filter(|text| !text.is_empty()).map(|text| compile(key, text)).transpose();
        let only_encrypted = match metadata.get("mac_only_encrypted") {
            Some(Tree::Leaf(Scalar::Bool(only))) => *only,
            Some(other) => other.text() == Some("true"),
            None => false,
        };
        Ok(Self {
            unencrypted_suffix: text("unencrypted_suffix").to_owned(),
            encrypted_suffix: text("encrypted_suffix").to_owned(),
            unencrypted_regex: regex("unencrypted_regex")?,
            encrypted_regex: regex("encrypted_regex")?,
            unencrypted_comment_regex: regex("unencrypted_comment_regex")?,
            encrypted_comment_regex: regex("encrypted_comment_regex")?,
            only_encrypted,
        })
    }

    /// Whether a value is encrypted. Each rule looks at every key on the way; a later one wins.
    #[must_use]
    pub fn encrypts(&self, place: &Place, value: &Scalar) -> bool {
        let any = |matches: &dyn Fn(&str) -> bool| place.path.iter().any(|key| matches(key));
        let mut encrypts = true;
        if !self.unencrypted_suffix.is_empty() && any(&|key| key.ends_with(&self.unencrypted_suffix)) {
            encrypts = false;
        }
        if !self.encrypted_suffix.is_empty() {
            encrypts = any(&|key| key.ends_with(&self.encrypted_suffix));
        }
        if self.unencrypted_regex.as_ref().is_some_and(|regex| any(&|key| regex.is_match(key))) {
            encrypts = false;
        }
        if let Some(regex) = &self.encrypted_regex {
            encrypts = any(&|key| regex.is_match(key));
        }
        if place.comments.iter().flatten().any(|comment| self.keeps(comment)) {
            encrypts = false;
        }
        if let Some(regex) = &self.encrypted_comment_regex {
            // The comment that asks for encryption stays readable itself.
            let own = usize::from(matches!(value, Scalar::Comment(_)));
            let above: usize = place.comments.iter().map(Vec::len).sum();
            encrypts = place.comments.iter().flatten().take(above - own).any(|comment| regex.is_match(comment));
        }
        encrypts
    }

    /// Whether a comment keeps what follows in the clear.
    pub(crate) fn keeps(&self, comment: &str) -> bool {
        self.unencrypted_comment_regex.as_ref().is_some_and(|regex| regex.is_match(comment))
    }

    /// Whether values in the clear are not in the sum.
    pub(crate) fn sums_only_encrypted(&self) -> bool {
        self.only_encrypted
    }
}

/// An expression of a file or a configuration.
pub(crate) fn compile(key: &str, text: &str) -> Result<Regex, VaultError> {
    let wrong = |error: regex::Error| VaultError::Metadata(format!("`{key}`: {error}"));
    regex::RegexBuilder::new(&ascii(text)).size_limit(MAX_REGEX).build().map_err(wrong)
}

/// The expression with its classes as Go has them (RE2): `\w`, `\d`, `\s` and `\b` know ASCII only, so that the same keys are
/// encrypted as by sops.
fn ascii(text: &str) -> String {
    let (mut out, mut inside, mut chars) = (String::with_capacity(text.len()), false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '[' if !inside => inside = true,
            ']' => inside = false,
            '\\' => {
                let Some(escaped) = chars.next() else {
                    out.push(c);
                    break;
                };
                match (escaped, inside) {
                    ('w', true) => out.push_str("0-9A-Za-z_"),
                    ('d', true) => out.push_str("0-9"),
                    ('s', true) => out.push_str("\\t\\n\\x0C\\r\\x20"),
                    ('w', false) => out.push_str("[0-9A-Za-z_]"),
                    ('d', false) => out.push_str("[0-9]"),
                    ('s', false) => out.push_str("[\\t\\n\\x0C\\r\\x20]"),
                    ('W', false) => out.push_str("[^0-9A-Za-z_]"),
                    ('D', false) => out.push_str("[^0-9]"),
                    ('S', false) => out.push_str("[^\\t\\n\\x0C\\r\\x20]"),
                    ('b', false) => out.push_str("(?-u:\\b)"),
                    (other, _) => out.extend(['\\', other]),
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_go() {
        for (expression, text, expected) in [
            (r"^\w+$", "na\u{ef}ve", false),
            (r"^\w+$", "naive_1", true),
            (r"^[\w-]+$", "a-b", true),
            (r"^[\w-]+$", "\u{e9}", false),
            (r"^\d+$", "\u{663}", false),
            (r"\bkey\b", "my key", true),
            (r"^\\w$", r"\w", true),
            (r"^\S+$", "\u{a0}", true),
        ] {
            assert_eq!(compile("encrypted_regex", expression).unwrap().is_match(text), expected, "{expression} {text}");
        }
    }
}
