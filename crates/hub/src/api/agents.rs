//! Agents, their events, alerts.

use schemars::JsonSchema;
use serde::Serialize;
use testudo_model::{AgentBatch, AgentEvent, AgentEventBody};

use super::ROWS;
use crate::{
    Hub,
    http::{Ask, Refusal, Response},
    store::{self, AlertRow, Taken, agent_of},
};

/// Events of one batch.
const EVENTS: usize = 10_000;

/// Up to which event everything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Acknowledged {
    /// Number of the event.
    acknowledged: u64,
}

/// Takes events.
pub(crate) fn events(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let batch: AgentBatch = ask.json()?;
    check(&batch, ask.parameter("agent"))?;
    let taken = hub.store.write(|connection| {
        let taken = store::take(connection, &batch, ask.request.body.digest(), &ask.now.text)?;
        if let Taken::Unlinked(seq) = taken {
            let said = format!("a batch of {} that ends with {seq} does not follow on the one before", batch.agent);
            ask.deed("agent.unlinked", &said).record(connection)?;
        }
        Ok::<_, Refusal>(taken)
    })?;
    match taken {
        Taken::UpTo(acknowledged) | Taken::Unlinked(acknowledged) => Ok(Response::json(&Acknowledged { acknowledged })),
        Taken::Gap(next) => {
            let said = format!("events are missing: send from number {next} on");
            Err(Refusal::Conflict { said, next: Some(next) })
        }
    }
}

fn check(batch: &AgentBatch, agent: &str) -> Result<(), Refusal> {
    let wrong = |why: &str| Err(Refusal::malformed(why));
    let short = |text: &str| (1..=200).contains(&text.len());
    if batch.agent != agent {
        return wrong("the batch is of another agent than its address says");
    }
    if !short(&batch.host) || !short(&batch.boot) {
        return wrong("host and boot are texts of 1 to 200 bytes");
    }
    if batch.events.is_empty() || batch.events.len() > EVENTS {
        return wrong("a batch has 1 to 10,000 events");
    }
    let follow = |pair: (&AgentEvent, &AgentEvent)| pair.0.seq.checked_add(1) == Some(pair.1.seq);
    let counted = batch.events[0].seq > 0 && batch.events.iter().all(|event| i64::try_from(event.seq).is_ok());
    if !counted || !batch.events.iter().zip(&batch.events[1..]).all(follow) {
        return wrong("events are numbered from 1, one after another");
    }
    // The name of an agent may have slashes in it, so whose an alert is counts from its end.
    let own = |alert: &str| agent_of(alert) == Some(agent);
    for event in &batch.events {
        match &event.body {
            AgentEventBody::Alert(alert) if !own(&alert.id) || !is_time(&alert.time) => {
                return wrong("an alert is named AGENT/START/NUMBER, and has a time as 2026-01-31T12:00:00Z");
            }
            AgentEventBody::Response(response) if !own(&response.alert) || !is_time(&response.time) => {
                return wrong("a response answers an alert of its agent, and has a time as 2026-01-31T12:00:00Z");
            }
            _ => {}
        }
    }
    Ok(())
}

/// RFC 3339 in UTC, so that times sort as texts.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.ends_with('Z')
        && (20..=35).contains(&bytes.len())
        && text.get(..10).is_some_and(|day| day.parse::<testudo_policy::Date>().is_ok())
        && bytes[10] == b'T'
        && bytes[11..bytes.len() - 1].iter().enumerate().all(|(at, b)| match at {
            2 | 5 => *b == b':',
            8 => *b == b'.',
            _ => b.is_ascii_digit(),
        })
}

/// Alerts behind the one that `before` names, the newest first, and one more than `limit`.
pub(crate) fn alerts_before(hub: &Hub, ask: &Ask<'_>, limit: usize) -> Result<Vec<AlertRow>, Refusal> {
    let before = match ask.query().get("before") {
        Some(id) => {
            let known = hub.store.read(|connection| store::alert(connection, id))?;
            Some(known.ok_or_else(|| Refusal::malformed("`before` is the id of an alert"))?)
        }
        None => None,
    };
    let before = before.as_ref().map(|row| (row.alert.time.as_str(), row.id.as_str()));
    Ok(hub.store.read(|connection| store::alerts(connection, before, limit + 1))?)
}

/// Alerts, the newest first; `before` is the id of one.
pub(crate) fn alerts(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(super::listed(ask, alerts_before(hub, ask, ROWS)?, |last| ("before", last.id.clone())))
}

/// One alert.
pub(crate) fn alert(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let found = hub.store.read(|connection| store::alert(connection, ask.parameter("alert")))?;
    Ok(Response::json(&found.ok_or(Refusal::Absent)?))
}

/// Agents.
pub(crate) fn list(hub: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&hub.store.read(store::agents)?))
}
