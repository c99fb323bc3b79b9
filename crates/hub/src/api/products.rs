//! Products.

use schemars::JsonSchema;
use serde::Serialize;

use super::ROWS;
use crate::{
    Hub, ProductFacts,
    http::{Ask, Refusal, Response},
    store::{self, MomentRow, ProductRow},
};

/// A part of a line of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Timeline {
    /// Moments, the newest first.
    pub(crate) moments: Vec<MomentRow>,
    /// What to send as `before` for what was earlier; none where there is nothing.
    pub(crate) next: Option<String>,
}

/// What was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Noted {
    /// Roles.
    roles: usize,
    /// Controls that do not hold.
    controls: usize,
}

/// Products.
pub(crate) fn list(hub: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&hub.store.read(store::products)?))
}

/// The product in the path.
pub(crate) fn named(hub: &Hub, ask: &Ask<'_>) -> Result<ProductRow, Refusal> {
    let name = ask.parameter("product");
    hub.store.read(|connection| store::product(connection, name))?.ok_or(Refusal::Absent)
}

/// The board of a product.
pub(crate) fn board(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    Ok(Response::json(&hub.board(&product, &ask.now)?))
}

/// Scans of a product.
pub(crate) fn scans(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    Ok(Response::json(&hub.store.read(|connection| store::scans(connection, product.id, ROWS))?))
}

/// Roles of plans.
pub(crate) fn roles(hub: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&hub.store.read(store::plan_roles)?))
}

/// The line of time of a product.
pub(crate) fn timeline(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    Ok(Response::json(&moments(hub, ask, product.id)?))
}

/// A part of the line of time.
pub(crate) fn moments(hub: &Hub, ask: &Ask<'_>, product: i64) -> Result<Timeline, Refusal> {
    let wrong = || Refusal::malformed("`before` is what `next` of an earlier answer was");
    let before = |text: &str| {
        let (time, id) = text.rsplit_once('_')?;
        Some((time.to_owned(), id.parse::<i64>().ok()?))
    };
    let before = ask.query().get("before").map(|text| before(text).ok_or_else(wrong)).transpose()?;
    let before = before.as_ref().map(|(time, id)| (time.as_str(), *id));
    let mut moments = hub.store.read(|connection| store::moments(connection, product, before, ROWS + 1))?;
    let more = moments.len() > ROWS;
    moments.truncate(ROWS);
    let next = moments.last().filter(|_| more).map(|last| format!("{}_{}", last.time, last.id));
    Ok(Timeline { moments, next })
}

/// Keeps facts of a product.
pub(crate) fn facts(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let facts: ProductFacts = ask.json()?;
    if let Some(excess) = facts.excess() {
        return Err(Refusal::malformed(excess));
    }
    let noted = Noted { roles: facts.roles.len(), controls: facts.controls.len() };
    hub.store.write(|connection| {
        let product = store::named(connection, ask.parameter("product"), &ask.now.text)?;
        store::set_facts(connection, product, &facts)?;
        let people = facts.roles.iter().map(|role| role.people.len()).sum::<usize>();
        let said = format!("{}: {} roles with {people} people", ask.parameter("product"), facts.roles.len());
        ask.deed("facts.push", &said).record(connection)
    })?;
    Ok(Response::json(&noted))
}
