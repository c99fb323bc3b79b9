//! Who can open a file: age recipients (age-encryption.org/v1), and wrapping the key of a file for them.

use std::{
    io::{Read as _, Write as _},
    str::FromStr as _,
};

use age::{Decryptor, Encryptor, Identity, Recipient, armor, x25519};
use zeroize::Zeroizing;

use crate::{VaultError, cipher::DataKey};

/// Largest wrapped key that is read, in bytes.
const MAX_WRAPPED: u64 = 1 << 16;

/// Wraps the key of a file for one recipient (`age1…`), in ASCII armour.
///
/// # Errors
/// The text is no recipient.
pub fn wrap(key: &DataKey, recipient: &str) -> Result<String, VaultError> {
    let wrong = |why: &str| VaultError::Key { name: recipient.to_owned(), why: why.to_owned() };
    let kind = match recipient {
        text if text.starts_with("ssh-") => {
            Some("SSH keys are not supported as recipients; use one that begins with age1")
        }
        text if text.starts_with("age1pq1") => Some("hybrid recipients are not supported"),
        text if text.starts_with("age1")
            && text.matches('1').count() > 1
            && x25519::Recipient::from_str(text).is_err() =>
        {
            Some("is no age recipient, or one of a plugin, which is not supported")
        }
        _ => None,
    };
    if let Some(kind) = kind {
        return Err(wrong(kind));
    }
    let parsed = x25519::Recipient::from_str(recipient).map_err(wrong)?;
    let recipients = [&parsed as &dyn Recipient];
    let encryptor = Encryptor::with_recipients(recipients.into_iter()).map_err(|error| wrong(&error.to_string()))?;
    let wrap = || -> std::io::Result<Vec<u8>> {
        let out = armor::ArmoredWriter::wrap_output(Vec::new(), armor::Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(out)?;
        writer.write_all(key.as_ref())?;
        writer.finish()?.finish()
    };
    let wrapped = wrap().map_err(|error| wrong(&error.to_string()))?;
    String::from_utf8(wrapped).map_err(|_| wrong("its key could not be written as text"))
}

/// The key of a file, where one of the identities opens it.
#[must_use]
pub fn unwrap(wrapped: &str, identities: &Identities) -> Option<DataKey> {
    let reader = armor::ArmoredReader::new(wrapped.as_bytes());
    let decryptor = Decryptor::new(reader).ok()?;
    let all = identities.keys.iter().map(|identity| identity as &dyn Identity);
    let mut plain = Zeroizing::new(Vec::new());
    decryptor.decrypt(all).ok()?.take(MAX_WRAPPED).read_to_end(&mut plain).ok()?;
    <[u8; 32]>::try_from(plain.as_slice()).ok().map(Zeroizing::new)
}

/// Secret keys.
#[derive(Default)]
pub struct Identities {
    keys: Vec<x25519::Identity>,
    passed_over: Vec<String>,
}

/// Kinds of secret keys that are known and cannot be used, by how they begin.
const OTHERS: [(&str, &str); 3] = [
    ("AGE-PLUGIN-", "an identity of a plugin"),
    ("AGE-SECRET-KEY-PQ-1", "a hybrid identity"),
    ("-----BEGIN ", "a key in PEM or an encrypted file"),
];

impl Identities {
    /// Adds the keys of a text: one a line, `#` begins a comment. `name` is only named in errors. Kinds that cannot be used are
    /// remembered by their place.
    ///
    /// # Errors
    /// A line is no key. It is not shown: it may be one with a typing mistake.
    pub fn add(&mut self, text: &str, name: &str) -> Result<(), VaultError> {
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((_, kind)) = OTHERS.iter().find(|(start, _)| line.starts_with(start)) {
                self.passed_over.push(format!("{name}:{}: {kind}", at + 1));
                if line.starts_with("-----BEGIN ") {
                    return Ok(());
                }
                continue;
            }
            let wrong = |why: &str| VaultError::Key { name: format!("{name}:{}", at + 1), why: why.to_owned() };
            self.keys.push(x25519::Identity::from_str(line).map_err(wrong)?);
        }
        Ok(())
    }

    /// The public halves.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        self.keys.iter().map(|identity| identity.to_public().to_string()).collect()
    }

    /// Keys that cannot be used: where they stand, and what they are.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identities({})", self.keys.len())
    }
}

/// A new secret key, as text.
#[must_use]
pub fn new_identity() -> Zeroizing<String> {
    use age::secrecy::ExposeSecret as _;
    Zeroizing::new(x25519::Identity::generate().to_string().expose_secret().to_owned())
}
