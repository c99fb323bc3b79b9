//! Branches beside the default one: what their last scan found. Nothing here was opened or closed.

use super::{Html, Place, day_and_time, empty, page, text};
use crate::{
    Hub,
    api::products::{named, of_branch},
    http::{Ask, Refusal, Response, encode},
    store::{self, BRANCH_FINDINGS, BranchFinding, BranchRow},
};

/// One branch.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    let name = ask.query().get("name").unwrap_or_default();
    let known = hub.store.read(|connection| store::branches(connection, product.id))?;
    let branch = known.into_iter().find(|branch| branch.name == name).ok_or(Refusal::Absent)?;
    let found = of_branch(hub, ask, product.id)?;
    let (title, path) = (format!("Branch {} of {}", shown(name), product.name), encode(&product.name));
    let default = product.default_branch.as_deref().unwrap_or_default();
    let mut body = format!(
        "<h1>{}</h1>\n<p>{} findings in its last scan, {} of them not on <code>{}</code>, the default branch. Nothing here opens or closes anything.</p>\n\
         <ul class=\"links\"><li><a href=\"/products/{path}\">Board</a></li><li><a href=\"/findings?product={path}\">Findings of the default branch</a></li></ul>\n",
        text(&title),
        branch.findings,
        branch.only_here,
        text(default)
    );
    if branch.findings > BRANCH_FINDINGS {
        body += &format!("<p>The first {BRANCH_FINDINGS} of {} are kept.</p>\n", branch.findings);
    }
    body += &if found.findings.is_empty() { empty("Nothing was found there.", "") } else { table(&found.findings) };
    if let Some(next) = &found.next {
        let (name, next) = (encode(name), encode(next));
        body += &format!(
            "<p><a rel=\"next\" href=\"/products/{path}/branch?name={name}&amp;after={next}\">Next page</a></p>\n"
        );
    }
    Ok(page(ask, Place::Board, &title, &body))
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "that nobody named" } else { name }
}

fn table(findings: &[BranchFinding]) -> Html {
    let mut out = "<table class=\"list\"><caption>The greatest harm first</caption>\n<thead><tr><th scope=\"col\" class=\"narrow\">Severity</th><th scope=\"col\">Finding</th><th scope=\"col\">Where</th><th scope=\"col\">On the default branch</th></tr></thead>\n<tbody>\n".to_owned();
    for finding in findings {
        let there = match finding.finding {
            Some(id) => format!("<a href=\"/findings/{id}\">finding {id}</a>"),
            None => "only here".to_owned(),
        };
        let line = if finding.line > 0 { format!(":{}", finding.line) } else { String::new() };
        out += &format!(
            "<tr><td class=\"narrow\"><span class=\"severity {0}\">{0}</span></td><th scope=\"row\">{1}<span class=\"sub\">{2}</span></th><td data-name=\"Where\">{3}{line}</td><td data-name=\"On the default branch\">{there}</td></tr>\n",
            finding.severity.as_str(),
            text(&finding.title),
            text(&finding.rule),
            text(&finding.path)
        );
    }
    out + "</tbody></table>\n"
}

/// The branches of a product, for its own page.
pub(crate) fn table_of(product: &str, branches: &[BranchRow]) -> Html {
    let mut out = "<table class=\"list\"><caption>The one that was pushed last first</caption>\n<thead><tr><th scope=\"col\">Branch</th><th scope=\"col\">Last scan</th><th scope=\"col\">Findings</th><th scope=\"col\">Only there</th></tr></thead>\n<tbody>\n".to_owned();
    for branch in branches {
        out += &format!(
            "<tr><th scope=\"row\"><a href=\"{}\">{}</a></th><td data-name=\"Last scan\">{}</td><td data-name=\"Findings\">{}</td><td data-name=\"Only there\">{}</td></tr>\n",
            text(&store::branch_link(product, &branch.name)),
            text(shown(&branch.name)),
            day_and_time(&branch.received),
            branch.findings,
            branch.only_here
        );
    }
    out + "</tbody></table>\n"
}
