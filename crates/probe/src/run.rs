//! One run from its beginning to its end: certificate, pages, files, operations, attacks, and the account of it all.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use testudo_model::{Confidence, Coverage, CoverageState, DetectorId, Finding, Location, Notice, NoticeCode, RuleInfo};
use testudo_net::{
    Host, NetError, Scheme, Url,
    tls::{Look, OldVersion, SeenCertificate},
};

use crate::{
    Answer, Ask, Class, Clock, Limits, ProbeError, Profile, Scope, Wire, active,
    check::{self, LOOKS, Page, Reach},
    crawl::{Crawled, crawl},
    endpoint::Endpoint,
    finding::{Draft, Findings},
    link, openapi,
    rule::{self, RULES},
    session::{Bounds, NoAnswer, Over, Session},
};

/// Notices of one kind that are kept.
const MAX_NOTICES: usize = 50;

/// Whether headers of the user go to a host whose certificate is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unverified {
    /// They stay here, and a notice says so.
    #[default]
    Withhold,
    /// They go.
    Send,
}

/// A description of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Description {
    /// A text, and the name of its file.
    Text {
        /// For messages.
        name: String,
        /// OpenAPI as JSON or YAML.
        text: String,
    },
    /// A path of the target.
    Path(String),
}

/// What is to be tested, and within which bounds.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it begins; its host and folder are the scope.
    pub url: Url,
    /// How far it goes.
    pub profile: Profile,
    /// Paths to stay below of; empty for all.
    pub include: Vec<String>,
    /// Paths to leave out.
    pub exclude: Vec<String>,
    /// Amounts.
    pub limits: Limits,
    /// Headers that go along with every request. They are never shown.
    pub headers: Vec<(String, String)>,
    /// Whether they go along where the certificate is not trusted.
    pub unverified: Unverified,
    /// The description of the API.
    pub description: Option<Description>,
    /// Where canaries come from: the same number gives the same ones.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Probed {
    /// Findings, sorted.
    pub findings: Vec<Finding>,
    /// What was not done, and why.
    pub notices: Vec<Notice>,
    /// What was.
    pub coverage: Coverage,
    /// Metadata of every rule.
    pub rules: Vec<RuleInfo>,
}

/// One run, in the hands of the checks.
pub(crate) struct Run<'s, 'w> {
    pub(crate) session: &'s mut Session<'w>,
    findings: Findings,
    notices: Vec<Notice>,
    /// Notices beyond those that are kept, by kind.
    unkept: BTreeMap<NoticeCode, u64>,
    counts: BTreeMap<String, u64>,
}

impl Run<'_, '_> {
    /// Sends a request. What the answer alone says is found on the way.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Answer, NoAnswer> {
        let answer = self.session.ask(ask)?;
        if matches!(ask.class, Class::Look | Class::Valid) {
            self.observe(ask, &answer);
        }
        Ok(answer)
    }

    fn observe(&mut self, ask: &Ask, answer: &Answer) {
        let url = self.session.url(ask);
        let route = Endpoint::of_link(&ask.target).route;
        for (rule, reach, look) in LOOKS {
            for hit in look(&Page { url: &url, answer }) {
                let route = if *reach == Reach::Application { "*" } else { &route };
                let place = if rule.starts_with("probe-cookie") { "cookie" } else { "header" };
                let place = if hit.subject.is_empty() { "" } else { place };
                let subject = (hit.subject.as_str(), place);
                // The method of an observation is no part of what is wrong.
                let ask = Ask { method: testudo_net::Method::Get, ..ask.clone() };
                let (message, confidence, evidence) = (hit.message.clone(), Confidence::High, Vec::new());
                self.add(&Draft { rule, route, subject, ask: &ask, message, confidence, evidence });
            }
        }
    }

    pub(crate) fn add(&mut self, draft: &Draft<'_>) {
        self.findings.add(self.session, draft);
    }

    pub(crate) fn count(&mut self, name: &str, amount: u64) {
        *self.counts.entry(name.to_owned()).or_default() += amount;
    }

    /// Adds a notice about a path.
    pub(crate) fn notice(&mut self, code: NoticeCode, target: &str, message: impl Into<String>) {
        if self.notices.iter().filter(|notice| notice.code == code).count() >= MAX_NOTICES {
            *self.unkept.entry(code).or_default() += 1;
            return;
        }
        let origin = self.session.scope.url().origin();
        let place = Location { url: Some(self.session.masked(&format!("{origin}{target}"))), ..Location::default() };
        let message = self.session.masked(&message.into());
        self.notices.push(Notice::new(code, place, message).by(DetectorId::Probe));
    }
}

