//! Reads `[release.ENV]` of `testudo.toml`. What is wrong is told with its place, all of it at once.

use std::{path::Path, time::Duration};

use serde_json::{Value as Json, json};
use testudo_policy::{
    problem::FileProblem,
    table::{Codes, Place, Problem, Sink, Table, Value, Word},
};
use toml::de::DeTable;

use crate::{
    Deploy, Idempotent, Pipeline, Stage, Test, Work,
    history::{PROMOTE, RECHECK, ROLLBACK},
};

const CODES: Codes =
    Codes { key: "RELEASE-KEY", missing: "RELEASE-MISSING", kind: "RELEASE-TYPE", value: "RELEASE-VALUE" };
/// The section of the configuration.
const SECTION: &str = "release";
const ENVIRONMENT_KEYS: &[&str] = &["artifact", "key", "lock", "secret-env", "stage"];
const STAGE_KEYS: &[&str] =
    &["id", "idempotent", "junit", "kind", "min-tests", "needs", "probe", "rollback", "run", "settle", "timeout"];
const TIMEOUT: Duration = Duration::from_secs(3600);
const SETTLE: Duration = Duration::from_secs(10);
/// Most stages of an environment.
const MAX_STAGES: usize = 100;

/// Kinds of stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Run,
    Build,
    Test,
    Scan,
    Gate,
    Deploy,
    Verify,
}

const KINDS: &[(&str, Kind)] = &[
    ("run", Kind::Run),
    ("build", Kind::Build),
    ("test", Kind::Test),
    ("scan", Kind::Scan),
    ("gate", Kind::Gate),
    ("deploy", Kind::Deploy),
    ("verify", Kind::Verify),
];

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every environment that a text has, by name.
    pub environments: Vec<String>,
    /// The one that was asked for, where it is right.
    pub pipeline: Option<Pipeline>,
    /// What is wrong with it.
    pub problems: Vec<FileProblem>,
}

/// Reads the pipeline of an environment from the text of a configuration. `path` is only named in problems.
#[must_use]
pub fn read(text: &str, path: &Path, environment: &str) -> Reading {
    // A text that is no TOML is refused by whoever reads the rest of it.
    let Ok(document) = DeTable::parse(text) else { return Reading::default() };
    let found = document.get_ref().iter().find(|(name, _)| name.get_ref() == SECTION);
    let Some(table) = found.and_then(|(_, value)| value.get_ref().as_table()) else { return Reading::default() };
    let environments = table.keys().map(|name| name.get_ref().to_string()).collect();
    let Some((_, value)) = table.iter().find(|(name, _)| name.get_ref() == environment) else {
        return Reading { environments, ..Reading::default() };
    };
    let mut sink = Sink { file: 0, codes: CODES, problems: Vec::new() };
    let pipeline = pipeline(environment, value, &mut sink);
    let problems: Vec<FileProblem> =
        sink.problems.into_iter().map(|problem| problem.fault.in_file(text, path)).collect();
    Reading { environments, pipeline: pipeline.filter(|_| problems.is_empty()), problems }
}

fn pipeline(environment: &str, value: Value<'_, '_>, sink: &mut Sink) -> Option<Pipeline> {
    let mut table = Table::open("[release.ENV]", ENVIRONMENT_KEYS, value, sink)?;
    let artifacts = texts(table.words("artifact"));
    let key = table.text("key").map(|word| word.text);
    let secret_env = texts(table.words("secret-env"));
    // A lock of several machines needs somebody whom all of them ask.
    table.choice("lock", &[("file", ())]);
    let place = table.place();
    let values = table.list("stage");
    let mut stages: Vec<Stage> = Vec::new();
    let mut needs = Vec::new();
    for value in values.into_iter().take(MAX_STAGES + 1) {
        if let Some((stage, words)) = stage(value, table.sink()) {
            needs.push((stages.len(), words));
            stages.push(stage);
        }
    }
    let sink = table.sink();
    for (number, words) in needs {
        for word in words.iter().filter(|word| !stages[..number].iter().any(|stage| stage.id == word.text)) {
            let help = Some("stages run in the order in which they are written; name an earlier one".to_owned());
            sink.push(Problem::new(
                CODES.value,
                &word.place,
                format!("no earlier stage is named `{}`", word.text),
                help,
            ));
        }
    }
    let mut told = |message: &str, help: &str| {
        sink.push(Problem::new(CODES.value, &place, message, Some(help.to_owned())));
    };
    if stages.len() > MAX_STAGES {
        told(&format!("there are more than {MAX_STAGES} stages"), "put some of them into one command");
    }
    let count = |wanted: fn(&Work) -> bool| stages.iter().filter(|stage| wanted(&stage.work)).count();
    if count(|work| matches!(work, Work::Deploy(_))) != 1 {
        told("an environment has one stage that deploys", "add one [[release.ENV.stage]] with kind = \"deploy\"");
    }
    let deployed = stages.iter().position(|stage| matches!(stage.work, Work::Deploy(_)));
    let late = |stage: &&Stage| matches!(stage.work, Work::Verify(_));
    if let Some(early) = deployed.and_then(|at| stages[..at].iter().find(late)) {
        told(
            &format!("`{}` checks what was deployed, and stands before the deployment", early.id),
            "move it behind it",
        );
    }
    let late = |stage: &&Stage| matches!(stage.work, Work::Gate | Work::Build(_));
    if let Some(late) = deployed.and_then(|at| stages[at..].iter().find(late)) {
        told(&format!("`{}` decides nothing behind the deployment", late.id), "move it before the deployment");
    }
    Some(Pipeline {
        environment: environment.to_owned(),
        artifacts,
        key,
        secret_env,
        stages: unique(stages, sink, &place),
    })
}

