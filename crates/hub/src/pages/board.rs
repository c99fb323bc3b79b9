//! The boards: every product at a glance, and one in full.

use testudo_board::Board;

use super::{Html, Place, branch, chart, empty, page, text};
use crate::{
    Hub,
    api::products::named,
    auth::Permission,
    http::{Ask, Refusal, Response, encode},
    store,
};

/// Scans that the page of a product lists.
const SCANS: usize = 10;

/// Every product.
pub(crate) fn all(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let products = hub.store.read(store::products)?;
    if products.is_empty() {
        let why = "Nothing was pushed yet. Make a token, and push from a project:";
        let command =
            "testudo hub token create --scope push --product NAME\nTESTUDO_HUB_TOKEN=… testudo push --product NAME";
        let body = format!("<h1>Board</h1>\n{}", empty(why, command));
        return Ok(page(ask, Place::Board, "Board", &body));
    }
    let counts = hub.store.read(|connection| store::severities(connection, None))?;
    let open = part(("open", "Open findings"), &chart::severities(&counts));
    let mut body = format!("<h1>Board</h1>\n{open}<ul class=\"products\">\n");
    let (aside, products): (Vec<_>, Vec<_>) = products.iter().partition(|product| product.archived);
    let with_ledgers = hub.store.read(store::with_ledgers)?;
    for product in products {
        let board = hub.board(product, &ask.now)?;
        let ledgers = if with_ledgers.contains(&product.id) { "" } else { NO_LEDGER };
        body += &glance(&board, ledgers);
    }
    body += "</ul>\n";
    if !aside.is_empty() {
        let link = |product: &&store::ProductRow| {
            format!("<li><a href=\"/products/{}\">{}</a></li>\n", encode(&product.name), text(&product.name))
        };
        let links: String = aside.iter().map(link).collect();
        body += &format!(
            "<section aria-labelledby=\"aside\"><h2 id=\"aside\">Archived</h2>\n<ul class=\"links\">\n{links}</ul></section>\n"
        );
    }
    Ok(page(ask, Place::Board, "Board", &body))
}

/// What a product without a ledger shows: what is missing, and the next commands.
const NO_LEDGER: &str = "<p>Ledgers: <span class=\"state\">not set up yet</span>, so what gates and releases did is not known. Next:</p>\n<pre tabindex=\"0\"><code>testudo gate --record dev .\ntestudo push --ledger dev</code></pre>\n";

/// A product in short; `more` stands below.
fn glance(board: &Board, more: &str) -> Html {
    let path = encode(&board.product);
    let mut out = format!("<li><h2><a href=\"/products/{path}\">{}</a></h2>\n", text(&board.product));
    out += &match &board.next {
        Some(step) => format!("<p><strong>Next, {}:</strong> {}</p>\n", text(step.phase), text(&step.why)),
        None => "<p>Nothing to do: every phase is fine.</p>\n".to_owned(),
    };
    out += "<ol class=\"steps\">\n";
    for phase in &board.phases {
        out += &format!(
            "<li class=\"{}\">{} <span class=\"state\">{}</span></li>\n",
            phase.state.class(),
            text(phase.phase),
            phase.state.as_str()
        );
    }
    out += "</ol>\n";
    out + more + &links(&path) + "</li>\n"
}

fn links(path: &str) -> Html {
    format!(
        "<ul class=\"links\"><li><a href=\"/products/{path}/timeline\">Timeline</a></li><li><a href=\"/findings?product={path}\">Findings</a></li></ul>\n"
    )
}

/// One product.
pub(crate) fn one(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let product = named(hub, ask)?;
    let board = hub.board(&product, &ask.now)?;
    let (counts, ledgers, scans, branches) = hub.store.read(|connection| {
        let counts = store::severities(connection, Some(product.id))?;
        let scans = store::scans(connection, product.id, None, SCANS)?;
        let scans = (scans, store::scan_count(connection, product.id)?);
        Ok((counts, store::ledgers(connection, product.id)?, scans, store::branches(connection, product.id)?))
    })?;
    let path = encode(&product.name);
    let mut body = testudo_board::content(&board);
    body += &links(&path);
    if product.archived {
        body += "<p><strong>Archived:</strong> nothing is pushed to it any more.</p>\n";
    }
    if ask.principal.may(Permission::Administer) {
        body += &format!("<p><a href=\"/products/{path}/manage\">Manage {}</a></p>\n", text(&product.name));
    }
    body += &part(("open", "Open findings"), &chart::severities(&counts));
    body += &part(("ledgers", "Ledgers"), &ledger_rows(&path, &ledgers));
    body += &part(("scans", "Scans"), &scan_rows(&product.name, &scans));
    if let Some(default) = &product.default_branch {
        body += &part(("branches", "Branches"), &branch_rows(&product.name, default, &branches));
    }
    body += &part(("roles", "Roles"), &role_rows(&product));
    Ok(page(ask, Place::Board, &product.name, &body))
}

