//! Base64 (RFC 4648 sections 4 and 5) over byte slices.

fn value(byte: u8, symbols: (u8, u8)) -> Option<u32> {
    match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b if b == symbols.0 => Some(62),
        b if b == symbols.1 => Some(63),
        _ => None,
    }
}

fn decode(body: &[u8], symbols: (u8, u8)) -> Option<Vec<u8>> {
    if body.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() / 4 * 3 + 2);
    for group in body.chunks(4) {
        let bits = group.iter().try_fold(0u32, |bits, b| value(*b, symbols).map(|v| bits << 6 | v))?;
        let bits = bits << (6 * (4 - group.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(out)
}

/// The standard alphabet with the padding that the length asks for.
#[must_use]
pub fn standard_padded(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.iter().position(|b| *b == b'=').map_or(text, |p| &text[..p]);
    let padding = text.len() - body.len();
    (text.len().is_multiple_of(4) && padding <= 2).then(|| decode(body, (b'+', b'/'))).flatten()
}

/// The URL alphabet without padding.
#[must_use]
pub fn url_raw(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, (b'-', b'_'))
}

/// Either alphabet, padded or not: what people write.
#[must_use]
pub fn lenient(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.iter().position(|b| *b == b'=').map_or(text, |p| &text[..p]);
    if text[body.len()..].iter().any(|b| *b != b'=') || text.len() - body.len() > 2 {
        return None;
    }
    decode(body, (b'+', b'/')).or_else(|| decode(body, (b'-', b'_')))
}

/// The alphabet of RFC 4648 section 4.
pub const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// The alphabet of RFC 4648 section 5.
pub const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes with padding.
#[must_use]
pub fn encode(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = alphabet[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_4648() {
        for (text, plain) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(standard_padded(text.as_bytes()).as_deref(), Some(plain.as_bytes()));
            assert_eq!(encode(plain.as_bytes(), STANDARD), text);
            assert_eq!(url_raw(text.trim_end_matches('=').as_bytes()).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(standard_padded(b"Zg="), None);
        assert_eq!(url_raw(b"_-A").as_deref(), Some(&[0xff, 0xe0][..]));
        assert_eq!(lenient(b"a=b"), None);
    }
}
