//! What this program records in the ledger of a project: where, by whom and with which key.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use serde_json::to_value;
use sha2::{Digest as _, Sha256};
use testudo_ledger::{
    Appended, Appender, CheckResult, Event, Head, HostEvent, Journal, PolicyDigest, ReleaseEvent, ReleaseStep,
    ScanEvent, SigningKey, Subject, TestResultEvent, TriageEvent, VaultEvent, VerdictEvent, VerifyingKey, predicate,
};
use testudo_model::{Alert, Concern, Response, ScanReport};
use testudo_plan::junit::TestReport;
use testudo_policy::{
    IgnoreFile, Outcome, Verdict,
    config::{Ledger, Origin},
};
use testudo_source::git::{ReadLimits, Repository};

use crate::{
    cache, clock,
    commands::scanning,
    files,
    scan::{self, Collected, ScanArgs},
    terminal,
};

/// Where the ledgers of a project are, below its root.
const FOLDER: [&str; 2] = [".testudo", "ledger"];
/// The user's own key, in their configuration directory.
const OWN_KEY: &str = "ledger.pem";
/// The variable that holds a key itself.
const SIGNING_KEY: &str = "TESTUDO_SIGNING_KEY";
/// How a key begins.
const PEM: &str = "-----BEGIN";
/// Largest memory of a head that is read, in bytes.
const MAX_SEEN: u64 = 1 << 16;
/// Longest name of somebody who acts, in characters.
const MAX_ACTOR: usize = 100;

/// The folder of the ledgers of a project.
pub(crate) fn folder(root: &Path) -> PathBuf {
    FOLDER.iter().fold(root.to_owned(), |path, name| path.join(name))
}

/// Records a scan, and the verdict over it where there is one.
pub(crate) fn scan(args: &ScanArgs, collected: &Collected, verdict: Option<&Verdict>) -> Result<()> {
    let Collected { root, effective, .. } = collected;
    let config = &effective.config.ledger;
    if config.record.is_empty() {
        return Ok(());
    }
    let recorder = Recorder::new(root, config)?;
    let entries = scan_with(&recorder, args, collected, verdict)?;
    recorder.tell(&entries, args.view.quiet);
    Ok(())
}

/// Records a scan and the verdict over it in a ledger. Gives the numbers of the entries.
pub(crate) fn scan_with(
    recorder: &Recorder,
    args: &ScanArgs,
    collected: &Collected,
    verdict: Option<&Verdict>,
) -> Result<Vec<u64>> {
    let Collected { report, root, extent, .. } = collected;
    let head = Repository::discover(root, ReadLimits::default()).ok().and_then(|repository| repository.head());
    let event = ScanEvent::of(report, head.map(|oid| oid.to_string()), extent.clone());
    let subject = vec![report_subject(report)?];
    let scan =
        Event { subject: subject.clone(), predicate_type: predicate::SCAN.to_owned(), predicate: to_value(event)? };
    let scan = recorder.append(&scan)?;
    let tests = results(root, &args.what.with)?.map(|event| recorder.append(&event)).transpose()?;
    let Some(verdict) = verdict else { return Ok([Some(scan), tests].into_iter().flatten().collect()) };
    let outcome = match verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Incomplete => "incomplete",
    };
    let policy = policy(args, collected)?;
    let said = VerdictEvent { verdict: outcome.to_owned(), reasons: verdict.reasons.clone(), scan, policy };
    let gate = Event { subject, predicate_type: predicate::GATE.to_owned(), predicate: to_value(said)? };
    let gate = recorder.append(&gate)?;
    Ok([Some(scan), tests, Some(gate)].into_iter().flatten().collect())
}

/// The results of tests among the reports that were given, in JUnit XML; none where there is none.
fn results(root: &Path, reports: &[String]) -> Result<Option<Event>> {
    let files: Vec<PathBuf> = reports.iter().filter_map(|name| scan::report_file(name)).collect();
    let tests = |path: &&PathBuf| files::read_text(path).is_ok_and(|text| TestReport::parse("", &text).is_ok());
    let files: Vec<PathBuf> = files.iter().filter(tests).cloned().collect();
    if files.is_empty() {
        return Ok(None);
    }
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let results = testudo_release::read_results(&root, files).map_err(anyhow::Error::msg)?;
    let predicate = to_value(&results.event)?;
    let subject = results.event.configuration;
    Ok(Some(Event { subject, predicate_type: predicate::TEST_RESULT.to_owned(), predicate }))
}

