//! What programs ask: one file a noun. Answers are JSON.

pub(crate) mod agents;
pub(crate) mod concerns;
pub(crate) mod findings;
pub(crate) mod ledgers;
pub(crate) mod people;
pub(crate) mod products;
pub(crate) mod scans;

use serde::Serialize;

use crate::{
    Hub,
    http::{Ask, Refusal, Response, encode},
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
    let rows = hub.store.read(|connection| store::audit(connection, before, ROWS + 1))?;
    Ok(listed(ask, rows, |last| ("before", last.id.to_string())))
}

/// The number before which rows are asked for.
pub(crate) fn before(ask: &Ask<'_>) -> Result<Option<i64>, Refusal> {
    number(ask, "before")
}

/// A number in the query.
pub(crate) fn number(ask: &Ask<'_>, name: &str) -> Result<Option<i64>, Refusal> {
    let number = |text: &str| text.parse().map_err(|_| Refusal::malformed(format!("`{name}` is the number of a row")));
    ask.query().get(name).map(number).transpose()
}

/// A list of at most [`ROWS`]. Where there is one more, the header `Link` says where the list goes on (RFC 8288).
pub(crate) fn listed<T: Serialize>(
    ask: &Ask<'_>,
    mut rows: Vec<T>,
    next: impl FnOnce(&T) -> (&'static str, String),
) -> Response {
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let response = Response::json(&rows);
    let Some(last) = rows.last().filter(|_| more) else { return response };
    let (name, value) = next(last);
    let path: String = ask.request.target.segments.iter().map(|part| format!("/{}", encode(part))).collect();
    let state = ask.query().get("state").map_or_else(String::new, |state| format!("state={}&", encode(state)));
    response.with_header("link", format!("<{path}?{state}{name}={}>; rel=\"next\"", encode(&value)))
}
