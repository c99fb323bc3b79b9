//! What is signed: in-toto Statement v1 (in-toto attestation framework, `spec/v1/statement.md`) with its place in the chain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Value of `_type`.
pub(crate) const TYPE: &str = "https://in-toto.io/Statement/v1";

/// Something that a statement is about (`spec/v1/resource_descriptor.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Digests by algorithm, hexadecimal: `sha256`, `gitCommit`.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A subject with one digest.
    #[must_use]
    pub fn new(name: &str, algorithm: &str, digest: &str) -> Self {
        Self { name: name.to_owned(), digest: BTreeMap::from([(algorithm.to_owned(), digest.to_owned())]) }
    }
}

/// Where an entry is in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The ledger: 32 hexadecimal digits at random, made with its first entry. An entry of another ledger is none of this.
    pub ledger: String,
    /// The environment of the ledger.
    pub environment: String,
    /// Number of the entry, from 0.
    pub seq: u64,
    /// Hexadecimal SHA-256 of the line before, without its line break; 64 zeros for the first.
    pub prev: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who or what acted.
    pub actor: String,
}

/// A statement about subjects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// `https://in-toto.io/Statement/v1`.
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What the predicate is: a type of the in-toto framework, or one of [`crate::predicate`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is said.
    #[serde(default)]
    pub predicate: Value,
    /// Not of the framework, whose readers pass over fields that they do not know.
    pub testudo: Place,
}

/// The last line of a ledger, signed: what comes after can be new, what is missing was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The ledger.
    pub ledger: String,
    /// The environment of the ledger.
    pub environment: String,
    /// Number of the last entry.
    pub seq: u64,
    /// Hexadecimal SHA-256 of its line, without the line break.
    pub hash: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
}

impl Head {
    /// The payload type of signed heads.
    pub const TYPE: &'static str = "application/vnd.testudo.ledger-head+json";
}
