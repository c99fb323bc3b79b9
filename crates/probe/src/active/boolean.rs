//! `probe-sql-injection-boolean`: a condition behind a value that changes the answer by being true or false. Only conditions
//! with `AND` are sent, which can narrow what a query finds, and never widen what a statement changes.

use testudo_model::Confidence;

use super::{Spot, report, unescaped, varying::Varying};
use crate::{Answer, Ask, finding::Exchange, link, run::Run};

const RULE: &str = "probe-sql-injection-boolean";

/// How a value is left, with `{b}` for the value and `{l}={r}` for the condition.
const FORMS: &[&str] = &[
    "{b} AND {l}={r}",
    "{b}' AND '{l}'='{r}",
    "{b}\" AND \"{l}\"=\"{r}",
    "{b}') AND ('{l}'='{r}",
    "{b}%' AND '{l}%'='{r}",
];

/// Whether each condition is true: no rhythm that a page of its own could have.
const ORDER: [bool; 6] = [false, true, true, false, false, true];

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    let base = spot.base();
    let Some(usual) = spot.with(&base) else { return };
    let Some((control, stable)) = run.ask(&usual).ok().zip(run.ask(&usual).ok()) else { return };
    let (control, stable) = (seen(&control, &base, &base), seen(&stable, &base, &base));
    // A page that is another one each time says nothing. One that fails has nothing to narrow.
    if control.0 != stable.0 || control.0 >= 400 {
        return;
    }
    let Some(varying) = Varying::between(&control.1, &stable.1) else { return };
    let usual = Usual { seen: without(&varying, control), varying };
    for form in FORMS {
        if let Some(found) = proven(run, spot, form, &usual) {
            let message = "a condition in it decides what a query of a database finds";
            let (ask, evidence) = found;
            return report(run, spot, RULE, &ask, (message, Confidence::High), evidence);
        }
    }
}

/// What the usual value is answered with.
struct Usual {
    seen: (u16, String),
    varying: Varying,
}

fn without(varying: &Varying, (status, text): (u16, String)) -> (u16, String) {
    (status, varying.without(&text).into_owned())
}

/// What is compared: status, and the text with what was sent replaced by the usual value.
fn seen(answer: &Answer, sent: &str, base: &str) -> (u16, String) {
    let text = unescaped(&answer.text());
    let mut text = text.replace(sent, base);
    for written in [link::encode(sent), link::encode(sent).replace("%20", "+")] {
        text = text.replace(&written, base);
    }
    (answer.status, text)
}

/// A condition that is true leaves the answer as it is, one that is false changes it, each time.
fn proven(run: &mut Run<'_, '_>, spot: Spot<'_>, form: &str, usual: &Usual) -> Option<(Ask, Vec<Exchange>)> {
    let (base, control) = (spot.base(), &usual.seen);
    let one = |run: &mut Run<'_, '_>, holds: bool| -> Option<(Ask, Answer, (u16, String))> {
        let left = run.session.canaries.number(1_000, 8_999);
        let right = if holds { left } else { left + run.session.canaries.number(1, 999) };
        let text = form.replace("{b}", &base).replace("{l}", &left.to_string()).replace("{r}", &right.to_string());
        let ask = spot.with(&text)?;
        let answer = run.ask(&ask).ok()?;
        let seen = without(&usual.varying, seen(&answer, &text, &base));
        Some((ask, answer, seen))
    };
    let (_, _, first) = one(run, true)?;
    if first != *control {
        return None;
    }
    let (_, _, differs) = one(run, false)?;
    if differs == *control {
        return None;
    }
    let mut evidence = Vec::new();
    let mut shown = None;
    for holds in ORDER {
        let (ask, answer, seen) = one(run, holds)?;
        let expected = if holds { control } else { &differs };
        if seen != *expected {
            return None;
        }
        let (role, shows) = if holds { ("control", "as without the condition") } else { ("replay", "another answer") };
        evidence.push(Exchange::new(role, &ask, &answer, shows));
        if !holds {
            shown = Some(ask);
        }
    }
    // A page that changed by itself meanwhile says nothing.
    let plain = spot.with(&base)?;
    let again = run.ask(&plain).ok()?;
    if without(&usual.varying, seen(&again, &base, &base)) != *control {
        return None;
    }
    evidence.push(Exchange::new("control", &plain, &again, "the usual value"));
    Some((shown?, evidence))
}
