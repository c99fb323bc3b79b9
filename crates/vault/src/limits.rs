//! How much is read: a file of secrets is small, and what is larger is something else or hostile.

use crate::{VaultError, tree::Tree};

/// Largest file, in bytes.
pub const SIZE: usize = 16 << 20;
/// Deepest nesting of lists and maps.
pub const DEPTH: usize = 64;
/// Most values and keys.
pub const VALUES: usize = 1_000_000;

/// Refuses a text that is too large.
pub(crate) fn check_size(text: &str) -> Result<(), VaultError> {
    if text.len() > SIZE {
        Err(VaultError::Limit(format!("has {} bytes; at most {SIZE} are read", text.len())))
    } else {
        Ok(())
    }
}

/// Refuses values that are too many or nest too deep.
pub(crate) fn check(tree: &Tree) -> Result<(), VaultError> {
    if tree.depth() > DEPTH {
        return Err(VaultError::Limit(format!("lists and maps nest deeper than {DEPTH} levels")));
    }
    match tree.count() {
        0..=VALUES => Ok(()),
        count => Err(VaultError::Limit(format!("has {count} values and keys; at most {VALUES} are read"))),
    }
}
