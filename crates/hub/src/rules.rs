//! The rules of this program: a scan with these rules looked for everything that they find.

use std::collections::BTreeSet;

/// Digest of the built-in rules, as coverage records have it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSet {
    /// Hexadecimal SHA-256; empty where no rules are known.
    pub digest: String,
    /// Ids of these rules.
    pub ids: BTreeSet<String>,
}
