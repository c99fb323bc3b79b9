//! From entries of a ledger to moments on the line of time.

use serde_json::Value;
use testudo_ledger::{
    OpenFinding, ReleaseEvent, ReleaseState, ReleaseStep, ScanEvent, Statement, TestResultEvent, VerdictEvent,
    predicate,
};
use testudo_model::{Alert, Concern, Response, Severity};

use crate::{
    HubError,
    store::{self, GateRow, NewMoment},
};

/// What an entry means on the line of time.
struct Meaning {
    kind: &'static str,
    mark: &'static str,
    said: String,
    /// What it is about, where that is more than the entry itself.
    about: Option<String>,
    /// What it came from, in the order of preference.
    causes: Vec<String>,
    /// When it happened, where somebody else may have told it at that time.
    time: Option<String>,
}

/// Puts an entry on the line of a product.
pub(crate) fn add(
    connection: &rusqlite::Connection,
    product: (i64, &str),
    statement: &Statement,
) -> Result<(), HubError> {
    let place = &statement.testudo;
    let Some(meaning) = meaning(statement) else { return Ok(()) };
    let own = entry(&place.environment, place.seq);
    let link = link(product.1, &place.environment, place.seq);
    // What an agent sends and what it records is one thing.
    if let (Some(about), Some(time)) = (&meaning.about, &meaning.time)
        && store::attest_moment(connection, product.0, (about, time), (&place.environment, place.seq, &link))?
    {
        return Ok(());
    }
    let mut cause = None;
    for about in &meaning.causes {
        cause = cause.or(store::latest_about(connection, product.0, about)?);
    }
    let moment = NewMoment {
        time: &place.time,
        kind: meaning.kind,
        mark: meaning.mark,
        said: &meaning.said,
        about: meaning.about.as_deref().unwrap_or(&own),
        link: &link,
        entry: Some((&place.environment, place.seq)),
        cause,
    };
    store::add_moment(connection, product.0, moment).map(drop)
}

/// The page of an entry.
pub(crate) fn link(product: &str, environment: &str, seq: u64) -> String {
    use crate::http::encode;
    format!("/products/{}/ledgers/{}/{seq}", encode(product), encode(environment))
}

fn entry(environment: &str, seq: u64) -> String {
    format!("entry:{environment}:{seq}")
}

/// Keeps which findings a gate failed for: those open at or above its threshold in the scan that it judged. `scan` finds an
/// entry of the same ledger.
pub(crate) fn keep_gate(
    connection: &rusqlite::Connection,
    product: i64,
    statement: &Statement,
    scan: impl FnOnce(u64) -> Result<Option<Statement>, HubError>,
) -> Result<(), HubError> {
    if statement.predicate_type != predicate::GATE {
        return Ok(());
    }
    let Some(event) = read::<VerdictEvent>(&statement.predicate).filter(|event| event.verdict == "failed") else {
        return Ok(());
    };
    let place = &statement.testudo;
    let judged = scan(event.scan)?.filter(|scan| scan.predicate_type == predicate::SCAN);
    let judged = judged.and_then(|scan| read::<ScanEvent>(&scan.predicate));
    let threshold = match event.policy.settings.get("gate.fail-on") {
        // Only what is not at its default is told.
        None => Some(Severity::High),
        Some(word) => word.trim_matches('"').parse().ok(),
    };
    let fails = |finding: &&OpenFinding| threshold.is_some_and(|threshold| finding.severity >= threshold);
    let mut findings: Vec<&OpenFinding> = judged.iter().flat_map(|scan| &scan.open).filter(fails).collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.fingerprint.as_str().to_owned()));
    let gate = GateRow { environment: place.environment.clone(), seq: place.seq, time: place.time.clone() };
    store::keep_gate(connection, product, &gate, &findings)
}

