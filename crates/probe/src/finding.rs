//! From what a check saw to a finding: identity, evidence, words for people, and the command that shows it again.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testudo_model::{Confidence, DetectorId, Finding, Fingerprint, Fix, Location};

use crate::{Answer, Ask, session::Session};

/// Further places of one finding that are kept.
const MAX_PLACES: usize = 20;
/// Longest text of an answer that a finding shows, in characters.
const MAX_SHOWN: usize = 160;
/// Longest address that a finding shows, in characters.
const MAX_LINE: usize = 500;

/// One request and its answer, as evidence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange {
    role: &'static str,
    request: String,
    status: u16,
    kind: String,
    shows: String,
}

impl Exchange {
    /// `role` says what it is for, `shows` what of the answer matters.
    pub(crate) fn new(role: &'static str, ask: &Ask, answer: &Answer, shows: &str) -> Self {
        let body = ask.body.as_ref().map(|body| format!(" {}", body.text)).unwrap_or_default();
        Self { role, request: ask.line() + &body, status: answer.status, kind: answer.kind(), shows: shows.to_owned() }
    }

    fn value(&self, session: &Session<'_>) -> Value {
        let text = |text: &str, most: usize| shortened(&session.masked(text), most);
        json!({
            "role": self.role,
            "request": text(&self.request, MAX_LINE),
            "status": self.status,
            "type": self.kind,
            "shows": text(&self.shows, MAX_SHOWN),
        })
    }
}

/// A text in at most so many characters, without control characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let clean: String = text.chars().take(most + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() > most { clean.chars().take(most).chain(['…']).collect() } else { clean }
}

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) rule: &'static str,
    /// The route as a template; `*` for what is about the whole application.
    pub(crate) route: &'a str,
    /// Name of the parameter, cookie or header, and where it stands; empty where there is none.
    pub(crate) subject: (&'a str, &'static str),
    /// The request that shows it.
    pub(crate) ask: &'a Ask,
    pub(crate) message: String,
    pub(crate) confidence: Confidence,
    pub(crate) evidence: Vec<Exchange>,
}

/// The findings of a run, one for each identity.
#[derive(Debug, Default)]
pub(crate) struct Findings(BTreeMap<Fingerprint, Finding>);

impl Findings {
    /// Adds a finding, or a place to the one of the same identity.
    pub(crate) fn add(&mut self, session: &Session<'_>, draft: &Draft<'_>) {
        let fingerprint = identity(draft);
        let place = location(session, draft.ask);
        if let Some(known) = self.0.get_mut(&fingerprint) {
            let new = known.location != place && !known.related.contains(&place);
            if new && known.related.len() < MAX_PLACES {
                known.related.push(place);
            }
            return;
        }
        if let Some(finding) = finding(session, draft, fingerprint.clone(), place) {
            self.0.insert(fingerprint, finding);
        }
    }

    pub(crate) fn into_sorted(self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.0.into_values().collect();
        all.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        all
    }
}

/// 128 bits over rule, method, route, and the name and place of the input. Never an order or a number of a run.
fn identity(draft: &Draft<'_>) -> Fingerprint {
    let mut hash = Sha256::new();
    let (name, place) = draft.subject;
    let method = draft.ask.method.as_str();
    for part in [&Fingerprint::VERSION.to_string(), draft.rule, method, draft.route, name, place] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    Fingerprint::from_digest(digest)
}

fn location(session: &Session<'_>, ask: &Ask) -> Location {
    let url = session.url(ask);
    let shown = shortened(&session.masked(&format!("{}{}", url.origin(), url.target())), MAX_LINE);
    Location { url: Some(shown), host: Some(url.host().to_string()), ..Location::default() }
}

fn finding(session: &Session<'_>, draft: &Draft<'_>, fingerprint: Fingerprint, place: Location) -> Option<Finding> {
    let rule = crate::rule::rule(draft.rule)?;
    let info = rule.info();
    let evidence: Vec<Value> = draft.evidence.iter().map(|exchange| exchange.value(session)).collect();
    let mut properties = BTreeMap::from([
        ("class".to_owned(), json!(draft.ask.class.as_str())),
        ("method".to_owned(), json!(draft.ask.method.as_str())),
        ("reproduce".to_owned(), json!(session.curl(draft.ask))),
        ("route".to_owned(), json!(session.masked(draft.route))),
    ]);
    if !evidence.is_empty() {
        properties.insert("evidence".to_owned(), evidence.into());
    }
    let (name, stands) = draft.subject;
    if !name.is_empty() {
        properties.insert("parameter".to_owned(), json!(session.masked(name)));
        properties.insert("parameter_in".to_owned(), json!(stands));
    }
    Some(Finding {
        id: String::new(),
        rule: info.id,
        title: info.title,
        message: session.masked(&draft.message),
        severity: info.severity,
        confidence: draft.confidence,
        persona: info.persona,
        detector: DetectorId::Probe,
        location: place,
        related: Vec::new(),
        fingerprint,
        cwe: info.cwe,
        owasp: info.owasp,
        aliases: Vec::new(),
        owner: Vec::new(),
        snippet: None,
        fix: Some(Fix { description: rule.advice(), edits: Vec::new() }),
        verification: None,
        suppressed: None,
        properties,
    })
}
