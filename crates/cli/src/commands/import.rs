//! `testudo import`: findings of other tools, from their reports, as if a scan had made them.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use clap::{Args, ValueHint};

use crate::scan::{self, ScanArgs, VerdictArgs, View};

const EXAMPLES: &str = "\
Examples:
  testudo import semgrep.json                        show what Semgrep found
  testudo import *.sarif --fail-on high              fail on findings of any tool, with 1
  testudo import gitleaks=leaks.json                 say the format, where an empty list does not
  testudo import trivy.json --baseline testudo.baseline --output html=report.html
  checkov -d . -o json | testudo import -            read standard input
  testudo scan . --with semgrep.json --with bom.json beside what testudo finds itself

Formats, told by the content: checkov, cyclonedx, gitleaks, junit, sarif, semgrep, trivy, zizmor

Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage or configuration, 3 a report cannot be read, 4 incomplete";

/// Bring the reports of other tools under the same gate, owners, baseline and suppressions
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("diff", |arg| arg.hide(true)),
    mut_arg("show_secrets", |arg| arg.hide(true)),
    mut_arg("yes", |arg| arg.hide(true))
)]
pub(crate) struct ImportArgs {
    /// Reports: FILE, or FORMAT=FILE to name the format; `-` for standard input
    #[arg(value_name = "REPORT", required = true, value_hint = ValueHint::FilePath)]
    reports: Vec<String>,
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    #[command(flatten)]
    view: View,
    #[command(flatten)]
    verdict: VerdictArgs,
}

/// Runs the command.
pub(crate) fn run(args: ImportArgs) -> Result<ExitCode> {
    if args.verdict.diff.is_some() {
        bail!("--diff compares two scans, and a report is one; accept what is old with --baseline");
    }
    if args.view.show_secrets {
        bail!("--show-secrets has nothing to show: secrets of reports are not kept");
    }
    let mut scan = ScanArgs::of_reports(args.reports);
    scan.view = args.view;
    scan.verdict = args.verdict;
    scan.config = args.config;
    scan::import(&scan)
}
