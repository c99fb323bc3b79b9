//! The document: JSON or YAML, and references within it.

use serde_json::Value;
use testudo_syntax::yaml;

/// Most references that are followed one after the other.
const MAX_HOPS: usize = 16;

/// A description of an API.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    root: Value,
}

/// Reads a description.
///
/// # Errors
/// What is wrong, with the place: it is neither JSON nor YAML, or no OpenAPI of version 3.0 or 3.1.
pub fn read(text: &str) -> Result<Document, String> {
    if text.len() > yaml::MAX_SIZE {
        return Err(format!("the description has {} bytes; at most {} are read", text.len(), yaml::MAX_SIZE));
    }
    let root = if text.trim_start().starts_with('{') {
        // JSON is nearly always YAML too, but its own reader is stricter and says places of JSON.
        serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?
    } else {
        let documents = yaml::documents(text).map_err(|error| error.to_string())?;
        documents.first().map(yaml::Node::to_json).unwrap_or_default()
    };
    let version =
        root.get("openapi").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default();
    if !(version == "3.0" || version == "3.1" || version.starts_with("3.0.") || version.starts_with("3.1.")) {
        let found = match root.get("swagger") {
            Some(_) => "this is Swagger 2; convert it to OpenAPI 3".to_owned(),
            None if version.is_empty() => {
                "the key `openapi` is missing, so this is no description of an API".to_owned()
            }
            None => {
                format!("`openapi: {}` is not supported; 3.0 and 3.1 are", version.chars().take(20).collect::<String>())
            }
        };
        return Err(found);
    }
    if !root.get("paths").is_none_or(Value::is_object) {
        return Err("`paths` is no map of paths".to_owned());
    }
    Ok(Document { root })
}

impl Document {
    /// A member of the document.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.root.get(key)
    }

    /// What a value means: itself, or what its `$ref` leads to within this document. References to other documents, circles
    /// and dead ends lead to nothing.
    #[must_use]
    pub fn resolve<'a>(&'a self, value: &'a Value) -> Option<&'a Value> {
        let mut value = value;
        for _ in 0..MAX_HOPS {
            let Some(reference) = value.get("$ref") else { return Some(value) };
            let pointer = reference.as_str()?.strip_prefix('#')?;
            value = self.root.pointer(&crate::link::decode(&pointer.replace('+', "%2B")))?;
        }
        None
    }

    /// The member of a value, resolved.
    #[must_use]
    pub fn member<'a>(&'a self, value: &'a Value, key: &str) -> Option<&'a Value> {
        self.resolve(value.get(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_forms() {
        for (text, expected) in [
            ("openapi: 3.0.3\npaths: {}", None),
            ("{\"openapi\": \"3.1.0\"}", None),
            ("openapi: 3.1\n", None),
            ("swagger: '2.0'", Some("Swagger 2")),
            ("openapi: 4.0.0", Some("is not supported")),
            ("hello", Some("is missing")),
            ("", Some("is missing")),
            ("{\"openapi\": ", Some("not JSON")),
            ("a: [", Some("1:")),
            ("openapi: 3.0.0\npaths: []", Some("no map")),
        ] {
            match (read(text), expected) {
                (Ok(_), None) => {}
                (Err(why), Some(part)) => assert!(why.contains(part), "{text}: {why}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn references_are_followed_within_the_document_alone() {
        let document = read(
            "openapi: 3.0.0
components:
  schemas:
    A: {$ref: '#/components/schemas/B'}
    B: {type: string}
    C: {$ref: '#/components/schemas/C'}
    D: {$ref: 'other.yaml#/x'}
    E: {$ref: '#/nowhere'}
    'a/b': {type: integer}
    F: {$ref: '#/components/schemas/a~1b'}
",
        )
        .unwrap();
        let schemas = &document.get("components").unwrap()["schemas"];
        let kind = |name: &str| document.resolve(&schemas[name]).and_then(|s| s["type"].as_str());
        assert_eq!(
            ["A", "B", "C", "D", "E", "F"].map(kind),
            [Some("string"), Some("string"), None, None, None, Some("integer")]
        );
    }
}
