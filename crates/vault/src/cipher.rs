//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, AES-256 in Galois/Counter Mode with initialisation
//! vectors of 32 bytes (NIST SP 800-38D), the path of the value as additional data.

use std::collections::BTreeMap;

use aes_gcm::{
    AesGcm, KeyInit as _,
    aead::{Aead as _, Payload, consts::U32},
    aes::Aes256,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Scalar, VaultError};

/// The key of a file, which encrypts all its values.
pub type DataKey = Zeroizing<[u8; 32]>;

/// Bytes of an authentication tag.
const TAG: usize = 16;
const HEAD: &str = "ENC[AES256_GCM,data:";

/// A new key.
///
/// # Errors
/// The system gives no random numbers.
pub fn new_key() -> Result<DataKey, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut()).map_err(|_| VaultError::Random)?;
    Ok(key)
}

/// Whether a text is an encrypted value.
#[must_use]
pub fn is_encrypted(text: &str) -> bool {
    text.starts_with("ENC[") && text.ends_with(']')
}

/// Encrypts and decrypts the values of one file. What it decrypted is written again as it was, so that a change of one value
/// changes one line.
pub struct Sealer {
    key: DataKey,
    /// Encrypted values by the digest of what is in them and where they stand.
    known: BTreeMap<[u8; 32], String>,
}

impl Sealer {
    /// Takes the key of a file.
    #[must_use]
    pub fn new(key: DataKey) -> Self {
        Self { key, known: BTreeMap::new() }
    }

    /// Decrypts a value, and remembers how it was encrypted.
    ///
    /// # Errors
    /// As with [`decrypt`].
    pub fn decrypt(&mut self, text: &str, path: &str) -> Result<Scalar, VaultError> {
        let value = decrypt(text, &self.key, path)?;
        self.known.insert(digest(&value, path), text.to_owned());
        Ok(value)
    }

    /// Encrypts a value: as it was, where it was decrypted at the same place before.
    ///
    /// # Errors
    /// As with [`encrypt`].
    pub fn encrypt(&self, value: &Scalar, path: &str) -> Result<String, VaultError> {
        match self.known.get(&digest(value, path)) {
            Some(text) => Ok(text.clone()),
            None => encrypt(value, &self.key, path),
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({})", self.known.len())
    }
}

fn digest(value: &Scalar, path: &str) -> [u8; 32] {
    let length = (path.len() as u64).to_be_bytes();
    let hasher = Sha256::new().chain_update(length).chain_update(path).chain_update(value.kind());
    hasher.chain_update([0]).chain_update(&*Zeroizing::new(value.bytes())).finalize().into()
}

/// Encrypts a value. An empty text stays empty, and nothing stays nothing, as in every SOPS file.
///
/// # Errors
/// The system gives no random numbers.
pub fn encrypt(value: &Scalar, key: &DataKey, path: &str) -> Result<String, VaultError> {
    let plain = Zeroizing::new(value.bytes());
    if plain.is_empty() {
        return Ok(String::new());
    }
    let mut iv = [0; 32];
    getrandom::fill(&mut iv).map_err(|_| VaultError::Random)?;
    let cipher = AesGcm::<Aes256, U32>::new((&**key).into());
    let payload = Payload { msg: &plain, aad: path.as_bytes() };
    let sealed = cipher.encrypt((&iv).into(), payload).map_err(|_| VaultError::TooLong)?;
    let (data, tag) = sealed.split_at(sealed.len() - TAG);
    let [data, iv, tag] = [data, &iv, tag].map(|part| STANDARD.encode(part));
    Ok(format!("{HEAD}{data},iv:{iv},tag:{tag},type:{}]", value.kind()))
}

/// Decrypts a value.
///
/// # Errors
/// It is not written as encrypted values are, or it was changed, moved or encrypted with another key.
pub fn decrypt(text: &str, key: &DataKey, path: &str) -> Result<Scalar, VaultError> {
    let damaged = || VaultError::NotAValue { path: shown(path) };
    let parts = text.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(']')).ok_or_else(damaged)?;
    let mut fields = parts.split(',');
    let data = fields.next().ok_or_else(damaged)?;
    let mut named = |name: &str| fields.next().and_then(|f| f.strip_prefix(name)).ok_or_else(damaged);
    let (iv, tag, kind) = (named("iv:")?, named("tag:")?, named("type:")?);
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
    let (data, iv, tag) = (bytes(data)?, bytes(iv)?, bytes(tag)?);
    let sealed = [data, tag].concat();
    let payload = Payload { msg: &sealed, aad: path.as_bytes() };
    // Every writer that is known makes vectors of 32 bytes; some older files have 12.
    let plain = match <&[u8; 32]>::try_from(iv.as_slice()) {
        Ok(iv) => AesGcm::<Aes256, U32>::new((&**key).into()).decrypt(iv.into(), payload),
        Err(_) => match <&[u8; 12]>::try_from(iv.as_slice()) {
            Ok(iv) => aes_gcm::Aes256Gcm::new((&**key).into()).decrypt(iv.into(), payload),
            Err(_) => return Err(damaged()),
        },
    };
    let plain = Zeroizing::new(plain.map_err(|_| VaultError::Changed { path: shown(path) })?);
    Scalar::read(kind, &plain).ok_or_else(damaged)
}

/// The path as people write it.
fn shown(path: &str) -> String {
    path.trim_end_matches(':').replace(':', ".")
}
