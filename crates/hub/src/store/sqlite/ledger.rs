//! Copies of ledgers: every line as it was signed, the keys that were pinned with the first push, and how far each is known.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use testudo_ledger::{Envelope, Followed, Head, Statement};

use super::{Intent, row, rows};
use crate::{HubError, change::KeysAccepted};

/// A copy of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct LedgerRow {
    /// Number of the copy.
    #[serde(skip)]
    pub(crate) id: i64,
    /// Its environment.
    pub(crate) environment: String,
    /// The public keys whose entries count (PEM).
    pub(crate) keys: String,
    /// The ledger.
    pub(crate) ledger: String,
    /// Number of its last entry.
    pub(crate) seq: u64,
    /// Hash of the line of its last entry.
    pub(crate) hash: String,
    /// Time of its last entry.
    pub(crate) time: String,
    /// Since when its keys are pinned.
    pub(crate) pinned: String,
}

impl LedgerRow {
    /// The last entry as a head has it.
    pub(crate) fn last(&self) -> Head {
        Head {
            ledger: self.ledger.clone(),
            environment: self.environment.clone(),
            seq: self.seq,
            hash: self.hash.clone(),
            time: self.time.clone(),
        }
    }
}

const COLUMNS: &str = "id, environment, keys, ledger, seq, hash, time, pinned";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<LedgerRow> {
    Ok(LedgerRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        keys: row.get(2)?,
        ledger: row.get(3)?,
        seq: row.get(4)?,
        hash: row.get(5)?,
        time: row.get(6)?,
        pinned: row.get(7)?,
    })
}

/// The copies of a product, by environment.
pub(crate) fn ledgers(connection: &Connection, product: i64) -> Result<Vec<LedgerRow>, HubError> {
    let query = format!("SELECT {COLUMNS} FROM ledger WHERE product = ?1 ORDER BY environment");
    rows(connection, (&query, [product]), read)
}

/// The copy of an environment.
pub(crate) fn ledger(connection: &Connection, product: i64, environment: &str) -> Result<Option<LedgerRow>, HubError> {
    let query = format!("SELECT {COLUMNS} FROM ledger WHERE product = ?1 AND environment = ?2");
    row(connection, (&query, params![product, environment]), read)
}

/// Pins the keys of a ledger that was never pushed before, and keeps its entries.
pub(crate) fn first_push(
    connection: &Connection,
    (product, environment): (i64, &str),
    keys: &str,
    (followed, head): (&[Followed], &str),
    time: &str,
) -> Result<i64, HubError> {
    let id = connection
        .prepare_cached("INSERT INTO ledger (product, environment, keys, ledger, seq, hash, time, head, pinned) VALUES (?1, ?2, ?3, '', 0, '', '', '', ?4)")?
        .insert(params![product, environment, keys, time])?;
    append(connection, id, followed, head)?;
    Ok(id)
}

/// Keeps entries behind the last one.
pub(crate) fn append(connection: &Connection, id: i64, followed: &[Followed], head: &str) -> Result<(), HubError> {
    let mut insert = connection.prepare_cached("INSERT INTO ledger_line (ledger, seq, line) VALUES (?1, ?2, ?3)")?;
    for entry in followed {
        insert.execute(params![id, entry.statement.testudo.seq, entry.line])?;
    }
    if let Some(last) = followed.last() {
        let place = &last.statement.testudo;
        let query = "UPDATE ledger SET ledger = ?2, seq = ?3, hash = ?4, time = ?5, head = ?6 WHERE id = ?1";
        connection.execute(query, params![id, place.ledger, place.seq, last.hash, place.time, head])?;
    }
    Ok(())
}

/// The line of an entry.
pub(crate) fn line(connection: &Connection, id: i64, seq: u64) -> Result<Option<Vec<u8>>, HubError> {
    let query = "SELECT line FROM ledger_line WHERE ledger = ?1 AND seq = ?2";
    row(connection, (query, params![id, seq]), |row| row.get(0))
}

/// What an entry says.
pub(crate) fn statement(
    connection: &Connection,
    (product, environment): (i64, &str),
    seq: u64,
) -> Result<Option<Statement>, HubError> {
    let Some(copy) = ledger(connection, product, environment)? else { return Ok(None) };
    // A number that no row can have is that of no entry.
    let line = if i64::try_from(seq).is_ok() { line(connection, copy.id, seq)? } else { None };
    line.map(|line| said(&line)).transpose()
}

