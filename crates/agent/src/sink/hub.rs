//! The hub: batches of events over HTTPS. The hub knows what it has by agent, start and number, so what is sent twice is
//! stored once. Each batch names the digest of the one before, so that what is missing between two shows.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use testudo_model::{AgentBatch, AgentEvent, AgentEventBody, hex};
use testudo_net::{Client, HostRule, Method, Policy, Reach, Request, Trust, Url, tls::Authorities};

use super::Sink;
use crate::{
    AgentError,
    config::{HubConfig, Token},
    machine,
    spool::frame::Kept,
};

/// Longest wait between two tries.
const MOST: Duration = Duration::from_secs(300);
/// About how large a batch is, in bytes.
const BATCH: usize = 256 << 10;
/// Events that stand for others in one batch, at most.
const FILLERS: usize = 4000;
/// Largest token and certificates that are read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The hub.
pub(crate) struct Hub {
    config: HubConfig,
    client: Client,
    url: Url,
    agent: String,
    host: String,
    state: PathBuf,
    sent: Sent,
}

/// What the hub has, and what it may have. A batch that may have arrived is sent again as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    boot: String,
    /// SHA-256 of the last batch that the hub has.
    previous: String,
    /// Number of the last event of the batch that is on its way.
    until: u64,
    /// Number within its start of the last event that the hub has.
    #[serde(default)]
    seq: u64,
}

