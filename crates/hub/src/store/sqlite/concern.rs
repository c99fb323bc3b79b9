//! Questions and concerns: each has an owner and a day, and none ends without an answer. The table itself refuses that.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;
use testudo_model::{Concern, ConcernState};

use super::{row, rows};
use crate::HubError;

/// A concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ConcernRow {
    /// Number.
    pub(crate) number: i64,
    /// The concern.
    #[serde(flatten)]
    pub(crate) concern: Concern,
    /// When it was answered.
    pub(crate) answered: Option<String>,
    /// Number of the answer in the hub's own ledger.
    pub(crate) decision: Option<u64>,
}

impl ConcernRow {
    /// Whether somebody still has to answer.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.concern.state, ConcernState::Open | ConcernState::InProgress)
    }
}

/// The word of a state.
pub(crate) fn word(state: ConcernState) -> &'static str {
    match state {
        ConcernState::Open => "open",
        ConcernState::InProgress => "in-progress",
        ConcernState::Closed => "closed",
        ConcernState::Accepted => "accepted",
    }
}

const COLUMNS: &str =
    "id, product, title, text, raised_by, raised, owner, due, state, answer, answered_by, answered, decision";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<ConcernRow> {
    let number: i64 = row.get(0)?;
    let state: String = row.get(8)?;
    Ok(ConcernRow {
        number,
        concern: Concern {
            id: format!("concern-{number}"),
            product: row.get(1)?,
            title: row.get(2)?,
            text: row.get(3)?,
            raised_by: row.get(4)?,
            raised: row.get(5)?,
            owner: row.get(6)?,
            due: row.get(7)?,
            state: match state.as_str() {
                "in-progress" => ConcernState::InProgress,
                "closed" => ConcernState::Closed,
                "accepted" => ConcernState::Accepted,
                _ => ConcernState::Open,
            },
            answer: row.get(9)?,
            answered_by: row.get(10)?,
        },
        answered: row.get(11)?,
        decision: row.get(12)?,
    })
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewConcern<'a> {
    /// What it is about.
    pub(crate) product: &'a str,
    /// One line.
    pub(crate) title: &'a str,
    /// In full.
    pub(crate) text: &'a str,
    /// Who asks.
    pub(crate) by: &'a str,
    /// Now.
    pub(crate) time: &'a str,
    /// Who answers.
    pub(crate) owner: &'a str,
    /// By which day.
    pub(crate) due: &'a str,
}

/// Keeps a concern. Gives its number.
pub(crate) fn raise(connection: &Connection, new: NewConcern<'_>) -> Result<i64, HubError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO concern (product, title, text, raised_by, raised, owner, due, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open')",
    )?;
    Ok(statement.insert(params![new.product, new.title, new.text, new.by, new.time, new.owner, new.due])?)
}

/// Gives a concern that is not answered to somebody, until a day.
pub(crate) fn work_on(connection: &Connection, number: i64, owner: &str, due: &str) -> Result<bool, HubError> {
    let query = "UPDATE concern SET owner = ?2, due = ?3, state = 'in-progress' WHERE id = ?1 AND state IN ('open', 'in-progress')";
    Ok(connection.execute(query, params![number, owner, due])? > 0)
}

/// Ends a concern with an answer. The table refuses an empty one.
pub(crate) fn answer_concern(connection: &Connection, concern: &ConcernRow) -> Result<(), HubError> {
    let query =
        "UPDATE concern SET state = ?2, answer = ?3, answered_by = ?4, answered = ?5, decision = ?6 WHERE id = ?1";
    connection.execute(
        query,
        params![
            concern.number,
            word(concern.concern.state),
            concern.concern.answer,
            concern.concern.answered_by,
            concern.answered,
            concern.decision
        ],
    )?;
    Ok(())
}

/// One concern.
pub(crate) fn concern(connection: &Connection, number: i64) -> Result<Option<ConcernRow>, HubError> {
    row(connection, (&format!("SELECT {COLUMNS} FROM concern WHERE id = ?1"), [number]), read)
}

/// Concerns behind a number: those that wait for an answer by their day, then the newest answered ones.
pub(crate) fn concerns(connection: &Connection, limit: usize) -> Result<Vec<ConcernRow>, HubError> {
    let query = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM concern WHERE state IN ('open', 'in-progress') ORDER BY due, id LIMIT ?1) UNION ALL SELECT {COLUMNS} FROM (SELECT * FROM concern WHERE state IN ('closed', 'accepted') ORDER BY id DESC LIMIT ?1)"
    );
    rows(connection, (&query, [limit]), read)
}
