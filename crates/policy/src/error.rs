//! The errors of this crate: file, place, cause and the next step.

use std::{io, path::PathBuf};

use crate::ConfigError;

/// Why policy could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be read.
    #[error("{}: cannot be read: {source}. Check that the file exists and is readable", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{}: cannot be written: {source}. Check the permissions of the folder", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path that has to be a plain file or folder is something else.
    #[error("{}: is a symbolic link or a special file; testudo does not go through it. Replace it by a plain {expected}", path.display())]
    NotPlain {
        /// The path.
        path: PathBuf,
        /// `file` or `folder`.
        expected: &'static str,
    },
    /// A file is larger than such a file can be.
    #[error("{}: is larger than {limit} bytes. Check that it is the right file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Largest accepted size in bytes.
        limit: u64,
    },
    /// A key is not 64 hexadecimal digits. The text itself is never shown.
    #[error("{place}: is not a key (expected 64 hexadecimal digits, found {found}). Restore it, or create a new one")]
    KeyText {
        /// File or environment name.
        place: String,
        /// What is wrong, without the text.
        found: String,
    },
    /// A key is there already.
    #[error("{}: a key exists already. Every fingerprint and suppression depends on it; delete the file first to start again", path.display())]
    KeyExists {
        /// The file.
        path: PathBuf,
    },
}
