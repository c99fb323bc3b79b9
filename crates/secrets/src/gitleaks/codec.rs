//! Decoding passes: percent, Unicode escapes, hexadecimal and base64, each pass over the result of the one before.

use std::{collections::HashMap, ops::Range};

/// An encoding, by its bit. Higher precedence wins where matches touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Percent = 1,
    Unicode = 2,
    Hex = 4,
    Base64 = 8,
}

const NAMES: [(u8, &str); 4] = [(1, "percent"), (2, "unicode"), (4, "hex"), (8, "base64")];

/// A stretch that was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it came from in the undecoded text.
    original: Range<usize>,
    /// Where it stood in the text of the pass before.
    encoded: Range<usize>,
    /// Where its decoded form stands in the text of this pass.
    pub(super) decoded: Range<usize>,
    encodings: u8,
    depth: usize,
}

/// Remembers what was decoded already.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    known: HashMap<Vec<u8>, Vec<u8>>,
    /// Segments of every pass, oldest first.
    passes: Vec<Vec<Segment>>,
}

impl Decoder {
    /// Segments of the latest pass.
    pub(super) fn segments(&self) -> &[Segment] {
        self.passes.last().map(Vec::as_slice).unwrap_or_default()
    }

    /// Decodes one pass. Returns none where nothing is encoded.
    pub(super) fn decode(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let mut segments: Vec<Segment> = Vec::new();
        let (mut out, mut at) = (Vec::new(), 0);
        for (kind, range) in matches(data) {
            let encoded = &data[range.clone()];
            if kind == Kind::Base64 && !is_plausible(encoded) {
                continue;
            }
            if !self.known.contains_key(encoded) {
                self.known.insert(encoded.to_vec(), decode(kind, encoded));
            }
            let decoded = &self.known[encoded];
            if decoded.is_empty() {
                continue;
            }
            out.extend_from_slice(&data[at..range.start]);
            let start = out.len();
            out.extend_from_slice(decoded);
            at = range.end;
            let previous = self.segments();
            let earlier =
                previous.iter().filter(|p| overlaps(&range, &p.decoded)).fold(0, |bits, p| bits | p.encodings);
            segments.push(Segment {
                original: self.to_original(self.passes.len(), range.clone()),
                encoded: range,
                decoded: start..out.len(),
                encodings: kind as u8 | earlier,
                depth: previous.first().map_or(1, |p| p.depth + 1),
            });
        }
        if segments.is_empty() {
            return None;
        }
        out.extend_from_slice(&data[at..]);
        self.passes.push(segments);
        Some(out)
    }

    /// Segments of the latest pass that touch a match.
    pub(super) fn touching(&self, range: &Range<usize>) -> Vec<Segment> {
        self.segments().iter().filter(|s| overlaps(&s.decoded, range)).cloned().collect()
    }

    /// The place in the undecoded text of a match in the latest pass.
    pub(super) fn original(&self, touching: &[Segment], range: Range<usize>) -> Range<usize> {
        self.map(touching, self.passes.len() - 1, range)
    }

    /// Maps a range of the text after `passes` passes to the undecoded text.
    fn to_original(&self, passes: usize, range: Range<usize>) -> Range<usize> {
        match passes.checked_sub(1) {
            None => range,
            Some(pass) => self.map(&self.passes[pass], pass, range),
        }
    }

    fn map(&self, segments: &[Segment], pass: usize, range: Range<usize>) -> Range<usize> {
        let mut encoded: Option<Range<i64>> = None;
        for segment in segments.iter().filter(|s| overlaps(&s.decoded, &range)) {
            let decoded = &segment.decoded;
            if decoded.start <= range.start && range.end <= decoded.end {
                return segment.original.clone();
            }
            let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let start = signed(segment.encoded.start) + signed(decoded.start.min(range.start)) - signed(decoded.start);
            let end = signed(segment.encoded.end) + signed(decoded.end.max(range.end)) - signed(decoded.end);
            encoded = Some(match encoded {
                Some(e) if e.end != 0 => e.start.min(start)..e.end.max(end),
                _ => start..end,
            });
        }
        match encoded.filter(|e| e.end != 0) {
            None => range,
            Some(e) => {
                let unsigned = |n: i64| usize::try_from(n).unwrap_or(0);
                self.to_original(pass, unsigned(e.start)..unsigned(e.end))
            }
        }
    }
}

