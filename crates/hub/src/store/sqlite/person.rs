//! People, their links and their sessions.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{json, row, rows};
use crate::{
    HubError,
    auth::{Digest, Person, Role, SESSION_IDLE, SESSION_LIFE, Secret},
};

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PersonRow {
    /// Number.
    pub(crate) id: i64,
    /// Name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// Names under which they own things.
    pub(crate) handles: Vec<String>,
    /// Whether they may sign in.
    pub(crate) active: bool,
    /// Since when they are known.
    pub(crate) created: String,
}

const COLUMNS: &str = "id, name, role, handles, active, created";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<PersonRow> {
    let role: String = row.get(2)?;
    Ok(PersonRow {
        id: row.get(0)?,
        name: row.get(1)?,
        // A word that is none cannot be there: the table checks it.
        role: Role::of(&role).unwrap_or(Role::Viewer),
        handles: json(row, 3)?,
        active: row.get(4)?,
        created: row.get(5)?,
    })
}

/// Everybody, by name.
pub(crate) fn people(connection: &Connection) -> Result<Vec<PersonRow>, HubError> {
    rows(connection, (&format!("SELECT {COLUMNS} FROM person ORDER BY name"), []), read)
}

/// The person of a name.
pub(crate) fn person_named(connection: &Connection, name: &str) -> Result<Option<PersonRow>, HubError> {
    row(connection, (&format!("SELECT {COLUMNS} FROM person WHERE name = ?1"), [name]), read)
}

/// Whether somebody who manages the hub has ever signed in: only then has the first link done its work.
pub(crate) fn has_admin(connection: &Connection) -> Result<bool, HubError> {
    let query = "SELECT 1 FROM person WHERE role = 'admin' AND active = 1 AND EXISTS (SELECT 1 FROM audit WHERE action = 'session.begin' AND actor = person.name)";
    Ok(row(connection, (query, []), |_| Ok(()))?.is_some())
}

/// Keeps a person as they are from now on. Whoever may do something else than before signs in again, and whoever may not
/// sign in any more has no link either.
pub(crate) fn put_person(connection: &Connection, person: &PersonRow) -> Result<(), HubError> {
    let before = person_named(connection, &person.name)?;
    connection
        .prepare_cached(
            "INSERT INTO person (id, name, role, handles, active, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET role = excluded.role, handles = excluded.handles, active = excluded.active",
        )?
        .execute(params![
            person.id,
            person.name,
            person.role.as_str(),
            serde_json::to_string(&person.handles)?,
            person.active,
            person.created
        ])?;
    if before.is_some_and(|before| (before.role, before.active) != (person.role, person.active)) {
        connection.execute("DELETE FROM session WHERE person = ?1", [person.id])?;
    }
    if !person.active {
        connection.execute("DELETE FROM link WHERE person = ?1", [person.id])?;
    }
    Ok(())
}

/// Makes a link with which a person signs in once. Earlier ones of theirs end.
pub(crate) fn make_link(
    connection: &Connection,
    (person, digest): (i64, &Digest),
    expires: i64,
) -> Result<(), HubError> {
    connection.execute("DELETE FROM link WHERE person = ?1", [person])?;
    let query = "INSERT INTO link (handle, digest, person, expires) VALUES (?1, ?2, ?3, ?4)";
    connection.execute(query, params![digest.handle(), digest.bytes(), person, expires])?;
    Ok(())
}

/// Uses a link up and begins a session; none where the link is not known, used, or too old.
pub(crate) fn enter(
    connection: &Connection,
    link: &Digest,
    (session, now, address): (&Digest, i64, &str),
) -> Result<Option<String>, HubError> {
    let query = "SELECT link.digest, link.person, link.expires, person.name FROM link JOIN person ON person.id = link.person WHERE link.handle = ?1 AND person.active = 1";
    let found = row(connection, (query, [link.handle()]), |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?))
    })?;
    let Some((_, person, _, name)) = found.filter(|(kept, _, expires, _)| link.is(kept) && now < *expires) else {
        return Ok(None);
    };
    connection.execute("DELETE FROM link WHERE handle = ?1", [link.handle()])?;
    let ended = "DELETE FROM session WHERE seen <= ?1 OR begun <= ?2";
    connection.execute(ended, [now - SESSION_IDLE, now - SESSION_LIFE])?;
    let query = "INSERT INTO session (handle, digest, person, seen, begun, address) VALUES (?1, ?2, ?3, ?4, ?4, ?5)";
    connection.execute(query, params![session.handle(), session.bytes(), person, now, address])?;
    Ok(Some(name))
}

