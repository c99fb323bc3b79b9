//! Questions and concerns.

use super::ROWS;
use crate::{
    Hub,
    act::concern::{self, Answer, Raise},
    http::{Ask, Refusal, Response},
    store,
};

/// Concerns.
pub(crate) fn list(hub: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&hub.store.read(|connection| store::concerns(connection, ROWS))?))
}

/// Raises one.
pub(crate) fn raise(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let new: Raise = ask.json()?;
    Ok(Response::json(&concern::raise(hub, ask, &new)?))
}

/// Answers one.
pub(crate) fn answer(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let said: Answer = ask.json()?;
    Ok(Response::json(&concern::answer(hub, ask, ask.number("concern")?, &said)?))
}
