//! What `scan` and `gate` show, and what they exit with.

use std::{io::IsTerminal as _, path::Path, process::ExitCode};

use anyhow::{Result, bail};
use testudo_policy::{Gate, Outcome, Reference, Verdict};
use testudo_report::{Color, Format, Options, Verbosity, VerdictLine};

use super::{Asked, Collected, ScanArgs};
use crate::{files, terminal};

/// Refuses what cannot be done before anything is scanned.
pub(super) fn check(args: &ScanArgs) -> Result<()> {
    let view = &args.view;
    if view.show_secrets && !view.yes && !std::io::stdout().is_terminal() {
        bail!(
            "--show-secrets writes secrets in clear text to something that is no terminal; add --yes if that is what you want"
        );
    }
    for output in &view.output {
        split(output)?;
    }
    Ok(())
}

/// `FORMAT=FILE`, or a file whose extension says the format.
fn split(output: &str) -> Result<(Format, &str)> {
    if let Some((format, file)) = output.split_once('=') {
        return Ok((format.parse()?, file));
    }
    match Format::from_path(Path::new(output)) {
        Some(format) => Ok((format, output)),
        None => bail!("--output {output}: the extension names no format; write FORMAT=FILE, such as sarif={output}"),
    }
}

/// Writes the reports and decides the exit code.
pub(super) fn finish(args: &ScanArgs, asked: Asked, collected: &Collected) -> Result<ExitCode> {
    let config = &collected.effective.config;
    let verdict = verdict(args, asked, collected);
    // Before anything is shown: a verdict that was to be recorded and was not is none.
    crate::record::scan(args, collected, verdict.as_ref())?;
    let line = verdict.as_ref().map(|v| VerdictLine { outcome: shown(v.outcome), reasons: v.reasons.clone() });
    let verbosity = match (args.view.quiet, args.view.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let color = terminal::stdout_color(config.output.color);
    let options = Options { color, width: terminal::width(), verbosity, verdict: line };
    for output in &args.view.output {
        let (format, file) = split(output)?;
        let mut bytes = Vec::new();
        testudo_report::write(
            &collected.report,
            format,
            &Options { color: Color::Never, ..options.clone() },
            &mut bytes,
        )?;
        files::write_private(Path::new(file), &bytes)?;
    }
    let format: Format = config.output.format.parse()?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match testudo_report::write(&collected.report, format, &options, &mut out) {
        // Somebody who closed the pipe has seen enough; the exit code still says what was found.
        Err(testudo_report::ReportError::Write { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => {}
        result => result?,
    }
    // Nothing scanned is never clean; only an empty change has nothing to refuse.
    let nothing = collected.report.coverage.iter().all(|c| c.units == 0);
    if nothing && !args.what.staged && args.what.range.is_none() {
        return Ok(ExitCode::from(3));
    }
    Ok(exit(verdict.as_ref()))
}

fn exit(verdict: Option<&Verdict>) -> ExitCode {
    verdict.map_or(ExitCode::SUCCESS, |v| ExitCode::from(v.exit_code()))
}

fn verdict(args: &ScanArgs, asked: Asked, collected: &Collected) -> Option<Verdict> {
    let wanted = asked == Asked::Gate || args.verdict.fail_on.is_some() || args.verdict.strict;
    let given =
        args.verdict.baseline.is_some() || args.verdict.diff.is_some() || args.what.staged || args.what.range.is_some();
    let reference = if given { Reference::Given } else { Reference::None };
    // An empty change set has nothing to refuse.
    let empty_change =
        collected.report.coverage.iter().all(|c| c.units == 0) && (args.what.staged || args.what.range.is_some());
    // Nothing scanned is neither passed nor failed: the exit code says so.
    let nothing = collected.report.coverage.iter().all(|c| c.units == 0);
    if empty_change || nothing {
        return None;
    }
    wanted.then(|| Gate::new(&collected.effective.config, reference).judge(&collected.report, &collected.hidden))
}

fn shown(outcome: Outcome) -> testudo_report::Outcome {
    match outcome {
        Outcome::Passed => testudo_report::Outcome::Passed,
        Outcome::Failed => testudo_report::Outcome::Failed,
        Outcome::Incomplete => testudo_report::Outcome::Incomplete,
    }
}
