//! `testudo release status`: where a release stands, and what to do next.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use testudo_release::{History, Lock};

use super::{Which, project::Project};
use crate::{commands::ledger::Form, terminal};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    which: Which,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

pub(super) fn run(args: &StatusArgs) -> Result<ExitCode> {
    let project = Project::load(&args.which)?;
    let history = project.history()?;
    let environment = &args.which.environment;
    let running = Lock::is_held(&project.state, environment);
    let mut document = document(environment, &history, running);
    let doubt = project.doubt()?;
    document["ledger"] = doubt.as_deref().unwrap_or("whole").into();
    match args.format {
        Form::Json => {
            let mut out = Vec::new();
            testudo_report::write_pretty(&document, &mut out)?;
            terminal::stdout_bytes(&out)?;
        }
        Form::Text => terminal::stdout(&text(&document))?,
    }
    if let Some(why) = doubt {
        terminal::warn(&format!("{why}, so what stands here is what it says, and is not shown to be true"));
    }
    Ok(ExitCode::SUCCESS)
}

fn document(environment: &str, history: &History, running: bool) -> Value {
    let good = history.known_good.as_ref();
    let mut document = json!({
        "environment": environment,
        "state": "none",
        "known_good": good.map(|known| &known.version),
        "known_good_since": good.map(|known| &known.time),
        "running": running,
        "fence": history.fence,
        "next": next(environment, history, running),
    });
    let Some(standing) = &history.last else { return document };
    let open = standing.open.as_ref().map(|open| &open.stage);
    let failed = standing.failed.as_ref().map(|(stage, reason)| json!({ "stage": stage, "reason": reason }));
    let more = json!({
        "state": standing.state,
        "release": standing.release,
        "version": standing.version,
        "previous": standing.previous,
        "return": standing.is_return,
        "stage": open,
        "passed": standing.done.keys().collect::<Vec<_>>(),
        "failed": failed,
        "aborted": standing.aborted,
        "reason": standing.ended,
        "begun": standing.times.0,
        "changed": standing.times.1,
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut document, more) {
        all.extend(more);
    }
    document
}

/// The next command to type; none where there is nothing to do.
fn next(environment: &str, history: &History, running: bool) -> Option<String> {
    let verb = |verb: &str| Some(format!("testudo release {verb} {environment}"));
    match &history.last {
        _ if running => None,
        None => Some(format!("testudo release run {environment} --version VERSION")),
        Some(_) if history.is_astray && history.known_good.is_some() => verb("rollback"),
        Some(standing) if standing.ended.is_none() => verb("resume"),
        Some(_) => None,
    }
}

fn text(document: &Value) -> String {
    let said = |key: &str| document[key].as_str().unwrap_or("none").to_owned();
    let mut out = format!("{}: {}", said("environment"), said("state"));
    if document["version"].is_string() {
        out.push_str(&format!(", {} {}", said("release"), said("version")));
    }
    if document["running"] == json!(true) {
        out.push_str(" (a process is at work)");
    }
    out.push('\n');
    out.push_str(&format!("known good: {}", said("known_good")));
    if document["known_good_since"].is_string() {
        out.push_str(&format!(" since {}", said("known_good_since")));
    }
    out.push('\n');
    for (key, title) in [("stage", "under way"), ("reason", "why"), ("changed", "last entry"), ("next", "next")] {
        if document[key].is_string() {
            out.push_str(&format!("{title}: {}\n", said(key)));
        }
    }
    testudo_report::visible_lines(&out).into_owned()
}
