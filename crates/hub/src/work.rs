//! What one person has to do: their findings, concerns, controls and phases, the most urgent first.
//!
//! Something is somebody's where its owner is their name, a handle of theirs, or a role that a plan gives them.

use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;
use testudo_board::State;
use testudo_model::Severity;

use crate::{
    Hub, HubError,
    auth::Person,
    http::encode,
    store::{self, Filter, FindingState},
    world::Moment,
};

/// Findings that are listed; the rest is a link.
const FINDINGS: usize = 50;
/// Concerns that are looked at.
const CONCERNS: usize = 500;

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

/// What a person has to do, and whether there are findings of theirs that are not listed.
pub(crate) fn items(hub: &Hub, person: &Person, now: &Moment) -> Result<(Vec<Item>, bool), HubError> {
    let names = hub.store.read(|connection| names(person, connection))?;
    let mut items = Vec::new();
    for product in hub.store.read(store::products)? {
        for control in product.facts.controls.iter().filter(|control| names.contains(&control.owner)) {
            items.push(Item {
                urgency: if control.status == "failing" { Urgency::Now } else { Urgency::Soon },
                kind: "control",
                product: product.name.clone(),
                title: format!("control {} is {}", control.id, control.status),
                why: control.reason.clone(),
                owner: control.owner.clone(),
                link: format!("/products/{}", encode(&product.name)),
            });
        }
        for phase in hub.board(&product, now)?.phases {
            let owner = phase.owners.iter().find(|owner| names.contains(owner));
            let (Some(owner), State::Failing | State::Attention | State::Stale) = (owner, phase.state) else {
                continue;
            };
            items.push(Item {
                urgency: if phase.state == State::Failing { Urgency::Now } else { Urgency::Soon },
                kind: "phase",
                product: product.name.clone(),
                title: format!("{}: {}", phase.phase, phase.verdict),
                why: phase.next.clone().unwrap_or_default(),
                owner: owner.clone(),
                link: format!("/products/{}", encode(&product.name)),
            });
        }
    }
    hub.store.read(|connection| {
        items.extend(concerns(connection, &names, now)?);
        let (findings, more) = findings(connection, &names)?;
        items.extend(findings);
        items.sort_by_key(|item| item.urgency);
        Ok((items, more))
    })
}

fn concerns(connection: &Connection, names: &[String], now: &Moment) -> Result<Vec<Item>, HubError> {
    let all = store::concerns(connection, CONCERNS)?.into_iter().filter(store::ConcernRow::is_open);
    let mine = all.filter_map(|row| {
        let owner = row.concern.owner.clone().filter(|owner| names.contains(owner))?;
        let due = row.concern.due.clone().unwrap_or_default();
        let late = due.as_str() < now.day();
        Some(Item {
            urgency: if late { Urgency::Now } else { Urgency::Soon },
            kind: "concern",
            product: row.concern.product.clone(),
            title: row.concern.title.clone(),
            why: format!("{} by {due}, asked by {}", if late { "was due" } else { "due" }, row.concern.raised_by),
            owner,
            link: format!("/concerns/{}", row.number),
        })
    });
    Ok(mine.collect())
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
