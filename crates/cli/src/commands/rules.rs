//! `testudo rules`: what is looked for, why, and whether rules do what they say.

mod cases;
mod explain;
mod list;
mod validate;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};
use testudo_model::RuleInfo;
use testudo_secrets::{embedded, native};

/// List, explain, test and check rules
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  testudo rules list --category cloud
  testudo rules --json
  testudo rules explain aws-access-key-id
  testudo rules test my-rules/
  testudo rules validate .gitleaks.toml

Without a command: list."
)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print a JSON array with the metadata of every rule
    #[arg(long)]
    json: bool,
    /// Only rules of this category, such as cloud, ci, database, payment
    #[arg(long, value_name = "C")]
    category: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List our rules
    List(ListArgs),
    /// Print the documentation of a rule
    Explain {
        /// Id of the rule, or the id that another tool has for it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Run the good and bad cases of rules through the detector; exit 1 where one fails
    #[command(after_help = "Examples:
  testudo rules test
  testudo rules test my-rules/
  testudo rules test my-rules/acme-token.toml

A rule in ID.toml is documented in ID.md beside it. Fenced blocks marked `bad` must give a finding of the rule, blocks
marked `good` must not.")]
    Test {
        /// Rule files, or folders of them [default: our own rules]
        #[arg(value_name = "DIR|FILE")]
        paths: Vec<PathBuf>,
    },
    /// Check rule files of gitleaks, Betterleaks (TOML), Nosey Parker and Kingfisher (YAML); exit 2 where one is wrong
    #[command(after_help = "Examples:
  testudo rules validate .gitleaks.toml
  testudo rules validate rules/*.yml")]
    Validate {
        /// Rule files, told apart by their extension
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

/// Runs the command.
pub(crate) fn run(args: RulesArgs) -> Result<ExitCode> {
    match args.command.unwrap_or(Command::List(args.list)) {
        Command::List(ListArgs { json, category }) => list::run(json.into(), category.as_deref()),
        Command::Explain { id } => explain::run(&id),
        Command::Test { paths } => cases::run(&paths),
        Command::Validate { files } => validate::run(&files),
    }
}

/// One rule of ours, whether it is an expression or code.
struct OwnRule {
    info: RuleInfo,
    category: &'static str,
    /// Documentation and cases, in Markdown.
    document: &'static str,
    /// What `--verify` sends: method and address, and how the value goes along where it does not stand there.
    live: String,
}

/// Every rule of ours, sorted by id.
fn own_rules() -> Vec<OwnRule> {
    let embedded = embedded::all().iter();
    let mut rules: Vec<OwnRule> =
        embedded.map(|r| OwnRule { info: r.info(), category: r.category, document: r.help, live: live(r) }).collect();
    // A rule in code fits any issuer.
    let in_code =
        |r: &native::NativeRule| OwnRule { info: r.info(), category: "generic", document: r.help, live: String::new() };
    rules.extend(native::NATIVE.iter().map(in_code));
    let probe =
        |r: &testudo_probe::Rule| OwnRule { info: r.info(), category: "probe", document: r.help, live: String::new() };
    rules.extend(testudo_probe::RULES.iter().map(probe));
    let agent = |r: testudo_agent::log::OwnRule| OwnRule {
        info: r.info,
        category: "agent",
        document: r.document,
        live: String::new(),
    };
    rules.extend(testudo_agent::log::own_rules().into_iter().map(agent));
    rules.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    rules
}

/// The request of a rule, as its author wrote it.
fn live(rule: &embedded::EmbeddedRule) -> String {
    let Some(request) = rule.rule().verify else { return String::new() };
    let mut parts = vec![format!("{} {}", request.method, request.url)];
    parts.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    parts.extend(request.basic.map(|basic| format!("basic {basic}")));
    parts.join(", ")
}
