//! `rules explain`: the documentation of a rule, set for a terminal.

use std::process::ExitCode;

use anyhow::{Result, bail};
use testudo_policy::config::ColorChoice;
use testudo_report::Color;

use super::{OwnRule, own_rules};
use crate::terminal;

/// Ids that are offered where one is not known.
const OFFERED: usize = 5;

/// Prints the documentation of the rule that `id` names.
pub(super) fn run(id: &str) -> Result<ExitCode> {
    let rules = own_rules();
    let wanted = |r: &&OwnRule| r.info.id == id || r.info.aliases.iter().any(|alias| alias == id);
    let Some(rule) = rules.iter().find(wanted) else {
        bail!("no rule has the id `{}`; {}", id.escape_debug(), offer(id, &rules));
    };
    let page = Page { color: terminal::stdout_color(ColorChoice::Auto), width: terminal::width() };
    terminal::stdout(&(page.markdown(&rule.info.help) + &page.facts(rule)))?;
    Ok(ExitCode::SUCCESS)
}

/// Rules that share a word with what was asked for.
fn offer(id: &str, rules: &[OwnRule]) -> String {
    let words: Vec<&str> = id.split(['-', '_', '.']).filter(|word| word.len() > 2).collect();
    let mut ranked: Vec<(usize, &str)> = rules
        .iter()
        .map(|r| (words.iter().filter(|word| r.info.id.contains(**word)).count(), r.info.id.as_str()))
        .filter(|(shared, _)| *shared > 0)
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<&str> = ranked.iter().take(OFFERED).map(|(_, id)| *id).collect();
    match near.as_slice() {
        [] => "`testudo rules list` shows them all".to_owned(),
        near => format!("did you mean {}?", near.join(", ")),
    }
}

/// The page that is written on.
struct Page {
    color: Color,
    width: usize,
}

impl Page {
    fn bold(&self, text: &str) -> String {
        match self.color {
            Color::Always => format!("\x1b[1m{text}\x1b[0m"),
            Color::Never => text.to_owned(),
        }
    }

    /// Headings bold, paragraphs and list items broken at the width, code blocks as they are and indented.
    fn markdown(&self, text: &str) -> String {
        let (mut out, mut code) = (String::new(), false);
        for line in text.lines() {
            if line.starts_with("```") {
                code = !code;
            } else if code {
                out.push_str(&format!("    {line}\n"));
            } else if let Some(heading) = heading(line) {
                out.push_str(&format!("{}\n", self.bold(heading)));
            } else {
                out.push_str(&wrap(line, self.width));
            }
        }
        out
    }

    /// What the rule is, below its text.
    fn facts(&self, rule: &OwnRule) -> String {
        let info = &rule.info;
        let list = |items: Vec<String>| items.join(", ");
        let facts = [
            ("id", info.id.clone()),
            ("category", rule.category.to_owned()),
            ("severity", info.severity.to_string()),
            ("confidence", info.confidence.to_string()),
            ("persona", info.persona.to_string()),
            ("weakness", list(info.cwe.iter().map(|n| format!("CWE-{n}")).collect())),
            ("owasp", info.owasp.join(", ")),
            ("also known as", info.aliases.join(", ")),
            ("live check", rule.live.clone()),
            ("read more", list(info.references.iter().map(|r| r.0.clone()).collect())),
        ];
        let mut out = format!("\n{}\n", self.bold("Facts"));
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            out.push_str(&format!("{name:<14} {value}\n"));
        }
        out
    }
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (text.len() < line.len()).then(|| text.strip_prefix(' ')).flatten()
}

/// One line of Markdown as lines of at most `width` columns; a list item goes on below its text. A word that is longer
/// than a line stays whole, so that it can be copied.
fn wrap(line: &str, width: usize) -> String {
    let lead = line.len() - line.trim_start().len();
    let indent = lead + marker(&line[lead..]);
    let (mut out, mut column) = (line[..lead].to_owned(), lead);
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            out.push_str(&format!("\n{}", " ".repeat(indent)));
            column = indent;
        } else if column > lead {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out + "\n"
}

/// Columns of a list marker with the space behind it; 0 where the line is no list item.
fn marker(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match &text.as_bytes()[digits..] {
        [b'.' | b')', b' ', ..] if digits > 0 => digits + 2,
        [b'-' | b'*', b' ', ..] if digits == 0 => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_set_for_a_terminal() {
        let text = "# A title\n\nOne two three four five.\n\n## Steps\n1. First thing to do now.\n- a\n```sh\nrun   this as it is, however long it may be\n```\n";
        let plain = Page { color: Color::Never, width: 14 };
        let expected = "A title\n\nOne two three\nfour five.\n\nSteps\n1. First thing\n   to do now.\n- a\n    run   this as it is, however long it may be\n";
        assert_eq!(plain.markdown(text), expected);
        let painted = Page { color: Color::Always, width: 80 };
        assert_eq!(painted.markdown("## Steps\n#no heading"), "\x1b[1mSteps\x1b[0m\n#no heading\n");
    }

    #[test]
    fn lines_break_between_words_only() {
        for (line, width, expected) in [
            ("", 10, "\n"),
            ("averyverylongword b", 5, "averyverylongword\nb\n"),
            ("  - nested item here", 12, "  - nested\n    item\n    here\n"),
            ("10. ten and more", 10, "10. ten\n    and\n    more\n"),
            ("2026 is no marker", 9, "2026 is\nno marker\n"),
        ] {
            assert_eq!(wrap(line, width), expected, "{line}");
        }
    }
}
