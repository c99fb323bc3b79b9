//! Boards of products, made of what was pushed. The same crate makes them as `testudo status`, so both say the same.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use testudo_board::{Board, Facts, Found, PlanFacts};
use testudo_plan::evidence::Status;
use testudo_policy::Date;

use crate::{
    Hub, HubError, ProductFacts,
    store::{self, ProductRow},
    world::Moment,
};

/// Evidence that is older is stale, in days.
const MAX_AGE: u32 = 30;
/// Entries of one ledger that a board is made of, the newest.
const ENTRIES: usize = 5000;

/// Boards as they were made last: by product, with its revision and the day.
#[derive(Debug, Default)]
pub(crate) struct Boards(Mutex<BTreeMap<i64, (i64, String, Board)>>);

impl Hub {
    /// The board of a product.
    pub(crate) fn board(&self, product: &ProductRow, now: &Moment) -> Result<Board, HubError> {
        let known = self.boards.0.lock().unwrap_or_else(PoisonError::into_inner).get(&product.id).cloned();
        if let Some((_, _, board)) =
            known.filter(|(revision, day, _)| *revision == product.revision && day == now.day())
        {
            return Ok(board);
        }
        let board = self.make_board(product, now)?;
        let entry = (product.revision, now.day().to_owned(), board.clone());
        self.boards.0.lock().unwrap_or_else(PoisonError::into_inner).insert(product.id, entry);
        Ok(board)
    }

    /// Forgets the board of a product that is gone: another one may get its number.
    pub(crate) fn forget_board(&self, product: i64) {
        self.boards.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&product);
    }

    fn make_board(&self, product: &ProductRow, now: &Moment) -> Result<Board, HubError> {
        let statements = self.store.read(|connection| {
            let mut all = Vec::new();
            for ledger in store::ledgers(connection, product.id)? {
                all.extend(store::newest_statements(connection, ledger.id, ENTRIES)?);
            }
            Ok(all)
        })?;
        let today: Date = now.day().parse().map_err(HubError::Unknown)?;
        let facts = &product.facts;
        let facts = Facts {
            product: product.name.clone(),
            today,
            max_age: MAX_AGE,
            statements: &statements,
            refused: &[],
            unread: &[],
            here: ".".to_owned(),
            // What changed since a commit only the project itself can say.
            changed: &|_| None,
            plan: plan(facts),
            found: Found {
                hook: facts.hook,
                pipelines: facts.pipelines.clone(),
                lockfiles: facts.lockfiles.clone(),
                releases: facts.releases.clone(),
            },
            owners: &|path| facts.owners.get(path).or_else(|| facts.owners.get(".")).cloned().unwrap_or_default(),
        };
        Ok(Board::of(&facts))
    }
}

fn plan(facts: &ProductFacts) -> Option<PlanFacts> {
    let plan = facts.plan.as_ref()?;
    let count = |status: &Status| plan.controls.get(status.as_str()).copied().unwrap_or(0);
    let controls = Status::ALL.iter().map(|status| (status.as_str(), count(status))).filter(|(_, n)| *n > 0).collect();
    Some(PlanFacts {
        path: plan.path.clone(),
        owner: plan.owner.clone(),
        components: plan.components,
        problems: plan.problems,
        due: plan.due,
        controls,
        open: Status::ALL.iter().filter(|status| **status > Status::Waived).map(count).sum(),
        failing: count(&Status::Failing),
    })
}
