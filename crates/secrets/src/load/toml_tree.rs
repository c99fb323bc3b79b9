//! Spanned access to a TOML document whose keys are compared without case, as gitleaks' own reader does.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::LoadError;

/// A table with the file it stands in.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    pub(super) table: &'a DeTable<'a>,
    pub(super) span: (usize, usize),
}

/// Parses a document.
pub(super) fn parse<'a>(path: &str, text: &'a str) -> Result<Spanned<DeTable<'a>>, LoadError> {
    DeTable::parse(text).map_err(|e| {
        LoadError::at(path, text, e.span().map_or(0, |s| s.start), format!("not valid TOML: {}", e.message().trim()))
    })
}

impl<'a> Node<'a> {
    /// An error at the start of this table.
    pub(super) fn error(&self, message: impl Into<String>) -> LoadError {
        LoadError::at(self.path, self.text, self.span.0, message)
    }

    fn error_at(&self, span: Range<usize>, message: impl Into<String>) -> LoadError {
        LoadError::at(self.path, self.text, span.start, message)
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(k, _)| k.get_ref().eq_ignore_ascii_case(key)).map(|(_, v)| v)
    }

    /// Byte offset of a key's value.
    pub(super) fn offset(&self, key: &str) -> usize {
        self.get(key).map_or(self.span.0, |v| v.span().start)
    }

    fn wrong<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) -> Result<T, LoadError> {
        Err(self.error_at(value.span(), format!("`{key}` must be {expected}, not {}", value.get_ref().type_str())))
    }

    /// A text, if the key is there.
    pub(super) fn string(&self, key: &str) -> Result<Option<String>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match scalar(value.get_ref()) {
            Some(text) => Ok(Some(text)),
            None => self.wrong(key, value, "a string"),
        }
    }

    /// A list of texts; a single text counts as a list of one, a missing key as none.
    pub(super) fn strings(&self, key: &str) -> Result<Vec<String>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|item| scalar(item.get_ref()).map_or_else(|| self.wrong(key, item, "a list of strings"), Ok))
                .collect(),
            single => scalar(single).map_or_else(|| self.wrong(key, value, "a list of strings"), |s| Ok(vec![s])),
        }
    }

    /// A number, if the key is there.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let parsed = scalar(value.get_ref()).and_then(|s| s.parse::<f64>().ok()).filter(|n| n.is_finite());
        parsed.map_or_else(|| self.wrong(key, value, "a number"), |n| Ok(Some(n)))
    }

    /// A whole number, if the key is there.
    pub(super) fn index(&self, key: &str) -> Result<Option<usize>, LoadError> {
        let Some(number) = self.number(key)? else { return Ok(None) };
        if number < 0.0 || number.fract() != 0.0 || number > 1e9 {
            return Err(LoadError::at(
                self.path,
                self.text,
                self.offset(key),
                format!("`{key}` must be a whole number of at least 0"),
            ));
        }
        Ok(Some(number as usize))
    }

    /// A truth value; false where missing.
    pub(super) fn flag(&self, key: &str) -> Result<bool, LoadError> {
        let Some(value) = self.get(key) else { return Ok(false) };
        match value.get_ref() {
            DeValue::Boolean(b) => Ok(*b),
            DeValue::String(s) if s == "true" || s == "false" => Ok(s == "true"),
            _ => self.wrong(key, value, "true or false"),
        }
    }

    /// A table below this one, if the key is there.
    pub(super) fn table(&self, key: &str) -> Result<Option<Self>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(table) => Ok(Some(self.below(table, value.span()))),
            _ => self.wrong(key, value, "a table"),
        }
    }

    /// A list of tables; none where the key is missing.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Self>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = value.get_ref() else { return self.wrong(key, value, "a list of tables") };
        items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::Table(table) => Ok(self.below(table, item.span())),
                _ => self.wrong(key, item, "a list of tables"),
            })
            .collect()
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Keys and texts of this table.
    pub(super) fn entries(&self) -> Vec<(String, String)> {
        let pairs = self.table.iter().filter_map(|(k, v)| scalar(v.get_ref()).map(|s| (k.get_ref().to_string(), s)));
        pairs.collect()
    }

    fn below(&self, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Node { table, span: (span.start, span.end), ..*self }
    }
}

/// Texts, numbers and truth values as text: gitleaks' reader converts between them.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(s) => Some(s.to_string()),
        DeValue::Integer(i) => Some(i.to_string()),
        DeValue::Float(f) => Some(f.to_string()),
        DeValue::Boolean(b) => Some(b.to_string()),
        _ => None,
    }
}
