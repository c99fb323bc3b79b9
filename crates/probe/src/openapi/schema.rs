//! Whether a value fits a schema, as far as types, members and lists of values go (JSON Schema 2020-12, and the dialect of
//! OpenAPI 3.0). What is not read here never makes a value unfit.

use serde_json::Value;

use super::Document;

/// Deepest nesting that is compared.
const MAX_DEPTH: usize = 24;
/// Most schemas that are compared for one value.
const MAX_STEPS: u32 = 20_000;

/// Why a value does not fit a schema, with the place in the value; none where it does.
#[must_use]
pub fn mismatch(document: &Document, schema: &Value, value: &Value) -> Option<String> {
    let mut check = Check { document, steps: MAX_STEPS };
    check.schema(schema, value, "the answer", 0)
}

struct Check<'a> {
    document: &'a Document,
    steps: u32,
}

impl<'a> Check<'a> {
    fn schema(&mut self, schema: &'a Value, value: &Value, place: &str, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH || self.steps == 0 {
            return None;
        }
        self.steps -= 1;
        let schema = self.document.resolve(schema)?;
        if value.is_null() && schema.get("nullable").and_then(Value::as_bool) == Some(true) {
            return None;
        }
        if let Some(why) = kind(schema, value) {
            return Some(format!("{place} {why}"));
        }
        let values = schema.get("enum").and_then(Value::as_array);
        if values.is_some_and(|values| !values.contains(value)) {
            return Some(format!("{place} is none of the values that are listed"));
        }
        self.members(schema, value, place, depth)
            .or_else(|| self.items(schema, value, place, depth))
            .or_else(|| self.combined(schema, value, place, depth))
    }

    fn members(&mut self, schema: &'a Value, value: &Value, place: &str, depth: usize) -> Option<String> {
        let object = value.as_object()?;
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let known = schema.get("properties").and_then(Value::as_object);
        for name in required.filter_map(Value::as_str) {
            // What is only written need not come back.
            let written =
                known.and_then(|all| self.document.resolve(all.get(name)?)).is_some_and(|own| own["writeOnly"] == true);
            if !object.contains_key(name) && !written {
                return Some(format!("{place} has no `{name}`"));
            }
        }
        for (name, member) in object {
            match known.and_then(|all| all.get(name)) {
                Some(own) => {
                    if let Some(why) = self.schema(own, member, &format!("`{name}`"), depth + 1) {
                        return Some(why);
                    }
                }
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    return Some(format!("{place} has `{name}`, which is not described"));
                }
                None => {}
            }
        }
        None
    }

    fn items(&mut self, schema: &'a Value, value: &Value, place: &str, depth: usize) -> Option<String> {
        let (items, own) = (value.as_array()?, schema.get("items")?);
        items.iter().find_map(|item| self.schema(own, item, &format!("an item of {place}"), depth + 1))
    }

    fn combined(&mut self, schema: &'a Value, value: &Value, place: &str, depth: usize) -> Option<String> {
        let list = |key: &str| schema.get(key).and_then(Value::as_array);
        if let Some(all) = list("allOf") {
            return all.iter().find_map(|own| self.schema(own, value, place, depth + 1));
        }
        let any = list("anyOf").or_else(|| list("oneOf")).filter(|any| !any.is_empty())?;
        let fits = any.iter().any(|own| self.schema(own, value, place, depth + 1).is_none());
        (!fits).then(|| format!("{place} fits none of the schemas that it may have"))
    }
}

/// Whether the type is another one.
fn kind(schema: &Value, value: &Value) -> Option<String> {
    let kinds: Vec<&str> = match schema.get("type")? {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    (!kinds.is_empty() && !kinds.iter().any(|kind| is(kind))).then(|| format!("is no {}", kinds.join(" or ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_or_the_place_is_told() {
        let document = super::super::read(
            "{\"openapi\":\"3.1.0\",\"components\":{\"schemas\":{\"P\":{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"integer\"},\"next\":{\"$ref\":\"#/components/schemas/P\"}}}}}}",
        )
        .unwrap();
        let pet = json!({"$ref": "#/components/schemas/P"});
        for (schema, value, expected) in [
            (pet.clone(), json!({"id": 1}), None),
            (pet.clone(), json!({"id": 1.0, "more": 2}), None),
            (pet.clone(), json!({"id": "1"}), Some("`id` is no integer")),
            (pet.clone(), json!({}), Some("the answer has no `id`")),
            (pet.clone(), json!({"id": 1, "next": {"next": 3, "id": 2}}), Some("`next` is no object")),
            (json!({"type": "array", "items": pet}), json!([{"id": 1}, 2]), Some("an item of the answer is no object")),
            (json!({"type": ["string", "null"]}), json!(null), None),
            (json!({"type": "string", "nullable": true}), json!(null), None),
            (json!({"type": "string"}), json!(null), Some("the answer is no string")),
            (json!({"enum": ["a"]}), json!("b"), Some("the answer is none of the values that are listed")),
            (
                json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
                json!(true),
                Some("the answer fits none of the schemas that it may have"),
            ),
            (json!({"allOf": [{"required": ["a"]}]}), json!({}), Some("the answer has no `a`")),
            (
                json!({"properties": {}, "additionalProperties": false}),
                json!({"a": 1}),
                Some("the answer has `a`, which is not described"),
            ),
            (json!({"$ref": "other.yaml"}), json!(1), None),
            (json!(true), json!(1), None),
        ] {
            assert_eq!(mismatch(&document, &schema, &value).as_deref(), expected, "{schema} {value}");
        }
    }
}
