//! What can go wrong with a file of secrets. No error holds a value.

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The system has no random numbers.
    #[error("the system gives no random numbers; nothing was encrypted")]
    Random,
    /// A value is longer than the cipher takes.
    #[error("a value is longer than the cipher takes (64 GiB)")]
    TooLong,
    /// A value is not written as encrypted values are.
    #[error("{path}: is no encrypted value, where one is expected; restore the file, or encrypt it anew")]
    NotAValue {
        /// Where, with dots.
        path: String,
    },
    /// A value was changed, moved or encrypted with another key.
    #[error("{path}: was changed or moved after it was encrypted; restore the file from its history")]
    Changed {
        /// Where, with dots.
        path: String,
    },
    /// The sum over all values is not that of the file.
    #[error(
        "the file was changed after it was encrypted: values were added, removed or put in another order (its MAC does not fit); restore it from its history"
    )]
    Mac,
    /// No key opens the file.
    #[error(
        "no key opens this file; it is encrypted for {recipients}. Give an identity with SOPS_AGE_KEY_FILE or SOPS_AGE_KEY"
    )]
    NoKey {
        /// For whom it is encrypted.
        recipients: String,
    },
    /// The text is not of its format.
    #[error("{line}:{column}: {why}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// What stands under `sops` cannot be used.
    #[error("in the part `sops`: {0}")]
    Metadata(String),
    /// Something that is no key.
    #[error("{name}: {why}")]
    Key {
        /// Where it was read.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}
