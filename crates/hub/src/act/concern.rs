//! Questions and concerns: anybody of the team raises one, it has an owner and a day, and it ends with an answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use testudo_ledger::predicate;
use testudo_model::{Concern, ConcernState};

use super::{
    bounded, day, line,
    signed::{self, Draft},
    text,
};
use crate::{
    Hub,
    auth::{Person, Role},
    change::Change,
    http::{Ask, Refusal},
    store::{self, ConcernRow, Numbered},
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
    let mut concern = Concern {
        id: String::new(),
        product: line(&raise.product, "the product")?.to_owned(),
        title: line(&raise.title, "the title")?.to_owned(),
        text: bounded(&raise.text, "the text")?.to_owned(),
        raised_by: person.name.clone(),
        raised: ask.now.text.clone(),
        owner: Some(line(&raise.owner, "the owner")?.to_owned()),
        due: Some(due),
        state: ConcernState::Open,
        answer: None,
        answered_by: None,
    };
    let (_, row) = signed::decide(hub, ask.by(), |connection| {
        if store::product(connection, &concern.product)?.is_none() {
            return Err(Refusal::malformed(format!("there is no product `{}`; the board lists them", concern.product)));
        }
        owned(connection, concern.owner.as_deref())?;
        let number = store::next_number(connection, Numbered::Concerns)?;
        concern.id = format!("concern-{number}");
        let said = format!("concern {number}: {}", concern.title);
        let row = ConcernRow { number, concern, answered: None, decision: None };
        Ok::<_, Refusal>((draft("concern.raise", said, &row)?, row))
    })?;
    Ok(row)
}

/// Nothing is given to somebody who is not there.
fn owned(connection: &rusqlite::Connection, owner: Option<&str>) -> Result<(), Refusal> {
    let owner = owner.unwrap_or_default();
    if store::is_owner(connection, owner)? {
        return Ok(());
    }
    Err(Refusal::malformed(format!(
        "nobody is known as `{owner}`: name a person, a name that the page Admin gives somebody, or `role:ID` of a plan"
    )))
}

/// A concern as it is from now on.
fn draft(action: &'static str, said: String, row: &ConcernRow) -> Result<Draft, Refusal> {
    Ok(Draft::own(action, said, (&row.concern.id, Change::Concern(Box::new(row.clone()))))?)
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
    signed::decide(hub, ask.by(), |connection| {
        let mut row = open(connection, ask, number)?;
        owned(connection, Some(owner))?;
        (row.concern.owner, row.concern.due) = (Some(owner.to_owned()), Some(due.clone()));
        row.concern.state = ConcernState::InProgress;
        let said = format!("concern {number} to {owner} until {due}");
        Ok::<_, Refusal>((draft("concern.assign", said, &row)?, ()))
    })?;
    Ok(())
}

/// Ends a concern with an answer, which goes into the hub's own ledger.
pub(crate) fn answer(hub: &Hub, ask: &Ask<'_>, number: i64, answer: &Answer) -> Result<ConcernRow, Refusal> {
    let person = ask.person()?;
    let said = text(&answer.answer, "the answer")?;
    let (entry, row) = signed::decide(hub, ask.by(), |connection| {
        let mut row = open(connection, ask, number)?;
        row.concern.state = match answer.state {
            End::Closed => ConcernState::Closed,
            End::Accepted => ConcernState::Accepted,
        };
        row.concern.answer = Some(said.to_owned());
        row.concern.answered_by = Some(person.name.clone());
        row.answered = Some(ask.now.text.clone());
        let said = format!("concern {number} {}: {}", store::concern_word(row.concern.state), row.concern.title);
        let predicate = (predicate::CONCERN, serde_json::to_value(&row.concern)?);
        Ok::<_, Refusal>((Draft { predicate, ..draft("concern.answer", said, &row)? }, row))
    })?;
    Ok(ConcernRow { decision: Some(entry), ..row })
}
