//! Makes hostile text safe for one target language each.
//!
//! File names, commit subjects and source lines come from whoever wrote the
//! repository. Unescaped they could move the cursor of a terminal, reverse what a
//! reviewer reads (CVE-2021-42574), close a tag or start a formula. Every text of
//! a report passes through exactly one of these functions on its way out.

use std::borrow::Cow;
use std::fmt::Write as _;

use testudo_model::Snippet;

/// Characters that act on a reader's screen instead of appearing on it: controls,
/// bidirectional overrides, line separators, invisible characters, non-characters.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line: every hidden character as its escape (`\n`, `\u{1b}`).
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escape_where(text, is_hidden)
}

/// The same, except that line breaks and tabs stay what they are.
#[must_use]
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    let hidden = |c| is_hidden(c) && c != '\n' && c != '\t';
    if text.contains("\r\n") {
        return Cow::Owned(escape_where(&text.replace("\r\n", "\n"), hidden).into_owned());
    }
    escape_where(text, hidden)
}

/// The text of a snippet before, inside and behind its highlight, each as
/// [`visible_lines`]. A highlight that fits no characters is empty and at the start.
pub(crate) fn visible_snippet(snippet: &Snippet) -> [String; 3] {
    let ((start, end), text) = (snippet.highlight, snippet.text.as_str());
    let parts = match (text.get(..start), text.get(start..end), text.get(end..)) {
        (Some(before), Some(inside), Some(after)) => [before, inside, after],
        _ => ["", "", text],
    };
    parts.map(|part| visible_lines(part).into_owned())
}

fn escape_where(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// An attribute value or a one-line text of XML 1.0 or HTML.
#[must_use]
pub fn markup(text: &str) -> String {
    markup_characters(&visible(text))
}

/// Text content of XML 1.0 or HTML, with its line breaks and tabs.
#[must_use]
pub fn markup_lines(text: &str) -> String {
    markup_characters(&visible_lines(text))
}

fn markup_characters(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Prose in GitHub or GitLab Markdown on one line: no markup, no mention, no
/// reference to an issue, no link. Never use it at the start of a line.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '~' | '|' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // The empty comment keeps the sign and whatever follows apart, so nobody is
            // notified; both sites do the same in their own bots.
            '@' | '#' | '!' | '%' => {
                out.push(c);
                out.push_str("<!-- -->");
            }
            '$' => out.push_str("&#36;"),
            ':' => out.push_str("&#58;"),
            '.' if ends_with_www(&text[..at]) => out.push_str("&#46;"),
            _ => out.push(c),
        }
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    text.as_bytes().last_chunk::<3>().is_some_and(|tail| tail.eq_ignore_ascii_case(b"www"))
}

/// A name or path as a code span of Markdown that is safe inside a table cell.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    // The HTML form, because a table cell ends at `|` even inside backticks.
    let text = visible(text);
    let mut out = String::from("<code>");
    for (at, c) in text.char_indices() {
        let plain =
            c.is_alphanumeric() || matches!(c, ' ' | '/' | '-' | ',') || c == '.' && !ends_with_www(&text[..at]);
        if plain {
            out.push(c);
        } else {
            write!(out, "&#{};", u32::from(c)).expect("a String takes every write");
        }
    }
    out.push_str("</code>");
    out
}

/// The message of a workflow command of GitHub Actions.
pub(crate) fn workflow_message(text: &str) -> String {
    visible_lines(text).replace('%', "%25").replace('\n', "%0A")
}

