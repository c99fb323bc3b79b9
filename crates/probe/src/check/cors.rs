//! `probe-cors-credentials`: a server that repeats whatever origin asks, and allows credentials (Fetch standard, section
//! 3.2). Proven with two origins that nobody else uses, and by what is said to nobody.

use testudo_model::Confidence;

use crate::{
    Answer, Ask,
    finding::{Draft, Exchange},
    run::Run,
};

const RULE: &str = "probe-cors-credentials";

/// Asks a path as two other sites would, and as none.
pub(crate) fn check(run: &mut Run<'_, '_>, target: &str) {
    let mut evidence = Vec::new();
    let mut shown = None;
    for role in ["replay", "replay"] {
        let origin = format!("https://{}.example", run.session.canaries.word());
        let ask = Ask { headers: vec![("Origin".to_owned(), origin.clone())], ..Ask::look(target) };
        let Ok(answer) = run.ask(&ask) else { return };
        if !allows(&answer, &origin) {
            return;
        }
        let shows = format!("access-control-allow-origin: {origin}, access-control-allow-credentials: true");
        evidence.push(Exchange::new(role, &ask, &answer, &shows));
        shown = Some(ask);
    }
    let plain = Ask::look(target);
    let (Some(ask), Ok(answer)) = (shown, run.ask(&plain)) else { return };
    let said = answer.header("access-control-allow-origin").unwrap_or("no access-control-allow-origin");
    evidence.push(Exchange::new("control", &plain, &answer, said));
    let message =
        "the answer repeats the `Origin` of any site and allows credentials, so every site can read it in the \
                   name of its visitors"
            .to_owned();
    let (route, subject) = ("*", ("Origin", "header"));
    run.add(&Draft { rule: RULE, route, subject, ask: &ask, message, confidence: Confidence::High, evidence });
}

fn allows(answer: &Answer, origin: &str) -> bool {
    let is = |name, value: &str| answer.header(name).is_some_and(|own| own.trim().eq_ignore_ascii_case(value));
    is("access-control-allow-origin", origin) && is("access-control-allow-credentials", "true")
}
