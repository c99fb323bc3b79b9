//! The board as one self-contained page without a script. It loads nothing and sends nothing, and its own policy (CSP) allows
//! exactly this style. Every text is escaped.

use testudo_report::{markup, style_source};

use crate::{Board, Phase, text::seen};

/// The style of the page.
pub const STYLE: &str = include_str!("page.css");

/// The board as an HTML page.
#[must_use]
pub fn page(board: &Board) -> String {
    let title = title(board);
    let head = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'\">\n<meta name=\"referrer\" \
         content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        style_source(STYLE),
        title = markup(&title),
    );
    head + &content(board) + "</main>\n</body>\n</html>\n"
}

fn title(board: &Board) -> String {
    format!("Security of {}", board.product)
}

/// The board as a part of a page that has [`STYLE`].
#[must_use]
pub fn content(board: &Board) -> String {
    let mut out = format!("<h1>{}</h1>\n<p class=\"day\">{}</p>\n", markup(&title(board)), markup(&board.day));
    for refused in &board.refused {
        out += &format!("<p><strong>No evidence:</strong> {}</p>\n", markup(refused));
    }
    for unread in &board.unread {
        out += &format!("<p><strong>Cannot be read:</strong> {}</p>\n", markup(unread));
    }
    out += "<section aria-labelledby=\"next\" class=\"next\">\n<h2 id=\"next\">Next step</h2>\n";
    out += &match &board.next {
        Some(step) => format!(
            "<p><strong>{}</strong>: {}</p>\n<pre tabindex=\"0\"><code>{}</code></pre>\n",
            markup(step.phase),
            markup(&step.why),
            markup(&step.command)
        ),
        None => "<p>Nothing to do: every phase is fine.</p>\n".to_owned(),
    };
    out += "</section>\n<ol class=\"phases\" role=\"list\">\n";
    for phase in &board.phases {
        out += &card(phase);
    }
    out + "</ol>\n"
}

fn card(phase: &Phase) -> String {
    let owners = if phase.owners.is_empty() {
        format!("nobody: no owner of {} is written down", phase.owned_by)
    } else {
        phase.owners.join(", ")
    };
    let mut facts = vec![("Owner", markup(&owners))];
    if let Some(evidence) = &phase.evidence {
        facts.push(("Seen", markup(&seen(evidence))));
    }
    for one in &phase.environments {
        let said = format!("{}: {}, {}", one.environment, one.state.as_str(), one.verdict);
        facts.push(("Environment", markup(&said)));
    }
    if let Some(next) = &phase.next {
        facts.push(("Next", format!("<code>{}</code>", markup(next))));
    }
    let facts: String = facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")).collect();
    format!(
        "<li class=\"{class}\"><h2>{name}</h2><p class=\"state\">{state}</p>\n<p>{verdict}</p>\n<dl>\n{facts}</dl></li>\n",
        class = phase.state.class(),
        name = markup(phase.phase),
        state = phase.state.as_str(),
        verdict = markup(&phase.verdict),
    )
}
