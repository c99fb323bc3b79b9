//! Which values of a file are encrypted: by suffixes and expressions over the keys on the way to a value.

use regex::Regex;

use crate::{
    VaultError,
    tree::{Sum, Tree},
};

/// The suffix of keys that stay in the clear where a file says nothing else.
pub const UNENCRYPTED: &str = "_unencrypted";
/// Largest expression that is compiled, in bytes of its program.
const MAX_REGEX: usize = 1 << 20;

/// What the metadata of a file says.
#[derive(Debug, Default)]
pub struct Rules {
    unencrypted_suffix: String,
    encrypted_suffix: String,
    unencrypted_regex: Option<Regex>,
    encrypted_regex: Option<Regex>,
    only_encrypted: bool,
}

impl Rules {
    /// Reads metadata.
    ///
    /// # Errors
    /// An expression is none, or the rules depend on comments, which is not read.
    pub fn of(metadata: &Tree) -> Result<Self, VaultError> {
        let text = |key: &str| metadata.get(key).and_then(Tree::text).unwrap_or_default();
        if let Some(key) = ["unencrypted_comment_regex", "encrypted_comment_regex"].iter().find(|k| !text(k).is_empty())
        {
            return Err(VaultError::Metadata(format!("`{key}` is not read yet")));
        }
        let regex = |key: &str| -> Result<Option<Regex>, VaultError> {
            let wrong = |error: regex::Error| VaultError::Metadata(format!("`{key}`: {error}"));
            let compiled = |text| regex::RegexBuilder::new(text).size_limit(MAX_REGEX).build().map_err(wrong);
            Some(text(key)).filter(|text| !text.is_empty()).map(compiled).transpose()
        };
        let only_encrypted = match metadata.get("mac_only_encrypted") {
            Some(Tree::Leaf(crate::Scalar::Bool(only))) => *only,
            Some(other) => other.text() == Some("true"),
            None => false,
        };
        let rules = Self {
            unencrypted_suffix: text("unencrypted_suffix").to_owned(),
            encrypted_suffix: text("encrypted_suffix").to_owned(),
            unencrypted_regex: regex("unencrypted_regex")?,
            encrypted_regex: regex("encrypted_regex")?,
            only_encrypted,
        };
        Ok(rules)
    }

    /// Whether the value at a path is encrypted. Each rule looks at every key on the way; a later one wins.
    #[must_use]
    pub fn encrypts(&self, path: &[String]) -> bool {
        let any = |matches: &dyn Fn(&str) -> bool| path.iter().any(|key| matches(key));
        let mut encrypts = true;
        if !self.unencrypted_suffix.is_empty() && any(&|key| key.ends_with(&self.unencrypted_suffix)) {
            encrypts = false;
        }
        if !self.encrypted_suffix.is_empty() {
            encrypts = any(&|key| key.ends_with(&self.encrypted_suffix));
        }
        if let Some(regex) = &self.unencrypted_regex {
            encrypts = !any(&|key| regex.is_match(key));
        }
        if let Some(regex) = &self.encrypted_regex {
            encrypts = any(&|key| regex.is_match(key));
        }
        encrypts
    }

    pub(crate) fn sum(&self) -> Sum {
        Sum::new(self.only_encrypted)
    }
}
