//! Work on the repository itself: `cargo xtask COMMAND`.
#![allow(clippy::print_stdout, reason = "a developer's tool prints")]

mod bench;
mod conformance;
mod coverage;
mod hub;
mod instructions;
mod schema;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};

use instructions::Then;

#[derive(Debug, Parser)]
#[command(name = "xtask", about = "Work on the repository itself")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the table of secret types, docs/src/reference/secrets-coverage.md
    Coverage,
    /// Write the JSON Schemas of reports and configuration below docs/
    Schema,
    /// Run a conformance suite that is on disk and write its ratchet
    Conformance {
        /// Name of the suite: gitleaks-config, betterleaks-rules, yaml-rules
        suite: String,
        /// Where the suite is; several times where it has several parts
        #[arg(long, required = true)]
        dir: Vec<PathBuf>,
    },
    /// Measure a hub: start, memory, taking in a large report, each list afterwards
    HubBench {
        /// The program, built with --release
        #[arg(default_value = "target/release/testudo")]
        program: PathBuf,
        /// Findings of the report
        #[arg(short, default_value_t = 100_000)]
        n: usize,
    },
    /// Time whole commands, alone or against a peer's command, in turn; or count the instructions of a fixed set
    Bench {
        /// Pairs of runs
        #[arg(short, default_value_t = 5)]
        n: usize,
        /// The peer's command, as one string
        #[arg(long, conflicts_with = "instructions")]
        peer: Option<String>,
        /// Count instructions, and compare with conformance/instructions.tsv
        #[arg(long, conflicts_with = "command")]
        instructions: bool,
        /// Write conformance/instructions.tsv
        #[arg(long, requires = "instructions")]
        write: bool,
        /// What counts instructions
        #[arg(long, value_enum, default_value = "valgrind")]
        counter: instructions::Counter,
        /// Our command
        #[arg(required_unless_present = "instructions", trailing_var_arg = true)]
        command: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Coverage => coverage::write(),
        Command::Schema => schema::write(),
        Command::Conformance { suite, dir } => conformance::write(&suite, &dir),
        Command::HubBench { program, n } => hub::bench(&program, n),
        Command::Bench { instructions: true, write, counter, .. } => {
            instructions::run(counter, if write { Then::Write } else { Then::Compare })
        }
        Command::Bench { n, peer, command, .. } => bench::run(n, peer.as_deref(), &command),
    }
}

/// Root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
