//! What kind of private key an armoured block holds: type, size, and whether a passphrase protects it.
//!
//! Only headers and the outermost DER or SSH fields are read; nothing is decrypted and no key is used.

use serde_json::{Value, json};

use crate::base64;

/// A private key, as far as its container tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFacts {
    /// `RSA`, `DSA`, `EC`, `Ed25519` ... as the container names it.
    kind: &'static str,
    /// Size of the modulus or of the field in bits, where it can be told.
    bits: Option<usize>,
    encrypted: bool,
}

impl KeyFacts {
    /// The facts as a property of a finding.
    pub(super) fn to_json(&self) -> Value {
        json!({"type": self.kind, "bits": self.bits, "encrypted": self.encrypted})
    }
}

/// Reads the armour of a key: PKCS#1, SEC 1, PKCS#8 (RFC 7468), OpenSSH, PuTTY, OpenPGP. None for anything else.
pub(super) fn read(value: &str) -> Option<KeyFacts> {
    let text = value.replace("\\r", "").replace("\\n", "\n");
    if text.contains("PuTTY-User-Key-File-") {
        return Some(putty(&text));
    }
    let label = text.split("-----BEGIN ").nth(1)?.split("-----").next()?;
    let legacy = text.contains("Proc-Type: 4,ENCRYPTED") || text.contains("Proc-Type:4,ENCRYPTED");
    let plain = |kind, bits| Some(KeyFacts { kind, bits, encrypted: legacy });
    let der = || body(&text);
    match label {
        "RSA PRIVATE KEY" => plain("RSA", der().filter(|_| !legacy).and_then(|d| integer_bits(&d, 1))),
        "DSA PRIVATE KEY" => plain("DSA", der().filter(|_| !legacy).and_then(|d| integer_bits(&d, 1))),
        "EC PRIVATE KEY" => plain("EC", der().filter(|_| !legacy).and_then(|d| curve_bits(&d))),
        "ENCRYPTED PRIVATE KEY" => Some(KeyFacts { kind: "PKCS#8", bits: None, encrypted: true }),
        "PRIVATE KEY" => der().map(|d| pkcs8(&d)),
        "OPENSSH PRIVATE KEY" => der().and_then(|d| openssh(&d)),
        "PGP PRIVATE KEY BLOCK" => plain("OpenPGP", None),
        _ => None,
    }
}

/// Whether a text is the armour of a certificate, which everybody may read.
pub(super) fn is_certificate(text: &str) -> bool {
    text.starts_with("-----BEGIN CERTIFICATE")
}

/// Whether a text is armour with nothing, or next to nothing, between its lines.
pub(super) fn is_empty(text: &str) -> bool {
    text.starts_with("-----BEGIN ") && body(text).is_none_or(|bytes| bytes.len() < 16)
}

/// The bytes between the lines of the armour.
fn body(text: &str) -> Option<Vec<u8>> {
    let inside = text.split("-----").nth(2)?;
    let lines = inside.lines().filter(|line| !line.contains(": "));
    let symbols: String =
        lines.flat_map(str::chars).filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect();
    base64::lenient(symbols.as_bytes())
}

/// One element of DER (X.690): tag and content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let bytes = rest.get(..count).filter(|b| (1..=4).contains(&b.len()))?;
        (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), &rest[count..])
    };
    Some((tag, rest.get(..length)?, &rest[length..]))
}

/// Bits of the integer at a position of the outer sequence.
fn integer_bits(der: &[u8], position: usize) -> Option<usize> {
    let (_, mut rest, _) = element(der).filter(|e| e.0 == 0x30)?;
    for _ in 0..position {
        rest = element(rest)?.2;
    }
    let (_, number, _) = element(rest).filter(|e| e.0 == 0x02)?;
    let first = number.iter().position(|b| *b != 0)?;
    Some((number.len() - first) * 8 - number[first].leading_zeros() as usize)
}

/// Object identifiers of common curves (SEC 2, RFC 5480) with their sizes.
const CURVES: &[(&[u8], usize)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 256),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], 256),
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], 224),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], 384),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], 521),
];

/// The size of a named curve anywhere in a short structure.
fn curve_bits(der: &[u8]) -> Option<usize> {
    CURVES.iter().find(|(oid, _)| memchr::memmem::find(der, oid).is_some()).map(|(_, bits)| *bits)
}

/// `PrivateKeyInfo` of RFC 5208: version, algorithm, key.
fn pkcs8(der: &[u8]) -> KeyFacts {
    let read = || {
        let (_, inside, _) = element(der).filter(|e| e.0 == 0x30)?;
        let (_, _, rest) = element(inside)?;
        let (_, algorithm, rest) = element(rest)?;
        let (_, oid, _) = element(algorithm)?;
        let (_, key, _) = element(rest)?;
        Some(match oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 | 0x0a] => ("RSA", integer_bits(key, 1)),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => ("EC", curve_bits(algorithm)),
            [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => ("DSA", None),
            [0x2b, 0x65, 0x70] => ("Ed25519", Some(256)),
            [0x2b, 0x65, 0x71] => ("Ed448", Some(456)),
            [0x2b, 0x65, 0x6e] => ("X25519", Some(256)),
            _ => ("PKCS#8", None),
        })
    };
    let (kind, bits) = read().unwrap_or(("PKCS#8", None));
    KeyFacts { kind, bits, encrypted: false }
}

