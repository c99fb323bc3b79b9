//! People and tokens.

use crate::{
    Hub, HubError, Link, Role, Scope, Secret, TOKEN_PREFIX,
    auth::LINK_LIFE,
    http::{Ask, Refusal},
    store,
};

/// Longest name, in characters.
const NAME: usize = 64;
/// Names of one person.
const HANDLES: usize = 50;

/// Whether a text is the name of a person, a product or an agent: what can stand in an address and on a line.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/' | ' ');
    let begins = name.starts_with(char::is_alphanumeric) && !name.ends_with(' ');
    if begins && name.chars().count() <= NAME && name.chars().all(fits) {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME).collect();
    Err(Refusal::malformed(format!(
        "`{}` is no name: letters, digits, space and -_.@/, at most {NAME}, a letter or digit first",
        shown.escape_debug()
    )))
}

/// Adds a person, and makes a link for them.
pub(crate) fn add(hub: &Hub, ask: &Ask<'_>, (name, role, handles): (&str, Role, Vec<String>)) -> Result<Link, Refusal> {
    check_name(name)?;
    check_handles(&handles)?;
    let secret = Secret::new(hub.world())?;
    hub.store.write(|connection| {
        if store::person_named(connection, name)?.is_some() {
            return Err(Refusal::Conflict { said: format!("somebody is called `{name}` already"), next: None });
        }
        let id = store::add_person(connection, (name, role), &ask.now.text)?;
        store::set_person(connection, id, role, &handles)?;
        store::make_link(connection, (id, &secret.digest()), ask.now.seconds + LINK_LIFE)?;
        let said = format!("{name} as {}", role.as_str());
        Ok(ask.deed("person.add", &said).record(connection)?)
    })?;
    Ok(Link { person: name.to_owned(), path: format!("/welcome/{}", secret.text()) })
}

fn check_handles(handles: &[String]) -> Result<(), Refusal> {
    if handles.len() > HANDLES {
        return Err(Refusal::malformed(format!("a person has at most {HANDLES} names")));
    }
    handles.iter().try_for_each(|handle| super::line(handle, "a name").map(drop))
}

/// The person of a number.
fn known(connection: &rusqlite::Connection, id: i64) -> Result<store::PersonRow, Refusal> {
    store::people(connection)?.into_iter().find(|person| person.id == id).ok_or(Refusal::Absent)
}

/// Nobody locks themselves out: the last administrator stays one.
fn keeps_an_admin(connection: &rusqlite::Connection) -> Result<(), Refusal> {
    let left = store::people(connection)?.iter().any(|person| person.role == Role::Admin && person.active);
    if left { Ok(()) } else { Err(Refusal::malformed("somebody has to stay administrator")) }
}

/// Changes the role and the names of a person.
pub(crate) fn change(hub: &Hub, ask: &Ask<'_>, id: i64, (role, handles): (Role, Vec<String>)) -> Result<(), Refusal> {
    check_handles(&handles)?;
    hub.store.write(|connection| {
        let person = known(connection, id)?;
        store::set_person(connection, id, role, &handles)?;
        keeps_an_admin(connection)?;
        let said = format!("{}: {} ({})", person.name, role.as_str(), handles.join(" "));
        Ok(ask.deed("person.change", &said).record(connection)?)
    })
}

/// Whether a person may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// They may.
    Given,
    /// Not any more; sessions and links end.
    Taken,
}

/// Lets a person in, or no longer.
pub(crate) fn access(hub: &Hub, ask: &Ask<'_>, id: i64, access: Access) -> Result<(), Refusal> {
    hub.store.write(|connection| {
        let person = known(connection, id)?;
        store::activate(connection, id, access == Access::Given)?;
        keeps_an_admin(connection)?;
        let word = if access == Access::Given { "may sign in" } else { "may not sign in any more" };
        Ok(ask.deed("person.access", &format!("{} {word}", person.name)).record(connection)?)
    })
}

