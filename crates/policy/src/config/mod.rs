//! `testudo.toml`: finding it, reading it, layering environment and flags on top, and saying where each value came from.
//!
//! One table (`keys.rs`) names every key. The file reader, the environment, the flags, `config show` and the test that
//! compares the JSON Schema all go through it, so a key cannot exist in one of them only.

mod discover;
mod error;
mod file;
mod keys;
mod resolve;
mod sections;
mod setting;
mod words;

use std::path::Path;

use schemars::{Schema, schema_for};

pub use discover::{FILE_NAME, discover};
pub use error::ConfigError;
pub use file::MAX_BYTES;
pub use resolve::{Effective, Layers, Origin, Shown};
pub use sections::{Config, Gating, Ledger, Output, Ownership, Scan, Secrets, Suppress, View};
pub use words::{ByteSize, ColorChoice, FailOn, Switch};

impl Config {
    /// Reads a file on top of the defaults. `path` is only named in errors.
    ///
    /// # Errors
    /// [`ConfigError::File`] with every unknown key, wrong type and wrong word (at most 20), or the first syntax error.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        file::Document::read(text)
            .map(|document| document.config)
            .map_err(|faults| resolve::in_file(faults, text, path))
    }
}

/// The JSON Schema (draft 2020-12) of `testudo.toml`.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(Config)
}

#[cfg(test)]
mod tests;
