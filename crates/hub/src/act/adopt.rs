//! What was decided before decisions had entries. The first start behind such a database writes down how everything is, so that from
//! then on a change behind the hub's back is seen there too.

use super::signed::{self, By, Draft};
use crate::{
    Hub, HubError,
    change::{Adopted, Change},
    store,
};

/// Rows of one entry.
const ROWS: usize = 200;

/// Writes entries about everything that people decided so far, where that was not done yet. Where the process ends in between, the
/// next start writes them again, and they say the same.
pub(crate) fn adopt(hub: &Hub, by: &By) -> Result<(), HubError> {
    if !hub.store.read(store::is_adopting)? {
        return Ok(());
    }
    if hub.store.read(store::own_head)?.is_none()
        && let Some(last) = hub.decisions.last()?
    {
        // What older entries say is not more than what the database has.
        hub.store.write(|connection| store::set_own_head(connection, &last))?;
    }
    for part in hub.store.read(parts)? {
        signed::decide(hub, by.clone(), |_| {
            let said = format!("{} rows of before stand in the ledger as they are", part.len());
            Ok::<_, HubError>((Draft::own("hub.adopt", said, ("hub", Change::Adopted(Box::new(part))))?, ()))
        })?;
    }
    hub.store.write(store::adopted)
}

/// Everything that was decided, in parts that one entry can hold.
fn parts(connection: &rusqlite::Connection) -> Result<Vec<Adopted>, HubError> {
    let mut all = vec![Adopted::default()];
    let mut add = |put: &mut dyn FnMut(&mut Adopted)| {
        if all.last().is_none_or(|part| part.len() >= ROWS) {
            all.push(Adopted::default());
        }
        all.last_mut().into_iter().for_each(put);
    };
    for person in store::people(connection)? {
        add(&mut |part| part.people.push(person.clone()));
    }
    store::tokens_made(connection, |id, token| add(&mut |part| part.tokens.push((id, token.clone()))))?;
    for watch in store::watches(connection)? {
        add(&mut |part| part.watches.push(watch.clone()));
    }
    store::each_concern(connection, |row| add(&mut |part| part.concerns.push(row.clone())))?;
    store::decided(connection, |id, row| add(&mut |part| part.findings.push((id, row.clone()))))?;
    all.retain(|part| part.len() > 0);
    Ok(all)
}
