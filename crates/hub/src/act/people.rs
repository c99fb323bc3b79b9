//! People and tokens.

use super::signed::{self, By, Draft};
use crate::{
    Hub, HubError, Link, Role, Scope, Secret, TOKEN_PREFIX,
    auth::LINK_LIFE,
    change::{Change, TokenMade},
    http::{Ask, Refusal},
    store::{self, Numbered, PersonRow},
};

/// Longest name, in characters.
const NAME: usize = 128;
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
    let (_, id) = signed::decide(hub, ask.by(), |connection| {
        if store::person_named(connection, name)?.is_some() {
            return Err(Refusal::Conflict { said: format!("somebody is called `{name}` already"), next: None });
        }
        let person = PersonRow { handles, ..new_person(connection, (name, role), &ask.now.text)? };
        Ok((draft("person.add", &person)?, person.id))
    })?;
    link(hub, ask, id)
}

fn new_person(
    connection: &rusqlite::Connection,
    (name, role): (&str, Role),
    time: &str,
) -> Result<PersonRow, HubError> {
    let id = store::next_number(connection, Numbered::People)?;
    let created = time.to_owned();
    Ok(PersonRow { id, name: name.to_owned(), role, handles: Vec::new(), active: true, created })
}

/// A person as they are from now on.
fn draft(action: &'static str, person: &PersonRow) -> Result<Draft, HubError> {
    let access = if person.active { "" } else { ", may not sign in any more" };
    let said = format!("{}: {} ({}){access}", person.name, person.role.as_str(), person.handles.join(" "));
    Draft::own(action, said, (&person.name, Change::Person(person.clone())))
}

/// Sees to it that there is somebody of a name, asked on the command line. What somebody may do who is there stays as it is;
/// only where nobody manages the hub, an administrator can be made of them.
pub(crate) fn put(hub: &Hub, by: &By, name: &str, role: Option<Role>) -> Result<PersonRow, Refusal> {
    check_name(name)?;
    let (known, managed) =
        hub.store.read(|connection| Ok((store::person_named(connection, name)?, is_managed(connection, None)?)))?;
    match (known, role) {
        (Some(person), Some(Role::Admin)) if !managed => {
            let person = PersonRow { role: Role::Admin, active: true, ..person };
            signed::decide(hub, by.clone(), |_| Ok::<_, Refusal>((draft("person.change", &person)?, ())))?;
            Ok(person)
        }
        (Some(person), _) if !person.active => Err(Refusal::malformed(format!(
            "`{name}` may not sign in; an administrator lets them in on the page Admin"
        ))),
        (Some(person), _) => Ok(person),
        (None, None) => Err(Refusal::malformed(format!("nobody is called `{name}`; give a role with --role"))),
        (None, Some(role)) => {
            let (_, person) = signed::decide(hub, by.clone(), |connection| {
                if store::person_named(connection, name)?.is_some() {
                    return Err(Refusal::malformed(format!("somebody else has just added `{name}`; ask again")));
                }
                let person = new_person(connection, (name, role), &by.time)?;
                Ok::<_, Refusal>((draft("person.add", &person)?, person))
            })?;
            Ok(person)
        }
    }
}

/// Whether somebody manages the hub, other than one who is about to change.
fn is_managed(connection: &rusqlite::Connection, but: Option<i64>) -> Result<bool, HubError> {
    let manages = |person: &PersonRow| person.role == Role::Admin && person.active && Some(person.id) != but;
    Ok(store::people(connection)?.iter().any(manages))
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
fn keeps_an_admin(connection: &rusqlite::Connection, changed: &PersonRow) -> Result<(), Refusal> {
    if changed.role == Role::Admin && changed.active || is_managed(connection, Some(changed.id))? {
        return Ok(());
    }
    Err(Refusal::malformed("somebody has to stay administrator"))
}

/// Changes a person.
fn alter(
    hub: &Hub,
    ask: &Ask<'_>,
    (id, action): (i64, &'static str),
    alter: impl FnOnce(PersonRow) -> PersonRow,
) -> Result<(), Refusal> {
    signed::decide(hub, ask.by(), |connection| {
        let person = alter(known(connection, id)?);
        keeps_an_admin(connection, &person)?;
        Ok::<_, Refusal>((draft(action, &person)?, ()))
    })?;
    Ok(())
}

/// Changes the role and the names of a person.
pub(crate) fn change(hub: &Hub, ask: &Ask<'_>, id: i64, (role, handles): (Role, Vec<String>)) -> Result<(), Refusal> {
    check_handles(&handles)?;
    alter(hub, ask, (id, "person.change"), |person| PersonRow { role, handles, ..person })
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
    alter(hub, ask, (id, "person.access"), |person| PersonRow { active: access == Access::Given, ..person })
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
    Ok(Link { person: person.name, role: person.role, path: format!("/welcome/{}", secret.text()) })
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

/// Makes a token. Gives its text, which is never shown again.
pub(crate) fn add_token(hub: &Hub, by: By, new: &NewToken<'_>) -> Result<String, Refusal> {
    check_name(new.subject)?;
    if new.watches.is_some() && new.scope != Scope::Agent {
        return Err(Refusal::malformed(
            "only an agent watches a product; a token that pushes names its product itself",
        ));
    }
    new.watches.map_or(Ok(()), check_name)?;
    let secret = Secret::new(hub.world())?;
    signed::decide(hub, by, |connection| {
        let id = store::next_number(connection, Numbered::Tokens)?;
        let made = TokenMade {
            id,
            scope: new.scope,
            subject: new.subject.to_owned(),
            digest: testudo_model::hex(secret.digest().bytes()),
            watches: new.watches.map(str::to_owned),
        };
        let said = format!("token {id} ({} {})", new.scope.as_str(), new.subject);
        let draft = Draft::own("token.create", said, (&format!("token {id}"), Change::Token(made)))?;
        Ok::<_, Refusal>((draft, ()))
    })?;
    Ok(format!("{TOKEN_PREFIX}{}", secret.text()))
}

/// Takes a token back.
pub(crate) fn revoke(hub: &Hub, by: By, id: i64) -> Result<(), Refusal> {
    signed::decide(hub, by, |connection| {
        let counts = |token: &store::TokenRow| token.id == id && token.revoked.is_none();
        if !store::tokens(connection)?.iter().any(counts) {
            return Err(Refusal::Absent);
        }
        let name = format!("token {id}");
        Ok((Draft::own("token.revoke", name.clone(), (&name, Change::Revoked(id)))?, ()))
    })?;
    Ok(())
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
        let name =
            store::enter(connection, &link.digest(), (&session.digest(), ask.now.seconds, &ask.address.to_string()))?;
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

/// Ends another session of the person who asks.
pub(crate) fn end_session(hub: &Hub, ask: &Ask<'_>, name: &str) -> Result<(), Refusal> {
    let person = ask.person()?;
    hub.store.write(|connection| {
        if !store::end_named(connection, person.id, name)? {
            return Err(Refusal::Absent);
        }
        Ok(ask.deed("session.end", "signed out from elsewhere").record(connection)?)
    })
}

/// Ends all other sessions of the person who asks.
pub(crate) fn end_others(hub: &Hub, ask: &Ask<'_>) -> Result<(), Refusal> {
    let person = ask.person()?;
    hub.store.write(|connection| {
        let said = format!("signed out everywhere else: {} sessions", store::end_others(connection, person)?);
        Ok(ask.deed("session.end", &said).record(connection)?)
    })
}
