//! One entry of a ledger: what it says, and the signed line itself.

use serde_json::Value;
use testudo_ledger::{Envelope, Statement};

use super::{Html, Place, day_and_time, page, text};
use crate::{
    Hub,
    api::products::named,
    http::{Ask, Refusal, Response},
    store::{self, FormerKeys, Judged},
};

/// Findings of a gate that are listed.
const FINDINGS: usize = 200;

/// An entry that was pushed.
pub(crate) fn pushed(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    let seq = ask.seq()?;
    let environment = ask.parameter("environment");
    let found = hub.store.read(|connection| {
        let Some(copy) = store::ledger(connection, product.id, environment)? else { return Ok(None) };
        let hash = store::line_hash(connection, copy.id, seq)?;
        // An entry counts with the keys of its time.
        let former = store::former_keys(connection, copy.id)?.into_iter().find(|former| seq <= former.seq);
        let keys = match former {
            Some(former) => former_keys(&former),
            None => code("keys", &copy.keys),
        };
        Ok(store::line(connection, copy.id, seq)?.map(|line| (keys, line, hash.unwrap_or_default())))
    })?;
    let (keys, line, hash) = found.ok_or(Refusal::Absent)?;
    let title = format!("Entry {seq} of {environment}");
    let place = (product.id, environment, seq);
    let judged = hub.store.read(|connection| store::findings_of(connection, place, FINDINGS))?;
    let mut body = shown(&title, &line, &hash)?;
    if let Some((findings, all)) = judged {
        body += &judged_list(&findings, all);
    }
    body += &format!("<h2 id=\"keys\">Pinned keys</h2>\n{keys}");
    Ok(page(ask, Place::Board, &title, &body))
}

/// The findings that a gate failed for.
fn judged_list(findings: &[Judged], all: usize) -> Html {
    let mut out = "<h2>Findings that it failed for</h2>\n".to_owned();
    if findings.is_empty() {
        return out + "<p>None: it failed for another reason, or the scan that it judged was not pushed.</p>\n";
    }
    if findings.len() < all {
        out += &format!("<p>The first {} of {all}, the greatest harm first.</p>\n", findings.len());
    }
    out += "<ul>\n";
    for judged in findings {
        out += &match (&judged.finding, &judged.title) {
            (Some(id), Some(title)) => {
                format!("<li><a href=\"/findings/{id}\">finding {id}: {}</a></li>\n", text(title))
            }
            _ => format!("<li><code>{}</code>, which no scan brought to the hub</li>\n", text(&judged.fingerprint)),
        };
    }
    out + "</ul>\n"
}

/// Keys that do not count any more, and why.
fn former_keys(former: &FormerKeys) -> Html {
    let since = day_and_time(&former.time);
    let (by, reason) = (text(&former.accepted_by), text(&former.reason));
    format!("<p>Other keys count since {since}, by {by}: {reason}</p>\n{}", code("keys", &former.keys))
}

/// An entry of the hub's own ledger.
pub(crate) fn decided(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let seq = ask.seq()?;
    let entry = hub.decisions.entry(seq)?.ok_or(Refusal::Absent)?;
    let hash = crate::http::Body::of(entry.line.clone()).digest().to_owned();
    let title = format!("Decision {seq}");
    let body = shown(&title, &entry.line, &hash)?
        + &format!("<h2 id=\"keys\">Key of the hub</h2>\n{}", code("keys", &hub.decisions.public_key()));
    Ok(page(ask, Place::Elsewhere, &title, &body))
}

fn shown(title: &str, line: &[u8], hash: &str) -> Result<Html, Refusal> {
    let envelope: Envelope = serde_json::from_slice(line)?;
    let statement: Statement = serde_json::from_slice(&envelope.payload().unwrap_or_default())?;
    let place = &statement.testudo;
    let said = serde_json::to_string_pretty(&Value::clone(&statement.predicate))?;
    Ok(format!(
        "<h1>{}</h1>\n<p class=\"verified\">✓ Its signature was checked when it came, and it follows on the line before.</p>\n\
         <dl class=\"facts\"><dt>What</dt><dd><code>{}</code></dd><dt>When</dt><dd>{}</dd><dt>Who</dt><dd>{}</dd>\
         <dt>Hash</dt><dd><code>{}</code></dd><dt>Line before</dt><dd><code>{}</code></dd></dl>\n\
         <h2 id=\"said\">What it says</h2>\n{}<h2 id=\"line\">The signed line</h2>\n{}",
        text(title),
        text(&statement.predicate_type),
        day_and_time(&place.time),
        text(&place.actor),
        text(hash),
        text(&place.prev),
        code("said", &said),
        code("line", &String::from_utf8_lossy(line))
    ))
}

/// Lines as they are. Long ones can be moved sideways, with keys too.
fn code(label: &str, lines: &str) -> Html {
    let lines: String = lines.lines().map(|line| text(line) + "\n").collect();
    format!(
        "<pre class=\"code\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{label}\"><code>{lines}</code></pre>\n"
    )
}
