//! Who did what, when and from where.

use super::{Place, day_and_time, empty, page, text};
use crate::{
    Hub, api,
    http::{Ask, Refusal, Response},
    store,
};

/// Rows of one page.
const ROWS: usize = 100;

/// The page.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let before = api::before(ask)?;
    let mut rows = hub.store.read(|connection| store::audit(connection, before, ROWS + 1))?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let mut body = "<h1>Audit</h1>\n<p class=\"quiet\">Only added to: each row holds a hash over all before it, and decisions stand in the hub's own signed ledger.</p>\n".to_owned();
    if rows.is_empty() {
        body += &empty("Nothing earlier.", "");
        return Ok(page(ask, Place::Audit, "Audit", &body));
    }
    body += "<table class=\"list\"><caption>The newest first</caption>\n<thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Who</th><th scope=\"col\">What</th><th scope=\"col\">From</th><th scope=\"col\">Decision</th><th scope=\"col\">Hash</th></tr></thead>\n<tbody>\n";
    for row in &rows {
        let decision =
            row.decision.map_or_else(String::new, |seq| format!("<a href=\"/decisions/{seq}\">decision {seq}</a>"));
        body += &format!(
            "<tr><td class=\"narrow\">{}</td><th scope=\"row\">{}</th><td>{}<span class=\"sub\">{}</span></td><td data-name=\"From\">{}</td><td>{decision}</td><td data-name=\"Hash\"><code>{}</code></td></tr>\n",
            day_and_time(&row.time),
            text(&row.actor),
            text(&row.said),
            text(&row.action),
            text(&row.address),
            text(row.hash.get(..10).unwrap_or_default())
        );
    }
    body += "</tbody></table>\n";
    if let Some(last) = rows.last().filter(|_| more) {
        body += &format!("<p><a rel=\"next\" href=\"/audit?before={}\">Earlier</a></p>\n", last.id);
    }
    Ok(page(ask, Place::Audit, "Audit", &body))
}
