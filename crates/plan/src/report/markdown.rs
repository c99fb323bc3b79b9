//! `markdown`: tables as GitHub and GitLab read them. Every text of the plan is escaped.

use testudo_report::{markdown, markdown_code};

use super::{ControlLine, Document, texts};

pub(super) fn page(document: &Document<'_>) -> String {
    let mut out = format!("# Security plan: {}\n\n", markdown(document.product));
    let asked = document.commit.map_or("the latest entries".to_owned(), |commit| format!("commit {commit}"));
    out += &format!(
        "On {}, about {}. Owner: {}.\n\n",
        document.day,
        markdown(&asked),
        markdown(&texts::owner(&document.owner))
    );
    let counts: Vec<String> = document.summary.iter().map(|(status, count)| format!("{count} {status}")).collect();
    out += &format!("Controls and checks: {}.\n", counts.join(", "));
    for refused in document.refused {
        out += &format!("\n**No evidence:** {}\n", markdown(refused));
    }
    for matrix in &document.matrices {
        let rows = matrix.rows.iter().map(|row| {
            let counts = [row.scanned.to_string(), row.dynamic.to_string()];
            let [scanned, dynamic] = counts;
            let about = format!("{} {}", row.id, row.title);
            [row.status.to_owned(), markdown(&about), codes(&row.controls), scanned, dynamic, row.reason.to_owned()]
        });
        let title = format!("OWASP Top Ten {}", matrix.edition);
        out += &table(&title, ["status", "row", "controls", "static", "dynamic", "why"], rows);
    }
    let rows = document.requirements.iter();
    let rows = rows.map(|r| [r.status.to_owned(), markdown_code(r.id), codes(&r.use_cases), codes(&r.controls)]);
    out += &table("Requirements", ["status", "requirement", "needed by", "controls"], rows);
    let rows = document.use_cases.iter();
    let rows = rows.map(|u| {
        [u.status.to_owned(), markdown_code(u.id), markdown_code(u.entry), markdown(u.abuse), codes(&u.controls)]
    });
    out += &table("Use cases", ["status", "use case", "entry", "abuse", "controls"], rows);
    out += &controls("Controls", &document.controls);
    out += &controls("Checklist of operations", &document.checks);
    let rows = document.risks.iter().map(|r| {
        let level = format!("{} {}", r.number, r.level);
        [
            markdown_code(&r.component),
            level,
            markdown(&r.impact),
            markdown(&r.exposure),
            r.asvs.to_string(),
            r.gate.to_owned(),
        ]
    });
    out += &table("Risk", ["component", "risk", "impact", "exposure", "ASVS", "gate"], rows);
    let rows = document.backdoors.iter().map(|d| {
        let ends = texts::ends(&d.expires, d.expired);
        [
            d.status.to_owned(),
            markdown_code(d.id),
            markdown_code(d.component),
            markdown(d.why),
            ends,
            markdown(&texts::owner(&d.owner)),
        ]
    });
    out += &table("Maintenance doors", ["status", "door", "component", "why", "ends", "owner"], rows);
    let rows = document.accepted.iter().map(|a| {
        [markdown_code(a.what), markdown(a.why), texts::ends(&a.expires, a.expired), markdown(&texts::owner(&a.owner))]
    });
    out += &table("Accepted risks", ["what", "why", "ends", "owner"], rows);
    let rows = document.broken_by.iter().map(|(finding, ids)| [markdown_code(finding), codes(ids)]);
    out += &table("Findings and what they break", ["finding", "controls"], rows);
    let rows = document.seen_in.iter().map(|(place, ids)| [markdown_code(place), codes(ids)]);
    out + &table("Evidence and what rests on it", ["seen in", "controls"], rows)
}

fn controls(title: &str, controls: &[ControlLine<'_>]) -> String {
    let rows = controls.iter().map(|control| {
        let about = texts::about(control);
        let about: String = about.iter().map(|line| format!("<br>{}", markdown(line))).collect();
        let lines = control.evidence.iter().map(|line| {
            let why: Vec<String> = line.reasons.iter().map(|reason| markdown(reason)).collect();
            format!(
                "{}: {}, {}; last run {}",
                markdown_code(&line.what),
                line.status,
                why.join("; "),
                markdown(&texts::last_run(line))
            )
        });
        let lines: Vec<String> = lines.chain(control.reasons.iter().map(|reason| markdown(reason))).collect();
        let owner = markdown(&texts::owner(&control.owner));
        [control.status.to_owned(), format!("{}{about}", markdown_code(control.id)), lines.join("<br>"), owner]
    });
    table(title, ["status", "control", "evidence", "owner"], rows)
}

fn codes(ids: &[&str]) -> String {
    ids.iter().map(|id| markdown_code(id)).collect::<Vec<_>>().join(", ")
}

/// A table under a heading; nothing where it has no row.
fn table<const N: usize>(title: &str, head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<String> = rows.map(|row| format!("| {} |\n", row.join(" | "))).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("\n## {title}\n\n| {} |\n|{}\n{}", head.join(" | "), " --- |".repeat(N), rows.concat())
}
