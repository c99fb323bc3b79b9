//! Texts quoted as Go quotes them, for its own language and for JSON.

use super::{
    number,
    value::{FIELDS, Value, field},
};

/// A string in double quotes with Go's escapes (`strconv.Quote`).
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c == ' ' || is_printable(c) => out.push(c),
            c if (c as u32) < 0x80 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out + "\""
}

/// Whether a character has a form of its own: Rust escapes the others in its debug form too, but for marks that combine.
fn is_printable(c: char) -> bool {
    matches!(c, '\'' | '"' | '\\')
        || !c.is_control() && !c.is_whitespace() && {
            c.escape_debug().len() == 1 || ('\u{300}'..='\u{36f}').contains(&c)
        }
}

/// Which characters JSON escapes beyond its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Html {
    /// `<`, `>` and `&` too.
    Escaped,
    Plain,
}

/// A value in JSON. `indent` is none for one line.
pub(super) fn json(value: &Value<'_>, html: Html, indent: Option<usize>) -> String {
    let mut out = String::new();
    Writer { html, indented: indent.is_some(), out: &mut out }.value(value, indent.unwrap_or(0));
    out
}

struct Writer<'o> {
    html: Html,
    indented: bool,
    out: &'o mut String,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value<'_>, depth: usize) {
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(yes) => self.out.push_str(if *yes { "true" } else { "false" }),
            Value::Int(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&number::json(*number, false)),
            Value::Single(number) => self.out.push_str(&number::json(f64::from(*number), true)),
            Value::Text(text) => self.text(text),
            Value::Time(seconds) => self.text(&super::time::rfc3339(*seconds)),
            Value::List(items) => self.all(('[', ']'), items.len(), depth, |writer, at| {
                writer.value(&items[at], depth + 1);
            }),
            Value::Map(items) => {
                let items: Vec<_> = items.iter().collect();
                self.all(('{', '}'), items.len(), depth, |writer, at| writer.pair(items[at].0, items[at].1, depth));
            }
            Value::Finding(finding) => {
                let fields: Vec<_> = FIELDS.iter().filter_map(|name| Some((*name, field(finding, name)?))).collect();
                let fields: Vec<_> =
                    fields.into_iter().filter(|(name, value)| *name != "Link" || value.holds()).collect();
                self.all(('{', '}'), fields.len(), depth, |writer, at| writer.pair(fields[at].0, &fields[at].1, depth));
            }
        }
    }

    fn pair(&mut self, key: &str, value: &Value<'_>, depth: usize) {
        self.text(key);
        self.out.push_str(if self.indented { ": " } else { ":" });
        self.value(value, depth + 1);
    }

    fn all(&mut self, (open, close): (char, char), count: usize, depth: usize, mut one: impl FnMut(&mut Self, usize)) {
        self.out.push(open);
        for at in 0..count {
            if at > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            one(self, at);
        }
        if count > 0 {
            self.line(depth);
        }
        self.out.push(close);
    }

    fn line(&mut self, depth: usize) {
        if self.indented {
            self.out.push('\n');
            self.out.push_str(&"  ".repeat(depth));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '<' | '>' | '&' if self.html == Html::Escaped => self.out.push_str(&format!("\\u{:04x}", c as u32)),
                '\u{2028}' | '\u{2029}' => self.out.push_str(&format!("\\u{:04x}", c as u32)),
                c if (c as u32) < 0x20 => self.out.push_str(&format!("\\u{:04x}", c as u32)),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
