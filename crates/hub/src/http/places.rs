//! Places of connections. When all are taken, whoever comes last gets the place of a connection that waits for its client:
//! the oldest one of the address that has most. So slow clients shut nobody out, however many they are.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

/// Connections at once.
pub(super) const ALL: usize = 256;
/// Connections of one address at once.
pub(super) const OF_ONE: usize = 64;

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It waits for its client: for a request, the rest of one, or until an answer is taken.
    Waiting,
    /// A request of it is being answered, or a body is received from somebody who may send it.
    Answering,
}

#[derive(Debug)]
struct Taken {
    address: Option<IpAddr>,
    doing: Doing,
    task: Option<AbortHandle>,
}

/// Who has a place, by the order of their coming.
#[derive(Debug, Default)]
struct Table {
    next: u64,
    taken: BTreeMap<u64, Taken>,
}

/// All places.
#[derive(Debug, Default, Clone)]
pub(super) struct Places(Arc<Mutex<Table>>);

/// A place; it is free again when this goes.
#[derive(Debug)]
pub(super) struct Place {
    table: Arc<Mutex<Table>>,
    number: u64,
}

fn locked(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Places {
    /// A place; none where every connection that could make room is being answered. Behind a server in front, all connections
    /// are of one address, which says nothing: there `address` is none.
    pub(super) fn take(&self, address: Option<IpAddr>) -> Option<Place> {
        let mut table = locked(&self.0);
        let own = table.taken.values().filter(|taken| taken.address == address).count();
        if address.is_some() && own >= OF_ONE {
            table.end_oldest(address)?;
        } else if table.taken.len() >= ALL {
            table.end_one()?;
        }
        let number = table.next;
        table.next += 1;
        table.taken.insert(number, Taken { address, doing: Doing::Waiting, task: None });
        Some(Place { table: Arc::clone(&self.0), number })
    }

    /// Says which task has a place, so that it can be ended.
    pub(super) fn belongs(&self, number: u64, task: AbortHandle) {
        if let Some(taken) = locked(&self.0).taken.get_mut(&number) {
            taken.task = Some(task);
        }
    }
}

impl Table {
    /// Ends the oldest connection of an address that waits for its client.
    fn end_oldest(&mut self, address: Option<IpAddr>) -> Option<()> {
        let waits = |taken: &Taken| taken.address == address && taken.doing == Doing::Waiting && taken.task.is_some();
        let (number, _) = self.taken.iter().find(|(_, taken)| waits(taken))?;
        let taken = self.taken.remove(&number.clone())?;
        taken.task?.abort();
        Some(())
    }

    /// Ends one of the address that has most of those that wait.
    fn end_one(&mut self) -> Option<()> {
        let mut waiting: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        for taken in self.taken.values().filter(|taken| taken.doing == Doing::Waiting) {
            *waiting.entry(taken.address).or_default() += 1;
        }
        let (address, _) = waiting.into_iter().max_by_key(|(_, count)| *count)?;
        self.end_oldest(address)
    }
}

impl Place {
    /// Its number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Keeps the place as long as what is given lives.
    pub(super) fn hold(&self) -> Held<'_> {
        self.set(Doing::Answering);
        Held(self)
    }

    fn set(&self, doing: Doing) {
        if let Some(taken) = locked(&self.table).taken.get_mut(&self.number) {
            taken.doing = doing;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.table).taken.remove(&self.number);
    }
}

/// A place that nobody takes away.
#[derive(Debug)]
pub(super) struct Held<'p>(&'p Place);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.set(Doing::Waiting);
    }
}
