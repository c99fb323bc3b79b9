//! One pass over a buffer that finds every occurrence of a few thousand literals, ASCII case-insensitively.
//!
//! Bytes are folded to 32 symbols, three neighbouring symbols make a 15-bit key, and a bitmap of 4 KiB
//! says whether any literal starts (or is best recognised) at such a key. Unlike an automaton the loop has
//! no load that depends on the load before it, builds in microseconds and lives in the first-level cache.

/// Occurrence of a literal: `literal` is its index in the list given to [`LiteralScanner::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// Byte offset of the first byte.
    pub(crate) start: usize,
    /// Index of the literal.
    pub(crate) literal: u32,
}

/// Symbol of a byte, below 32. Letters fold their case; all digits are one symbol.
const SYMBOL: [u8; 256] = symbols();

const fn symbols() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = match b {
            b'a'..=b'z' => b - b'a' + 1,
            b'A'..=b'Z' => b - b'A' + 1,
            b'0'..=b'9' => 27,
            b'_' => 28,
            b'-' => 29,
            b'.' | b'/' | b'+' | b'=' | b'$' | b'@' => 30,
            b':' | b'"' | b'\'' | b'<' | b'>' | b'{' => 31,
            _ => 0,
        };
        byte += 1;
    }
    table
}

const KEYS: usize = 1 << 15;
const KEY_MASK: usize = KEYS - 1;

/// Expected share of each key in source text is not uniform: literals are recognised at the three
/// letters that English and code use least. The table ranks symbols by rough frequency in code
/// (0 = rare), so that a sum over three symbols orders candidate offsets.
const FREQUENCY: [u8; 32] =
    [9, 8, 3, 5, 5, 9, 4, 4, 4, 8, 1, 2, 6, 5, 8, 8, 5, 1, 8, 8, 9, 5, 3, 3, 3, 3, 1, 4, 5, 3, 6, 6];

/// Finds literals; see the module text.
#[derive(Debug, Clone)]
pub(crate) struct LiteralScanner {
    bitmap: Vec<u64>,
    /// `buckets[heads[key]..heads[key + 1]]` are the literals recognised at `key`.
    heads: Vec<u32>,
    buckets: Vec<Entry>,
    bytes: Vec<u8>,
    longest: usize,
    /// Literals of fewer than three bytes.
    short: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    literal: u32,
    /// Where the key's first byte lies in the literal.
    offset: u32,
    start: u32,
    len: u32,
}

fn key_at(bytes: &[u8]) -> usize {
    (SYMBOL[usize::from(bytes[0])] as usize) << 10
        | (SYMBOL[usize::from(bytes[1])] as usize) << 5
        | SYMBOL[usize::from(bytes[2])] as usize
}

