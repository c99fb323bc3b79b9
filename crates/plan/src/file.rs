//! From the texts of a plan to its nouns. What is wrong becomes a problem with a place, and the rest is read all the same.

use std::path::Path;

use testudo_model::DetectorId;
use testudo_policy::{
    nearest,
    problem::{Fault, FileProblem, quoted},
    table::{MAX_PROBLEMS, Problem, Sink, Table, word_of, wrong_type},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    codes,
    nouns::{
        Accept, Accepted, Account, Asked, Backdoor, Check, Class, Component, Control, Data, Entry, Evidence, Flow,
        KINDS, Kind, Plan, Priority, Proof, Reach, Require, Role, UseCase, Volume, Word, Zone,
    },
};

/// Largest text of one file, in bytes: a hundred times the largest plan known.
pub const MAX_BYTES: usize = 16 << 20;
/// Most files of one plan.
pub const MAX_FILES: usize = 200;
/// Version of the schema.
const VERSION: u32 = 1;
/// Longest age that evidence may have, in days.
const MAX_AGE: u32 = 3660;

/// One file of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// As it is named in messages.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// A plan, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What could be read.
    pub plan: Plan,
    /// Globs of further files, relative to the folder of the first file.
    pub include: Vec<Word>,
    /// In the order of their places.
    pub problems: Vec<Problem>,
}

