//! Releases: nothing ships that has not passed, and what fails goes back.
//!
//! A [`Pipeline`] says what stages an environment has. Every step is an entry of the environment's ledger, written before
//! what it announces begins and after that has ended, so a release is what its entries say ([`History`]) and nothing else.
//! One pure function ([`decide`]) says what comes next; [`drive`] does it until nothing is left to do. A release that was
//! killed at any point is therefore resumed by reading its entries and going on.

mod artifact;
mod command;
mod decide;
mod drive;
mod error;
#[cfg(unix)]
pub mod guard;
mod history;
mod lock;
mod pipeline;
mod read;
mod results;

pub use artifact::digest;
pub use command::{Command, Ended, Shell, Sink};
pub use decide::{Move, decide};
pub use drive::{Checked, Said, Started, World, abort, begin, drive, go_back, resume};
pub use error::ReleaseError;
pub use history::{History, Known, Open, RECHECK, ROLLBACK, Standing};
pub use lock::{Lock, Request};
pub use pipeline::{Deploy, Idempotent, Pipeline, Stage, Test, Work};
pub use read::{Reading, configuration_schema, read};
pub use results::{Results, Snapshot, read as read_results, results, snapshot};

#[cfg(test)]
mod tests;
