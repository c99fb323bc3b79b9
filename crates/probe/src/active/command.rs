//! `probe-command-injection`: input that is run as a command. The command prints the product of two numbers, which nobody
//! sent. Where nothing is printed, the time that an answer takes is the last proof: several times, by different amounts.

use std::time::Duration;

use testudo_model::Confidence;

use super::{Attempt, Spot, Trial, prove, report};
use crate::{canary::Canaries, finding::Exchange, run::Run};

const RULE: &str = "probe-command-injection";

/// How a command is left, with `{b}` for the usual value and `{e}` for a command of a POSIX shell.
const FORMS: &[&str] = &["{b};{e};", "{b}|{e}", "{b}$({e})", "{b}';{e};'", "{b}\";{e};\"", "{b}\n{e}\n"];
/// The same for the shell of Windows.
const WINDOWS: &str = "{b}&set /a {l}*{r}";

/// Seconds that an answer is made to wait, after the first time: no rhythm, and never the same twice in a row.
const WAITS: [u64; 4] = [0, 4, 1, 3];
/// The first wait.
const FIRST_WAIT: u64 = 2;
/// What an answer may take longer than its wait and the usual time.
const SLACK: Duration = Duration::from_millis(1_000);

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    let message = "a command in it was run by the server";
    for form in FORMS.iter().chain([&WINDOWS]) {
        let make = |canaries: &Canaries, base: &str| printed(form, canaries, base);
        if prove(run, spot, &Trial { rule: RULE, message, make: &make }) {
            return;
        }
    }
    timed(run, spot);
}

fn printed(form: &str, canaries: &Canaries, base: &str) -> Attempt {
    let (word, left, right) = (canaries.word(), canaries.number(10_000, 99_999), canaries.number(10_000, 99_999));
    let product = left * right;
    let echo = format!("echo {word}$(({left}*{right})){word}");
    let text = form.replace("{e}", &echo).replace("{l}", &left.to_string()).replace("{r}", &right.to_string());
    let expected = if form == WINDOWS { product.to_string() } else { format!("{word}{product}{word}") };
    Attempt {
        text: text.replace("{b}", base),
        // The numbers for something that reckons with what it is given, and nothing that a shell would run.
        control: format!("{base} {word}{left}*{right}{word}"),
        proof: Box::new(move |answer| answer.text().contains(&expected).then(|| expected.clone())),
    }
}

/// The last proof: answers that take as long as they are told to.
fn timed(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    let Some(usual) = spot.with(&spot.base()) else { return };
    let Ok(answer) = run.ask(&usual) else { return };
    let least = answer.took;
    if least > SLACK {
        return;
    }
    for form in FORMS {
        let mut evidence = Vec::new();
        let mut shown = None;
        for wait in [FIRST_WAIT].iter().chain(&WAITS) {
            if run.session.time_left() < Duration::from_secs(30) {
                return;
            }
            let text = form.replace("{e}", &format!("sleep {wait}")).replace("{b}", &spot.base());
            let (Some(ask), wait) = (spot.with(&text), Duration::from_secs(*wait)) else { break };
            let Ok(answer) = run.ask(&ask) else { break };
            if answer.took < wait || answer.took > wait + least + SLACK {
                break;
            }
            let role = if wait.is_zero() { "control" } else { "replay" };
            let shows = format!("took as long as `sleep {}` says", wait.as_secs());
            evidence.push(Exchange::new(role, &ask, &answer, &shows));
            shown = Some(ask);
        }
        if let Some(ask) = shown.filter(|_| evidence.len() == WAITS.len() + 1) {
            let message = "the answer takes as long as a command in it says";
            return report(run, spot, RULE, &ask, (message, Confidence::High), evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_come_back_was_never_sent() {
        let canaries = Canaries::new(3);
        for form in FORMS.iter().chain([&WINDOWS]) {
            let attempt = printed(form, &canaries, "x");
            for sent in [&attempt.text, &attempt.control] {
                let answer = crate::Answer { body: sent.clone().into_bytes(), ..crate::Answer::default() };
                assert_eq!((attempt.proof)(&answer), None, "{form}");
            }
        }
    }
}
