//! People and tokens.

use super::{Html, Place, day_and_time, empty, page, text, token};
use crate::{
    Hub, Link, Role, Scope,
    act::people::{self, Access, NewToken},
    auth::Person,
    http::{Ask, Refusal, Response},
    store::{self, PersonRow, TokenRow},
};

/// The page.
pub(crate) fn page_of(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    shown(hub, ask, "")
}

/// The page with a message on top.
fn shown(hub: &Hub, ask: &Ask<'_>, message: &str) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let (people, tokens) = hub.store.read(|connection| Ok((store::people(connection)?, store::tokens(connection)?)))?;
    let body = format!("<h1>Admin</h1>\n{message}{}{}", people_part(person, &people), tokens_part(person, &tokens));
    Ok(page(ask, Place::Admin, "Admin", &body))
}

fn roles(chosen: Role) -> Html {
    let option = |role: &Role| {
        let selected = if *role == chosen { " selected" } else { "" };
        format!("<option value=\"{0}\"{selected}>{0}</option>", role.as_str())
    };
    Role::ALL.iter().map(option).collect()
}

fn people_part(person: &Person, people: &[PersonRow]) -> Html {
    let mut out = "<section aria-labelledby=\"people\"><h2 id=\"people\">People</h2>\n<table class=\"list\"><caption>By name</caption>\n<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Role and names</th><th scope=\"col\">Access</th></tr></thead>\n<tbody>\n".to_owned();
    for row in people {
        out += &person_row(person, row);
    }
    out += "</tbody></table>\n";
    out + &format!(
        "<h3>Add a person</h3>\n<form class=\"fields\" method=\"post\" action=\"/admin/people\">{}\n\
         <div><label for=\"name\">Name</label><input id=\"name\" name=\"name\" required maxlength=\"128\"></div>\n\
         <div><label for=\"role\">Role</label><select id=\"role\" name=\"role\">{}</select></div>\n\
         <div><label for=\"handles\">Names in CODEOWNERS and plans</label><input id=\"handles\" name=\"handles\" placeholder=\"@ana @org/web role:web\"></div>\n\
         <div><button>Add</button></div>\n</form></section>\n",
        token(person),
        roles(Role::Developer)
    )
}

fn person_row(person: &Person, row: &PersonRow) -> Html {
    let (id, name) = (row.id, text(&row.name));
    let (verb, value) = if row.active { ("Lock out", "no") } else { ("Let in", "yes") };
    let since = day_and_time(&row.created);
    format!(
        "<tr><th scope=\"row\">{name}<span class=\"sub\">since {since}</span></th><td><form class=\"inline\" method=\"post\" action=\"/admin/people/{id}\">{token}\
         <span><label for=\"role-{id}\">Role of {name}</label><select id=\"role-{id}\" name=\"role\">{roles}</select></span>\
         <span><label for=\"handles-{id}\">Names of {name}</label><input id=\"handles-{id}\" name=\"handles\" value=\"{handles}\"></span>\
         <button>Save</button></form></td>\
         <td><form class=\"inline\" method=\"post\" action=\"/admin/people/{id}/link\">{token}<button aria-label=\"New link for {name}\">New link</button></form> \
         <form class=\"inline\" method=\"post\" action=\"/admin/people/{id}/active\">{token}<input type=\"hidden\" name=\"active\" value=\"{value}\"><button aria-label=\"{verb}: {name}\">{verb}</button></form></td></tr>\n",
        token = token(person),
        roles = roles(row.role),
        handles = text(&row.handles.join(" ")),
    )
}

