//! Questions and concerns: anybody of the team raises one, it has an owner and a day, and it ends with an answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use testudo_ledger::{Subject, predicate};
use testudo_model::ConcernState;

use super::{bounded, day, line, text};
use crate::{
    Hub,
    auth::{Person, Role},
    http::{Ask, Refusal},
    store::{self, ConcernRow, NewConcern},
};

/// A question or a concern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raise {
    /// What it is about.
    pub(crate) product: String,
    /// One line.
    pub(crate) title: String,
    /// In full.
    #[serde(default)]
    pub(crate) text: String,
    /// Who answers: a person, a handle, or `role:ID`.
    pub(crate) owner: String,
    /// By which day.
    pub(crate) due: String,
}

/// How a concern ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// Answered.
    Closed,
    /// Answered: it is accepted as it is.
    Accepted,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// The answer.
    pub(crate) answer: String,
    /// How it ends.
    pub(crate) state: End,
}

/// Raises a concern.
pub(crate) fn raise(hub: &Hub, ask: &Ask<'_>, raise: &Raise) -> Result<ConcernRow, Refusal> {
    let person = ask.person()?;
    let due = day(&raise.due, ask.now.day(), "the day")?.to_string();
    let new = NewConcern {
        product: line(&raise.product, "the product")?,
        title: line(&raise.title, "the title")?,
        text: bounded(&raise.text, "the text")?,
        by: &person.name,
        time: &ask.now.text,
        owner: line(&raise.owner, "the owner")?,
        due: &due,
    };
    hub.store.write(|connection| {
        let number = store::raise(connection, new)?;
        let said = format!("concern {number}: {}", new.title);
        ask.deed("concern.raise", &said).record(connection)?;
        store::concern(connection, number)?.ok_or(Refusal::Absent)
    })
}

/// Whether somebody may answer: those of security, and the owner.
pub(crate) fn may(person: &Person, concern: &ConcernRow, names: &[String]) -> bool {
    person.role >= Role::Security
        || person.role >= Role::Developer && concern.concern.owner.as_ref().is_some_and(|owner| names.contains(owner))
}

/// The concern, where the one who asks may answer it and nobody has.
fn open(connection: &rusqlite::Connection, ask: &Ask<'_>, number: i64) -> Result<ConcernRow, Refusal> {
    let person = ask.person()?;
    let concern = store::concern(connection, number)?.ok_or(Refusal::Absent)?;
    // What a plan says comes with a push: it says whose work something is, and gives nobody a right.
    let names = person.names();
    if !may(person, &concern, &names) {
        return Err(Refusal::Forbidden("this concern is answered by its owner, or by somebody of security".to_owned()));
    }
    if !concern.is_open() {
        let said = "this concern has an answer already; raise another one".to_owned();
        return Err(Refusal::Conflict { said, next: None });
    }
    Ok(concern)
}

/// Gives a concern to somebody.
pub(crate) fn assign(hub: &Hub, ask: &Ask<'_>, number: i64, (owner, due): (&str, &str)) -> Result<(), Refusal> {
    let owner = line(owner, "the owner")?;
    let due = day(due, ask.now.day(), "the day")?.to_string();
    hub.store.write(|connection| {
        open(connection, ask, number)?;
        store::work_on(connection, number, owner, &due)?;
        let said = format!("concern {number} to {owner} until {due}");
        Ok(ask.deed("concern.assign", &said).record(connection)?)
    })
}

/// Ends a concern with an answer, which goes into the hub's own ledger.
pub(crate) fn answer(hub: &Hub, ask: &Ask<'_>, number: i64, answer: &Answer) -> Result<ConcernRow, Refusal> {
    let person = ask.person()?;
    let said = text(&answer.answer, "the answer")?;
    hub.store.write(|connection| {
        let mut row = open(connection, ask, number)?;
        row.concern.state = match answer.state {
            End::Closed => ConcernState::Closed,
            End::Accepted => ConcernState::Accepted,
        };
        row.concern.answer = Some(said.to_owned());
        row.concern.answered_by = Some(person.name.clone());
        row.answered = Some(ask.now.text.clone());
        let digest = testudo_model::hex(&Sha256::digest(serde_json::to_vec(&row.concern)?));
        let subject = vec![Subject::new(&row.concern.id, "sha256", &digest)];
        let by = (ask.now.text.as_str(), person.name.as_str());
        let entry = hub.decisions.add((predicate::CONCERN, &row.concern), subject, by)?;
        row.decision = Some(entry);
        store::answer_concern(connection, &row)?;
        if let Some(product) = store::product(connection, &row.concern.product)? {
            let moment = store::NewMoment {
                time: &ask.now.text,
                kind: "decision",
                mark: "plain",
                said: &format!("concern answered: {}", row.concern.title),
                about: &row.concern.id,
                link: &format!("/concerns/{number}"),
                ..store::NewMoment::default()
            };
            store::add_moment(connection, product.id, moment)?;
        }
        let said = format!("concern {number} {}: {}", store::concern_word(row.concern.state), row.concern.title);
        ask.deed("concern.answer", &said).decided(entry).record(connection)?;
        Ok(row)
    })
}
