//! What comes next, by what the entries say: one function without any effect, so that going on after a crash and going on
//! without one are the same.

use testudo_ledger::ReleaseState;

use crate::{
    Pipeline, Stage, Standing, Work,
    history::{RECHECK, ROLLBACK},
};

/// The next thing to do.
#[derive(Debug, Clone)]
pub enum Move<'p> {
    /// Run a stage: which attempt.
    Run(&'p Stage, u32),
    /// The deployment was cut off: ask what is in service, and decide by that.
    Settle(&'p Stage, u32),
    /// Go back to the known good version: which attempt. From the second on, ask first what is in service.
    Back(u32),
    /// Check the known good version after the way back.
    Recheck(u32),
    /// Write down that it is over.
    End(ReleaseState, String),
    /// It is over.
    Over,
}

/// The next thing to do.
///
/// # Errors
/// The entries name a stage that the pipeline does not have.
pub fn decide<'p>(standing: &Standing, pipeline: &'p Pipeline) -> Result<Move<'p>, String> {
    if standing.ended.is_some() {
        return Ok(Move::Over);
    }
    let open = standing.open.as_ref().filter(|open| !matches!(open.stage.as_str(), ROLLBACK | RECHECK));
    if let (Some(open), None) = (open, &standing.aborted) {
        let stage = pipeline
            .stage(&open.stage)
            .ok_or_else(|| format!("stage `{}` was begun, and the configuration has no such stage", open.stage))?;
        return Ok(match stage.work {
            Work::Deploy(_) => Move::Settle(stage, open.attempt),
            _ => Move::Run(stage, open.attempt + 1),
        });
    }
    let stopped = standing.failed.is_some() || standing.aborted.is_some();
    // A return that was stopped before it began leaves everything as it is.
    if standing.is_return && standing.aborted.is_some() && standing.attempts(ROLLBACK) == 0 {
        return Ok(Move::End(ReleaseState::Rejected, cause(standing)));
    }
    if standing.is_return || standing.touched && stopped {
        return Ok(way_back(standing, pipeline));
    }
    if stopped {
        return Ok(Move::End(ReleaseState::Rejected, cause(standing)));
    }
    let next = pipeline.stages.iter().find(|stage| !standing.done.contains_key(&stage.id));
    Ok(match next {
        Some(stage) => Move::Run(stage, standing.attempts(&stage.id) + 1),
        None => Move::End(ReleaseState::Promoted, "every stage passed".to_owned()),
    })
}

fn way_back<'p>(standing: &Standing, pipeline: &Pipeline) -> Move<'p> {
    let Some(target) = standing.target() else {
        let why = format!("{}; no version was ever promoted, so there is nothing to go back to", cause(standing));
        return Move::End(ReleaseState::RollbackFailed, why);
    };
    match standing.back {
        None => Move::Back(standing.attempts(ROLLBACK) + 1),
        Some(false) => Move::End(ReleaseState::RollbackFailed, cause(standing)),
        Some(true) => match standing.done.get(RECHECK) {
            None if pipeline.checks().next().is_some() => Move::Recheck(standing.attempts(RECHECK) + 1),
            Some(outcome) if !outcome.passed => {
                let why = format!("{}; {target} is in service again, and fails its own checks today", cause(standing));
                // Nobody asked for a version that fails; of a release that failed, the way back itself arrived.
                let state = if standing.is_return { ReleaseState::RollbackFailed } else { ReleaseState::RolledBack };
                Move::End(state, why)
            }
            _ => Move::End(ReleaseState::RolledBack, cause(standing)),
        },
    }
}

/// Why the release does not go on.
fn cause(standing: &Standing) -> String {
    match (&standing.failed, &standing.aborted) {
        (_, Some(reason)) if reason.is_empty() => "it was aborted".to_owned(),
        (_, Some(reason)) => format!("it was aborted: {reason}"),
        (Some((stage, reason)), None) => format!("{stage}: {reason}"),
        (None, None) => format!("back to {}", standing.version),
    }
}
