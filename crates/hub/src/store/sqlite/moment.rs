//! One line of time for each product: what happened, what it came from, and the entry of a ledger that says so.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;

use super::{row, rows};
use crate::HubError;

/// Something that happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NewMoment<'a> {
    /// When, RFC 3339.
    pub(crate) time: &'a str,
    /// `finding`, `scan`, `gate`, `test`, `release`, `alert`, `response`, `decision` or `entry`.
    pub(crate) kind: &'a str,
    /// `good`, `bad`, `look` or `plain`.
    pub(crate) mark: &'a str,
    /// What, in words.
    pub(crate) said: &'a str,
    /// What it is about, by which later moments find it: `release:prod-7`, `alert:web-1/…/4`, `entry:prod:12`.
    pub(crate) about: &'a str,
    /// Page of the hub with more.
    pub(crate) link: &'a str,
    /// The entry of a ledger: environment and number.
    pub(crate) entry: Option<(&'a str, u64)>,
    /// The moment that it came from.
    pub(crate) cause: Option<i64>,
}

/// A moment on the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct MomentRow {
    /// Number.
    pub(crate) id: i64,
    /// When, RFC 3339 in UTC.
    pub(crate) time: String,
    /// What kind.
    pub(crate) kind: String,
    /// `good`, `bad`, `look` or `plain`.
    pub(crate) mark: String,
    /// What, in words.
    pub(crate) said: String,
    /// Page of the hub with more; may be empty.
    pub(crate) link: String,
    /// Environment of the ledger that says so; empty where none does.
    pub(crate) environment: String,
    /// Number of the entry.
    pub(crate) seq: Option<u64>,
    /// The moment that it came from.
    pub(crate) cause: Option<i64>,
}

/// Adds a moment to the line of a product. Gives its number.
pub(crate) fn add_moment(connection: &Connection, product: i64, moment: NewMoment<'_>) -> Result<i64, HubError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO moment (product, time, kind, mark, said, about, link, environment, seq, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let (environment, seq) = moment.entry.map_or(("", None), |(environment, seq)| (environment, Some(seq)));
    Ok(statement.insert(params![
        product,
        moment.time,
        moment.kind,
        moment.mark,
        moment.said,
        moment.about,
        moment.link,
        environment,
        seq,
        moment.cause
    ])?)
}

/// Says that an entry of a ledger tells what a moment tells that came another way; whether there was one.
pub(crate) fn attest_moment(
    connection: &Connection,
    product: i64,
    (about, time): (&str, &str),
    (environment, seq, link): (&str, u64, &str),
) -> Result<bool, HubError> {
    let found =
        "SELECT id FROM moment WHERE product = ?1 AND about = ?2 AND time = ?3 AND seq IS NULL ORDER BY id LIMIT 1";
    let Some(id) = row(connection, (found, params![product, about, time]), |row| row.get::<_, i64>(0))? else {
        return Ok(false);
    };
    let mut statement =
        connection.prepare_cached("UPDATE moment SET environment = ?2, seq = ?3, link = ?4 WHERE id = ?1")?;
    Ok(statement.execute(params![id, environment, seq, link])? > 0)
}

/// The newest moment about something.
pub(crate) fn latest_about(connection: &Connection, product: i64, about: &str) -> Result<Option<i64>, HubError> {
    let query = "SELECT id FROM moment WHERE product = ?1 AND about = ?2 ORDER BY id DESC LIMIT 1";
    row(connection, (query, params![product, about]), |row| row.get(0))
}

/// The moments of a product before one, the newest first.
pub(crate) fn moments(
    connection: &Connection,
    product: i64,
    before: Option<(&str, i64)>,
    limit: usize,
) -> Result<Vec<MomentRow>, HubError> {
    let query = "SELECT id, time, kind, mark, said, link, environment, seq, cause FROM moment WHERE product = ?1 AND (time, id) < (?2, ?3) ORDER BY time DESC, id DESC LIMIT ?4";
    let (time, id) = before.unwrap_or(("~", i64::MAX));
    rows(connection, (query, params![product, time, id, limit]), |row| {
        Ok(MomentRow {
            id: row.get(0)?,
            time: row.get(1)?,
            kind: row.get(2)?,
            mark: row.get(3)?,
            said: row.get(4)?,
            link: row.get(5)?,
            environment: row.get(6)?,
            seq: row.get(7)?,
            cause: row.get(8)?,
        })
    })
}
