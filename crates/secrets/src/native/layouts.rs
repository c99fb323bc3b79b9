//! Values that get their name from the layout of a file: block scalars and here-documents, items of lists, and directives
//! that blanks separate from what they set.
//!
//! An expression cannot compare indentation or closing words, so what it found is looked at again here. All that decides
//! stands in the match or within [`NEAR`] bytes of it.

use std::ops::Range;

use super::{
    classify::{self, Assignment, Quoting, Syntax},
    forms::Form,
    names::{Kind, kind_of},
    patterns::{self, Named},
};
use crate::engine::Pattern;

/// How layout gives a name a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `<name>name</name><value>value</value>`, two elements beside each other.
    Elements,
    /// `name: |` of YAML, and its value on the next line.
    BlockScalar,
    /// A here-document of one line that is given to a name.
    HereDocument,
    /// A name and a list of values.
    List,
    /// `name = a;b`: the rest of a line whose value holds semicolons.
    Line,
}

/// What each group of the expression of [`Form::Layout`] is.
const SHAPES: [Shape; 6] =
    [Shape::Elements, Shape::BlockScalar, Shape::HereDocument, Shape::List, Shape::List, Shape::Line];

/// Bytes around a match that are looked at.
const NEAR: usize = 120;

/// The values that a match of [`Form::Layout`] names. `found` is the match in `text`.
pub(super) fn read<'a>(
    text: &'a [u8],
    found: &Range<usize>,
    pattern: &Pattern,
    syntax: Syntax,
) -> Option<Vec<Named<'a>>> {
    let matched = &text[found.clone()];
    let groups = pattern.captures(matched)?;
    let (shape, group) = SHAPES.iter().zip(groups.get(1..)?).find_map(|(shape, g)| Some((*shape, g.clone()?)))?;
    let name = patterns::name(std::str::from_utf8(&matched[..group.start]).ok()?, Form::Layout)?;
    let group = found.start + group.start..found.start + group.end;
    if shape == Shape::List {
        return Some(list(text, group, name, syntax));
    }
    let range = group.start..group.start + text[group.clone()].trim_ascii_end().len();
    let value = std::str::from_utf8(&text[range.clone()]).ok()?;
    let quoted = if shape == Shape::Line { Quoting::Bare } else { Quoting::Quoted };
    let named = Named { assignment: Assignment { name, value, quoted, syntax }, range, doubtful: false, aside: false };
    holds(text, found, &named, shape).then(|| vec![named])
}

/// Every item under the name of a list. Lists of words and of identifiers are common under such names: only a value that
/// speaks for itself counts, and only where the name says what kind of secret it holds.
fn list<'a>(text: &'a [u8], list: Range<usize>, name: &'a str, syntax: Syntax) -> Vec<Named<'a>> {
    let name = item_name(name);
    if kind_of(name).is_none_or(|kind| kind == Kind::Unqualified) {
        return Vec::new();
    }
    let named = |(range, quoted): (Range<usize>, Quoting)| {
        let value = std::str::from_utf8(&text[range.clone()]).ok().filter(|value| classify::is_strong(value))?;
        let assignment = Assignment { name, value, quoted, syntax };
        Some(Named { assignment, range, doubtful: true, aside: false })
    };
    items(text, list).into_iter().filter_map(named).collect()
}

/// Whether what a layout holds is the value of its name and nothing more.
fn holds(text: &[u8], found: &Range<usize>, named: &Named<'_>, shape: Shape) -> bool {
    let (value, settings) = (&named.range, named.assignment.syntax == Syntax::Settings);
    match shape {
        Shape::BlockScalar => settings && is_alone(text, value, found.end) && !assigns(&text[value.clone()]),
        Shape::HereDocument => closes(&text[found.start..value.start], &text[value.end..found.end]),
        Shape::Line => {
            let line = line_before(&text[found.start.saturating_sub(NEAR)..found.start]);
            settings && line.trim_ascii().is_empty() && classify::is_strong(named.assignment.value)
        }
        Shape::Elements | Shape::List => true,
    }
}

