//! The matching engine: every rule over a buffer, at the cost of little more than one pass.

mod anchored;
mod gate;
mod groups;
pub(crate) mod literal;
pub mod pattern;
pub(crate) mod plan;
mod prepare;
mod search;

pub use pattern::{Pattern, PatternError};
pub use prepare::{Prepared, Spec};
pub(crate) use search::{Candidate, Evaluated};
pub use search::{Engine, RawMatch, Workspace};
