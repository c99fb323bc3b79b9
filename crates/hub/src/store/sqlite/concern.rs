//! Questions and concerns: each has an owner and a day, and none ends without an answer. The table itself refuses that.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use testudo_model::{Concern, ConcernState};

use super::{row, rows};
use crate::HubError;

/// A concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Keeps a concern as it is from now on. The table refuses one that ends without an answer.
pub(crate) fn put_concern(connection: &Connection, row: &ConcernRow) -> Result<(), HubError> {
    let concern = &row.concern;
    connection
        .prepare_cached(
            "INSERT INTO concern (id, product, title, text, raised_by, raised, owner, due, state, answer, answered_by, answered, decision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, due = excluded.due, state = excluded.state, answer = excluded.answer, answered_by = excluded.answered_by, answered = excluded.answered, decision = excluded.decision",
        )?
        .execute(params![
            row.number,
            concern.product,
            concern.title,
            concern.text,
            concern.raised_by,
            concern.raised,
            concern.owner,
            concern.due,
            word(concern.state),
            concern.answer,
            concern.answered_by,
            row.answered,
            row.decision
        ])?;
    Ok(())
}

/// Gives every concern, by number.
pub(crate) fn each_concern(connection: &Connection, mut each: impl FnMut(ConcernRow)) -> Result<(), HubError> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM concern ORDER BY id"))?;
    for row in statement.query_map([], read)? {
        each(row?);
    }
    Ok(())
}

/// One concern.
pub(crate) fn concern(connection: &Connection, number: i64) -> Result<Option<ConcernRow>, HubError> {
    row(connection, (&format!("SELECT {COLUMNS} FROM concern WHERE id = ?1"), [number]), read)
}

/// What somebody asked, the newest first.
pub(crate) fn concerns_of(connection: &Connection, person: &str, limit: usize) -> Result<Vec<ConcernRow>, HubError> {
    let query = format!("SELECT {COLUMNS} FROM concern WHERE raised_by = ?1 ORDER BY id DESC LIMIT ?2");
    rows(connection, (&query, params![person, limit]), read)
}

/// Which concerns are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that wait for an answer, the earliest day first.
    Open,
    /// Those that have one, the newest first.
    Answered,
}

impl Which {
    const fn condition(self) -> &'static str {
        match self {
            Self::Open => "state IN ('open', 'in-progress')",
            Self::Answered => "state IN ('closed', 'accepted')",
        }
    }
}

/// Concerns behind one of that number.
pub(crate) fn concerns(
    connection: &Connection,
    which: Which,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<ConcernRow>, HubError> {
    let condition = which.condition();
    let (behind, order) = match which {
        Which::Open => ("(due, id) > (SELECT due, id FROM concern WHERE id = ?1)", "due, id"),
        Which::Answered => ("id < ?1", "id DESC"),
    };
    let query = format!(
        "SELECT {COLUMNS} FROM concern WHERE {condition} AND (?1 IS NULL OR {behind}) ORDER BY {order} LIMIT ?2"
    );
    rows(connection, (&query, params![after, limit]), read)
}

/// How many concerns there are.
pub(crate) fn concern_count(connection: &Connection, which: Which) -> Result<usize, HubError> {
    let query = format!("SELECT count(*) FROM concern WHERE {}", which.condition());
    Ok(connection.query_row(&query, [], |row| row.get(0))?)
}

/// Concerns that wait for an answer of somebody of this name, the earliest day first.
pub(crate) fn concerns_for(connection: &Connection, owner: &str, limit: usize) -> Result<Vec<ConcernRow>, HubError> {
    let query = format!(
        "SELECT {COLUMNS} FROM concern WHERE owner = ?1 AND state IN ('open', 'in-progress') ORDER BY due, id LIMIT ?2"
    );
    rows(connection, (&query, params![owner, limit]), read)
}
