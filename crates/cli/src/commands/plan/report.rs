//! `testudo plan report`, and `check --evidence`: the plan joined with what was recorded.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use testudo_plan::{
    evidence::{Judged, Judgement, Status},
    report::{About, Document, Format},
};

use super::{ReportArgs, facts::Facts, load::Loaded, sound};
use crate::{files, terminal};

/// From which status on a command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Something shows that it does not hold.
    Failing,
    /// Nothing shows it.
    Missing,
    /// It was shown, too long ago.
    Stale,
    /// It is not shown, and that was accepted.
    Waived,
    /// Never.
    Never,
}

impl FailOn {
    fn refuses(self, status: Status) -> bool {
        match self {
            Self::Failing => status >= Status::Failing,
            Self::Missing => status >= Status::Missing,
            Self::Stale => status >= Status::Stale,
            Self::Waived => status >= Status::Waived,
            Self::Never => false,
        }
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Markdown.
    Markdown,
    /// One page that loads nothing.
    Html,
    /// One JSON document.
    Json,
}

pub(super) fn run(args: &ReportArgs) -> Result<ExitCode> {
    let Some(loaded) = sound(&args.which)? else { return Ok(ExitCode::from(2)) };
    let facts = Facts::gather(&args.asked, &loaded)?;
    let judgement = facts.judge(&loaded);
    let about = About { today: facts.today, commit: facts.commit.as_deref(), refused: &facts.refused };
    let format = match args.format {
        Form::Markdown => Format::Markdown,
        Form::Html => Format::Html,
        Form::Json => Format::Json,
    };
    if let Some(path) = &args.output {
        loaded.spare(path)?;
    }
    let text = Document::new(&loaded.plan, &judgement, about).write(format);
    match &args.output {
        Some(path) => files::write_private(path, text.as_bytes())?,
        None => terminal::stdout(&text)?,
    }
    let due = match args.fail_on {
        FailOn::Never => Vec::new(),
        _ => testudo_plan::check::due(&loaded.plan, facts.today),
    };
    if !due.is_empty() {
        terminal::note(&format!("{} days of the plan have passed; `testudo plan check` says which", due.len()));
    }
    Ok(ExitCode::from(u8::from(!due.is_empty() || refused(&judgement, args.fail_on).next().is_some())))
}

/// Controls and checks at or above a status.
fn refused<'a, 'p>(judgement: &'a Judgement<'p>, fail_on: FailOn) -> impl Iterator<Item = &'a Judged<'p>> {
    let all = judgement.controls.iter().chain(&judgement.checks);
    all.filter(move |judged| fail_on.refuses(judged.outcome.status))
}

/// Prints what is stale or worse; how many that are.
pub(super) fn check(loaded: &Loaded, facts: &Facts) -> Result<usize> {
    let judgement = facts.judge(loaded);
    let (mut text, mut number) = (String::new(), 0);
    for judged in refused(&judgement, FailOn::Stale) {
        number += 1;
        text += &format!("{} {}\n", judged.outcome.status, judged.id);
        for (_, outcome) in judged.evidence.iter().filter(|(_, outcome)| outcome.status > Status::Waived) {
            text += &format!("  {}: {}\n", outcome.status, outcome.reasons.join("; "));
        }
        text.extend(judged.outcome.reasons.iter().map(|reason| format!("  {reason}\n")));
    }
    terminal::stdout(&testudo_report::visible_lines(&text))?;
    Ok(number)
}
