//! Strings of a JSON document with their places: what readers of JSON files need, and no tree.
//!
//! The walk takes what it understands and stops at the first thing it does not; what was given until then stands. Depth is
//! limited, so that hostile nesting ends the walk and not the stack.

use std::ops::Range;

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// A scalar of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    /// Keys and positions from the root, each ended by `/`: `cells/0/source/3/`. Keys are as written, escapes included.
    pub(super) path: String,
    /// The value: inside the quotes of a string, the whole of anything else.
    pub(super) range: Range<usize>,
    /// Whether it is a string.
    pub(super) string: bool,
}

/// Every scalar in the order of the text, from `start` on to the end of one value.
pub(super) fn scalars(text: &str, start: usize) -> Vec<Scalar> {
    let mut walk = Walk { text: text.as_bytes(), at: start, path: String::new(), found: Vec::new() };
    // What stands before the first thing that is no JSON is given all the same.
    let _complete = walk.value(0);
    walk.found
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
    path: String,
    found: Vec<Scalar>,
}

impl Walk<'_> {
    fn space(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.space()? {
            _ if depth > MAX_DEPTH => None,
            b'{' => self.members(depth, b'}'),
            b'[' => self.members(depth, b']'),
            b'"' => {
                let range = self.string()?;
                self.found.push(Scalar { path: self.path.clone(), range, string: true });
                Some(())
            }
            _ => {
                let plain = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
                let end = self.at + self.text[self.at..].iter().take_while(plain).count();
                let range = self.at..end;
                self.at = end;
                (!range.is_empty()).then(|| {
                    self.found.push(Scalar { path: self.path.clone(), range, string: false });
                })
            }
        }
    }

    /// The inside of an object or a list.
    fn members(&mut self, depth: usize, close: u8) -> Option<()> {
        self.at += 1;
        let length = self.path.len();
        for position in 0.. {
            if self.space()? == close {
                break;
            }
            if close == b'}' {
                let key = self.string()?;
                let key = String::from_utf8_lossy(&self.text[key]);
                self.path.push_str(&key);
                if self.space()? != b':' {
                    return None;
                }
                self.at += 1;
            } else {
                self.path.push_str(&position.to_string());
            }
            self.path.push('/');
            self.value(depth + 1)?;
            self.path.truncate(length);
            match self.space()? {
                b',' => self.at += 1,
                b if b == close => break,
                _ => return None,
            }
        }
        self.at += 1;
        Some(())
    }

    /// The inside of a string that begins here.
    fn string(&mut self) -> Option<Range<usize>> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return Some(start..at);
            }
            at += 2;
        }
    }
}

/// The text of a string (RFC 8259 section 7) with the place of each of its bytes. Broken escapes stand for themselves.
pub(super) fn unescape(text: &[u8], range: Range<usize>, out: &mut Vec<u8>, places: &mut Vec<usize>) {
    let mut at = range.start;
    while at < range.end {
        let escape = (text[at] == b'\\').then(|| text.get(at + 1)).flatten();
        let (bytes, used): (Vec<u8>, usize) = match escape {
            Some(b'n') => (vec![b'\n'], 2),
            Some(b't') => (vec![b'\t'], 2),
            Some(b'r') => (vec![b'\r'], 2),
            Some(b @ (b'"' | b'\\' | b'/')) => (vec![*b], 2),
            Some(b'u') => {
                let digits = text.get(at + 2..at + 6).and_then(|d| std::str::from_utf8(d).ok());
                let point = digits.and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32);
                point.map_or((vec![b'\\'], 1), |c| (c.to_string().into_bytes(), 6))
            }
            _ => (vec![text[at]], 1),
        };
        places.extend(std::iter::repeat_n(at, bytes.len()));
        out.extend(bytes);
        at += used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(text: &str) -> Vec<(String, &str)> {
        scalars(text, 0).into_iter().map(|s| (s.path, &text[s.range])).collect()
    }

    #[test]
    fn scalars_have_paths_and_places() {
        let text = r#"{"a": {"b": ["x", 12, true]}, "c": "q\"r", "d": [] }"#;
        let expected = [("a/b/0/", "x"), ("a/b/1/", "12"), ("a/b/2/", "true"), ("c/", "q\\\"r")];
        assert_eq!(walked(text), expected.map(|(p, v)| (p.to_owned(), v)));
        assert_eq!(walked(r#"{"a": "x", "b" "y"}"#), [("a/".to_owned(), "x")]);
    }

    #[test]
    fn escapes_keep_their_places() {
        let text = br#"a\n\u00e4\"b"#;
        let (mut out, mut places) = (Vec::new(), Vec::new());
        unescape(text, 0..text.len(), &mut out, &mut places);
        assert_eq!((String::from_utf8_lossy(&out).as_ref(), places), ("a\nä\"b", vec![0, 1, 3, 3, 9, 11]));
    }

    #[test]
    fn any_text_ends_the_walk_and_nothing_else() {
        let pieces = ["{", "}", "[", "]", "\"", "\\", ":", ",", "a", "\"k\":", " ", "1", "ä"];
        let mut state = 11u64;
        for _ in 0..4000 {
            let mut text = String::new();
            for _ in 0..24 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            for scalar in scalars(&text, 0) {
                let (mut out, mut places) = (Vec::new(), Vec::new());
                unescape(text.as_bytes(), scalar.range.clone(), &mut out, &mut places);
                assert!(text.get(scalar.range).is_some() && out.len() == places.len(), "{text}");
            }
        }
        assert!(scalars(&"[".repeat(100_000), 0).is_empty());
    }
}