/// What the verdict was asked to look at and to pass over.
fn policy(args: &ScanArgs, collected: &Collected) -> Result<PolicyDigest> {
    let set = collected.effective.origins().into_iter().filter(|shown| shown.origin != Origin::Default);
    let ignore_file = collected.root.join(&collected.effective.config.suppress.ignore_file);
    let named = args.verdict.baseline.iter().chain(ignore_file.exists().then_some(&ignore_file));
    let digest = |path: &PathBuf| -> Result<(String, String)> {
        let text = files::read_text(path)?;
        Ok((below(&collected.root, path), testudo_model::hex(&Sha256::digest(text))))
    };
    Ok(PolicyDigest {
        settings: set.map(|shown| (shown.key.to_owned(), shown.value)).collect(),
        files: named.map(digest).collect::<Result<_>>()?,
        diff: args.verdict.diff.clone(),
    })
}

/// A path as it is called in the project.
fn below(root: &Path, path: &Path) -> String {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (root, path) = (real(root), real(path));
    path.strip_prefix(root).unwrap_or(&path).display().to_string()
}

/// Records what somebody accepts, or no longer accepts, before it is written: `before` and `after` are what the file holds.
pub(crate) fn triage(
    root: &Path,
    config: &Ledger,
    (command, file): (&str, &Path),
    (before, after): (&IgnoreFile, &IgnoreFile),
) -> Result<()> {
    if config.record.is_empty() {
        return Ok(());
    }
    // Whole entries: another reason or a later end is a decision too.
    let entries = |file: &IgnoreFile| file.entries().iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let (before, kept) = (entries(before), entries(after));
    let said = TriageEvent {
        command: command.to_owned(),
        file: below(root, file),
        accepted: kept.difference(&before).cloned().collect(),
        withdrawn: before.difference(&kept).cloned().collect(),
    };
    if said.accepted.is_empty() && said.withdrawn.is_empty() {
        return Ok(());
    }
    let digest = testudo_model::hex(&Sha256::digest(after.to_text()));
    let subject = vec![Subject::new(&said.file, "sha256", &digest)];
    let event = Event { subject, predicate_type: predicate::TRIAGE.to_owned(), predicate: to_value(said)? };
    Recorder::new(root, config)?.append(&event).map(drop)
}

/// Records what is done with files of secrets, before it is done. `record` names the environment where the configuration
/// does not.
pub(crate) fn vault(mut event: VaultEvent, config: Option<&Path>, record: Option<&str>) -> Result<()> {
    let mut words: Vec<OsString> = Vec::new();
    words.extend(config.into_iter().flat_map(|config| ["--config".into(), config.into()]));
    words.extend(record.into_iter().flat_map(|record| ["--record".into(), record.into()]));
    let target = event.files.first().map(|file| PathBuf::from(&file.path)).unwrap_or_default();
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let (effective, root) = scan::configuration(&scanning::arguments(words)?, &[folder.to_owned()])?;
    let config = &effective.config.ledger;
    if config.record.is_empty() {
        return Ok(());
    }
    let mut subject = Vec::new();
    for file in &mut event.files {
        file.path = below(&root, Path::new(&file.path));
        let digest = file.after.as_ref().or(file.before.as_ref()).context("a file without a digest")?;
        subject.push(Subject::new(&file.path, "sha256", digest));
    }
    let event = Event { subject, predicate_type: predicate::VAULT.to_owned(), predicate: to_value(event)? };
    Recorder::new(&root, config)?.append(&event).map(drop)
}

/// The report, by its digest.
fn report_subject(report: &ScanReport) -> Result<Subject> {
    let mut bytes = Vec::new();
    testudo_report::write(report, testudo_report::Format::Json, &testudo_report::Options::default(), &mut bytes)?;
    Ok(Subject::new("report.json", "sha256", &testudo_model::hex(&Sha256::digest(&bytes))))
}

/// Adds entries to one ledger.
pub(crate) struct Recorder {
    journal: Journal,
    key: SigningKey,
    trusted: Vec<VerifyingKey>,
    actor: String,
}

impl Recorder {
    fn new(root: &Path, config: &Ledger) -> Result<Self> {
        let key = match configured_key(root, config)? {
            Some(key) => key,
            None => new_key()?,
        };
        Self::of((root, config), &config.record, key)
    }

    /// One for an environment with a key of its own; without one, the key that signs everything else.
    pub(crate) fn for_release((root, config): (&Path, &Ledger), environment: &str, key: Option<&Path>) -> Result<Self> {
        let key = match key {
            Some(path) => {
                plain(path)?;
                SigningKey::from_pem(&files::read_text(path)?, &path.display().to_string())?
            }
            None => match configured_key(root, config)? {
                Some(key) => key,
                None => new_key()?,
            },
        };
        Self::of((root, config), environment, key)
    }

