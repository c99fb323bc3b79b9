//! The Top Ten as ten rows: which controls answer to a row, and whether anything was executed that shows it.

use serde::Serialize;

use crate::{
    evidence::{Judged, Judgement, Outcome, Status},
    framework,
    matrix::{EDITIONS, Edition},
    nouns::{Kind, Plan},
};

/// The rows of one edition.
#[derive(Debug, Clone, Serialize)]
pub struct Matrix<'p> {
    /// Its year.
    pub edition: &'static str,
    /// A01 to A10.
    pub rows: Vec<Row<'p>>,
}

/// One row.
#[derive(Debug, Clone, Serialize)]
pub struct Row<'p> {
    /// `A01` to `A10`.
    pub id: String,
    /// What it is about, in our words.
    pub title: &'static str,
    /// What came of it.
    pub status: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Controls that answer to it, those of the row with the same subject in the other edition among them.
    pub controls: Vec<&'p str>,
    /// Pieces of evidence from scans that were seen.
    #[serde(rename = "static")]
    pub scanned: usize,
    /// Pieces of evidence from tests and checks of what runs that were seen.
    pub dynamic: usize,
}

/// Both editions. A row without executed evidence is missing, whatever was attested.
pub(super) fn matrices<'p>(plan: &'p Plan, judgement: &Judgement<'p>) -> Vec<Matrix<'p>> {
    let mut answers: [[Vec<&Judged<'p>>; 10]; 2] = Default::default();
    for (control, judged) in plan.controls.iter().zip(&judgement.controls) {
        for row in control.refs.iter().filter_map(|word| framework::reference(plan, word).ok().flatten()) {
            let twin = row.edition.same(row.number).map(|number| (other(row.edition), number));
            for (edition, number) in [Some((row.edition, row.number)), twin].into_iter().flatten() {
                let controls = &mut answers[edition as usize][number - 1];
                if !controls.iter().any(|known| known.id == judged.id) {
                    controls.push(judged);
                }
            }
        }
    }
    EDITIONS
        .iter()
        .zip(answers)
        .map(|(edition, rows)| Matrix {
            edition: edition.year(),
            rows: rows.iter().enumerate().map(|(at, controls)| row(*edition, at, controls)).collect(),
        })
        .collect()
}

fn other(edition: Edition) -> Edition {
    match edition {
        Edition::Of2021 => Edition::Of2025,
        Edition::Of2025 => Edition::Of2021,
    }
}

fn row<'p>(edition: Edition, at: usize, controls: &[&Judged<'p>]) -> Row<'p> {
    let evidence = || controls.iter().flat_map(|judged| &judged.evidence);
    let seen = |wanted: Executed| {
        let is = |(e, outcome): &&(&crate::nouns::Evidence, Outcome)| {
            outcome.status == Status::Satisfied && executed(&e.kind) == Some(wanted)
        };
        evidence().filter(is).count()
    };
    let (scanned, dynamic) = (seen(Executed::Scan), seen(Executed::Run));
    let applying =
        controls.iter().map(|judged| judged.outcome.status).filter(|status| *status != Status::NotApplicable);
    let (status, reason) = match applying.max() {
        None if controls.is_empty() => (Status::Missing, "no control answers to it"),
        None => (Status::NotApplicable, "its controls do not apply"),
        Some(worst) if scanned + dynamic == 0 => (worst.max(Status::Missing), "nothing was executed that shows it"),
        Some(worst) => (worst, "the worst of its controls"),
    };
    Row {
        id: format!("A{:02}", at + 1),
        title: edition.titles()[at],
        status: status.as_str(),
        reason,
        controls: controls.iter().map(|judged| judged.id).collect(),
        scanned,
        dynamic,
    }
}

/// How evidence was made by executing something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Executed {
    Scan,
    Run,
}

fn executed(kind: &Kind) -> Option<Executed> {
    match kind {
        Kind::Rule { .. } | Kind::Cwe { .. } => Some(Executed::Scan),
        Kind::Test { .. } | Kind::Config { .. } | Kind::Dast { .. } => Some(Executed::Run),
        Kind::Ledger { .. } | Kind::Attest { .. } => None,
    }
}