fn tokens_part(person: &Person, tokens: &[TokenRow]) -> Html {
    let mut out = "<section aria-labelledby=\"tokens\"><h2 id=\"tokens\">Tokens of machines</h2>\n".to_owned();
    if tokens.is_empty() {
        out += &empty("No token yet. One for each product that pushes, one for each agent.", "");
    } else {
        out += "<table class=\"list\"><caption>The newest first</caption>\n<thead><tr><th scope=\"col\">Token</th><th scope=\"col\">For</th><th scope=\"col\">Made</th><th scope=\"col\">Used last</th><th scope=\"col\">Counts</th></tr></thead>\n<tbody>\n";
        for row in tokens {
            out += &token_row(person, row);
        }
        out += "</tbody></table>\n";
    }
    out + &format!(
        "<h3>Make a token</h3>\n<form class=\"fields\" method=\"post\" action=\"/admin/tokens\">{}\n\
         <div><label for=\"scope\">For</label><select id=\"scope\" name=\"scope\"><option value=\"push\">pushes of a product</option><option value=\"agent\">an agent</option></select></div>\n\
         <div><label for=\"subject\">Name of the product or agent</label><input id=\"subject\" name=\"subject\" required maxlength=\"128\"></div>\n\
         <div><label for=\"watches\">Product that the agent watches</label><input id=\"watches\" name=\"watches\" maxlength=\"128\"></div>\n\
         <div><button>Make</button></div>\n</form></section>\n",
        token(person)
    )
}

fn token_row(person: &Person, row: &TokenRow) -> Html {
    let id = row.id;
    let counts = match &row.revoked {
        Some(time) => format!("taken back {}", day_and_time(time)),
        None => format!(
            "<form class=\"inline\" method=\"post\" action=\"/admin/tokens/{id}/revoke\">{}<button aria-label=\"Take back token {id}\">Take back</button></form>",
            token(person)
        ),
    };
    format!(
        "<tr><th scope=\"row\">token {id}</th><td data-name=\"For\">{} of {}</td><td data-name=\"Made\">{} by {}</td><td data-name=\"Used last\">{}</td><td>{counts}</td></tr>\n",
        row.scope.as_str(),
        text(&row.subject),
        day_and_time(&row.created),
        text(&row.created_by),
        text(row.used.as_deref().unwrap_or("never"))
    )
}

/// A secret that is shown once.
fn once(title: &str, why: &str, secret: &str) -> Html {
    format!(
        "<section class=\"secret\" aria-labelledby=\"once\"><h2 id=\"once\">{}</h2>\n<p>{}</p>\n<pre tabindex=\"0\"><code>{}</code></pre></section>\n",
        text(title),
        text(why),
        text(secret)
    )
}

fn link_once(ask: &Ask<'_>, hub: &Hub, link: &Link) -> Html {
    let scheme = if hub.is_secure() { "https" } else { "http" };
    let address = format!("{scheme}://{}{}", ask.request.header("host").unwrap_or_default(), link.path);
    once(&format!("A link for {}", link.person), "Shown once. It signs them in once, within 15 minutes.", &address)
}

/// Adds a person.
pub(crate) fn add_person(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let role = people::role(ask.form.get("role"))?;
    let link = people::add(hub, ask, (ask.form.get("name"), role, people::handles(ask.form.get("handles"))))?;
    shown(hub, ask, &link_once(ask, hub, &link))
}

/// Changes one.
pub(crate) fn change_person(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let role = people::role(ask.form.get("role"))?;
    people::change(hub, ask, ask.number("person")?, (role, people::handles(ask.form.get("handles"))))?;
    Ok(Response::see_other("/admin"))
}

/// Lets one in, or no longer.
pub(crate) fn activate(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let access = if ask.form.get("active") == "yes" { Access::Given } else { Access::Taken };
    people::access(hub, ask, ask.number("person")?, access)?;
    Ok(Response::see_other("/admin"))
}

/// Makes a link.
pub(crate) fn link(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let link = people::link(hub, ask, ask.number("person")?)?;
    shown(hub, ask, &link_once(ask, hub, &link))
}

/// Makes a token.
pub(crate) fn add_token(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let scope = Scope::of(ask.form.get("scope")).ok_or_else(|| Refusal::malformed("choose what the token is for"))?;
    let watches = Some(ask.form.get("watches")).filter(|name| !name.is_empty());
    let made = people::add_token(hub, ask.by(), &NewToken { scope, subject: ask.form.get("subject"), watches })?;
    let title = format!("A token for {}", ask.form.get("subject"));
    shown(hub, ask, &once(&title, "Shown once. Keep it where your pipeline keeps its secrets.", &made))
}

/// Takes a token back.
pub(crate) fn revoke(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    people::revoke(hub, ask.by(), ask.number("token")?)?;
    Ok(Response::see_other("/admin"))
}
