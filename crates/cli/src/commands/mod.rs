//! Every command but the scan and the foreign fronts: one file a command, each with its arguments and its `run`.
//!
//! `run` gives the exit code; an error is a mistake of the user or of a file (exit code 2). Whatever looks at files goes
//! through [`crate::scan`], so that a baseline, a hook and a plain scan never disagree.

pub(crate) mod agent;
pub(crate) mod baseline;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod hook;
pub(crate) mod hub;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod ledger;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod push;
pub(crate) mod release;
pub(crate) mod rules;
pub(crate) mod scanning;
pub(crate) mod status;
pub(crate) mod vault;
