//! Does in the database what an entry of the hub's own ledger says.

use rusqlite::{Connection, params};

use super::{
    ConcernRow, Decision, FindingState, Intent, NewMoment, add_moment, decide, latest_about,
    ledger::accept_keys,
    named, product,
    product::{remove_product, set_product},
    put_concern, put_person, revoke_token, token, watch,
};
use crate::{
    HubError,
    change::{Change, TokenMade, Triaged},
};

/// Does what the entry of an intent says; `entry` is its number.
pub(crate) fn change(connection: &Connection, intent: &Intent, entry: u64) -> Result<(), HubError> {
    match &intent.signed.change {
        Change::Findings(triaged) => triage(connection, triaged, (intent, entry)),
        Change::Concern(row) => concern(connection, row, (intent, entry)),
        Change::Person(person) => put_person(connection, person),
        Change::Token(made) => make_token(connection, made, intent),
        Change::Revoked(id) => revoke_token(connection, *id, &intent.time),
        // It says how things are already.
        Change::Adopted(_) => Ok(()),
        Change::Product(set) => set_product(connection, set),
        Change::Keys(accepted) => accept_keys(connection, accepted, (intent, entry)),
        Change::Gone(name) => remove_product(connection, name, &intent.time),
    }
}

/// Does what an entry would say, and takes it back: what the tables refuse is refused before it is signed.
pub(crate) fn rehearse(connection: &Connection, intent: &Intent) -> Result<(), HubError> {
    connection.execute_batch("SAVEPOINT rehearsal")?;
    // No entry has the last number that there is.
    let done = change(connection, intent, i64::MAX.unsigned_abs());
    connection.execute_batch("ROLLBACK TO rehearsal; RELEASE rehearsal")?;
    done
}

fn triage(connection: &Connection, triaged: &Triaged, (intent, entry): (&Intent, u64)) -> Result<(), HubError> {
    let open = triaged.state == FindingState::Open;
    let decision = Decision {
        state: triaged.state,
        set: (!open).then_some((&triaged.reason, &triaged.until, &intent.actor)),
        entry,
    };
    for finding in &triaged.findings {
        decide(connection, finding.id, &decision)?;
    }
    let mut products: Vec<&str> = triaged.findings.iter().map(|finding| finding.product.as_str()).collect();
    products.sort_unstable();
    products.dedup();
    // One moment for each product.
    for product in products {
        let first = triaged.findings.iter().find(|finding| finding.product == product).map_or(0, |finding| finding.id);
        let id = named(connection, product, &intent.time)?;
        let moment = NewMoment {
            time: &intent.time,
            kind: "decision",
            mark: "plain",
            said: &intent.said,
            about: "decision",
            link: &format!("/decisions/{entry}"),
            cause: latest_about(connection, id, &format!("finding:{first}"))?,
            ..NewMoment::default()
        };
        add_moment(connection, id, moment)?;
    }
    Ok(())
}

fn concern(connection: &Connection, row: &ConcernRow, (intent, entry): (&Intent, u64)) -> Result<(), HubError> {
    let row = ConcernRow { decision: (!row.is_open()).then_some(entry), ..row.clone() };
    put_concern(connection, &row)?;
    let (Some(about), false) = (product(connection, &row.concern.product)?, row.is_open()) else { return Ok(()) };
    let moment = NewMoment {
        time: &intent.time,
        kind: "decision",
        mark: "plain",
        said: &format!("concern answered: {}", row.concern.title),
        about: &row.concern.id,
        link: &format!("/concerns/{}", row.number),
        ..NewMoment::default()
    };
    add_moment(connection, about.id, moment).map(drop)
}

fn make_token(connection: &Connection, made: &TokenMade, intent: &Intent) -> Result<(), HubError> {
    token::put_token(connection, made, (&intent.time, &intent.actor))?;
    let Some(product) = &made.watches else { return Ok(()) };
    let product = named(connection, product, &intent.time)?;
    watch(connection, &made.subject, product)
}

/// The number that a new row of a table gets, whose rows are never taken away.
pub(crate) fn next_number(connection: &Connection, table: Numbered) -> Result<i64, HubError> {
    let table = match table {
        Numbered::People => "person",
        Numbered::Concerns => "concern",
        Numbered::Tokens => "token",
    };
    let query = format!("SELECT coalesce(max(id), 0) + 1 FROM {table}");
    Ok(connection.query_row(&query, params![], |row| row.get(0))?)
}

/// Tables whose rows come from changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// People.
    People,
    /// Concerns.
    Concerns,
    /// Tokens.
    Tokens,
}
