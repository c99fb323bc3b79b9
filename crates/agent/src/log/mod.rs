//! Logs: decoders that read fields out of lines, and rules that say what they mean.
//!
//! Both are written in the XML language of Wazuh 4 and OSSEC, so rules that exist can be used as they are. What of the
//! language is not known here is told with file, line, rule and key, and never passed over.
//!
//! Events are counted as Wazuh 4 does it: a rule with `frequency="8"` fires on the eighth event within its window, and the
//! count begins again. What is remembered is bounded (`memory.rs`).

pub(crate) mod cidr;
mod decoder;
mod dull;
mod engine;
mod expression;
pub(crate) mod header;
mod hours;
mod json;
mod list;
pub(crate) mod memory;
mod osmatch;
mod osregex;
mod own;
mod problem;
mod rotation;
mod rule;
mod ruleset;
pub(crate) mod tail;
mod xml;

pub use cidr::Cidr;
pub use engine::{Engine, Hit, Judged, Line, MAX_LINE};
pub(crate) use expression::{Dialect, Expression, Haystack};
pub(crate) use header::seconds;
pub use own::{OwnRule, own_rules, ruleset};
pub(crate) use own::{severity, value};
pub use problem::RuleProblem;
pub use ruleset::{Counting, Loaded, Ruleset};
