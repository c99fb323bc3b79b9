//! SARIF 2.1.0 (OASIS standard, 27 March 2020): every run is the report of one tool. Section numbers in this folder are
//! those of the standard.
//!
//! The severity is `security-severity` (9 critical, 7 high, 4 medium, above 0 low), of the result or its rule, or else the
//! level. Of a tool that looks for secrets the snippet is taken for the secret; it is masked, and so is what a message quotes
//! of it.

mod place;
mod result;
mod rules;

use std::collections::BTreeSet;

use serde_json::Value;
use testudo_model::DetectorId;

use crate::{
    Document, ImportError, Input,
    draft::{Account, Ended},
    json::Fields as _,
    tools,
};
use result::State;
use rules::Rules;

pub(crate) fn detect(document: &Document) -> bool {
    let json = document.json();
    json.get("runs").is_some_and(Value::is_array)
        && (json.get("version").is_some() || json.text("$schema").is_some_and(|schema| schema.contains("sarif")))
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let json = input.document.json();
    let version = json.text("version").unwrap_or_default();
    if version != "2.1.0" {
        return Err(input.lacks(format!("is SARIF `{version:.20}`; 2.1.0 is read: let the tool write that version")));
    }
    let runs = json.list("runs");
    if runs.is_empty() {
        return Err(input.lacks("has no run, so no tool says that it looked at anything; check that the tool ran"));
    }
    Ok(runs.iter().map(read_run).collect())
}

/// One run with what its results refer to.
struct Run<'a> {
    run: &'a Value,
    rules: Rules<'a>,
    tool: String,
    detector: DetectorId,
}

fn read_run(run: &Value) -> Account {
    let driver = run.get("tool").and_then(|tool| tool.get("driver")).unwrap_or(&Value::Null);
    let name = driver.text("name").unwrap_or("sarif");
    let known = tools::named(name);
    let version = driver.text("semanticVersion").or_else(|| driver.text("version"));
    let mut account = Account::new(known.map_or(name, |tool| tool.slug), version);
    let detector = known.map_or(DetectorId::Code, |tool| tool.detector);
    let run = Run { run, rules: Rules::of(run), tool: account.tool.clone(), detector };
    account.rules = run.rules.len() as u64;
    for (at, value) in account.entries(run.run, "results").iter().enumerate() {
        match result::state(value) {
            State::Finding => account.add(|| format!("results[{at}]"), || result::read(&run, value)),
            State::Passed => account.count(detector, "passed", 1),
            State::Gone => {}
        }
    }
    let found: BTreeSet<DetectorId> = account.drafts().iter().map(|draft| draft.detector).collect();
    if found.is_empty() {
        account.detectors.insert(detector);
    }
    told_by_invocations(&mut account, run.run);
    if driver.text("name").is_none() {
        account.stopped("the run names no tool");
    }
    if run.run.get("externalPropertyFileReferences").is_some_and(|files| files.get("results").is_some()) {
        account.stopped("its results stand in other files, which are not read");
    }
    // A run without `results` says that the tool could not produce any (3.14.23).
    if run.run.get("results").is_none_or(Value::is_null) {
        account.ended = Ended::Early;
        account.gap(None, "the run has no results at all");
    }
    account
}

/// What the tool itself says about its run (3.20).
fn told_by_invocations(account: &mut Account, run: &Value) {
    for invocation in run.list("invocations") {
        let failed = invocation.get("executionSuccessful").is_some_and(|said| said.as_bool() != Some(true));
        if failed
            || invocation.text("processStartFailureMessage").is_some()
            || invocation.text("exitSignalName").is_some()
        {
            account.stopped("the run did not succeed");
        }
        for list in ["toolExecutionNotifications", "toolConfigurationNotifications"] {
            // Without a level it is a warning (3.58.6).
            let level = |told: &Value| told.text("level").unwrap_or("warning").to_owned();
            for told in invocation.list(list).iter().filter(|told| matches!(level(told).as_str(), "error" | "warning"))
            {
                if level(told) == "error" {
                    account.ended = Ended::Early;
                }
                let message = told.get("message").and_then(|message| message.text("text"));
                let place = told.list("locations").first().map(|location| place::of(run, location));
                let path = place.and_then(|place| place.path);
                account.gap(path.as_deref(), message.unwrap_or("a problem without a message"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