    fn of((root, config): (&Path, &Ledger), environment: &str, key: SigningKey) -> Result<Self> {
        let journal = Journal::new(&folder(root), environment)?;
        Ok(Self { journal, key, trusted: trusted(root, &config.trusted)?, actor: actor() })
    }

    /// The ledger.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The keys whose entries count.
    pub(crate) fn keys(&self) -> Vec<VerifyingKey> {
        self.trusted.iter().chain([self.key.public()]).cloned().collect()
    }

    /// Gives the number of the entry.
    pub(crate) fn append(&self, event: &Event) -> Result<u64> {
        let time = clock::now();
        let by = Appender { key: &self.key, trusted: &self.trusted, time: &time, actor: &self.actor };
        let added = self.journal.append(event, by)?;
        let place = self.journal.path();
        if added.repaired > 0 {
            terminal::warn(&format!(
                "{}: the last entry had been written in part; its {} bytes were taken off, and that is recorded",
                place.display(),
                added.repaired
            ));
        }
        let environment = self.journal.environment().to_owned();
        let Appended { ledger, seq, hash, .. } = added;
        let head = Head { ledger, environment, seq, hash, time };
        match seen(&self.journal) {
            Some(known) if known.ledger != head.ledger || known.seq >= head.seq => terminal::warn(&format!(
                "{}: this is not the ledger that you saw last, or it was put back to an older state; run `testudo ledger verify`",
                place.display()
            )),
            _ => remember(&self.journal, &head),
        }
        Ok(seq)
    }

    fn tell(&self, entries: &[u64], quiet: bool) {
        if !quiet {
            let numbers: Vec<String> = entries.iter().map(u64::to_string).collect();
            let word = if entries.len() == 1 { "entry" } else { "entries" };
            let place = self.journal.path();
            terminal::note(&format!("recorded as {word} {} in {}", numbers.join(" and "), place.display()));
        }
    }
}

/// What this user saw of a ledger last; none where that was never or in another directory.
pub(crate) fn seen(journal: &Journal) -> Option<Head> {
    serde_json::from_slice(&cache::read(&seen_path(journal)?, MAX_SEEN)?).ok()
}

/// Remembers what was seen of a ledger. Where that cannot be, it is told: what was recorded or checked stays what it is.
pub(crate) fn remember(journal: &Journal, head: &Head) {
    let Some(path) = seen_path(journal) else { return };
    let written = serde_json::to_vec(head).map_err(Into::into).and_then(|bytes| cache::write(&path, &bytes));
    if let Err(error) = written {
        terminal::warn(&format!("{}: what was seen of the ledger cannot be remembered: {error:#}", path.display()));
    }
}

/// Forgets what was seen of a ledger: it was put back, or replaced, on purpose.
pub(crate) fn forget(journal: &Journal) -> Result<()> {
    match seen_path(journal).map(fs::remove_file) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn seen_path(journal: &Journal) -> Option<PathBuf> {
    let path = journal.path();
    let real = real(&path)?;
    let name = testudo_model::hex(&Sha256::digest(real.as_os_str().as_encoded_bytes()));
    Some(user_folder("XDG_STATE_HOME", ".local/state")?.join("seen").join(name))
}

/// A path without links, also where its last folders are not there: a ledger that was taken away is the same ledger.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let there = path.ancestors().skip(1).find_map(|folder| Some((folder, fs::canonicalize(folder).ok()?)))?;
    Some(there.1.join(path.strip_prefix(there.0).ok()?))
}

/// The keys of the files that are trusted.
pub(crate) fn trusted(root: &Path, names: &[String]) -> Result<Vec<VerifyingKey>> {
    let mut keys = Vec::new();
    for name in names {
        keys.extend(public_keys(&inside(root, name, "ledger.trusted")?)?);
    }
    Ok(keys)
}

/// Reads the public keys of a file.
pub(crate) fn public_keys(path: &Path) -> Result<Vec<VerifyingKey>> {
    plain(path)?;
    Ok(VerifyingKey::all_from_pem(&files::read_text(path)?, &path.display().to_string())?)
}

/// The public part of the key that signs the releases of an environment, where it is at hand.
pub(crate) fn release_key(home: &Path, name: &str) -> Option<VerifyingKey> {
    let pem = files::read_text(home.join(name)).ok()?;
    Some(SigningKey::from_pem(&pem, name).ok()?.public().clone())
}

