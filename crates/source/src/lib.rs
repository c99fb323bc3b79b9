//! Where bytes come from.
//!
//! A source names what can be read; a [`Unit`] is one readable thing: a file, an archive member, a git blob, a commit
//! message, standard input. Detectors only ever see units.

pub mod archive;
pub mod choice;
pub mod git;
pub mod text;
mod tracked;
pub mod unit;
pub mod walk;

pub use unit::{Content, LineIndex, Origin, Unit};
