//! The binary `testudo`: arguments to calls to exit code. The only crate that prints.

mod cache;
mod clock;
mod commands;
mod files;
mod gitleaks;
mod progress;
mod record;
mod rules;
mod scan;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Security for every phase of a product's life, in one program.
#[derive(Debug, Parser)]
#[command(name = "testudo", version, about, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Scan files, staged changes, commits or the whole history
    Scan(scan::ScanArgs),
    /// Scan and refuse: exit 1 where findings are at or above the configured threshold
    Gate(scan::ScanArgs),
    /// Bring the reports of other tools under the same gate, owners, baseline and suppressions
    Import(commands::import::ImportArgs),
    /// Write a first configuration and say what to do next
    Init(commands::init::InitArgs),
    /// Record what is known today, or convert the records of other tools
    Baseline(commands::baseline::BaselineArgs),
    /// List, explain, test and validate rules
    Rules(commands::rules::RulesArgs),
    /// Show the configuration that holds, and where each value comes from
    Config(commands::config::ConfigArgs),
    /// Test a running application within agreed bounds
    Probe(commands::probe::ProbeArgs),
    /// Install, remove or run git hooks
    Hook(commands::hook::HookArgs),
    /// Show, check and export what was recorded
    Ledger(commands::ledger::LedgerArgs),
    /// Write, check and report the security plan of a product
    Plan(commands::plan::PlanArgs),
    /// Show where a product stands in each phase of its life, and the one next step
    Status(commands::status::StatusArgs),
    /// Run stages, deploy, check, promote, and go back where a check fails
    Release(commands::release::ReleaseArgs),
    /// Watch a host: logs, files and listening ports; tell what is wrong, and block who attacks
    Agent(testudo_agent::command::AgentArgs),
    /// Run the hub: one place that keeps what scans, releases and agents say, and shows who has to do what
    Hub(commands::hub::HubArgs),
    /// Push a scan, ledgers and the plan of a product to the hub
    Push(commands::push::PushArgs),
    /// Deploy secrets: create, show, change and hand over what is in SOPS files
    Vault(commands::vault::VaultArgs),
    /// Shell completions
    Completions(commands::completions::CompletionsArgs),
    /// Manual pages
    Man(commands::man::ManArgs),
    /// gitleaks' flags, output and exit codes over our engine
    Gitleaks(gitleaks::GitleaksArgs),
}

/// A named target gave nothing to read: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NothingToRead(String);

impl From<anyhow::Error> for NothingToRead {
    fn from(error: anyhow::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

impl From<testudo_source::git::GitError> for NothingToRead {
    fn from(error: testudo_source::git::GitError) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    // A panic in one unit is caught and told as a notice; its text could hold what was scanned.
    std::panic::set_hook(Box::new(|_| {}));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Pipelines that were written for gitleaks rely on what it exits with.
        Err(error) if std::env::args_os().nth(1).is_some_and(|verb| verb == "gitleaks") => {
            return gitleaks::refuse(&error);
        }
        Err(error) => error.exit(),
    };
    let result = match cli.command {
        Command::Scan(args) => scan::run(&args, scan::Asked::Scan),
        Command::Gate(args) => scan::run(&args, scan::Asked::Gate),
        Command::Import(args) => commands::import::run(args),
        Command::Init(args) => commands::init::run(args),
        Command::Baseline(args) => commands::baseline::run(args),
        Command::Rules(args) => commands::rules::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Probe(args) => commands::probe::run(args),
        Command::Hook(args) => commands::hook::run(args),
        Command::Ledger(args) => commands::ledger::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Status(args) => commands::status::run(&args),
        Command::Release(args) => commands::release::run(args),
        Command::Agent(args) => commands::agent::run(args),
        Command::Hub(args) => commands::hub::run(args),
        Command::Push(args) => commands::push::run(&args),
        Command::Vault(args) => commands::vault::run(args),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man(args) => commands::man::run(args),
        Command::Gitleaks(args) => Ok(gitleaks::run(args)),
    };
    result.unwrap_or_else(|error| {
        terminal::failure(&error);
        ExitCode::from(if error.is::<NothingToRead>() { 3 } else { 2 })
    })
}
