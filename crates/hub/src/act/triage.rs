//! Decisions about findings: with a reason and an end, by somebody who may, in the hub's own ledger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use testudo_ledger::{Subject, TriageEvent, predicate};
use testudo_policy::{Entry, EntryKey};

use super::{
    day, line,
    signed::{self, Draft},
};
use crate::{
    Hub,
    auth::{Person, Role},
    change::{self, Change, Decided},
    http::{Ask, Refusal},
    store::{self, FindingRow, FindingState},
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
    let until = until.map_or_else(String::new, |day| day.to_string());
    let (entry, findings) = signed::decide(hub, ask.by(), |connection| {
        let found = ids.iter().map(|id| own(connection, person, *id)).collect::<Result<Vec<_>, _>>()?;
        let event = event(triage.state, &found, (reason, &until), &person.name)?;
        let decided = |finding: &FindingRow| Decided {
            id: finding.id,
            product: finding.product.clone(),
            fingerprint: finding.fingerprint.clone(),
        };
        let findings = found.iter().map(decided).collect();
        let draft = Draft {
            predicate: (predicate::TRIAGE, serde_json::to_value(&event)?),
            subject: found.iter().map(subject).collect(),
            action: "finding.triage",
            said: format!("{} findings {}: {reason}", found.len(), triage.state.as_str()),
            change: Change::Findings(change::Triaged {
                findings,
                state: triage.state,
                reason: reason.to_owned(),
                until: until.clone(),
            }),
        };
        Ok::<_, Refusal>((draft, found.len()))
    })?;
    Ok(Triaged { findings, decision: entry })
}

/// A finding, where this person may decide about it.
fn own(connection: &rusqlite::Connection, person: &Person, id: i64) -> Result<FindingRow, Refusal> {
    let finding = store::finding(connection, id)?.ok_or(Refusal::Absent)?;
    // What a plan says comes with a push: it says whose work something is, and gives nobody a right.
    if may(person, &finding, &person.names()) {
        return Ok(finding);
    }
    Err(Refusal::Forbidden(format!("finding {id} is owned by others; ask them, or somebody of security")))
}

fn subject(finding: &FindingRow) -> Subject {
    // A subject needs a digest; a fingerprint is one, of the identity of a finding.
    let hex = finding.fingerprint.rsplit(':').next().unwrap_or_default();
    Subject::new(&format!("{}: {}", finding.product, finding.path), "testudoFingerprint", hex)
}

fn event(
    state: FindingState,
    found: &[FindingRow],
    (reason, until): (&str, &str),
    by: &str,
) -> Result<TriageEvent, Refusal> {
    let expires = until.parse().ok();
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
