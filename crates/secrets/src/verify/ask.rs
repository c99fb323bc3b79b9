//! From findings to questions, and from answers to findings.
//!
//! Each issuer is one lane: its questions are asked one after the other, with a pause between them, while a few lanes
//! run side by side. A lane ends early where the issuer asks for fewer requests or does not answer several times in a
//! row, so that a machine without network waits for seconds and not for hours.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU16,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use testudo_model::{
    Confidence, DetectorId, Finding, LiveState, Location, Notice, NoticeCode, Severity, UnknownReason, Verification,
    VerificationSummary,
};
use testudo_net::{Client, HostRule, NetError, Policy, Timeouts};

use super::{Cache, Request, template::Template};
use crate::native::{SecretsDetector, one_step_down};

/// Issuers that are asked side by side.
const LANES: usize = 4;
/// Time between two requests to one issuer.
pub const PAUSE: Duration = Duration::from_millis(250);
/// Requests to one issuer in one scan. A tree with more made-up tokens than this must not turn a scan into an attack.
const MOST_REQUESTS: usize = 100;
/// Requests without an answer, one after the other, after which an issuer is given up.
const MOST_FAILURES: usize = 3;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// What may be asked, and what is known already.
#[derive(Debug)]
pub struct Asking<'a> {
    /// Hosts that requests of rules from files may go to. A rule of ours asks the host that it names, and no other.
    pub hosts: Vec<HostRule>,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Least time between two requests to one issuer; [`PAUSE`] unless nobody minds.
    pub pause: Duration,
    /// Seconds since 1970, for the memory of answers.
    pub now: u64,
    /// Answers of earlier scans.
    pub cache: Cache,
    /// Counts the questions that are answered.
    pub progress: &'a AtomicUsize,
}

/// What came of it.
#[derive(Debug)]
pub struct Asked {
    /// The figures.
    pub summary: VerificationSummary,
    /// What could not be checked.
    pub notices: Vec<Notice>,
    /// What to remember for later scans.
    pub cache: Cache,
}

/// A value with the rule that found it.
pub(crate) struct Subject<'a> {
    pub(crate) request: &'a Request,
    /// Whether the rule is one of ours.
    pub(crate) ours: bool,
    pub(crate) value: Result<String, UnknownReason>,
}

/// Identity of a question in one run: who is asked, by which rule, about which value.
type Key = (String, String, String);

/// One question that can be asked.
struct Question {
    template: Template,
    /// Hosts that this rule may ask.
    hosts: Vec<HostRule>,
    value: Result<String, UnknownReason>,
    /// Name in the memory of answers.
    digest: String,
}

/// What is known about one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    state: LiveState,
    reason: Option<UnknownReason>,
    status: Option<NonZeroU16>,
    remembered: bool,
}

impl Answer {
    const fn unknown(reason: UnknownReason) -> Self {
        Self { state: LiveState::Unknown, reason: Some(reason), status: None, remembered: false }
    }

    const fn known(state: LiveState) -> Self {
        Self { state, reason: None, status: None, remembered: false }
    }

    /// Whether a request left this machine for it.
    const fn was_sent(&self) -> bool {
        use UnknownReason::{BadAnswer, RateLimited, Redirect, Timeout, UnexpectedStatus};
        let answered =
            matches!(self.reason, None | Some(BadAnswer | RateLimited | Redirect | Timeout | UnexpectedStatus));
        answered && !self.remembered
    }
}

