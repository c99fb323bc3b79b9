//! Who did what, when and from where. Rows are only added (triggers refuse anything else), and each holds the hash of all
//! before it, so a row that is changed behind the program's back is seen.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{row, rows};
use crate::HubError;

/// Something that was done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    /// When, RFC 3339.
    pub(crate) time: &'a str,
    /// Who.
    pub(crate) actor: &'a str,
    /// From where.
    pub(crate) address: &'a str,
    /// What, as a word: `finding.triage`.
    pub(crate) action: &'a str,
    /// What, in words.
    pub(crate) said: &'a str,
    /// Number of the entry in the hub's own ledger.
    pub(crate) decision: Option<u64>,
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct AuditRow {
    /// Its number.
    pub(crate) id: i64,
    /// When, RFC 3339 in UTC.
    pub(crate) time: String,
    /// Who.
    pub(crate) actor: String,
    /// From where.
    pub(crate) address: String,
    /// What, as a word.
    pub(crate) action: String,
    /// What, in words.
    pub(crate) said: String,
    /// Number of the entry in the hub's own ledger, for decisions.
    pub(crate) decision: Option<u64>,
    /// SHA-256 over the row before and this one.
    pub(crate) hash: String,
}

/// Whether a row follows on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// It does.
    Whole,
    /// It was changed, or one before it was taken away.
    Broken,
}

fn hash(before: &str, deed: &Deed<'_>) -> String {
    let decision = deed.decision.map_or_else(String::new, |seq| seq.to_string());
    let fields = [before, deed.time, deed.actor, deed.address, deed.action, deed.said, &decision];
    let mut sum = Sha256::new();
    for field in fields {
        // With their lengths, so that no two rows give the same bytes.
        sum.update((field.len() as u64).to_be_bytes());
        sum.update(field.as_bytes());
    }
    testudo_model::hex(&sum.finalize())
}

/// Hash of the last row; empty where there is none.
pub(crate) fn last_hash(connection: &Connection) -> Result<String, HubError> {
    let last = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1";
    Ok(row(connection, (last, []), |row| row.get(0))?.unwrap_or_default())
}

/// Adds a row.
pub(crate) fn record(connection: &Connection, deed: Deed<'_>) -> Result<(), HubError> {
    let before = last_hash(connection)?;
    connection.prepare_cached(
        "INSERT INTO audit (time, actor, address, action, said, decision, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        deed.time,
        deed.actor,
        deed.address,
        deed.action,
        deed.said,
        deed.decision,
        hash(&before, &deed)
    ])?;
    Ok(())
}

/// Rows before a number, the newest first.
pub(crate) fn audit(connection: &Connection, before: Option<i64>, limit: usize) -> Result<Vec<AuditRow>, HubError> {
    let query = "SELECT id, time, actor, address, action, said, decision, hash FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    rows(connection, (query, params![before.unwrap_or(i64::MAX), limit]), read)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        id: row.get(0)?,
        time: row.get(1)?,
        actor: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        said: row.get(5)?,
        decision: row.get(6)?,
        hash: row.get(7)?,
    })
}

/// Gives every row in order, with whether its hash follows from the one before.
pub(crate) fn each_deed(connection: &Connection, mut each: impl FnMut(AuditRow, Link)) -> Result<(), HubError> {
    let mut statement =
        connection.prepare("SELECT id, time, actor, address, action, said, decision, hash FROM audit ORDER BY id")?;
    let mut before = String::new();
    for found in statement.query_map([], read)? {
        let row = found?;
        let deed = Deed {
            time: &row.time,
            actor: &row.actor,
            address: &row.address,
            action: &row.action,
            said: &row.said,
            decision: row.decision,
        };
        let link = if hash(&before, &deed) == row.hash { Link::Whole } else { Link::Broken };
        before.clone_from(&row.hash);
        each(row, link);
    }
    Ok(())
}
