//! `testudo scan`: arguments and configuration to sources and detectors, and their results to one report. `testudo import`
//! is the same without detectors.

mod args;
mod collect;
mod files;
mod history;
mod imports;
mod memory;
mod present;
mod repository;
mod verify;

use std::process::ExitCode;

use anyhow::Result;

pub(crate) use args::{ScanArgs, VerdictArgs, View};
pub(crate) use collect::{Collected, collect, configuration, rules};
pub(crate) use imports::{Imports, file as report_file};

/// Whether a verdict was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `scan`: findings are shown; `--fail-on` and `--strict` ask for a verdict.
    Scan,
    /// `gate`: the configured threshold decides.
    Gate,
}

/// Runs `scan` or `gate`.
pub(crate) fn run(args: &ScanArgs, asked: Asked) -> Result<ExitCode> {
    present::check(args)?;
    let collected = collect(args)?;
    present::finish(args, asked, &collected)
}

/// Takes what a probe found through the same policy, gate and reports as a scan.
pub(crate) fn probed(args: &ScanArgs, target: &str, probe: impl FnOnce() -> Result<Imports>) -> Result<ExitCode> {
    present::check(args)?;
    let collected = collect::probed(args, target, probe)?;
    present::finish(args, Asked::Scan, &collected)
}

/// Reads reports of other tools, which are the arguments' `--with`, and scans nothing.
pub(crate) fn import(args: &ScanArgs) -> Result<ExitCode> {
    present::check(args)?;
    let collected = collect::import(args)?;
    present::finish(args, Asked::Scan, &collected)
}
