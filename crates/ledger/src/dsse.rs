//! Signed envelopes: DSSE v1.0.2 (github.com/secure-systems-lab/dsse, `protocol.md` and `envelope.md`).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{SigningKey, VerifyingKey};

/// The payload type of in-toto statements.
pub const STATEMENT_TYPE: &str = "application/vnd.in-toto+json";

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Hexadecimal SHA-256 of the public key (SubjectPublicKeyInfo, DER). A hint, as DSSE has it: it proves nothing.
    #[serde(default, deserialize_with = "or_empty")]
    pub keyid: String,
    /// The signature in base64.
    pub sig: String,
}

/// A payload with its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Media type of the payload.
    pub payload_type: String,
    /// The payload in base64.
    pub payload: String,
    /// At least one.
    pub signatures: Vec<Signature>,
}

impl Envelope {
    /// Signs a payload.
    #[must_use]
    pub fn sign(payload_type: &str, payload: &[u8], key: &SigningKey) -> Self {
        let sig = STANDARD.encode(key.sign(&encoded(payload_type, payload)));
        let signature = Signature { keyid: key.public().id().to_owned(), sig };
        Self { payload_type: payload_type.to_owned(), payload: STANDARD.encode(payload), signatures: vec![signature] }
    }

    /// The payload; none where it is no base64.
    #[must_use]
    pub fn payload(&self) -> Option<Vec<u8>> {
        decode(&self.payload)
    }

    /// The first of the keys that signed the payload.
    #[must_use]
    pub fn signer<'k>(&self, payload: &[u8], keys: &'k [VerifyingKey]) -> Option<&'k VerifyingKey> {
        let message = encoded(&self.payload_type, payload);
        let signatures: Vec<(&str, Vec<u8>)> = self
            .signatures
            .iter()
            .filter_map(|signature| Some((signature.keyid.as_str(), decode(&signature.sig)?)))
            .collect();
        // A hint saves work where it is right; it decides nothing.
        let by = |hinted: bool, key: &&VerifyingKey| {
            let mut of_key = signatures.iter().filter(|(hint, _)| (*hint == key.id()) == hinted);
            of_key.any(|(_, signature)| key.verify(&message, signature))
        };
        keys.iter().find(|key| by(true, key)).or_else(|| keys.iter().find(|key| by(false, key)))
    }

    /// The key ids that the signatures name.
    #[must_use]
    pub fn key_ids(&self) -> String {
        let ids: Vec<&str> = self.signatures.iter().map(|s| s.keyid.as_str()).collect();
        ids.join(", ")
    }
}

/// Base64 of either alphabet: "verifiers MUST accept either".
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// A field that is not set counts as empty.
fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// What is signed: the pre-authentication encoding.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        // The example of the protocol's text.
        assert_eq!(
            encoded("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn only_the_key_that_signed_opens_what_it_signed() {
        let (own, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let (own_public, other_public) = (own.public().clone(), other.public().clone());
        let mut envelope = Envelope::sign(STATEMENT_TYPE, b"{}", &own);
        let signer = |e: &Envelope, keys: &[VerifyingKey]| {
            e.payload().and_then(|p| e.signer(&p, keys).map(|key| key.id().to_owned()))
        };
        let both = [other_public.clone(), own_public.clone()];
        assert_eq!(signer(&envelope, &both).as_deref(), Some(own_public.id()));
        assert_eq!(signer(&envelope, &[other_public]), None);
        envelope.signatures[0].keyid.clear();
        assert_eq!(signer(&envelope, &both).as_deref(), Some(own_public.id()));
        envelope.signatures[0].keyid = "a name of somebody else's".to_owned();
        assert_eq!(signer(&envelope, &both).as_deref(), Some(own_public.id()));
        envelope.signatures[0].sig = envelope.signatures[0].sig.replace('+', "-").replace('/', "_");
        assert_eq!(signer(&envelope, &both).as_deref(), Some(own_public.id()));
        let unset = serde_json::to_string(&envelope).unwrap().replace("\"a name of somebody else's\"", "null");
        assert_eq!(signer(&serde_json::from_str(&unset).unwrap(), &both).as_deref(), Some(own_public.id()));
        envelope.payload_type.push('x');
        assert_eq!(signer(&envelope, &both), None);
    }
}
