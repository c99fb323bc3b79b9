//! What happens on a host: logs, files and listening ports are watched; what is wrong is told to a file, a ledger and a hub;
//! the source of an attack is blocked for a time.
//!
//! Crate `cli` has it as `testudo agent`, and hosts in production run it as the small binary `testudo-agent`: both have the
//! same [commands](command). No rule of a scanner, no grammar and no policy language is in it.

mod alert;
pub mod command;
pub mod config;
mod error;
pub mod fim;
mod follow;
pub mod log;
mod machine;
mod mask;
mod openings;
mod ports;
mod response;
pub mod sca;
mod sink;
mod spool;
mod work;

pub use config::Config;
pub use error::AgentError;
pub use work::{Duty, run};
