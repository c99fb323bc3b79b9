//! What can be wrong with a repository.

use std::path::PathBuf;

use super::Oid;

/// A repository, or a part of it, that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no repository at or above the path.
    #[error("{path}: not inside a git repository; name a directory that is, or scan it as plain files")]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// A file of the repository could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A form of storage that is not read.
    #[error(
        "{path}: {what} is not supported yet by this version; convert the repository, or scan a clone made without it"
    )]
    Unsupported {
        /// The file that says so.
        path: PathBuf,
        /// What is stored there.
        what: String,
    },
    /// A file does not have the form that git writes.
    #[error("{path}: damaged: {what}; run `git fsck` there")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// An object is not there (shallow or partial clone, or damage).
    #[error("object {0} is missing; fetch the full history (`git fetch --unshallow`) to have it scanned")]
    Missing(Oid),
    /// A revision names nothing.
    #[error("`{0}` names no commit; give a branch, a tag, HEAD or an object id")]
    UnknownRevision(String),
    /// An object is larger than the limit.
    #[error("object {oid} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The object.
        oid: Oid,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

impl GitError {
    /// An input or output error at a path.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.into(), source }
    }

    /// Damage in a file.
    pub(super) fn damaged(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), what: what.into() }
    }
}
