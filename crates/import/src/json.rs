//! Fields of JSON documents that somebody else wrote: unknown ones are passed over, wrong types are as absent ones.

use serde_json::Value;

use crate::ImportError;

/// Parses a text. The depth is limited by the parser to 128.
pub(crate) fn parse(file: &str, text: &str) -> Result<Value, ImportError> {
    serde_json::from_str(text).map_err(|error| ImportError::Syntax {
        file: file.to_owned(),
        line: error.line(),
        // A text that ends behind a line break ends in column 0.
        column: error.column().max(1),
        cause: cause(&error).to_owned(),
    })
}

/// The kind of an error, without the texts of the report that the parser may quote.
fn cause(error: &serde_json::Error) -> &'static str {
    if error.is_eof() {
        "the JSON ends too early"
    } else if error.to_string().starts_with("recursion limit") {
        "the JSON is nested deeper than 128 levels"
    } else {
        "this is not valid JSON"
    }
}

/// Fields by name.
pub(crate) trait Fields {
    /// A text that is not empty.
    fn text(&self, key: &str) -> Option<&str>;
    /// A text that is not empty, or nothing.
    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }
    /// The entries of a list; none where there is no list.
    fn list(&self, key: &str) -> &[Value];
    /// The texts of a list, or the one text that stands in its place.
    fn texts(&self, key: &str) -> Vec<String>;
    /// A whole number from 0.
    fn number(&self, key: &str) -> Option<u64>;
    /// A line or column: a number from 1.
    fn ordinal(&self, key: &str) -> Option<u32> {
        self.number(key).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
    }
}

impl Fields for Value {
    fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    fn list(&self, key: &str) -> &[Self] {
        self.get(key).and_then(Self::as_array).map_or(&[], Vec::as_slice)
    }

    fn texts(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Self::String(text)) if !text.trim().is_empty() => vec![text.trim().to_owned()],
            Some(Self::Array(all)) => all.iter().filter_map(Self::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_where_and_quote_nothing() {
        for (text, line, column, cause) in [
            ("{\n \"a\": hunter2}", 2, 7, "not valid JSON"),
            ("[1,", 1, 3, "ends too early"),
            (&"[".repeat(200), 1, 128, "nested deeper"),
        ] {
            let error = parse("r.json", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("r.json:{line}:{column}: ")), "{error}");
            assert!(error.contains(cause) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn wrong_types_are_as_absent() {
        let value = serde_json::json!({"a": " x ", "b": ["y", 1], "c": -1, "d": 3, "e": ""});
        assert_eq!((value.text("a"), value.text("b"), value.text("e")), (Some("x"), None, None));
        assert_eq!((value.texts("a"), value.texts("b")), (vec!["x".to_owned()], vec!["y".to_owned()]));
        assert_eq!((value.number("c"), value.ordinal("d"), value.list("a").len()), (None, Some(3), 0));
    }
}