/// Probes a target.
///
/// # Errors
/// The target is outside of its own scope, does not answer at all, or the description of the API cannot be read.
pub fn run(target: &Target, wire: &mut dyn Wire, clock: &dyn Clock) -> Result<Probed, ProbeError> {
    within(target, wire, clock, Handshake::First)
}

/// Whether the certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handshake {
    /// Before anything is sent.
    First,
    /// Not at all: nothing is sent either.
    Never,
}

fn within(target: &Target, wire: &mut dyn Wire, clock: &dyn Clock, handshake: Handshake) -> Result<Probed, ProbeError> {
    let scope = Scope::new(target.url.clone(), &target.include, &target.exclude);
    scope.admit(target.url.target()).map_err(ProbeError::Target)?;
    let given = match &target.description {
        Some(Description::Text { name, text }) => Some(openapi::read(text).map_err(|cause| described(name, cause))?),
        _ => None,
    };
    let bounds = Bounds {
        scope,
        profile: target.profile,
        limits: target.limits,
        seed: target.seed,
        headers: target.headers.clone(),
    };
    let mut session = Session::new(bounds, wire, clock);
    let mut run = Run {
        session: &mut session,
        findings: Findings::default(),
        notices: Vec::new(),
        unkept: BTreeMap::new(),
        counts: BTreeMap::new(),
    };
    if handshake == Handshake::First {
        certificate(&mut run, target)?;
    }
    let start = run.ask(&Ask::look(target.url.target()));
    let shut = match &start {
        Err(NoAnswer::Failed(error)) => return Err(ProbeError::Unreachable(error.clone())),
        Err(NoAnswer::Over(_) | NoAnswer::Scope(_) | NoAnswer::Profile) => None,
        Ok(answer) => shut(&run, answer),
    };
    let crawled = crawl(&mut run, target.url.target());
    check::cors::check(&mut run, target.url.target());
    check::exposed::check(&mut run);
    let mut endpoints = crawled.endpoints.clone();
    let description = match (given, &target.description) {
        (None, Some(Description::Path(path))) => fetched(&mut run, path)?,
        (given, _) => given,
    };
    if let Some(description) = &description {
        let mut operations = openapi::operations(&mut run, description);
        endpoints.retain(|endpoint| operations.iter().all(|operation| !operation.covers(endpoint)));
        for operation in &mut operations {
            openapi::exercise(&mut run, description, operation);
        }
        endpoints
            .extend(operations.into_iter().filter(|operation| operation.reached).map(|operation| operation.endpoint));
    }
    run.count("endpoints", endpoints.len() as u64);
    for endpoint in &endpoints {
        active::attack(&mut run, endpoint);
    }
    if let Some(why) = shut.filter(|_| endpoints.is_empty()) {
        run.count("shut", 1);
        run.notice(NoticeCode::ProbeUnanswered, target.url.target(), why);
    }
    Ok(account(run, target, &crawled))
}

