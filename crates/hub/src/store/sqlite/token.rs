//! Tokens of machines. Each speaks for one product or one agent.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{row, rows};
use crate::{
    HubError,
    auth::{Digest, HANDLE, Machine, Scope},
    change::TokenMade,
};

/// A token, without its secret, which nobody has but its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct TokenRow {
    /// Number.
    pub(crate) id: i64,
    /// What it is for.
    pub(crate) scope: Scope,
    /// The product or agent.
    pub(crate) subject: String,
    /// When it was made.
    pub(crate) created: String,
    /// Who made it.
    pub(crate) created_by: String,
    /// The day on which it was used last.
    pub(crate) used: Option<String>,
    /// Since when it is refused.
    pub(crate) revoked: Option<String>,
}

/// Every token, the newest first.
pub(crate) fn tokens(connection: &Connection) -> Result<Vec<TokenRow>, HubError> {
    let query = "SELECT id, scope, subject, created, created_by, used, revoked FROM token ORDER BY id DESC";
    rows(connection, (query, []), |row| {
        Ok(TokenRow {
            id: row.get(0)?,
            scope: Scope::of(&row.get::<_, String>(1)?).unwrap_or(Scope::Agent),
            subject: row.get(2)?,
            created: row.get(3)?,
            created_by: row.get(4)?,
            used: row.get(5)?,
            revoked: row.get(6)?,
        })
    })
}

/// Keeps a new token.
pub(super) fn put_token(connection: &Connection, made: &TokenMade, (time, by): (&str, &str)) -> Result<(), HubError> {
    let query = "INSERT INTO token (id, handle, digest, scope, subject, created, created_by) VALUES (?1, substr(unhex(?2), 1, ?3), unhex(?2), ?4, ?5, ?6, ?7)";
    let values = params![made.id, made.digest, HANDLE, made.scope.as_str(), made.subject, time, by];
    connection.execute(query, values)?;
    Ok(())
}

/// Refuses a token from now on.
pub(crate) fn revoke_token(connection: &Connection, id: i64, time: &str) -> Result<(), HubError> {
    connection.execute("UPDATE token SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL", params![id, time])?;
    Ok(())
}

/// A token as its change made it, and since when it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MadeRow {
    /// What it is for.
    pub(crate) scope: Scope,
    /// The product or agent.
    pub(crate) subject: String,
    /// SHA-256 of its secret, hexadecimal.
    pub(crate) digest: String,
    /// When it was made.
    pub(crate) created: String,
    /// Who made it.
    pub(crate) created_by: String,
    /// Since when it is refused.
    pub(crate) revoked: Option<String>,
}

/// Gives every token, with its number.
pub(crate) fn made(connection: &Connection, mut each: impl FnMut(i64, MadeRow)) -> Result<(), HubError> {
    let query = "SELECT id, scope, subject, lower(hex(digest)), created, created_by, revoked FROM token ORDER BY id";
    let mut statement = connection.prepare(query)?;
    let read = |row: &rusqlite::Row<'_>| {
        let scope: String = row.get(1)?;
        let found = MadeRow {
            scope: Scope::of(&scope).unwrap_or(Scope::Agent),
            subject: row.get(2)?,
            digest: row.get(3)?,
            created: row.get(4)?,
            created_by: row.get(5)?,
            revoked: row.get(6)?,
        };
        Ok((row.get::<_, i64>(0)?, found))
    };
    for found in statement.query_map([], read)? {
        let (id, found) = found?;
        each(id, found);
    }
    Ok(())
}

/// The machine of a token, and the day on which it was used last.
pub(crate) fn token(connection: &Connection, digest: &Digest) -> Result<Option<(Machine, Option<String>)>, HubError> {
    let query = "SELECT id, digest, scope, subject, used FROM token WHERE handle = ?1 AND revoked IS NULL";
    let found = row(connection, (query, [digest.handle()]), |row| {
        let scope: String = row.get(2)?;
        let machine =
            Machine { id: row.get(0)?, scope: Scope::of(&scope).unwrap_or(Scope::Agent), subject: row.get(3)? };
        Ok((row.get::<_, Vec<u8>>(1)?, machine, row.get(4)?))
    })?;
    Ok(found.filter(|(kept, ..)| digest.is(kept)).map(|(_, machine, used)| (machine, used)))
}

/// Says that a token was used on a day.
pub(crate) fn used(connection: &Connection, id: i64, day: &str) -> Result<(), HubError> {
    connection.execute("UPDATE token SET used = ?2 WHERE id = ?1", params![id, day])?;
    Ok(())
}
