//! The first text of a plan, from what was found and what was answered. It passes its own check, and marks what is assumed.

use std::fmt::Write as _;

use testudo_policy::Date;

use crate::{
    discover::{Discovery, Part, stores},
    nouns::{Class, Reach},
};

/// What a person says about a product.
#[derive(Debug, Clone)]
pub struct Answers {
    /// What is planned for.
    pub product: String,
    /// Id of the role that answers for everything.
    pub owner: String,
    /// Who has it.
    pub people: Vec<String>,
    /// Where they are reached.
    pub channel: String,
    /// Kinds of data, each with its class; at least one.
    pub data: Vec<(String, Class)>,
    /// When the plan has to be looked at again.
    pub review_by: Date,
}

/// Zones of a draft: their ids, and how trusted they are.
const ZONES: [(&str, u8); 2] = [("edge", 1), ("inner", 2)];

/// The text of the plan.
#[must_use]
pub fn draft(found: &Discovery, answers: &Answers) -> String {
    let mut out = String::from(
        "# Written by `testudo plan init` from the files of the project. What no file says is assumed to be the worst;\n\
         # such lines end in `assumed`. `testudo plan check` says what is wrong, `testudo plan explain` what is at stake.\n",
    );
    people(&mut out, answers);
    for (id, class) in &answers.data {
        table(&mut out, "data", &[("id", quote(id)), ("class", quote(class.as_str()))]);
    }
    for (id, trust) in ZONES {
        table(&mut out, "zone", &[("id", quote(id)), ("trust", trust.to_string())]);
    }
    for (id, part) in &found.parts {
        component(&mut out, (id, part), answers);
    }
    entries(&mut out, found);
    for (from, to) in
        found.flows.iter().filter(|(from, to)| found.parts.contains_key(from) && found.parts.contains_key(to))
    {
        let data = list(answers.data.iter().map(|(id, _)| id.as_str()));
        let protocol = format!("{} # assumed", quote("tcp"));
        let keys = [("from", quote(from)), ("to", quote(to)), ("protocol", protocol), ("carries", data)];
        table(&mut out, "flow", &keys);
    }
    let evidence = format!("[{{ rule = {} }}]", quote("secrets:*"));
    let keys = [
        ("id", quote("no-keys-in-code")),
        ("text", quote("no secret stands in the files of the project")),
        ("refs", list(["owasp:A07:2021"].into_iter())),
        ("applies", list(found.parts.iter().filter(|(_, part)| part.source.is_some()).map(|(id, _)| id.as_str()))),
        ("owner", role(answers)),
        ("max-age", quote("30d")),
        ("evidence", evidence),
    ];
    table(&mut out, "control", &keys);
    out
}

fn people(out: &mut String, answers: &Answers) {
    let keys = [
        ("version", "1".to_owned()),
        ("product", quote(&answers.product)),
        ("owner", role(answers)),
        ("review-by", answers.review_by.to_string()),
        ("frameworks", list(["owasp-top10:2021", "owasp-top10:2025"].into_iter())),
    ];
    out.push_str("\n[plan]\n");
    lines(out, &keys);
    let people = list(answers.people.iter().map(String::as_str));
    table(out, "role", &[("id", quote(&answers.owner)), ("people", people), ("channel", quote(&answers.channel))]);
}

fn component(out: &mut String, (id, part): (&str, &Part), answers: &Answers) {
    let (zone, holds) = if stores(part.kind) { (ZONES[1].0, "stores") } else { (ZONES[0].0, "processes") };
    let data = format!("{} # assumed", list(answers.data.iter().map(|(id, _)| id.as_str())));
    let mut keys = vec![("id", quote(id)), ("kind", quote(part.kind)), ("zone", format!("{} # assumed", quote(zone)))];
    keys.extend(part.source.as_deref().map(|source| ("source", quote(source))));
    keys.extend([("owner", role(answers)), (holds, data)]);
    keys.extend(part.runs_as.as_deref().map(|user| ("runs-as", quote(user))));
    comment(out, &part.seen_in);
    table(out, "component", &keys);
}

fn entries(out: &mut String, found: &Discovery) {
    for (id, way) in &found.ways {
        let known = way.auth.is_some();
        let auth = way.auth.as_deref().unwrap_or("none");
        let assumed = if known { "" } else { " # assumed" };
        let who = if auth == "none" { "anonymous" } else { "user" };
        let mut keys = vec![
            ("id", quote(id)),
            ("component", quote(&way.component)),
            ("who", format!("{} # assumed", list([who].into_iter()))),
            ("auth", format!("{}{assumed}", quote(auth))),
        ];
        match way.reach {
            Reach::Internet => keys.push(("internet", "true # assumed".to_owned())),
            Reach::Partner => keys.push(("partner", "true".to_owned())),
            Reach::Internal => {}
        }
        if way.upload {
            keys.push(("upload", "true".to_owned()));
        }
        keys.extend(way.spec.as_deref().map(|spec| ("spec", quote(spec))));
        comment(out, &way.seen_in);
        table(out, "entry", &keys);
    }
}

fn role(answers: &Answers) -> String {
    quote(&format!("role:{}", answers.owner))
}

/// Where something was seen. A name of a file could have a line break.
fn comment(out: &mut String, seen_in: &str) {
    let visible: String = seen_in.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    write!(out, "\n# {visible}").expect("a String takes every write");
}

fn table(out: &mut String, name: &str, keys: &[(&str, String)]) {
    writeln!(out, "\n[[{name}]]").expect("a String takes every write");
    lines(out, keys);
}

fn lines(out: &mut String, keys: &[(&str, String)]) {
    for (key, value) in keys {
        writeln!(out, "{key} = {value}").expect("a String takes every write");
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", texts.map(quote).collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML (TOML 1.0, section String).
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("a String takes every write"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
