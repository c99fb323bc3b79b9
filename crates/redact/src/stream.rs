//! Masking of known values in a stream: what a program prints while it holds secrets, cut into pieces wherever the pipe cuts.
//!
//! A value is found as it is and in the forms in which programs print values: base64 at each of its three alignments,
//! hexadecimal, percent-encoded, escaped for JSON, for XML and for a shell; of a value of several lines each line by
//! itself. Overlapping matches are masked together. While a form may be on its way, what is printed is held back by the
//! length of the longest form less one byte, so that no cut hides a value.

use std::{collections::BTreeSet, ops::Range};

use aho_corasick::{
    Anchored,
    automaton::{Automaton, StateID},
    dfa, nfa,
};

/// Values below this many bytes are not masked: their bytes stand everywhere, and marks everywhere would tell them.
pub const SHORTEST: usize = 4;
/// A line of a value and an encoded form count from this many bytes on.
const SHORTEST_PART: usize = 6;
/// Bytes of all forms up to which the fast automaton is built, which takes some hundred bytes for each of them.
const MOST_FOR_DFA: usize = 1 << 16;
/// Shortest line into which base64 is broken, in characters.
const SHORTEST_LINE: usize = 56;
/// Pieces of base64 that are found by themselves: long enough to stand nowhere by chance, so short that no line hides more.
const PIECE: usize = 10;
/// Longest value whose base64 is found in lines, in bytes: a key is far shorter.
const MOST_WRAPPED: usize = 16 << 10;
/// What stands in the place of a value.
const MASK: &[u8] = b"***";

#[derive(Debug)]
enum Machine {
    Fast(dfa::DFA),
    Small(nfa::contiguous::NFA),
    Nothing,
}

/// Knows the forms of the values.
#[derive(Debug)]
pub struct Masker {
    machine: Machine,
    /// Length of the longest form.
    longest: usize,
}

/// What a masker was made of.
#[derive(Debug)]
pub struct Made {
    /// The masker.
    pub masker: Masker,
    /// Numbers of the values that are too short to be masked, in order. Whoever runs a program with them says so.
    pub too_short: Vec<usize>,
}

impl Masker {
    /// Prepares values. Empty ones are passed over.
    ///
    /// # Errors
    /// The values are too many or too long for an automaton: more than two thousand million bytes.
    pub fn of<V: AsRef<[u8]>>(values: &[V]) -> Result<Made, TooMuch> {
        let (mut forms, mut too_short) = (BTreeSet::new(), Vec::new());
        for (number, value) in values.iter().enumerate() {
            let value = value.as_ref();
            match value.len() {
                0 => {}
                1..SHORTEST => too_short.push(number),
                _ => add_forms(value, &mut forms),
            }
        }
        let (total, longest) = forms.iter().fold((0, 0), |(total, most), f| (total + f.len(), most.max(f.len())));
        let machine = match total {
            0 => Machine::Nothing,
            1..=MOST_FOR_DFA => Machine::Fast(dfa::DFA::new(&forms).map_err(|_| TooMuch)?),
            _ => Machine::Small(nfa::contiguous::NFA::new(&forms).map_err(|_| TooMuch)?),
        };
        Ok(Made { masker: Self { machine, longest }, too_short })
    }

    /// Masks one stream.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream { masker: self, state: None, held: Vec::new(), base: 0, found: Vec::new(), open: false }
    }

    /// Masks a whole text.
    #[must_use]
    pub fn masked(&self, text: &[u8]) -> Vec<u8> {
        let (mut stream, mut out) = (self.stream(), Vec::with_capacity(text.len()));
        stream.push(text, &mut out);
        stream.finish(&mut out);
        out
    }
}

/// The values are too many or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch;

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the values to mask are too many or too long")
    }
}

impl std::error::Error for TooMuch {}

/// One stream on its way.
#[derive(Debug)]
pub struct Stream<'m> {
    masker: &'m Masker,
    state: Option<StateID>,
    /// What was pushed and not given out.
    held: Vec<u8>,
    /// Offset of the first held byte in the stream.
    base: usize,
    /// What is to be masked of the held bytes, as offsets in the stream: apart, in order.
    found: Vec<Range<usize>>,
    /// Whether the mask of a match that began before `base` was given out already.
    open: bool,
}

