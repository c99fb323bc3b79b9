//! Decisions about findings: with a reason and an end, by somebody who may, in the hub's own ledger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use testudo_ledger::{Subject, TriageEvent, predicate};
use testudo_policy::{Entry, EntryKey};

use super::{day, line};
use crate::{
    Hub,
    auth::{Person, Role},
    http::{Ask, Refusal},
    store::{self, Decision, FindingRow, FindingState},
};

/// Findings that one decision is about.
const MOST: usize = 200;

/// A decision about findings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Triage {
    /// Numbers of the findings.
    pub(crate) findings: Vec<i64>,
    /// `accepted`, `false-positive` or `wont-fix`; `open` takes a decision back.
    pub(crate) state: FindingState,
    /// Why.
    pub(crate) reason: String,
    /// Last day on which it holds; not for `open`.
    #[serde(default)]
    pub(crate) until: String,
}

/// A decision that was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Triaged {
    /// How many findings.
    pub(crate) findings: usize,
    /// Number of the entry in the hub's own ledger.
    pub(crate) decision: u64,
}

/// Whether somebody may decide about a finding: those of security about all, others about their own.
pub(crate) fn may(person: &Person, finding: &FindingRow, names: &[String]) -> bool {
    person.role >= Role::Security
        || person.role >= Role::Developer && finding.owners.iter().any(|owner| names.contains(owner))
}

/// Decides.
pub(crate) fn decide(hub: &Hub, ask: &Ask<'_>, triage: &Triage) -> Result<Triaged, Refusal> {
    let person = ask.person()?;
    let reason = line(&triage.reason, "the reason")?;
    let until = match triage.state {
        FindingState::Open => None,
        state if FindingState::DECIDED.contains(&state) => Some(day(&triage.until, ask.now.day(), "the last day")?),
        _ => return Err(Refusal::malformed("a finding is decided to be accepted, false-positive, wont-fix or open")),
    };
    let mut ids = triage.findings.clone();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MOST {
        return Err(Refusal::malformed(format!("choose between 1 and {MOST} findings")));
    }
    hub.store.write(|connection| {
        // What a plan says comes with a push: it says whose work something is, and gives nobody a right.
        let names = person.names();
        let mut found = Vec::new();
        for id in &ids {
            let finding = store::finding(connection, *id)?.ok_or(Refusal::Absent)?;
            if !may(person, &finding, &names) {
                let said = format!("finding {id} is owned by others; ask them, or somebody of security");
                return Err(Refusal::Forbidden(said));
            }
            found.push(finding);
        }
        let event = event(triage.state, &found, (reason, until), &person.name)?;
        let subject = found.iter().map(subject).collect();
        // The entry comes last before the commit: an entry without its effect is as unlikely as can be.
        let until = until.map_or_else(String::new, |day| day.to_string());
        let said = format!("{} findings {}: {reason}", found.len(), triage.state.as_str());
        let by = (ask.now.text.as_str(), person.name.as_str());
        let entry = hub.decisions.add((predicate::TRIAGE, &event), subject, by)?;
        let decision = Decision { state: triage.state, reason, until: &until, by: &person.name, entry };
        for finding in &found {
            store::decide(connection, finding.id, &decision)?;
        }
        tell(connection, &found, (&said, entry), &ask.now.text)?;
        ask.deed("finding.triage", &said).decided(entry).record(connection)?;
        Ok(Triaged { findings: found.len(), decision: entry })
    })
}

fn subject(finding: &FindingRow) -> Subject {
    // A subject needs a digest; a fingerprint is one, of the identity of a finding.
    let hex = finding.fingerprint.rsplit(':').next().unwrap_or_default();
    Subject::new(&format!("{}: {}", finding.product, finding.path), "testudoFingerprint", hex)
}

fn event(
    state: FindingState,
    found: &[FindingRow],
    (reason, expires): (&str, Option<testudo_policy::Date>),
    by: &str,
) -> Result<TriageEvent, Refusal> {
    let mut keys = Vec::new();
    for finding in found {
        let fingerprint = finding.fingerprint.parse().map_err(Refusal::Malformed)?;
        let entry = Entry {
            key: EntryKey::Finding(fingerprint),
            rule: Some(finding.rule.clone()),
            reason: format!("{}: {reason}", state.as_str()),
            owner: Some(by.to_owned()),
            expires,
            place: None,
        };
        keys.push(entry.to_string());
    }
    let (accepted, withdrawn) = if state == FindingState::Open { (Vec::new(), keys) } else { (keys, Vec::new()) };
    Ok(TriageEvent { command: "hub triage".to_owned(), file: "hub".to_owned(), accepted, withdrawn })
}

/// One moment for each product.
fn tell(
    connection: &rusqlite::Connection,
    found: &[FindingRow],
    (said, entry): (&str, u64),
    time: &str,
) -> Result<(), crate::HubError> {
    let mut products: Vec<&str> = found.iter().map(|finding| finding.product.as_str()).collect();
    products.sort_unstable();
    products.dedup();
    for product in products {
        let first = found.iter().find(|finding| finding.product == product).map_or(0, |finding| finding.id);
        let id = store::named(connection, product, time)?;
        let moment = store::NewMoment {
            time,
            kind: "decision",
            mark: "plain",
            said,
            about: "decision",
            link: &format!("/decisions/{entry}"),
            cause: store::latest_about(connection, id, &format!("finding:{first}"))?,
            ..store::NewMoment::default()
        };
        store::add_moment(connection, id, moment)?;
    }
    Ok(())
}
