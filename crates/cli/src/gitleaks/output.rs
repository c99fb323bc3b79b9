//! How the front reports: the listing, the report file, the last words and the exit code.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use testudo_secrets::gitleaks::{
    CompatFinding, csv, json, junit, sarif,
    template::{Template, Values},
};

use super::{Ended, FAILED, Front, arguments::Flags, block};

/// A report format.
enum Format {
    Json,
    Csv,
    Junit,
    Sarif,
    Template(Box<Template>),
}

/// Where the report goes, and what it is like.
pub(super) struct Report {
    /// None where no report is wanted.
    file: Option<(String, Format)>,
    /// Ids and descriptions of the rules.
    rules: Vec<(String, String)>,
}

impl Report {
    /// Reads the flags, before anything is scanned.
    ///
    /// # Errors
    /// The format is unknown, the template cannot be read, or the folder of the report is not there.
    pub(super) fn new(flags: &Flags, rules: Vec<(String, String)>) -> Result<Self> {
        let Some(path) = flags.report_path.clone().filter(|path| !path.is_empty()) else {
            return Ok(Self { file: None, rules });
        };
        let folder = Path::new(&path).parent().filter(|folder| !folder.as_os_str().is_empty());
        if path != "-" && folder.is_some_and(|folder| !folder.is_dir()) {
            bail!("{path}: the report cannot be written there: the folder does not exist");
        }
        let format = format(flags, &path)?;
        Ok(Self { file: Some((path, format)), rules })
    }

    /// Writes the report and says how it went.
    pub(super) fn finish(&self, findings: &[CompatFinding], front: &Front, ended: Ended) -> Result<ExitCode> {
        if front.flags.verbose {
            // A closed pipe ends the listing, not the scan.
            drop(crate::terminal::stdout_bytes(&block::all(findings, front.flags.no_color)));
        }
        let leaks = findings.len();
        let told = match (&ended, leaks) {
            (Ended::Whole, 0) => "no leaks found".to_owned(),
            (Ended::Whole, _) => format!("leaks found: {leaks}"),
            (Ended::Early(_), 0) => "no leaks found in partial scan".to_owned(),
            (Ended::Early(_), _) => format!("{leaks} leaks found in partial scan"),
        };
        if let Ended::Early(why) = &ended {
            // Why the program fails is told at any level.
            crate::terminal::error(why);
        }
        if leaks == 0 && matches!(ended, Ended::Whole) {
            front.log.info(&told)
        } else {
            front.log.warn(&told)
        }
        if let Some((path, format)) = &self.file {
            let text = self.render(findings, format)?;
            if path == "-" {
                crate::terminal::stdout(&text)?;
            } else {
                crate::files::write_private(Path::new(path), text.as_bytes())?;
            }
        }
        Ok(match (ended, leaks) {
            (Ended::Early(_), _) => ExitCode::from(FAILED),
            (Ended::Whole, 0) => ExitCode::SUCCESS,
            // The system keeps the low eight bits of what a program exits with.
            (Ended::Whole, _) => ExitCode::from(front.flags.exit_code.rem_euclid(256) as u8),
        })
    }

    fn render(&self, findings: &[CompatFinding], format: &Format) -> Result<String> {
        Ok(match format {
            Format::Json => json(findings),
            Format::Csv => csv(findings),
            Format::Junit => junit(findings),
            Format::Sarif => sarif(findings, &self.rules),
            Format::Template(template) => {
                let now = i64::try_from(crate::clock::seconds()).unwrap_or(i64::MAX);
                template.render(&Values::of(findings, now))?
            }
        })
    }
}

fn format(flags: &Flags, path: &str) -> Result<Format> {
    let template = flags.report_template.as_deref().filter(|path| !path.is_empty());
    let given = flags.report_format.as_deref().filter(|format| !format.is_empty());
    let name = match given {
        Some(format) => format.to_owned(),
        None => match Path::new(path).extension().map(|e| e.to_string_lossy().to_lowercase()) {
            Some(known) if ["csv", "json", "sarif"].contains(&known.as_str()) => known,
            _ => bail!("{path}: the name does not tell the report format; give one with --report-format"),
        },
    };
    let format = match name.to_lowercase().trim() {
        "json" => Format::Json,
        "csv" => Format::Csv,
        "junit" => Format::Junit,
        "sarif" => Format::Sarif,
        "template" => {
            let file = template.context("--report-format template needs a file with --report-template")?;
            let text = crate::files::read_text(file)?;
            Format::Template(Box::new(Template::parse(file, &text)?))
        }
        _ => bail!("unknown report format `{name}` (expected json, csv, junit, sarif or template)"),
    };
    if template.is_some() && name != "template" {
        bail!("--report-template needs `--report-format template`, and not `{name}`");
    }
    Ok(format)
}
