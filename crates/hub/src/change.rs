//! What people decide, as the hub's own ledger holds it. Each change says how something is from then on, as a whole, so the
//! ledger alone tells how the database has to look.

use serde::{Deserialize, Serialize};

use crate::{
    Scope,
    store::{ConcernRow, DecidedRow, FindingState, MadeRow, PersonRow},
};

/// Type of the predicate of a change that no other type describes.
pub(crate) const KIND: &str = "testudo:hub/v1";
/// The field of a predicate that holds [`Signed`].
pub(crate) const FIELD: &str = "hub";

/// A finding that a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// Its number.
    pub(crate) id: i64,
    /// Its product.
    pub(crate) product: String,
    /// Its identity.
    pub(crate) fingerprint: String,
}

/// A decision about findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Triaged {
    /// The findings.
    pub(crate) findings: Vec<Decided>,
    /// Their state from now on; open takes a decision back.
    pub(crate) state: FindingState,
    /// Why.
    pub(crate) reason: String,
    /// Last day; empty for `open`.
    pub(crate) until: String,
}

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenMade {
    /// Its number.
    pub(crate) id: i64,
    /// What it is for.
    pub(crate) scope: Scope,
    /// The product or agent.
    pub(crate) subject: String,
    /// SHA-256 of its secret, hexadecimal.
    pub(crate) digest: String,
    /// The product that the agent watches.
    pub(crate) watches: Option<String>,
}

/// How a product is, beside what is pushed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProductSet {
    /// Its name.
    pub(crate) name: String,
    /// The branch whose scans open and close findings.
    pub(crate) default_branch: Option<String>,
    /// Whether it is kept aside.
    pub(crate) archived: bool,
}

/// Keys that count for what comes next of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeysAccepted {
    /// The product.
    pub(crate) product: String,
    /// Its ledger.
    pub(crate) environment: String,
    /// The public keys (PEM).
    pub(crate) keys: String,
    /// Why.
    pub(crate) reason: String,
    /// Number of the last entry that was known.
    pub(crate) seq: u64,
    /// Hash of its line.
    pub(crate) hash: String,
}

/// How things were when decisions had no entries yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Adopted {
    /// People.
    pub(crate) people: Vec<PersonRow>,
    /// Tokens, by number.
    pub(crate) tokens: Vec<(i64, MadeRow)>,
    /// Agents with the products that they watch.
    pub(crate) watches: Vec<(String, String)>,
    /// Concerns.
    pub(crate) concerns: Vec<ConcernRow>,
    /// Decisions about findings, by the number of the finding.
    pub(crate) findings: Vec<(i64, DecidedRow)>,
}

impl Adopted {
    /// How many things.
    pub(crate) fn len(&self) -> usize {
        self.people.len() + self.tokens.len() + self.watches.len() + self.concerns.len() + self.findings.len()
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", content = "to", rename_all = "kebab-case")]
pub(crate) enum Change {
    /// Findings were decided about.
    Findings(Triaged),
    /// A concern was raised, given to somebody or answered.
    Concern(Box<ConcernRow>),
    /// A person was added, or may do something else.
    Person(PersonRow),
    /// A token was made.
    Token(TokenMade),
    /// A token was taken back: its number.
    Revoked(i64),
    /// A product is another way from now on.
    Product(ProductSet),
    /// Other keys of a ledger count.
    Keys(Box<KeysAccepted>),
    /// These things are as they were before decisions had entries.
    Adopted(Box<Adopted>),
    /// A product is gone, with all that was pushed for it: its name.
    Gone(String),
}

/// What an entry holds beside its own type: by which change it is known, and on which audit it follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signed {
    /// Identifier: an entry with it is written once.
    pub(crate) id: String,
    /// Hash of the last row of the audit before; empty where there was none.
    pub(crate) audit: String,
    /// The change.
    pub(crate) change: Change,
}
