//! `testudo scan`: arguments and configuration to sources and detectors, and their results to one report.

mod args;
mod collect;
mod files;
mod history;
mod memory;
mod present;
mod repository;
mod verify;

use std::process::ExitCode;

use anyhow::Result;

pub(crate) use args::ScanArgs;
pub(crate) use collect::{Collected, collect, configuration, rules};

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
