//! Colours and line breaking of the terminal format.

use annotate_snippets::renderer::{AnsiColor, Effects, Style};
use testudo_model::Severity;
use unicode_width::UnicodeWidthStr;

use crate::options::Color;

/// The page that is written on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// Whether colours are written.
    pub(super) color: Color,
    /// Columns.
    pub(super) width: usize,
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> String {
        match self.color {
            Color::Never => text.to_owned(),
            Color::Always => format!("{style}{text}{style:#}"),
        }
    }

    /// A heading.
    pub(super) fn strong(&self, text: &str) -> String {
        self.paint(Style::new().effects(Effects::BOLD), text)
    }

    /// A label, less loud than its value.
    pub(super) fn quiet(&self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    /// Something that nobody may miss.
    pub(super) fn alarm(&self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().effects(Effects::BOLD), text)
    }

    /// Something good.
    pub(super) fn calm(&self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default().effects(Effects::BOLD), text)
    }

    /// A text in the colour of a severity.
    pub(super) fn severity(&self, severity: Severity, text: &str) -> String {
        let color = match severity {
            Severity::Critical => AnsiColor::Magenta,
            Severity::High => AnsiColor::Red,
            Severity::Medium => AnsiColor::Yellow,
            Severity::Low => AnsiColor::Blue,
            Severity::Info => AnsiColor::Cyan,
        };
        self.paint(color.on_default().effects(Effects::BOLD), text)
    }

    /// `  label: text`, broken between words at the width and indented below the
    /// text. A word longer than a line stays whole, so that it can be copied.
    pub(super) fn field(&self, label: &str, text: &str) -> String {
        let indent = label.width() + 4;
        let lines = wrap(text, self.width.saturating_sub(indent).max(16));
        let mut out = format!("  {} ", self.quiet(&format!("{label}:")));
        out.push_str(&lines.join(&format!("\n{}", " ".repeat(indent))));
        out.push('\n');
        out
    }

    /// A list item: two spaces before the first line, four before the others.
    pub(super) fn hanging(&self, text: &str) -> String {
        format!("  {}\n", wrap(text, self.width.saturating_sub(4)).join("\n    "))
    }
}

/// Lines of at most `width` columns, broken at spaces; breaks in the text stay.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        for (text, width, lines) in [
            ("one two three", 7, vec!["one two", "three"]),
            ("a\n\nb", 10, vec!["a", "", "b"]),
            ("averylongword b", 5, vec!["averylongword", "b"]),
            ("日本 日本 日本", 9, vec!["日本 日本", "日本"]),
            ("", 5, vec![""]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text}");
        }
    }

    #[test]
    fn a_field_is_indented_below_its_text() {
        let page = Page { color: Color::Never, width: 23 };
        assert_eq!(page.field("why", "aaaa bbbb cccc dddd"), "  why: aaaa bbbb cccc\n       dddd\n");
    }
}
