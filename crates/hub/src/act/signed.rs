//! How a decision comes to count. The database keeps the intent, the hub's own ledger its entry, then the database what follows
//! from it. The entry is what counts: an intent without one is dropped, as if nobody had asked; one with it is finished by the
//! next decision or the next start, whatever ended the process or filled the disk in between.

use rusqlite::Connection;
use serde_json::Value;
use testudo_ledger::{Head, Subject};

use crate::{
    Hub, HubError,
    change::{Change, KIND, Signed},
    decisions::Alone,
    store::{self, Intent},
};

/// Who decides, when and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct By {
    /// Now, RFC 3339.
    pub(crate) time: String,
    /// Who.
    pub(crate) actor: String,
    /// From where.
    pub(crate) address: String,
}

/// A decision before it has an entry.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Type of the predicate, and what it asks for.
    pub(crate) predicate: (&'static str, Value),
    /// What it is about.
    pub(crate) subject: Vec<Subject>,
    /// What, as a word, for the audit.
    pub(crate) action: &'static str,
    /// What, in words, for the audit.
    pub(crate) said: String,
    /// The change.
    pub(crate) change: Change,
}

impl Draft {
    /// A change that no type of the field describes.
    pub(crate) fn own(action: &'static str, said: String, (name, change): (&str, Change)) -> Result<Self, HubError> {
        let digest = crate::http::Body::of(serde_json::to_vec(&change)?).digest().to_owned();
        let subject = vec![Subject::new(name, "sha256", &digest)];
        Ok(Self { predicate: (KIND, Value::Object(serde_json::Map::new())), subject, action, said, change })
    }
}

/// Decides. `draft` looks at what is known and says what is decided, while nobody else decides. Gives the number of the entry.
pub(crate) fn decide<T, E: From<HubError>>(
    hub: &Hub,
    by: By,
    draft: impl FnOnce(&Connection) -> Result<(Draft, T), E>,
) -> Result<(u64, T), E> {
    let alone = hub.decisions.alone()?;
    settle(hub, &alone)?;
    let known = hub.store.read(store::own_head)?;
    hub.decisions.continues(known.as_ref())?;
    let id = testudo_model::hex(&hub.world().random()?);
    let (intent, result) = hub.store.write(|connection| {
        let (draft, result) = draft(connection)?;
        let intent = intent(id, by, (draft, store::last_hash(connection)?));
        // What cannot be done is not signed either.
        store::rehearse(connection, &intent)?;
        store::intend(connection, &intent)?;
        Ok::<_, E>((intent, result))
    })?;
    let head = match hub.decisions.add(&alone, &intent) {
        Ok(head) => head,
        Err(error) => {
            // Where nobody can say now whether the entry is there, the next decision finds out.
            if let Err(later) = settle(hub, &alone) {
                hub.trouble(&later);
            }
            return Err(error.into());
        }
    };
    carry_out(hub, &intent, &head)
        .map_err(|source| HubError::Unfinished { entry: head.seq, source: Box::new(source) })?;
    Ok((head.seq, result))
}

fn intent(id: String, by: By, (draft, audit): (Draft, String)) -> Intent {
    let (kind, predicate) = draft.predicate;
    Intent {
        kind: kind.to_owned(),
        subject: draft.subject,
        predicate,
        signed: Signed { id, audit, change: draft.change },
        time: by.time,
        actor: by.actor,
        address: by.address,
        action: draft.action.to_owned(),
        said: draft.said,
    }
}

/// Finishes what was half done, and drops what was not begun.
pub(crate) fn settle(hub: &Hub, _: &Alone<'_>) -> Result<(), HubError> {
    for intent in hub.store.read(store::intents)? {
        match hub.decisions.find(&intent.signed.id)? {
            Some(head) => carry_out(hub, &intent, &head)?,
            None => hub.store.write(|connection| store::forget(connection, &intent.signed.id))?,
        }
    }
    Ok(())
}

/// Does what an entry says, once.
fn carry_out(hub: &Hub, intent: &Intent, head: &Head) -> Result<(), HubError> {
    hub.store.write(|connection| {
        store::change(connection, intent, head.seq)?;
        let deed = store::Deed {
            time: &intent.time,
            actor: &intent.actor,
            address: &intent.address,
            action: &intent.action,
            said: &intent.said,
            decision: Some(head.seq),
        };
        store::record(connection, deed)?;
        store::set_own_head(connection, head)?;
        store::forget(connection, &intent.signed.id)
    })
}
