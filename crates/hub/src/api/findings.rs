//! Findings.

use schemars::JsonSchema;
use serde::Serialize;

use super::ROWS;
use crate::{
    Hub,
    act::triage::{self, Triage},
    http::{Ask, Fields, Refusal, Response},
    store::{self, Filter, FindingRow, FindingState, GateRow},
};

/// A finding in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Whole {
    /// As it stands.
    finding: FindingRow,
    /// As it was pushed last; none where it was too large to keep.
    pushed: Option<testudo_model::Finding>,
    /// Gates that it failed, the newest first.
    gates: Vec<GateRow>,
    /// How many gates it failed; more than are listed where they are many.
    gates_failed: usize,
}

/// Reads a filter from a query. Without `state`, findings that are open are meant; with an empty one, all.
pub(crate) fn filter(query: &Fields) -> Result<Filter, Refusal> {
    let wrong = |name: &str| Refusal::malformed(format!("`{name}` has a value that is none of those possible"));
    let state = match query.get("state") {
        None if query.has("state") => None,
        None => Some(FindingState::Open),
        Some(word) => Some(FindingState::of(word).ok_or_else(|| wrong("state"))?),
    };
    let after = |text: &str| {
        let (severity, id) = text.split_once('-')?;
        Some((severity.parse().ok().filter(|severity| *severity < 5)?, id.parse().ok()?))
    };
    let text = |name: &str| query.get(name).map(str::to_owned);
    Ok(Filter {
        state,
        severity: query.get("severity").map(|word| word.parse().map_err(|_| wrong("severity"))).transpose()?,
        rule: text("rule"),
        product: text("product"),
        owners: text("owner").into_iter().collect(),
        text: text("text"),
        scan: query.get("scan").map(|number| number.parse().map_err(|_| wrong("scan"))).transpose()?,
        after: query.get("after").map(|place| after(place).ok_or_else(|| wrong("after"))).transpose()?,
    })
}

/// Findings.
pub(crate) fn list(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let filter = filter(ask.query())?;
    Ok(Response::json(&hub.store.read(|connection| store::findings(connection, &filter, ROWS))?))
}

/// One finding.
pub(crate) fn one(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let id = ask.number("finding")?;
    let (finding, pushed, (gates, gates_failed)) = hub.store.read(|connection| {
        let gates = store::gates_of(connection, id, ROWS)?;
        Ok((store::finding(connection, id)?, store::document(connection, id)?, gates))
    })?;
    Ok(Response::json(&Whole { finding: finding.ok_or(Refusal::Absent)?, pushed, gates, gates_failed }))
}

/// Decides about findings.
pub(crate) fn triage(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let decision: Triage = ask.json()?;
    Ok(Response::json(&triage::decide(hub, ask, &decision)?))
}