impl SecretsDetector {
    /// Asks the issuers about the findings that `wanted` names, once for each rule and value, and writes the answers
    /// into them: a live secret becomes critical and sure, a dead one one step less severe.
    ///
    /// Only values are known that a detector made with [`Self::keeping_values`] has found itself.
    pub fn verify(&self, findings: &mut [Finding], wanted: &dyn Fn(&Finding) -> bool, asking: Asking<'_>) -> Asked {
        let Asking { hosts, timeout, pause, now, mut cache, progress } = asking;
        let (mut questions, mut asked_by) = (BTreeMap::new(), Vec::new());
        for finding in findings.iter_mut().filter(|finding| wanted(finding)) {
            if let Some((key, question)) = self.question(finding, &hosts) {
                questions.entry(key.clone()).or_insert(question);
                asked_by.push((finding, key));
            }
        }
        let timeouts = Timeouts { connect: CONNECT.min(timeout), total: timeout };
        let client = Client::new(Policy { timeouts, pause, ..Policy::default() });
        let answers = answers(&questions, &client, &cache, progress);
        for (key, question) in &questions {
            if let Some(answer) = answers.get(key).filter(|answer| !answer.remembered) {
                cache.put(question.digest.clone(), answer.state, now);
            }
        }
        for (finding, key) in asked_by {
            if let (Some(question), Some(answer)) = (questions.get(&key), answers.get(&key)) {
                weigh(finding, answer, question.template.host().to_string());
            }
        }
        Asked { summary: figures(&answers), notices: told(&questions, &answers), cache }
    }

    fn question(&self, finding: &Finding, allowed: &[HostRule]) -> Option<(Key, Question)> {
        let hmac = finding.properties.get("secret_hmac")?.as_str()?;
        let Subject { request, ours, value } = self.subject(&finding.rule, hmac)?;
        let template = Template::new(request).ok()?;
        let hosts = if ours { vec![HostRule::public(template.host().clone())] } else { allowed.to_vec() };
        let digest = self.key().answer(&finding.rule, &request.identity(), value.as_deref().unwrap_or_default());
        let key = (template.origin(), finding.rule.clone(), hmac.to_owned());
        Some((key, Question { template, hosts, value, digest }))
    }
}

/// Answers every question: without a request where that is possible, the others lane by lane.
fn answers(
    questions: &BTreeMap<Key, Question>,
    client: &Client,
    cache: &Cache,
    progress: &AtomicUsize,
) -> BTreeMap<Key, Answer> {
    let mut answers = BTreeMap::new();
    let mut lanes: BTreeMap<&str, Vec<(&Key, Ready)>> = BTreeMap::new();
    for (key, question) in questions {
        match ready(question, client, cache) {
            Ok(ready) => lanes.entry(&key.0).or_default().push((key, ready)),
            Err(answer) => drop(answers.insert(key.clone(), answer)),
        }
    }
    progress.fetch_add(answers.len(), Ordering::Relaxed);
    let lanes: Vec<_> = lanes.into_values().collect();
    let (next, collected) = (AtomicUsize::new(0), Mutex::new(&mut answers));
    thread::scope(|scope| {
        for _ in 0..LANES.min(lanes.len()) {
            scope.spawn(|| {
                while let Some(lane) = lanes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = run_lane(lane, questions, progress);
                    collected.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                }
            });
        }
    });
    answers
}

/// A request that may be sent, and the client that may send it.
type Ready = (Client, testudo_net::Request);

/// What can be said without a request, or else the request.
fn ready(question: &Question, client: &Client, cache: &Cache) -> Result<Ready, Answer> {
    let client = client.for_hosts(question.hosts.clone());
    client.check(question.template.base()).map_err(|error| Answer::unknown(reason(&error)))?;
    if let Some(state) = cache.get(&question.digest) {
        return Err(Answer { remembered: true, ..Answer::known(state) });
    }
    let value = question.value.as_deref().map_err(|reason| Answer::unknown(*reason))?;
    let request = question.template.fill(value).map_err(|_| Answer::unknown(UnknownReason::Unfit))?;
    Ok((client, request))
}

