//! Writes a scan report in each output format.
//!
//! A format is one file that turns a [`ScanReport`] into bytes, and nothing
//! else: it reads no file, no environment and no clock, so the same report gives
//! the same bytes everywhere (`tests/only_the_report.rs` holds that). Texts of a
//! report come from the repositories that were scanned and are hostile until
//! escaped; `escape.rs` has the one function for each target language.

mod csv;
mod escape;
mod format;
mod github;
mod gitlab_codequality;
mod gitlab_secrets;
mod html;
mod json;
mod junit;
mod markdown;
mod options;
#[cfg(test)]
mod sample;
mod sarif;
mod terminal;
mod unique;
mod wording;

use std::io::{self, BufWriter, Write};

use testudo_model::ScanReport;

pub use escape::{markdown, markdown_code, markup, markup_lines, visible_lines};
pub use format::{Format, UnknownFormat};
pub use html::style_source;
pub use json::{write_compact, write_pretty};
pub use options::{Color, Options, Outcome, Verbosity, VerdictLine};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The output refused the bytes.
    #[error("the {format} report could not be written: {source}; check that its target still exists and has room")]
    Write {
        /// The format that was being written.
        format: Format,
        /// What the output said.
        source: io::Error,
    },
    /// The report's start time is not RFC 3339, which this format cannot do without.
    #[error(
        "the {format} report needs the start of the scan as RFC 3339 in UTC (2026-01-31T12:00:00Z), but `started` is `{found}`; fix the program that made the scan report"
    )]
    StartTime {
        /// The format that was being written.
        format: Format,
        /// What `started` holds.
        found: String,
    },
}

/// Writes `report` to `out` as `format`, whole, and flushes.
///
/// The output is buffered here; `out` needs no buffer of its own.
///
/// # Errors
/// [`ReportError::Write`] where `out` fails, [`ReportError::StartTime`] where
/// GitLab's secret report is asked for and `report.started` is no time.
pub fn write(report: &ScanReport, format: Format, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    let written = match format {
        Format::Terminal => terminal::write(report, options, &mut out),
        Format::Json => json::write_document(report, &mut out),
        Format::Jsonl => json::write_lines(report, &mut out),
        Format::Sarif => sarif::write(report, &mut out),
        Format::Junit => junit::write(report, &mut out),
        Format::GitlabCodequality => gitlab_codequality::write(report, &mut out),
        Format::GitlabSecrets => {
            let no_time = || ReportError::StartTime { format, found: report.started.clone() };
            gitlab_secrets::write(report, wording::start_second(report).ok_or_else(no_time)?, &mut out)
        }
        Format::Github => github::write(report, &mut out),
        Format::Markdown => markdown::write(report, options, &mut out),
        Format::Csv => csv::write(report, &mut out),
        Format::Html => html::write(report, options, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(|source| ReportError::Write { format, source })
}

#[cfg(test)]
mod tests;
