//! The matching engine: every rule over a buffer, at the cost of little more than one pass.

pub(crate) mod literal;
pub mod pattern;
pub(crate) mod plan;
mod search;

pub use pattern::{Pattern, PatternError};
pub use search::{Engine, RawMatch, Spec, Workspace};
pub(crate) use search::{Candidate, Evaluated};
