//! Why the hub cannot do its work. What a client did wrong is no error but a [`Refusal`](crate::http::Refusal).

use std::{io, net::SocketAddr, path::PathBuf};

use testudo_ledger::LedgerError;

/// Why the hub could not start, or could not keep what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The folder of the state cannot be used.
    #[error("{}: cannot be used for the state of the hub: {source}; name another folder with --data", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database refused.
    #[error("the database of the hub: {0}")]
    Database(#[from] rusqlite::Error),
    /// The database is of a newer version of the program.
    #[error("the database of the hub is of version {found}, and this program knows {known}; run a newer testudo")]
    Newer {
        /// Version of the database.
        found: usize,
        /// The newest that is known.
        known: usize,
    },
    /// What is kept cannot be read.
    #[error("what the hub keeps cannot be read: {0}")]
    Stored(#[from] serde_json::Error),
    /// The hub's own ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The entry is written, what follows from it is not.
    #[error("entry {entry} stands in the hub's own ledger, and the next decision or start does what it says: {source}")]
    Unfinished {
        /// Number of the entry.
        entry: u64,
        /// What went wrong.
        source: Box<Self>,
    },
    /// The own ledger does not end where the database says.
    #[error(
        "the hub's own ledger and its database are not of one time, so nothing is decided; `testudo hub verify` says more"
    )]
    Parted,
    /// There are no random numbers.
    #[error("the system gives no random numbers, so no token can be made")]
    Random,
    /// The address cannot be listened at.
    #[error("{address}: cannot listen: {source}; choose another with --listen, port 0 for a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address is for others, and nothing encrypts.
    #[error(
        "{0} is no address of this machine alone, and sessions would travel in clear text. Give --certificate and \
         --certificate-key, put a server in front that does TLS and say --behind-tls, or listen at 127.0.0.1"
    )]
    ClearText(SocketAddr),
    /// A certificate or its key is none.
    #[error("{}: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Something that does not exist.
    #[error("{0}")]
    Unknown(String),
    /// The process could not go on.
    #[error("the hub stopped: {0}")]
    Stopped(#[source] io::Error),
}
