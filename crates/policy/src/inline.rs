//! Judging a suppression: does it still hold, and does it say what the configuration wants it to say?
//!
//! Comments are read by the detectors and entries by the ignore file; both end here.

use testudo_model::Suppression;

use crate::{Date, config::Suppress};

/// What a suppression needs in order to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// The `[suppress]` section.
    pub rules: Suppress,
    /// The day of the scan.
    pub today: Date,
}

/// Whether a suppression counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It does.
    Holds,
    /// It ended; the message says when.
    Expired(String),
    /// Something is missing or wrong; the message says what and how to mend it.
    Refused(String),
}

/// Judges one suppression, whatever it was written in.
///
/// It holds on its last day. Expiry is looked at first: an old suppression has to go, whatever else it lacks.
/// With `max-days` a suppression needs a date, at most so many days after today.
#[must_use]
pub fn judge(suppression: &Suppression, requirements: &Requirements) -> Judgement {
    let until = match suppression.until.as_deref().map(str::parse::<Date>).transpose() {
        Ok(until) => until,
        Err(message) => return Judgement::Refused(message),
    };
    if let Some(day) = until.filter(|day| *day < requirements.today) {
        return Judgement::Expired(format!("it ended on {day}"));
    }
    missing(suppression, until, requirements).map_or(Judgement::Holds, Judgement::Refused)
}

fn missing(suppression: &Suppression, until: Option<Date>, requirements: &Requirements) -> Option<String> {
    let Requirements { rules, today } = requirements;
    if rules.require_reason && suppression.reason.trim().is_empty() {
        return Some("it gives no reason (suppress.require-reason)".to_owned());
    }
    if rules.require_owner && suppression.owner.as_deref().is_none_or(|owner| owner.trim().is_empty()) {
        return Some("it names no owner (suppress.require-owner)".to_owned());
    }
    let limit = rules.max_days;
    match until {
        _ if limit == 0 => None,
        None => Some(format!("it never ends; give a date at most {limit} days away (suppress.max-days)")),
        Some(day) if today.days_until(day) > i64::from(limit) => {
            Some(format!("it ends on {day}, more than {limit} days away (suppress.max-days)"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use testudo_model::SuppressionKind;

    use super::*;

    #[test]
    fn a_suppression_holds_until_its_last_day_and_needs_what_is_required() {
        let free = Suppress { require_reason: false, ..Suppress::default() };
        let reason = Suppress::default();
        let owner = Suppress { require_owner: true, ..Suppress::default() };
        let days = Suppress { max_days: 30, ..free.clone() };
        for (rules, reason, owner, until, expected) in [
            (&free, "", "", "", ""),
            (&free, "", "", "2026-11-22", ""),
            (&free, "", "", "2026-11-21", "expired: it ended on 2026-11-21"),
            (&free, "", "", "soon", "is not a date"),
            (&free, "", "", "2026-02-30", "is not a date"),
            (&reason, "test data", "", "", ""),
            (&reason, " ", "", "", "no reason"),
            (&reason, "", "", "2020-01-01", "expired"),
            (&owner, "x", "", "", "no owner"),
            (&owner, "x", "@me", "", ""),
            (&days, "", "", "", "never ends"),
            (&days, "", "", "2026-12-22", ""),
            (&days, "", "", "2026-12-23", "more than 30 days"),
        ] {
            let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
            let suppression = Suppression {
                kind: SuppressionKind::Inline,
                reason: reason.to_owned(),
                owner: some(owner),
                until: some(until),
            };
            let requirements = Requirements { rules: rules.clone(), today: "2026-11-22".parse().unwrap() };
            let found = match judge(&suppression, &requirements) {
                Judgement::Holds => String::new(),
                Judgement::Expired(why) => format!("expired: {why}"),
                Judgement::Refused(why) => why,
            };
            assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{suppression:?}: {found}");
        }
    }
}
