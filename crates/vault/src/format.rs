//! The formats of files, told by their names.

use crate::{Scalar, VaultError, dotenv, json, tree::Tree, yaml};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML, with comments and several documents.
    Yaml,
    /// JSON: one object.
    Json,
    /// A line for each variable.
    Dotenv,
}

impl Format {
    /// The format of a file, by the end of its name, as sops tells it.
    ///
    /// # Errors
    /// It is one that is not read: ini, or anything else, which sops takes for binary.
    pub fn of(name: &str) -> Result<Self, VaultError> {
        let ends = |end: &str| name.ends_with(end);
        match () {
            () if ends(".yaml") || ends(".yml") => Ok(Self::Yaml),
            () if ends(".json") => Ok(Self::Json),
            () if ends(".env") => Ok(Self::Dotenv),
            () => {
                let format = if ends(".ini") { "ini" } else { "binary" };
                Err(VaultError::Format { name: name.to_owned(), format })
            }
        }
    }

    /// Reads the documents of a text; JSON and dotenv have one.
    ///
    /// # Errors
    /// The text is not of this format, or a limit is exceeded.
    pub fn read(self, text: &str) -> Result<Vec<Tree>, VaultError> {
        let documents = match self {
            Self::Yaml => yaml::read(text)?,
            Self::Json => vec![json::read(text)?],
            Self::Dotenv => vec![dotenv::read(text)?],
        };
        if documents.iter().any(|document| !matches!(document, Tree::Map(_))) {
            let why = "the top is no object; a SOPS file holds keys with values".to_owned();
            return Err(VaultError::Syntax { line: 1, column: 1, why });
        }
        Ok(documents)
    }

    /// Writes documents.
    ///
    /// # Errors
    /// The format cannot hold them: several documents, or maps and lists in dotenv.
    pub fn write(self, documents: &[Tree]) -> Result<String, VaultError> {
        if self == Self::Yaml {
            return Ok(yaml::write(documents));
        }
        let [document] = documents else {
            let why = "several documents fit into YAML only; choose that format";
            return Err(VaultError::Unfit { path: "---".to_owned(), why });
        };
        if self == Self::Dotenv { dotenv::write(document) } else { Ok(json::write(&without_comments(document))) }
    }
}

/// JSON has no comments.
fn without_comments(tree: &Tree) -> Tree {
    match tree {
        Tree::Map(entries) => {
            let kept = entries.iter().filter(|(_, value)| !value.is_comment());
            Tree::Map(kept.map(|(key, value)| (key.clone(), without_comments(value))).collect())
        }
        Tree::List(items) => Tree::List(items.iter().filter(|item| !item.is_comment()).map(without_comments).collect()),
        Tree::Leaf(Scalar::Float(number)) if !number.is_finite() => Tree::Null,
        other => other.clone(),
    }
}
