//! Values that the columns of a table name: the rows of `INSERT INTO users (name, password) VALUES (...)`.

use std::ops::Range;

use super::{
    classify::{Assignment, Quoting, Syntax},
    patterns::Named,
};

/// Calls within calls that a field may have. A text that opens ever more of them would be read once for each statement in it.
const MAX_DEPTH: usize = 4;

/// Reads the rows behind a match, which ends with the bracket that opens the first of them. A row that is no list of numbers,
/// words, literals and calls ends the reading.
pub(super) fn read<'a>(text: &'a [u8], found: &Range<usize>, syntax: Syntax) -> Vec<Named<'a>> {
    let names = columns(text, found);
    let mut named = Vec::new();
    let mut at = found.end - 1;
    while let Some((fields, end)) = row(text, at) {
        for (name, range) in names.iter().zip(fields) {
            let Some(range) = range else { continue };
            let Ok(value) = std::str::from_utf8(&text[range.clone()]) else { continue };
            let assignment = Assignment { name, value, quoted: Quoting::Quoted, syntax };
            named.push(Named { assignment, range, doubtful: false, aside: is_digest(value) });
        }
        let rest = &text[end..];
        let blanks = |rest: &[u8]| rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let comma = blanks(rest);
        if rest.get(comma) != Some(&b',') {
            break;
        }
        at = end + comma + 1 + blanks(&rest[comma + 1..]);
    }
    named
}

/// The names between the brackets of a match.
fn columns<'a>(text: &'a [u8], found: &Range<usize>) -> Vec<&'a str> {
    let head = &text[found.clone()];
    let open = head.iter().position(|b| *b == b'(').map_or(head.len(), |at| at + 1);
    let close = head[open..].iter().position(|b| *b == b')').map_or(open, |at| open + at);
    let quotes = |c: char| c.is_whitespace() || "`\"[]'".contains(c);
    let list = std::str::from_utf8(&head[open..close]).unwrap_or_default();
    list.split(',').map(|name| name.trim_matches(quotes)).collect()
}

/// The fields of the row that begins at a bracket, where they are without their quotes, none for what is no literal; and the
/// place behind the row. Quotes within a literal are doubled or escaped.
fn row(text: &[u8], at: usize) -> Option<(Vec<Option<Range<usize>>>, usize)> {
    let mut fields = vec![None];
    let mut at = (text.get(at) == Some(&b'(')).then_some(at + 1)?;
    let mut depth = 1;
    loop {
        match *text.get(at)? {
            b'\'' => {
                let end = literal(text, at + 1)?;
                // What a call takes is not what it gives.
                if depth == 1 {
                    *fields.last_mut()? = Some(at + 1..end);
                }
                at = end;
            }
            b',' if depth == 1 => fields.push(None),
            b')' if depth == 1 => return Some((fields, at + 1)),
            b')' => depth -= 1,
            b'(' if depth < MAX_DEPTH => depth += 1,
            // A `\` stands in literals only; a text in which it hides their quotes from one statement and not from the next would
            // be read once for each of them.
            b'(' | b';' | b'\\' => return None,
            _ => {}
        }
        at += 1;
    }
}

/// Where a literal ends that begins at a place.
fn literal(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'\'', b'\\', &text[at..])?;
        match (text[at], text.get(at + 1)) {
            (b'\\', _) => at += 2,
            (_, Some(b'\'')) => at += 2,
            _ => return Some(at),
        }
        if at > text.len() {
            return None;
        }
    }
}

/// Whether a value has the length of a digest in hexadecimal: tables hold these in the place of passwords.
fn is_digest(value: &str) -> bool {
    matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, String, bool)> {
        let end = text.to_ascii_lowercase().find("values").unwrap();
        let end = end + text[end..].find('(').unwrap() + 1;
        let found = read(text.as_bytes(), &(0..end), Syntax::Settings);
        found.iter().map(|n| (n.assignment.name.to_owned(), n.assignment.value.to_owned(), n.aside)).collect()
    }

    #[test]
    fn columns_name_the_fields_of_their_rows() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned(), false);
        for (text, expected) in [
            ("INSERT INTO u (id, `password`) VALUES (1, 'Rope-7');", vec![pair("password", "Rope-7")]),
            (
                "insert into u (login, pass)\nvalues\n('joe', 'Rope-7'),\n ('it''s', 'a\\'b,(c')",
                vec![pair("login", "joe"), pair("pass", "Rope-7"), pair("login", "it''s"), pair("pass", "a\\'b,(c")],
            ),
            (
                "INSERT INTO u (a, b, c) VALUES (NULL, 'x', 1), (now(), 'y', md5(concat('p', 'q')))",
                vec![pair("b", "x"), pair("b", "y")],
            ),
            ("INSERT INTO u (a, b) VALUES ('x', f(g(h(i('y')))))", vec![]),
            ("INSERT INTO u (a) VALUES ('never closed", vec![]),
            ("INSERT INTO u (a) VALUES ('ends\\", vec![]),
            ("INSERT INTO u (a) VALUES (\\'x')", vec![]),
            ("INSERT INTO u (a) VALUES (?)", vec![]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
        let digest = format!("INSERT INTO u (password) VALUES ('{}')", "a1".repeat(16));
        assert!(named(&digest)[0].2);
    }
}