/// The person of a session that has not ended, and when it was seen last.
pub(crate) fn session(connection: &Connection, secret: &Secret, now: i64) -> Result<Option<(Person, i64)>, HubError> {
    let digest = secret.digest();
    let query = "SELECT s.digest, s.seen, p.id, p.name, p.role, p.handles, s.begun FROM session s JOIN person p ON p.id = s.person WHERE s.handle = ?1 AND p.active = 1";
    let found = row(connection, (query, [digest.handle()]), |row| {
        let role: String = row.get(4)?;
        let person = Person {
            id: row.get(2)?,
            name: row.get(3)?,
            role: Role::of(&role).unwrap_or(Role::Viewer),
            handles: json(row, 5)?,
            session: secret.clone(),
        };
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(6)?, person))
    })?;
    let found = found.filter(|(kept, seen, begun, _)| digest.is(kept) && lives((*seen, *begun), now));
    Ok(found.map(|(_, seen, _, person)| (person, seen)))
}

/// Says that a session is in use.
pub(crate) fn touch(connection: &Connection, secret: &Secret, now: i64) -> Result<(), HubError> {
    connection.execute("UPDATE session SET seen = ?2 WHERE handle = ?1", params![secret.digest().handle(), now])?;
    Ok(())
}

/// Ends a session.
pub(crate) fn end_session(connection: &Connection, secret: &Secret) -> Result<(), HubError> {
    connection.execute("DELETE FROM session WHERE handle = ?1", [secret.digest().handle()])?;
    Ok(())
}

/// Whether a session has not ended by itself: when it was seen last, and when it began.
fn lives((seen, begun): (i64, i64), now: i64) -> bool {
    now - seen < SESSION_IDLE && now - begun < SESSION_LIFE
}

/// A session of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SessionRow {
    /// What it is named by; nobody gets in with it.
    pub(crate) name: String,
    /// From where it began.
    pub(crate) address: String,
    /// When it began, RFC 3339 in UTC.
    pub(crate) begun: String,
    /// Minutes since its last request.
    pub(crate) idle: i64,
    /// When it ends in any case, RFC 3339 in UTC.
    pub(crate) ends: String,
    /// Whether it is the one that asks.
    pub(crate) own: bool,
}

/// The sessions of a person, the one that began last first.
pub(crate) fn sessions(connection: &Connection, person: &Person, now: i64) -> Result<Vec<SessionRow>, HubError> {
    let query = "SELECT lower(hex(handle)), address, strftime('%Y-%m-%dT%H:%M:%SZ', begun, 'unixepoch'), seen, begun, handle, strftime('%Y-%m-%dT%H:%M:%SZ', begun + ?2, 'unixepoch') FROM session WHERE person = ?1 ORDER BY begun DESC, handle";
    let digest = person.session.digest();
    let found = rows(connection, (query, [person.id, SESSION_LIFE]), |row| {
        let (seen, begun): (i64, i64) = (row.get(3)?, row.get(4)?);
        let session = SessionRow {
            name: row.get(0)?,
            address: row.get(1)?,
            begun: row.get(2)?,
            idle: (now - seen) / 60,
            ends: row.get(6)?,
            own: row.get::<_, Vec<u8>>(5)? == digest.handle(),
        };
        Ok((session, lives((seen, begun), now)))
    })?;
    Ok(found.into_iter().filter(|(_, lives)| *lives).map(|(session, _)| session).collect())
}

/// Ends a session of a person, by its name; whether there was one.
pub(crate) fn end_named(connection: &Connection, person: i64, name: &str) -> Result<bool, HubError> {
    Ok(connection.execute("DELETE FROM session WHERE person = ?1 AND handle = unhex(?2)", params![person, name])? > 0)
}

/// Ends all sessions of a person but the one that asks. Gives how many.
pub(crate) fn end_others(connection: &Connection, person: &Person) -> Result<usize, HubError> {
    let query = "DELETE FROM session WHERE person = ?1 AND handle <> ?2";
    Ok(connection.execute(query, params![person.id, person.session.digest().handle()])?)
}

/// Whether something can be given to an owner: somebody who may sign in has that name, or a plan has that role.
pub(crate) fn is_owner(connection: &Connection, owner: &str) -> Result<bool, HubError> {
    let plain = owner.strip_prefix('@').unwrap_or(owner);
    let person = "SELECT 1 FROM person WHERE active = 1 AND (name = ?1 OR name = ?2 OR EXISTS (SELECT 1 FROM json_each(handles) WHERE value = ?1))";
    if row(connection, (person, [owner, plain]), |_| Ok(()))?.is_some() {
        return Ok(true);
    }
    let Some(role) = owner.strip_prefix("role:") else { return Ok(false) };
    Ok(row(connection, ("SELECT 1 FROM plan_role WHERE id = ?1", [role]), |_| Ok(()))?.is_some())
}
