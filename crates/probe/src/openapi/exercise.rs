//! An operation at work: what it expects, what it does not expect, and what its answers say of both.

use serde_json::Value;
use testudo_model::{Confidence, NoticeCode};

use super::{Document, Operation, mismatch, unexpected::changes};
use crate::{
    Answer, Ask, Class,
    check::stack_trace,
    endpoint::{Change, Parameter, Place},
    finding::{Draft, Exchange},
    run::Run,
};

/// Whether each try is the unexpected one: no rhythm that a server which fails now and then could have.
const ORDER: [bool; 8] = [true, false, false, true, true, false, true, false];

/// Sends what the operation expects, and where that works, what it does not expect.
pub(crate) fn exercise(run: &mut Run<'_, '_>, document: &Document, operation: &mut Operation) {
    let Some(usual) = operation.endpoint.usual(Class::Valid) else { return };
    let Ok(answer) = run.ask(&usual) else { return };
    operation.reached = !matches!(answer.status, 401 | 403 | 404 | 405 | 501);
    if operation.reached {
        run.count("operations_reached", 1);
    } else {
        run.count("operations_not_reached", 1);
        let advice = match answer.status {
            401 | 403 => "give a login with --header or --cookie",
            404 => "give examples that exist in the description",
            _ => "see whether the description fits the target",
        };
        let message = format!("{} was not reached: status {}; {advice}", operation.name(), answer.status);
        run.notice(NoticeCode::ProbeSkipped, &usual.target, message);
    }
    described(run, document, operation, &usual, &answer);
    if answer.status < 400 {
        unexpected(run, operation, &usual);
    }
}

/// Holds the answer to expected input against the description, twice.
fn described(run: &mut Run<'_, '_>, document: &Document, operation: &Operation, usual: &Ask, answer: &Answer) {
    let Some((rule, message)) = unfit(document, operation, answer) else { return };
    let Ok(again) = run.ask(usual) else { return };
    if unfit(document, operation, &again).is_none_or(|(other, _)| other != rule) {
        return;
    }
    let evidence =
        vec![Exchange::new("hit", usual, answer, &message), Exchange::new("replay", usual, &again, &message)];
    let message = format!("{}: {message}", operation.name());
    let (route, subject) = (operation.endpoint.route.as_str(), ("", ""));
    run.add(&Draft { rule, route, subject, ask: usual, message, confidence: Confidence::High, evidence });
}

/// The rule that an answer breaks, and how.
fn unfit(document: &Document, operation: &Operation, answer: &Answer) -> Option<(&'static str, String)> {
    if operation.answers.is_empty() {
        return None;
    }
    let class = format!("{}XX", answer.status / 100);
    let keys = [answer.status.to_string(), class, "DEFAULT".to_owned()];
    let Some(schema) = keys.iter().find_map(|key| operation.answers.get(key)) else {
        let known: Vec<&str> = operation.answers.keys().map(String::as_str).collect();
        let message = format!("expected input is answered with {}; described are {}", answer.status, known.join(", "));
        return Some(("probe-api-undocumented-status", message));
    };
    let schema = schema.as_ref().filter(|_| !answer.cut && operation.endpoint.method != testudo_net::Method::Head)?;
    let rule = "probe-api-schema-mismatch";
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) => mismatch(document, schema, &value).map(|why| (rule, why)),
        Err(_) => Some((rule, "the answer is no JSON".to_owned())),
    }
}

/// Sends what is not expected, one input at a time.
fn unexpected(run: &mut Run<'_, '_>, operation: &Operation, usual: &Ask) {
    for (at, parameter) in operation.endpoint.parameters.iter().enumerate() {
        let (schema, required) = &operation.schemas[at];
        for (what, change) in changes(parameter, schema, *required) {
            if run.session.over().is_some() {
                return;
            }
            let Some(ask) = operation.endpoint.changed(Class::Unexpected, Some((at, &change))) else { continue };
            if attempt(run, operation, (&ask, usual), (parameter, what)) {
                break;
            }
        }
    }
    if let Some((ask, parameter)) = extra(run, operation) {
        attempt(run, operation, (&ask, usual), (&parameter, "an input that is not described"));
    }
}

/// An input that the description does not have.
fn extra(run: &Run<'_, '_>, operation: &Operation) -> Option<(Ask, Parameter)> {
    let has = |place| operation.endpoint.parameters.iter().any(|parameter| parameter.place == place);
    let place = [Place::Json, Place::Form].into_iter().find(|place| has(*place)).unwrap_or(Place::Query);
    let sent = Parameter { name: run.session.canaries.word(), place, value: Some("seven".into()) };
    let mut endpoint = operation.endpoint.clone();
    endpoint.parameters.push(sent.clone());
    // The word is new each time, and no part of what is wrong.
    Some((endpoint.changed(Class::Unexpected, None::<(usize, &Change)>)?, Parameter { name: "*".to_owned(), ..sent }))
}

/// Tries one thing, and where the server fails, again and again among expected input. Says whether it is a finding.
fn attempt(
    run: &mut Run<'_, '_>,
    operation: &Operation,
    (ask, usual): (&Ask, &Ask),
    (parameter, what): (&Parameter, &str),
) -> bool {
    let Ok(answer) = run.ask(ask) else { return false };
    if failure(&answer).is_none() {
        return false;
    }
    let mut evidence = Vec::new();
    for tried in ORDER {
        let sent = if tried { ask } else { usual };
        let Ok(answer) = run.ask(sent) else { return false };
        let failed = failure(&answer);
        if failed.is_some() != tried {
            return false;
        }
        let role = if tried { "replay" } else { "control" };
        evidence.push(Exchange::new(role, sent, &answer, failed.as_deref().unwrap_or("no failure")));
    }
    let (route, place) = (operation.endpoint.route.as_str(), parameter.place.as_str());
    let message = format!(
        "{} fails for {what} in `{}` ({place}): {}",
        operation.name(),
        parameter.name,
        failure(&answer).unwrap_or_default()
    );
    let (rule, subject) = ("probe-api-server-error", (parameter.name.as_str(), place));
    run.add(&Draft { rule, route, subject, ask, message, confidence: Confidence::High, evidence });
    true
}

/// What of an answer says that the server failed. Statuses that say it is not there, or busy, do not.
fn failure(answer: &Answer) -> Option<String> {
    let status =
        || (answer.status >= 500 && !(501..=504).contains(&answer.status)).then(|| format!("status {}", answer.status));
    stack_trace::trace(answer).filter(|_| answer.status >= 400).map(str::to_owned).or_else(status)
}
