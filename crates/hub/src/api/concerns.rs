//! Questions and concerns.

use super::{ROWS, listed, number};
use crate::{
    Hub,
    act::concern::{self, Answer, Raise},
    http::{Ask, Refusal, Response},
    store::{self, Which},
};

/// Which concerns are asked for: those that wait for an answer, where nobody says.
pub(crate) fn which(ask: &Ask<'_>) -> Result<Option<Which>, Refusal> {
    match ask.query().get("state") {
        None => Ok(None),
        Some("open") => Ok(Some(Which::Open)),
        Some("answered") => Ok(Some(Which::Answered)),
        Some(_) => Err(Refusal::malformed("`state` is open or answered")),
    }
}

/// Concerns.
pub(crate) fn list(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let (which, after) = (which(ask)?.unwrap_or(Which::Open), number(ask, "after")?);
    let rows = hub.store.read(|connection| store::concerns(connection, which, after, ROWS + 1))?;
    Ok(listed(ask, rows, |last| ("after", last.number.to_string())))
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
