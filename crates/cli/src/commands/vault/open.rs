//! Reading files of secrets: nothing of one is used before all of it was checked.

use std::path::Path;

use anyhow::{Error, Result};
use sha2::{Digest as _, Sha256};
use testudo_vault::{File, Format, VaultError, cipher::Sealer, tree::Tree};

use super::{Common, identities};
use crate::{NothingToRead, files};

/// A file as it stands on the disk.
pub(super) struct Stored {
    /// The file.
    pub(super) file: File,
    /// Its format.
    pub(super) format: Format,
    /// SHA-256 of its bytes.
    pub(super) digest: String,
}

/// A file that was opened.
pub(super) struct Opened {
    /// As it stands on the disk.
    pub(super) stored: Stored,
    /// Its values in the clear.
    pub(super) documents: Vec<Tree>,
    /// What encrypts them again.
    pub(super) sealer: Sealer,
}

/// The format of a file.
pub(super) fn format(path: &Path, common: &Common) -> Result<Format> {
    match common.kind {
        Some(kind) => Ok(kind.into()),
        None => Ok(Format::of(&path.display().to_string())?),
    }
}

/// Reads a file without opening it.
pub(super) fn stored(path: &Path, common: &Common) -> Result<Stored> {
    let format = format(path, common)?;
    let text = files::read_text(path).map_err(NothingToRead::from)?;
    let file = File::read(&text, format).map_err(|error| unreadable(path, &error))?;
    Ok(Stored { file, format, digest: digest(&text) })
}

/// Reads a file, and decrypts and checks it.
pub(super) fn open(path: &Path, common: &Common) -> Result<Opened> {
    let stored = stored(path, common)?;
    let identities = identities::all(&stored.file.recipients())?;
    let opened = stored.file.key(&identities).and_then(|key| stored.file.decrypt(key));
    if let Err(VaultError::NoKey { .. } | VaultError::Foreign { .. }) = &opened {
        identities::tell_passed_over(&identities);
    }
    let (documents, sealer) = opened.map_err(|error| unreadable(path, &error))?;
    Ok(Opened { stored, documents, sealer })
}

/// A file that cannot be read: exit code 3.
fn unreadable(path: &Path, error: &VaultError) -> Error {
    NothingToRead(placed(path, error)).into()
}

/// An error with the file before it.
pub(super) fn placed(path: &Path, error: &VaultError) -> String {
    let separator = if matches!(error, VaultError::Syntax { .. }) { ":" } else { ": " };
    format!("{}{separator}{error}", path.display())
}

/// SHA-256 of a text.
pub(super) fn digest(text: &str) -> String {
    testudo_model::hex(&Sha256::digest(text))
}