/// A line after decoding.
#[derive(Debug)]
pub struct Hidden<'a> {
    /// The decoded line.
    pub text: &'a [u8],
    /// Offset of the line in the whole text.
    line_start: usize,
    line_len: usize,
    decoder: &'a Decoder,
}

impl Hidden<'_> {
    /// Where the whole line is in the text.
    #[must_use]
    pub fn line(&self) -> Range<usize> {
        self.line_start..self.line_start + self.line_len
    }

    /// Where a range of the decoded line came from, and the names of its encodings; none where nothing of it was encoded.
    #[must_use]
    pub fn origin(&self, range: &Range<usize>) -> Option<(Range<usize>, Vec<String>)> {
        let touching: Vec<Segment> = self
            .decoder
            .segments()
            .iter()
            .filter(|s| s.decoded.start < range.end && range.start < s.decoded.end)
            .cloned()
            .collect();
        let bits = touching.iter().fold(0, |bits, s| bits | s.encodings);
        let names = NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| (*name).to_owned()).collect();
        let original = (!touching.is_empty()).then(|| self.decoder.original(&touching, range.clone()))?;
        Some((self.line_start + original.start..self.line_start + original.end, names))
    }
}

/// Decodes a text line by line, so that a megabyte of data costs no more than its lines.
#[derive(Debug, Clone, Copy)]
pub struct LineDecoder {
    depth: usize,
}

impl LineDecoder {
    /// A decoder of at most `depth` passes.
    #[must_use]
    pub fn new(depth: usize) -> Self {
        Self { depth }
    }

    /// Gives every pass of every line in which something was encoded.
    pub fn decode(&self, text: &[u8], each: &mut dyn FnMut(&Hidden<'_>)) {
        let (mut signs, mut from) = (Signs::new(text), 0);
        while let Some(sign) = signs.next(from) {
            let line_start = memchr::memrchr(b'\n', &text[..sign]).map_or(0, |p| p + 1);
            let line_end = memchr::memchr(b'\n', &text[sign..]).map_or(text.len(), |p| sign + p + 1);
            let line = &text[line_start..line_end];
            from = line_end;
            let mut decoder = Decoder::default();
            let mut current: Option<Vec<u8>> = None;
            for _ in 0..self.depth {
                let Some(next) = decoder.decode(current.as_deref().unwrap_or(line)) else { break };
                each(&Hidden { text: &next, line_start, line_len: line.len(), decoder: &decoder });
                current = Some(next);
            }
        }
    }
}

/// Where something may be encoded: what [`matches`] finds begins with a run of 16, a percent sequence, an escape, or the
/// `U+` of a code point. Lines without any of these are passed over quickly.
struct Signs<'a> {
    text: &'a [u8],
    run: Option<usize>,
    special: Option<usize>,
}

/// Shortest run that is taken for base64.
const RUN_LEN: usize = 16;

impl<'a> Signs<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, run: next_run(text, 0), special: next_special(text, 0) }
    }

    /// The first sign at or behind `from`; calls go forward.
    fn next(&mut self, from: usize) -> Option<usize> {
        if self.run.is_some_and(|at| at < from) {
            self.run = next_run(self.text, from);
        }
        if self.special.is_some_and(|at| at < from) {
            self.special = next_special(self.text, from);
        }
        match (self.run, self.special) {
            (Some(run), Some(special)) => Some(run.min(special)),
            (run, special) => run.or(special),
        }
    }
}

/// Looks from the end of each window: mostly a few bytes decide about sixteen.
fn next_run(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(window) = text.get(at..at + RUN_LEN) {
        match window.iter().rposition(|b| !is_run(*b)) {
            None => return Some(at),
            Some(last) => at += last + 1,
        }
    }
    None
}