/// Makes a new link for a person.
pub(crate) fn link(hub: &Hub, ask: &Ask<'_>, id: i64) -> Result<Link, Refusal> {
    let secret = Secret::new(hub.world())?;
    let person = hub.store.write(|connection| {
        let person = known(connection, id)?;
        store::make_link(connection, (id, &secret.digest()), ask.now.seconds + LINK_LIFE)?;
        ask.deed("link.create", &format!("a link for {}", person.name)).record(connection)?;
        Ok::<_, Refusal>(person)
    })?;
    Ok(Link { person: person.name, path: format!("/welcome/{}", secret.text()) })
}

/// A token to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewToken<'a> {
    /// What it is for.
    pub(crate) scope: Scope,
    /// The product or agent.
    pub(crate) subject: &'a str,
    /// The product that an agent watches.
    pub(crate) watches: Option<&'a str>,
}

/// Makes a token. Gives its number and its text, which is never shown again.
pub(crate) fn new_token(
    hub: &Hub,
    connection: &rusqlite::Connection,
    new: &NewToken<'_>,
    (time, by): (&str, &str),
) -> Result<(i64, String), Refusal> {
    check_name(new.subject)?;
    let secret = Secret::new(hub.world())?;
    if let (Scope::Agent, Some(product)) = (new.scope, new.watches) {
        check_name(product)?;
        let product = store::named(connection, product, time)?;
        store::watch(connection, new.subject, product)?;
    }
    let id = store::create_token(connection, &secret.digest(), (new.scope, new.subject), (time, by))?;
    Ok((id, format!("{TOKEN_PREFIX}{}", secret.text())))
}

/// Makes a token, asked by a person.
pub(crate) fn add_token(hub: &Hub, ask: &Ask<'_>, new: &NewToken<'_>) -> Result<String, Refusal> {
    let person = ask.person()?;
    hub.store.write(|connection| {
        let (id, text) = new_token(hub, connection, new, (&ask.now.text, &person.name))?;
        let said = format!("token {id} ({} {})", new.scope.as_str(), new.subject);
        ask.deed("token.create", &said).record(connection)?;
        Ok(text)
    })
}

/// Takes a token back.
pub(crate) fn revoke(hub: &Hub, ask: &Ask<'_>, id: i64) -> Result<(), Refusal> {
    hub.store.write(|connection| {
        if !store::revoke_token(connection, id, &ask.now.text)? {
            return Err(Refusal::Absent);
        }
        Ok(ask.deed("token.revoke", &format!("token {id}")).record(connection)?)
    })
}

/// The role of a word in a form.
pub(crate) fn role(word: &str) -> Result<Role, Refusal> {
    Role::of(word).ok_or_else(|| Refusal::malformed("choose a role"))
}

/// Names as somebody types them: between spaces, commas or line breaks.
pub(crate) fn handles(text: &str) -> Vec<String> {
    let mut handles: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    handles.sort();
    handles.dedup();
    handles
}

/// Begins a session with a link; none where the link does not count.
pub(crate) fn enter(hub: &Hub, ask: &Ask<'_>, link: &Secret) -> Result<Option<Secret>, Refusal> {
    let session = Secret::new(hub.world())?;
    let name = hub.store.write(|connection| {
        let name = store::enter(connection, &link.digest(), (&session.digest(), ask.now.seconds))?;
        if let Some(name) = &name {
            ask.deed("session.begin", "with a link").by(name).record(connection)?;
        }
        Ok::<_, HubError>(name)
    })?;
    Ok(name.map(|_| session))
}

/// Ends the session of the person who asks.
pub(crate) fn leave(hub: &Hub, ask: &Ask<'_>) -> Result<(), Refusal> {
    let person = ask.person()?;
    hub.store.write(|connection| {
        store::end_session(connection, &person.session)?;
        Ok(ask.deed("session.end", "signed out").record(connection)?)
    })
}
