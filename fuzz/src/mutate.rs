//! Mutations of seeds by a generator of fixed numbers: the same inputs in every run.

/// Pieces that readers treat specially, of every format at once.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\n",
    b"\r\n",
    b"\n----\n",
    b"\"",
    b"'",
    b"`",
    b"[[",
    b"]]",
    b"{{",
    b"}}",
    b"[rules]",
    b"[[rules]]",
    b"regex = '''",
    b"(?i)",
    b"{0,1000}",
    b"(((((((((",
    b"]]]]]]]]",
    b"&a",
    b"*a",
    b"<<: ",
    b"- ",
    b"? ",
    b"!!binary ",
    b"|",
    b">",
    b"%YAML 1.2\n---\n",
    b"..",
    b"../",
    b"/",
    b"**",
    b"^",
    b"~",
    b"@",
    b"HEAD~1",
    "é".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"\x1b[2J",
    b"<script>",
    b"]]>",
    b"::error::",
    b"-->",
    b"%0A",
    b"%",
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"!<arch>\n",
    b"ustar",
    b"DIRC",
    b"TREE",
    b"until=2030-01-31",
    b"testudo:ignore ",
    b" -- ",
    b"password = ",
    b"api_key: ",
    b"token=",
    b"{{alnum:40}}",
    b"{{base64:40}}",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"0x",
    b"nil",
    b"true",
    b" in ",
    b"??",
    b"?.",
    b"#",
    b"//",
    b"http://",
    b"https://",
    b"[::1]",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
];

/// Largest input that mutations make, in bytes.
const MOST: usize = 8192;

/// A generator (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator that begins with `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next_u64() % limit.max(1) as u64) as usize
    }
}

/// An input made of one of the seeds by a few changes; of nothing where there is no seed.
#[must_use]
pub fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = seeds.get(random.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(5) {
        change(&mut data, seeds, random);
    }
    data.truncate(MOST);
    data
}

fn change(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(data.len() + 1);
    let len = random.below(32).min(data.len() - at);
    match random.below(9) {
        0 | 1 => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            if let Some(byte) = data.get_mut(at) {
                *byte = random.next_u64() as u8;
            }
        }
        3 => drop(data.drain(at..at + len)),
        4 => drop(data.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
        5 => drop(data.splice(at..at + len, WORDS[random.below(WORDS.len())].iter().copied())),
        6 => {
            let piece = data[at..at + len].repeat(1 + random.below(8));
            data.splice(at..at, piece);
        }
        7 => {
            let other = seeds.get(random.below(seeds.len())).map_or(&[][..], Vec::as_slice);
            let from = random.below(other.len() + 1);
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
        _ => data.truncate(at),
    }
}
