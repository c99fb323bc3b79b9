//! What is about to be written into the hub's own ledger, and how far that ledger is known.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use testudo_ledger::{Head, Subject};

use super::{row, rows};
use crate::{HubError, change::Signed};

/// A change that is about to stand in the hub's own ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// Type of the predicate.
    pub(crate) kind: String,
    /// What the entry is about.
    pub(crate) subject: Vec<Subject>,
    /// What the type of the predicate asks for.
    pub(crate) predicate: serde_json::Value,
    /// The change.
    pub(crate) signed: Signed,
    /// When, RFC 3339.
    pub(crate) time: String,
    /// Who.
    pub(crate) actor: String,
    /// From where.
    pub(crate) address: String,
    /// What, as a word, for the audit.
    pub(crate) action: String,
    /// What, in words, for the audit.
    pub(crate) said: String,
}

/// Keeps an intent.
pub(crate) fn intend(connection: &Connection, intent: &Intent) -> Result<(), HubError> {
    let query = "INSERT INTO intent (id, document) VALUES (?1, ?2)";
    connection.execute(query, params![intent.signed.id, serde_json::to_string(intent)?])?;
    Ok(())
}

/// Intents that are neither done nor dropped.
pub(crate) fn intents(connection: &Connection) -> Result<Vec<Intent>, HubError> {
    let texts = rows(connection, ("SELECT document FROM intent ORDER BY id", []), |row| row.get::<_, String>(0))?;
    texts.iter().map(|text| Ok(serde_json::from_str(text)?)).collect()
}

/// Takes an intent away: it is done, or dropped.
pub(crate) fn forget(connection: &Connection, id: &str) -> Result<(), HubError> {
    connection.execute("DELETE FROM intent WHERE id = ?1", [id])?;
    Ok(())
}

/// Keeps how far the hub's own ledger is known.
pub(crate) fn set_own_head(connection: &Connection, head: &Head) -> Result<(), HubError> {
    let query = "INSERT INTO own_head (id, head) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET head = excluded.head";
    connection.execute(query, [serde_json::to_string(head)?])?;
    Ok(())
}

/// How far the hub's own ledger is known; none where it never had an entry.
pub(crate) fn own_head(connection: &Connection) -> Result<Option<Head>, HubError> {
    let text: Option<String> = row(connection, ("SELECT head FROM own_head", []), |row| row.get(0))?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Whether what was decided before decisions had entries does not stand in the hub's own ledger yet.
pub(crate) fn is_adopting(connection: &Connection) -> Result<bool, HubError> {
    Ok(row(connection, ("SELECT 1 FROM adopting", []), |_| Ok(()))?.is_some())
}

/// Says that it does.
pub(crate) fn adopted(connection: &rusqlite::Transaction<'_>) -> Result<(), HubError> {
    connection.execute("DELETE FROM adopting", [])?;
    Ok(())
}
