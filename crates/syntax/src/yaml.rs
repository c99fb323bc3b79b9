//! YAML to a tree in which every node knows its place, built from the events of the one YAML parser of the
//! house. Bounded in size, depth and what aliases expand to. Tags are passed over; `<<` is a key like others.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// Longest text read, in bytes.
pub const MAX_SIZE: usize = 16 << 20;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;
/// Most nodes, those that aliases repeat included.
pub const MAX_NODES: usize = 1_000_000;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text without marks around it, which may mean a number, true, false or nothing.
    Plain(String),
    /// Text in quotes or in a block, which is always text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys with values, in the order of the file; no scalar key occurs twice.
    Map(Vec<(Node, Node)>),
}

/// Text that is not YAML or exceeds a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct YamlError {
    /// The cause and what would be right.
    pub message: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

impl Node {
    /// The text of a scalar of any style.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Text(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether this is a plain scalar that means nothing: `null`, `~` or empty.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Plain(text) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The content as JSON, with plain scalars read by the core schema of YAML 1.2 (section 10.3). Keys that
    /// are not scalars become their JSON text.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Plain(text) => plain(text),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(pairs) => {
                let name = |key: &Self| key.text().map_or_else(|| key.to_json().to_string(), str::to_owned);
                pairs.iter().map(|(key, value)| (name(key), value.to_json())).collect::<serde_json::Map<_, _>>().into()
            }
        }
    }

    fn depth(&self) -> usize {
        match &self.value {
            Value::Plain(_) | Value::Text(_) => 0,
            Value::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Value::Map(pairs) => 1 + pairs.iter().map(|(key, value)| key.depth().max(value.depth())).max().unwrap_or(0),
        }
    }

    fn count(&self) -> usize {
        1 + match &self.value {
            Value::Plain(_) | Value::Text(_) => 0,
            Value::List(items) => items.iter().map(Self::count).sum(),
            Value::Map(pairs) => pairs.iter().map(|(key, value)| key.count() + value.count()).sum(),
        }
    }
}

/// A plain scalar by the core schema.
fn plain(text: &str) -> serde_json::Value {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return serde_json::Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    let radix =
        |prefix: &str, radix: u32| digits.strip_prefix(prefix).and_then(|rest| i64::from_str_radix(rest, radix).ok());
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)).filter(|_| digits.len() == text.len()) {
        return number.into();
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.bytes().any(|b| b.is_ascii_digit()) {
        return text.into();
    }
    let whole = text.strip_prefix('+').unwrap_or(text).parse::<i64>().ok().map(Into::into);
    let real = || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Into::into);
    whole.or_else(real).unwrap_or_else(|| text.into())
}

/// The documents of a text.
///
/// # Errors
/// The text is not YAML, repeats a key, has an alias without an anchor before it, or exceeds a limit.
pub fn documents(text: &str) -> Result<Vec<Node>, YamlError> {
    if text.len() > MAX_SIZE {
        let message = format!("the file has {} bytes; at most {MAX_SIZE} are read", text.len());
        return Err(YamlError { message, line: 1, column: 1 });
    }
    let mut builder = Builder::default();
    // A mark of the byte order is not part of the text.
    for event in Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let (event, span) = event.map_err(|error| scan_error(&error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.documents)
}

fn scan_error(error: &ScanError) -> YamlError {
    let marker = error.marker();
    YamlError { message: format!("not YAML: {}", error.info()), line: marker.line(), column: marker.col() + 1 }
}

fn error(span: &Span, message: impl Into<String>) -> YamlError {
    YamlError { message: message.into(), line: span.start.line(), column: span.start.col() + 1 }
}

/// The tree under construction.
#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    /// Lists and maps that are not closed, the innermost last.
    open: Vec<Open>,
    /// Finished nodes by the number of their anchor.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A list or map that is not closed.
struct Open {
    node: Node,
    anchor: usize,
    /// A key that waits for its value.
    key: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = match style {
                    ScalarStyle::Plain => Value::Plain(text.into_owned()),
                    _ => Value::Text(text.into_owned()),
                };
                self.count(1, span)?;
                self.finish(place(span, value), anchor, span)
            }
            Event::SequenceStart(anchor, _) => self.begin(Value::List(Vec::new()), anchor, span),
            Event::MappingStart(anchor, _) => self.begin(Value::Map(Vec::new()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    refuse_repeated_keys(&open.node)?;
                    self.finish(open.node, open.anchor, span)
                }
                None => Err(error(span, "an end without a beginning")),
            },
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, value: Value, anchor: usize, span: &Span) -> Result<(), YamlError> {
        self.count(1, span)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(error(span, format!("lists and maps nest deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open { node: place(span, value), anchor, key: None });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), YamlError> {
        let Some((depth, size)) = self.anchors.get(&anchor).map(|known| (known.depth(), known.count())) else {
            return Err(error(span, "an alias of something that is not finished before it"));
        };
        if self.open.len() + depth > MAX_DEPTH {
            return Err(error(span, format!("with this alias lists and maps nest deeper than {MAX_DEPTH} levels")));
        }
        // Counted before it is copied, so that nothing large is made only to be refused.
        self.count(size, span)?;
        let value = self.anchors.get(&anchor).map(|known| known.value.clone());
        value.map_or(Ok(()), |value| self.finish(place(span, value), 0, span))
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), YamlError> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(error(span, format!("more than {MAX_NODES} values"))) } else { Ok(()) }
    }

    /// Puts a whole node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, span: &Span) -> Result<(), YamlError> {
        if anchor > 0 {
            // What an anchor keeps counts like what an alias repeats.
            self.count(node.count(), span)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(pairs), Some(key)) => pairs.push((key, node)),
            (_, None) => open.key = Some(node),
            (Value::Plain(_) | Value::Text(_), Some(_)) => return Err(error(span, "a value within text")),
        }
        Ok(())
    }
}

