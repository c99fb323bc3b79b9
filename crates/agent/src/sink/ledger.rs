//! The ledger: alerts from a severity on, and every response, as signed entries.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use testudo_ledger::{Appender, Event, Journal, LedgerError, Next, SigningKey, Subject, predicate};
use testudo_model::{AgentEventBody, Severity, hex};

use super::Sink;
use crate::{AgentError, config::LedgerConfig, machine, spool::frame::Kept};

/// Name of the agent's own key in the folder of its state.
pub(crate) const KEY: &str = "agent.key";
/// Largest file of a key that is read, in bytes.
const MAX_KEY: u64 = 1 << 16;

/// The ledger of an environment.
pub(crate) struct Ledger {
    journal: Journal,
    key: SigningKey,
    actor: String,
    at: Severity,
    /// Entries that were there when the agent began; none before anybody looked.
    there: Option<BTreeSet<String>>,
}

/// The key that signs: the one of the configuration, or the agent's own, which is made where there is none.
pub(crate) fn key(config: &LedgerConfig, state: &Path) -> Result<SigningKey, AgentError> {
    let path = config.key.clone().unwrap_or_else(|| state.join(KEY));
    if config.key.is_none() && !path.exists() {
        let text = SigningKey::generate_pem()?;
        let public = SigningKey::from_pem(&text, "the new key")?.public().to_pem();
        machine::replace(&path, text.as_bytes())?;
        machine::replace(&public_path(&path), public.as_bytes())?;
    }
    let told = |source| AgentError::Read { path: path.clone(), source };
    if fs::metadata(&path).map_err(told)?.len() > MAX_KEY {
        return Err(AgentError::TooLarge { path, limit: MAX_KEY });
    }
    let text = fs::read_to_string(&path).map_err(told)?;
    Ok(SigningKey::from_pem(&text, &path.display().to_string())?)
}

fn public_path(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

impl Ledger {
    pub(crate) fn new(config: &LedgerConfig, state: &Path, agent: &str) -> Result<Self, AgentError> {
        Ok(Self {
            journal: Journal::new(&config.folder, &config.environment)?,
            key: key(config, state)?,
            actor: format!("agent {agent}"),
            at: config.at,
            there: None,
        })
    }

    /// Adds an entry about what has a name.
    pub(crate) fn record(&self, (name, kind): (&str, &str), predicate: Value) -> Result<(), AgentError> {
        let digest = hex(&Sha256::digest(predicate.to_string()));
        let event =
            Event { subject: vec![Subject::new(name, "sha256", &digest)], predicate_type: kind.to_owned(), predicate };
        let time = machine::now();
        let by = Appender { key: &self.key, trusted: &[], time: &time, actor: &self.actor };
        match self.journal.append(&event, by) {
            // The entry is there; its head follows with the next one.
            Ok(_) | Err(LedgerError::Head { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the agent recorded before.
    fn there(&self) -> Result<BTreeSet<String>, AgentError> {
        let mut there = BTreeSet::new();
        let read = self.journal.entries(&mut |entry| {
            let statement = entry.statement;
            if statement.testudo.actor == self.actor {
                there.extend(statement.subject.into_iter().map(|subject| subject.name));
            }
            Next::Entry
        });
        match read {
            Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(there),
            read => Ok(read.map(|()| there)?),
        }
    }

    /// The name of the entry of an event, its type and what it says; none where it is not recorded.
    fn entry(&self, kept: &Kept) -> Option<(String, &'static str, Value)> {
        match &kept.event.body {
            AgentEventBody::Alert(alert) if alert.severity >= self.at => {
                Some((alert.id.clone(), predicate::ALERT, serde_json::to_value(alert).ok()?))
            }
            AgentEventBody::Response(response) => {
                let name = format!("{}/{}/{}", response.id, kept.boot, kept.event.seq);
                Some((name, predicate::RESPONSE, serde_json::to_value(response).ok()?))
            }
            _ => None,
        }
    }
}

impl Sink for Ledger {
    fn take(&mut self, events: &[Kept]) -> Result<u64, AgentError> {
        let mut there = match self.there.take() {
            Some(there) => there,
            None => self.there()?,
        };
        for kept in events {
            let Some((name, kind, predicate)) = self.entry(kept) else { continue };
            if there.remove(&name) {
                continue;
            }
            // Where it fails, what is there now is looked at again with the next call.
            self.record((&name, kind), predicate)?;
        }
        self.there = Some(there);
        Ok(events.last().map_or(0, |kept| kept.number))
    }
}
