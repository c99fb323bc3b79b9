//! Words that all formats of the report share.

use super::{ControlLine, EvidenceLine, Owner, RunLine};
use crate::nouns::{Evidence, Kind, Word};

/// A piece of evidence as the plan says it.
pub(super) fn evidence(evidence: &Evidence) -> String {
    let scope = |scope: &Option<Word>| scope.as_ref().map_or_else(String::new, |scope| format!(" in {}", scope.text));
    match &evidence.kind {
        Kind::Rule { detector, pattern, scope: path } => format!("rule {detector}:{pattern}{}", scope(path)),
        Kind::Cwe { numbers, scope: path } => {
            let numbers: Vec<String> = numbers.iter().map(|number| format!("CWE-{number}")).collect();
            format!("{}{}", numbers.join(", "), scope(path))
        }
        Kind::Test { name } => format!("test {name}"),
        Kind::Config { word, hosts, .. } => {
            let hosts = hosts.as_ref().map_or_else(String::new, |hosts| format!(" on {}", hosts.text));
            format!("config {}{hosts}", word.text)
        }
        Kind::Dast { name, entry } => {
            let entry = entry.as_ref().map_or_else(String::new, |entry| format!(" at {}", entry.text));
            format!("dast {}{entry}", name.text)
        }
        Kind::Ledger { predicate, subject } => {
            let subject = subject.as_ref().map_or_else(String::new, |subject| format!(" for {}", subject.text));
            format!("ledger {}{subject}", predicate.text)
        }
        Kind::Attest { file, by, .. } => format!("attest {} by {}", file.text, by.text),
    }
}

/// Where evidence was seen last, as one line.
pub(super) fn last_run(line: &EvidenceLine) -> String {
    line.last_run.as_ref().map_or_else(|| "never".to_owned(), run)
}

fn run(run: &RunLine) -> String {
    let commit = run.commit.as_deref().map_or_else(String::new, |commit| format!(" @{commit}"));
    let units = run.units.map_or_else(String::new, |units| format!(", {units} units"));
    format!("{}, {}{commit}, {}{units}", run.time, run.tool, run.place)
}

/// A role with the way to reach it.
pub(super) fn owner(owner: &Owner<'_>) -> String {
    let people = if owner.people.is_empty() { String::new() } else { format!(" ({})", owner.people.join(", ")) };
    let channel = if owner.channel.is_empty() { String::new() } else { format!(", {}", owner.channel) };
    format!("{}{people}{channel}", owner.role)
}

/// What a control says about itself: its line, what it protects and who needs it.
pub(super) fn about(control: &ControlLine<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if !control.text.is_empty() {
        lines.push(control.text.to_owned());
    }
    for (name, list) in
        [("answers to", &control.refs), ("protects", &control.applies), ("needed by", &control.needed_by)]
    {
        if !list.is_empty() {
            lines.push(format!("{name} {}", list.join(", ")));
        }
    }
    lines
}

/// Past its day.
pub(super) fn ends(day: &str, expired: bool) -> String {
    if expired { format!("{day}, which has passed") } else { day.to_owned() }
}
