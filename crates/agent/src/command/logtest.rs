//! `agent logtest`: which decoder and rule take each line.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, ValueHint};
use serde::Serialize;

use super::{Form, Terminal};
use crate::{
    AgentError,
    config::LogFormat,
    log::{Counting, Engine, Judged, Line, MAX_LINE, Ruleset, ruleset},
};

/// A line that holds this byte alone ends a session.
const END_OF_SESSION: &[u8] = b"\x1e";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dialect {
    /// Events are counted as in Wazuh 4
    Wazuh,
    /// Events are counted as in OSSEC
    Ossec,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo agent logtest < /var/log/auth.log
  testudo agent logtest --format json < lines.txt
  testudo agent logtest --ruleset ruleset/ --format json < lines.txt
  testudo agent logtest --rules rules/ --decoders decoders/ --lists lists/ < lines.txt")]
pub(super) struct LogtestArgs {
    /// Folder with `rules` and `decoders` in the XML language of Wazuh 4 or OSSEC [default: our own]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    ruleset: Option<PathBuf>,
    /// Folder of rules, where these stand for themselves
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "ruleset")]
    rules: Option<PathBuf>,
    /// Folder of decoders, where these stand for themselves
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "rules")]
    decoders: Option<PathBuf>,
    /// Folder of the lists that rules look values up in [default: `lists` below the folder of `--ruleset`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    lists: Option<PathBuf>,
    /// How events are counted
    #[arg(long, value_name = "DIALECT", default_value = "wazuh")]
    dialect: Dialect,
    /// A line that holds the byte 0x1E alone begins a new session, in which no earlier line counts
    #[arg(long)]
    sessions: bool,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

#[derive(Serialize)]
struct Answer<'a> {
    session: u64,
    line: u64,
    decoder: Option<Decoder<'a>>,
    rule: Option<Rule<'a>>,
    fields: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Decoder<'a> {
    name: &'a str,
    parent: &'a str,
}

#[derive(Serialize)]
struct Rule<'a> {
    id: u32,
    level: u8,
    description: &'a str,
    groups: &'a [String],
}

pub(super) fn run(args: &LogtestArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    let counting = if args.dialect == Dialect::Ossec { Counting::Ossec } else { Counting::Wazuh };
    let folders: Vec<&Path> = match (&args.ruleset, &args.decoders, &args.rules) {
        (Some(folder), _, _) => vec![folder],
        (None, decoders, rules) => decoders.iter().chain(rules).map(PathBuf::as_path).collect(),
    };
    let rules = match folders.is_empty() {
        true => ruleset(),
        false => load(&folders, args.lists.as_deref(), counting, terminal)?,
    };
    let mut engine = Engine::new(rules);
    let (mut session, mut number, mut line) = (0, 0, Vec::new());
    while next(terminal, &mut line)? {
        if args.sessions && line == END_OF_SESSION {
            engine.forget();
            (session, number) = (session + 1, 0);
            continue;
        }
        number += 1;
        // All lines come in at the same time, so the answer depends on nothing but them.
        let judged = engine.judge(Line { text: &line, location: "stdin", arrival: 0, format: LogFormat::Syslog });
        let text = match args.format {
            Form::Json => json(session, number, &judged),
            Form::Text => text(number, &judged),
        };
        terminal.print(&text)?;
    }
    Ok(0)
}

fn load(
    folders: &[&Path],
    lists: Option<&Path>,
    counting: Counting,
    terminal: &mut Terminal<'_>,
) -> Result<Ruleset, AgentError> {
    let loaded = Ruleset::of_folders(folders, lists, counting)?;
    for problem in &loaded.problems {
        (terminal.tell)(&problem.to_string());
    }
    let (rules, decoders, wrong) = (loaded.ruleset.rules(), loaded.ruleset.decoders(), loaded.problems.len());
    (terminal.tell)(&format!("{rules} rules and {decoders} decoders are used; {wrong} parts cannot be used"));
    Ok(loaded.ruleset)
}

/// The next line without its end; what is too long of it is passed over.
fn next(terminal: &mut Terminal<'_>, line: &mut Vec<u8>) -> Result<bool, AgentError> {
    line.clear();
    let mut any = false;
    loop {
        let told = |source| AgentError::System { what: "standard input", source };
        let buffer = terminal.input.fill_buf().map_err(told)?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', buffer);
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        line.extend_from_slice(&piece[..piece.len().min(MAX_LINE.saturating_sub(line.len()))]);
        let taken = piece.len() + usize::from(end.is_some());
        terminal.input.consume(taken);
        if end.is_some() {
            line.pop_if(|byte| *byte == b'\r');
            return Ok(true);
        }
    }
}

fn json(session: u64, line: u64, judged: &Judged) -> String {
    let decoder = judged.decoder.as_ref().map(|(name, parent)| Decoder { name, parent });
    let rule = judged.rule.as_ref().map(|rule| Rule {
        id: rule.id,
        level: rule.level,
        description: &rule.description,
        groups: &rule.groups,
    });
    let answer = Answer { session, line, decoder, rule, fields: &judged.fields };
    serde_json::to_string(&answer).expect("texts and numbers can be written as JSON") + "\n"
}

fn text(line: u64, judged: &Judged) -> String {
    let rule = judged.rule.as_ref().map_or("no rule".to_owned(), |rule| {
        format!("rule {} level {}: {}", crate::alert::name_of(rule), rule.level, rule.description)
    });
    let decoder = judged.decoder.as_ref().map_or("no decoder", |(name, _)| name.as_str());
    let fields: Vec<String> = judged.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
    testudo_redact::printable(&format!("{line}: {rule}; {decoder}{fields}")) + "\n"
}
