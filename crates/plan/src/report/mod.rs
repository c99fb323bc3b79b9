//! The traceability report: requirement, use case, control, evidence, last run, owner, and back. One document, many formats.

mod html;
mod json;
mod markdown;
mod matrix;
mod texts;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use testudo_policy::Date;

pub use matrix::{Matrix, Row};

use crate::{
    evidence::{Judged, Judgement, Run, Status},
    nouns::{Accepted, Plan, Word},
    risk::risks,
};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Markdown as GitHub and GitLab read it.
    Markdown,
    /// One page that loads nothing.
    Html,
    /// For programs.
    Json,
}

/// The whole report. Its serialised form is only ever added to.
#[derive(Debug, Clone, Serialize)]
pub struct Document<'p> {
    /// Version of this shape.
    pub schema: &'static str,
    /// What was planned for.
    pub product: &'p str,
    /// Who answers for the plan.
    pub owner: Owner<'p>,
    /// The day of the report.
    pub day: String,
    /// The commit that was asked about; none for the latest of everything.
    pub commit: Option<&'p str>,
    /// How many controls and checks have which status.
    pub summary: BTreeMap<&'static str, usize>,
    /// Ledgers that are no evidence, each with why.
    pub refused: &'p [String],
    /// The risk of each component.
    pub risks: Vec<RiskLine>,
    /// What is required, in order of id, and the controls that answer to it.
    pub requirements: Vec<Requirement<'p>>,
    /// The Top Ten, the older edition first.
    pub matrices: Vec<Matrix<'p>>,
    /// Uses that entail a risk.
    pub use_cases: Vec<UseCaseLine<'p>>,
    /// Controls.
    pub controls: Vec<ControlLine<'p>>,
    /// The checklist of operations.
    pub checks: Vec<ControlLine<'p>>,
    /// Maintenance doors.
    pub backdoors: Vec<DoorLine<'p>>,
    /// Risks that were accepted.
    pub accepted: Vec<AcceptLine<'p>>,
    /// Open findings, and the controls and checks that they break.
    pub broken_by: BTreeMap<String, Vec<&'p str>>,
    /// Where evidence was seen, and the controls and checks that rest on it.
    pub seen_in: BTreeMap<String, Vec<&'p str>>,
}

/// A role, as a reader needs it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Owner<'p> {
    /// Its id.
    pub role: &'p str,
    /// Who has it.
    pub people: Vec<&'p str>,
    /// Where they are reached.
    pub channel: &'p str,
}

/// The risk of a component.
#[derive(Debug, Clone, Serialize)]
pub struct RiskLine {
    /// Its id.
    pub component: String,
    /// Impact times exposure.
    pub number: u8,
    /// Its word.
    pub level: &'static str,
    /// What decided the impact.
    pub impact: String,
    /// What decided the exposure.
    pub exposure: String,
    /// Level of the ASVS to follow.
    pub asvs: u8,
    /// How strict the gate should be.
    pub gate: &'static str,
}

/// A requirement.
#[derive(Debug, Clone, Serialize)]
pub struct Requirement<'p> {
    /// `FRAMEWORK:ID`.
    pub id: &'p str,
    /// The worst of its controls.
    pub status: &'static str,
    /// Uses whose controls answer to it.
    pub use_cases: Vec<&'p str>,
    /// The controls.
    pub controls: Vec<&'p str>,
}

/// A use that entails a risk.
#[derive(Debug, Clone, Serialize)]
pub struct UseCaseLine<'p> {
    /// Its id.
    pub id: &'p str,
    /// Where it begins.
    pub entry: &'p str,
    /// How it can be abused.
    pub abuse: &'p str,
    /// The worst of its controls.
    pub status: &'static str,
    /// The controls.
    pub controls: Vec<&'p str>,
}

/// A control or a check.
#[derive(Debug, Clone, Serialize)]
pub struct ControlLine<'p> {
    /// Its id.
    pub id: &'p str,
    /// One line about it.
    pub text: &'p str,
    /// What came of it.
    pub status: &'static str,
    /// Why, where that is not what its evidence says.
    pub reasons: Vec<String>,
    /// Requirements that it answers to.
    pub refs: Vec<&'p str>,
    /// Components that it protects.
    pub applies: Vec<&'p str>,
    /// Uses and doors that need it.
    pub needed_by: Vec<&'p str>,
    /// Who answers for it.
    pub owner: Owner<'p>,
    /// What was to show it.
    pub evidence: Vec<EvidenceLine>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceLine {
    /// As the plan says it.
    pub what: String,
    /// What came of it.
    pub status: &'static str,
    /// Why.
    pub reasons: Vec<String>,
    /// Where it was seen last.
    pub last_run: Option<RunLine>,
}

/// Where evidence was seen.
#[derive(Debug, Clone, Serialize)]
pub struct RunLine {
    /// What ran, or who vouched.
    pub tool: String,
    /// When.
    pub time: String,
    /// Of which commit.
    pub commit: Option<String>,
    /// Entry of a ledger, or a file.
    pub place: String,
    /// Units that were looked at.
    pub units: Option<u64>,
}

