//! Keys that sign and keys that check: Ed25519 (RFC 8032) and ECDSA with P-256 and SHA-256 (FIPS 186-5), as PEM.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        UnparsedPublicKey,
    },
};
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};

use crate::LedgerError;

/// DER before the 32 bytes of an Ed25519 public key (RFC 8410, section 4).
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// DER before the 32 bytes of an Ed25519 private key (RFC 8410, section 7).
const ED25519_PRIVATE_PREFIX: &[u8] =
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// DER before the 65 bytes of an uncompressed P-256 point (RFC 5480, section 2).
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Characters of a line of PEM (RFC 7468, section 2).
const PEM_LINE: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Ed25519,
    P256,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
    id: String,
}

impl VerifyingKey {
    fn new(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut key = Self { algorithm, bytes: bytes.to_vec(), id: String::new() };
        key.id = testudo_model::hex(&Sha256::digest(key.der()));
        key
    }

    /// Reads every `PUBLIC KEY` of a PEM text. `name` is only named in errors.
    ///
    /// # Errors
    /// There is none, or one is of another kind.
    pub fn all_from_pem(text: &str, name: &str) -> Result<Vec<Self>, LedgerError> {
        let wrong = |why: &str| LedgerError::Key { name: name.to_owned(), why: why.to_owned() };
        let blocks = SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes());
        let blocks: Vec<_> = blocks.collect::<Result<_, _>>().map_err(|_| wrong("is damaged PEM"))?;
        if blocks.is_empty() {
            return Err(wrong(if text.contains("PRIVATE KEY-----") {
                "is a private key, where a public one is expected; write its public half with `openssl pkey -pubout`"
            } else {
                "holds no public key; a PEM block `PUBLIC KEY` is expected"
            }));
        }
        blocks.iter().map(|der| Self::from_der(der, name)).collect()
    }

    fn from_der(der: &[u8], name: &str) -> Result<Self, LedgerError> {
        let wrong = |why: &str| LedgerError::Key { name: name.to_owned(), why: why.to_owned() };
        match (der.strip_prefix(ED25519_PREFIX), der.strip_prefix(P256_PREFIX)) {
            (Some(key), _) if key.len() == 32 => Ok(Self::new(Algorithm::Ed25519, key)),
            (_, Some(key)) if key.len() == 65 => Ok(Self::new(Algorithm::P256, key)),
            _ => Err(wrong("is a public key of another kind; Ed25519 and ECDSA P-256 are read")),
        }
    }

    /// `PUBLIC KEY`, PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &self.der())
    }

    /// Hexadecimal SHA-256 of the key (SubjectPublicKeyInfo, DER).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the key made the signature.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature).is_ok(),
            Algorithm::P256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes).verify(message, signature).is_ok()
            }
        }
    }

    fn der(&self) -> Vec<u8> {
        let prefix = match self.algorithm {
            Algorithm::Ed25519 => ED25519_PREFIX,
            Algorithm::P256 => P256_PREFIX,
        };
        [prefix, &self.bytes].concat()
    }
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(Box<EcdsaKeyPair>),
}

/// A private key.
pub struct SigningKey {
    pair: Pair,
    public: VerifyingKey,
}