/// What stands on the line before a place.
fn line_before(before: &[u8]) -> &[u8] {
    before.rsplit(|b| *b == b'\n').next().unwrap_or_default()
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

/// Whether a directive stands where its format has it: at the start of a line of settings. `before` is what stands in
/// front of it, `head` what it begins with.
pub(super) fn is_directive(before: &[u8], head: &str, syntax: Syntax) -> bool {
    let line = line_before(before);
    let first = line.trim_ascii().is_empty();
    if let Some(instruction) = head.strip_prefix('\n') {
        return instruction.starts_with("ENV ") && syntax != Syntax::Code;
    }
    (first || line.ends_with(b"<")) && syntax == Syntax::Settings
}

/// What a directive gives a value to.
pub(super) fn directive(head: &str) -> &str {
    match head.strip_prefix("\nENV ") {
        Some(rest) => rest.split([' ', '\t']).next().unwrap_or(rest),
        None => "password",
    }
}

/// The name of a list's items: that of the list without the letter of the plural.
fn item_name(list: &str) -> &str {
    list.strip_suffix(['s', 'S']).filter(|one| !one.ends_with(['s', 'S'])).unwrap_or(list)
}

/// The items of a list, quotes off, with whether they stood in quotes.
fn items(text: &[u8], list: Range<usize>) -> Vec<(Range<usize>, Quoting)> {
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

#[cfg(test)]
mod tests {
    use super::{
        super::forms::{FORMS, KEYWORDS},
        *,
    };
    use crate::{
        engine::{Engine, RawMatch, Spec, Workspace},
        numbers::numbers,
    };

    /// What gives the values that layout names in a text.
    fn reader() -> impl FnMut(&str, Syntax) -> Vec<String> {
        let regex = FORMS.iter().find(|(form, _)| *form == Form::Layout).unwrap().1;
        let spec = Spec { regex: regex.to_owned(), keywords: KEYWORDS.iter().map(|k| (*k).to_owned()).collect() };
        let (engine, pattern) = (Engine::new(vec![spec]).unwrap(), Pattern::unchecked(regex));
        let mut workspace = Workspace::default();
        move |text, syntax| {
            let mut matches = Vec::new();
            engine.find(text.as_bytes(), &mut workspace, &mut matches);
            let read = |m: &RawMatch| read(text.as_bytes(), &(m.start..m.end), &pattern, syntax).unwrap_or_default();
            matches.iter().flat_map(read).map(|named| named.assignment.value.to_owned()).collect()
        }
    }

    #[test]
    fn what_is_around_a_value_decides() {
        use Syntax::{Code, Prose, Settings};
        let mut values = reader();
        for (text, syntax, expected) in [
            ("password: |\n  Rope-7\nuser: joe\n", Settings, &["Rope-7"][..]),
            ("  password: |\n    Rope-7\n\n  user: joe\n", Settings, &["Rope-7"]),
            ("password: |\n  Rope-7", Settings, &["Rope-7"]),
            ("a_pass: |\n  Rope-7\nb_pass: >-\n  Rope-8", Settings, &["Rope-7", "Rope-8"]),
            ("password: |\n  Rope-7\n  Rope-8\n", Settings, &[]),
            ("password: |\n  Rope-7\n\n    Rope-8\n", Settings, &[]),
            ("password: |\n  Rope-7\n", Prose, &[]),
            ("secrets: |\n  pw=Rope-7\n", Settings, &[]),
            ("secret: |\n  Um9wZTc=\n", Settings, &["Um9wZTc="]),
            ("read PASSWORD <<EOF\nRope-7\nEOF", Settings, &["Rope-7"]),
            ("password = <<~'END'\n  Rope-7\n  END", Code, &["Rope-7"]),
            ("read PASSWORD <<EOF\nRope-7\nRope", Settings, &[]),
            ("a.password=Rope;7dOck\n", Settings, &["Rope;7dOck"]),
            ("a.password=rope;dock\n", Settings, &[]),
            ("export password=Rope;7dOck\n", Settings, &[]),
            ("password=Rope;7dOck\n", Code, &[]),
        ] {
            assert_eq!(values(text, syntax), expected, "{text}");
        }
    }

    #[test]
    fn directives_begin_lines_of_settings() {
        use Syntax::{Code, Prose, Settings};
        for (before, head, syntax, expected) in [
            ("a\n  ", "requirepass ", Settings, true),
            ("# ", "requirepass ", Settings, false),
            ("", "set password ", Prose, false),
            ("FROM x", "\nENV A_PASSWORD ", Prose, true),
            ("FROM x", "\nENV A_PASSWORD ", Code, false),
            ("x", "\nenv A_PASSWORD ", Settings, false),
        ] {
            assert_eq!(is_directive(before.as_bytes(), head, syntax), expected, "{before}{head}");
        }
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
        let pieces = [
            "-",
            " ",
            "\"",
            "'",
            "\n",
            "<<E",
            "E",
            "pass",
            "[",
            "\u{e4}",
            ",",
            "\t",
            ": |",
            ": ",
            "=",
            ";",
            "Rope-7dOck",
        ];
        let (mut number, mut values) = (numbers(), reader());
        for _ in 0..3_000 {
            let text: String = (0..24).map(|_| pieces[number(pieces.len())]).collect();
            let mut ends = [number(text.len()), number(text.len())];
            ends.sort_unstable();
            assert!(items(text.as_bytes(), ends[0]..ends[1]).iter().all(|(range, _)| range.end <= ends[1]), "{text}");
            assert!(values(&text, Syntax::Settings).iter().all(|value| text.contains(value)), "{text}");
        }
    }
}
