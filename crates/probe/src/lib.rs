//! Dynamic tests of a running application, within agreed bounds.
//!
//! [`run`] takes a [`Target`] and gives findings, notices and a coverage record. What it may request is decided in one place
//! each: where in `scope.rs`, how in `profile.rs`, how often in `pace.rs`, and `session.rs` is the only way past them. The
//! network is behind the trait [`Wire`], time behind [`Clock`], and randomness is a seed, so that a run over the same answers
//! gives the same findings.
//!
//! Checks of one answer are in `check/`, those that try something in `active/`, and what a description of an API adds is in
//! `openapi/`. Whatever a server answers is input of a stranger: the readers here have limits, and make something of any bytes.

mod active;
mod ask;
mod canary;
pub mod check;
pub mod cookie;
mod crawl;
pub mod csp;
mod endpoint;
mod error;
mod finding;
pub mod html;
pub mod link;
pub mod openapi;
mod pace;
mod profile;
mod reproduce;
mod rule;
mod run;
mod scope;
pub mod script;
mod session;
mod wire;

pub use ask::{Answer, Ask, Class, Content};
pub use crawl::{Form, Leads, leads};
pub use endpoint::Place;
pub use error::ProbeError;
pub use pace::{Clock, Limits, Spent};
pub use profile::Profile;
pub use rule::{RULES, Rule, digest, rule};
pub use run::{Description, Planned, Probed, Target, Unverified, plan, run};
pub use scope::{OutOfScope, Scope};
pub use wire::{MAX_BODY, Network, Wire};
