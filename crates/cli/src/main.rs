//! The binary `testudo`: arguments to calls to exit code. The only crate that prints.

mod files;
mod gitleaks;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "testudo", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// gitleaks' flags, output and exit codes over our engine
    Gitleaks(gitleaks::GitleaksArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Gitleaks(args) => gitleaks::run(args),
    }
}
