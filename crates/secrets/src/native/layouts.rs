//! Values that get their name from the layout of a file: block scalars and here-documents, items of lists, and directives
//! that blanks separate from what they set.
//!
//! An expression cannot compare indentation or closing words, so what it found is looked at again here. All that decides
//! stands in the match or within [`NEAR`] bytes of it.

use std::ops::Range;

use super::{
    classify::{Assignment, Quoting, Syntax},
    forms::Form,
};

/// Bytes around a match that are looked at.
const NEAR: usize = 120;

/// Whether what a layout holds is the value of its name and nothing more. `value` is in the match `found` of `text`.
pub(super) fn holds(text: &[u8], found: &Range<usize>, value: &Range<usize>, form: Form, syntax: Syntax) -> bool {
    let near = &text[found.start.saturating_sub(NEAR)..found.start];
    let line = near.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let tail = &text[value.end..found.end];
    match form {
        Form::BlockScalar => {
            syntax == Syntax::Settings && is_alone(text, value, found.end) && !assigns(&text[value.clone()])
        }
        Form::HereDocument => closes(&text[found.start..value.start], tail),
        Form::Directive => is_directive(line, &text[found.start..value.start], syntax),
        Form::Line => syntax == Syntax::Settings && line.iter().all(|b| b" \t".contains(b)),
        _ => true,
    }
}

/// Whether the block that a value begins ends with its line: the next one with anything on it is less indented.
fn is_alone(text: &[u8], value: &Range<usize>, end: usize) -> bool {
    let blanks = |bytes: &[u8]| bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let line = memchr::memrchr(b'\n', &text[..value.start]).map_or(0, |at| at + 1);
    let behind = &text[value.end..text.len().min(end + NEAR)];
    let next = behind.split(|b| *b == b'\n').skip(1).find(|line| !line.trim_ascii().is_empty());
    next.is_none_or(|next| blanks(next) < value.start - line)
}

/// Whether a text gives a value to a name of its own: `name=value`, `name: value`.
fn assigns(text: &[u8]) -> bool {
    let name = text.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let rest = &text[name..];
    let padding = rest.iter().all(|b| *b == b'=');
    name > 0 && !padding && (rest.starts_with(b"=") || rest.starts_with(b": "))
}

/// Whether the word behind `<<` closes the document.
fn closes(head: &[u8], tail: &[u8]) -> bool {
    let word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let Some(at) = memchr::memmem::rfind(head, b"<<") else { return false };
    let opened = head[at + 2..].trim_ascii_start();
    let opened = opened.strip_prefix(b"-").or_else(|| opened.strip_prefix(b"~")).unwrap_or(opened).trim_ascii_start();
    let quotes = opened.iter().take_while(|b| matches!(b, b'"' | b'\'')).count();
    let length = opened[quotes..].iter().take_while(word).count();
    tail.trim_ascii() == &opened[quotes..quotes + length]
}

/// Whether a directive stands where its format has it: at the start of a line of settings.
fn is_directive(line: &[u8], head: &[u8], syntax: Syntax) -> bool {
    let first = line.iter().all(|b| b" \t".contains(b));
    if head.starts_with(b"ENV ") {
        return first && syntax != Syntax::Code;
    }
    (first || line.ends_with(b"<")) && syntax == Syntax::Settings && !head.starts_with(b"env ")
}

/// What a directive gives a value to.
pub(super) fn directive(head: &str) -> &str {
    match head.strip_prefix("ENV ") {
        Some(rest) => rest.split([' ', '\t']).next().unwrap_or(rest),
        None => "password",
    }
}

/// The name of a list's items: that of the list without the letter of the plural.
pub(super) fn item_name(list: &str) -> &str {
    list.strip_suffix(['s', 'S']).filter(|one| !one.ends_with(['s', 'S'])).unwrap_or(list)
}

/// The items of a list, quotes off, with whether they stood in quotes.
pub(super) fn items(text: &[u8], list: Range<usize>) -> Vec<(Range<usize>, Quoting)> {
    let (mut found, mut at) = (Vec::new(), list.start);
    while at < list.end {
        let quote = text[at];
        let start = at + 1;
        at = match quote {
            b'"' | b'\'' => {
                let Some(length) = memchr::memchr(quote, &text[start..list.end]) else { break };
                found.push((start..start + length, Quoting::Quoted));
                start + length + 1
            }
            b'-' if text[start..list.end].first().is_some_and(|b| b" \t".contains(b)) => {
                let blanks = text[start..list.end].iter().take_while(|b| b" \t".contains(b)).count();
                let from = start + blanks;
                let length = text[from..list.end].iter().take_while(|b| !b.is_ascii_whitespace()).count();
                if matches!(text.get(from), Some(b'"' | b'\'')) {
                    from
                } else {
                    found.push((from..from + length, Quoting::Bare));
                    from + length
                }
            }
            _ => start,
        };
    }
    found
}

