//! People, tokens, and who asks.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Hub, Role,
    http::{Ask, Refusal, Response},
    store,
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Me {
    /// Name.
    name: String,
    /// What they may do.
    role: Role,
    /// Names under which they own things.
    names: Vec<String>,
    /// What a change needs in the header `X-Testudo-Form`.
    form_token: String,
}

/// Who asks.
pub(crate) fn me(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let names = hub.store.read(|connection| crate::work::names(person, connection))?;
    let form_token = person.session.form_token();
    Ok(Response::json(&Me { name: person.name.clone(), role: person.role, names, form_token }))
}

/// What the one who asks has to do.
pub(crate) fn work(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&crate::work::work(hub, ask.person()?, &ask.now)?))
}

/// Where the one who asks is signed in.
pub(crate) fn sessions(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    Ok(Response::json(&hub.store.read(|connection| store::sessions(connection, person, ask.now.seconds))?))
}

/// People.
pub(crate) fn list(hub: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&hub.store.read(store::people)?))
}

/// Tokens.
pub(crate) fn tokens(hub: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(&hub.store.read(store::tokens)?))
}
