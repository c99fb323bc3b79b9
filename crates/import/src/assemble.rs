//! From what a reader took out of a report to findings: paths, identity, masks, rules, figures; the same for every format.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testudo_model::{
    Coverage, CoverageState, DetectorId, Finding, Fingerprint, Fix, Location, Notice, NoticeCode, Reference, RuleInfo,
    Suppression, SuppressionKind, ToolInfo,
};

use crate::{
    Imported, Project, Report,
    draft::{Account, Draft, Ended, Identity, MAX_FINDINGS, Place},
    path, secret,
};

/// Most members of a list of a finding or rule.
const MAX_LIST: usize = 50;
/// Most characters of an id, of a line, of a message, and of a page of help.
const MAX_ID: usize = 200;
const MAX_LINE: usize = 300;
const MAX_MESSAGE: usize = 4_000;
const MAX_HELP: usize = 20_000;

/// Turns an account into what the caller gets.
pub(crate) fn assemble(account: Account, report: &Report<'_>, project: &Project<'_>) -> Imported {
    let notices = notices(&account, report.file);
    let mut drafts: Vec<Settled<'_>> =
        account.drafts().iter().map(|draft| Settled::of(draft, &account.tool, report, project)).collect();
    // Equal ones are numbered by place, so that the order of the report does not matter.
    drafts.sort_by(|a, b| a.order().cmp(&b.order()));
    let (mut findings, mut rules) = (Vec::with_capacity(drafts.len()), BTreeMap::new());
    let mut ordinal = 0_usize;
    for (at, settled) in drafts.iter().enumerate() {
        let equal = at > 0 && settled.is_equal(&drafts[at - 1]);
        ordinal = if equal { ordinal + 1 } else { 0 };
        findings.push(settled.finding(ordinal, &account, project));
        rules.entry((settled.rule.clone(), settled.draft.detector)).or_insert_with(|| settled.info());
    }
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let coverage = coverage(&account, &findings, report);
    Imported {
        tool: account.tool,
        version: cut(&account.version, MAX_ID),
        findings,
        coverage,
        notices,
        rules: rules.into_values().collect(),
    }
}

/// A draft with what several steps need of it.
struct Settled<'a> {
    draft: &'a Draft,
    rule: String,
    path: String,
    /// The path as identity; empty where the report names none, so that the name of the report is no part of it.
    home: String,
    identity: Vec<String>,
    secret: Option<&'a str>,
}

impl<'a> Settled<'a> {
    fn of(draft: &'a Draft, tool: &str, report: &Report<'_>, project: &Project<'_>) -> Self {
        let secret = match &draft.identity {
            Identity::Secret(value) => Some(value.as_str()),
            _ => None,
        };
        let identity = match &draft.identity {
            Identity::Own(parts) => parts.clone(),
            Identity::Text(text) => vec![text.split_whitespace().collect::<Vec<_>>().join(" ")],
            Identity::Secret(value) => vec![value.clone()],
        };
        let home = located(&draft.place, project).unwrap_or_default();
        let home = secret.map_or(home.clone(), |value| secret::without(&home, value));
        // What has no place is in the report itself, as a component is in an inventory.
        let path = if home.is_empty() { path::settle(project, report.file, None) } else { home.clone() };
        Self { draft, rule: rule_id(tool, &draft.rule), path, home, identity, secret }
    }

    fn is_equal(&self, other: &Self) -> bool {
        (&self.rule, &self.home, &self.identity) == (&other.rule, &other.home, &other.identity)
    }

    fn order(&self) -> impl Ord + '_ {
        (&self.rule, &self.home, &self.identity, self.draft.place.span)
    }

    /// A text for people, without the secret.
    fn shown(&self, text: &str, limit: usize) -> String {
        let text = self.secret.map_or_else(|| text.to_owned(), |value| secret::without(text, value));
        cut(text.trim(), limit)
    }

    fn title(&self) -> String {
        let title = self.shown(self.draft.title.lines().next().unwrap_or_default(), MAX_LINE);
        if title.is_empty() { self.rule.clone() } else { title }
    }

    fn aliases(&self) -> Vec<String> {
        let mut all = vec![cut(&self.draft.rule, MAX_ID)];
        all.extend(listed(&self.draft.aliases).filter(|id| *id != self.draft.rule));
        all.dedup();
        all
    }

    fn finding(&self, ordinal: usize, account: &Account, project: &Project<'_>) -> Finding {
        let draft = self.draft;
        let ordinal = ordinal.to_string();
        let mut parts = vec!["import", account.tool.as_str(), self.rule.as_str(), self.home.as_str()];
        parts.extend(self.identity.iter().map(String::as_str));
        parts.push(&ordinal);
        let message = self.shown(&draft.message, MAX_MESSAGE);
        let related = draft.related.iter().take(MAX_LIST);
        let related =
            related.map(|place| Location { path: located(place, project), span: place.span, ..Location::default() });
        Finding {
            id: String::new(),
            rule: self.rule.clone(),
            title: self.title(),
            message: if message.is_empty() { self.title() } else { message },
            severity: draft.severity,
            confidence: draft.confidence,
            persona: draft.persona,
            detector: draft.detector,
            location: Location { path: Some(self.path.clone()), span: draft.place.span, ..Location::default() },
            related: related.collect(),
            fingerprint: Fingerprint::from_digest(project.digests.identity(&parts)),
            cwe: draft.cwe.iter().copied().take(MAX_LIST).collect(),
            owasp: listed(&draft.owasp).collect(),
            aliases: self.aliases(),
            owner: Vec::new(),
            snippet: None,
            fix: draft.fix.as_ref().map(|fix| Fix { description: self.shown(fix, MAX_MESSAGE), edits: Vec::new() }),
            verification: None,
            suppressed: draft.suppressed.as_ref().map(|reason| Suppression {
                kind: SuppressionKind::Import,
                reason: self.shown(reason, MAX_LINE),
                owner: None,
                until: None,
            }),
            properties: self.properties(account, project),
        }
    }

    fn properties(&self, account: &Account, project: &Project<'_>) -> BTreeMap<String, Value> {
        let shown = |value: &Value| match value {
            Value::String(text) => Value::from(self.shown(text, MAX_LINE)),
            other => other.clone(),
        };
        let mut all: BTreeMap<String, Value> =
            self.draft.properties.iter().map(|(key, value)| (key.clone(), shown(value))).collect();
        all.insert("tool".to_owned(), Value::from(account.tool.clone()));
        if let Some(value) = self.secret {
            let digest = project.digests.secret(value);
            all.insert("secret_hmac".to_owned(), Value::from(digest.clone()));
            all.insert("incident".to_owned(), Value::from(digest));
            all.insert("masked".to_owned(), Value::from(testudo_redact::mask(value)));
        }
        all
    }

    fn info(&self) -> RuleInfo {
        let draft = self.draft;
        RuleInfo {
            id: self.rule.clone(),
            domain: draft.detector,
            title: self.title(),
            severity: draft.severity,
            confidence: draft.confidence,
            persona: draft.persona,
            cwe: draft.cwe.iter().copied().take(MAX_LIST).collect(),
            owasp: listed(&draft.owasp).collect(),
            aliases: self.aliases(),
            references: listed(&draft.references).map(Reference).collect(),
            help: self.shown(&draft.help, MAX_HELP),
        }
    }
}

