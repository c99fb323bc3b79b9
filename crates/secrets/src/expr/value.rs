//! The values of expressions: what fields hold, what functions take and give back.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Deepest nesting of lists and maps a value may have.
pub(crate) const MAX_VALUE_DEPTH: usize = 200;

/// A value. Copies are cheap: text, bytes, lists and maps are shared.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with fractions.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// Raw bytes, such as a digest.
    Bytes(Arc<[u8]>),
    /// Values in order.
    List(List),
    /// Values by name.
    Map(Map),
}

/// Values in order, with the depth of what they hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    items: Arc<[Value]>,
    depth: usize,
}

/// Values by name, with the depth of what they hold and the value that names not held stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    fields: Arc<BTreeMap<Arc<str>, Value>>,
    depth: usize,
    absent: Absent,
}

/// What a name stands for that a map does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Absent {
    /// [`Value::Nil`]
    #[default]
    Nil,
    /// Text of no length.
    Empty,
}

impl List {
    /// A list of these items.
    #[must_use]
    pub fn new(items: Vec<Value>) -> Self {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        Self { items: items.into(), depth }
    }

    /// The items.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Map {
    /// A map in which names not held stand for nil.
    #[must_use]
    pub fn new(fields: BTreeMap<Arc<str>, Value>) -> Self {
        let depth = 1 + fields.values().map(Value::depth).max().unwrap_or(0);
        Self { fields: Arc::new(fields), depth, absent: Absent::Nil }
    }

    /// A map of plain fields, such as the attributes of a finding, in which names not held stand for empty text.
    #[must_use]
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (Arc::from(name), value)).collect();
        Self { absent: Absent::Empty, ..Self::new(fields) }
    }

    /// The value held under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Names and values in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.fields.iter()
    }

    /// Number of names held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// What `map[name]` gives.
    pub(crate) fn member(&self, name: &str) -> Value {
        match (self.get(name), self.absent) {
            (Some(value), _) => value.clone(),
            (None, Absent::Nil) => Value::Nil,
            (None, Absent::Empty) => Value::text(""),
        }
    }
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items))
    }

    /// A map in which names not held stand for nil.
    #[must_use]
    pub fn map<'a>(fields: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Map(Map::new(fields.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()))
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same content as JSON gives. Whole numbers stay whole.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Int)
            }
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(fields) => {
                Self::map(fields.iter().map(|(name, value)| (name.as_str(), Self::from_json(value))))
            }
        }
    }

    /// The kind of value, as error messages name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "array",
            Self::Map(_) => "map",
        }
    }

    /// Nesting of lists and maps; 0 for plain values.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_kinds() {
        let json = serde_json::json!({"a": [1, 2.5, "x", null, true]});
        let Value::Map(map) = Value::from_json(&json) else { panic!("not a map") };
        let expected = [Value::Int(1), Value::Float(2.5), Value::text("x"), Value::Nil, Value::Bool(true)];
        assert_eq!(map.get("a"), Some(&Value::list(expected.to_vec())));
        assert_eq!(Value::Map(map).depth(), 2);
    }

    #[test]
    fn names_not_held() {
        assert_eq!(Map::new(BTreeMap::new()).member("x"), Value::Nil);
        assert_eq!(Map::of_fields([]).member("x"), Value::text(""));
    }
}
