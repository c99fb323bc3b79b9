//! Why a release cannot go on. What happened to it until then is in its ledger.

use std::path::PathBuf;

use testudo_ledger::LedgerError;

/// Why a release cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The ledger cannot be read or added to.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else is at work.
    #[error(
        "another process works on the releases of `{environment}`; wait for it, or stop it with `testudo release abort {environment}`"
    )]
    Held {
        /// The environment.
        environment: String,
    },
    /// A release has begun and not ended.
    #[error(
        "{release} ({version}) has not ended: it is {state}; go on with `testudo release resume {environment}`, or undo it with `testudo release abort {environment}`"
    )]
    Unfinished {
        /// The environment.
        environment: String,
        /// The release.
        release: String,
        /// Its version.
        version: String,
        /// Where it stands.
        state: &'static str,
    },
    /// A process with a higher number went on with the release.
    #[error("another process took over ({fence} is newer than {own}), so this one stops without doing anything more")]
    Fenced {
        /// The number of the other one.
        fence: u64,
        /// The own number.
        own: u64,
    },
    /// What was asked for cannot be done; the text says why and what else to do.
    #[error("{0}")]
    Refused(String),
}