/// A maintenance door.
#[derive(Debug, Clone, Serialize)]
pub struct DoorLine<'p> {
    /// Its id.
    pub id: &'p str,
    /// Where it is.
    pub component: &'p str,
    /// What it is for.
    pub why: &'p str,
    /// When it is closed.
    pub expires: String,
    /// Whether that day has passed.
    pub expired: bool,
    /// The worst of its controls.
    pub status: &'static str,
    /// Who answers for it.
    pub owner: Owner<'p>,
}

/// A risk that was accepted.
#[derive(Debug, Clone, Serialize)]
pub struct AcceptLine<'p> {
    /// The threat or the control.
    pub what: &'p str,
    /// Why.
    pub why: &'p str,
    /// Until when.
    pub expires: String,
    /// Whether that day has passed.
    pub expired: bool,
    /// Who answers for it.
    pub owner: Owner<'p>,
}

/// What a report is about besides the plan and its judgement.
#[derive(Debug, Clone, Copy)]
pub struct About<'p> {
    /// The day.
    pub today: Date,
    /// The commit that was asked about.
    pub commit: Option<&'p str>,
    /// Ledgers that are no evidence.
    pub refused: &'p [String],
}

impl<'p> Document<'p> {
    /// The report on a plan.
    #[must_use]
    pub fn new(plan: &'p Plan, judgement: &Judgement<'p>, about: About<'p>) -> Self {
        let view = View::new(plan, judgement);
        let mut summary: BTreeMap<&'static str, usize> = Status::ALL.iter().map(|s| (s.as_str(), 0)).collect();
        for judged in judgement.controls.iter().chain(&judgement.checks) {
            *summary.entry(judged.outcome.status.as_str()).or_default() += 1;
        }
        let (broken_by, seen_in) = reverse(judgement);
        Self {
            schema: "testudo/plan-report/1",
            product: &plan.product.text,
            owner: view.owner(&plan.owner),
            day: about.today.to_string(),
            commit: about.commit,
            summary,
            refused: about.refused,
            risks: risk_lines(plan),
            requirements: view.requirements(),
            matrices: matrix::matrices(plan, judgement),
            use_cases: view.use_cases(),
            controls: view.controls(judgement),
            checks: view.checks(judgement),
            backdoors: view.backdoors(about.today),
            accepted: view.accepted(about.today),
            broken_by,
            seen_in,
        }
    }

    /// The report as text.
    #[must_use]
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Markdown => markdown::page(self),
            Format::Html => html::page(self),
            Format::Json => json::text(self),
        }
    }
}

/// Look-ups over a plan.
struct View<'p> {
    plan: &'p Plan,
    owners: HashMap<&'p str, Owner<'p>>,
    statuses: HashMap<&'p str, Status>,
    needed_by: HashMap<&'p str, Vec<&'p str>>,
}

