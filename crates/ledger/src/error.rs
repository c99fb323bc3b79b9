//! What can go wrong with a ledger and its keys.

use std::{io, path::PathBuf};

/// Why a ledger could not be read, checked or added to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A file could not be read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{}: cannot be written; nothing was recorded", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The entry is in the ledger, its head is not.
    #[error("{}: cannot be written; entry {seq} was recorded, but the head does not know of it until the next one is", path.display())]
    Head {
        /// The head.
        path: PathBuf,
        /// The entry.
        seq: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else has been adding to it for too long.
    #[error("{}: another program has been writing to it for {seconds} s; nothing was recorded", path.display())]
    Busy {
        /// The ledger.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A link, a device or a folder stands where a plain file is expected.
    #[error("{}: is no plain file, and a ledger is kept in nothing else; move it away", path.display())]
    NotPlain {
        /// What stands there.
        path: PathBuf,
    },
    /// A line that is no entry, where one has to be continued.
    #[error("{}:{line}: {why}; run `testudo ledger verify`", path.display())]
    Line {
        /// The ledger.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The last entry was not signed by anybody who is trusted.
    #[error(
        "{}:{line}: is signed with a key that is not trusted ({keyid}), so nothing is added behind it. Check with \
         `testudo ledger verify`, and name the key's file in `ledger.trusted` where it is right",
        path.display()
    )]
    Untrusted {
        /// The ledger.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Id of the key.
        keyid: String,
    },
    /// An entry is larger than readers take.
    #[error("{}: an entry of {size} bytes is larger than the {most} that a ledger takes", path.display())]
    TooLarge {
        /// The ledger.
        path: PathBuf,
        /// Its size.
        size: usize,
        /// The most.
        most: usize,
    },
    /// A name that is no environment.
    #[error(
        "`{0}` is no name of an environment: letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first"
    )]
    Environment(String),
    /// Something that is no key.
    #[error("{name}: {why}")]
    Key {
        /// Where it was read.
        name: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The system has no random numbers.
    #[error("no key can be made: the system gives no random numbers")]
    Random,
}
