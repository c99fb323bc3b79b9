//! What counts, and who decides it: configuration, suppressions, ownership, the view and the gate.
//!
//! Detectors say what they found; this crate says what it means. It reads
//! `testudo.toml`, the ignore file, baselines and CODEOWNERS, joins them with the
//! findings ([`apply`]), counts them ([`summarise`]) and gives a verdict
//! ([`Gate::judge`]). There is no clock and no environment in here: dates and
//! values come as arguments, so equal input gives equal output.

mod apply;
mod atomic;
pub mod baseline;
pub mod config;
mod date;
mod error;
mod gate;
mod glob;
mod ignore_file;
mod inline;
pub mod key;
mod line;
mod owners;
pub mod problem;
#[cfg(test)]
mod random;
mod suggest;
mod summary;
pub mod table;

pub use apply::{Applied, Policy, Run, Scope, apply, mark_known};
pub use config::{Config, ConfigError, Effective};
pub use date::Date;
pub use error::PolicyError;
pub use gate::{Gate, Outcome, Reference, Verdict};
pub use ignore_file::{Entry, EntryKey, IgnoreFile};
pub use inline::{Judgement, Requirements, judge};
pub use owners::{Dialect, Owners, PathBase};
pub use suggest::nearest;
pub use summary::summarise;