impl Stream<'_> {
    /// Takes more of the stream, and gives out what can hold no part of a value any more.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let at = self.base + self.held.len();
        match &self.masker.machine {
            Machine::Fast(machine) => self.state = Some(find(machine, self.state, bytes, at, &mut self.found)),
            Machine::Small(machine) => self.state = Some(find(machine, self.state, bytes, at, &mut self.found)),
            Machine::Nothing => {}
        }
        self.held.extend_from_slice(bytes);
        let end = self.base + self.held.len();
        // Where no form is on its way, nothing has to wait: a prompt or a line of a log is seen at once.
        let waits = if self.is_idle() { 0 } else { self.masker.longest.saturating_sub(1) };
        self.give(end.saturating_sub(waits).max(self.base), out);
    }

    /// Gives out the rest: the stream has ended.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.give(self.base + self.held.len(), out);
    }

    /// Whether what was pushed ends within no form.
    fn is_idle(&self) -> bool {
        match (&self.masker.machine, self.state) {
            (Machine::Fast(machine), Some(state)) => machine.is_start(state),
            (Machine::Small(machine), Some(state)) => machine.is_start(state),
            _ => true,
        }
    }

    /// Gives out everything before an offset.
    fn give(&mut self, until: usize, out: &mut Vec<u8>) {
        let mut at = self.base;
        let mut done = 0;
        for found in &mut self.found {
            if found.start >= until {
                break;
            }
            out.extend_from_slice(&self.held[at - self.base..found.start - self.base]);
            if !std::mem::take(&mut self.open) {
                out.extend_from_slice(MASK);
            }
            at = found.end.min(until);
            if found.end > until {
                // The rest of it, and what a later match adds to it, is under the same mask.
                (found.start, self.open) = (until, true);
                break;
            }
            done += 1;
        }
        out.extend_from_slice(&self.held[at - self.base..until - self.base]);
        self.found.drain(..done);
        self.held.drain(..until - self.base);
        self.base = until;
    }
}

/// Runs an automaton over more bytes, the first of which is at offset `at`, and adds what it finds.
fn find(
    machine: &impl Automaton,
    state: Option<StateID>,
    bytes: &[u8],
    at: usize,
    found: &mut Vec<Range<usize>>,
) -> StateID {
    let start =
        || machine.start_state(Anchored::No).expect("both automata are built for searches that are not anchored");
    let mut state = state.unwrap_or_else(start);
    for (offset, byte) in bytes.iter().enumerate() {
        state = machine.next_state(Anchored::No, state, *byte);
        if machine.is_special(state) && machine.is_match(state) {
            let lengths = (0..machine.match_len(state)).map(|n| machine.pattern_len(machine.match_pattern(state, n)));
            let end = at + offset + 1;
            add(found, end - lengths.max().unwrap_or(0)..end);
        }
    }
    state
}

/// Adds a match; ends come in order. Matches that overlap or touch become one.
fn add(found: &mut Vec<Range<usize>>, mut new: Range<usize>) {
    while let Some(last) = found.pop_if(|last| last.end >= new.start) {
        new.start = new.start.min(last.start);
    }
    found.push(new);
}

/// Adds every form of a value.
fn add_forms(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    add_forms_of(value, forms);
    let lines: Vec<&[u8]> = value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).collect();
    let whole = value.trim_ascii();
    // Lines and ends are often cut off on the way.
    for part in lines.into_iter().chain([whole]).filter(|part| part.len() >= SHORTEST_PART && *part != value) {
        add_forms_of(part, forms);
    }
}

fn add_forms_of(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    forms.insert(value.to_vec());
    let mut encoded: Vec<Vec<u8>> = (0..3).map(|before| base64_within(value, before)).collect();
    if value.len() <= MOST_WRAPPED {
        // Programs break base64 into lines of 60 to 76 characters: then its pieces are what is found.
        for form in encoded.iter().filter(|form| form.len() > SHORTEST_LINE) {
            forms.extend(form.windows(PIECE).map(<[u8]>::to_vec));
        }
    }
    encoded.extend(encoded.clone().iter().map(|form| url_safe(form)));
    encoded.extend([hex(value, b"0123456789abcdef"), hex(value, b"0123456789ABCDEF")]);
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        encoded.extend([percent(value, digits, b"%20"), percent(value, digits, b"+")]);
    }
    for table in [JSON, JSON_FOR_HTML, JSON_WITH_SLASHES, XML, SHELL] {
        encoded.push(escaped(value, table));
    }
    forms.extend(encoded.into_iter().filter(|form| form.len() >= SHORTEST_PART));
}

