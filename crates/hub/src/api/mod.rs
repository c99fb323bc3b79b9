//! What programs ask: one file a noun. Answers are JSON.

pub(crate) mod agents;
pub(crate) mod concerns;
pub(crate) mod findings;
pub(crate) mod ledgers;
pub(crate) mod people;
pub(crate) mod products;
pub(crate) mod scans;

use crate::{
    Hub,
    http::{Ask, Refusal, Response},
    store,
};

/// Rows of one answer.
pub(crate) const ROWS: usize = 100;

/// The OpenAPI document.
pub(crate) fn openapi(_: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&crate::openapi::document()))
}

/// Who did what.
pub(crate) fn audit(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let before = before(ask)?;
    Ok(Response::json(&hub.store.read(|connection| store::audit(connection, before, ROWS))?))
}

/// The number before which rows are asked for.
pub(crate) fn before(ask: &Ask<'_>) -> Result<Option<i64>, Refusal> {
    let number = |text: &str| text.parse().map_err(|_| Refusal::malformed("`before` is the number of a row"));
    ask.query().get("before").map(number).transpose()
}