fn run_lane(lane: &[(&Key, Ready)], questions: &BTreeMap<Key, Question>, progress: &AtomicUsize) -> Vec<(Key, Answer)> {
    let mut answers = Vec::with_capacity(lane.len());
    let mut failures = 0;
    let mut given_up = None;
    for (at, (key, (client, request))) in lane.iter().enumerate() {
        if at == MOST_REQUESTS {
            given_up = given_up.or(Some(UnknownReason::LimitReached));
        }
        let answer = match given_up {
            Some(reason) => Answer::unknown(reason),
            None => match client.send(request) {
                Ok(response) => judge(response.status(), &questions[*key].template),
                Err(error) => Answer::unknown(reason(&error)),
            },
        };
        failures = if answer.reason.is_some_and(is_failure) { failures + 1 } else { 0 };
        if answer.reason == Some(UnknownReason::RateLimited) || failures >= MOST_FAILURES {
            given_up = given_up.or(answer.reason);
        }
        progress.fetch_add(1, Ordering::Relaxed);
        answers.push(((*key).clone(), answer));
    }
    answers
}

/// Whether the issuer was not there at all.
const fn is_failure(reason: UnknownReason) -> bool {
    use UnknownReason::{AddressRefused, NoConnection, Timeout, Tls};
    matches!(reason, AddressRefused | NoConnection | Timeout | Tls)
}

/// What a status says. The body is not read: it is about somebody's account.
fn judge(status: u16, template: &Template) -> Answer {
    let answer = match status {
        _ if template.active().contains(&status) => Answer::known(LiveState::Active),
        _ if template.inactive().contains(&status) => Answer::known(LiveState::Inactive),
        300..=399 => Answer::unknown(UnknownReason::Redirect),
        429 => Answer::unknown(UnknownReason::RateLimited),
        _ => Answer::unknown(UnknownReason::UnexpectedStatus),
    };
    Answer { status: NonZeroU16::new(status), ..answer }
}

fn reason(error: &NetError) -> UnknownReason {
    match error {
        NetError::HostNotAllowed { .. } | NetError::SchemeNotAllowed { .. } | NetError::PortNotAllowed { .. } => {
            UnknownReason::HostNotAllowed
        }
        NetError::AddressRefused { .. } => UnknownReason::AddressRefused,
        NetError::NoSuchHost { .. } | NetError::NoConnection { .. } => UnknownReason::NoConnection,
        NetError::Tls { .. } => UnknownReason::Tls,
        NetError::Timeout { .. } => UnknownReason::Timeout,
        NetError::Redirect { .. } => UnknownReason::Redirect,
        NetError::Url(_) | NetError::Header { .. } => UnknownReason::Unfit,
        _ => UnknownReason::BadAnswer,
    }
}

/// Writes an answer into a finding. The fingerprint stays: it is the same finding, better known.
fn weigh(finding: &mut Finding, answer: &Answer, host: String) {
    match answer.state {
        LiveState::Active => {
            finding.severity = Severity::Critical;
            finding.confidence = Confidence::High;
        }
        // A dead value stays in the view: it says where values leak, and it may be live elsewhere.
        LiveState::Inactive => finding.severity = one_step_down(finding.severity),
        LiveState::Unknown => {}
    }
    let Answer { state, reason, status, .. } = *answer;
    finding.verification = Some(Verification { state, host, reason, status });
}

fn figures(answers: &BTreeMap<Key, Answer>) -> VerificationSummary {
    let count = |state| answers.values().filter(|answer| answer.state == state).count() as u64;
    let issuers: BTreeSet<&str> =
        answers.iter().filter(|(_, answer)| answer.was_sent()).map(|((origin, ..), _)| origin.as_str()).collect();
    VerificationSummary {
        issuers: issuers.len() as u64,
        secrets: answers.len() as u64,
        active: count(LiveState::Active),
        inactive: count(LiveState::Inactive),
        unknown: count(LiveState::Unknown),
        remembered: answers.values().filter(|answer| answer.remembered).count() as u64,
    }
}