/// The characters of base64 (RFC 4648, section 4) that a value alone decides where `before` bytes stand before it in a group
/// of three.
fn base64_within(value: &[u8], before: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = (before + value.len()) * 8;
    let byte = |at: usize| at.checked_sub(before).and_then(|at| value.get(at)).copied().unwrap_or_default();
    let digit = |at: usize| {
        let (first, shift) = (at * 6 / 8, at * 6 % 8);
        let pair = u16::from(byte(first)) << 8 | u16::from(byte(first + 1));
        DIGITS[usize::from(pair >> (10 - shift) & 63)]
    };
    ((before * 8).div_ceil(6)..bits / 6).map(digit).collect()
}

/// The same in the alphabet of RFC 4648, section 5.
fn url_safe(form: &[u8]) -> Vec<u8> {
    let safe = |b: &u8| match b {
        b'+' => b'-',
        b'/' => b'_',
        other => *other,
    };
    form.iter().map(safe).collect()
}

fn hex(value: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    value.iter().flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]).collect()
}

/// Percent-encoding (RFC 3986, section 2) of all but unreserved characters.
fn percent(value: &[u8], digits: &[u8; 16], blank: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        match byte {
            b' ' => out.extend_from_slice(blank),
            b if b.is_ascii_alphanumeric() || b"-._~".contains(b) => out.push(*b),
            b => out.extend([b'%', digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]),
        }
    }
    out
}

/// What becomes of a byte.
type Table = fn(u8) -> Option<&'static str>;

/// Strings of JSON (RFC 8259, section 7).
const JSON: Table = |byte| match byte {
    b'"' => Some("\\\""),
    b'\\' => Some("\\\\"),
    b'\n' => Some("\\n"),
    b'\r' => Some("\\r"),
    b'\t' => Some("\\t"),
    _ => None,
};
/// The same as some writers escape what HTML would read.
const JSON_FOR_HTML: Table = |byte| match byte {
    b'<' => Some("\\u003c"),
    b'>' => Some("\\u003e"),
    b'&' => Some("\\u0026"),
    other => JSON(other),
};
/// The same as some writers escape slashes.
const JSON_WITH_SLASHES: Table = |byte| match byte {
    b'/' => Some("\\/"),
    other => JSON(other),
};
/// Character data of XML 1.0.
const XML: Table = |byte| match byte {
    b'&' => Some("&amp;"),
    b'<' => Some("&lt;"),
    b'>' => Some("&gt;"),
    b'"' => Some("&quot;"),
    _ => None,
};
/// Within single quotes of a POSIX shell.
const SHELL: Table = |byte| match byte {
    b'\'' => Some("'\\''"),
    _ => None,
};

