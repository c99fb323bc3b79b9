//! Takes in what a scan found, and closes what it did not find again.
//!
//! Not seen is not gone. A finding is closed only where the scan looked at its place as a whole, with the detector that
//! found it, with rules that are the same or that this program knows, showed everything, and switched its rule not off. Everything
//! else stays as it was, and the answer says how much.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};
use schemars::JsonSchema;
use serde::Serialize;
use testudo_ledger::Extent;
use testudo_model::{Coverage, CoverageState, Finding, Fingerprint, Summary};

use super::{
    branch::{Branch, BranchScan, Pushed, branch_of},
    moment, row, rows, touched,
};
use crate::{HubError, RuleSet};

/// Characters of a text that lists show.
const SHOWN: usize = 300;
/// Owners of one finding.
const OWNERS: usize = 20;
/// Largest finding that is kept in full, in bytes.
const MAX_DOCUMENT: usize = 64 << 10;
/// Property of a finding that was too large to be kept in full.
pub(crate) const CUT: &str = "testudo-hub-cut";
/// Findings that get a moment of their own on the line of time, of those that one scan opens or closes.
const NAMED: usize = 20;

/// A scan that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ScanRow {
    /// Its number.
    pub(crate) id: i64,
    /// When it was taken in.
    pub(crate) received: String,
    /// When it began.
    pub(crate) started: String,
    /// The program.
    pub(crate) tool: String,
    /// Whether everything in scope was looked at.
    pub(crate) complete: bool,
    /// Findings that it opened.
    pub(crate) opened: u64,
    /// Findings that it closed.
    pub(crate) closed: u64,
    /// The branch, where it is not the default one.
    pub(crate) branch: String,
}

/// What came of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Ingested {
    /// Number of the scan.
    pub(crate) scan: i64,
    /// Whether this very document was known already, and nothing was done.
    pub(crate) known: bool,
    /// Findings in it.
    pub(crate) findings: u64,
    /// New ones, or back again.
    pub(crate) opened: u64,
    /// Gone.
    pub(crate) closed: u64,
    /// Not in it, and not closed, because it did not look there.
    pub(crate) kept: u64,
    /// Why not.
    pub(crate) reasons: Vec<String>,
    /// Whether it was a branch beside the default one, which opens and closes nothing.
    pub(crate) beside: bool,
    /// That branch; empty where nobody named it.
    pub(crate) branch: String,
    /// Findings of that branch which are not on the default one.
    pub(crate) only_here: u64,
}

/// What is known of a scan before its findings are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    /// The product: number and name.
    pub(crate) product: (i64, &'a str),
    /// SHA-256 of the document.
    pub(crate) digest: &'a str,
    /// How much of the project was looked at.
    pub(crate) extent: &'a Extent,
    /// Which branch it is of.
    pub(crate) branch: Pushed<'a>,
    /// Now.
    pub(crate) time: &'a str,
}

/// What is known of a scan after its findings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// When it began.
    pub(crate) started: String,
    /// Which program.
    pub(crate) tool: String,
    /// What each detector looked at.
    pub(crate) coverage: Vec<Coverage>,
    /// The figures.
    pub(crate) summary: Summary,
    /// Hidden findings that were named by their fingerprints.
    pub(crate) listed: u64,
}

/// A scan that is being taken in.
pub(crate) struct Ingestion<'a> {
    transaction: &'a Transaction<'a>,
    header: Header<'a>,
    product: i64,
    scan: i64,
    result: Ingested,
    /// Of those that are new: number, severity, and a text.
    news: Vec<(usize, i64, String)>,
}

