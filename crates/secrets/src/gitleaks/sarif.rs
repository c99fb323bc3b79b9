//! gitleaks' SARIF report: its fields in its order, which is that of the declarations here.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::{CompatFinding, report::escaped};

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
struct Run<'a> {
    tool: Tool<'a>,
    results: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    short_description: Text<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    message: Message,
    rule_id: &'a str,
    locations: [Location<'a>; 1],
    partial_fingerprints: Commit<'a>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: Physical<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical<'a> {
    artifact_location: Artifact<'a>,
    region: Region<'a>,
}

#[derive(Serialize)]
struct Artifact<'a> {
    uri: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region<'a> {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
    snippet: Text<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Commit<'a> {
    commit_sha: &'a str,
    email: &'a str,
    author: &'a str,
    date: &'a str,
    commit_message: &'a str,
}

#[derive(Serialize)]
struct Properties<'a> {
    tags: &'a [String],
}

/// The SARIF report. `rules` are ids and descriptions in the order of the configuration.
#[must_use]
pub fn sarif(findings: &[CompatFinding], rules: &[(String, String)]) -> String {
    let driver = Driver {
        name: "gitleaks",
        semantic_version: "v8.0.0",
        information_uri: "https://github.com/gitleaks/gitleaks",
        rules: rules.iter().map(|(id, text)| Rule { id, short_description: Text { text } }).collect(),
    };
    let run = Run { tool: Tool { driver }, results: findings.iter().map(result).collect() };
    let log = Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] };
    let mut out = Vec::new();
    // Texts and numbers alone: nothing that JSON cannot hold, and a vector takes everything.
    drop(log.serialize(&mut Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b" "))));
    escaped(&String::from_utf8_lossy(&out)) + "\n"
}

fn result(f: &CompatFinding) -> Finding<'_> {
    let commit = if f.commit.is_empty() { String::new() } else { format!(" at commit {}", f.commit) };
    let region = Region {
        start_line: f.start_line,
        start_column: f.start_column,
        end_line: f.end_line,
        end_column: f.end_column,
        snippet: Text { text: &f.secret },
    };
    let uri = if f.symlink.is_empty() { &f.file } else { &f.symlink };
    Finding {
        message: Message { text: format!("{} has detected secret for file {}{commit}.", f.rule, f.file) },
        rule_id: &f.rule,
        locations: [Location { physical_location: Physical { artifact_location: Artifact { uri }, region } }],
        partial_fingerprints: Commit {
            commit_sha: &f.commit,
            email: &f.email,
            author: &f.author,
            date: &f.date,
            commit_message: &f.message,
        },
        properties: Properties { tags: &f.tags },
    }
}
