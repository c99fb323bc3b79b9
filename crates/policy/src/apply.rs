//! Policy applied to findings: owners, suppressions, the view.
//!
//! Order: the owner of each place; inline suppressions are judged; the ignore file, then the baseline, are looked up by
//! key; what the view does not show is set aside and counted. Every entry that was used is remembered, so that the ones
//! nobody needs any more can be told.

use std::collections::{BTreeMap, BTreeSet};

use testudo_model::{DetectorId, Finding, Fingerprint, Location, Notice, NoticeCode, Suppression, SuppressionKind};

use crate::{
    Date, Entry, EntryKey, IgnoreFile, Judgement, Owners, Requirements,
    config::{Suppress, View},
    judge,
};

/// What a project decided.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// What is shown.
    pub view: View,
    /// What a suppression needs.
    pub suppress: Suppress,
    /// The ignore file.
    pub ignore: Option<IgnoreFile>,
    /// The baseline. Its entries need neither owner nor date: nobody wrote them.
    pub baseline: Option<IgnoreFile>,
    /// CODEOWNERS.
    pub owners: Option<Owners>,
    /// Owners of what nobody else owns.
    pub default_owners: Vec<String>,
}

/// How much of the configured scope was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it: an entry that matched nothing is of no use.
    Whole,
    /// A part, such as one file or the staged changes: nothing can be said about the rest.
    Part,
}

/// What is to be known about the scan that made the findings.
#[derive(Debug, Clone)]
pub struct Run {
    /// The day of the scan.
    pub today: Date,
    /// How much was scanned.
    pub scope: Scope,
    /// Detectors that ran to the end.
    pub ran: BTreeSet<DetectorId>,
    /// The detector of each known rule.
    pub rules: BTreeMap<String, DetectorId>,
}

/// Findings with policy applied.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// What is shown, suppressed findings included, in the order they came.
    pub findings: Vec<Finding>,
    /// What the view does not show, in the order they came. A gate still looks at them.
    pub hidden: Vec<Finding>,
    /// Expired, invalid and unused suppressions, in the order of their places.
    pub notices: Vec<Notice>,
}

/// Applies a policy to the findings of one scan.
#[must_use]
pub fn apply(findings: Vec<Finding>, policy: &Policy, run: &Run) -> Applied {
    let requirements = Requirements { rules: policy.suppress.clone(), today: run.today };
    let unwritten = Suppress { require_reason: false, require_owner: false, max_days: 0, ..policy.suppress.clone() };
    let baseline_requirements = Requirements { rules: unwritten, today: run.today };
    let mut books: Vec<Book<'_>> = Vec::new();
    books.extend(policy.ignore.as_ref().map(|file| Book::open(file, SuppressionKind::File, &requirements)));
    books.extend(
        policy.baseline.as_ref().map(|file| Book::open(file, SuppressionKind::Baseline, &baseline_requirements)),
    );

    let mut applied = Applied::default();
    let mut notices = Notices::default();
    for mut finding in findings {
        set_owner(&mut finding, policy);
        judge_inline(&mut finding, &requirements, &mut notices);
        // Every book is asked, because an entry that a comment makes superfluous today is still not unused.
        for book in &mut books {
            let found = book.look_up(&finding);
            finding.suppressed = finding.suppressed.or(found);
        }
        let list = if shows(&policy.view, &finding) { &mut applied.findings } else { &mut applied.hidden };
        list.push(finding);
    }
    for book in &books {
        book.report(run, &mut notices);
    }
    applied.notices = notices.0.into_values().collect();
    applied
}

/// Marks findings that were there before (`--diff REV`). Findings that are suppressed already stay as they are.
///
/// To be called before [`apply`], so that findings which the view hides are marked too and do not fail a gate.
pub fn mark_known(findings: &mut [Finding], known: &BTreeSet<Fingerprint>) {
    for finding in findings.iter_mut().filter(|f| f.suppressed.is_none() && known.contains(&f.fingerprint)) {
        finding.suppressed = Some(Suppression {
            kind: SuppressionKind::Diff,
            reason: "known before the compared revision".to_owned(),
            owner: None,
            until: None,
        });
    }
}

/// Whether the view shows a finding.
fn shows(view: &View, finding: &Finding) -> bool {
    finding.severity >= view.severity && finding.confidence >= view.confidence && finding.persona <= view.persona
}