fn next_special(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr3_iter(b'%', b'\\', b'+', text.get(from..)?).map(|p| from + p).find(|p| match text[*p] {
        b'%' => is_percent(text, *p),
        b'\\' => escape_len(text, *p).is_some(),
        _ => *p > 0 && text[*p - 1] == b'U' && text.get(*p + 1).is_some_and(|b| is_hex(*b)),
    })
}

/// Whether a run can be base64 of printable bytes, told from its first groups: identifiers and paths seldom can.
fn is_plausible(encoded: &[u8]) -> bool {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    encoded.chunks_exact(4).take(8).all(|group| {
        let bits = group.iter().try_fold(0u32, |bits, byte| value(*byte).map(|v| bits << 6 | u32::from(v)));
        // Padding is left to the decoder.
        bits.is_none_or(|bits| bits.to_be_bytes()[1..].iter().all(|byte| printable(*byte)))
    })
}

/// Labels of decoded findings.
pub(super) fn tags(segments: &[Segment]) -> Vec<String> {
    let bits = segments.iter().fold(0, |bits, s| bits | s.encodings);
    let names = NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| format!("decoded:{name}"));
    names.chain(segments.first().map(|s| format!("decode-depth:{}", s.depth))).collect()
}

/// The line of the decoded text around the segments, from the line break before it (included) to the one behind.
pub(super) fn current_line<'a>(segments: &[Segment], text: &'a [u8]) -> &'a [u8] {
    let start = segments.iter().map(|s| s.decoded.start).min().unwrap_or(0);
    let end = segments.iter().map(|s| s.decoded.end).max().unwrap_or(text.len()).min(text.len());
    let from = text[..(start + 1).min(text.len())].iter().rposition(|b| *b == b'\n').unwrap_or(0);
    let to = text[end..].iter().position(|b| *b == b'\n').map_or(text.len(), |p| end + p);
    text.get(from..to).unwrap_or_default()
}

/// Touching counts as overlapping, as gitleaks has it.
fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    b.start <= a.end && b.end >= a.start
}

const RUN: u8 = 1;
const HEX: u8 = 2;
const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'+' | b'-') {
            table[byte] |= RUN;
        }
        if b.is_ascii_hexdigit() {
            table[byte] |= HEX;
        }
        byte += 1;
    }
    table
}

fn is_run(byte: u8) -> bool {
    CLASS[usize::from(byte)] & RUN != 0
}

fn is_hex(byte: u8) -> bool {
    CLASS[usize::from(byte)] & HEX != 0
}

/// Every encoded stretch, leftmost first; of two that touch, the one of higher precedence.
fn matches(data: &[u8]) -> Vec<(Kind, Range<usize>)> {
    let mut all: Vec<(Kind, Range<usize>)> = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let byte = data[at];
        if is_run(byte) {
            at = run(data, at, &mut all);
        } else if byte == b'%' && is_percent(data, at) {
            let end = percent_end(data, at);
            all.push((Kind::Percent, at..end));
            at = end;
        } else if byte == b'\\'
            && let Some(end) = escapes_end(data, at)
        {
            all.push((Kind::Unicode, at..end));
            at = end;
        } else {
            at += 1;
        }
    }
    if all.len() < 2 {
        return all;
    }
    let loses = |m: &(Kind, Range<usize>), other: Option<&(Kind, Range<usize>)>| {
        other.is_some_and(|o| overlaps(&m.1, &o.1) && (o.0 as u8) < m.0 as u8)
    };
    let kept = all
        .iter()
        .enumerate()
        .filter(|(i, m)| !loses(m, i.checked_sub(1).and_then(|p| all.get(p))) && !loses(m, all.get(i + 1)));
    kept.map(|(_, m)| m.clone()).collect()
}

