//! Offline proof that a value has the form its issuer documents: checksums, structures, decodings.
//!
//! A check that fails drops the match; the compatible front never asks.

use sha2::{Digest as _, Sha256};

use super::{placeholder, words};
use crate::{base64, checksum};

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The structure is there, beyond chance.
    Proven,
    /// Nothing speaks against it.
    Plausible,
    /// It cannot be what the rule looks for.
    Refuted,
}

/// Every check by the name that rules use.
pub const NAMES: &[&str] = &[
    "crc32-base62",
    "jwt",
    "pem",
    "age-bech32",
    "base58check",
    "wif",
    "aws-access-key-id",
    "gcp-service-account",
    "uuid",
    "hex",
    "base64",
    "json",
    "luhn",
    "password-in-url",
    "mixed",
    "not-dictionary",
];

/// Runs the check `name` on a value; unknown names find everything plausible (a test keeps rules to [`NAMES`]).
#[must_use]
pub(super) fn check(name: &str, value: &str) -> Proof {
    let proven = |good: bool| if good { Proof::Proven } else { Proof::Refuted };
    let plausible = |good: bool| if good { Proof::Plausible } else { Proof::Refuted };
    match name {
        "crc32-base62" => crc32_base62(value),
        "jwt" => proven(is_jwt(value)),
        "pem" => pem(value),
        "age-bech32" => proven(bech32(value)),
        "base58check" | "wif" => proven(base58check(value)),
        "aws-access-key-id" => plausible(
            value.len() == 20 && value[4..].bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)),
        ),
        "gcp-service-account" => plausible(value.contains("private_key") && value.contains("service_account")),
        "uuid" => plausible(is_uuid(value)),
        "hex" => plausible(value.bytes().all(|b| b.is_ascii_hexdigit())),
        "base64" => plausible(base64::lenient(value.as_bytes()).is_some()),
        "json" => plausible(serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok()),
        "luhn" => plausible(luhn(value)),
        "password-in-url" => plausible(!value.is_empty() && !placeholder::is_template(value)),
        "mixed" => {
            plausible(value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic()))
        }
        "not-dictionary" => plausible((!words::is_common(value) || words::is_account(value)) && !is_call(value)),
        _ => Proof::Plausible,
    }
}

/// Whether a value is the beginning of a call: `answer.text.decode(`.
fn is_call(value: &str) -> bool {
    value.split_once('(').is_some_and(|(callee, _)| callee.contains('.') && words::is_identifier(callee))
}

/// GitHub and npm: the last six characters are the base-62 CRC-32 of what stands between the last `_` and them.
/// A mismatch is no refutation: tokens made up for tests lack it, and so may older ones.
fn crc32_base62(value: &str) -> Proof {
    let body = value.rsplit('_').next().unwrap_or(value);
    let matches = body.len() > 6 && body.is_char_boundary(body.len() - 6) && {
        let (payload, sum) = body.split_at(body.len() - 6);
        checksum::base62(checksum::crc32(payload.as_bytes()), 6) == sum
    };
    if matches { Proof::Proven } else { Proof::Plausible }
}

/// Three parts of which the first is a JSON object with an algorithm and the second a JSON object (RFC 7519).
#[must_use]
pub(super) fn is_jwt(value: &str) -> bool {
    let mut parts = value.split('.');
    let object = |part: Option<&str>| {
        let bytes = base64::url_raw(part?.trim_end_matches('=').as_bytes())?;
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok()
    };
    let header = object(parts.next());
    header.is_some_and(|h| h.contains_key("alg")) && object(parts.next()).is_some() && parts.next().is_some()
}

/// When a token ends, in seconds since 1970 (RFC 7519 section 4.1.4); none where it does not or is no token.
#[must_use]
pub(super) fn jwt_expiry(value: &str) -> Option<u64> {
    let claims = value.strip_prefix("ey").and_then(|_| value.split('.').nth(1))?;
    let claims = base64::url_raw(claims.trim_end_matches('=').as_bytes())?;
    serde_json::from_slice::<serde_json::Value>(&claims).ok()?.get("exp")?.as_u64()
}

