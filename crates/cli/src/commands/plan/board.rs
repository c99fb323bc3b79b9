//! What the board says of a plan.

use std::path::Path;

use anyhow::Result;
use testudo_board::PlanFacts;
use testudo_plan::{check, evidence::Status};

use super::{
    facts::{Asked, Facts},
    load,
};

/// The plan of a project, joined with what was recorded; none where there is none.
pub(in crate::commands) fn plan_facts(root: &Path) -> Result<Option<PlanFacts>> {
    if !load::PLACE.iter().fold(root.to_owned(), |path, name| path.join(name)).is_file() {
        return Ok(None);
    }
    let loaded = load::load(root)?;
    let mut plan = PlanFacts {
        path: load::PLACE.join("/"),
        owner: loaded.plan.owner.text.clone(),
        components: loaded.plan.components.len(),
        problems: loaded.problems.len(),
        ..PlanFacts::default()
    };
    // What cannot be read whole is not joined with anything.
    if plan.problems > 0 {
        return Ok(Some(plan));
    }
    let facts = Facts::gather(&Asked::default(), &loaded)?;
    plan.due = check::due(&loaded.plan, facts.today).len();
    let judgement = facts.judge(&loaded);
    let of = |status: Status| judgement.controls.iter().filter(|judged| judged.outcome.status == status).count();
    plan.controls = Status::ALL.iter().map(|status| (status.as_str(), of(*status))).filter(|(_, n)| *n > 0).collect();
    plan.open = judgement.controls.iter().filter(|judged| judged.outcome.status > Status::Waived).count();
    plan.failing = of(Status::Failing);
    Ok(Some(plan))
}
