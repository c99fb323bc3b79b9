//! `html`: one self-contained page without a script. It loads nothing and sends nothing, and its own policy (CSP) allows
//! exactly this style. Every text of the plan is escaped.

use testudo_report::{markup, style_source};

use super::{ControlLine, Document, texts};

const STYLE: &str = include_str!("page.css");

pub(super) fn page(document: &Document<'_>) -> String {
    let sections = sections(document);
    let mut out = head(document);
    out += "<body>\n<a class=\"skip\" href=\"#controls\">Skip to the controls</a>\n<main>\n";
    out += &format!("<h1>Security plan: {}</h1>\n", markup(document.product));
    out += &facts(document);
    for refused in document.refused {
        out += &format!("<p><strong>No evidence:</strong> {}</p>\n", markup(refused));
    }
    out += "<nav aria-label=\"Parts of the report\"><ul>\n";
    for section in &sections {
        out += &format!("<li><a href=\"#{}\">{}</a></li>\n", section.id, section.title);
    }
    out += "</ul></nav>\n";
    for section in &sections {
        out += &section.text;
    }
    out + "</main>\n</body>\n</html>\n"
}

fn head(document: &Document<'_>) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'\">\n<meta name=\"referrer\" \
         content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Security plan: {}</title>\n<style>{STYLE}</style>\n</head>\n",
        style_source(STYLE),
        markup(document.product)
    )
}

fn facts(document: &Document<'_>) -> String {
    let mut facts = vec![
        ("day", document.day.clone()),
        ("about", document.commit.map_or("the latest entries".to_owned(), |commit| format!("commit {commit}"))),
        ("owner", texts::owner(&document.owner)),
    ];
    facts.extend(document.summary.iter().map(|(status, count)| (*status, count.to_string())));
    let facts = facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", markup(value)));
    format!("<dl>\n{}</dl>\n", facts.collect::<String>())
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    text: String,
}

fn sections(document: &Document<'_>) -> Vec<Section> {
    let mut sections = Vec::new();
    for matrix in &document.matrices {
        let (id, title) = if matrix.edition == "2021" {
            ("top-ten-2021", "OWASP Top Ten 2021")
        } else {
            ("top-ten-2025", "OWASP Top Ten 2025")
        };
        let rows = matrix.rows.iter().map(|row| {
            let about = format!("{} {}", row.id, row.title);
            let counts = [row.scanned.to_string(), row.dynamic.to_string()];
            let [scanned, dynamic] = counts;
            [status(row.status), markup(&about), codes(&row.controls), scanned, dynamic, markup(row.reason)]
        });
        sections.push(table(id, title, ["status", "row", "controls", "static", "dynamic", "why"], rows));
    }
    let rows = document.requirements.iter();
    let rows = rows.map(|r| [status(r.status), code(r.id), codes(&r.use_cases), codes(&r.controls)]);
    sections.push(table("requirements", "Requirements", ["status", "requirement", "needed by", "controls"], rows));
    let rows = document.use_cases.iter();
    let rows = rows.map(|u| [status(u.status), code(u.id), code(u.entry), markup(u.abuse), codes(&u.controls)]);
    sections.push(table("use-cases", "Use cases", ["status", "use case", "entry", "abuse", "controls"], rows));
    sections.push(controls("controls", "Controls", &document.controls));
    sections.push(controls("checks", "Checklist of operations", &document.checks));
    let rows = document.risks.iter().map(|r| {
        let level = format!("{} {}", r.number, r.level);
        [code(&r.component), level, markup(&r.impact), markup(&r.exposure), r.asvs.to_string(), markup(r.gate)]
    });
    sections.push(table("risk", "Risk", ["component", "risk", "impact", "exposure", "ASVS", "gate"], rows));
    sections.extend(decisions(document));
    let rows = document.broken_by.iter().map(|(finding, ids)| [code(finding), codes(ids)]);
    sections.push(table("findings", "Findings and what they break", ["finding", "controls"], rows));
    let rows = document.seen_in.iter().map(|(place, ids)| [code(place), codes(ids)]);
    sections.push(table("seen", "Evidence and what rests on it", ["seen in", "controls"], rows));
    sections.retain(|section| !section.text.is_empty());
    sections
}

fn decisions(document: &Document<'_>) -> [Section; 2] {
    let rows = document.backdoors.iter().map(|d| {
        let ends = markup(&texts::ends(&d.expires, d.expired));
        [status(d.status), code(d.id), code(d.component), markup(d.why), ends, markup(&texts::owner(&d.owner))]
    });
    let doors = table("doors", "Maintenance doors", ["status", "door", "component", "why", "ends", "owner"], rows);
    let rows = document.accepted.iter().map(|a| {
        [code(a.what), markup(a.why), markup(&texts::ends(&a.expires, a.expired)), markup(&texts::owner(&a.owner))]
    });
    [doors, table("accepted", "Accepted risks", ["what", "why", "ends", "owner"], rows)]
}

fn controls(id: &'static str, title: &'static str, controls: &[ControlLine<'_>]) -> Section {
    let rows = controls.iter().map(|control| {
        let about: String = texts::about(control).iter().map(|line| format!("<p>{}</p>", markup(line))).collect();
        let lines = control.evidence.iter().map(|line| {
            let why: Vec<String> = line.reasons.iter().map(|reason| markup(reason)).collect();
            let run = markup(&texts::last_run(line));
            format!("<p>{}: {} {}<br>last run {run}</p>", code(&line.what), status(line.status), why.join("; "))
        });
        let reasons = control.reasons.iter().map(|reason| format!("<p>{}</p>", markup(reason)));
        let owner = markup(&texts::owner(&control.owner));
        [status(control.status), format!("{}{about}", code(control.id)), lines.chain(reasons).collect(), owner]
    });
    table(id, title, ["status", "control", "evidence", "owner"], rows)
}

/// The word of a status in its colour; the word alone says it all.
fn status(word: &str) -> String {
    let class = if word == "n/a" { "none" } else { word };
    format!("<span class=\"status {class}\">{}</span>", markup(word))
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", markup(text))
}

fn codes(ids: &[&str]) -> String {
    ids.iter().map(|id| code(id)).collect::<Vec<_>>().join(", ")
}

/// A table under a heading; nothing where it has no row.
fn table<const N: usize>(
    id: &'static str,
    title: &'static str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Section {
    let rows: String = rows.map(|row| format!("<tr><td>{}</td></tr>\n", row.join("</td><td>"))).collect();
    if rows.is_empty() {
        return Section { id, title, text: String::new() };
    }
    let head: String = head.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let text = format!(
        "<h2 id=\"{id}\">{title}</h2>\n<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    );
    Section { id, title, text }
}
