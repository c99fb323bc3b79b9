//! Nouns of planning and of operation: controls, alerts, concerns.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DetectorId, Location, Severity};

/// Whether a control holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlState {
    /// Evidence shows that it holds.
    Satisfied,
    /// Evidence shows that it does not.
    Failing,
    /// There is no evidence.
    Missing,
    /// The evidence is too old.
    Stale,
    /// Somebody accepted that it does not hold.
    Waived,
}

/// A measure against a threat, bound to evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// Identifier in the plan.
    pub id: String,
    /// One line.
    pub title: String,
    /// Requirement ids of frameworks that it answers.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// Whether it holds.
    pub state: ControlState,
}

/// Something a running system reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Identifier, the same however often it is sent: agent, start of the agent, and number, `web-1/6f2c…/42`.
    pub id: String,
    /// Rule that fired.
    pub rule: String,
    /// One line about the rule.
    pub title: String,
    /// Harm if true.
    pub severity: Severity,
    /// What happened, for people. Values of secrets are masked.
    pub message: String,
    /// Where: host, and file or address on it.
    pub location: Location,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who saw it.
    pub detector: DetectorId,
    /// Who or what did it: an address, a user, a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The release that explains it, `prod-7`; none where nothing explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What was read from the event, by the names of fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// What a response does to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ResponseAction {
    /// No packet of an address is let in.
    Block,
}

/// How far a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ResponseState {
    /// It would have been done, and was not: a dry run.
    Planned,
    /// It is in force.
    Active,
    /// It was not done, for the reason that is given: an allow-list, a limit.
    Refused,
    /// It could not be done.
    Failed,
    /// Its time is over.
    Expired,
    /// A person took it back.
    Undone,
}

/// Something that was done about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// Identifier, the same in every state.
    pub id: String,
    /// The alert that it answers.
    pub alert: String,
    /// What is done.
    pub action: ResponseAction,
    /// To whom: an address.
    pub target: String,
    /// The machine.
    pub host: String,
    /// How far it is.
    pub state: ResponseState,
    /// Since when it is in this state, RFC 3339 in UTC.
    pub time: String,
    /// When it ends by itself, RFC 3339 in UTC.
    pub until: String,
    /// Why it is in this state, for people.
    pub reason: String,
    /// Who took it back; none where no person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// How far a concern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConcernState {
    /// Nobody has looked yet.
    Open,
    /// Somebody works on it.
    InProgress,
    /// Answered.
    Closed,
    /// Answered: accepted as it is.
    Accepted,
}

/// Something a person raised, to be answered by somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Concern {
    /// Identifier.
    pub id: String,
    /// What it is about.
    pub product: String,
    /// One line.
    pub title: String,
    /// In full.
    #[serde(default)]
    pub text: String,
    /// Who raised it.
    pub raised_by: String,
    /// When, RFC 3339 in UTC.
    pub raised: String,
    /// Who answers.
    #[serde(default)]
    pub owner: Option<String>,
    /// By which day, `YYYY-MM-DD`.
    #[serde(default)]
    pub due: Option<String>,
    /// How far it is.
    pub state: ConcernState,
    /// The answer: nothing is closed or accepted without one.
    #[serde(default)]
    pub answer: Option<String>,
    /// Who answered.
    #[serde(default)]
    pub answered_by: Option<String>,
}

/// What an agent sends, in the order in which it happened. What is said stands in `body`: an alert has a time of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "class", content = "body", rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "almost all events that are sent are alerts")]
pub enum AgentEventBody {
    /// The agent began.
    Start(AgentStart),
    /// Something was seen.
    Alert(Alert),
    /// Something was done.
    Response(Response),
    /// The agent runs, and nothing happened.
    Heartbeat,
    /// Events were lost before they could be kept: exact counts by class.
    Loss {
        /// How many, by class.
        lost: BTreeMap<String, u64>,
    },
}

/// What an agent says of itself when it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStart {
    /// Version of the program.
    pub version: String,
    /// What it watches: `files`, `logs`, `ports`.
    pub watches: Vec<String>,
    /// What it cannot watch on this machine, with the reason.
    pub reduced: Vec<String>,
}

/// One event of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentEvent {
    /// Number within this start of the agent, from 1 without gaps.
    pub seq: u64,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// What.
    #[serde(flatten)]
    pub body: AgentEventBody,
}

/// What an agent sends at once. It may be sent again: agent, start and number say whether an event is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentBatch {
    /// Name of the agent.
    pub agent: String,
    /// Name of the machine.
    pub host: String,
    /// Identifier of this start of the agent.
    pub boot: String,
    /// SHA-256 of the batch before, in hexadecimal; empty for the first of a start.
    pub previous: String,
    /// The events, by number.
    pub events: Vec<AgentEvent>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_can_be_read_again() {
        let response = Response {
            id: "web-1/00/r1".to_owned(),
            alert: "web-1/00/1".to_owned(),
            action: ResponseAction::Block,
            target: "192.0.2.1".to_owned(),
            host: "web-1".to_owned(),
            state: ResponseState::Active,
            time: "2026-01-31T12:00:00Z".to_owned(),
            until: "2026-01-31T12:10:00Z".to_owned(),
            reason: String::new(),
            actor: None,
        };
        let lost = BTreeMap::from([("info".to_owned(), 3)]);
        for (body, class) in [
            (AgentEventBody::Response(response), "response"),
            (AgentEventBody::Heartbeat, "heartbeat"),
            (AgentEventBody::Start(AgentStart::default()), "start"),
            (AgentEventBody::Loss { lost }, "loss"),
        ] {
            let event = AgentEvent { seq: 1, time: "2026-01-31T12:00:01Z".to_owned(), body };
            let text = serde_json::to_string(&event).unwrap();
            assert!(text.contains(&format!("\"class\":\"{class}\"")), "{text}");
            assert_eq!(serde_json::from_str::<AgentEvent>(&text).unwrap(), event);
        }
    }
}