/// A length-prefixed field of SSH (RFC 4251 section 5) and what follows.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = length.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
    rest.split_at_checked(length)
}

/// OpenSSH's own container (PROTOCOL.key): magic, cipher, key derivation, its options, count, public key.
fn openssh(bytes: &[u8]) -> Option<KeyFacts> {
    let (cipher, rest) = field(bytes.strip_prefix(b"openssh-key-v1\0")?)?;
    let (_, rest) = field(rest)?;
    let (_, rest) = field(rest)?;
    let (public, _) = field(rest.get(4..)?)?;
    let (name, rest) = field(public)?;
    let (kind, bits) = match name {
        b"ssh-rsa" => {
            let modulus = field(rest).and_then(|(_, rest)| field(rest)).map(|(n, _)| n);
            ("RSA", modulus.map(|n| n.len().saturating_sub(usize::from(n.first() == Some(&0))) * 8))
        }
        b"ssh-ed25519" | b"sk-ssh-ed25519@openssh.com" => ("Ed25519", Some(256)),
        b"ssh-dss" => ("DSA", None),
        b"ecdsa-sha2-nistp256" | b"sk-ecdsa-sha2-nistp256@openssh.com" => ("EC", Some(256)),
        b"ecdsa-sha2-nistp384" => ("EC", Some(384)),
        b"ecdsa-sha2-nistp521" => ("EC", Some(521)),
        _ => ("OpenSSH", None),
    };
    Some(KeyFacts { kind, bits, encrypted: cipher != b"none" })
}

/// PuTTY's text format: algorithm on the first line, then `Encryption:`.
fn putty(text: &str) -> KeyFacts {
    let kinds = [
        ("ssh-rsa", "RSA"),
        ("ssh-dss", "DSA"),
        ("ssh-ed25519", "Ed25519"),
        ("ssh-ed448", "Ed448"),
        ("ecdsa-sha2-", "EC"),
    ];
    let kind = kinds.iter().find(|(name, _)| text.contains(name)).map_or("PuTTY", |(_, kind)| *kind);
    KeyFacts { kind, bits: None, encrypted: !text.contains("Encryption: none") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armoured(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", base64::encode(der, base64::STANDARD))
    }

    fn sequence(content: &[u8]) -> Vec<u8> {
        [&[0x30, 0x82, (content.len() >> 8) as u8, content.len() as u8][..], content].concat()
    }

    /// Version 0 and a modulus of `bytes` bytes whose highest bit is set.
    fn rsa(bytes: usize) -> Vec<u8> {
        let modulus = [vec![0, 0x80], vec![0x5a; bytes - 1]].concat();
        let length = [0x02, 0x82, (modulus.len() >> 8) as u8, modulus.len() as u8];
        sequence(&[&[0x02, 0x01, 0x00][..], &length, &modulus].concat())
    }

    fn ssh(cipher: &str, name: &str) -> Vec<u8> {
        let field = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
        let public = [field(name.as_bytes()), field(&[1, 0, 1]), field(&[&[0][..], &[0x9c; 384]].concat())].concat();
        let parts = [field(cipher.as_bytes()), field(b"none"), field(b""), vec![0, 0, 0, 1], field(&public)];
        [b"openssh-key-v1\0".to_vec(), parts.concat()].concat()
    }

    #[test]
    fn containers_tell_type_size_and_protection() {
        let pkcs8_rsa = {
            let oid = [&[0x30, 0x0b, 0x06, 0x09][..], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]].concat();
            let key = rsa(128);
            let octets = [&[0x04, 0x82, (key.len() >> 8) as u8, key.len() as u8][..], &key].concat();
            sequence(&[&[0x02, 0x01, 0x00][..], &oid, &octets].concat())
        };
        let ec = sequence(&[&[0x02, 0x01, 0x01][..], &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]].concat());
        let facts = |kind, bits, encrypted| Some(KeyFacts { kind, bits, encrypted });
        for (value, expected) in [
            (armoured("RSA PRIVATE KEY", &rsa(256)), facts("RSA", Some(2048), false)),
            (armoured("RSA PRIVATE KEY", &rsa(256)).replace('\n', "\\n"), facts("RSA", Some(2048), false)),
            (armoured("EC PRIVATE KEY", &ec), facts("EC", Some(384), false)),
            (armoured("PRIVATE KEY", &pkcs8_rsa), facts("RSA", Some(1024), false)),
            (armoured("ENCRYPTED PRIVATE KEY", &[0x30, 0]), facts("PKCS#8", None, true)),
            (armoured("OPENSSH PRIVATE KEY", &ssh("none", "ssh-rsa")), facts("RSA", Some(3072), false)),
            (armoured("OPENSSH PRIVATE KEY", &ssh("aes256-ctr", "ssh-ed25519")), facts("Ed25519", Some(256), true)),
            ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\n".to_owned(), facts("Ed25519", None, true)),
            (armoured("CERTIFICATE", &rsa(64)), None),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
    }

    #[test]
    fn broken_containers_give_less_and_never_panic() {
        let whole = [ssh("none", "ssh-rsa"), rsa(64)].concat();
        for cut in 0..whole.len() {
            for label in ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"] {
                read(&armoured(label, &whole[..cut]));
                read(&armoured(label, &whole[cut..]));
            }
        }
    }
}
