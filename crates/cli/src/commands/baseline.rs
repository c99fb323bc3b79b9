//! `testudo baseline`: accept what is there today, or what another tool's files accepted.

mod foreign;
mod import;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Args, Subcommand, ValueHint};
use testudo_model::{CoverageState, Finding, SuppressionKind};
use testudo_policy::{EntryKey, Gate, IgnoreFile, Reference, baseline};

use super::scanning;
use crate::{
    scan::{self, Collected},
    terminal,
};

/// The file that a baseline is written to, in the root of the project.
pub(super) const FILE_NAME: &str = "testudo.baseline";

/// Write a baseline, or take over the accepted findings of another tool
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo baseline create
  testudo scan . --baseline testudo.baseline --fail-on high
  testudo baseline import .gitleaksignore .secrets.baseline
  testudo baseline import --history gitleaks-report.json")]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Accept every finding that counts now; an existing baseline is written again
    Create(CreateArgs),
    /// Turn .gitleaksignore, .betterleaksignore, gitleaks reports and .secrets.baseline into entries by value
    Import(import::ImportArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The file [default: testudo.baseline in the root of the project]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// What is scanned; the baseline holds nothing else [default: .]
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    targets: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: BaselineArgs) -> Result<ExitCode> {
    match args.command {
        Command::Create(args) => create(args),
        Command::Import(args) => import::run(args),
    }
}

fn create(args: CreateArgs) -> Result<ExitCode> {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(config) = args.config {
        words.extend(["--config".into(), config.into()]);
    }
    words.push("--".into());
    words.extend(args.targets.into_iter().map(OsString::from));
    let collected = scan::collect(&scanning::arguments(words)?)?;
    let path = args.output.unwrap_or_else(|| collected.root.join(FILE_NAME));
    write(&collected, &path)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the baseline of a scan, and says what became of an earlier one.
pub(super) fn write(collected: &Collected, path: &Path) -> Result<()> {
    let shown = path.display().to_string();
    let before = IgnoreFile::load(path, &shown)?.map(|(file, _)| file).unwrap_or_default();
    let gate = Gate::new(&collected.effective.config, Reference::None);
    let findings: Vec<Finding> = scanning::counted(collected, &gate).cloned().map(reopen).collect();
    let file = baseline::create(&findings);
    let ledger = &collected.effective.config.ledger;
    crate::record::triage(&collected.root, ledger, ("baseline create", path), (&before, &file))?;
    file.save(path)?;
    let (added, gone) = (missing_in(&before, &file), missing_in(&file, &before));
    terminal::stdout(&format!("{shown}: {} accepted ({added} new, {gone} gone)\n", file.entries().len()))?;
    if collected.report.coverage.iter().any(|c| c.state != CoverageState::Complete) {
        terminal::warn(
            "not everything could be looked at, so the baseline does not hold everything: run `testudo scan` to see why",
        );
    }
    Ok(())
}

/// How many keys of `wanted` a file does not have.
fn missing_in(file: &IgnoreFile, wanted: &IgnoreFile) -> usize {
    let keys: BTreeSet<&EntryKey> = file.entries().iter().map(|entry| &entry.key).collect();
    wanted.entries().iter().filter(|entry| !keys.contains(&entry.key)).count()
}

/// A finding that the earlier baseline accepted is accepted again. What is suppressed otherwise keeps its own reason.
fn reopen(finding: Finding) -> Finding {
    let suppressed = finding.suppressed.clone().filter(|s| s.kind != SuppressionKind::Baseline);
    Finding { suppressed, ..finding }
}
