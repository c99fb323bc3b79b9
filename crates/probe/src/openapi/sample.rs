//! A value that a schema expects: what its author gives as an example, a default, or one of the values that are listed;
//! where there is none, one that its type and limits allow.

use serde_json::{Map, Value, json};

use super::Document;

/// Deepest nesting of a sample.
const MAX_DEPTH: usize = 8;
/// Most values of one sample.
const MAX_VALUES: usize = 300;
/// Longest text that is made.
const MAX_TEXT: usize = 1_000;

/// A value for a schema; none where nothing is known.
#[must_use]
pub fn sample(document: &Document, schema: &Value) -> Option<Value> {
    Maker { document, left: MAX_VALUES }.make(schema, 0)
}

struct Maker<'a> {
    document: &'a Document,
    left: usize,
}

impl<'a> Maker<'a> {
    fn make(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let schema = self.document.resolve(schema)?;
        if let Some(given) = given(schema) {
            return Some(given);
        }
        let list = |key: &str| schema.get(key).and_then(Value::as_array);
        if let Some(all) = list("allOf") {
            return self.merged(schema, all, depth);
        }
        if let Some(first) = list("oneOf").or_else(|| list("anyOf")).and_then(|any| any.first()) {
            return self.make(first, depth + 1);
        }
        match kind(schema) {
            "object" => Some(Value::Object(self.object(schema, depth))),
            "array" => {
                Some(Value::Array(schema.get("items").and_then(|own| self.make(own, depth + 1)).into_iter().collect()))
            }
            "integer" | "number" => Some(number(schema)),
            "boolean" => Some(json!(true)),
            "null" => Some(Value::Null),
            "string" => Some(json!(text(schema))),
            _ => None,
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, own) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let read = self.document.resolve(own).is_some_and(|own| own["readOnly"] == true);
            if let Some(value) = self.make(own, depth + 1).filter(|_| !read) {
                object.insert(name.clone(), value);
            }
        }
        object
    }

    fn merged(&mut self, schema: &'a Value, all: &'a [Value], depth: usize) -> Option<Value> {
        let mut object = self.object(schema, depth);
        let mut other = None;
        for own in all {
            match self.make(own, depth + 1) {
                Some(Value::Object(members)) => object.extend(members),
                Some(value) => other = other.or(Some(value)),
                None => {}
            }
        }
        if object.is_empty() { other } else { Some(Value::Object(object)) }
    }
}

/// What the author gives.
fn given(schema: &Value) -> Option<Value> {
    let list = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|all| all.first());
    let one = schema.get("const").or_else(|| schema.get("example"));
    one.or_else(|| list("examples")).or_else(|| schema.get("default")).or_else(|| list("enum")).cloned()
}

/// The type; where it is not said, what the other keys speak of.
pub(super) fn kind(schema: &Value) -> &str {
    let said = match schema.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    };
    let implied = || {
        [
            ("properties", "object"),
            ("items", "array"),
            ("format", "string"),
            ("pattern", "string"),
            ("minimum", "number"),
        ]
        .iter()
        .find(|(key, _)| schema.get(key).is_some())
        .map_or("", |(_, kind)| kind)
    };
    said.unwrap_or_else(implied)
}

fn number(schema: &Value) -> Value {
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64).filter(|number| number.abs() < 1e15);
    let low = limit("minimum").or_else(|| limit("exclusiveMinimum").map(|low| low + 1.0));
    let high = limit("maximum").or_else(|| limit("exclusiveMaximum").map(|high| high - 1.0));
    let number = low.map_or(1.0, |low| low.max(1.0)).min(high.unwrap_or(f64::MAX));
    let number = low.map_or(number, |low| number.max(low));
    if kind(schema) == "integer" || number.fract() == 0.0 { json!(number.ceil() as i64) } else { json!(number) }
}

fn text(schema: &Value) -> String {
    let known = match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "date" => "2024-01-31",
        "date-time" => "2024-01-31T12:00:00Z",
        "time" => "12:00:00Z",
        "uuid" => "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "email" => "probe@testudo.example",
        "uri" | "url" => "https://testudo.example/",
        "hostname" => "testudo.example",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" => "dGVzdHVkbw==",
        _ => "testudo",
    };
    let length = |key: &str| {
        schema.get(key).and_then(Value::as_u64).map(|n| usize::try_from(n).unwrap_or(MAX_TEXT).min(MAX_TEXT))
    };
    let mut text: String = known.chars().take(length("maxLength").unwrap_or(MAX_TEXT)).collect();
    while text.len() < length("minLength").unwrap_or(0) {
        text.push('x');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_what_schemas_expect() {
        let document = super::super::read(
            "{\"openapi\":\"3.0.0\",\"components\":{\"schemas\":{\"L\":{\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{\"$ref\":\"#/components/schemas/L\"}}}}}}",
        )
        .unwrap();
        for (schema, expected) in [
            (json!({"type": "string"}), json!("testudo")),
            (json!({"type": "string", "maxLength": 3}), json!("tes")),
            (json!({"type": "string", "minLength": 9}), json!("testudoxx")),
            (json!({"type": "string", "enum": ["b", "a"]}), json!("b")),
            (json!({"type": "string", "format": "date"}), json!("2024-01-31")),
            (json!({"type": "integer", "minimum": 7}), json!(7)),
            (json!({"type": "integer", "maximum": -3}), json!(-3)),
            (json!({"type": "number", "minimum": 0.5, "maximum": 0.7}), json!(0.7)),
            (json!({"type": ["null", "boolean"]}), json!(true)),
            (json!({"type": "array", "items": {"type": "boolean"}}), json!([true])),
            (
                json!({"type": "object", "properties": {"a": {"default": 4}, "b": {"type": "string", "readOnly": true}}}),
                json!({"a": 4}),
            ),
            (
                json!({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}),
                json!({"a": 1, "b": 2}),
            ),
            (json!({"oneOf": [{"type": "integer"}, {"type": "string"}]}), json!(1)),
            (json!({"type": "string", "example": "mine"}), json!("mine")),
        ] {
            assert_eq!(sample(&document, &schema), Some(expected.clone()), "{schema}");
            assert_eq!(super::super::mismatch(&document, &schema, &expected), None, "{schema}");
        }
        let nested = sample(&document, &json!({"$ref": "#/components/schemas/L"})).unwrap();
        assert_eq!(nested["next"]["next"]["v"], 1);
        assert_eq!(sample(&document, &json!({})), None);
    }
}