/// A part of a page with a heading.
fn part((id, title): (&str, &str), content: &str) -> Html {
    format!("<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>\n{content}</section>\n")
}

fn branch_rows(product: &str, default: &str, branches: &[store::BranchRow]) -> Html {
    let said = format!(
        "<p><code>{}</code> is the default branch: its scans open and close findings. Of others, the {} that were pushed last are kept.</p>\n",
        text(default),
        store::BRANCHES
    );
    if branches.is_empty() { said } else { said + &branch::table_of(product, branches) }
}

fn ledger_rows(path: &str, ledgers: &[store::LedgerRow]) -> Html {
    if ledgers.is_empty() {
        return NO_LEDGER.to_owned();
    }
    let mut out = "<table class=\"list\"><caption>Copies; every line was checked against pinned keys</caption>\n<thead><tr><th scope=\"col\">Environment</th><th scope=\"col\">Last entry</th><th scope=\"col\">Time</th><th scope=\"col\">Keys pinned</th></tr></thead>\n<tbody>\n".to_owned();
    for ledger in ledgers {
        out += &format!(
            "<tr><th scope=\"row\">{0}</th><td data-name=\"Last entry\"><a href=\"/products/{path}/ledgers/{1}/{2}\">entry {2} of {0}</a></td><td data-name=\"Time\">{3}</td><td data-name=\"Keys pinned\">{4}</td></tr>\n",
            text(&ledger.environment),
            encode(&ledger.environment),
            ledger.seq,
            super::day_and_time(&ledger.time),
            super::day_and_time(&ledger.pinned)
        );
    }
    out + "</tbody></table>\n"
}

fn scan_rows(product: &str, (scans, all): &(Vec<store::ScanRow>, usize)) -> Html {
    if scans.is_empty() {
        return empty("No scan was pushed.", "testudo push");
    }
    let mut out = format!(
        "<table class=\"list\"><caption>The newest {} of {all}</caption>\n<thead><tr><th scope=\"col\">Scan</th><th scope=\"col\">Taken in</th><th scope=\"col\">By</th><th scope=\"col\">New</th><th scope=\"col\">Gone</th></tr></thead>\n<tbody>\n",
        scans.len()
    );
    for scan in scans {
        let whole = if scan.complete { "" } else { ", not everything was looked at" };
        out += &format!(
            "<tr><th scope=\"row\"><a href=\"/findings?state=&amp;scan={0}\">scan {0}</a></th><td data-name=\"Taken in\">{1}</td><td data-name=\"By\">{2}{whole}</td><td data-name=\"New\">{3}</td><td data-name=\"Gone\">{4}</td></tr>\n",
            scan.id,
            super::day_and_time(&scan.received),
            text(&if scan.branch.is_empty() {
                scan.tool.clone()
            } else {
                format!("{}, branch {}", scan.tool, scan.branch)
            }),
            scan.opened,
            scan.closed
        );
    }
    out += "</tbody></table>\n";
    if scans.len() < *all {
        out +=
            &format!("<p>Older ones are on the <a href=\"/products/{}/timeline\">timeline</a>.</p>\n", encode(product));
    }
    out
}

fn role_rows(product: &store::ProductRow) -> Html {
    if product.facts.roles.is_empty() {
        return empty("No plan was pushed, so nobody knows who has which part.", "testudo plan init");
    }
    let mut out = "<table class=\"list\"><caption>Who has which part, by the plan</caption>\n<thead><tr><th scope=\"col\">Role</th><th scope=\"col\">People</th><th scope=\"col\">Channel</th></tr></thead>\n<tbody>\n".to_owned();
    for role in &product.facts.roles {
        out += &format!(
            "<tr><th scope=\"row\">{}</th><td data-name=\"People\">{}</td><td data-name=\"Channel\">{}</td></tr>\n",
            text(&role.id),
            text(&role.people.join(", ")),
            text(&role.channel)
        );
    }
    out + "</tbody></table>\n"
}
