//! Texts quoted as Go quotes them, for its own language and for JSON.

use super::{
    limited::Limited,
    number,
    value::{FIELDS, Value, field},
};

/// A string in double quotes with Go's escapes (`strconv.Quote`).
pub(super) fn quoted(text: &str) -> Result<String, String> {
    let mut out = Limited::default();
    out.push("\"")?;
    for c in text.chars() {
        match c {
            '"' => out.push("\\\"")?,
            '\\' => out.push("\\\\")?,
            '\u{7}' => out.push("\\a")?,
            '\u{8}' => out.push("\\b")?,
            '\u{c}' => out.push("\\f")?,
            '\n' => out.push("\\n")?,
            '\r' => out.push("\\r")?,
            '\t' => out.push("\\t")?,
            '\u{b}' => out.push("\\v")?,
            c if c == ' ' || is_printable(c) => out.push_char(c)?,
            c if (c as u32) < 0x80 => out.push(&format!("\\x{:02x}", c as u32))?,
            c if (c as u32) < 0x1_0000 => out.push(&format!("\\u{:04x}", c as u32))?,
            c => out.push(&format!("\\U{:08x}", c as u32))?,
        }
    }
    out.push("\"")?;
    Ok(out.done())
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
///
/// # Errors
/// The text would be too long.
pub(super) fn json(value: &Value<'_>, html: Html, indent: Option<usize>) -> Result<String, String> {
    let mut out = Limited::default();
    Writer { html, indented: indent.is_some(), out: &mut out }.value(value, indent.unwrap_or(0))?;
    Ok(out.done())
}

/// Whether something could be written.
type Written = Result<(), String>;

struct Writer<'o> {
    html: Html,
    indented: bool,
    out: &'o mut Limited,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value<'_>, depth: usize) -> Written {
        match value {
            Value::Nil => self.out.push("null"),
            Value::Bool(yes) => self.out.push(if *yes { "true" } else { "false" }),
            Value::Int(number) => self.out.push(&number.to_string()),
            Value::Float(number) => self.out.push(&number::json(*number, false)),
            Value::Single(number) => self.out.push(&number::json(f64::from(*number), true)),
            Value::Text(text) => self.text(text),
            Value::Time(seconds) => self.text(&super::time::rfc3339(*seconds)),
            Value::List(items) => {
                self.all(('[', ']'), items.len(), depth, |writer, at| writer.value(&items[at], depth + 1))
            }
            Value::Map(items) => {
                let items: Vec<_> = items.iter().collect();
                self.all(('{', '}'), items.len(), depth, |writer, at| writer.pair(items[at].0, items[at].1, depth))
            }
            Value::Finding(finding) => {
                let fields: Vec<_> = FIELDS.iter().filter_map(|name| Some((*name, field(finding, name)?))).collect();
                let fields: Vec<_> =
                    fields.into_iter().filter(|(name, value)| *name != "Link" || value.holds()).collect();
                self.all(('{', '}'), fields.len(), depth, |writer, at| writer.pair(fields[at].0, &fields[at].1, depth))
            }
        }
    }

    fn pair(&mut self, key: &str, value: &Value<'_>, depth: usize) -> Written {
        self.text(key)?;
        self.out.push(if self.indented { ": " } else { ":" })?;
        self.value(value, depth + 1)
    }

    fn all(
        &mut self,
        (open, close): (char, char),
        count: usize,
        depth: usize,
        mut one: impl FnMut(&mut Self, usize) -> Written,
    ) -> Written {
        self.out.push_char(open)?;
        for at in 0..count {
            if at > 0 {
                self.out.push(",")?;
            }
            self.line(depth + 1)?;
            one(self, at)?;
        }
        if count > 0 {
            self.line(depth)?;
        }
        self.out.push_char(close)
    }

    fn line(&mut self, depth: usize) -> Written {
        if self.indented {
            self.out.push("\n")?;
            self.out.push_times("  ", depth)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Written {
        self.out.push("\"")?;
        for c in text.chars() {
            match c {
                '"' => self.out.push("\\\"")?,
                '\\' => self.out.push("\\\\")?,
                '\n' => self.out.push("\\n")?,
                '\r' => self.out.push("\\r")?,
                '\t' => self.out.push("\\t")?,
                '\u{8}' => self.out.push("\\b")?,
                '\u{c}' => self.out.push("\\f")?,
                '<' | '>' | '&' if self.html == Html::Escaped => self.out.push(&format!("\\u{:04x}", c as u32))?,
                '\u{2028}' | '\u{2029}' => self.out.push(&format!("\\u{:04x}", c as u32))?,
                c if (c as u32) < 0x20 => self.out.push(&format!("\\u{:04x}", c as u32))?,
                c => self.out.push_char(c)?,
            }
        }
        self.out.push("\"")
    }
}
