//! What one person has to do: their findings, concerns, controls and phases, the most urgent first.
//!
//! Something is somebody's where its owner is their name, a handle of theirs, or a role that a plan gives them.

use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;
use testudo_board::{Board, State};
use testudo_model::Severity;

use crate::{
    Hub, HubError,
    auth::Person,
    http::encode,
    store::{self, Filter, FindingState, ProductRow},
    world::Moment,
};

/// Findings that are listed; the rest is a link.
const FINDINGS: usize = 50;
/// Concerns that are listed.
const CONCERNS: usize = 100;

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Urgency {
    /// Something fails, is late, or does harm today.
    Now,
    /// Before the next release.
    Soon,
    /// In the normal course of work.
    Normal,
}

impl Urgency {
    /// As it is shown.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Soon => "soon",
            Self::Normal => "normal",
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Item {
    /// How urgent.
    pub(crate) urgency: Urgency,
    /// `concern`, `control`, `phase` or `finding`.
    pub(crate) kind: &'static str,
    /// The product.
    pub(crate) product: String,
    /// What.
    pub(crate) title: String,
    /// Why, or what to type.
    pub(crate) why: String,
    /// The name under which it is theirs.
    pub(crate) owner: String,
    /// The page.
    pub(crate) link: String,
}

/// Every name under which a person owns things, roles of plans included.
pub(crate) fn names(person: &Person, connection: &Connection) -> Result<Vec<String>, HubError> {
    let own = person.names();
    let mut names = own.clone();
    for role in store::plan_roles(connection)? {
        if role.people.iter().any(|one| own.contains(one)) {
            names.push(format!("role:{}", role.id));
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// What somebody has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Work {
    /// The most urgent first.
    pub(crate) items: Vec<Item>,
    /// Whether there are findings of theirs that are not listed.
    pub(crate) more_findings: bool,
    /// Whether there are concerns of theirs that are not listed.
    pub(crate) more_concerns: bool,
}

/// What a person has to do.
pub(crate) fn work(hub: &Hub, person: &Person, now: &Moment) -> Result<Work, HubError> {
    let names = hub.store.read(|connection| names(person, connection))?;
    let mut items = Vec::new();
    for product in hub.store.read(store::products)?.iter().filter(|product| !product.archived) {
        items.extend(controls(product, &names));
        items.extend(phases(product, &hub.board(product, now)?, &names));
    }
    hub.store.read(|connection| {
        let (concerns, more_concerns) = concerns(connection, &names, now)?;
        let (findings, more_findings) = findings(connection, &names)?;
        items.extend(concerns.into_iter().chain(findings));
        items.sort_by_key(|item| item.urgency);
        Ok(Work { items, more_findings, more_concerns })
    })
}

fn controls(product: &ProductRow, names: &[String]) -> impl Iterator<Item = Item> {
    let mine = product.facts.controls.iter().filter(|control| names.contains(&control.owner));
    mine.map(|control| Item {
        urgency: if control.status == "failing" { Urgency::Now } else { Urgency::Soon },
        kind: "control",
        product: product.name.clone(),
        title: format!("control {} is {}", control.id, control.status),
        why: control.reason.clone(),
        owner: control.owner.clone(),
        link: format!("/products/{}", encode(&product.name)),
    })
}

fn phases(product: &ProductRow, board: &Board, names: &[String]) -> Vec<Item> {
    let waits = |state| matches!(state, State::Failing | State::Attention | State::Stale);
    let mine = board.phases.iter().filter(|phase| waits(phase.state)).filter_map(|phase| {
        let owner = phase.owners.iter().find(|owner| names.contains(owner))?;
        Some(Item {
            urgency: if phase.state == State::Failing { Urgency::Now } else { Urgency::Soon },
            kind: "phase",
            product: product.name.clone(),
            title: format!("{}: {}", phase.phase, phase.verdict),
            why: phase.next.clone().unwrap_or_default(),
            owner: owner.clone(),
            link: format!("/products/{}", encode(&product.name)),
        })
    });
    mine.collect()
}

fn concerns(connection: &Connection, names: &[String], now: &Moment) -> Result<(Vec<Item>, bool), HubError> {
    let mut mine = Vec::new();
    for name in names {
        mine.extend(store::concerns_for(connection, name, CONCERNS + 1)?);
    }
    mine.sort_by(|a, b| (&a.concern.due, a.number).cmp(&(&b.concern.due, b.number)));
    let more = mine.len() > CONCERNS;
    let items = mine.into_iter().take(CONCERNS).map(|row| {
        let due = row.concern.due.unwrap_or_default();
        let late = due.as_str() < now.day();
        Item {
            urgency: if late { Urgency::Now } else { Urgency::Soon },
            kind: "concern",
            product: row.concern.product,
            title: row.concern.title,
            why: format!("{} by {due}, asked by {}", if late { "was due" } else { "due" }, row.concern.raised_by),
            owner: row.concern.owner.unwrap_or_default(),
            link: format!("/concerns/{}", row.number),
        }
    });
    Ok((items.collect(), more))
}

fn findings(connection: &Connection, names: &[String]) -> Result<(Vec<Item>, bool), HubError> {
    let filter = Filter { state: Some(FindingState::Open), owners: names.to_vec(), ..Filter::default() };
    let page = store::findings(connection, &filter, FINDINGS)?;
    let more = page.next.is_some();
    let items = page.findings.into_iter().map(|finding| Item {
        urgency: match finding.severity {
            Severity::Critical => Urgency::Now,
            Severity::High => Urgency::Soon,
            _ => Urgency::Normal,
        },
        kind: "finding",
        title: format!("{}: {}", finding.severity, finding.title),
        why: if finding.line > 0 { format!("{}:{}", finding.path, finding.line) } else { finding.path.clone() },
        owner: finding.owners.iter().find(|owner| names.contains(owner)).cloned().unwrap_or_default(),
        link: format!("/findings/{}", finding.id),
        product: finding.product,
    });
    Ok((items.collect(), more))
}