/// A key never comes out of a pipe or a device, whose end nobody knows.
pub(crate) fn plain(path: &Path) -> Result<()> {
    let found = fs::metadata(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    if found.is_file() { Ok(()) } else { bail!("{}: is no plain file", path.display()) }
}

/// The key that signs: that of the environment, else of the configuration, else the user's own; none where there is none yet.
pub(crate) fn configured_key(root: &Path, config: &Ledger) -> Result<Option<SigningKey>> {
    if let Some(text) = env::var(SIGNING_KEY).ok().filter(|text| !text.trim().is_empty()) {
        return Ok(Some(SigningKey::from_variable(&text, SIGNING_KEY)?));
    }
    if !config.key.is_empty() {
        let path = inside(root, &config.key, "ledger.key")?;
        plain(&path)?;
        return Ok(Some(SigningKey::from_pem(&files::read_text(&path)?, &path.display().to_string())?));
    }
    own_key()
}

/// The user's own key; none where there is none yet.
fn own_key() -> Result<Option<SigningKey>> {
    let Some(path) = own_path().filter(|path| path.exists()) else { return Ok(None) };
    Ok(Some(SigningKey::from_pem(&files::read_text(&path)?, &path.display().to_string())?))
}

/// Makes the user's own key. Of several that do so at once, the first one's is the key of all.
fn new_key() -> Result<SigningKey> {
    let path = own_path().with_context(|| {
        format!("no home directory to keep a key in; give one in {SIGNING_KEY}, or name its file in ledger.key")
    })?;
    let text = SigningKey::generate_pem()?;
    if cache::create(&path, text.as_bytes()).with_context(|| format!("{}: no key can be kept there", path.display()))? {
        let key = SigningKey::from_pem(&text, &path.display().to_string())?;
        terminal::note(&format!(
            "{}: a new key was made to sign the ledger with ({})",
            path.display(),
            key.public().id()
        ));
        return Ok(key);
    }
    own_key()?.with_context(|| format!("{}: is there, and cannot be read", path.display()))
}

fn own_path() -> Option<PathBuf> {
    Some(user_folder("XDG_CONFIG_HOME", ".config")?.join(OWN_KEY))
}

/// Our folder in one of the user's directories.
fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) { folder("APPDATA") } else { None };
    let base = base.or_else(|| folder(variable)).or_else(|| folder("HOME").map(|home| home.join(below_home)));
    Some(base?.join("testudo"))
}

/// A file that the configuration names. A relative one has to be in the project: a repository must not choose which of the
/// user's files are read as keys.
fn inside(root: &Path, name: &str, key: &str) -> Result<PathBuf> {
    if name.contains(PEM) || name.contains('\n') {
        bail!("{key} is the name of a file, and not a key; a key itself is given in {SIGNING_KEY}");
    }
    let path = root.join(name);
    let real = fs::canonicalize(&path)
        .with_context(|| format!("{}: {key} names it, and it cannot be read", path.display()))?;
    let from_environment = env::var(format!("TESTUDO_{}", key.to_ascii_uppercase().replace('.', "_")));
    let named_by_user = from_environment.is_ok_and(|value| value.split(',').any(|one| one == name));
    if !named_by_user && !fs::canonicalize(root).is_ok_and(|root| real.starts_with(root)) {
        bail!("{}: {key} leads out of the project; name it in the environment variable instead", path.display());
    }
    Ok(path)
}

/// Who acts: what CI says, else the user's name.
pub(crate) fn actor() -> String {
    let named = [
        "TESTUDO_ACTOR",
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
        "BUILD_REQUESTEDFOREMAIL",
        "USER",
        "LOGNAME",
        "USERNAME",
    ];
    let name = named.iter().find_map(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()));
    // It is signed as it is shown: on one line, and not without end.
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    name.map_or_else(|| "unknown".to_owned(), |name| name.trim().chars().take(MAX_ACTOR).map(shown).collect())
}

