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
        "no key opens this file; it is encrypted for {recipients}. Give an identity with SOPS_AGE_KEY_FILE, SOPS_AGE_KEY or SOPS_AGE_KEY_CMD"
    )]
    NoKey {
        /// For whom it is encrypted, with the kinds of keys that are not supported.
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
    /// A file is larger than what is read.
    #[error("the file {0}. Check that it is the right file")]
    Limit(String),
    /// A format that is not read.
    #[error(
        "{name}: files of the format {format} are not read; this program knows yaml, json and dotenv (name one with --type)"
    )]
    Format {
        /// The file.
        name: String,
        /// The format, as sops calls it.
        format: &'static str,
    },
    /// A path that leads nowhere, or is none.
    #[error("{path}: {why}")]
    Path {
        /// The path, as it was given.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A tree that the format of a file cannot hold.
    #[error("{path}: {why}")]
    Unfit {
        /// Where, with dots.
        path: String,
        /// What is wrong, and what to do.
        why: &'static str,
    },
    /// Only keys that are not supported open the file.
    #[error(
        "no key that this program can use opens this file: it has {kinds}; age is the kind that is supported. Use sops, or let somebody add an age recipient"
    )]
    Foreign {
        /// The kinds of keys of the file.
        kinds: String,
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
