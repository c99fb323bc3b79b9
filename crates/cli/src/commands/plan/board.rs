//! What the board and the hub say of a plan.

use std::path::Path;

use anyhow::Result;
use testudo_board::PlanFacts;
use testudo_hub::{ControlFacts, PlanFigures, ProductFacts, RoleFacts};
use testudo_plan::{check, evidence::Status, nouns::Role};

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

/// What a push says of the plan of a project: figures, roles, and controls that do not hold. Nothing where there is no plan.
pub(in crate::commands) fn pushed(root: &Path) -> Result<ProductFacts> {
    let Some(figures) = plan_facts(root)? else { return Ok(ProductFacts::default()) };
    let loaded = load::load(root)?;
    let role = |role: &Role| RoleFacts {
        id: role.id.text.clone(),
        people: role.people.iter().map(|person| person.text.clone()).collect(),
        channel: role.channel.as_ref().map_or_else(String::new, |channel| channel.text.clone()),
    };
    let mut facts = ProductFacts {
        roles: loaded.plan.roles.iter().map(role).collect(),
        plan: Some(PlanFigures {
            path: figures.path,
            owner: figures.owner,
            components: figures.components,
            problems: figures.problems,
            due: figures.due,
            controls: figures.controls.iter().map(|(status, count)| ((*status).to_owned(), *count)).collect(),
        }),
        ..ProductFacts::default()
    };
    if figures.problems == 0 {
        let gathered = Facts::gather(&Asked::default(), &loaded)?;
        let judgement = gathered.judge(&loaded);
        let open = judgement
            .controls
            .iter()
            .zip(&loaded.plan.controls)
            .filter(|(judged, _)| judged.outcome.status > Status::Waived);
        facts.controls = open
            .map(|(judged, control)| ControlFacts {
                id: judged.id.to_owned(),
                status: judged.outcome.status.as_str().to_owned(),
                owner: control.owner.text.clone(),
                reason: judged.outcome.reasons.first().cloned().unwrap_or_default(),
            })
            .collect();
    }
    Ok(facts)
}