fn said(line: &[u8]) -> Result<Statement, HubError> {
    let envelope: Envelope = serde_json::from_slice(line)?;
    Ok(serde_json::from_slice(&envelope.payload().unwrap_or_default())?)
}

/// Hash of the line of an entry.
pub(crate) fn line_hash(connection: &Connection, id: i64, seq: u64) -> Result<Option<String>, HubError> {
    Ok(line(connection, id, seq)?.map(|line| testudo_model::hex(&Sha256::digest(line))))
}

/// What the newest entries say, the oldest of them first. They were checked when they came.
pub(crate) fn newest_statements(connection: &Connection, id: i64, most: usize) -> Result<Vec<Statement>, HubError> {
    let query = "SELECT line FROM ledger_line WHERE ledger = ?1 ORDER BY seq DESC LIMIT ?2";
    let lines = rows(connection, (query, params![id, most]), |row| row.get::<_, Vec<u8>>(0))?;
    lines.iter().rev().map(|line| said(line)).collect()
}

/// Has other keys count behind what is known of a ledger. The keys of before are kept with the head that they signed.
pub(super) fn accept_keys(
    connection: &Connection,
    accepted: &KeysAccepted,
    (intent, entry): (&Intent, u64),
) -> Result<(), HubError> {
    let former = "INSERT INTO former_keys (ledger, seq, hash, keys, head, time, reason, accepted_by, decision) SELECT l.id, l.seq, l.hash, l.keys, l.head, ?3, ?4, ?5, ?6 FROM ledger l JOIN product p ON p.id = l.product WHERE p.name = ?1 AND l.environment = ?2";
    let (product, environment) = (&accepted.product, &accepted.environment);
    connection.execute(former, params![product, environment, intent.time, accepted.reason, intent.actor, entry])?;
    let query = "UPDATE ledger SET keys = ?3, pinned = ?4 WHERE environment = ?2 AND product = (SELECT id FROM product WHERE name = ?1)";
    connection.execute(query, params![product, environment, accepted.keys, intent.time])?;
    Ok(())
}

/// Which products have a copy of a ledger.
pub(crate) fn with_ledgers(connection: &Connection) -> Result<BTreeSet<i64>, HubError> {
    let found = rows(connection, ("SELECT DISTINCT product FROM ledger", []), |row| row.get(0))?;
    Ok(found.into_iter().collect())
}

/// Keys that counted until other ones were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormerKeys {
    /// The last entry that counted with them.
    pub(crate) seq: u64,
    /// The keys (PEM).
    pub(crate) keys: String,
    /// The signed head of that entry.
    pub(crate) head: String,
    /// When other ones were accepted.
    pub(crate) time: String,
    /// Why.
    pub(crate) reason: String,
    /// By whom.
    pub(crate) accepted_by: String,
}

/// The former keys of a copy, the first ones first.
pub(crate) fn former_keys(connection: &Connection, id: i64) -> Result<Vec<FormerKeys>, HubError> {
    let query =
        "SELECT seq, keys, head, time, reason, accepted_by FROM former_keys WHERE ledger = ?1 ORDER BY decision";
    rows(connection, (query, [id]), |row| {
        Ok(FormerKeys {
            seq: row.get(0)?,
            keys: row.get(1)?,
            head: row.get(2)?,
            time: row.get(3)?,
            reason: row.get(4)?,
            accepted_by: row.get(5)?,
        })
    })
}

/// The signed head of a copy.
pub(crate) fn head(connection: &Connection, id: i64) -> Result<String, HubError> {
    Ok(connection.query_row("SELECT head FROM ledger WHERE id = ?1", [id], |row| row.get(0))?)
}

/// Lines of a copy from one number to another, both among them.
pub(crate) fn lines(connection: &Connection, id: i64, (from, to): (u64, u64)) -> Result<Vec<Vec<u8>>, HubError> {
    let query = "SELECT line FROM ledger_line WHERE ledger = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq";
    rows(connection, (query, params![id, from, to]), |row| row.get(0))
}
