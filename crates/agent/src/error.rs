//! What keeps an agent from doing what it was asked to.

use std::{io, path::PathBuf};

use testudo_ledger::LedgerError;
use testudo_policy::problem::{FileProblem, Paint, render};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// A file or folder cannot be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than what is read.
    #[error("{path}: is larger than {limit} bytes", path = path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A file of ours is not what was written.
    #[error("{path}: {why}", path = path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// In what way, and what to do.
        why: String,
    },
    /// The configuration cannot be used.
    #[error("{}", render(.0, Paint::Plain))]
    Configuration(Vec<FileProblem>),
    /// Something in the configuration asks for what is not there.
    #[error("{0}")]
    Setting(String),
    /// Another agent works with the state.
    #[error("{path}: another agent works with this folder", path = path.display())]
    Held {
        /// The folder of the state.
        path: PathBuf,
    },
    /// Nothing has this id.
    #[error("no response has the id `{0}`; `testudo agent response list` shows them all")]
    NoResponse(String),
    /// The system refuses something that the agent cannot do without.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