/// One line about what an entry says.
pub(crate) fn said(statement: &testudo_ledger::Statement) -> String {
    let predicate = &statement.predicate;
    match statement.predicate_type.as_str() {
        predicate::SCAN => match serde_json::from_value::<ScanEvent>(predicate.clone()) {
            Ok(event) => scan_line(&event),
            Err(error) => format!("scan that cannot be read: {error}"),
        },
        predicate::GATE => match serde_json::from_value::<VerdictEvent>(predicate.clone()) {
            Ok(event) => format!("gate {} over entry {}{}", event.verdict, event.scan, first(&event.reasons)),
            Err(error) => format!("verdict that cannot be read: {error}"),
        },
        predicate::TRIAGE => match serde_json::from_value::<TriageEvent>(predicate.clone()) {
            Ok(event) => {
                let (accepted, withdrawn) = (event.accepted.len(), event.withdrawn.len());
                format!("{}: {accepted} accepted, {withdrawn} withdrawn in {}", event.command, event.file)
            }
            Err(error) => format!("decision that cannot be read: {error}"),
        },
        predicate::RELEASE => match serde_json::from_value::<ReleaseEvent>(predicate.clone()) {
            Ok(event) => release_line(&event),
            Err(error) => format!("release that cannot be read: {error}"),
        },
        predicate::TEST_RESULT => match serde_json::from_value::<TestResultEvent>(predicate.clone()) {
            Ok(event) => {
                let [passed, skipped, failed] =
                    [&event.passed_tests, &event.warned_tests, &event.failed_tests].map(Vec::len);
                format!("tests {}: {passed} passed, {skipped} skipped, {failed} failed", event.result)
            }
            Err(error) => format!("result of tests that cannot be read: {error}"),
        },
        predicate::VAULT => match serde_json::from_value::<VaultEvent>(predicate.clone()) {
            Ok(event) => vault_line(&event),
            Err(error) => format!("use of secrets that cannot be read: {error}"),
        },
        predicate::ALERT => match serde_json::from_value::<Alert>(predicate.clone()) {
            Ok(alert) => {
                let release = alert.release.map_or_else(String::new, |release| format!(", explained by {release}"));
                format!("{} alert: {}{release}", alert.severity, alert.message)
            }
            Err(error) => format!("alert that cannot be read: {error}"),
        },
        predicate::HOST => match serde_json::from_value::<HostEvent>(predicate.clone()) {
            Ok(event) => host_line(&event),
            Err(error) => format!("checks of a host that cannot be read: {error}"),
        },
        predicate::RESPONSE => match serde_json::from_value::<Response>(predicate.clone()) {
            Ok(response) => {
                let state = to_value(response.state).unwrap_or_default();
                format!("block of {} {}: {}", response.target, state.as_str().unwrap_or_default(), response.reason)
            }
            Err(error) => format!("response that cannot be read: {error}"),
        },
        predicate::CONCERN => match serde_json::from_value::<Concern>(predicate.clone()) {
            Ok(concern) => format!("concern of {} answered: {}", concern.raised_by, concern.title),
            Err(error) => format!("concern that cannot be read: {error}"),
        },
        predicate::REPAIR => format!("repair: {} bytes of an entry written in part were taken off", predicate["bytes"]),
        other => other.to_owned(),
    }
}

fn host_line(event: &HostEvent) -> String {
    let [passed, failed, unknown] =
        [CheckResult::Passed, CheckResult::Failed, CheckResult::NotApplicable].map(|result| event.count(result));
    format!("checks of host {}: {passed} passed, {failed} failed, {unknown} not applicable", event.host)
}

fn release_line(event: &ReleaseEvent) -> String {
    let said = match &event.step {
        ReleaseStep::Begun { rollback: true, .. } => "the return begins".to_owned(),
        ReleaseStep::Begun { .. } => "begins".to_owned(),
        ReleaseStep::Resumed => "goes on in another process".to_owned(),
        ReleaseStep::Intent { stage, attempt, .. } => format!("{stage} is about to run (attempt {attempt})"),
        ReleaseStep::Outcome(outcome) => {
            format!("{} {}: {}", outcome.stage, if outcome.passed { "passed" } else { "failed" }, outcome.reason)
        }
        ReleaseStep::Aborted { reason } => format!("is to stop: {reason}"),
        ReleaseStep::Ended { reason } => format!("ended: {reason}"),
        _ => "a step of a newer version".to_owned(),
    };
    format!("{} {} {}: {said}", event.release, event.version, event.state.as_str())
}

fn vault_line(event: &VaultEvent) -> String {
    let files: Vec<&str> = event.files.iter().map(|file| file.path.as_str()).collect();
    let command = event.command.as_ref().map_or_else(String::new, |command| format!(" for {command}"));
    format!("vault {} of {}: {}{command}", event.verb, files.join(" "), event.keys.join(" "))
}

fn scan_line(event: &ScanEvent) -> String {
    let mut line = String::from("scan");
    for coverage in &event.coverage {
        write!(line, " {}", coverage.detector).expect("a String takes every write");
    }
    let whole = if event.summary.complete { "" } else { ", incomplete" };
    line + &format!(" of {}: {} open{whole}", event.targets.join(" "), event.open.len())
}

fn first(reasons: &[String]) -> String {
    reasons.first().map_or_else(String::new, |reason| format!(": {reason}"))
}
