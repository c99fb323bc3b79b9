//! Where the memory of a history is kept: one file a repository, rules and key, in the user's cache directory.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use testudo_secrets::{history::memory::Memory, native::SecretsDetector};
use testudo_source::git::Repository;

use crate::{cache, terminal};

/// A place for a memory, if there is one.
pub(super) struct MemoryFile {
    file: Option<PathBuf>,
    context: Vec<u8>,
}

impl MemoryFile {
    /// Nothing is remembered.
    pub(super) fn none() -> Self {
        Self { file: None, context: Vec::new() }
    }

    /// The memory of a repository for this detector.
    pub(super) fn of(repository: &Repository, detector: &SecretsDetector) -> Self {
        let place = std::fs::canonicalize(repository.common_dir()).ok();
        let context = place.map(|place| {
            let mut context = detector.history_context().into_bytes();
            context.push(0);
            // Keyed: a memory made with another key would name matches differently.
            context.extend(detector.match_identity(0, b"context").to_le_bytes());
            context.extend(place.as_os_str().as_encoded_bytes());
            context
        });
        let name = context.as_deref().map(|c| testudo_model::hex(&Sha256::digest(c)[..16]));
        let file = cache::folder().zip(name).map(|(folder, name)| folder.join("history").join(name));
        Self { file, context: context.unwrap_or_default() }
    }

    /// What is remembered.
    pub(super) fn read(&self) -> Memory {
        let bytes = self.file.as_deref().and_then(|file| cache::read(file, Memory::MAX_BYTES));
        bytes.and_then(|bytes| Memory::read(&bytes, &self.context)).unwrap_or_default()
    }

    /// Remembers; a scan does not fail for that.
    pub(super) fn write(&self, memory: &Memory) {
        if let Some(file) = &self.file
            && let Err(error) = cache::write(file, &memory.write(&self.context))
        {
            terminal::warn(&format!("the next scan will read the whole history again: {error:#}"));
        }
    }
}
