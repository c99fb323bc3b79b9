//! Checksums that issuers build into their tokens.

/// CRC-32 of IEEE 802.3, as zlib computes it.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 != 0 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    })
}

/// Digits, upper case, lower case.
pub const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits, lower case.
pub const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A number in the base that `digits` has, at least `width` digits.
#[must_use]
pub fn in_base(mut value: u64, digits: &[u8], width: usize) -> String {
    let base = digits.len() as u64;
    let mut out = Vec::new();
    while value > 0 || out.len() < width {
        out.push(char::from(digits[(value % base) as usize]));
        value /= base;
    }
    out.iter().rev().collect()
}

/// A number in base 62 (digits, upper case, lower case), at least `width` digits.
#[must_use]
pub fn base62(value: u32, width: usize) -> String {
    in_base(u64::from(value), BASE62, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(
            (base62(0, 6), base62(62, 2), base62(61, 1)),
            ("000000".to_owned(), "10".to_owned(), "z".to_owned())
        );
    }
}
