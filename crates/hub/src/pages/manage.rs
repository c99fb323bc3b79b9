//! What administrators decide about one product. Each form says what it does, and what cannot be undone asks for the name.

use super::{Html, Place, lines, page, text, token};
use crate::{
    Hub,
    act::product::{self, Keeping},
    api::products::named,
    auth::Person,
    http::{Ask, Refusal, Response, encode},
    store::{self, LedgerRow, ProductRow},
};

/// The page.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let (person, product) = (ask.person()?, named(hub, ask)?);
    let ledgers = hub.store.read(|connection| store::ledgers(connection, product.id))?;
    let title = format!("Manage {}", product.name);
    let mut body = format!(
        "<h1>{}</h1>\n<ul class=\"links\"><li><a href=\"/products/{}\">Board</a></li></ul>\n",
        text(&title),
        encode(&product.name)
    );
    body += &branch(person, &product);
    for (at, ledger) in ledgers.iter().enumerate() {
        body += &keys(person, &product, (at, ledger));
    }
    body += &archive(person, &product);
    body += &delete(person, &product);
    Ok(page(ask, Place::Admin, &title, &body))
}

/// One form, in a part with a heading.
fn form(person: &Person, product: &ProductRow, (verb, title, why): (&str, &str, &str), fields: &str) -> Html {
    format!(
        "<section aria-label=\"{title}\"><h2>{title}</h2>\n<p>{why}</p>\n<form class=\"fields\" method=\"post\" action=\"/products/{}/manage/{verb}\">{}\n{fields}</form></section>\n",
        encode(&product.name),
        token(person)
    )
}

fn field(id: &str, name: &str, label: &str, value: &str) -> Html {
    format!(
        "<div><label for=\"{id}\">{label}</label><input id=\"{id}\" name=\"{name}\" required maxlength=\"500\" value=\"{}\"></div>\n",
        text(value)
    )
}

fn branch(person: &Person, product: &ProductRow) -> Html {
    let default = product.default_branch.as_deref().unwrap_or_default();
    let fields = field("branch", "branch", "Default branch", default) + "<div><button>Set</button></div>\n";
    let why = "Only scans of the default branch open and close findings.";
    form(person, product, ("branch", "Default branch", why), &fields)
}

fn keys(person: &Person, product: &ProductRow, (at, ledger): (usize, &LedgerRow)) -> Html {
    let environment = text(&ledger.environment);
    let fields = format!(
        "<input type=\"hidden\" name=\"environment\" value=\"{environment}\">\n\
         <div class=\"wide\"><label for=\"keys-{at}\">Public keys (PEM) that count behind entry {}</label><textarea id=\"keys-{at}\" name=\"keys\" required maxlength=\"20000\">{}</textarea></div>\n{}\
         <div><button>Accept for {environment}</button></div>\n",
        ledger.seq,
        lines(&ledger.keys),
        field(&format!("reason-{at}"), "reason", "Reason", "")
    );
    let title = format!("Keys of the ledger {environment}");
    let why = "Entries behind the last one that is known count where they are signed with one of these. What is known stays, with the keys of before.";
    form(person, product, ("keys", &title, why), &fields)
}

fn archive(person: &Person, product: &ProductRow) -> Html {
    let (title, why, aside) = if product.archived {
        ("Bring back", "It is archived: nothing is pushed to it.", "no")
    } else {
        ("Archive", "The board only names it, and nothing is pushed to it any more. It can be brought back.", "yes")
    };
    let fields = format!(
        "<input type=\"hidden\" name=\"aside\" value=\"{aside}\">\n{}<div><button>{title}</button></div>\n",
        field("archive-reason", "reason", "Reason", "")
    );
    form(person, product, ("archive", title, why), &fields)
}

fn delete(person: &Person, product: &ProductRow) -> Html {
    let label = format!("Type <code>{}</code>", text(&product.name));
    let fields = field("name", "name", &label, "")
        + &field("delete-reason", "reason", "Reason", "")
        + "<div><button>Take away for good</button></div>\n";
    let why = "Findings, scans, its line of time and the copies of its ledgers go, and its tokens count no more. Nobody can undo that. Decisions and the audit stay.";
    form(person, product, ("delete", "Take away", why), &fields)
}

/// Back to the page.
fn done(ask: &Ask<'_>) -> Response {
    Response::see_other(&format!("/products/{}/manage", encode(ask.parameter("product"))))
}

/// Sets the default branch.
pub(crate) fn set_branch(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    product::set_branch(hub, ask, ask.parameter("product"), ask.form.get("branch"))?;
    Ok(done(ask))
}

/// Accepts other keys of a ledger.
pub(crate) fn accept_keys(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let place = (ask.parameter("product"), ask.form.get("environment"));
    product::accept_keys(hub, ask, place, (ask.form.get("keys"), ask.form.get("reason")))?;
    Ok(done(ask))
}

/// Keeps a product aside, or brings it back.
pub(crate) fn set_archived(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let keeping = match ask.form.get("aside") {
        "yes" => Keeping::Aside,
        "no" => Keeping::Shown,
        _ => return Err(Refusal::malformed("`aside` is yes or no")),
    };
    product::keep(hub, ask, ask.parameter("product"), (keeping, ask.form.get("reason")))?;
    Ok(done(ask))
}

/// Takes a product away.
pub(crate) fn take_away(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    product::delete(hub, ask, ask.parameter("product"), (ask.form.get("name"), ask.form.get("reason")))?;
    Ok(Response::see_other("/"))
}
