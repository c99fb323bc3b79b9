//! Tokens of machines. Each speaks for one product or one agent.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;

use super::{row, rows};
use crate::{
    HubError,
    auth::{Digest, Machine, Scope},
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

/// Keeps a new token. Gives its number.
pub(crate) fn create_token(
    connection: &Connection,
    digest: &Digest,
    (scope, subject): (Scope, &str),
    (time, by): (&str, &str),
) -> Result<i64, HubError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO token (handle, digest, scope, subject, created, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    Ok(statement.insert(params![digest.handle(), digest.bytes(), scope.as_str(), subject, time, by])?)
}

/// Refuses a token from now on. Says whether there was one that was not refused yet.
pub(crate) fn revoke_token(connection: &Connection, id: i64, time: &str) -> Result<bool, HubError> {
    Ok(connection.execute("UPDATE token SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL", params![id, time])? > 0)
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
