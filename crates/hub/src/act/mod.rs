//! What people do in the hub: checked, written into its ledger, kept, and told in the audit. Pages and the interface for
//! programs call the same functions, so neither can do what the other refuses.

pub(crate) mod adopt;
pub(crate) mod concern;
pub(crate) mod people;
pub(crate) mod product;
pub(crate) mod signed;
pub(crate) mod triage;

use testudo_policy::Date;

use crate::http::Refusal;

/// Longest reason or title, in characters.
pub(crate) const LINE: usize = 500;
/// Longest text, in characters.
pub(crate) const TEXT: usize = 10_000;
/// Furthest day that may be named, in days from today.
const FURTHEST: i64 = 3660;

/// A text of one line that says something.
pub(crate) fn line<'t>(text: &'t str, what: &str) -> Result<&'t str, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::malformed(format!("{what} is missing")));
    }
    if text.chars().count() > LINE || text.chars().any(char::is_control) {
        return Err(Refusal::malformed(format!("{what} is one line of at most {LINE} characters")));
    }
    Ok(text)
}

/// A text that says something, of any number of lines.
pub(crate) fn text<'t>(text: &'t str, what: &str) -> Result<&'t str, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::malformed(format!("{what} is missing")));
    }
    bounded(text, what)
}

/// A text that may be empty.
pub(crate) fn bounded<'t>(text: &'t str, what: &str) -> Result<&'t str, Refusal> {
    if text.chars().count() > TEXT {
        return Err(Refusal::malformed(format!("{what} is longer than {TEXT} characters")));
    }
    Ok(text)
}

/// A day that is not over, and not beyond all planning.
pub(crate) fn day(text: &str, today: &str, what: &str) -> Result<Date, Refusal> {
    let wrong = || Refusal::malformed(format!("{what} is a day from today on, as in 2026-12-31"));
    let day: Date = text.trim().parse().map_err(|_| wrong())?;
    let today: Date = today.parse().map_err(|_| wrong())?;
    if (0..=FURTHEST).contains(&today.days_until(day)) { Ok(day) } else { Err(wrong()) }
}
