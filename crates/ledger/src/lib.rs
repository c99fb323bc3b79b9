//! The ledger: every event in one signed chain a reader can check without trusting whoever keeps the file.
//!
//! One file an environment. Each line is a DSSE envelope (dsse v1.0.2) around an in-toto Statement v1, so other tools read
//! the entries as attestations. Beside the predicate a statement carries its [place in the chain](Place): number, hash of
//! the line before, time and actor. A signed [head](Head) beside the file names the last line, which makes a cut visible.
//!
//! No clock and no network: whoever appends says what time it is and who acts.

mod chain;
mod dsse;
mod error;
mod event;
#[cfg(feature = "fault")]
pub mod fault;
mod follow;
mod journal;
mod key;
mod statement;

pub use chain::{Depth, Fault, FaultKind, Heads, Verified, verify};
pub use dsse::{Envelope, STATEMENT_TYPE, Signature};
pub use error::LedgerError;
pub use event::{
    CheckResult, Event, Extent, HostCheck, HostEvent, HostPolicy, OpenFinding, PolicyDigest, ReleaseEvent,
    ReleaseState, ReleaseStep, Running, ScanEvent, StageOutcome, TestResultEvent, TriageEvent, VaultEvent, VaultFile,
    VerdictEvent, predicate,
};
pub use follow::{Followed, Known, follow};
pub use journal::{Appended, Appender, Entry, Journal, Next};
pub use key::{SigningKey, VerifyingKey};
pub use statement::{Head, Place, Statement, Subject};
