//! Our own rules.
use crate::rule::Ruleset;
/// All.
pub fn ruleset() -> Ruleset { Ruleset::default() }
