//! Recognising text, UTF-16, UTF-32 and binaries by their first bytes.

use crate::unit::Content;

/// How many bytes are looked at.
const HEAD: usize = 8192;

/// Decides how bytes are to be understood, and turns UTF-16 and UTF-32 into UTF-8.
#[must_use]
pub fn understand(bytes: Vec<u8>) -> (Vec<u8>, Content) {
    match encoding(&bytes) {
        Encoding::Bytes => (bytes, Content::Text),
        Encoding::Binary => (bytes, Content::Binary),
        Encoding::Wide(read, mark) => (read(&bytes[mark..]), Content::Transcoded),
    }
}

/// Whether the bytes are a text that [`understand`] turns into UTF-8.
#[must_use]
pub fn is_wide(bytes: &[u8]) -> bool {
    matches!(encoding(bytes), Encoding::Wide(..))
}

enum Encoding {
    Bytes,
    Binary,
    /// How to read it, behind so many bytes of a mark.
    Wide(fn(&[u8]) -> Vec<u8>, usize),
}

fn encoding(bytes: &[u8]) -> Encoding {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Encoding::Wide(|b| from_utf32(b, u32::from_le_bytes), 4),
        [0, 0, 0xfe, 0xff, ..] => Encoding::Wide(|b| from_utf32(b, u32::from_be_bytes), 4),
        [0xff, 0xfe, ..] => Encoding::Wide(|b| from_utf16(b, u16::from_le_bytes), 2),
        [0xfe, 0xff, ..] => Encoding::Wide(|b| from_utf16(b, u16::from_be_bytes), 2),
        all => match nul_pattern(&all[..all.len().min(HEAD)]) {
            Nuls::None => Encoding::Bytes,
            Nuls::LittleEndian => Encoding::Wide(|b| from_utf16(b, u16::from_le_bytes), 0),
            Nuls::BigEndian => Encoding::Wide(|b| from_utf16(b, u16::from_be_bytes), 0),
            Nuls::Other => Encoding::Binary,
        },
    }
}

fn from_utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Vec<u8> {
    let units = bytes.chunks_exact(4).map(|four| unit([four[0], four[1], four[2], four[3]]));
    units.map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes()
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes()
}

enum Nuls {
    None,
    LittleEndian,
    BigEndian,
    Other,
}

/// UTF-16 without a byte-order mark shows as a zero in nearly every second byte.
fn nul_pattern(head: &[u8]) -> Nuls {
    if !head.contains(&0) {
        return Nuls::None;
    }
    let count = |offset: usize| head.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd, half) = (count(0), count(1), head.len() / 2);
    if half >= 8 && odd * 10 >= half * 9 && even == 0 {
        Nuls::LittleEndian
    } else if half >= 8 && even * 10 >= half * 9 && odd == 0 {
        Nuls::BigEndian
    } else {
        Nuls::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_transcoded_with_and_without_mark() {
        let text = "password = hunter2-x";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: [u8; 2], body: &[u8]| [&mark, body].concat();
        for bytes in [little.clone(), big.clone(), marked([0xff, 0xfe], &little), marked([0xfe, 0xff], &big)] {
            assert_eq!(understand(bytes), (text.as_bytes().to_vec(), Content::Transcoded));
        }
        let wide: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(
            understand(marked([0xff, 0xfe], &[&[0, 0], wide.as_slice()].concat())),
            (text.as_bytes().to_vec(), Content::Transcoded)
        );
        assert!(is_wide(&little) && !is_wide(text.as_bytes()));
        assert_eq!(understand(b"plain".to_vec()).1, Content::Text);
        assert_eq!(understand(b"\x7fELF\0\0\0\x01\x02".to_vec()).1, Content::Binary);
    }
}
