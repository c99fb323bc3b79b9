//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, AES-256 in Galois/Counter Mode with initialisation
//! vectors of 32 bytes (NIST SP 800-38D), the path of the value as additional data.

use aes_gcm::{
    AesGcm, KeyInit as _,
    aead::{Aead as _, Payload, consts::U32},
    aes::Aes256,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
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