/// A scan that is being taken in.
pub(crate) enum Taking<'a> {
    /// Of the default branch.
    Default(Ingestion<'a>),
    /// Of another one.
    Other(BranchScan<'a>),
}

impl<'a> Taking<'a> {
    /// Begins. None where this very document was taken in as the last one of its branch: sent twice is known once.
    pub(crate) fn begin(
        transaction: &'a Transaction<'a>,
        header: Header<'a>,
    ) -> Result<Result<Self, Ingested>, HubError> {
        let product = header.product.0;
        let branch = branch_of(transaction, product, header.branch)?;
        // No branch has this name, so that of nobody knows which is kept apart from the default one.
        let name = match &branch {
            Branch::Default => String::new(),
            Branch::Other { name, .. } if name.is_empty() => "?".to_owned(),
            Branch::Other { name, .. } => name.clone(),
        };
        let last = "SELECT id, digest FROM scan WHERE product = ?1 AND ref = ?2 ORDER BY id DESC LIMIT 1";
        let last = row(transaction, (last, params![product, name]), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        if let Some((scan, _)) = last.filter(|(_, digest)| digest == header.digest) {
            return Ok(Err(Ingested { scan, known: true, ..Ingested::default() }));
        }
        let scan = transaction
            .prepare_cached(
                "INSERT INTO scan (product, digest, received, started, tool, complete, ref) VALUES (?1, ?2, ?3, '', '', 0, ?4)",
            )?
            .insert(params![product, header.digest, header.time, name])?;
        let result = Ingested { scan, ..Ingested::default() };
        Ok(Ok(match branch {
            Branch::Default => {
                Self::Default(Ingestion { transaction, header, product, scan, result, news: Vec::new() })
            }
            Branch::Other { name, default } => {
                let result = Ingested { beside: true, branch: name, ..result };
                Self::Other(BranchScan::begin(transaction, (header, product), default, result)?)
            }
        }))
    }

    /// Takes one finding.
    pub(crate) fn add(&mut self, finding: &Finding) -> Result<(), HubError> {
        match self {
            Self::Default(taking) => taking.add(finding),
            Self::Other(taking) => taking.add(finding),
        }
    }

    /// Says that a finding is there, although the report does not show it.
    pub(crate) fn hide(&self, fingerprint: &Fingerprint) -> Result<(), HubError> {
        match self {
            Self::Default(taking) => taking.hide(fingerprint),
            Self::Other(_) => Ok(()),
        }
    }

    /// Says what came of it all.
    pub(crate) fn finish(self, account: &Account, rules: &RuleSet) -> Result<Ingested, HubError> {
        match self {
            Self::Default(taking) => taking.finish(account, rules),
            Self::Other(taking) => taking.finish(account),
        }
    }
}

impl Ingestion<'_> {
    /// Takes one finding.
    fn add(&mut self, finding: &Finding) -> Result<(), HubError> {
        self.result.findings += 1;
        let known = "SELECT state, decided, owners, severity FROM finding WHERE product = ?1 AND fingerprint = ?2";
        let known = row(self.transaction, (known, params![self.product, finding.fingerprint.as_str()]), |row| {
            let known = Known { owners: row.get(2)?, severity: row.get(3)? };
            Ok((known, row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })?;
        let suppressed = finding.suppressed.is_some();
        let state = match known.as_ref().and_then(|(_, _, decided)| decided.as_deref()) {
            _ if suppressed => "suppressed",
            Some(decided) => decided,
            None => "open",
        };
        let before = known.as_ref().map(|(_, state, _)| state.as_str());
        let is_new = state == "open" && before.is_none_or(|before| matches!(before, "closed" | "suppressed"));
        let opened = is_new.then_some(self.header.time);
        let id = self.write(finding, (state, opened))?;
        self.write_owners(finding, id, known.as_ref().map(|(known, ..)| known))?;
        self.write_document(finding, id)?;
        if is_new {
            self.result.opened += 1;
            let text = format!("{}: {}", finding.title, finding.location.display_path());
            self.news.push((finding.severity as usize, id, short(&text)));
            if self.news.len() >= 4 * NAMED {
                keep_worst(&mut self.news);
            }
        }
        Ok(())
    }

    /// Says that a finding is there, although the report does not show it.
    fn hide(&self, fingerprint: &Fingerprint) -> Result<(), HubError> {
        self.transaction
            .prepare_cached("UPDATE finding SET last_scan = ?3 WHERE product = ?1 AND fingerprint = ?2")?
            .execute(params![self.product, fingerprint.as_str(), self.scan])?;
        Ok(())
    }

    /// Writes the row of a finding. `opened` is now, where it is new or back. Gives its number.
    fn write(&self, finding: &Finding, (state, opened): (&str, Option<&str>)) -> Result<i64, HubError> {
        let place = place(finding, self.header.extent);
        let owners: Vec<&String> = finding.owner.iter().take(OWNERS).collect();
        // One that is new has no decision; the table refuses a decided state without one even where the row is there already.
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO finding (product, fingerprint, state, severity, rule, title, message, path, line, owners, detector, tool, in_tree, first_scan, last_scan, opened) \
             VALUES (?1, ?2, CASE ?3 WHEN 'suppressed' THEN ?3 ELSE 'open' END, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15) ON CONFLICT (product, fingerprint) DO UPDATE SET \
             state = ?3, severity = excluded.severity, rule = excluded.rule, title = excluded.title, message = excluded.message, \
             path = excluded.path, line = excluded.line, owners = excluded.owners, detector = excluded.detector, tool = excluded.tool, \
             in_tree = excluded.in_tree, last_scan = excluded.last_scan, opened = coalesce(?16, opened), closed = NULL RETURNING id",
        )?;
        let values = params![
            self.product,
            finding.fingerprint.as_str(),
            state,
            finding.severity as i64,
            short(&finding.rule),
            short(&finding.title),
            short(&finding.message),
            short(&place),
            finding.location.line(),
            serde_json::to_string(&owners)?,
            finding.detector.as_str(),
            tool_of(finding),
            finding.location.commit.is_none() && finding.location.path.is_some(),
            self.scan,
            self.header.time,
            opened,
        ];
        Ok(statement.query_row(values, |row| row.get(0))?)
    }

    fn write_owners(&self, finding: &Finding, id: i64, known: Option<&Known>) -> Result<(), HubError> {
        if let Some(known) = known {
            let owners: Vec<String> = serde_json::from_str(&known.owners)?;
            if owners.iter().eq(finding.owner.iter().take(OWNERS)) && known.severity == finding.severity as i64 {
                return Ok(());
            }
            self.transaction.prepare_cached("DELETE FROM finding_owner WHERE finding = ?1")?.execute([id])?;
        }
        let mut insert = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO finding_owner (owner, severity, finding) VALUES (?1, ?2, ?3)")?;
        for owner in finding.owner.iter().take(OWNERS) {
            insert.execute(params![short(owner), finding.severity as i64, id])?;
        }
        Ok(())
    }

    fn write_document(&self, finding: &Finding, id: i64) -> Result<(), HubError> {
        let mut text = serde_json::to_string(finding)?;
        if text.len() > MAX_DOCUMENT {
            let mut less = finding.clone();
            less.related.clear();
            less.properties.clear();
            (less.snippet, less.fix) = (None, None);
            less.message = short(&less.message);
            less.properties.insert(CUT.to_owned(), true.into());
            text = serde_json::to_string(&less)?;
        }
        if text.len() <= MAX_DOCUMENT {
            self.transaction
                .prepare_cached("INSERT INTO finding_document (finding, document) VALUES (?1, ?2) ON CONFLICT (finding) DO UPDATE SET document = excluded.document")?
                .execute(params![id, text])?;
        } else {
            // What an earlier scan said of it is not what it is now.
            self.transaction.prepare_cached("DELETE FROM finding_document WHERE finding = ?1")?.execute([id])?;
        }
        Ok(())
    }

    /// Closes what is gone, and says what came of it all.
    fn finish(mut self, account: &Account, rules: &RuleSet) -> Result<Ingested, HubError> {
        let gone = self.close(account, rules)?;
        let complete = end_scan(self.transaction, &self.result, account)?;
        self.tell(account, (complete, &gone))?;
        touched(self.transaction, self.product)?;
        Ok(self.result)
    }

    fn close(&mut self, account: &Account, rules: &RuleSet) -> Result<Vec<(usize, i64, String)>, HubError> {
        let is_late = self.is_late(account)?;
        let mut look = Look { account, extent: self.header.extent, rules, is_late, digests: BTreeMap::new() };
        let (mut reasons, mut gone) = (BTreeMap::new(), Vec::new());
        for finding in self.absent()? {
            if let Some(why) = look.blind(self.transaction, &finding)? {
                self.result.kept += 1;
                *reasons.entry(why).or_insert(0_u64) += 1;
                continue;
            }
            self.result.closed += 1;
            self.transaction
                .prepare_cached("UPDATE finding SET state = 'closed', closed = ?2 WHERE id = ?1")?
                .execute(params![finding.id, self.header.time])?;
            if gone.len() < NAMED {
                let text = short(&format!("{}: {}", finding.title, finding.path));
                gone.push((finding.severity, finding.id, text));
            }
        }
        self.result.reasons = reasons.into_iter().map(|(why, count)| format!("{count} stay open: {why}")).collect();
        Ok(gone)
    }

    /// Whether a scan that began later is known already.
    fn is_late(&self, account: &Account) -> Result<bool, HubError> {
        let later = "SELECT 1 FROM scan WHERE product = ?1 AND ref = '' AND id < ?2 AND started > ?3 LIMIT 1";
        let values = params![self.product, self.scan, short(&account.started)];
        Ok(row(self.transaction, (later, values), |row| row.get::<_, i64>(0))?.is_some())
    }

    /// Findings that are not closed, and that this scan did not see.
    fn absent(&self) -> Result<Vec<Absent>, HubError> {
        let absent = "SELECT id, detector, tool, path, rule, last_scan, in_tree, severity, title FROM finding WHERE product = ?1 AND state <> 'closed' AND last_scan <> ?2 ORDER BY severity DESC, id DESC";
        rows(self.transaction, (absent, params![self.product, self.scan]), |row| {
            Ok(Absent {
                id: row.get(0)?,
                detector: row.get(1)?,
                tool: row.get(2)?,
                path: row.get(3)?,
                rule: row.get(4)?,
                last_scan: row.get(5)?,
                in_tree: row.get(6)?,
                severity: row.get(7)?,
                title: row.get(8)?,
            })
        })
    }

    /// Puts the scan and what it changed on the line of time.
    fn tell(&mut self, account: &Account, (complete, gone): (bool, &[(usize, i64, String)])) -> Result<(), HubError> {
        let Ingested { findings, opened, closed, kept, .. } = self.result;
        let whole = if complete { "" } else { ", not everything was looked at" };
        let said = format!(
            "{} found {findings}: {opened} new, {closed} gone, {kept} not looked at again{whole}{}{}",
            account.tool,
            named_of("new", opened),
            named_of("gone", closed)
        );
        let new = moment::NewMoment {
            time: self.header.time,
            kind: "scan",
            mark: if complete { "plain" } else { "look" },
            said: &said,
            about: "scan",
            link: &format!("/findings?state=&scan={}", self.scan),
            ..moment::NewMoment::default()
        };
        let scan = moment::add_moment(self.transaction, self.product, new)?;
        keep_worst(&mut self.news);
        let opened = self.news.iter().map(|(severity, id, text)| (*severity, *id, "new", text, "bad"));
        let closed = gone.iter().map(|(severity, id, text)| (*severity, *id, "gone", text, "good"));
        for (severity, id, word, text, mark) in opened.chain(closed) {
            let severity = testudo_model::Severity::WORDS.get(severity).copied().unwrap_or_default();
            let new = moment::NewMoment {
                time: self.header.time,
                kind: "finding",
                mark,
                said: &format!("{word}, {severity}: {text}"),
                about: &format!("finding:{id}"),
                link: &format!("/findings/{id}"),
                cause: Some(scan),
                ..moment::NewMoment::default()
            };
            moment::add_moment(self.transaction, self.product, new)?;
        }
        Ok(())
    }
}

/// Keeps what came of a scan. Gives whether it looked at everything.
pub(super) fn end_scan(connection: &Connection, result: &Ingested, account: &Account) -> Result<bool, HubError> {
    let complete = account.summary.complete && !account.coverage.is_empty();
    connection.execute(
        "UPDATE scan SET started = ?2, tool = ?3, complete = ?4, opened = ?5, closed = ?6, kept = ?7, coverage = ?8 WHERE id = ?1",
        params![
            result.scan,
            short(&account.started),
            short(&account.tool),
            complete,
            result.opened,
            result.closed,
            result.kept,
            serde_json::to_string(&account.coverage)?
        ],
    )?;
    Ok(complete)
}

/// A finding that the hub has already.
struct Known {
    owners: String,
    severity: i64,
}

/// Says where only the worst of many are named.
fn named_of(word: &str, all: u64) -> String {
    if all <= NAMED as u64 {
        return String::new();
    }
    format!("; the worst {NAMED} of the {word} ones have a moment of their own")
}

/// Keeps the worst, in order.
fn keep_worst(news: &mut Vec<(usize, i64, String)>) {
    news.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
    news.truncate(NAMED);
}

/// A finding that is not in the document.
struct Absent {
    id: i64,
    detector: String,
    tool: String,
    path: String,
    rule: String,
    last_scan: i64,
    in_tree: bool,
    severity: usize,
    title: String,
}

/// What a scan looked at.
struct Look<'a> {
    account: &'a Account,
    extent: &'a Extent,
    rules: &'a RuleSet,
    /// Whether a scan that began later is known already.
    is_late: bool,
    /// Digest of the rules of a detector in an earlier scan.
    digests: BTreeMap<(i64, String), String>,
}

impl Look<'_> {
    /// Why the scan says nothing about a finding; none where it would have seen it.
    fn blind(&mut self, connection: &Connection, finding: &Absent) -> Result<Option<&'static str>, HubError> {
        if self.is_late {
            return Ok(Some("a scan that began later was pushed before this one"));
        }
        if !finding.tool.is_empty() {
            return Ok(Some("a report of another tool does not say where it looked; decide about them by hand"));
        }
        if !finding.in_tree {
            return Ok(Some("they are in history or outside of files, which a scan of files does not look at"));
        }
        let own = |coverage: &&Coverage| coverage.detector.as_str() == finding.detector && coverage.tool.is_none();
        let Some(coverage) = self.account.coverage.iter().find(own) else {
            return Ok(Some("the detector that found them did not run"));
        };
        if coverage.state != CoverageState::Complete || coverage.units == 0 {
            return Ok(Some("the detector that found them did not look at everything"));
        }
        if !self.account.summary.complete {
            return Ok(Some("the scan is not complete"));
        }
        if self.account.summary.hidden > self.account.listed {
            return Ok(Some("the report does not list what its view hides; push with all that was found"));
        }
        if !self.extent.whole.iter().any(|whole| below(&finding.path, whole)) {
            return Ok(Some("the scan did not look at their place as a whole"));
        }
        if self.extent.off.contains(&finding.rule) {
            return Ok(Some("their rule was switched off"));
        }
        let known = self.rules.digest == coverage.rules_digest && self.rules.ids.contains(&finding.rule);
        if !known && self.digest(connection, finding)? != coverage.rules_digest {
            return Ok(Some("the rules were others, and this hub does not know them"));
        }
        Ok(None)
    }

    /// Digest of the rules of the scan that saw a finding last.
    fn digest(&mut self, connection: &Connection, finding: &Absent) -> Result<String, HubError> {
        let key = (finding.last_scan, finding.detector.clone());
        if let Some(known) = self.digests.get(&key) {
            return Ok(known.clone());
        }
        let query = "SELECT coverage FROM scan WHERE id = ?1";
        let text: Option<String> = row(connection, (query, [finding.last_scan]), |row| row.get(0))?;
        let coverage: Vec<Coverage> = text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default();
        let own = coverage.into_iter().find(|c| c.detector.as_str() == finding.detector && c.tool.is_none());
        let digest = own.map_or_else(String::new, |coverage| coverage.rules_digest);
        self.digests.insert(key, digest.clone());
        Ok(digest)
    }
}