impl LiteralScanner {
    /// Builds a scanner. Literals are folded to lower case; empty ones never match.
    pub(crate) fn new<L: AsRef<[u8]>>(literals: &[L]) -> Self {
        let mut pairs: Vec<(usize, Entry)> = Vec::new();
        let mut bytes = Vec::new();
        let mut longest = 0;
        for (index, literal) in literals.iter().enumerate() {
            let folded = literal.as_ref().to_ascii_lowercase();
            longest = longest.max(folded.len());
            let start = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let len = u32::try_from(folded.len()).unwrap_or(u32::MAX);
            let literal = u32::try_from(index).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&folded);
            for (key, offset) in keys_of(&folded) {
                pairs.push((key, Entry { literal, offset, start, len }));
            }
        }
        pairs.sort_by_key(|(key, entry)| (*key, entry.literal));
        let mut bitmap = vec![0u64; KEYS / 64];
        let mut heads = vec![0u32; KEYS + 1];
        for (key, _) in &pairs {
            bitmap[key / 64] |= 1 << (key % 64);
            heads[key + 1] += 1;
        }
        for key in 0..KEYS {
            heads[key + 1] += heads[key];
        }
        let buckets: Vec<Entry> = pairs.into_iter().map(|(_, e)| e).collect();
        let mut short: Vec<Entry> = buckets.iter().filter(|e| e.len < 3).copied().collect();
        short.sort_by_key(|e| e.literal);
        short.dedup_by_key(|e| e.literal);
        Self { bitmap, heads, buckets, bytes, longest, short }
    }

    /// Length of the longest literal in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Calls `found` for every occurrence that lies inside `range` of `haystack`, in no promised order.
    pub(crate) fn scan(&self, haystack: &[u8], range: std::ops::Range<usize>, mut found: impl FnMut(Hit)) {
        let text = &haystack[range.clone()];
        if text.len() < 3 {
            self.verify_short(text, range.start, &mut found);
            return;
        }
        let bitmap: &[u64; KEYS / 64] = match self.bitmap.as_slice().try_into() {
            Ok(b) => b,
            Err(_) => return,
        };
        let mut key = (SYMBOL[usize::from(text[0])] as usize) << 5 | SYMBOL[usize::from(text[1])] as usize;
        for (at, &byte) in text[2..].iter().enumerate() {
            key = (key << 5 | SYMBOL[usize::from(byte)] as usize) & KEY_MASK;
            if bitmap[key >> 6] >> (key & 63) & 1 != 0 {
                self.verify(text, at, key, range.start, &mut found);
            }
        }
        self.verify_short(&text[text.len() - 2..], range.start + text.len() - 2, &mut found);
    }

    #[inline(never)]
    fn verify(&self, text: &[u8], at: usize, key: usize, base: usize, found: &mut impl FnMut(Hit)) {
        let bucket = &self.buckets[self.heads[key] as usize..self.heads[key + 1] as usize];
        for entry in bucket {
            let (offset, len) = (entry.offset as usize, entry.len as usize);
            let Some(start) = at.checked_sub(offset) else { continue };
            let Some(candidate) = text.get(start..start + len) else { continue };
            let literal = &self.bytes[entry.start as usize..entry.start as usize + len];
            if candidate.eq_ignore_ascii_case(literal) {
                found(Hit { start: base + start, literal: entry.literal });
            }
        }
    }

    /// Literals of one or two bytes that end with the text have no third symbol behind them.
    fn verify_short(&self, tail: &[u8], base: usize, found: &mut impl FnMut(Hit)) {
        for entry in &self.short {
            let len = entry.len as usize;
            let literal = &self.bytes[entry.start as usize..entry.start as usize + len];
            for start in 0..tail.len().saturating_sub(len - 1) {
                // Inside a longer text a short literal that does not touch the last byte was found by its key.
                let whole = tail.len() < 3 && base == 0 || start + len == tail.len() || start + 3 > tail.len();
                if whole && tail[start..start + len].eq_ignore_ascii_case(literal) {
                    found(Hit { start: base + start, literal: entry.literal });
                }
            }
        }
    }
}

/// The keys at which a literal is recognised: one for a literal of three bytes or more (the rarest by
/// [`FREQUENCY`]), every completion for a shorter one.
fn keys_of(folded: &[u8]) -> Vec<(usize, u32)> {
    match folded.len() {
        0 => Vec::new(),
        1 => (0..1 << 10).map(|rest| ((SYMBOL[usize::from(folded[0])] as usize) << 10 | rest, 0)).collect(),
        2 => {
            let head = (SYMBOL[usize::from(folded[0])] as usize) << 10 | (SYMBOL[usize::from(folded[1])] as usize) << 5;
            (0..1 << 5).map(|rest| (head | rest, 0)).collect()
        }
        _ => {
            let weight =
                |w: &[u8]| w.iter().map(|b| u32::from(FREQUENCY[usize::from(SYMBOL[usize::from(*b)])])).sum::<u32>();
            let best = folded.windows(3).enumerate().min_by_key(|(at, w)| (weight(w), *at));
            best.map(|(at, w)| (key_at(w), u32::try_from(at).unwrap_or(0))).into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(literals: &[&str], text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (index, literal) in literals.iter().enumerate() {
            for start in 0..text.len() {
                if text[start..].len() >= literal.len()
                    && text[start..start + literal.len()].eq_ignore_ascii_case(literal.as_bytes())
                {
                    hits.push(Hit { start, literal: index as u32 });
                }
            }
        }
        hits.sort();
        hits
    }

    fn scanned(literals: &[&str], text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        LiteralScanner::new(literals).scan(text, 0..text.len(), |hit| hits.push(hit));
        hits.sort();
        hits
    }

    #[test]
    fn finds_what_a_naive_search_finds() {
        let literals = ["key", "api", "apikey", "ghp_", "a3t", "sk", "x", "-----begin", "secret", "1//0", "ey"];
        let alphabet = b"apikeyAPIKEYghp_sk-x 3tT\n0/1\xc3\x28:=.secret-begin";
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..2000 {
            let mut text = Vec::new();
            for _ in 0..round % 97 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            assert_eq!(scanned(&literals, &text), naive(&literals, &text), "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn respects_the_range() {
        let text = b"key key key";
        let mut hits = Vec::new();
        LiteralScanner::new(&["key"]).scan(text, 1..9, |hit| hits.push(hit.start));
        assert_eq!(hits, [4]);
    }
}
