//! `hook run`: scans what is about to be recorded or accepted, and says no where the gate does.

use std::{io::Read as _, path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use testudo_model::ScanReport;
use testudo_policy::{Outcome, Verdict};
use testudo_report::{Format, Options, Verbosity, VerdictLine};
use testudo_source::git::{ReadLimits, Repository};

use super::{Hook, bypass, updates};
use crate::{
    commands::scanning,
    scan::{self, Collected},
    terminal,
};

/// git runs hooks in the work tree's root, or in the repository itself on a server.
const HERE: &str = ".";

/// Longest text that git gives a hook, in bytes; far more references than a push has.
const MAX_INPUT: u64 = 64 << 20;

/// Runs a hook.
pub(super) fn run(hook: Hook) -> Result<ExitCode> {
    match (check(hook), bypass::reason(hook)) {
        (Ok(None), _) => Ok(ExitCode::SUCCESS),
        (Ok(Some(verdict)), None) => {
            terminal::note("take each secret out, revoke it where it was real, and try again");
            terminal::note(&bypass::advice(hook));
            Ok(ExitCode::from(verdict.exit_code()))
        }
        (Ok(Some(verdict)), Some(reason)) => {
            tell_bypass(hook, &reason);
            verdict.reasons.iter().for_each(|why| terminal::warn(&format!("bypassed: {why}")));
            Ok(ExitCode::SUCCESS)
        }
        (Err(error), Some(reason)) => {
            tell_bypass(hook, &reason);
            terminal::warn(&format!("bypassed: nothing was looked at: {error:#}"));
            Ok(ExitCode::SUCCESS)
        }
        (Err(error), None) => Err(error),
    }
}

fn tell_bypass(hook: Hook, reason: &str) {
    terminal::warn(&format!("{} was bypassed, reason given: {}", hook.name(), reason.escape_debug()));
}

/// Scans, shows, and gives the verdict where it is not a pass.
fn check(hook: Hook) -> Result<Option<Verdict>> {
    let Some(words) = wanted(hook)? else { return Ok(None) };
    let collected = scan::collect(&scanning::arguments(words)?)?;
    let verdict = scanning::gate_of_changes(&collected).judge(&collected.report, &collected.hidden);
    show(&collected, &verdict)?;
    Ok((verdict.outcome != Outcome::Passed).then_some(verdict))
}

/// The flags of the scan; none where nothing is to be looked at.
fn wanted(hook: Hook) -> Result<Option<Vec<String>>> {
    if hook == Hook::PreCommit {
        return Ok(Some(vec!["--staged".to_owned()]));
    }
    let mut text = String::new();
    let input = std::io::stdin().lock();
    input
        .take(MAX_INPUT)
        .read_to_string(&mut text)
        .context("standard input: git's list of references cannot be read")?;
    let updates = updates::read(hook, &text)?;
    let repository = Repository::discover(Path::new(HERE), ReadLimits::default())?;
    Ok(updates::range(hook, &updates, &repository).map(|range| vec![format!("--range={range}")]))
}

/// Shows all that counts. A hook with nothing to say says nothing.
fn show(collected: &Collected, verdict: &Verdict) -> Result<()> {
    let gate = scanning::gate_of_changes(collected);
    let findings: Vec<_> = scanning::counted(collected, &gate).filter(|f| f.suppressed.is_none()).cloned().collect();
    if findings.is_empty() && verdict.outcome == Outcome::Passed {
        return Ok(());
    }
    let report = ScanReport { findings, ..collected.report.clone() };
    let outcome = match verdict.outcome {
        Outcome::Passed => testudo_report::Outcome::Passed,
        Outcome::Failed => testudo_report::Outcome::Failed,
        Outcome::Incomplete => testudo_report::Outcome::Incomplete,
    };
    let options = Options {
        color: terminal::stdout_color(collected.effective.config.output.color),
        width: terminal::width(),
        verbosity: Verbosity::Normal,
        verdict: Some(VerdictLine { outcome, reasons: verdict.reasons.clone() }),
    };
    let mut text = Vec::new();
    testudo_report::write(&report, Format::Terminal, &options, &mut text)?;
    terminal::stdout(&String::from_utf8_lossy(&text))?;
    Ok(())
}