/// Why nothing behind the first answer can be seen.
fn shut(run: &Run<'_, '_>, answer: &Answer) -> Option<String> {
    let sign_in = "give a login with --header or --cookie, or name an address that opens without one";
    let away = answer.header("location").filter(|_| (300..400).contains(&answer.status)).filter(|location| {
        let scope = &run.session.scope;
        let next = link::resolve(scope.url(), scope.url().target(), location);
        next.is_none_or(|next| scope.admit(&next).is_err())
    });
    match answer.status {
        401 | 403 => Some(format!("nothing was tested: the target answers with status {}; {sign_in}", answer.status)),
        _ if away.is_some() => Some(format!("nothing was tested: the target leads out of the scope; {sign_in}")),
        _ if answer.cut && answer.body.is_empty() => {
            Some("nothing was tested: the body of the first answer cannot be read; see its Content-Encoding".to_owned())
        }
        _ => None,
    }
}

fn described(name: &str, cause: String) -> ProbeError {
    ProbeError::Description { name: name.to_owned(), cause }
}

/// Looks at the certificate first: what it is worth decides what goes over the connection.
fn certificate(run: &mut Run<'_, '_>, target: &Target) -> Result<(), ProbeError> {
    if target.url.scheme() == Scheme::Http {
        return Ok(());
    }
    let trusted = match check::tls::check(run, target.unverified) {
        Ok(trusted) => trusted,
        Err(NoAnswer::Failed(error)) => return Err(ProbeError::Unreachable(error)),
        Err(_) => return Ok(()),
    };
    if !trusted && !target.headers.is_empty() && target.unverified == Unverified::Withhold {
        run.notice(
            NoticeCode::ProbeCredentials,
            "/",
            "the headers of --header and --cookie were not sent, because the certificate is not trusted, so what they open \
             was not looked at; name its authority with --ca, or use --send-credentials-unverified",
        );
    }
    Ok(())
}

/// Reads the description of the API from the target itself.
fn fetched(run: &mut Run<'_, '_>, path: &str) -> Result<Option<openapi::Document>, ProbeError> {
    let answer = match run.ask(&Ask::look(path)) {
        Ok(answer) if answer.status == 200 && !answer.cut => answer,
        Ok(answer) if answer.cut => {
            return Err(described(path, "it is too long, or did not come to its end".to_owned()));
        }
        Ok(answer) => return Err(described(path, format!("the answer has the status {}", answer.status))),
        Err(NoAnswer::Scope(why)) => return Err(described(path, format!("not asked for: {}", why.as_str()))),
        Err(NoAnswer::Failed(error)) => return Err(described(path, error.to_string())),
        Err(NoAnswer::Over(_) | NoAnswer::Profile) => return Ok(None),
    };
    openapi::read(&answer.text()).map(Some).map_err(|cause| described(path, cause))
}