fn escaped(value: &[u8], table: Table) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        match table(*byte) {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker(values: &[&str]) -> Masker {
        Masker::of(values).unwrap().masker
    }

    fn masked(values: &[&str], text: &str) -> String {
        String::from_utf8(masker(values).masked(text.as_bytes())).unwrap()
    }

    #[test]
    fn base64_in_lines_is_masked() {
        let value: Vec<u8> = (0..160_u32).map(|n| b'!' + u8::try_from(n * 37 % 90).unwrap()).collect();
        let masker = Masker::of(&[&value]).unwrap().masker;
        for (before, width) in [(0, 76), (1, 64), (5, 60)] {
            let text = base64_within(&value, before);
            let wrapped: Vec<u8> = text.chunks(width).flat_map(|line| [line, b"\n"].concat()).collect();
            let masked = masker.masked(&wrapped);
            let left = masked.split(|b| !b.is_ascii_alphanumeric() && *b != b'+' && *b != b'/').map(<[u8]>::len).max();
            assert!(left.unwrap() < PIECE, "{}", String::from_utf8_lossy(&masked));
        }
    }

    #[test]
    fn values_are_masked_in_every_form() {
        let value = "pa ss/\"w<o'rd+1";
        for (text, expected) in [
            ("a pa ss/\"w<o'rd+1 b", "a *** b"),
            ("pa%20ss%2F%22w%3Co%27rd%2B1", "***"),
            ("pa+ss%2f%22w%3co%27rd%2b1", "***"),
            ("{\"x\":\"pa ss/\\\"w<o'rd+1\"}", "{\"x\":\"***\"}"),
            ("pa ss\\/\\\"w<o'rd+1", "***"),
            ("pa ss/\\\"w\\u003co'rd+1", "***"),
            ("pa ss/&quot;w&lt;o'rd+1", "***"),
            ("'pa ss/\"w<o'\\''rd+1'", "'***'"),
            ("706120 70612073732f22773c6f2772642b31", "706120 ***"),
            ("pa ss/\"w<o'rd+", "pa ss/\"w<o'rd+"),
        ] {
            assert_eq!(masked(&[value], text), expected);
        }
        assert_eq!(masked(&["one", "", "first\nsecond line\n"], "one: first, second line."), "one: first, ***.");
        assert_eq!(Masker::of(&["one", "", "four"]).unwrap().too_short, [0]);
    }

    #[test]
    fn base64_is_masked_wherever_the_value_stands_in_it() {
        let value = "correct-horse?~";
        for before in 0..7 {
            for after in 0..4 {
                let text = [vec![b'x'; before], value.as_bytes().to_vec(), vec![b'y'; after]].concat();
                let whole = base64_within(&text, 0);
                for form in [whole.clone(), url_safe(&whole)] {
                    let shown = masker(&[value]).masked(&form);
                    let around = (before * 8).div_ceil(6) + 4 + after * 8 / 6;
                    assert!(shown.windows(3).any(|w| w == MASK) && shown.len() <= around + MASK.len(), "{shown:?}");
                }
            }
        }
    }

    #[test]
    fn matches_that_overlap_are_masked_together() {
        assert_eq!(masked(&["abcdef", "defghi", "cdef"], "xabcdefghiy abcdefabcdef"), "x***y ***");
        assert_eq!(masked(&["aaaa"], &"a".repeat(1000)), "***");
        assert_eq!(masked(&[], "text"), "text");
    }

    #[test]
    fn only_what_may_be_a_value_waits() {
        let masker = masker(&["secret-value"]);
        let (mut stream, mut out) = (masker.stream(), Vec::new());
        stream.push(b"name: ", &mut out);
        assert_eq!(out, b"name: ");
        stream.push(b"is sec", &mut out);
        assert_eq!(out, b"name: ");
        stream.push(b"ret-value\n", &mut out);
        assert_eq!(out, b"name: is ***\n");
    }

    /// No cut of the stream changes what comes out, and nothing of a value does.
    #[test]
    fn no_cut_lets_a_value_through() {
        let mut state = 5_u64;
        let mut number = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut letters = |most: usize, of: &[u8]| -> Vec<u8> {
            let length = 4 + number(most);
            (0..length).map(|_| of[number(of.len())]).collect()
        };
        for round in 0..2_000 {
            let values: Vec<Vec<u8>> = (0..3).map(|_| letters(12, b"abAB/+\"\\ \n<&'%")).collect();
            let made = Masker::of(&values).unwrap();
            let mut text = Vec::new();
            for _ in 0..6 {
                text.extend(letters(9, b"ab\"\\ %+/"));
                let value = &values[usize::from(letters(1, b"012")[0] - b'0')];
                let form = match letters(1, b"01234567")[0] {
                    b'0' => base64_within(value, 0),
                    b'1' => percent(value, b"0123456789ABCDEF", b"%20"),
                    b'2' => escaped(value, JSON),
                    b'3' => hex(value, b"0123456789abcdef"),
                    _ => value.clone(),
                };
                text.extend(form);
            }
            let whole = made.masker.masked(&text);
            let (mut stream, mut out) = (made.masker.stream(), Vec::new());
            let mut rest = text.as_slice();
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at((letters(5, b"a").len() - 3).min(rest.len()));
                stream.push(piece, &mut out);
                rest = behind;
            }
            stream.finish(&mut out);
            assert_eq!(out, whole, "round {round}");
            for value in &values {
                assert!(!out.windows(value.len()).any(|w| w == value.as_slice()), "round {round}: {value:?}");
            }
        }
    }

    #[test]
    fn many_long_values_take_little() {
        let values: Vec<String> = (0..200).map(|n| format!("{n:05}-").repeat(90)).collect();
        let made = Masker::of(&values).unwrap();
        assert!(matches!(made.masker.machine, Machine::Small(_)));
        assert_eq!(made.masker.masked(format!("a {} b", values[77]).as_bytes()), b"a *** b");
    }
}
