//! What the parts of a plan say to one another: ids, names that lead somewhere, owners, days.

use std::{collections::HashMap, path::Path};

use testudo_policy::{
    Date, nearest,
    problem::{Fault, quoted},
    table::{MAX_PROBLEMS, Problem},
};

use crate::{
    codes,
    file::{Source, in_order},
    framework,
    nouns::{Accepted, Day, Evidence, Kind, Place, Plan, Word},
};

/// Everything that is wrong whatever day it is, in the order of places.
#[must_use]
pub fn consistency(plan: &Plan, sources: &[Source<'_>]) -> Vec<Problem> {
    let mut names = Names::new(plan, sources);
    names.owners();
    names.model();
    names.use_cases();
    names.accepts();
    for (evidence, _) in proofs(plan) {
        names.evidence(evidence);
    }
    let mut problems = names.problems;
    problems.extend(framework::check(plan));
    problems.extend(orders(plan));
    in_order(&mut problems);
    problems
}

/// What a day that has passed makes wrong, in the order of places. A day counts to its end.
#[must_use]
pub fn due(plan: &Plan, today: Date) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |code, day: Option<Day>, what: String, help: &str| {
        if let Some((day, place)) = day.filter(|(day, _)| *day < today) {
            problems.push(Problem::new(code, &place, format!("{what} ended on {day}"), Some(help.to_owned())));
        }
    };
    let help = "look at the plan as a whole, then set a new day";
    add(codes::REVIEW_DUE, plan.review_by, "the time in which this plan holds".to_owned(), help);
    for door in &plan.backdoors {
        let help = "close the door and take it out of the plan, or set a new day";
        add(codes::EXPIRED_BACKDOOR, door.expires, format!("backdoor {}", quoted(&door.id.text)), help);
    }
    for accept in &plan.accepts {
        let (Accepted::Threat(what) | Accepted::Control(what)) = &accept.what;
        let help = "remove the risk, or accept it again with a new day and a reason that holds";
        add(codes::EXPIRED_WAIVER, accept.expires, format!("what was accepted about {}", quoted(&what.text)), help);
    }
    for (evidence, _) in proofs(plan) {
        if let Kind::Attest { file, expires, .. } = &evidence.kind {
            let help = "look again whether it is still true, then set `on`, `expires` and `sha256` anew";
            add(codes::EXPIRED_ATTESTATION, *expires, format!("attestation {}", quoted(&file.text)), help);
        }
    }
    in_order(&mut problems);
    problems
}

/// Every piece of evidence, and the id of what it is for.
fn proofs(plan: &Plan) -> impl Iterator<Item = (&Evidence, &Word)> {
    let controls = plan.controls.iter().map(|control| (&control.proof, &control.id));
    let checks = plan.checks.iter().map(|check| (&check.proof, &check.id));
    controls.chain(checks).flat_map(|(proof, id)| proof.evidence.iter().map(move |evidence| (evidence, id)))
}

/// Days that come before others that they have to follow.
fn orders(plan: &Plan) -> Vec<Problem> {
    let wrong = |(evidence, _): (&Evidence, _)| match &evidence.kind {
        Kind::Attest { on: Some((on, _)), expires: Some((expires, place)), .. } if expires < on => {
            let message = format!("this ends on {expires}, before it begins on {on}");
            Some(Problem::new(codes::ORDER, place, message, None))
        }
        _ => None,
    };
    proofs(plan).filter_map(wrong).collect()
}

/// The ids of one kind.
type Ids<'p> = HashMap<&'p str, Place>;

/// The names of a plan, and what is wrong with their use.
struct Names<'p> {
    plan: &'p Plan,
    roles: Ids<'p>,
    data: Ids<'p>,
    zones: Ids<'p>,
    components: Ids<'p>,
    entries: Ids<'p>,
    controls: Ids<'p>,
    people: Ids<'p>,
    problems: Vec<Problem>,
}

