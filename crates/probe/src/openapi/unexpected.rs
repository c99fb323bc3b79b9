//! What an operation does not expect: for each input a few values of the wrong type, at or beyond limits, or none at all.

use serde_json::{Value, json};

use super::sample::kind;
use crate::endpoint::{Change, Parameter, Place};

/// Length of a text that is too long for most things, and short enough for an address.
const LONG: usize = 3_000;

/// The changes that are tried with an input, each with its name in reports.
pub(super) fn changes(parameter: &Parameter, schema: &Value, required: bool) -> Vec<(&'static str, Change)> {
    let mut all: Vec<(&'static str, Change)> = Vec::new();
    let mut add = |name, value: Value| all.push((name, Change::Is(value)));
    match kind(schema) {
        "integer" | "number" => {
            add("a text in place of a number", json!("seven"));
            add("a negative number", json!(-1));
            add("a number of more than 32 bits", json!(4_294_967_296_i64));
            add("a number of more than 64 bits", json!("99999999999999999999"));
        }
        "boolean" => add("a text in place of a truth value", json!("maybe")),
        "array" => add("a text in place of a list", json!("seven")),
        "object" => add("a text in place of an object", json!("seven")),
        _ => {
            add("an empty text", json!(""));
            add("a long text", json!("A".repeat(LONG)));
            add("a text with characters of many scripts", json!("é☃𝕏\u{202e}"));
            add("a text with a NUL", json!("a\u{0}b"));
            if schema.get("enum").is_some() || schema.get("format").is_some() {
                add("a text of another form", json!("seven"));
            }
        }
    }
    if matches!(parameter.place, Place::Json | Place::Nested) {
        add("null", Value::Null);
        add("a list in place of a value", json!([[]]));
        add("an object in place of a value", json!({"a": {}}));
    }
    if required && parameter.place != Place::Path {
        all.push(("nothing", Change::Missing));
    }
    all
}
