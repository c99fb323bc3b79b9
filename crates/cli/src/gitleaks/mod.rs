//! `testudo gitleaks`: gitleaks' flags, output fields and exit codes over our engine.

mod arguments;
mod config;
mod directory;
mod history;
mod output;
mod worktree;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use testudo_secrets::{
    engine::Workspace,
    gitleaks::{CompatFinding, Fragment, Scanner, Settings},
};

pub(crate) use arguments::GitleaksArgs;
use arguments::{Command, Flags};
pub(crate) use config::Disk;

/// Runs the front. gitleaks exits with 1 on its own errors and with `--exit-code` on findings.
pub(crate) fn run(args: GitleaksArgs) -> ExitCode {
    match execute(args) {
        Ok(code) => code,
        Err(error) => {
            crate::terminal::error(&format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

fn execute(args: GitleaksArgs) -> Result<ExitCode> {
    let (flags, command) = (args.flags, args.command.modern());
    if matches!(command, Command::Version) {
        crate::terminal::stdout("8.30.1\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    for (set, flag) in [(flags.max_archive_depth > 0, "--max-archive-depth"), (flags.timeout > 0, "--timeout")] {
        if set {
            crate::terminal::warn(&format!(
                "{flag} has no effect here: archives stay closed, and the scan runs to its end"
            ));
        }
    }
    let source = command.source();
    let rules = config::load(&flags, &source)?;
    let settings = Settings {
        max_decode_depth: flags.max_decode_depth,
        allow_comments: !flags.ignore_gitleaks_allow,
        max_target_megabytes: flags.max_target_megabytes,
    };
    let rule_names: Vec<(String, String)> =
        rules.rules.iter().map(|r| (r.info.id.clone(), r.info.title.clone())).collect();
    let scanner = Scanner::new(rules, settings).map_err(anyhow::Error::msg)?;
    let mut findings = match &command {
        Command::Dir { .. } => directory::scan(&scanner, &source, &flags)?,
        Command::Stdin => stdin(&scanner)?,
        Command::Git { staged, pre_commit, log_opts, .. } => {
            let scope = match log_opts {
                _ if *staged => history::Scope::Staged,
                _ if *pre_commit => history::Scope::Unstaged,
                Some(options) => history::Scope::from_options(options)?,
                None => history::Scope::All,
            };
            history::scan(&scanner, &source, &scope, &flags)?
        }
        Command::Detect { .. } | Command::Protect { .. } | Command::Version => Vec::new(),
    };
    findings.sort_by(|a, b| {
        (&a.file, &a.commit, a.start_line, a.start_column, &a.rule).cmp(&(
            &b.file,
            &b.commit,
            b.start_line,
            b.start_column,
            &b.rule,
        ))
    });
    output::filter(&mut findings, &flags, &source)?;
    output::finish(findings, &flags, &rule_names)
}

fn stdin(scanner: &Scanner) -> Result<Vec<CompatFinding>> {
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut text).context("standard input")?;
    let mut workspace = Workspace::default();
    Ok(scanner.detect(&Fragment { text: &text, path: "", commit: "", start_line: 1 }, &mut workspace))
}

impl Flags {
    fn threads(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}