impl<'p> View<'p> {
    fn new(plan: &'p Plan, judgement: &Judgement<'p>) -> Self {
        let owner = |role: &'p crate::nouns::Role| Owner {
            role: &role.id.text,
            people: words(&role.people),
            channel: role.channel.as_ref().map_or("", |channel| &channel.text),
        };
        let mut needed_by: HashMap<&str, Vec<&str>> = HashMap::new();
        let cases = plan.use_cases.iter().map(|case| (&case.id, &case.controls));
        let doors = plan.backdoors.iter().map(|door| (&door.id, &door.controls));
        for (id, controls) in cases.chain(doors) {
            for control in controls {
                needed_by.entry(&control.text).or_default().push(&id.text);
            }
        }
        Self {
            plan,
            owners: plan.roles.iter().map(|role| (role.id.text.as_str(), owner(role))).collect(),
            statuses: judgement.controls.iter().map(|judged| (judged.id, judged.outcome.status)).collect(),
            needed_by,
        }
    }

    fn owner(&self, word: &'p Word) -> Owner<'p> {
        let role = word.text.strip_prefix("role:").unwrap_or(&word.text);
        self.owners.get(role).cloned().unwrap_or(Owner { role, ..Owner::default() })
    }

    /// The worst status of some controls; missing where there is none.
    fn worst(&self, controls: &[&'p str]) -> &'static str {
        let statuses = controls.iter().filter_map(|id| self.statuses.get(id)).copied();
        statuses.max().unwrap_or(Status::Missing).as_str()
    }

    fn requirements(&self) -> Vec<Requirement<'p>> {
        let mut answers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for control in &self.plan.controls {
            for reference in &control.refs {
                answers.entry(&reference.text).or_default().push(&control.id.text);
            }
        }
        let line = |(id, controls): (&'p str, Vec<&'p str>)| {
            let needed = controls.iter().filter_map(|control| self.needed_by.get(control)).flatten();
            let mut use_cases: Vec<&str> = needed.copied().collect();
            use_cases.sort_unstable();
            use_cases.dedup();
            Requirement { id, status: self.worst(&controls), use_cases, controls }
        };
        answers.into_iter().map(line).collect()
    }

    fn use_cases(&self) -> Vec<UseCaseLine<'p>> {
        let line = |case: &'p crate::nouns::UseCase| {
            let controls = words(&case.controls);
            UseCaseLine {
                id: &case.id.text,
                entry: &case.entry.text,
                abuse: &case.abuse.text,
                status: self.worst(&controls),
                controls,
            }
        };
        self.plan.use_cases.iter().map(line).collect()
    }

    fn controls(&self, judgement: &Judgement<'p>) -> Vec<ControlLine<'p>> {
        let pairs = self.plan.controls.iter().zip(&judgement.controls);
        let line = |(control, judged): (&'p crate::nouns::Control, &Judged<'p>)| ControlLine {
            text: control.text.as_ref().map_or("", |text| &text.text),
            refs: words(&control.refs),
            applies: words(&control.applies),
            needed_by: self.needed_by.get(judged.id).cloned().unwrap_or_default(),
            ..shown(judged, self.owner(&control.owner))
        };
        pairs.map(line).collect()
    }

    fn checks(&self, judgement: &Judgement<'p>) -> Vec<ControlLine<'p>> {
        let pairs = self.plan.checks.iter().zip(&judgement.checks);
        let line = |(check, judged): (&'p crate::nouns::Check, &Judged<'p>)| ControlLine {
            text: &check.text.text,
            ..shown(judged, self.owner(&check.owner))
        };
        pairs.map(line).collect()
    }

    fn backdoors(&self, today: Date) -> Vec<DoorLine<'p>> {
        let expired = |door: &crate::nouns::Backdoor| door.expires.is_some_and(|(day, _)| day < today);
        let line = |door: &'p crate::nouns::Backdoor| DoorLine {
            id: &door.id.text,
            component: &door.component.text,
            why: &door.why.text,
            expires: door.expires.map_or_else(String::new, |(day, _)| day.to_string()),
            expired: expired(door),
            status: if expired(door) { Status::Failing.as_str() } else { self.worst(&words(&door.controls)) },
            owner: self.owner(&door.owner),
        };
        self.plan.backdoors.iter().map(line).collect()
    }

    fn accepted(&self, today: Date) -> Vec<AcceptLine<'p>> {
        let line = |accept: &'p crate::nouns::Accept| {
            let (Accepted::Threat(what) | Accepted::Control(what)) = &accept.what;
            AcceptLine {
                what: &what.text,
                why: &accept.why.text,
                expires: accept.expires.map_or_else(String::new, |(day, _)| day.to_string()),
                expired: accept.expires.is_some_and(|(day, _)| day < today),
                owner: self.owner(&accept.owner),
            }
        };
        self.plan.accepts.iter().map(line).collect()
    }
}

fn words(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
}

fn shown<'p>(judged: &Judged<'p>, owner: Owner<'p>) -> ControlLine<'p> {
    let evidence = judged.evidence.iter().map(|(evidence, outcome)| EvidenceLine {
        what: texts::evidence(evidence),
        status: outcome.status.as_str(),
        reasons: outcome.reasons.clone(),
        last_run: outcome.run.as_ref().map(run_line),
    });
    ControlLine {
        id: judged.id,
        text: "",
        status: judged.outcome.status.as_str(),
        reasons: judged.outcome.reasons.clone(),
        refs: Vec::new(),
        applies: Vec::new(),
        needed_by: Vec::new(),
        owner,
        evidence: evidence.collect(),
    }
}

fn run_line(run: &Run) -> RunLine {
    RunLine {
        tool: run.tool.clone(),
        time: run.time.clone(),
        commit: run.commit.clone(),
        place: run.place.clone(),
        units: run.units,
    }
}

fn risk_lines(plan: &Plan) -> Vec<RiskLine> {
    let line = |risk: crate::risk::Risk<'_>| RiskLine {
        component: risk.component.to_owned(),
        number: risk.number(),
        level: risk.level().as_str(),
        asvs: risk.level().asvs(),
        gate: risk.level().gate(),
        impact: format!("{}: {}", risk.impact.number, risk.impact.because),
        exposure: format!("{}: {}", risk.exposure.number, risk.exposure.because),
    };
    risks(plan).into_iter().map(line).collect()
}

type Index<'p> = BTreeMap<String, Vec<&'p str>>;

/// From findings, and from where evidence was seen, back to controls and checks.
fn reverse<'p>(judgement: &Judgement<'p>) -> (Index<'p>, Index<'p>) {
    let (mut broken, mut seen) = (Index::new(), Index::new());
    for judged in judgement.controls.iter().chain(&judgement.checks) {
        for (_, outcome) in &judged.evidence {
            for finding in &outcome.findings {
                broken.entry(finding.clone()).or_default().push(judged.id);
            }
            if let Some(run) = &outcome.run {
                seen.entry(run.place.clone()).or_default().push(judged.id);
            }
        }
    }
    broken.values_mut().chain(seen.values_mut()).for_each(|ids| ids.dedup());
    (broken, seen)
}

#[cfg(test)]
mod tests;