impl SigningKey {
    /// A new Ed25519 key.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, LedgerError> {
        Self::generate_pem().and_then(|text| Self::from_pem(&text, "new key"))
    }

    /// A new Ed25519 key as PEM (PKCS#8, RFC 5958), not encrypted.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate_pem() -> Result<String, LedgerError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| LedgerError::Random)?;
        // Without the public half, which not every reader of keys takes.
        Ok(pem("PRIVATE KEY", &[ED25519_PRIVATE_PREFIX, &seed].concat()))
    }

    /// Reads the first private key of a PEM text (PKCS#8). `name` is only named in errors.
    ///
    /// # Errors
    /// There is none, it is encrypted, or it is of another kind.
    pub fn from_pem(text: &str, name: &str) -> Result<Self, LedgerError> {
        let wrong = |why: &str| LedgerError::Key { name: name.to_owned(), why: why.to_owned() };
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(wrong("is encrypted with a passphrase; write it out with `openssl pkcs8 -in KEY -out PLAIN`"));
        }
        let other = "is no private key of a kind that is read (Ed25519, ECDSA P-256); make one with `openssl genpkey -algorithm ed25519`";
        match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(der)) => Self::from_pkcs8(der.secret_pkcs8_der()).ok_or_else(|| wrong(other)),
            Ok(PrivateKeyDer::Sec1(_)) => {
                Err(wrong("is in the older form `EC PRIVATE KEY`; convert it with `openssl pkcs8 -topk8 -nocrypt`"))
            }
            _ => Err(wrong(other)),
        }
    }

    /// The same from an environment variable, as CI systems hold such texts: with real or written line breaks, or as base64 of
    /// the whole. `name` is only named in errors.
    ///
    /// # Errors
    /// As with [`Self::from_pem`].
    pub fn from_variable(text: &str, name: &str) -> Result<Self, LedgerError> {
        let text = text.trim().replace("\\n", "\n");
        let decoded = STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Self::from_pem(&decoded.unwrap_or(text), name)
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            let public = VerifyingKey::new(Algorithm::Ed25519, pair.public_key().as_ref());
            return Some(Self { pair: Pair::Ed25519(pair), public });
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &SystemRandom::new()).ok()?;
        let public = VerifyingKey::new(Algorithm::P256, pair.public_key().as_ref());
        Some(Self { pair: Pair::P256(Box::new(pair)), public })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs a message: 64 bytes for Ed25519, ASN.1 for ECDSA.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .expect("the system gave random numbers when the key was read")
                .as_ref()
                .to_vec(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id)
    }
}

/// A PEM block (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for at in (0..body.len()).step_by(PEM_LINE) {
        text.push_str(&body[at..body.len().min(at + PEM_LINE)]);
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_their_text() {
        let text = SigningKey::generate_pem().unwrap();
        let key = SigningKey::from_pem(&text, "k").unwrap();
        let both = key.public().to_pem() + &SigningKey::generate().unwrap().public().to_pem();
        let all = VerifyingKey::all_from_pem(&both, "p").unwrap();
        assert_eq!(all.len(), 2);
        let public = &all[0];
        assert_eq!(public, key.public());
        assert!(public.verify(b"m", &key.sign(b"m")) && !public.verify(b"n", &key.sign(b"m")));
        for written in [format!(" {text}\n"), text.replace('\n', "\\n"), STANDARD.encode(&text)] {
            assert_eq!(SigningKey::from_variable(&written, "v").unwrap().public(), key.public());
        }
        assert!(!format!("{key:?}").contains(&text[30..50]));
    }

    #[test]
    fn keys_of_the_other_kind_work_too() {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let key = SigningKey::from_pem(&pem("PRIVATE KEY", der.as_ref()), "k").unwrap();
        let public = VerifyingKey::all_from_pem(&key.public().to_pem(), "p").unwrap().remove(0);
        assert!(public.verify(b"m", &key.sign(b"m")) && !public.verify(b"n", &key.sign(b"m")));
    }

    #[test]
    fn what_is_no_key_is_told() {
        let told = |text: &str| SigningKey::from_pem(text, "k.pem").unwrap_err().to_string();
        assert!(told("").contains("k.pem: is no private key"));
        assert!(told(&pem("ENCRYPTED PRIVATE KEY", b"x")).contains("passphrase"));
        assert!(told(&pem("EC PRIVATE KEY", b"x")).contains("older form"));
        assert!(told(&pem("PRIVATE KEY", b"x")).contains("is no private key"));
        let told = |text: &str| VerifyingKey::all_from_pem(text, "k.pub").unwrap_err().to_string();
        assert!(told("x").contains("no public key"));
        assert!(told(&pem("PRIVATE KEY", b"x")).contains("is a private key"));
        assert!(told(&pem("PUBLIC KEY", ED25519_PREFIX)).contains("another kind"));
    }
}