fn refuse_repeated_keys(node: &Node) -> Result<(), YamlError> {
    let Value::Map(pairs) = &node.value else { return Ok(()) };
    let mut seen = BTreeSet::new();
    for (key, _) in pairs {
        if let Some(name) = key.text().filter(|name| !seen.insert(*name)) {
            let message = format!("the key `{name}` occurs a second time; remove one of the two");
            return Err(YamlError { message, line: key.line, column: key.column });
        }
    }
    Ok(())
}

fn place(span: &Span, value: Value) -> Node {
    Node { value, line: span.start.line(), column: span.start.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_their_kinds() {
        let text = "a: 1\nb: [x, '1', -2.5, 0x1f, 0o17, +3, 1e3, 1.2.3, .inf, '']\nc: |\n  two\n  lines\nd:\ne: ~\nf: &x {k: true}\ng: *x\n";
        let found: Vec<_> = documents(text).expect("it is YAML").iter().map(Node::to_json).collect();
        let expected = serde_json::json!([{
            "a": 1, "b": ["x", "1", -2.5, 31, 15, 3, 1000.0, "1.2.3", ".inf", ""], "c": "two\nlines\n", "d": null, "e": null,
            "f": {"k": true}, "g": {"k": true},
        }]);
        assert_eq!(serde_json::Value::from(found), expected);
    }

    #[test]
    fn every_node_has_its_place() {
        let documents = documents("\u{feff}# c\nä: x\nb:\n  - 1\n  - {c: d}\n---\nsecond").expect("it is YAML");
        let Value::Map(pairs) = &documents[0].value else { panic!("not a map") };
        let Value::List(items) = &pairs[1].1.value else { panic!("not a list") };
        let places: Vec<_> = [&pairs[0].0, &pairs[0].1, &pairs[1].0, &items[0], &items[1], &documents[1]]
            .iter()
            .map(|node| (node.line, node.column))
            .collect();
        assert_eq!(places, [(2, 1), (2, 4), (3, 1), (4, 5), (5, 5), (7, 1)]);
    }

    #[test]
    fn faults_are_placed() {
        let bomb = format!(
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n{}",
            (1..9)
                .map(|i| {
                    let before = format!("*a{}", i - 1);
                    format!("a{i}: &a{i} [{}]\n", vec![before; 10].join(","))
                })
                .collect::<String>()
        );
        for (text, line, word) in [
            ("a: [1", 2, "not YAML"),
            ("a: 1\na: 2", 2, "second time"),
            ("a: *x", 1, "not YAML"),
            ("a: &x [*x]", 1, "not finished"),
            ("a: 'b", 1, "not YAML"),
            (&"[".repeat(MAX_DEPTH + 1), 1, "nest deeper"),
            (&bomb, 6, "values"),
            (&" ".repeat(MAX_SIZE + 1), 1, "bytes"),
        ] {
            let short: String = text.chars().take(20).collect();
            let error = documents(text).expect_err(&short);
            assert!(error.line == line && error.message.contains(word), "{short}: {error}");
        }
    }

    /// Whatever the text, reading ends without a panic.
    #[test]
    fn any_text_is_yaml_or_an_error() {
        let words = [
            "a", ": ", "- ", "\n", "\n  ", "[", "]", "{", "}", ", ", "&a ", "*a ", "'", "\"", "|\n", ">\n", "!!str ",
            "# ", "? ", "---\n", "%", "\t", "ä", "~", "\0",
        ];
        let mut state = 0x9e37_79b9_u64;
        let mut read = 0;
        for _ in 0..30_000 {
            let mut text = String::new();
            for _ in 0..state % 14 + 1 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(words[(state >> 33) as usize % words.len()]);
            }
            read += usize::from(documents(&text).is_ok());
        }
        assert!(read > 1000, "{read} of the texts were YAML");
    }
}