fn meaning(statement: &Statement) -> Option<Meaning> {
    let environment = &statement.testudo.environment;
    let plain = |kind, mark, said| Meaning { kind, mark, said, about: None, causes: Vec::new(), time: None };
    Some(match statement.predicate_type.as_str() {
        predicate::SCAN => {
            let event: ScanEvent = read(&statement.predicate)?;
            let whole = if event.summary.complete { "" } else { ", not everything was looked at" };
            let said = format!("scan of {}: {} open{whole}", event.targets.join(" "), event.open.len());
            plain("scan", if event.summary.complete { "plain" } else { "look" }, said)
        }
        predicate::GATE => {
            let event: VerdictEvent = read(&statement.predicate)?;
            let mark = match event.verdict.as_str() {
                "passed" => "good",
                "failed" => "bad",
                _ => "look",
            };
            let why = event.reasons.first().map_or_else(String::new, |reason| format!(": {reason}"));
            let said = format!("gate {} in {environment}{why}", event.verdict);
            Meaning { causes: vec![entry(environment, event.scan)], ..plain("gate", mark, said) }
        }
        predicate::TEST_RESULT => {
            let event: TestResultEvent = read(&statement.predicate)?;
            let [passed, skipped, failed] =
                [&event.passed_tests, &event.warned_tests, &event.failed_tests].map(Vec::len);
            let said = format!("tests: {passed} passed, {skipped} skipped, {failed} failed");
            plain("test", if failed > 0 { "bad" } else { "good" }, said)
        }
        predicate::RELEASE => release(&read(&statement.predicate)?, environment)?,
        predicate::VAULT => {
            let verb = statement.predicate["verb"].as_str().unwrap_or("use");
            plain("entry", "plain", format!("secrets: {verb} by {}", statement.testudo.actor))
        }
        predicate::TRIAGE => {
            plain("decision", "plain", format!("decision in the project by {}", statement.testudo.actor))
        }
        predicate::ALERT => {
            let alert: Alert = read(&statement.predicate)?;
            let mark = if alert.release.is_some() || alert.severity < Severity::Medium { "plain" } else { "bad" };
            let (about, time) = (Some(format!("alert:{}", alert.id)), Some(alert.time));
            Meaning { about, time, ..plain("alert", mark, format!("{}: {}", alert.severity, alert.message)) }
        }
        predicate::RESPONSE => {
            let response: Response = read(&statement.predicate)?;
            let state = serde_json::to_value(response.state).ok()?;
            let said = format!("{} {}: {}", response.target, state.as_str()?, response.reason);
            let about = Some(store::about_response(&response));
            let causes = vec![format!("alert:{}", response.alert)];
            Meaning { about, causes, time: Some(response.time), ..plain("response", "good", said) }
        }
        predicate::CONCERN => {
            let concern: Concern = read(&statement.predicate)?;
            plain("concern", "good", format!("concern answered: {}", concern.title))
        }
        other => plain("entry", "plain", other.to_owned()),
    })
}

fn release(event: &ReleaseEvent, environment: &str) -> Option<Meaning> {
    let name = format!("{} {}", event.release, event.version);
    let about = format!("release:{}", event.release);
    let mut causes = vec![about.clone()];
    let said = match &event.step {
        // Announced only; what came of it follows.
        ReleaseStep::Intent { .. } => return None,
        ReleaseStep::Begun { rollback: true, .. } => format!("{name}: the return begins"),
        ReleaseStep::Begun { .. } => format!("{name}: begins"),
        ReleaseStep::Resumed => format!("{name}: goes on in another process"),
        ReleaseStep::Outcome(outcome) => {
            if let Some(seen) = outcome.entries.last() {
                causes.insert(0, entry(environment, *seen));
            }
            let word = if outcome.passed { "passed" } else { "failed" };
            format!("{name}: {} {word}: {}", outcome.stage, outcome.reason)
        }
        ReleaseStep::Aborted { reason } => format!("{name}: is to stop: {reason}"),
        ReleaseStep::Ended { reason } => format!("{name}: {}: {reason}", event.state.as_str()),
        _ => format!("{name}: {}", event.state.as_str()),
    };
    let failed = matches!(&event.step, ReleaseStep::Outcome(outcome) if !outcome.passed);
    let mark = match event.state {
        ReleaseState::RollbackFailed | ReleaseState::RolledBack | ReleaseState::Rejected => "bad",
        _ if failed => "bad",
        ReleaseState::InDoubt | ReleaseState::RollingBack => "look",
        ReleaseState::Promoted => "good",
        _ => "plain",
    };
    Some(Meaning { kind: "release", mark, said, about: Some(about), causes, time: None })
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
