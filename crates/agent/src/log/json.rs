//! The plug-in decoder `JSON_Decoder` of Wazuh 4: an object becomes fields, whose names are those of the members on the way
//! to a value, with dots between them.

use serde_json::Value;

/// Fields that are read of one object, at most.
const MAX_FIELDS: usize = 256;

/// What becomes of `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Null {
    /// The text `null`.
    #[default]
    Text,
    /// No field.
    Discarded,
    /// A field without text.
    Empty,
}

impl Null {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::Text),
            "discard" => Some(Self::Discarded),
            "empty" => Some(Self::Empty),
            _ => None,
        }
    }
}

/// Gives the fields of the object that a text begins with; none where it begins with no object.
pub(crate) fn fields(text: &[u8], null: Null, put: &mut dyn FnMut(&str, String)) {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    if let Some(Ok(Value::Object(members))) = values.next() {
        let mut left = MAX_FIELDS;
        for (name, value) in &members {
            walk(name, value, null, &mut |name, value| {
                if left > 0 {
                    left -= 1;
                    put(name, value);
                }
            });
        }
    }
}

/// The depth is bounded by the reader of JSON.
fn walk(name: &str, value: &Value, null: Null, put: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                walk(&format!("{name}.{member}"), value, null, put);
            }
        }
        Value::String(text) => put(name, text.clone()),
        Value::Null => match null {
            Null::Text => put(name, "null".to_owned()),
            Null::Empty => put(name, String::new()),
            Null::Discarded => {}
        },
        Value::Number(number) => put(name, decimal(number)),
        Value::Bool(_) => put(name, value.to_string()),
        Value::Array(_) => {
            let mut text = String::new();
            write(value, 0, &mut text);
            put(name, text);
        }
    }
}

/// Lists stay JSON, with the blanks that rules of Wazuh expect: `[1, 2]`, and members of objects on lines of their own.
fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write(item, depth + 1, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push_str("{\n");
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at > 0 { ",\n" } else { "" });
                out.push_str(&"\t".repeat(depth + 1));
                out.push_str(&Value::String(name.clone()).to_string());
                out.push_str(":\t");
                write(value, depth + 1, out);
            }
            out.push('\n');
            out.push_str(&"\t".repeat(depth));
            out.push('}');
        }
        Value::Number(number) => out.push_str(&decimal(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

/// Whole numbers without a point, others with six digits behind it.
fn decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() != 0.0 => format!("{value:.6}"),
        Some(value) if number.is_f64() => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_fields() {
        let text = br#"{"a":{"b":"x","c":[1,"y"],"n":null},"i":7,"f":1.5,"w":2.0,"t":true} rest"#;
        for (null, expected) in [
            (Null::Text, "a.b=x a.c=[1, \"y\"] a.n=null f=1.500000 i=7 t=true w=2"),
            (Null::Discarded, "a.b=x a.c=[1, \"y\"] f=1.500000 i=7 t=true w=2"),
            (Null::Empty, "a.b=x a.c=[1, \"y\"] a.n= f=1.500000 i=7 t=true w=2"),
        ] {
            let mut found = Vec::new();
            fields(text, null, &mut |name, value| found.push(format!("{name}={value}")));
            assert_eq!(found.join(" "), expected);
        }
        let mut found = String::new();
        fields(br#"{"l":[{"granted":true,"n":1}]}"#, Null::Text, &mut |_, value| found = value);
        assert_eq!(found, "[{\n\t\t\"granted\":\ttrue,\n\t\t\"n\":\t1\n\t}]");
        for text in ["", "[1]", "{", "x{}"] {
            fields(text.as_bytes(), Null::Text, &mut |name, _| panic!("{text}: {name}"));
        }
        let many = (0..1000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",");
        let mut count = 0;
        fields(format!("{{{many}}}").as_bytes(), Null::Text, &mut |_, _| count += 1);
        assert_eq!(count, MAX_FIELDS);
    }
}
