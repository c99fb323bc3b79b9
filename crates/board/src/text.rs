//! The board on a terminal.

use testudo_report::visible_lines;

use crate::{Board, Evidence, Phase, State};

/// How a board looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Without colour.
    Plain,
    /// With colour.
    Coloured,
}

/// The board as text. Ends with a line break.
#[must_use]
pub fn text(board: &Board, look: Look) -> String {
    let mut out = String::new();
    let mut line = |text: &str| out.extend([text, "\n"]);
    line(&format!("{} on {}", shown(&board.product), board.day));
    for refused in &board.refused {
        line(&format!("  no evidence: {}", shown(refused)));
    }
    for unread in &board.unread {
        line(&format!("  cannot be read: {}", shown(unread)));
    }
    line("");
    for phase in &board.phases {
        line(&format!("{:<8}{}  {}", phase.phase, state(phase.state, look), shown(&phase.verdict)));
        for (title, text) in details(phase) {
            line(&format!("{:>24}  {}", title, shown(&text)));
        }
    }
    line("");
    match &board.next {
        Some(step) => {
            line(&format!("next, {}: {}", step.phase, shown(&step.why)));
            line(&format!("  {}", shown(&step.command)));
        }
        None => line("nothing to do: every phase is fine"),
    }
    out
}

fn details(phase: &Phase) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    let owners = if phase.owners.is_empty() {
        format!("nobody (no owner of {} is written down)", phase.owned_by)
    } else {
        phase.owners.join(", ")
    };
    details.push(("owner", owners));
    if let Some(evidence) = &phase.evidence {
        details.push(("seen", seen(evidence)));
    }
    for one in &phase.environments {
        details.push((
            "",
            format!("{}: {}, {} ({})", one.environment, one.state.as_str(), one.verdict, seen(&one.evidence)),
        ));
    }
    details.extend(phase.next.clone().map(|next| ("next", next)));
    details
}

/// What was seen, and how long ago.
pub(crate) fn seen(evidence: &Evidence) -> String {
    let mut text = evidence.what.clone();
    if let Some(entry) = &evidence.entry {
        text += &format!(", entry {entry}");
    }
    match evidence.age_days {
        Some(0) => text += ", today",
        Some(1) => text += ", yesterday",
        Some(days) if days > 1 => text += &format!(", {days} days ago"),
        // A clock that stands behind says nothing about age.
        Some(_) => text += ", after today",
        None => {}
    }
    text
}

fn shown(text: &str) -> String {
    visible_lines(text).replace('\n', " ")
}

fn state(state: State, look: Look) -> String {
    let word = format!("{:<14}", state.as_str());
    let colour = match state {
        State::Fine => 32,
        State::NotSetUp => 36,
        State::Stale | State::Attention => 33,
        State::Failing => 31,
    };
    match look {
        Look::Plain => word,
        Look::Coloured => format!("\u{1b}[{colour}m{word}\u{1b}[0m"),
    }
}