/// Handles a run of letters, digits and `_/+-` from `at` on; returns where to go on.
fn run(data: &[u8], at: usize, all: &mut Vec<(Kind, Range<usize>)>) -> usize {
    let end = data[at..].iter().position(|b| !is_run(*b)).map_or(data.len(), |p| at + p);
    let mut from = at;
    // Code points (`U+0041 `) end in white space or the text, so they reach the end of the run or begin inside it.
    if end - from < RUN_LEN {
        let point = (from..end).find_map(|p| points_end(data, p).map(|e| (p, e)));
        return point.map_or(end, |(start, stop)| {
            all.push((Kind::Unicode, start..stop));
            stop
        });
    }
    if let Some(stop) = points_end(data, from) {
        all.push((Kind::Unicode, from..stop));
        return stop;
    }
    let hex = data[from..end].iter().position(|b| !is_hex(*b)).map_or(end, |p| from + p);
    if hex - from >= 32 {
        all.push((Kind::Hex, from..hex));
        from = hex;
        return if from < end { run(data, from, all) } else { end };
    }
    let padding = data[end..].iter().take(2).take_while(|b| **b == b'=').count();
    all.push((Kind::Base64, from..end + padding));
    end + padding
}

fn is_percent(data: &[u8], at: usize) -> bool {
    data.get(at) == Some(&b'%')
        && data.get(at + 1).is_some_and(|b| is_hex(*b))
        && data.get(at + 2).is_some_and(|b| is_hex(*b))
}

/// From one percent sequence to the last one of its line.
fn percent_end(data: &[u8], at: usize) -> usize {
    let line_end = data[at..].iter().position(|b| *b == b'\n').map_or(data.len(), |p| at + p);
    let last = (at + 3..line_end).rev().find(|p| *p + 3 <= line_end && is_percent(data, *p));
    last.map_or(at + 3, |p| p + 3)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn points_end(data: &[u8], at: usize) -> Option<usize> {
    let mut end = None;
    let mut p = at;
    while data.get(p..p + 2) == Some(b"U+") && data.get(p + 2..p + 6).is_some_and(|h| h.iter().all(|b| is_hex(*b))) {
        match data.get(p + 6) {
            None => return Some(p + 6),
            Some(b) if is_space(*b) => p += 7,
            Some(_) => break,
        }
        end = Some(p);
    }
    end
}

fn escapes_end(data: &[u8], at: usize) -> Option<usize> {
    let mut p = at;
    while let Some(used) = escape_len(data, p) {
        p += used;
    }
    (p > at).then_some(p)
}

fn escape_len(data: &[u8], at: usize) -> Option<usize> {
    let slashes = data[at..].iter().take(2).take_while(|b| **b == b'\\').count();
    let fits = |n: usize| {
        let rest = data.get(at + n..at + n + 5)?;
        (rest[0].eq_ignore_ascii_case(&b'u') && rest[1..].iter().all(|b| is_hex(*b))).then_some(n + 5)
    };
    (1..=slashes).rev().find_map(fits)
}

fn decode(kind: Kind, encoded: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Percent => percent(encoded),
        Kind::Unicode => unicode(encoded),
        Kind::Hex => hex(encoded),
        Kind::Base64 => base64(encoded),
    }
    .unwrap_or_default()
}

/// What gitleaks calls printable: everything from tabulator to tilde.
fn printable(byte: u8) -> bool {
    byte > 8 && byte < 0x7f
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

fn percent(encoded: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut at) = (Vec::with_capacity(encoded.len()), 0);
    while at < encoded.len() {
        // A sequence at the very end needs a byte behind it to count, as gitleaks has it.
        let pair = if encoded[at] == b'%' && at + 2 < encoded.len() {
            nibble(encoded[at + 1]).zip(nibble(encoded[at + 2]))
        } else {
            None
        };
        match pair {
            Some((high, low)) => {
                let byte = high << 4 | low;
                if !printable(byte) {
                    return None;
                }
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(encoded[at]);
                at += 1;
            }
        }
    }
    Some(out)
}

fn unicode(encoded: &[u8]) -> Option<Vec<u8>> {
    let points = encoded.starts_with(b"U+");
    let mut text = String::new();
    let mut at = 0;
    while at < encoded.len() {
        let (skip, used) = if points {
            (2, 7)
        } else {
            let n = escape_len(encoded, at)?;
            (n - 4, n)
        };
        let digits = encoded.get(at + skip..at + skip + 4)?;
        let value = digits.iter().try_fold(0u32, |v, b| nibble(*b).map(|d| v << 4 | u32::from(d)))?;
        text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
        at += used;
    }
    Some(text.into_bytes())
}