/// One notice about all that could not be checked: how many, why, and what to do where something can be done.
fn told(questions: &BTreeMap<Key, Question>, answers: &BTreeMap<Key, Answer>) -> Vec<Notice> {
    let mut reasons: BTreeMap<UnknownReason, (usize, BTreeSet<String>)> = BTreeMap::new();
    for (key, answer) in answers {
        if let Some(reason) = answer.reason {
            let (count, hosts) = reasons.entry(reason).or_default();
            *count += 1;
            hosts.extend(questions.get(key).map(|question| question.template.origin()));
        }
    }
    if reasons.is_empty() {
        return Vec::new();
    }
    let unknown: usize = reasons.values().map(|(count, _)| count).sum();
    let parts: Vec<String> = reasons
        .iter()
        .map(|(reason, (count, hosts))| {
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            let advice = match reason {
                UnknownReason::HostNotAllowed => "; allow a host of your own rules with --verify-host",
                UnknownReason::AddressRefused => "; --verify-host https://HOST vouches for a host in a private network",
                _ => "",
            };
            format!("{count} {} ({}{advice})", reason.describe(), hosts.join(", "))
        })
        .collect();
    let message = format!("{unknown} of {} secrets could not be checked: {}", answers.len(), parts.join(", "));
    let notice = Notice::new(NoticeCode::VerificationIncomplete, Location::default(), message);
    vec![notice.by(DetectorId::Secrets)]
}