/// The account: figures, gaps, and whether everything in scope was looked at.
fn account(mut run: Run<'_, '_>, target: &Target, crawled: &Crawled) -> Probed {
    let figures = run.session.figures();
    if let Some(over) = run.session.over() {
        let message = match over {
            Over::Spent(spent) => format!("the run ended before its end: {}", spent.as_str()),
            Over::Gone => "the run ended before its end: the target gives no answers any more".to_owned(),
        };
        run.notice(NoticeCode::ProbeEnded, target.url.target(), message);
    }
    if figures.failed > 0 && run.session.over() != Some(Over::Gone) {
        let message = format!("{} of {} requests got no answer that can be read", figures.failed, figures.requests);
        run.notice(NoticeCode::ProbeUnanswered, target.url.target(), message);
    }
    if figures.cut > 0 {
        let message = format!(
            "{} answers were looked at in part only: they are longer than {} KiB, or cannot be read to their end",
            figures.cut,
            crate::wire::MAX_BODY >> 10
        );
        run.notice(NoticeCode::ProbeLimit, target.url.target(), message);
    }
    if crawled.more {
        let message = "there are more pages or inputs than are looked at in one run; probe parts of it with --include";
        run.notice(NoticeCode::ProbeLimit, target.url.target(), message);
    }
    if crawled.unsent > 0 {
        let message = format!(
            "{} forms were not tried: they are posted, which the profile safe does not do, or ask for a password or a file",
            crawled.unsent
        );
        run.notice(NoticeCode::ProbeSkipped, target.url.target(), message);
    }
    for (name, amount) in [
        ("requests", figures.requests),
        ("pages", crawled.pages),
        ("forms_not_tried", crawled.unsent),
        ("answers_cut", figures.cut),
        ("unanswered", figures.failed),
        ("waits_asked_for", figures.patience),
        ("checks", RULES.len() as u64),
    ] {
        run.count(name, amount);
    }
    for (class, amount) in &figures.by_class {
        run.count(&format!("requests_{class}"), *amount);
    }
    let mut skipped = BTreeMap::new();
    for notice in &run.notices {
        *skipped.entry(notice.code.as_str().to_owned()).or_default() += 1;
    }
    for (code, more) in std::mem::take(&mut run.unkept) {
        *skipped.entry(code.as_str().to_owned()).or_default() += more;
        let place = Location { url: Some(target.url.origin()), ..Location::default() };
        let message = format!("{more} more notices of this kind are not shown; probe parts of it with --include");
        run.notices.push(Notice::new(code, place, message).by(DetectorId::Probe));
    }
    run.notices.sort_by(|a, b| (&a.location.url, a.code, &a.message).cmp(&(&b.location.url, b.code, &b.message)));
    let coverage = Coverage {
        detector: DetectorId::Probe,
        state: if run.session.over().is_some() || run.counts.contains_key("shut") {
            CoverageState::Incomplete
        } else {
            CoverageState::Complete
        },
        rules_digest: rule::digest(),
        rules: RULES.len() as u64,
        scope: vec![format!(
            "{}{} (profile {})",
            target.url.origin(),
            run.session.scope.prefix(),
            target.profile.as_str()
        )],
        units: figures.requests - figures.failed,
        bytes: figures.bytes,
        skipped,
        counts: run.counts,
        tool: None,
    };
    let rules = RULES.iter().map(rule::Rule::info).collect();
    Probed { findings: run.findings.into_sorted(), notices: run.notices, coverage, rules }
}

/// A request that a run would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Why.
    pub class: Class,
    /// Method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
}

/// The requests that a run makes without knowing any answer: the same run, over a wire that leads nowhere. What follows from
/// answers, such as links and proofs, is not among them.
///
/// # Errors
/// As [`run`].
pub fn plan(target: &Target) -> Result<Vec<Planned>, ProbeError> {
    let mut nowhere = Nowhere::default();
    // A description that is still to be fetched says nothing yet.
    let known = Target {
        description: target.description.clone().filter(|one| matches!(one, Description::Text { .. })),
        ..target.clone()
    };
    within(&known, &mut nowhere, &Frozen::default(), Handshake::Never)?;
    Ok(nowhere.asked.into_inner())
}

/// A wire that leads nowhere.
#[derive(Default)]
struct Nowhere {
    asked: RefCell<Vec<Planned>>,
}

impl Wire for Nowhere {
    fn send(&self, _: &Url, ask: &Ask, _: Duration) -> Result<Answer, NetError> {
        let planned = Planned { class: ask.class, method: ask.method.as_str(), target: ask.target.clone() };
        self.asked.borrow_mut().push(planned);
        Ok(Answer { status: 204, ..Answer::default() })
    }

    fn look(&self) -> Result<Look, NetError> {
        // Nothing is known of the certificate, and nothing is sent.
        Err(NetError::Tls { host: Host::Name("nowhere".to_owned()) })
    }

    fn agrees(&self, _: OldVersion) -> Result<bool, NetError> {
        Ok(false)
    }

    fn trust(&mut self, _: SeenCertificate) {}
}

/// A clock that goes only when somebody waits.
#[derive(Default)]
struct Frozen(std::cell::Cell<Duration>);

impl Clock for Frozen {
    fn now(&self) -> Duration {
        self.0.get()
    }

    fn unix(&self) -> u64 {
        0
    }

    fn sleep(&self, time: Duration) {
        self.0.set(self.0.get() + time);
    }
}