/// Whether a path is a place or below it.
fn below(path: &str, whole: &str) -> bool {
    // The members of an archive are in it; a folder may have an exclamation mark in its name.
    let archive = whole.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let inside = |rest: &str| rest.is_empty() || rest.starts_with('/') || archive && rest.starts_with('!');
    whole == "." || path.strip_prefix(whole).is_some_and(inside)
}

/// Where a finding is, from the root of the project.
pub(super) fn place(finding: &Finding, extent: &Extent) -> String {
    let shown = finding.location.display_path();
    let inside = shown.strip_prefix("./").unwrap_or(&shown);
    match extent.base.as_str() {
        "" | "." => inside.to_owned(),
        _ if finding.location.path.is_none() => inside.to_owned(),
        base => format!("{base}/{inside}"),
    }
}

/// The other tool that found it; empty for our own detectors.
fn tool_of(finding: &Finding) -> String {
    // Our own detectors give no such property, readers of reports always do.
    short(finding.properties.get("tool").and_then(|tool| tool.as_str()).unwrap_or_default())
}

/// The beginning of a text that is shown in lists.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The scans of a product before a number, the newest first.
pub(crate) fn scans(
    connection: &Connection,
    product: i64,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<ScanRow>, HubError> {
    let query = "SELECT id, received, started, tool, complete, opened, closed, ref FROM scan WHERE product = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    rows(connection, (query, params![product, before.unwrap_or(i64::MAX), limit]), |row| {
        Ok(ScanRow {
            id: row.get(0)?,
            received: row.get(1)?,
            started: row.get(2)?,
            tool: row.get(3)?,
            complete: row.get(4)?,
            opened: row.get(5)?,
            closed: row.get(6)?,
            branch: row.get(7)?,
        })
    })
}

/// How many scans a product has.
pub(crate) fn scan_count(connection: &Connection, product: i64) -> Result<usize, HubError> {
    Ok(connection.query_row("SELECT count(*) FROM scan WHERE product = ?1", [product], |row| row.get(0))?)
}
