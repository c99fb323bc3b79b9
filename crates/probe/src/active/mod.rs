//! Attacks, reduced to what proves the weakness: each kind is a file and a line in [`KINDS`].
//!
//! What is found once is tried twice more with values that were never used before, and then with a harmless value that must
//! not show it. Only all of that together is a finding, and all of it goes into the evidence.

mod boolean;
mod command;
mod redirect;
mod sql_error;
mod traversal;
mod varying;
mod xss;

use testudo_model::Confidence;

use crate::{
    Answer, Ask, Class,
    canary::Canaries,
    endpoint::{self, Endpoint},
    finding::{Draft, Exchange},
    run::Run,
};

/// One input of one endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) at: usize,
}

impl Spot<'_> {
    /// The usual value.
    pub(crate) fn base(&self) -> String {
        self.endpoint.parameters[self.at].value.as_ref().map(endpoint::text).unwrap_or_default()
    }

    /// The request with a text in this place; none where it cannot hold it.
    pub(crate) fn with(&self, text: &str) -> Option<Ask> {
        self.endpoint.with(Class::Malicious, self.at, text)
    }
}

/// Tries one kind of attack on one input.
type Kind = fn(&mut Run<'_, '_>, Spot<'_>);

/// The kinds, in the order in which they are tried.
const KINDS: &[Kind] =
    &[xss::attack, sql_error::attack, boolean::attack, traversal::attack, redirect::attack, command::attack];

/// Tries every kind on every input of an endpoint.
pub(crate) fn attack(run: &mut Run<'_, '_>, endpoint: &Endpoint) {
    for at in 0..endpoint.parameters.len() {
        for kind in KINDS {
            if run.session.over().is_some() {
                return;
            }
            kind(run, Spot { endpoint, at });
        }
        run.count("inputs", 1);
    }
}

/// What says whether an answer proves it, in words for the evidence.
pub(crate) type Proof = Box<dyn Fn(&Answer) -> Option<String>>;

/// One try with values of its own.
pub(crate) struct Attempt {
    /// What is sent.
    pub(crate) text: String,
    /// What is sent that must not prove it.
    pub(crate) control: String,
    /// What an answer must show.
    pub(crate) proof: Proof,
}

/// What is tried.
pub(crate) struct Trial<'a> {
    pub(crate) rule: &'static str,
    /// What follows from it, behind the name of the input.
    pub(crate) message: &'a str,
    /// Makes an attempt from fresh values and the usual value of the input.
    pub(crate) make: &'a dyn Fn(&Canaries, &str) -> Attempt,
}

/// Tries it, and where it works, proves it. Says whether it is a finding.
pub(crate) fn prove(run: &mut Run<'_, '_>, spot: Spot<'_>, trial: &Trial<'_>) -> bool {
    shoot(run, spot, trial).is_some() && replayed(run, spot, trial).is_some()
}

/// One shot that hits: the request, its answer and what it shows.
fn shoot(run: &mut Run<'_, '_>, spot: Spot<'_>, trial: &Trial<'_>) -> Option<(Attempt, Ask, Exchange)> {
    let attempt = (trial.make)(&run.session.canaries, &spot.base());
    let ask = spot.with(&attempt.text)?;
    let answer = run.ask(&ask).ok()?;
    let shows = (attempt.proof)(&answer)?;
    let exchange = Exchange::new("replay", &ask, &answer, &shows);
    Some((attempt, ask, exchange))
}

fn replayed(run: &mut Run<'_, '_>, spot: Spot<'_>, trial: &Trial<'_>) -> Option<()> {
    let (_, _, first) = shoot(run, spot, trial)?;
    let (attempt, ask, second) = shoot(run, spot, trial)?;
    let control = spot.with(&attempt.control)?;
    let answer = run.ask(&control).ok()?;
    if (attempt.proof)(&answer).is_some() {
        return None;
    }
    let nothing = Exchange::new("control", &control, &answer, "nothing of the kind");
    report(run, spot, trial.rule, &ask, (trial.message, Confidence::High), vec![first, second, nothing]);
    Some(())
}

/// Adds the finding about an input.
fn report(
    run: &mut Run<'_, '_>,
    spot: Spot<'_>,
    rule: &'static str,
    ask: &Ask,
    (message, confidence): (&str, Confidence),
    evidence: Vec<Exchange>,
) {
    let parameter = &spot.endpoint.parameters[spot.at];
    let place = parameter.place.as_str();
    let message = format!("the input `{}` ({place}) of {}: {message}", parameter.name, spot.endpoint.route);
    let subject = (parameter.name.as_str(), place);
    run.add(&Draft { rule, route: &spot.endpoint.route, subject, ask, message, confidence, evidence });
}

/// A text without the entities of HTML, in which messages of databases and texts of requests are found.
fn unescaped(text: &str) -> String {
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
