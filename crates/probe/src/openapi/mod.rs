//! Descriptions of an API (OpenAPI 3.0 and 3.1): which operations there are, what they expect, and what they answer. Each
//! operation gets what it expects and what it does not expect here; what an attacker sends is the matter of `active/`.

mod document;
mod exercise;
mod operation;
mod sample;
mod schema;
mod unexpected;

pub use document::{Document, read};
pub use sample::sample;
pub use schema::mismatch;

pub(crate) use exercise::exercise;
pub(crate) use operation::{Operation, operations};
