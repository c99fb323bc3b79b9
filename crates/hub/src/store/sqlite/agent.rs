//! What agents sent: each event once, in order, however often it was sent.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;
use testudo_model::{AgentBatch, AgentEventBody, Alert, Response, ResponseState, Severity};

use super::{json, latest_about, moment, row, rows, touched};
use crate::HubError;

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct AgentRow {
    /// Name.
    pub(crate) name: String,
    /// Machine.
    pub(crate) host: String,
    /// Version of its program.
    pub(crate) version: String,
    /// What it cannot watch, with reasons.
    pub(crate) reduced: Vec<String>,
    /// Events that it lost.
    pub(crate) lost: u64,
    /// When it was heard last.
    pub(crate) seen: String,
    /// The product that it watches.
    pub(crate) product: Option<String>,
}

/// An alert in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct AlertRow {
    /// Identifier.
    pub(crate) id: String,
    /// The agent.
    pub(crate) agent: String,
    /// The machine.
    pub(crate) host: String,
    /// The product that is watched.
    pub(crate) product: Option<String>,
    /// The alert.
    pub(crate) alert: Alert,
    /// What was done about it, the oldest first.
    pub(crate) responses: Vec<Response>,
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Everything up to this number is kept.
    UpTo(u64),
    /// Events before these are missing: the number that has to come next.
    Gap(u64),
    /// The batch does not follow on the one before, by its hash: everything up to this number is kept all the same.
    Unlinked(u64),
}

/// Takes a batch; `digest` is the SHA-256 of its bytes, `time` now.
pub(crate) fn take(connection: &Connection, batch: &AgentBatch, digest: &str, time: &str) -> Result<Taken, HubError> {
    let known = "SELECT seq FROM agent_boot WHERE agent = ?1 AND boot = ?2";
    let known = row(connection, (known, [&batch.agent, &batch.boot]), |row| row.get::<_, u64>(0))?.unwrap_or(0);
    let mut last = known;
    for event in &batch.events {
        if event.seq > last + 1 {
            return Ok(Taken::Gap(last + 1));
        }
        last = last.max(event.seq);
    }
    let before = "SELECT batch FROM agent WHERE name = ?1 AND boot = ?2";
    let before: Option<String> = row(connection, (before, [&batch.agent, &batch.boot]), |row| row.get(0))?;
    let follows = batch.events.first().is_some_and(|event| event.seq == known + 1);
    let linked = !follows || before.unwrap_or_default() == batch.previous;
    connection
        .prepare_cached("INSERT INTO agent (name, host, boot, seq, batch, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO UPDATE SET host = excluded.host, boot = excluded.boot, seq = excluded.seq, batch = CASE WHEN ?7 THEN excluded.batch ELSE batch END, seen = excluded.seen")?
        .execute(params![batch.agent, batch.host, batch.boot, last, digest, time, last > known])?;
    connection
        .prepare_cached("INSERT INTO agent_boot (agent, boot, seq) VALUES (?1, ?2, ?3) ON CONFLICT (agent, boot) DO UPDATE SET seq = excluded.seq")?
        .execute(params![batch.agent, batch.boot, last])?;
    let product = "SELECT product FROM watch WHERE agent = ?1";
    let product = row(connection, (product, [&batch.agent]), |row| row.get::<_, i64>(0))?;
    for event in batch.events.iter().filter(|event| event.seq > known) {
        match &event.body {
            AgentEventBody::Start(start) => {
                let reduced = serde_json::to_string(&start.reduced)?;
                let query = "UPDATE agent SET version = ?2, reduced = ?3 WHERE name = ?1";
                connection.execute(query, params![batch.agent, start.version, reduced])?;
            }
            AgentEventBody::Alert(alert) => keep_alert(connection, batch, alert, product)?,
            AgentEventBody::Response(response) => keep_response(connection, response, product)?,
            AgentEventBody::Loss { lost } => {
                let lost = lost.values().fold(0_u64, |sum, n| sum.saturating_add(*n)).min(i64::MAX as u64);
                connection.execute("UPDATE agent SET lost = CASE WHEN lost > 9223372036854775807 - ?2 THEN 9223372036854775807 ELSE lost + ?2 END WHERE name = ?1", params![batch.agent, lost])?;
            }
            _ => {}
        }
    }
    Ok(if linked { Taken::UpTo(last) } else { Taken::Unlinked(last) })
}

fn keep_alert(
    connection: &Connection,
    batch: &AgentBatch,
    alert: &Alert,
    product: Option<i64>,
) -> Result<(), HubError> {
    let added = connection
        .prepare_cached("INSERT INTO alert (id, agent, host, product, time, severity, rule, title, release, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING")?
        .execute(params![
            alert.id,
            batch.agent,
            batch.host,
            product,
            alert.time,
            alert.severity as i64,
            alert.rule,
            alert.title,
            alert.release,
            serde_json::to_string(alert)?
        ])?;
    let (Some(product), true) = (product, added > 0) else { return Ok(()) };
    let cause = match &alert.release {
        Some(release) => latest_about(connection, product, &format!("release:{release}"))?,
        None => None,
    };
    let explained = alert.release.as_ref().map_or_else(String::new, |release| format!(" (explained by {release})"));
    let new = moment::NewMoment {
        time: &alert.time,
        kind: "alert",
        mark: if alert.release.is_some() || alert.severity < Severity::Medium { "plain" } else { "bad" },
        said: &format!("{} on {}: {}{explained}", alert.severity, batch.host, alert.message),
        about: &format!("alert:{}", alert.id),
        link: "/alerts",
        cause,
        ..moment::NewMoment::default()
    };
    moment::add_moment(connection, product, new)?;
    touched(connection, product)
}

