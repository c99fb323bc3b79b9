//! Checksums that issuers build into their tokens.

/// CRC-32 of IEEE 802.3, as zlib computes it.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 != 0 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    })
}

/// A number in base 62 (digits, upper case, lower case), at least `width` digits.
#[must_use]
pub fn base62(mut value: u32, width: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    while value > 0 || digits.len() < width {
        digits.push(char::from(DIGITS[(value % 62) as usize]));
        value /= 62;
    }
    digits.iter().rev().collect()
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