#[cfg(test)]
#[path = "../../../net/tests/server/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the server is shared with tests of other crates")]
mod server;

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use testudo_model::{Persona, RuleInfo};
    use testudo_net::Host;

    use super::{
        server::{Answer as Reply, Server},
        *,
    };
    use crate::{
        document,
        native::{Display, FingerprintKey, Options, Own},
        rule::{Rule, Ruleset},
    };

    const RULE: &str = "groq-api-key";

    fn options() -> Options {
        Options {
            key: FingerprintKey([7; 32]),
            decode_depth: 0,
            display: Display::Masked,
            disabled: Vec::new(),
            least: Confidence::Low,
        }
    }

    fn request(url: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("X-Token".to_owned(), "{{secret}}".to_owned())],
            basic: None,
            body: None,
            active: vec![200],
            inactive: vec![401],
        }
    }

    /// A detector with one rule of a file, under the id of one of ours.
    fn foreign(url: &str) -> SecretsDetector {
        let rule = Rule {
            info: RuleInfo {
                id: RULE.to_owned(),
                domain: DetectorId::Secrets,
                title: "Made up".to_owned(),
                severity: Severity::High,
                confidence: Confidence::High,
                persona: Persona::Regular,
                cwe: Vec::new(),
                owasp: Vec::new(),
                aliases: Vec::new(),
                references: Vec::new(),
                help: String::new(),
            },
            regex: Some(r"\b(gsk_[0-9A-Za-z]{52})\b".to_owned()),
            path: None,
            secret_group: 1,
            secret_groups: Vec::new(),
            group_names: Vec::new(),
            requirements: None,
            entropy: 0.0,
            keywords: vec!["gsk_".to_owned()],
            tags: Vec::new(),
            allowlists: Vec::new(),
            required: Vec::new(),
            skip_report: false,
            conventions: crate::rule::Conventions::Own,
            rank: 0,
            compiled: OnceLock::new(),
            validate: Vec::new(),
            filter: None,
            prefilter: None,
            verify: Some(request(url)),
        };
        let set = Ruleset { rules: vec![rule], ..Ruleset::default() };
        SecretsDetector::with_rules(vec![set], Own::Replace, options()).unwrap().keeping_values()
    }

    fn findings(detector: &SecretsDetector, count: u64) -> Vec<Finding> {
        let line = |seed| document::expand("GROQ_API_KEY={{split:gsk_}}{{alnum:52}}\n", seed);
        // A few more, because a random value can look like one that stands for a secret.
        let text: String = (1..=count + 5).map(line).collect();
        let mut found = detector.findings_of("a.env", &text);
        found.truncate(usize::try_from(count).unwrap());
        assert_eq!(found.len() as u64, count);
        found
    }

    fn ask(detector: &SecretsDetector, findings: &mut [Finding], origin: &str, timeout: Duration) -> Asked {
        let (progress, hosts) = (AtomicUsize::new(0), vec![HostRule::parse(origin).unwrap()]);
        let count = findings.len();
        let asking =
            Asking { hosts, timeout, pause: Duration::ZERO, now: 1000, cache: Cache::default(), progress: &progress };
        let asked = detector.verify(findings, &|_| true, asking);
        assert_eq!(progress.load(Ordering::Relaxed), count);
        asked
    }

    fn reasons(findings: &[Finding]) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for finding in findings {
            let said = finding.verification.as_ref().unwrap();
            *counts.entry(said.reason.map_or(said.state.as_str(), UnknownReason::as_str).to_owned()).or_default() += 1;
        }
        counts
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn one_scan_asks_one_issuer_so_often_and_no_more() {
        let server = Server::start(|_| Reply::status(401));
        let detector = foreign(&server.origin());
        let mut found = findings(&detector, 110);
        let asked = ask(&detector, &mut found, &server.origin(), SOON);
        assert_eq!(server.requests().len(), MOST_REQUESTS);
        assert_eq!(reasons(&found), BTreeMap::from([("inactive".to_owned(), 100), ("limit-reached".to_owned(), 10)]));
        assert_eq!((asked.summary.issuers, asked.summary.inactive, asked.summary.unknown), (1, 100, 10));
        assert!(asked.notices[0].message.starts_with("10 of 110 secrets could not be checked"), "{:?}", asked.notices);
    }

    #[test]
    fn an_issuer_that_asks_for_fewer_requests_gets_no_more() {
        let server = Server::start(|_| Reply::status(429));
        let detector = foreign(&server.origin());
        let mut found = findings(&detector, 5);
        ask(&detector, &mut found, &server.origin(), SOON);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(reasons(&found), BTreeMap::from([("rate-limited".to_owned(), 5)]));
    }

    #[test]
    fn an_issuer_that_does_not_answer_is_given_up() {
        let server = Server::start(|_| Reply::Silence);
        let detector = foreign(&server.origin());
        let mut found = findings(&detector, 8);
        let asked = ask(&detector, &mut found, &server.origin(), Duration::from_millis(100));
        assert_eq!(server.requests().len(), MOST_FAILURES);
        assert_eq!(reasons(&found), BTreeMap::from([("timeout".to_owned(), 8)]));
        assert_eq!(asked.cache, Cache::default(), "what is unknown is not remembered");
    }

    /// The id of a rule of ours does not lend its host to a rule of a file, and what a user allows is not asked by ours.
    #[test]
    fn a_rule_asks_its_own_host_only() {
        let user = [HostRule::parse("git.acme.example").unwrap()];
        let ours = SecretsDetector::own(options()).keeping_values();
        let (_, question) = ours.question(&findings(&ours, 1)[0], &user).unwrap();
        assert_eq!(question.template.origin(), "https://api.groq.com");
        assert_eq!(question.hosts, [HostRule::public(Host::parse("api.groq.com").unwrap())]);
        let theirs = foreign("https://api.groq.com/evil");
        let (_, question) = theirs.question(&findings(&theirs, 1)[0], &user).unwrap();
        assert_eq!(question.hosts, user);
        let client = Client::new(Policy::default());
        let refused = ready(&question, &client, &Cache::default()).map(drop);
        assert_eq!(refused, Err(Answer::unknown(UnknownReason::HostNotAllowed)));
    }

    /// A detector that was not told to keep values has nothing to ask about.
    #[test]
    fn nothing_is_kept_unless_asked() {
        let silent = SecretsDetector::own(options());
        let found = findings(&silent, 1);
        let hmac = found[0].properties["secret_hmac"].as_str().unwrap().to_owned();
        assert!(silent.subject(RULE, &hmac).is_none());
        let keeping = SecretsDetector::own(options()).keeping_values();
        let value = document::expand("{{split:gsk_}}{{alnum:52}}", 1);
        findings(&keeping, 1);
        assert!(keeping.subject(RULE, &hmac).is_some_and(|subject| subject.value == Ok(value.clone()) && subject.ours));
        assert!(!format!("{keeping:?}").contains(&value));
    }
}
