//! The line of time of one product: findings, gates, releases, alerts and what was done, each linked to what it came from, to
//! the next one, and to the entry of a ledger that says so.

use std::collections::BTreeSet;

use super::{Html, Place, chart, day_and_time, empty, page, text};
use crate::{
    Hub,
    api::products::{moments, named},
    http::{Ask, Refusal, Response, encode},
    store::MomentRow,
};

/// The page.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    let found = moments(hub, ask, product.id)?;
    let path = encode(&product.name);
    let mut body = format!(
        "<h1>Timeline of {}</h1>\n<ul class=\"links\"><li><a href=\"/products/{path}\">Board</a></li><li><a href=\"/findings?product={path}\">Findings</a></li></ul>\n",
        text(&product.name)
    );
    if found.moments.is_empty() {
        body += &empty("Nothing happened yet that anybody told the hub.", "testudo push --ledger ENV");
        return Ok(page(ask, Place::Board, &format!("Timeline of {}", product.name), &body));
    }
    body += &chart::line_of_time(&found.moments);
    body += "<h2>The newest first</h2>\n<ol class=\"moments\" reversed>\n";
    let here: BTreeSet<i64> = found.moments.iter().map(|moment| moment.id).collect();
    for (at, moment) in found.moments.iter().enumerate() {
        let next = at.checked_sub(1).and_then(|at| found.moments.get(at));
        body += &item(moment, next, (&product.name, &here));
    }
    body += "</ol>\n";
    if let Some(next) = &found.next {
        body +=
            &format!("<p><a rel=\"next\" href=\"/products/{path}/timeline?before={}\">Earlier</a></p>\n", encode(next));
    }
    Ok(page(ask, Place::Board, &format!("Timeline of {}", product.name), &body))
}

fn item(moment: &MomentRow, next: Option<&MomentRow>, (product, here): (&str, &BTreeSet<i64>)) -> Html {
    let id = moment.id;
    let mut links = Vec::new();
    if let Some(cause) = moment.cause.filter(|cause| here.contains(cause)) {
        links.push(format!("<a href=\"#m{cause}\" aria-label=\"moment {id} came from {cause}\">came from</a>"));
    }
    if let Some(next) = next {
        links.push(format!("<a href=\"#m{}\" aria-label=\"next after moment {id}\">next</a>", next.id));
    }
    if let (Some(seq), false) = (moment.seq, moment.environment.is_empty()) {
        let link = crate::timeline::link(product, &moment.environment, seq);
        links.push(format!(
            "<a href=\"{link}\">entry {}:{seq}</a> <span class=\"verified\">✓ verified</span>",
            text(&moment.environment)
        ));
    } else if !moment.link.is_empty() {
        links.push(format!("<a href=\"{}\" aria-label=\"more about moment {id}\">more</a>", text(&moment.link)));
    }
    let mark = match moment.mark.as_str() {
        mark @ ("good" | "bad" | "look") => mark,
        _ => "plain",
    };
    format!(
        "<li id=\"m{id}\" class=\"{mark}\"><p><span class=\"kind\">{}</span> {}</p><p>{}</p><p class=\"sub\">{}</p></li>\n",
        text(&moment.kind),
        day_and_time(&moment.time),
        text(&moment.said),
        links.join(" · ")
    )
}