/// Problems with the file, line and source line that they are about.
#[must_use]
pub fn located(problems: &[Problem], sources: &[Source<'_>]) -> Vec<FileProblem> {
    let place = |problem: &Problem| {
        let source = sources.get(problem.file)?;
        Some(problem.fault.clone().in_file(source.text, Path::new(source.name)))
    };
    problems.iter().filter_map(place).collect()
}

/// A glob of `include` that leads nowhere or out of the folder of the plan.
#[must_use]
pub fn useless_include(glob: &Word, why: &str) -> Problem {
    let help = Some("an include is `folder/*.toml` or the name of a file, below the folder of the plan".to_owned());
    Problem::new(codes::INCLUDE, &glob.place, format!("{} {why}", quoted(&glob.text)), help)
}

/// Reads the texts of a plan; the first is the main one. What they say to one another is checked by
/// [`crate::check::consistency`].
#[must_use]
pub fn read(sources: &[Source<'_>]) -> Reading {
    let mut reading = Reading { plan: Plan::default(), include: Vec::new(), problems: Vec::new() };
    if sources.len() > MAX_FILES {
        let help = Some("join some of them".to_owned());
        let fault = Fault::new(format!("the plan has more than {MAX_FILES} files"), help).coded(codes::LIMIT);
        reading.problems.push(Problem { file: 0, fault });
    }
    for (file, source) in sources.iter().enumerate().take(MAX_FILES) {
        let mut sink = Sink { file, codes: codes::TABLE, problems: Vec::new() };
        read_file(source.text, &mut sink, &mut reading);
        reading.problems.append(&mut sink.problems);
        if reading.problems.len() >= MAX_PROBLEMS {
            break;
        }
    }
    in_order(&mut reading.problems);
    reading
}

/// Puts problems in the order of places, and leaves out what nobody reads any more.
pub fn in_order(problems: &mut Vec<Problem>) {
    let key = |problem: &Problem| {
        (problem.file, problem.fault.span.as_ref().map_or(0, |span| span.start), problem.fault.code)
    };
    problems.sort_by_key(key);
    problems.dedup();
    problems.truncate(MAX_PROBLEMS);
}

fn read_file(text: &str, sink: &mut Sink, reading: &mut Reading) {
    if text.len() > MAX_BYTES {
        let help = Some("split the plan with `include`".to_owned());
        sink.add(codes::LIMIT, &(0..0), format!("the file is larger than {MAX_BYTES} bytes"), help);
        return;
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            sink.add(
                codes::SYNTAX,
                &error.span().unwrap_or(0..0),
                format!("not valid TOML: {}", error.message()),
                None,
            );
        }
        return;
    }
    let place = root.span();
    let root = root.into_inner();
    for (name, value) in &root {
        let word: &str = name.get_ref();
        match word {
            "include" => read_include(value, sink, reading),
            "plan" if sink.file == 0 => read_plan(value, sink, &mut reading.plan),
            "plan" => {
                let help = Some("only the first file of a plan has `[plan]`".to_owned());
                sink.add(codes::DUPLICATE, &name.span(), "`[plan]` is declared twice".to_owned(), help);
            }
            _ => match READERS.iter().find(|(known, _)| *known == word) {
                Some((known, reader)) => each_table(known, value, sink, &mut |value, sink| {
                    reader(value, sink, &mut reading.plan);
                }),
                None => unknown_table(name, sink),
            },
        }
    }
    if sink.file == 0 && !root.keys().any(|name| name.get_ref() == "plan") {
        let help = Some("begin with [plan], version = 1, product, owner and review-by".to_owned());
        sink.add(codes::MISSING, &(place.start..place.start), "the plan has no table `[plan]`".to_owned(), help);
    }
}

fn unknown_table(name: &Spanned<std::borrow::Cow<'_, str>>, sink: &mut Sink) {
    let known = || READERS.iter().map(|(known, _)| *known).chain(["plan", "include"]);
    let help = match nearest(name.get_ref(), known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the tables are: {}", known().collect::<Vec<_>>().join(", ")),
    };
    sink.add(codes::KEY, &name.span(), format!("{} is no table of a plan", quoted(name.get_ref())), Some(help));
}

type Reader = fn(&Spanned<DeValue<'_>>, &mut Sink, &mut Plan);

/// The tables that may be written many times.
const READERS: [(&str, Reader); 11] = [
    ("accept", |value, sink, plan| plan.accepts.extend(accept(value, sink))),
    ("backdoor", |value, sink, plan| plan.backdoors.extend(backdoor(value, sink))),
    ("check", |value, sink, plan| plan.checks.extend(check(value, sink))),
    ("component", |value, sink, plan| plan.components.extend(component(value, sink))),
    ("control", |value, sink, plan| plan.controls.extend(control(value, sink))),
    ("data", |value, sink, plan| plan.data.extend(data(value, sink))),
    ("entry", |value, sink, plan| plan.entries.extend(entry(value, sink))),
    ("flow", |value, sink, plan| plan.flows.extend(flow(value, sink))),
    ("role", |value, sink, plan| plan.roles.extend(role(value, sink))),
    ("use-case", |value, sink, plan| plan.use_cases.extend(use_case(value, sink))),
    ("zone", |value, sink, plan| plan.zones.extend(zone(value, sink))),
];

fn each_table(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    sink: &mut Sink,
    each: &mut dyn FnMut(&Spanned<DeValue<'_>>, &mut Sink),
) {
    match value.get_ref().as_array() {
        Some(tables) => tables.iter().for_each(|table| each(table, sink)),
        None => {
            let help = Some(format!("write it with two brackets: [[{name}]]"));
            sink.add(codes::TYPE, &value.span(), format!("`{name}` is a list of tables"), help);
        }
    }
}

fn read_include(value: &Spanned<DeValue<'_>>, sink: &mut Sink, reading: &mut Reading) {
    if sink.file > 0 {
        let help = Some("include all files from the first one".to_owned());
        sink.add(codes::INCLUDE, &value.span(), "a file that is included includes others".to_owned(), help);
        return;
    }
    match value.get_ref().as_array() {
        Some(globs) => reading.include.extend(globs.iter().filter_map(|glob| word_of("include", glob, sink))),
        None => wrong_type("include", "a list", value, sink),
    }
}

fn read_plan(value: &Spanned<DeValue<'_>>, sink: &mut Sink, plan: &mut Plan) {
    let keys = &["version", "product", "owner", "review-by", "frameworks", "customer-priorities"];
    let Some(mut table) = Table::open("[plan]", keys, value, sink) else { return };
    if let Some((version, place)) = table.need_number("version")
        && version != VERSION
    {
        let help = Some(format!("write version = {VERSION}, or use a newer testudo"));
        let message = format!("version {version} of the plan is not known here");
        table.sink().push(Problem::new(codes::VERSION, &place, message, help));
    }
    plan.product = table.need_text("product");
    plan.owner = table.need_text("owner");
    plan.review_by = table.need_date("review-by");
    plan.frameworks = table.words("frameworks");
    for value in table.list("customer-priorities") {
        plan.priorities.extend(priority(value, table.sink()));
    }
}

fn priority(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Priority> {
    let mut table = Table::open("customer-priorities", &["data", "why", "by", "on"], value, sink)?;
    Some(Priority {
        data: table.need_text("data"),
        why: table.need_text("why"),
        by: table.need_text("by"),
        on: table.need_date("on"),
    })
}

fn role(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Role> {
    let mut table = Table::open("[[role]]", &["id", "people", "duty", "channel", "escalate"], value, sink)?;
    let id = table.need_text("id");
    if !table.has("channel") {
        let help = Some("add where they are reached: channel = \"#security\"".to_owned());
        let message = format!("role {} has no channel", quoted(&id.text));
        let place = table.place();
        table.sink().push(Problem::new(codes::NO_CHANNEL, &place, message, help));
    }
    Some(Role {
        id,
        people: table.need_words("people"),
        duty: table.words("duty"),
        channel: table.text("channel"),
        escalate: table.text("escalate"),
    })
}

fn data(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Data> {
    let mut table = Table::open("[[data]]", &["id", "class", "tags", "volume", "safety"], value, sink)?;
    Some(Data {
        id: table.need_text("id"),
        class: table.need_choice("class", &Class::ALL),
        tags: table.words("tags"),
        volume: table.choice("volume", &[("few", Volume::Few), ("many", Volume::Many)]).unwrap_or_default(),
        safety: table.flag("safety"),
    })
}

fn zone(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Zone> {
    let mut table = Table::open("[[zone]]", &["id", "trust"], value, sink)?;
    let id = table.need_text("id");
    let trust = table.need_number("trust");
    if let Some((trust, place)) = trust
        && trust > 3
    {
        let help = Some("0 is the internet, 3 the most trusted".to_owned());
        table.sink().push(Problem::new(codes::VALUE, &place, format!("{trust} is no `trust`"), help));
    }
    Some(Zone { id, trust: trust.map_or(0, |(trust, _)| trust) })
}

fn component(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Component> {
    let keys = &["id", "kind", "zone", "source", "owner", "processes", "stores", "runs-as", "safety"];
    let mut table = Table::open("[[component]]", keys, value, sink)?;
    let kinds: Vec<(&'static str, &'static str)> = KINDS.iter().map(|kind| (*kind, *kind)).collect();
    if !table.has("processes") && !table.has("stores") {
        let help = Some("say which data it handles; `processes = []` where it is none".to_owned());
        let place = table.place();
        let message = "[[component]] needs `processes` or `stores`";
        table.sink().push(Problem::new(codes::MISSING, &place, message, help));
    }
    Some(Component {
        place: table.place(),
        id: table.need_text("id"),
        kind: table.need_choice("kind", &kinds),
        zone: table.need_text("zone"),
        source: table.text("source"),
        owner: table.need_text("owner"),
        processes: table.words("processes"),
        stores: table.words("stores"),
        runs_as: table.text("runs-as"),
        safety: table.flag("safety"),
    })
}

fn entry(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Entry> {
    let keys = &["id", "component", "who", "auth", "internet", "partner", "upload", "spec", "url", "log"];
    let mut table = Table::open("[[entry]]", keys, value, sink)?;
    let (internet, partner) = (table.flag("internet"), table.flag("partner"));
    Some(Entry {
        id: table.need_text("id"),
        component: table.need_text("component"),
        who: table.need_words("who"),
        auth: table.need_text("auth"),
        reach: match (internet, partner) {
            (true, _) => Reach::Internet,
            (false, true) => Reach::Partner,
            (false, false) => Reach::Internal,
        },
        upload: table.flag("upload"),
        spec: table.text("spec"),
        url: table.text("url"),
        log: table.text("log"),
    })
}

fn flow(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Flow> {
    let mut table = Table::open("[[flow]]", &["from", "to", "protocol", "auth", "carries"], value, sink)?;
    Some(Flow {
        from: table.need_text("from"),
        to: table.need_text("to"),
        protocol: table.need_text("protocol"),
        auth: table.text("auth"),
        carries: table.words("carries"),
    })
}

fn use_case(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<UseCase> {
    let mut table = Table::open("[[use-case]]", &["id", "entry", "abuse", "controls"], value, sink)?;
    Some(UseCase {
        id: table.need_text("id"),
        entry: table.need_text("entry"),
        abuse: table.need_text("abuse"),
        controls: table.need_words("controls"),
    })
}

fn backdoor(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Backdoor> {
    let keys = &["id", "component", "why", "auth", "log", "owner", "expires", "controls"];
    let mut table = Table::open("[[backdoor]]", keys, value, sink)?;
    Some(Backdoor {
        id: table.need_text("id"),
        component: table.need_text("component"),
        why: table.need_text("why"),
        auth: table.need_text("auth"),
        log: table.need_text("log"),
        owner: table.need_text("owner"),
        expires: table.need_date("expires"),
        controls: table.need_words("controls"),
    })
}

fn accept(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Accept> {
    let mut table = Table::open("[[accept]]", &["threat", "control", "why", "owner", "expires"], value, sink)?;
    let what = match (table.text("threat"), table.text("control")) {
        (Some(threat), None) => Some(Accepted::Threat(threat)),
        (None, Some(control)) => Some(Accepted::Control(control)),
        _ => {
            let help = Some("write `threat = \"RULE@COMPONENT\"` or `control = \"ID\"`".to_owned());
            let place = table.place();
            let message = "[[accept]] accepts one threat or one control";
            table.sink().push(Problem::new(codes::MISSING, &place, message, help));
            None
        }
    };
    let (why, owner, expires) = (table.need_text("why"), table.need_text("owner"), table.need_date("expires"));
    Some(Accept { what: what?, why, owner, expires })
}

fn control(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Control> {
    let keys = &["id", "text", "refs", "applies", "owner", "require", "evidence", "max-age", "not-applicable"];
    let mut table = Table::open("[[control]]", keys, value, sink)?;
    Some(Control {
        id: table.need_text("id"),
        text: table.text("text"),
        refs: table.words("refs"),
        applies: table.words("applies"),
        owner: table.need_text("owner"),
        proof: proof(&mut table),
    })
}

fn check(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Check> {
    let keys = &["id", "text", "owner", "require", "evidence", "max-age", "not-applicable"];
    let mut table = Table::open("[[check]]", keys, value, sink)?;
    Some(Check {
        id: table.need_text("id"),
        text: table.need_text("text"),
        owner: table.need_text("owner"),
        proof: proof(&mut table),
    })
}

fn proof(table: &mut Table<'_, '_>) -> Proof {
    let not_applicable = table.text("not-applicable");
    let values = table.list("evidence");
    if values.is_empty() && not_applicable.is_none() {
        let help = Some("say how it is shown with `evidence = [...]`, or why not with `not-applicable`".to_owned());
        let place = table.place();
        table.sink().push(Problem::new(codes::NO_EVIDENCE, &place, "there is no evidence for this", help));
    }
    let require = table.choice("require", &[("all", Require::All), ("any", Require::Any)]).unwrap_or_default();
    let max_age = table.text("max-age").and_then(|age| days(&age, table.sink()));
    let evidence = values.into_iter().filter_map(|value| evidence(value, table.sink())).collect();
    Proof { require, evidence, max_age, not_applicable }
}

/// Days of an age such as `30d`.
fn days(age: &Word, sink: &mut Sink) -> Option<u32> {
    let number = age.text.strip_suffix('d').and_then(|number| number.parse().ok());
    let days = number.filter(|days| (1..=MAX_AGE).contains(days));
    if days.is_none() {
        let help = Some(format!("write days from 1d to {MAX_AGE}d, such as \"30d\""));
        let message = format!("{} is no `max-age`", quoted(&age.text));
        sink.push(Problem::new(codes::VALUE, &age.place, message, help));
    }
    days
}

/// The keys of evidence: first the one that says which kind it is.
const EVIDENCE: [(&str, &[&str]); 7] = [
    ("rule", &["rule", "scope"]),
    ("cwe", &["cwe", "scope"]),
    ("test", &["test"]),
    ("config", &["config", "hosts"]),
    ("dast", &["dast", "entry"]),
    ("ledger", &["ledger", "for"]),
    ("attest", &["attest", "by", "on", "expires", "sha256"]),
];

fn evidence(value: &Spanned<DeValue<'_>>, sink: &mut Sink) -> Option<Evidence> {
    let Some(table) = value.get_ref().as_table() else {
        wrong_type("evidence", "a list of tables", value, sink);
        return None;
    };
    let has = |kind: &str| table.keys().any(|key| key.get_ref() == kind);
    let kinds: Vec<_> = EVIDENCE.iter().filter(|(kind, _)| has(kind)).collect();
    let [(kind, keys)] = kinds.as_slice() else {
        let names: Vec<&str> = EVIDENCE.iter().map(|(kind, _)| *kind).collect();
        let message = if kinds.is_empty() { "this evidence is of no kind" } else { "this evidence is of many kinds" };
        let help = Some(format!("write one of these keys: {}", names.join(", ")));
        sink.add(codes::VALUE, &value.span(), message.to_owned(), help);
        return None;
    };
    let mut table = Table::open("evidence", keys, value, sink)?;
    let place = table.place();
    let kind = match *kind {
        "rule" => rule(&mut table)?,
        "cwe" => cwe(&mut table)?,
        "test" => {
            let name = table.text("test")?.text;
            Kind::Test { name: name.strip_prefix("junit:").map(str::to_owned).unwrap_or(name) }
        }
        "config" => config(&mut table)?,
        "dast" => Kind::Dast { name: table.text("dast")?, entry: table.text("entry") },
        "ledger" => Kind::Ledger { predicate: table.text("ledger")?, subject: table.text("for") },
        _ => attest(&mut table)?,
    };
    Some(Evidence { kind, place })
}

/// Which detector reads the rules of a tool.
const DETECTORS: [(&str, DetectorId); 11] = [
    ("secrets", DetectorId::Secrets),
    ("deps", DetectorId::Deps),
    ("code", DetectorId::Code),
    ("iac", DetectorId::Iac),
    ("ci", DetectorId::Ci),
    ("probe", DetectorId::Probe),
    ("agent", DetectorId::Agent),
    ("gitleaks", DetectorId::Secrets),
    ("osv", DetectorId::Deps),
    ("semgrep", DetectorId::Code),
    ("wazuh", DetectorId::Agent),
];

fn rule(table: &mut Table<'_, '_>) -> Option<Kind> {
    let word = table.text("rule")?;
    let scope = scope(table);
    let known = || DETECTORS.iter().map(|(name, _)| *name);
    let (name, pattern) = word.text.split_once(':').unwrap_or(("", &word.text));
    let found = DETECTORS.iter().find(|(known, _)| *known == name);
    if let Some((_, detector)) = found.filter(|_| !pattern.is_empty()) {
        return Some(Kind::Rule { detector: *detector, pattern: pattern.to_owned(), scope });
    }
    let help = match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}:{pattern}`?"),
        None => format!(
            "write the detector in front, as in `secrets:*`; it is one of: {}",
            known().collect::<Vec<_>>().join(", ")
        ),
    };
    let message = format!("{} names no detector, so nobody can say whether it ran", quoted(&word.text));
    table.sink().push(Problem::new(codes::VALUE, &word.place, message, Some(help)));
    None
}

/// What is asked of hosts: `sca:POLICY:CHECK` or `proc:PROGRAM:uid!=0`.
fn config(table: &mut Table<'_, '_>) -> Option<Kind> {
    let (word, hosts) = (table.text("config")?, table.text("hosts"));
    let asked = asked(&word.text);
    if asked.is_none() {
        let help = "write `sca:POLICY:CHECK` with the id or title of a check, or `proc:PROGRAM:uid!=0`";
        let message = format!("{} asks nothing of a host", quoted(&word.text));
        table.sink().push(Problem::new(codes::VALUE, &word.place, message, Some(help.to_owned())));
    }
    Some(Kind::Config { asked: asked?, word, hosts })
}

fn asked(text: &str) -> Option<Asked> {
    let (kind, rest) = text.split_once(':')?;
    let (what, which) = rest.split_once(':').filter(|(what, which)| !what.is_empty() && !which.is_empty())?;
    match kind {
        "sca" => Some(Asked::Checks { policy: what.to_owned(), check: which.to_owned() }),
        "proc" => {
            let uid = which.strip_prefix("uid")?;
            let account = match uid.strip_prefix("!=") {
                Some(number) => Account::IsNot(number.parse().ok()?),
                None => Account::Is(uid.strip_prefix('=')?.parse().ok()?),
            };
            Some(Asked::Program { program: what.to_owned(), account })
        }
        _ => None,
    }
}

fn cwe(table: &mut Table<'_, '_>) -> Option<Kind> {
    let (numbers, scope, place) = (table.numbers("cwe"), scope(table), table.place());
    if numbers.is_empty() {
        let help = Some("write numbers of the CWE list: cwe = [89]".to_owned());
        table.sink().push(Problem::new(codes::MISSING, &place, "`cwe` names no weakness", help));
        return None;
    }
    Some(Kind::Cwe { numbers, scope })
}

/// A path of the project.
fn scope(table: &mut Table<'_, '_>) -> Option<Word> {
    let mut scope = table.text("scope")?;
    if !is_inside(&scope.text) {
        let help = Some("write a path of the project with `/`, such as `apps/portal`".to_owned());
        let message = format!("{} leads out of the project", quoted(&scope.text));
        table.sink().push(Problem::new(codes::VALUE, &scope.place, message, help));
        return None;
    }
    scope.text = scope.text.trim_start_matches("./").trim_end_matches('/').to_owned();
    Some(scope).filter(|scope| !matches!(scope.text.as_str(), "" | "."))
}

fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && !path.contains('\\') && !path.contains(':') && path.split('/').all(|part| part != "..")
}

fn attest(table: &mut Table<'_, '_>) -> Option<Kind> {
    let (file, by) = (table.text("attest")?, table.need_text("by"));
    let (on, expires, sha256) = (table.need_date("on"), table.need_date("expires"), table.need_text("sha256"));
    if !is_inside(&file.text) {
        let help = Some("attest a file of the project".to_owned());
        let message = format!("{} leads out of the project", quoted(&file.text));
        table.sink().push(Problem::new(codes::VALUE, &file.place, message, help));
    }
    if !sha256.text.is_empty() && (sha256.text.len() != 64 || !sha256.text.bytes().all(|b| b.is_ascii_hexdigit())) {
        let help = Some("write the 64 hexadecimal digits that `sha256sum FILE` prints".to_owned());
        table.sink().push(Problem::new(codes::VALUE, &sha256.place, "this is no SHA-256", help));
    }
    Some(Kind::Attest { file, by, on, expires, sha256 })
}

#[cfg(test)]
mod tests;
