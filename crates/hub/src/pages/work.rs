//! My work: what the person who asks has to do, the most urgent first.

use super::{Place, empty, page, text};
use crate::{
    Hub,
    http::{Ask, Refusal, Response, encode},
    work::{self, Work},
};

/// The page.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let Work { items, more_findings, more_concerns } = work::work(hub, person, &ask.now)?;
    let names = hub.store.read(|connection| work::names(person, connection))?;
    let shown: Vec<String> = names.iter().map(|name| format!("<code>{}</code>", text(name))).collect();
    let mut body = format!("<h1>My work</h1>\n<p class=\"quiet\">What is owned by {}</p>\n", shown.join(", "));
    if items.is_empty() {
        body += &empty(
            "Nothing waits for you. Is something missing? An administrator adds the names that you have in CODEOWNERS and in \
             plans, then pushes bring what is yours.",
            "testudo push",
        );
        return Ok(page(ask, Place::Work, "My work", &body));
    }
    body += "<table class=\"list\"><caption>The most urgent first</caption>\n<thead><tr><th scope=\"col\">When</th><th scope=\"col\">What</th><th scope=\"col\">Product</th><th scope=\"col\">As</th></tr></thead>\n<tbody>\n";
    for item in &items {
        body += &format!(
            "<tr data-row><td class=\"narrow\"><span class=\"severity {0}\">{0}</span></td><th scope=\"row\"><a href=\"{1}\">{2}</a><span class=\"sub\">{3}: {4}</span></th><td data-name=\"Product\"><a href=\"/products/{5}\">{6}</a></td><td data-name=\"As\">{7}</td></tr>\n",
            item.urgency.as_str(),
            text(&item.link),
            text(&item.title),
            item.kind,
            text(&item.why),
            encode(&item.product),
            text(&item.product),
            text(&item.owner)
        );
    }
    body += "</tbody></table>\n";
    if more_findings {
        body += "<p>There are more findings of yours; <a href=\"/findings\">all findings</a> can be filtered by owner.</p>\n";
    }
    if more_concerns {
        body += "<p>There are more concerns of yours; <a href=\"/concerns\">Concerns</a> has all of them.</p>\n";
    }
    Ok(page(ask, Place::Work, "My work", &body))
}
