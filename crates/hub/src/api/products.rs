//! Products.

use schemars::JsonSchema;
use serde::Serialize;

use super::ROWS;
use crate::{
    Hub, ProductFacts,
    http::{Ask, Refusal, Response},
    store::{self, Branch, BranchFinding, MomentRow, ProductRow, Pushed},
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
    /// Whether they count: those of a branch beside the default one do not.
    kept: bool,
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

/// The number of the product that is pushed to, which is made where it is not known yet. The first push that names a branch
/// settles the default one.
pub(crate) fn pushed_to(connection: &rusqlite::Connection, ask: &Ask<'_>, branch: Pushed<'_>) -> Result<i64, Refusal> {
    let name = ask.parameter("product");
    let id = match store::product(connection, name)? {
        Some(product) if product.archived => {
            let said = format!("`{name}` is archived: an administrator brings it back on its page");
            return Err(Refusal::Conflict { said, next: None });
        }
        Some(product) => product.id,
        None => store::named(connection, name, &ask.now.text)?,
    };
    if let Some(settled) = store::settle_branch(connection, id, branch)? {
        let said = format!("{name}: {settled} is the default branch, as the first push that named one said");
        ask.deed("product.branch", &said).record(connection)?;
    }
    Ok(id)
}

/// The board of a product.
pub(crate) fn board(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    Ok(Response::json(&hub.board(&product, &ask.now)?))
}

/// Scans of a product.
pub(crate) fn scans(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    let before = super::before(ask)?;
    let rows = hub.store.read(|connection| store::scans(connection, product.id, before, ROWS + 1))?;
    Ok(super::listed(ask, rows, |last| ("before", last.id.to_string())))
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
    let branch = super::scans::branch(ask.query())?;
    let kept = hub.store.write(|connection| {
        let product = pushed_to(connection, ask, branch)?;
        if store::branch_of(connection, product, branch)? != Branch::Default {
            return Ok::<_, Refusal>(false);
        }
        store::set_facts(connection, product, &facts)?;
        let people = facts.roles.iter().map(|role| role.people.len()).sum::<usize>();
        let said = format!("{}: {} roles with {people} people", ask.parameter("product"), facts.roles.len());
        ask.deed("facts.push", &said).record(connection)?;
        Ok(true)
    })?;
    Ok(Response::json(&Noted { roles: facts.roles.len(), controls: facts.controls.len(), kept }))
}

/// Branches beside the default one.
pub(crate) fn branches(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    Ok(Response::json(&hub.store.read(|connection| store::branches(connection, product.id))?))
}

/// A part of what the last scan of a branch found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct OfBranch {
    /// Findings, the greatest harm first.
    pub(crate) findings: Vec<BranchFinding>,
    /// What to send as `after` for the next ones; none where there is nothing.
    pub(crate) next: Option<String>,
}

/// What the last scan of a branch found; `name` is the branch.
pub(crate) fn branch(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    Ok(Response::json(&of_branch(hub, ask, product.id)?))
}

/// A part of what the last scan of a branch found.
pub(crate) fn of_branch(hub: &Hub, ask: &Ask<'_>, product: i64) -> Result<OfBranch, Refusal> {
    let wrong = || Refusal::malformed("`after` is what `next` of an earlier answer was");
    let after = |text: &str| {
        let (severity, fingerprint) = text.split_once('-')?;
        Some((severity.parse::<usize>().ok()?, fingerprint.to_owned()))
    };
    let after = ask.query().get("after").map(|text| after(text).ok_or_else(wrong)).transpose()?;
    let after = after.as_ref().map(|(severity, fingerprint)| (*severity, fingerprint.as_str()));
    let name = ask.query().get("name").unwrap_or_default();
    let mut findings =
        hub.store.read(|connection| store::branch_findings(connection, (product, name), after, ROWS + 1))?;
    let more = findings.len() > ROWS;
    findings.truncate(ROWS);
    let next = findings.last().filter(|_| more).map(|last| format!("{}-{}", last.severity as usize, last.fingerprint));
    Ok(OfBranch { findings, next })
}