/// `tool/rule`, in characters that a suppression can name: no blanks, no commas. A rule that says its tool already is not
/// given it twice.
fn rule_id(tool: &str, rule: &str) -> String {
    let plain = |c: char| if c.is_whitespace() || c.is_control() || c == ',' { '-' } else { c };
    let rule: String = rule.trim().chars().take(MAX_ID).map(plain).collect();
    let prefix = format!("{tool}/");
    let rule = rule.strip_prefix(&prefix).unwrap_or(&rule);
    format!("{prefix}{}", if rule.is_empty() { "unnamed" } else { rule })
}

/// The path of a place, where the report names one.
fn located(place: &Place, project: &Project<'_>) -> Option<String> {
    let path = place.path.as_deref().filter(|path| !path.trim().is_empty())?;
    Some(path::settle(project, path, place.inside.as_deref()))
}

fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

fn listed(all: &[String]) -> impl Iterator<Item = String> + '_ {
    all.iter().filter(|text| !text.trim().is_empty()).take(MAX_LIST).map(|text| cut(text.trim(), MAX_LINE))
}

fn notices(account: &Account, file: &str) -> Vec<Notice> {
    let tool = &account.tool;
    let of = |code, message| Notice::new(code, Location::file(file), message);
    let skipped = |message| of(NoticeCode::ImportSkipped, message);
    let faults = account.faults.first.iter();
    let mut all: Vec<Notice> =
        faults.map(|(entry, why)| skipped(format!("{entry} of {tool} is not imported: {why}"))).collect();
    if account.faults.more > 0 {
        all.push(skipped(format!("{} more entries of {tool} are not imported", account.faults.more)));
    }
    if account.dropped > 0 {
        let message = format!(
            "{} findings of {tool} are not imported: there are more than {MAX_FINDINGS}, or their texts are too long; import \
             the report of a part of the project",
            account.dropped
        );
        all.push(skipped(message));
    }
    for gap in &account.gaps.first {
        let location = Location::file(gap.path.as_deref().map_or_else(|| file.to_owned(), path::clean));
        all.push(Notice::new(NoticeCode::ImportGap, location, format!("{tool} says: {}", cut(&gap.message, MAX_LINE))));
    }
    if account.gaps.more > 0 {
        let message = format!("{tool} names {} more things that it did not look at", account.gaps.more);
        all.push(of(NoticeCode::ImportGap, message));
    }
    all
}

fn coverage(account: &Account, findings: &[Finding], report: &Report<'_>) -> Vec<Coverage> {
    let found: BTreeSet<DetectorId> = findings.iter().map(|finding| finding.detector).collect();
    let whole = account.ended == Ended::Whole && account.faults.len() + account.dropped == 0;
    let skipped = [
        (NoticeCode::ImportSkipped, account.faults.len() + account.dropped),
        (NoticeCode::ImportGap, account.gaps.len()),
    ];
    let skipped: BTreeMap<String, u64> = skipped
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(code, number)| (code.to_string(), number as u64))
        .collect();
    let record = |detector: DetectorId| {
        let of = |wanted: bool| {
            let all = findings.iter().filter(|finding| finding.detector == detector);
            all.filter(|finding| finding.suppressed.is_some() == wanted).count() as u64
        };
        let mut counts: BTreeMap<String, u64> = BTreeMap::from([("findings".to_owned(), of(false))]);
        if of(true) > 0 {
            counts.insert("suppressed".to_owned(), of(true));
        }
        let further = account.counts.iter().filter(|((by, _), _)| *by == detector);
        counts.extend(further.map(|((_, name), number)| ((*name).to_owned(), *number)));
        Coverage {
            detector,
            state: if whole { CoverageState::Complete } else { CoverageState::Incomplete },
            rules_digest: String::new(),
            rules: account.rules,
            scope: vec![report.file.to_owned()],
            units: 1,
            bytes: report.bytes.len() as u64,
            skipped: skipped.clone(),
            counts,
            tool: Some(ToolInfo { name: account.tool.clone(), version: cut(&account.version, MAX_ID) }),
        }
    };
    account.detectors.union(&found).map(|detector| record(*detector)).collect()
}