fn unique(stages: Vec<Stage>, sink: &mut Sink, place: &Place) -> Vec<Stage> {
    for (number, stage) in stages.iter().enumerate() {
        let id = &stage.id;
        let why = if [ROLLBACK, RECHECK, PROMOTE, "probe"].contains(&id.as_str()) {
            format!("`{id}` is the name of a step that every release has")
        } else if stages[..number].iter().any(|earlier| earlier.id == *id) {
            format!("two stages have the id `{id}`")
        } else {
            continue;
        };
        sink.push(Problem::new(CODES.value, place, why, Some("give the stage another id".to_owned())));
    }
    stages
}

fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|word| word.text).collect()
}

fn stage(value: Value<'_, '_>, sink: &mut Sink) -> Option<(Stage, Vec<Word>)> {
    let mut table = Table::open("[[release.ENV.stage]]", STAGE_KEYS, value, sink)?;
    let id = table.need_text("id");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !id.text.chars().all(fits) || id.text.len() > 64 {
        let help = Some("use letters, digits, `-` and `_`, at most 64 of them".to_owned());
        table.sink().push(Problem::new(CODES.value, &id.place, "this is no id", help));
    }
    let kind = table
        .choice("kind", KINDS)
        .unwrap_or_else(|| if table.has("kind") { Kind::Run } else { implied(&id.text, &table) });
    let needs = table.words("needs");
    let timeout = table.time("timeout").unwrap_or(TIMEOUT);
    for (key, kinds) in OWN {
        if table.has(key) && !kinds.contains(&kind) {
            let names: Vec<&str> =
                KINDS.iter().filter(|(_, kind)| kinds.contains(kind)).map(|(name, _)| *name).collect();
            let place = table.place();
            let help = Some(format!("it belongs to stages of kind {}", names.join(", ")));
            table.sink().push(Problem::new(CODES.key, &place, format!("`{key}` has no meaning for this stage"), help));
        }
    }
    let work = work(kind, &mut table);
    Some((Stage { id: id.text, timeout, work }, needs))
}

/// Keys that only some kinds have.
const OWN: &[(&str, &[Kind])] = &[
    ("run", &[Kind::Run, Kind::Build, Kind::Test, Kind::Deploy, Kind::Verify]),
    ("junit", &[Kind::Test]),
    ("min-tests", &[Kind::Test]),
    ("probe", &[Kind::Deploy]),
    ("rollback", &[Kind::Deploy]),
    ("idempotent", &[Kind::Deploy]),
    ("settle", &[Kind::Deploy]),
];

/// The kind of a stage that does not say it: by its keys, then by its name.
fn implied(id: &str, table: &Table<'_, '_>) -> Kind {
    if table.has("junit") || table.has("min-tests") {
        Kind::Test
    } else if table.has("probe") || table.has("rollback") {
        Kind::Deploy
    } else if id == "build" {
        Kind::Build
    } else if id == "verify" {
        Kind::Verify
    } else if !table.has("run") && id == "scan" {
        Kind::Scan
    } else if !table.has("run") && id == "gate" {
        Kind::Gate
    } else {
        Kind::Run
    }
}

fn work(kind: Kind, table: &mut Table<'_, '_>) -> Work {
    match kind {
        Kind::Run => Work::Run(table.need_text("run").text),
        Kind::Build => Work::Build(table.need_text("run").text),
        Kind::Verify => Work::Verify(table.need_text("run").text),
        Kind::Scan => Work::Scan,
        Kind::Gate => Work::Gate,
        Kind::Test => Work::Test(Test {
            run: table.need_text("run").text,
            junit: texts(table.need_words("junit")),
            min_tests: min_tests(table),
        }),
        Kind::Deploy => Work::Deploy(Deploy {
            run: table.need_text("run").text,
            probe: table.need_text("probe").text,
            rollback: table.need_text("rollback").text,
            idempotent: if table.flag("idempotent") { Idempotent::Yes } else { Idempotent::No },
            settle: table.time("settle").unwrap_or(SETTLE),
        }),
    }
}

/// At least one: a run without any test shows nothing.
fn min_tests(table: &mut Table<'_, '_>) -> u32 {
    if !table.has("min-tests") {
        return 1;
    }
    let Some((number, place)) = table.need_number("min-tests") else { return 1 };
    if number == 0 {
        let help = Some("a run without any test shows nothing; write 1 or more".to_owned());
        table.sink().push(Problem::new(CODES.value, &place, "`min-tests` is 0", help));
    }
    number.max(1)
}

/// The JSON Schema (draft 2020-12) of `testudo.toml` with its releases.
#[must_use]
pub fn configuration_schema() -> Json {
    let mut whole = testudo_policy::config::schema().to_value();
    whole["properties"][SECTION] = schema();
    whole
}

/// That of the section.
fn schema() -> Json {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let time = json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" });
    let kinds: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    json!({
        "description": "Releases, by environment: stages that run in their order, and how to go back.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "required": ["stage"],
            "properties": {
                "artifact": texts, "key": text, "lock": { "enum": ["file"] }, "secret-env": texts,
                "stage": { "type": "array", "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["id"],
                    "properties": {
                        "id": text, "kind": { "enum": kinds }, "run": text, "timeout": time, "needs": texts, "junit": texts,
                        "min-tests": { "type": "integer", "minimum": 1 }, "probe": text, "rollback": text,
                        "idempotent": { "type": "boolean" }, "settle": time,
                    },
                } },
            },
        },
    })
}
