//! What could not be read, grouped by the kind of reason, the worst first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use testudo_model::{Location, Notice, NoticeCode, NoticeLevel, Severity};

use super::layout::Page;
use crate::options::Verbosity;
use crate::{escape, wording};

/// Notices of one kind that are listed unless all are asked for.
const FIRST_NOTICES: usize = 3;

pub(super) fn write(notices: &[Notice], page: &Page, verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    let mut groups: BTreeMap<(Reverse<NoticeLevel>, NoticeCode), Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        groups.entry((Reverse(notice.level), notice.code)).or_default().push(notice);
    }
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", page.strong("== notices"))?;
    for ((Reverse(level), code), group) in groups {
        writeln!(out, "{} {code} ({})", level_word(level, page), group.len())?;
        let shown = if verbosity == Verbosity::Verbose { group.len() } else { group.len().min(FIRST_NOTICES) };
        for notice in group.iter().take(shown) {
            write_one(notice, page, out)?;
        }
        if shown < group.len() {
            writeln!(out, "  and {} more (--verbose lists all)", group.len() - shown)?;
        }
    }
    writeln!(out)
}

fn write_one(notice: &Notice, page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let place = match &notice.location {
        nowhere if *nowhere == Location::default() => "scan".to_owned(),
        somewhere => wording::place(somewhere),
    };
    let place = escape::visible(&place);
    let message = escape::visible_lines(&notice.message);
    out.write_all(page.hanging(&format!("{place}: {message}")).as_bytes())
}

fn level_word(level: NoticeLevel, page: &Page) -> String {
    match level {
        NoticeLevel::Error => page.alarm("error"),
        NoticeLevel::Gap => page.severity(Severity::Medium, "gap"),
        NoticeLevel::Info => page.quiet("info"),
    }
}