impl Hub {
    pub(crate) fn new(config: &HubConfig, state: &Path, agent: &str) -> Result<Self, AgentError> {
        let wrong = |why: String| AgentError::Setting(format!("[agent.hub] url: {why}"));
        let mut rule = HostRule::parse(&config.url).map_err(|error| wrong(error.to_string()))?;
        let url = Url::parse(&format!("{}/api/v1/agents/{agent}/events", config.url));
        let url = url.map_err(|error| wrong(error.to_string()))?;
        // An address says what it is; a name may turn out to be one of a private network.
        if matches!(url.host(), testudo_net::Host::Name(_)) && !config.allow_private {
            rule.reach = Reach::Public;
        }
        let trust = match &config.ca {
            Some(path) => Trust::Authorities(
                Authorities::from_pem(&small(path)?).map_err(|error| AgentError::Setting(error.to_string()))?,
            ),
            None => Trust::default(),
        };
        let state = state.join("hub.json");
        let sent = fs::read(&state).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self {
            config: config.clone(),
            client: Client::new(Policy { hosts: vec![rule], trust, ..Policy::default() }),
            url,
            agent: agent.to_owned(),
            host: machine::host(),
            state,
            sent,
        })
    }

    fn token(&self) -> Result<String, AgentError> {
        match &self.config.token {
            Token::File(path) => Ok(small(path)?.trim().to_owned()),
            Token::Variable(name) => std::env::var(name).map(|value| value.trim().to_owned()).map_err(|_| {
                AgentError::Setting(format!(
                    "{name} is not set: put the token of this agent into it, or name a token-file"
                ))
            }),
        }
    }

    /// The events of the next batch: of one start, and no more than fit.
    fn next<'k>(&self, events: &'k [Kept]) -> &'k [Kept] {
        let Some(first) = events.first() else { return events };
        let (mut size, mut count) = (0, 0);
        for kept in events.iter().take_while(|kept| kept.boot == first.boot) {
            let is_again = self.sent.until >= first.number && kept.number > self.sent.until;
            size += serde_json::to_vec(&kept.event).map_or(0, |bytes| bytes.len());
            if count > 0 && (size > BATCH || is_again) {
                break;
            }
            count += 1;
        }
        &events[..count]
    }

    fn send(&mut self, events: &[Kept]) -> Result<u64, AgentError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(0) };
        if self.sent.boot != first.boot {
            self.sent = Sent { boot: first.boot.clone(), ..Sent::default() };
        }
        self.sent.until = last.number;
        self.keep()?;
        let batch = AgentBatch {
            agent: self.agent.clone(),
            host: self.host.clone(),
            boot: first.boot.clone(),
            previous: self.sent.previous.clone(),
            events: self.filled(events),
        };
        let is_filler = batch.events.last().is_some_and(|event| event.seq < first.event.seq);
        let body = serde_json::to_vec(&batch).expect("texts and numbers can be written as JSON");
        let digest = hex(&Sha256::digest(&body));
        let (status, answer) = self.post(body)?;
        match answer["acknowledged"].as_u64() {
            Some(seq) if is_filler && (200..300).contains(&status) => {
                self.sent = Sent { previous: digest, seq, ..self.sent.clone() };
                self.keep()?;
                // None of the events themselves; they come with the next call.
                Ok(0)
            }
            _ => self.judge(events, status, &answer, digest),
        }
    }

    /// Events with something for those between them that gave way: the hub takes no number without the one before it. Where
    /// many are missing, only some of these.
    fn filled(&self, events: &[Kept]) -> Vec<AgentEvent> {
        let (mut last, mut all) = (self.sent.seq, Vec::new());
        for Kept { event, .. } in events {
            for seq in last + 1..event.seq {
                all.push(AgentEvent { seq, time: event.time.clone(), body: AgentEventBody::Heartbeat });
                if all.len() >= FILLERS {
                    return all;
                }
            }
            last = last.max(event.seq);
            all.push(event.clone());
        }
        all
    }

    /// Which events the hub has by its answer; it can move the agent only within what was sent.
    fn judge(&mut self, events: &[Kept], status: u16, answer: &Value, digest: String) -> Result<u64, AgentError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(0) };
        let refused = |why: &str| Err(AgentError::Setting(format!("{} answered {status}: {why}", self.config.url)));
        match status {
            200..=299 => {
                let Some(seq) = answer["acknowledged"].as_u64() else { return refused("it acknowledged nothing") };
                if seq >= last.event.seq {
                    (self.sent.previous, self.sent.seq) = (digest, last.event.seq);
                    self.keep()?;
                }
                Ok(up_to(events, seq))
            }
            // The hub has other events than the spool begins with; it says which it expects.
            409 => {
                let expected =
                    ["expected", "next", "next_seq"].iter().find_map(|key| answer[*key].as_u64()).unwrap_or(0);
                if expected > last.event.seq.saturating_add(1) {
                    return refused("it expects events that were never sent to it");
                }
                if expected > first.event.seq {
                    return Ok(up_to(events, expected - 1));
                }
                refused("events are missing there that are not kept here any more")
            }
            401 | 403 => refused(
                "the token does not fit; make another one with `testudo hub token create --scope agent --agent NAME`",
            ),
            _ => refused(answer["error"].as_str().unwrap_or("it did not take the events")),
        }
    }

    fn keep(&self) -> Result<(), AgentError> {
        let text = serde_json::to_vec(&self.sent).expect("texts and numbers can be written as JSON");
        machine::replace(&self.state, &text)
    }

    fn post(&self, body: Vec<u8>) -> Result<(u16, Value), AgentError> {
        let told = |error: testudo_net::NetError| AgentError::Setting(error.to_string());
        let headers = vec![
            ("Authorization".to_owned(), format!("Bearer {}", self.token()?)),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let request = Request { method: Method::Post, url: self.url.clone(), headers, body: Some(body) };
        let response = self.client.send(&request).map_err(told)?;
        let status = response.status();
        let bytes = response.body().and_then(testudo_net::Body::bytes).map_err(told)?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

/// The number of the last event that is not behind a number of its start.
fn up_to(events: &[Kept], seq: u64) -> u64 {
    events.iter().rev().find(|kept| kept.event.seq <= seq).map_or(0, |kept| kept.number)
}

fn small(path: &Path) -> Result<String, AgentError> {
    let told = |source| AgentError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(told)?.len() > MAX_FILE {
        return Err(AgentError::TooLarge { path: path.to_owned(), limit: MAX_FILE });
    }
    fs::read_to_string(path).map_err(told)
}

impl Sink for Hub {
    fn take(&mut self, events: &[Kept]) -> Result<u64, AgentError> {
        self.send(self.next(events))
    }

    /// Doubles with each failure; a part of it is left to chance, so that agents do not come back all at once.
    fn patience(&self, failures: u32) -> Duration {
        let longest = Duration::from_millis(250 << failures.min(12)).min(MOST);
        let chance = machine::random::<2>().ok().and_then(|text| u32::from_str_radix(&text, 16).ok()).unwrap_or(0);
        longest / 2 + longest / 2 * chance / 65_536
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_move_the_agent_within_what_was_sent() {
        let folder = std::env::temp_dir().join(format!("testudo-hub-answers-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let token = Token::File(folder.join("token"));
        let config = HubConfig { url: "http://127.0.0.1:1".to_owned(), token, allow_private: false, ca: None };
        let mut hub = Hub::new(&config, &folder, "web-1").unwrap();
        let event = |seq| AgentEvent { seq, time: machine::now(), body: AgentEventBody::Heartbeat };
        let events: Vec<Kept> =
            (5..8).map(|seq| Kept { number: seq + 100, boot: "b".to_owned(), event: event(seq) }).collect();
        for (status, answer, expected) in [
            (200, json!({ "acknowledged": 6 }), Some(106)),
            (200, json!({ "acknowledged": 7 }), Some(107)),
            (409, json!({ "expected": 7 }), Some(106)),
            (409, json!({ "expected": 8 }), Some(107)),
            (409, json!({ "expected": 9 }), None),
            (409, json!({ "expected": u64::MAX }), None),
            (409, json!({ "expected": 1 }), None),
            (200, json!({}), None),
            (503, json!({}), None),
        ] {
            let found = hub.judge(&events, status, &answer, String::new()).ok();
            assert_eq!(found, expected, "{status} {answer}");
        }
        // Events that gave way leave numbers, which the hub has to have.
        hub.sent.seq = 2;
        let seqs = |events: Vec<AgentEvent>| events.into_iter().map(|event| event.seq).collect::<Vec<_>>();
        assert_eq!(seqs(hub.filled(&events)), [3, 4, 5, 6, 7]);
        assert_eq!(seqs(hub.filled(&[events[0].clone(), events[2].clone()])), [3, 4, 5, 6, 7]);
        hub.sent.seq = 5;
        assert_eq!(seqs(hub.filled(&events)), [5, 6, 7]);
        let far = Kept { number: 9, boot: "b".to_owned(), event: event(FILLERS as u64 + 100) };
        assert_eq!(hub.filled(&[far]).len(), FILLERS);
        fs::remove_dir_all(&folder).unwrap();
    }
}
