//! MD5, SHA-1 and HMAC, which signed requests of some vendors still need. Nothing of ours relies on them.

use sha2::{Digest, Sha256};

/// Bytes that all digests here take at a time.
const BLOCK: usize = 64;

/// MD5 (RFC 1321).
pub(super) fn md5(message: &[u8]) -> Vec<u8> {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(message, u64::to_le_bytes).chunks_exact(BLOCK) {
        let words = words(block, u32::from_le_bytes);
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (mixed, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            // The table of the RFC is the whole part of 2^32 |sin(i + 1)|.
            let constant = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (slot, value) in state.iter_mut().zip([a, b, c, d]) {
            *slot = slot.wrapping_add(value);
        }
    }
    state.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// SHA-1 (FIPS 180-4).
pub(super) fn sha1(message: &[u8]) -> Vec<u8> {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(message, u64::to_be_bytes).chunks_exact(BLOCK) {
        let mut schedule = words(block, u32::from_be_bytes);
        for i in 16..80 {
            let word = schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16];
            schedule.push(word.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in schedule.iter().enumerate() {
            let (mixed, constant) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999_u32),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let sum = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (slot, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *slot = slot.wrapping_add(value);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// SHA-256 (FIPS 180-4).
pub(super) fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// HMAC (RFC 2104) over one of the digests here.
pub(super) fn hmac(digest: fn(&[u8]) -> Vec<u8>, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > BLOCK { digest(key) } else { key.to_vec() };
    block.resize(BLOCK, 0);
    let keyed = |mask: u8, rest: &[u8]| {
        let mut input: Vec<u8> = block.iter().map(|byte| byte ^ mask).collect();
        input.extend_from_slice(rest);
        digest(&input)
    };
    keyed(0x5c, &keyed(0x36, message))
}

/// A message with its end mark and length, a whole number of blocks.
fn padded(message: &[u8], length: fn(u64) -> [u8; 8]) -> Vec<u8> {
    let mut out = message.to_vec();
    out.push(0x80);
    out.resize((out.len() + 8).next_multiple_of(BLOCK) - 8, 0);
    out.extend_from_slice(&length((message.len() as u64).wrapping_mul(8)));
    out
}

fn words(block: &[u8], read: fn([u8; 4]) -> u32) -> Vec<u32> {
    block.chunks_exact(4).map(|word| read([word[0], word[1], word[2], word[3]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::encoding::hex;

    #[test]
    fn digests_of_the_standards() {
        let long = b"12345678901234567890123456789012345678901234567890123456789012345678901234567890";
        for (digest, message, expected) in [
            (md5 as fn(&[u8]) -> Vec<u8>, &b""[..], "d41d8cd98f00b204e9800998ecf8427e"),
            (md5, b"abc", "900150983cd24fb0d6963f7d28e17f72"),
            (md5, long, "57edf4a22be3c955ac49da2e2107b67a"),
            (sha1, b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (sha1, b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                sha1,
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
        ] {
            assert_eq!(hex(&digest(message)), expected);
        }
    }

    /// RFC 2202 test cases 1, 2 and 6; RFC 4231 test cases 2 and 6.
    #[test]
    fn keyed_digests_of_the_standards() {
        let jefe: (&[u8], &[u8]) = (b"Jefe", b"what do ya want for nothing?");
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        for (digest, key, message, expected) in [
            (
                sha1 as fn(&[u8]) -> Vec<u8>,
                &[0x0b; 20][..],
                &b"Hi There"[..],
                "b617318655057264e28bc0b6fb378c8ef146be00",
            ),
            (sha1, jefe.0, jefe.1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (sha1, &[0xaa; 80], text, "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
            (sha256, jefe.0, jefe.1, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (sha256, &[0xaa; 131], text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        ] {
            assert_eq!(hex(&hmac(digest, key, message)), expected);
        }
    }
}