/// A property of a workflow command of GitHub Actions.
pub(crate) fn workflow_property(text: &str) -> String {
    visible(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

/// A cell of a CSV file (RFC 4180), safe to open in a spreadsheet: a text that
/// would be taken for a formula starts with an apostrophe.
pub(crate) fn csv_cell(text: &str) -> String {
    let text = visible_lines(text);
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let guarded = if formula { format!("'{text}") } else { text.into_owned() };
    if guarded.contains([',', '"', '\n', '\t', '\'', ';']) || guarded.starts_with(' ') || guarded.ends_with(' ') {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

/// A `/`-separated path as the path of a URI (RFC 3986, section 3.3): all but
/// unreserved characters and `/` percent-encoded.
pub(crate) fn uri_path(path: &str) -> String {
    percent(path, |byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
}

/// A URL as it was given, with what may not stand in one percent-encoded.
pub(crate) fn url(text: &str) -> String {
    let stray = |bytes: &[u8]| !matches!(bytes, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split('%').enumerate() {
        if at > 0 {
            out.push_str(if stray(part.as_bytes()) { "%25" } else { "%" });
        }
        out.push_str(&percent(part, |byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte)));
    }
    out
}

fn percent(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes every write");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(escape: impl Fn(&str) -> String, cases: &[(&str, &str)]) {
        for (input, expected) in cases {
            assert_eq!(escape(input), *expected, "{input:?}");
        }
    }

    #[test]
    fn hidden_characters_become_visible() {
        check(
            |text| visible(text).into_owned(),
            &[
                ("plain é 日本", "plain é 日本"),
                ("a\nb\tc\r", "a\\nb\\tc\\r"),
                ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
                ("\u{9b}2J\u{7f}\0", "\\u{9b}2J\\u{7f}\\u{0}"),
                ("evil\u{202e}txt.exe", "evil\\u{202e}txt.exe"),
                ("a\u{200b}b\u{feff}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{e0041}"),
            ],
        );
        check(|text| visible_lines(text).into_owned(), &[("a\r\nb\tc\rd\u{1b}", "a\nb\tc\\rd\\u{1b}")]);
    }

    #[test]
    fn the_highlight_moves_with_the_escapes() {
        for (text, highlight, parts) in [
            ("ab cd", (3, 5), ["ab ", "cd", ""]),
            ("\u{1b}b cd", (1, 2), ["\\u{1b}", "b", " cd"]),
            ("a\u{0}b", (1, 2), ["a", "\\u{0}", "b"]),
            ("a\r\nb", (3, 4), ["a\n", "b", ""]),
            ("é", (1, 2), ["", "", "é"]),
            ("abc", (2, 1), ["", "", "abc"]),
            ("abc", (9, 12), ["", "", "abc"]),
        ] {
            let snippet = Snippet { line: 1, text: text.to_owned(), highlight };
            assert_eq!(visible_snippet(&snippet), parts, "{text:?}");
        }
    }

    #[test]
    fn markup_cannot_be_left() {
        check(
            markup,
            &[("<a href=\"x\">'&\n", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\n"), ("\0\u{ffff}", "\\u{0}\\u{ffff}")],
        );
        check(markup_lines, &[("a<\nb", "a&lt;\nb")]);
    }

    #[test]
    fn markdown_has_no_effect() {
        check(
            markdown,
            &[
                ("**b** `c` [x](y) | z", "\\*\\*b\\*\\* \\`c\\` \\[x\\]\\(y\\) \\| z"),
                ("<script>&", "&lt;script&gt;&amp;"),
                ("@team #12 !3", "@<!-- -->team #<!-- -->12 !<!-- -->3"),
                ("http://x www.y.z", "http&#58;//x www&#46;y.z"),
                ("two\nlines", "two\\\\nlines"),
            ],
        );
        check(markdown_code, &[("a`|@b\n", "<code>a&#96;&#124;&#64;b&#92;n</code>")]);
    }

    #[test]
    fn workflow_commands_stay_one_line() {
        check(workflow_message, &[("50%\n::error::x\r", "50%25%0A::error::x\\r")]);
        check(workflow_property, &[("a,b:c%\n", "a%2Cb%3Ac%25\\n")]);
    }

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        check(
            csv_cell,
            &[
                ("plain", "plain"),
                ("a,b", "\"a,b\""),
                ("say \"x\"", "\"say \"\"x\"\"\""),
                ("=1+1", "\"'=1+1\""),
                ("@team", "\"'@team\""),
                ("\t=x", "\"'\t=x\""),
                ("a\nb", "\"a\nb\""),
            ],
        );
    }

    #[test]
    fn uris_hold_only_uri_characters() {
        check(uri_path, &[("a b/ü:%#?.rs", "a%20b/%C3%BC%3A%25%23%3F.rs")]);
        check(url, &[("https://h/p?q=1 <\u{1b}>%20", "https://h/p?q=1%20%3C%1B%3E%20"), ("a%zz%", "a%25zz%25")]);
    }
}