fn hex(encoded: &[u8]) -> Option<Vec<u8>> {
    if !encoded.len().is_multiple_of(2) || !encoded.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let bytes = encoded.chunks(2).map(|p| Some(nibble(p[0])? << 4 | nibble(p[1])?).filter(|b| printable(*b)));
    bytes.collect()
}

fn base64(encoded: &[u8]) -> Option<Vec<u8>> {
    if !encoded.iter().any(|b| b.is_ascii_digit() || matches!(b, b'+' | b'/' | b'-' | b'_')) {
        return None;
    }
    let all_printable = |bytes: &Vec<u8>| bytes.iter().all(|b| printable(*b));
    standard(encoded).filter(all_printable).or_else(|| crate::base64::url_raw(encoded).filter(all_printable))
}

fn standard(encoded: &[u8]) -> Option<Vec<u8>> {
    crate::base64::standard_padded(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(text: &str) -> Option<String> {
        Decoder::default().decode(text.as_bytes()).map(|b| String::from_utf8_lossy(&b).into_owned())
    }

    #[test]
    fn one_pass_of_each_encoding() {
        for (text, expected) in [
            ("plain text here", None),
            ("x=bXktc2VjcmV0LXZhbHVl y", Some("x=my-secret-value y")),
            ("x=bXktc2VjcmV0LXZhbHVlLWE= y", Some("x=my-secret-value-a y")),
            ("6d792d7365637265742d76616c75652d61", Some("my-secret-value-a")),
            ("a%3Db%26c ", Some("a=b&c ")),
            (r"\u0061\u0062!", Some("ab!")),
            ("U+0061 U+0062 .", Some("ab.")),
            ("not_base64_but_an_identifier", None),
        ] {
            assert_eq!(pass(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn matches_are_mapped_back_to_the_encoded_text() {
        let text = b"key: Ylhrc2MyVmpjbVYwTFhaaGJIVmw=".to_vec();
        let mut decoder = Decoder::default();
        let mut current = text;
        while let Some(next) = decoder.decode(&current) {
            current = next;
        }
        let range = 5..current.len();
        let touching = decoder.touching(&range);
        assert_eq!(decoder.original(&touching, range), 5..33);
        assert_eq!(tags(&touching).last().map(String::as_str), Some("decode-depth:2"));
    }

    #[test]
    fn only_lines_with_signs_are_looked_at_and_none_is_missed() {
        let pieces =
            ["abc", "QUJDREVGR0hJSktM", " ", "\n", "%", "41", "\\", "u0041", "U+", "0041 ", "=", "-", "\u{e9}"];
        let mut state = 11u64;
        for _ in 0..4000 {
            let mut text = String::new();
            for _ in 0..14 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            for line in text.split_inclusive('\n') {
                expected.extend(Decoder::default().decode(line.as_bytes()));
            }
            LineDecoder::new(1).decode(text.as_bytes(), &mut |hidden| found.push(hidden.text.to_vec()));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn random_text_never_panics() {
        let pieces = [
            &b"%41"[..],
            b"\\u0041",
            b"U+0041 ",
            b"QUJDREVGR0hJSktM",
            b"41424344454647484950515253545556",
            b"\n",
            b"=",
            b"\\",
            b"\xff",
            b" ",
        ];
        let mut state = 3u64;
        for _ in 0..3000 {
            let mut text = Vec::new();
            for _ in 0..16 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.extend_from_slice(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let mut decoder = Decoder::default();
            for _ in 0..5 {
                let Some(next) = decoder.decode(&text) else { break };
                let range = 0..next.len();
                let touching = decoder.touching(&range);
                assert!(decoder.original(&touching, range).start <= text.len() * 4);
                current_line(&touching, &next);
                text = next;
            }
        }
    }
}