/// The assignments that a list makes of its items.
pub(super) fn assignments<'a>(
    text: &'a [u8],
    list: Range<usize>,
    name: &'a str,
    syntax: Syntax,
) -> Vec<(Assignment<'a>, Range<usize>)> {
    let name = item_name(name);
    let assignment = |(range, quoted): (Range<usize>, Quoting)| {
        let value = std::str::from_utf8(&text[range.clone()]).ok()?;
        Some((Assignment { name, value, quoted, syntax }, range))
    };
    items(text, list).into_iter().filter_map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::numbers;

    #[test]
    fn what_is_around_a_value_decides() {
        use Syntax::{Code, Prose, Settings};
        for (form, text, value, syntax, expected) in [
            (Form::BlockScalar, "password: |\n  Rope-7\nuser: joe\n", "Rope-7", Settings, true),
            (Form::BlockScalar, "  password: |\n    Rope-7\n\n  user: joe\n", "Rope-7", Settings, true),
            (Form::BlockScalar, "password: |\n  Rope-7", "Rope-7", Settings, true),
            (Form::BlockScalar, "password: |\n  Rope-7\n  Rope-8\n", "Rope-7", Settings, false),
            (Form::BlockScalar, "password: |\n  Rope-7\n\n    Rope-8\n", "Rope-7", Settings, false),
            (Form::BlockScalar, "password: |\n  Rope-7\n", "Rope-7", Prose, false),
            (Form::BlockScalar, "secrets: |\n  pw=Rope-7\n", "pw=Rope-7", Settings, false),
            (Form::BlockScalar, "secret: |\n  Um9wZTc=\n", "Um9wZTc=", Settings, true),
            (Form::HereDocument, "read PASSWORD <<EOF\nRope-7\nEOF", "Rope-7", Settings, true),
            (Form::HereDocument, "password = <<~'END'\n  Rope-7\n  END", "Rope-7", Code, true),
            (Form::HereDocument, "read PASSWORD <<EOF\nRope-7\nRope", "Rope-7", Settings, false),
            (Form::Directive, "requirepass Rope-7\n", "Rope-7", Settings, true),
            (Form::Directive, "set password Rope-7\n", "Rope-7", Prose, false),
            (Form::Directive, "ENV A_PASSWORD Rope-7\n", "Rope-7", Prose, true),
            (Form::Directive, "env A_PASSWORD Rope-7\n", "Rope-7", Settings, false),
            (Form::Line, "a.password=Rope;7\n", "Rope;7", Settings, true),
            (Form::Line, "password=Rope;7\n", "Rope;7", Code, false),
        ] {
            let at = text.find(value).unwrap();
            let end = match form {
                Form::HereDocument => text.len(),
                _ => text[at..].find('\n').map_or(text.len(), |length| at + length + 1),
            };
            let range = at..at + value.len();
            assert_eq!(holds(text.as_bytes(), &(0..end), &range, form, syntax), expected, "{text}");
        }
        let comment = b"# requirepass Rope-7\n";
        assert!(!holds(comment, &(2..21), &(14..20), Form::Directive, Settings));
    }

    #[test]
    fn lists_give_their_items() {
        for (text, expected) in [
            ("[\"a\", 'b c']", vec!["a", "b c"]),
            ("[\n  \"a-b\"", vec!["a-b"]),
            ("\n  - a-b\n  - \"c\"\n  -  'd'\n", vec!["a-b", "c", "d"]),
            ("[]", vec![]),
            ("\n- ", vec![""]),
        ] {
            let found: Vec<&str> =
                items(text.as_bytes(), 0..text.len()).into_iter().map(|(range, _)| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
        for (list, item) in [("api_keys", "api_key"), ("API_TOKENS", "API_TOKEN"), ("pass", "pass"), ("s", "")] {
            assert_eq!(item_name(list), item);
        }
    }

    #[test]
    fn any_text_is_read() {
        let pieces = ["-", " ", "\"", "'", "\n", "<<", "E", "ENV ", "[", "\u{e4}", ",", "\t"];
        let mut number = numbers();
        for _ in 0..3_000 {
            let text: String = (0..24).map(|_| pieces[number(pieces.len())]).collect();
            let bytes = text.as_bytes();
            let mut ends = [number(bytes.len()), number(bytes.len()), number(bytes.len()), number(bytes.len())];
            ends.sort_unstable();
            let [start, from, to, end] = ends;
            for form in [Form::BlockScalar, Form::HereDocument, Form::Directive, Form::Line] {
                holds(bytes, &(start..end), &(from..to), form, Syntax::Settings);
            }
            assert!(items(bytes, start..end).iter().all(|(range, _)| range.end <= end), "{text}");
        }
    }
}
