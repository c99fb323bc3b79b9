//! How other commands ask for a scan, and which of its findings a gate would count.

use std::ffi::OsString;

use anyhow::Result;
use clap::Parser;
use testudo_model::Finding;
use testudo_policy::{Gate, Reference};

use crate::scan::{Collected, ScanArgs};

/// A command line that holds nothing but the arguments of a scan.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    scan: ScanArgs,
}

/// The arguments of a scan from words, read as the command line reads them: one meaning for both.
pub(crate) fn arguments<W: Into<OsString> + Clone>(words: impl IntoIterator<Item = W>) -> Result<ScanArgs> {
    let words = words.into_iter().map(Into::into);
    Ok(Line::try_parse_from(std::iter::once(OsString::from("testudo scan")).chain(words))?.scan)
}

/// The gate of a scan that looked at changes only. What it found is new, so nothing else has to say what is old.
pub(super) fn gate_of_changes(collected: &Collected) -> Gate {
    Gate::new(&collected.effective.config, Reference::Given)
}

/// What is shown, and what only the gate sees because the view hides its severity. In the order of the report.
pub(super) fn counted<'a>(collected: &'a Collected, gate: &'a Gate) -> impl Iterator<Item = &'a Finding> {
    let stands_against = |finding: &&Finding| {
        gate.fail_on.is_some_and(|limit| finding.severity >= limit)
            && finding.confidence >= gate.confidence
            && finding.persona <= gate.persona
    };
    collected.report.findings.iter().chain(collected.hidden.iter().filter(stands_against))
}