/// The agent whose alert it is: what stands in front of the start and the number.
pub(crate) fn agent_of(alert: &str) -> Option<&str> {
    alert.rsplitn(3, '/').nth(2)
}

/// The word of how far a response is.
pub(crate) fn response_word(state: ResponseState) -> String {
    let word = serde_json::to_value(state).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
}

/// What a moment about a response is about. Numbers of responses are of their agent, whose name the alert begins with.
pub(crate) fn about_response(response: &Response) -> String {
    format!("response:{}", response_name(response))
}

fn response_name(response: &Response) -> String {
    format!("{}/{}", agent_of(&response.alert).unwrap_or_default(), response.id)
}

fn keep_response(connection: &Connection, response: &Response, product: Option<i64>) -> Result<(), HubError> {
    let state = response_word(response.state);
    let added = connection
        .prepare_cached("INSERT INTO response (id, state, alert, time, document) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id, state) DO NOTHING")?
        .execute(params![response_name(response), state, response.alert, response.time, serde_json::to_string(response)?])?;
    let (Some(product), true) = (product, added > 0) else { return Ok(()) };
    let good = matches!(response.state, ResponseState::Active | ResponseState::Expired);
    let new = moment::NewMoment {
        time: &response.time,
        kind: "response",
        mark: if good { "good" } else { "look" },
        said: &format!("{state}: {} on {}: {}", response.target, response.host, response.reason),
        about: &about_response(response),
        link: "/alerts",
        cause: latest_about(connection, product, &format!("alert:{}", response.alert))?,
        ..moment::NewMoment::default()
    };
    moment::add_moment(connection, product, new)?;
    Ok(())
}

/// Says which product an agent watches.
pub(crate) fn watch(connection: &Connection, agent: &str, product: i64) -> Result<(), HubError> {
    let query = "INSERT INTO watch (agent, product) VALUES (?1, ?2) ON CONFLICT (agent) DO UPDATE SET product = excluded.product";
    connection.execute(query, params![agent, product])?;
    Ok(())
}

/// Agents with the products that they watch.
pub(crate) fn watches(connection: &Connection) -> Result<Vec<(String, String)>, HubError> {
    let query = "SELECT w.agent, p.name FROM watch w JOIN product p ON p.id = w.product ORDER BY w.agent";
    rows(connection, (query, []), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Every agent, by name.
pub(crate) fn agents(connection: &Connection) -> Result<Vec<AgentRow>, HubError> {
    let query = "SELECT agent.name, host, version, reduced, lost, seen, p.name FROM agent LEFT JOIN watch w ON w.agent = agent.name LEFT JOIN product p ON p.id = w.product ORDER BY agent.name";
    rows(connection, (query, []), |row| {
        Ok(AgentRow {
            name: row.get(0)?,
            host: row.get(1)?,
            version: row.get(2)?,
            reduced: json(row, 3)?,
            lost: row.get(4)?,
            seen: row.get(5)?,
            product: row.get(6)?,
        })
    })
}

const COLUMNS: &str = "a.id, a.agent, a.host, p.name, a.document FROM alert a LEFT JOIN product p ON p.id = a.product";

/// Alerts before one, the newest first.
pub(crate) fn alerts(
    connection: &Connection,
    before: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<AlertRow>, HubError> {
    let query = format!("SELECT {COLUMNS} WHERE (a.time, a.id) < (?1, ?2) ORDER BY a.time DESC, a.id DESC LIMIT ?3");
    let (time, id) = before.unwrap_or(("~", ""));
    let found = rows(connection, (&query, params![time, id, limit]), read)?;
    found.into_iter().map(|found| with_responses(connection, found)).collect()
}

/// One alert.
pub(crate) fn alert(connection: &Connection, id: &str) -> Result<Option<AlertRow>, HubError> {
    let query = format!("SELECT {COLUMNS} WHERE a.id = ?1");
    row(connection, (&query, [id]), read)?.map(|found| with_responses(connection, found)).transpose()
}

/// A row without its responses, and its document.
fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, String, String, Option<String>, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn with_responses(
    connection: &Connection,
    (id, agent, host, product, document): (String, String, String, Option<String>, String),
) -> Result<AlertRow, HubError> {
    let query = "SELECT document FROM response WHERE alert = ?1 ORDER BY time, id, state";
    let texts = rows(connection, (query, [&id]), |row| row.get::<_, String>(0))?;
    let responses = texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
    Ok(AlertRow { id, agent, host, product, alert: serde_json::from_str(&document)?, responses })
}
