//! Why a rule file was refused: always with the file, the place and the rule.

use std::fmt;

/// A rule file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// The file as named by the user.
    pub path: String,
    /// Line, counted from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// Column in bytes, counted from 1.
    pub column: usize,
    /// Id of the rule, where one is concerned.
    pub rule: Option<String>,
    /// The cause and what would be right.
    pub message: String,
}

impl LoadError {
    /// An error about a byte offset of `text`.
    #[must_use]
    pub fn at(path: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.len() - before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1) + 1;
        Self { path: path.to_owned(), line, column, rule: None, message: message.into() }
    }

    /// An error about the file as a whole.
    #[must_use]
    pub fn file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 0, column: 0, rule: None, message: message.into() }
    }

    /// The same, naming the rule.
    #[must_use]
    pub fn in_rule(mut self, id: &str) -> Self {
        self.rule = Some(id.to_owned());
        self
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if let Some(rule) = &self.rule {
            write!(f, ": rule {rule}")?;
        }
        write!(f, ": {}", self.message)
    }
}