fn set_owner(finding: &mut Finding, policy: &Policy) {
    if !finding.owner.is_empty() {
        return;
    }
    let of = |path: &String| policy.owners.as_ref().map(|owners| owners.of(path));
    finding.owner = finding.location.path.as_ref().and_then(of).unwrap_or_default();
    if finding.owner.is_empty() {
        finding.owner.clone_from(&policy.default_owners);
    }
}

fn judge_inline(finding: &mut Finding, requirements: &Requirements, notices: &mut Notices) {
    let Some(inline) = finding.suppressed.take_if(|s| s.kind == SuppressionKind::Inline) else { return };
    let (code, why) = match judge(&inline, requirements) {
        Judgement::Holds => {
            finding.suppressed = Some(inline);
            return;
        }
        Judgement::Expired(why) => (NoticeCode::ExpiredSuppression, why),
        Judgement::Refused(why) => (NoticeCode::InvalidSuppression, why),
    };
    let message = format!("the inline suppression of `{}` does not count: {why}", finding.rule);
    notices.add(code, finding.location.clone(), message);
}

/// Notices in the order of their places, each once.
#[derive(Default)]
struct Notices(BTreeMap<(Location, NoticeCode, String), Notice>);

impl Notices {
    fn add(&mut self, code: NoticeCode, location: Location, message: String) {
        let notice = Notice::new(code, location.clone(), message.clone());
        self.0.insert((location, code, message), notice);
    }
}

/// One file of entries, each judged once, and which of them were used.
struct Book<'a> {
    file: &'a IgnoreFile,
    kind: SuppressionKind,
    judged: Vec<Judgement>,
    used: Vec<bool>,
    by_key: BTreeMap<&'a EntryKey, Vec<usize>>,
}

impl<'a> Book<'a> {
    fn open(file: &'a IgnoreFile, kind: SuppressionKind, requirements: &Requirements) -> Self {
        let mut by_key: BTreeMap<&EntryKey, Vec<usize>> = BTreeMap::new();
        for (index, entry) in file.entries().iter().enumerate() {
            by_key.entry(&entry.key).or_default().push(index);
        }
        let judged = file.entries().iter().map(|entry| judge(&suppression(entry, kind), requirements)).collect();
        Self { file, kind, judged, used: vec![false; file.entries().len()], by_key }
    }

    /// The first entry that accepts a finding and holds. All entries that match are used, those that do not hold too.
    fn look_up(&mut self, finding: &Finding) -> Option<Suppression> {
        let mut found = None;
        for key in EntryKey::of(finding) {
            for &index in self.by_key.get(&key).into_iter().flatten() {
                let entry = &self.file.entries()[index];
                if entry.covers_rule(&finding.rule) {
                    self.used[index] = true;
                    let holds = self.judged[index] == Judgement::Holds;
                    found = found.or_else(|| holds.then(|| suppression(entry, self.kind)));
                }
            }
        }
        found
    }

    /// Tells the entries that do not hold, and in a whole scan those that matched nothing.
    fn report(&self, run: &Run, notices: &mut Notices) {
        for (index, entry) in self.file.entries().iter().enumerate() {
            let (code, why) = match &self.judged[index] {
                Judgement::Expired(why) => (NoticeCode::ExpiredSuppression, why.as_str()),
                Judgement::Refused(why) => (NoticeCode::InvalidSuppression, why.as_str()),
                Judgement::Holds if !self.used[index] && could_match(entry, run) => {
                    (NoticeCode::UnusedSuppression, "nothing matches it any more; delete the line")
                }
                Judgement::Holds => continue,
            };
            let rule = entry.rule.as_deref().unwrap_or("*");
            let message = format!("the entry {} (rule {rule}) does not count: {why}", entry.key);
            notices.add(code, self.file.location(entry), message);
        }
    }
}

/// Whether the scan would have found what an entry accepts. Where the detector is not known, nobody can say.
fn could_match(entry: &Entry, run: &Run) -> bool {
    let detector = match (&entry.key, &entry.rule) {
        (_, Some(rule)) if run.rules.contains_key(rule) => run.rules.get(rule).copied(),
        // A rule of another tool, whose report may not have been given this time.
        (_, Some(rule)) if rule.contains('/') => None,
        (EntryKey::Secret(_), _) => Some(DetectorId::Secrets),
        (EntryKey::Finding(_), _) => None,
    };
    run.scope == Scope::Whole && detector.is_some_and(|detector| run.ran.contains(&detector))
}

fn suppression(entry: &Entry, kind: SuppressionKind) -> Suppression {
    Suppression {
        kind,
        reason: entry.reason.clone(),
        owner: entry.owner.clone(),
        until: entry.expires.map(|day| day.to_string()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
