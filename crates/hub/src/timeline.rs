//! From entries of a ledger to moments on the line of time.

use serde_json::Value;
use testudo_ledger::{
    CheckResult, HostEvent, OpenFinding, ReleaseEvent, ReleaseState, ReleaseStep, ScanEvent, Statement,
    TestResultEvent, VerdictEvent, predicate,
};
use testudo_model::{Alert, Concern, Response, ResponseState, Severity};

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

/// A meaning that is about nothing but its own entry, and came from nothing.
fn plain(kind: &'static str, mark: &'static str, said: String) -> Meaning {
    Meaning { kind, mark, said, about: None, causes: Vec::new(), time: None }
}

/// What an entry means; none where it only announces something. An entry that cannot be read is on the line too.
fn meaning(statement: &Statement) -> Option<Meaning> {
    if statement.predicate_type == predicate::RELEASE
        && let Some(event) = read::<ReleaseEvent>(&statement.predicate)
        && matches!(event.step, ReleaseStep::Intent { .. })
    {
        return None;
    }
    let known = match statement.predicate_type.as_str() {
        predicate::SCAN => read(&statement.predicate).map(|event| scan(&event)),
        predicate::GATE => read(&statement.predicate).map(|event| gate(&event, &statement.testudo.environment)),
        predicate::TEST_RESULT => read(&statement.predicate).map(|event| tests(&event)),
        predicate::RELEASE => read(&statement.predicate).map(|event| release(&event, &statement.testudo.environment)),
        predicate::VAULT => {
            let verb = statement.predicate["verb"].as_str().unwrap_or("use");
            Some(plain("entry", "plain", format!("secrets: {verb} by {}", statement.testudo.actor)))
        }
        predicate::TRIAGE => {
            Some(plain("decision", "plain", format!("decision in the project by {}", statement.testudo.actor)))
        }
        predicate::ALERT => read(&statement.predicate).map(alert),
        predicate::RESPONSE => read(&statement.predicate).map(|event| response(&event)),
        predicate::HOST => read(&statement.predicate).map(|event| host(&event)),
        predicate::CONCERN => read::<Concern>(&statement.predicate)
            .map(|concern| plain("concern", "good", format!("concern answered: {}", concern.title))),
        other => Some(plain("entry", "plain", other.to_owned())),
    };
    let unread = || format!("{}: this version of the hub cannot read what it says", statement.predicate_type);
    Some(known.unwrap_or_else(|| plain("entry", "look", unread())))
}

fn host(event: &HostEvent) -> Meaning {
    let [passed, failed, unknown] =
        [CheckResult::Passed, CheckResult::Failed, CheckResult::NotApplicable].map(|result| event.count(result));
    // Where nobody could say anything, nothing is shown to be well.
    let mark = if failed > 0 || passed == 0 { "look" } else { "plain" };
    let said = format!("host {}: {passed} checks passed, {failed} failed, {unknown} not applicable", event.host);
    plain("entry", mark, said)
}

fn scan(event: &ScanEvent) -> Meaning {
    let (whole, mark) = if event.summary.complete { ("", "plain") } else { (", not everything was looked at", "look") };
    plain("scan", mark, format!("scan of {}: {} open{whole}", event.targets.join(" "), event.open.len()))
}

fn gate(event: &VerdictEvent, environment: &str) -> Meaning {
    let mark = match event.verdict.as_str() {
        "passed" => "good",
        "failed" => "bad",
        _ => "look",
    };
    let why = event.reasons.first().map_or_else(String::new, |reason| format!(": {reason}"));
    let said = format!("gate {} in {environment}{why}", event.verdict);
    Meaning { causes: vec![entry(environment, event.scan)], ..plain("gate", mark, said) }
}

fn tests(event: &TestResultEvent) -> Meaning {
    let [passed, skipped, failed] = [&event.passed_tests, &event.warned_tests, &event.failed_tests].map(Vec::len);
    let mark = if failed > 0 { "bad" } else { "good" };
    plain("test", mark, format!("tests: {passed} passed, {skipped} skipped, {failed} failed"))
}

fn alert(alert: Alert) -> Meaning {
    let mark = if alert.release.is_some() || alert.severity < Severity::Medium { "plain" } else { "bad" };
    let (about, time) = (Some(format!("alert:{}", alert.id)), Some(alert.time));
    Meaning { about, time, ..plain("alert", mark, format!("{}: {}", alert.severity, alert.message)) }
}

fn response(response: &Response) -> Meaning {
    let state = store::response_word(response.state);
    let good = matches!(response.state, ResponseState::Active | ResponseState::Expired);
    let said = format!("{} {state}: {}", response.target, response.reason);
    let about = Some(store::about_response(response));
    let causes = vec![format!("alert:{}", response.alert)];
    let mark = if good { "good" } else { "look" };
    Meaning { about, causes, time: Some(response.time.clone()), ..plain("response", mark, said) }
}

fn release(event: &ReleaseEvent, environment: &str) -> Meaning {
    let name = format!("{} {}", event.release, event.version);
    let about = format!("release:{}", event.release);
    let mut causes = vec![about.clone()];
    let said = match &event.step {
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
    Meaning { about: Some(about), causes, ..plain("release", mark, said) }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