impl<'p> Names<'p> {
    fn new(plan: &'p Plan, sources: &[Source<'_>]) -> Self {
        let mut problems = Vec::new();
        let mut ids = |kind: &str, words: &mut dyn Iterator<Item = &'p Word>| -> Ids<'p> {
            let mut ids = Ids::new();
            for word in words.filter(|word| !word.text.is_empty()) {
                if word.text.chars().any(|c| c.is_whitespace() || c.is_control()) && problems.len() < MAX_PROBLEMS {
                    let message = format!("{} has a blank or a line break in it, and is an id", quoted(&word.text));
                    let help = Some("write it with hyphens".to_owned());
                    problems.push(Problem::new(codes::VALUE, &word.place, message, help));
                }
                match ids.get(word.text.as_str()) {
                    Some(_) if problems.len() >= MAX_PROBLEMS => {}
                    Some(first) => problems.push(duplicate(kind, word, first, sources)),
                    None => drop(ids.insert(word.text.as_str(), word.place)),
                }
            }
            ids
        };
        let roles = ids("role", &mut plan.roles.iter().map(|role| &role.id));
        let data = ids("data", &mut plan.data.iter().map(|data| &data.id));
        let zones = ids("zone", &mut plan.zones.iter().map(|zone| &zone.id));
        let components = ids("component", &mut plan.components.iter().map(|component| &component.id));
        let entries = ids("entry", &mut plan.entries.iter().map(|entry| &entry.id));
        let controls = ids("control", &mut plan.controls.iter().map(|control| &control.id));
        ids("use case", &mut plan.use_cases.iter().map(|case| &case.id));
        ids("backdoor", &mut plan.backdoors.iter().map(|door| &door.id));
        ids("check", &mut plan.checks.iter().map(|check| &check.id));
        let people = plan.roles.iter().flat_map(|role| &role.people);
        let people = people.map(|person| (person.text.as_str(), person.place)).collect();
        Self { plan, people, roles, data, zones, components, entries, controls, problems }
    }

    fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn owners(&mut self) {
        let plan = self.plan;
        let owners = [&plan.owner]
            .into_iter()
            .chain(plan.components.iter().map(|component| &component.owner))
            .chain(plan.backdoors.iter().map(|door| &door.owner))
            .chain(plan.controls.iter().map(|control| &control.owner))
            .chain(plan.checks.iter().map(|check| &check.owner))
            .chain(plan.accepts.iter().map(|accept| &accept.owner));
        for owner in owners {
            self.owner(owner);
        }
    }

    fn owner(&mut self, owner: &Word) {
        let id = owner.text.strip_prefix("role:");
        if owner.text.is_empty() || id.is_some_and(|id| self.roles.contains_key(id)) {
            return;
        }
        let help = match id {
            None => "name a role of the plan: owner = \"role:ID\"".to_owned(),
            Some(id) => match near(id, &self.roles) {
                Some(near) => format!("did you mean `role:{near}`?"),
                None => format!("declare it: [[role]] with id = \"{}\"", id.escape_debug()),
            },
        };
        let message = format!("owner {} is no role of the plan", quoted(&owner.text));
        self.push(Problem::new(codes::OWNER, &owner.place, message, Some(help)));
    }

    fn model(&mut self) {
        let plan = self.plan;
        for priority in &plan.priorities {
            self.known(Of::Data, &priority.data);
        }
        for component in &plan.components {
            self.known(Of::Zone, &component.zone);
            component.processes.iter().chain(&component.stores).for_each(|data| self.known(Of::Data, data));
        }
        for entry in &plan.entries {
            self.known(Of::Component, &entry.component);
        }
        for flow in &plan.flows {
            self.known(Of::Component, &flow.from);
            self.known(Of::Component, &flow.to);
            flow.carries.iter().for_each(|data| self.known(Of::Data, data));
        }
        for control in &plan.controls {
            control.applies.iter().for_each(|component| self.known(Of::Component, component));
        }
    }

    fn use_cases(&mut self) {
        let plan = self.plan;
        for case in &plan.use_cases {
            self.known(Of::Entry, &case.entry);
            case.controls.iter().for_each(|control| self.known(Of::Control, control));
        }
        for door in &plan.backdoors {
            self.known(Of::Component, &door.component);
            door.controls.iter().for_each(|control| self.known(Of::Control, control));
        }
    }

    fn accepts(&mut self) {
        for accept in &self.plan.accepts {
            match &accept.what {
                Accepted::Control(control) => self.known(Of::Control, control),
                Accepted::Threat(threat) => self.threat(threat),
            }
        }
    }

    /// `RULE@COMPONENT` or `RULE@ENTRY`.
    fn threat(&mut self, threat: &Word) {
        let place = threat.text.split_once('@').filter(|(rule, place)| !rule.is_empty() && !place.is_empty());
        let known = |id| self.components.contains_key(id) || self.entries.contains_key(id);
        match place {
            _ if threat.text.is_empty() => {}
            Some((_, place)) if known(place) => {}
            Some((_, place)) => {
                let message = format!("{} is no component and no entry of the plan", quoted(place));
                let near = near(place, &self.components).or_else(|| near(place, &self.entries));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                self.push(Problem::new(codes::DANGLING, &threat.place, message, help));
            }
            None => {
                let help = Some("write RULE@COMPONENT or RULE@ENTRY".to_owned());
                let message = format!("{} names no threat", quoted(&threat.text));
                self.push(Problem::new(codes::VALUE, &threat.place, message, help));
            }
        }
    }

    fn evidence(&mut self, evidence: &Evidence) {
        match &evidence.kind {
            Kind::Dast { entry: Some(entry), .. } => self.known(Of::Entry, entry),
            Kind::Attest { by, .. } => self.person(by),
            _ => {}
        }
    }

    /// Somebody of a role, or a role.
    fn person(&mut self, by: &Word) {
        if by.text.starts_with("role:") {
            return self.owner(by);
        }
        if !by.text.is_empty() && !self.people.contains_key(by.text.as_str()) {
            let help = match near(&by.text, &self.people) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name somebody of the `people` of a role, or a role".to_owned(),
            };
            let message = format!("{} has no role in the plan", quoted(&by.text));
            self.push(Problem::new(codes::DANGLING, &by.place, message, Some(help)));
        }
    }

    fn known(&mut self, of: Of, word: &Word) {
        let (kind, ids) = match of {
            Of::Data => ("data", &self.data),
            Of::Zone => ("zone", &self.zones),
            Of::Component => ("component", &self.components),
            Of::Entry => ("entry", &self.entries),
            Of::Control => ("control", &self.controls),
        };
        if word.text.is_empty() || ids.contains_key(word.text.as_str()) {
            return;
        }
        let help = match near(&word.text, ids) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it: [[{kind}]] with id = \"{}\"", word.text.escape_debug()),
        };
        let message = format!("{} is no {kind} of the plan", quoted(&word.text));
        self.push(Problem::new(codes::DANGLING, &word.place, message, Some(help)));
    }
}

/// What a name leads to.
#[derive(Clone, Copy)]
enum Of {
    Data,
    Zone,
    Component,
    Entry,
    Control,
}

/// The most alike id, where there are not so many that looking at each of them would take long.
fn near<'i>(word: &str, ids: &Ids<'i>) -> Option<&'i str> {
    const MOST: usize = 2000;
    if ids.len() > MOST {
        return None;
    }
    let mut words: Vec<&'i str> = ids.keys().copied().collect();
    words.sort_unstable();
    nearest(word, words)
}

fn duplicate(kind: &str, word: &Word, first: &Place, sources: &[Source<'_>]) -> Problem {
    let help = sources.get(first.file).map(|source| {
        let first = Fault::new("", None).at(first.span()).in_file(source.text, Path::new(source.name));
        format!("the first one is at {}:{}:{}; rename one of them", first.path, first.line, first.column)
    });
    let message = format!("{kind} {} is declared twice", quoted(&word.text));
    Problem::new(codes::DUPLICATE, &word.place, message, help)
}

#[cfg(test)]
mod tests;