/// The base64 inside an armour; DER (a sequence) or an OpenSSH key proves it, a body that is too short, cannot be decoded or
/// repeats one piece refutes it.
fn pem(value: &str) -> Proof {
    let unescaped = value.replace("\\n", "\n").replace("\\r", "");
    let body: String = unescaped
        .lines()
        .filter(|l| !l.contains("-----") && !l.contains(':'))
        .flat_map(|l| l.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')))
        .collect();
    match base64::lenient(body.as_bytes()) {
        _ if placeholder::is_repeated(body.as_bytes(), 80) => Proof::Refuted,
        Some(der) if der.len() >= 32 && (der[0] == 0x30 || der.starts_with(b"openssh-key-v1\0")) => Proof::Proven,
        Some(der) if der.len() >= 32 => Proof::Plausible,
        // Encrypted legacy armour and cut quotations still give a key away.
        _ if body.len() >= 64 => Proof::Plausible,
        _ => Proof::Refuted,
    }
}

/// The checksum of BIP 173 over a whole `hrp1data` text in one case.
fn bech32(value: &str) -> bool {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = value.to_ascii_lowercase();
    let Some((hrp, data)) = lower.rsplit_once('1') else { return false };
    let values: Option<Vec<u8>> = data.bytes().map(|b| CHARSET.iter().position(|c| *c == b).map(|p| p as u8)).collect();
    let Some(values) = values else { return false };
    let expanded = hrp.bytes().map(|b| b >> 5).chain([0]).chain(hrp.bytes().map(|b| b & 31)).chain(values);
    let polymod = expanded.fold(1u32, |sum, v| {
        let top = sum >> 25;
        let step = (sum & 0x1ff_ffff) << 5 ^ u32::from(v);
        [0x3b6a_57b2u32, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
            .iter()
            .enumerate()
            .fold(step, |s, (bit, generator)| if top >> bit & 1 != 0 { s ^ generator } else { s })
    });
    polymod == 1
}

/// Base58 whose last four bytes are the double SHA-256 of the rest (Bitcoin's Base58Check).
fn base58check(value: &str) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes: Vec<u8> = Vec::new();
    if value.len() > 200 {
        return false;
    }
    for c in value.bytes() {
        let Some(digit) = ALPHABET.iter().position(|a| *a == c) else { return false };
        let mut carry = digit as u32;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.insert(0, (carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    let zeros = value.bytes().take_while(|b| *b == b'1').count();
    let full = [vec![0; zeros], bytes].concat();
    full.len() > 4 && {
        let (payload, sum) = full.split_at(full.len() - 4);
        Sha256::digest(Sha256::digest(payload)).starts_with(sum)
    }
}

/// The 8-4-4-4-12 form of RFC 9562.
#[must_use]
pub(super) fn is_uuid(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The check digit of ISO/IEC 7812-1.
fn luhn(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, d)| if at % 2 == 1 { (d * 2) / 10 + (d * 2) % 10 } else { *d }).sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::expand;

    #[test]
    fn structures_are_told_from_noise() {
        let jwt = expand("{{jwt}}", 1);
        let token = expand("ghp_{{crc62:30}}", 2);
        for (name, value, expected) in [
            ("jwt", jwt.as_str(), Proof::Proven),
            ("jwt", "a.b.c", Proof::Refuted),
            ("crc32-base62", token.as_str(), Proof::Proven),
            ("crc32-base62", "ghp_0000000000000000000000000000000000", Proof::Plausible),
            // The test vector of BIP 173 and the address of Bitcoin's first block.
            ("age-bech32", "A12UEL5L", Proof::Proven),
            ("age-bech32", "A12UEL5M", Proof::Refuted),
            ("base58check", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Proof::Proven),
            ("base58check", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", Proof::Refuted),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", Proof::Plausible),
            ("uuid", "123e4567e89b12d3a456426614174000", Proof::Refuted),
            ("luhn", "79927398713", Proof::Plausible),
            ("luhn", "79927398710", Proof::Refuted),
            ("mixed", "abcdef", Proof::Refuted),
            ("pem", "-----BEGIN X-----\nshort\n-----END X-----", Proof::Refuted),
            ("pem", &format!("-----BEGIN X-----\n{}\n-----END X-----", "ourkeyourkey\n".repeat(9)), Proof::Refuted),
            ("not-dictionary", "answer.payload.decode(", Proof::Refuted),
            ("not-dictionary", "Rope(7dock", Proof::Plausible),
        ] {
            assert_eq!(check(name, value), expected, "{name} {value}");
        }
    }
}
