//! What this program records in the ledger of a project: where, by whom and with which key.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use serde_json::to_value;
use sha2::{Digest as _, Sha256};
use testudo_ledger::{
    Appender, Event, Extent, Journal, ScanEvent, SigningKey, Subject, TriageEvent, VerdictEvent, VerifyingKey,
    predicate,
};
use testudo_model::ScanReport;
use testudo_policy::{
    IgnoreFile, Outcome, Verdict,
    config::{self, Config, Ledger},
};
use testudo_source::git::{ReadLimits, Repository};

use crate::{cache, clock, files, terminal};

/// Where the ledgers of a project are, below its root.
const FOLDER: [&str; 2] = [".testudo", "ledger"];
/// The user's own key, in their configuration directory.
const OWN_KEY: &str = "ledger.pem";
/// How a key in an environment variable begins.
const PEM: &str = "-----BEGIN";

/// The folder of the ledgers of a project.
pub(crate) fn folder(root: &Path) -> PathBuf {
    FOLDER.iter().fold(root.to_owned(), |path, name| path.join(name))
}

/// The root and the configuration of the project that a target is in: the folder of its `testudo.toml`, else the nearest
/// directory upward that has ledgers, else the target.
pub(crate) fn project(target: &Path) -> Result<(PathBuf, Config)> {
    let file = config::discover(target);
    let config = match &file {
        Some(path) => Config::parse(&files::read_text(path)?, path)?,
        None => Config::default(),
    };
    let upward = || {
        let start = fs::canonicalize(target).ok()?;
        start.ancestors().find(|dir| folder(dir).is_dir()).map(Path::to_owned)
    };
    let root = match file.as_deref().and_then(Path::parent) {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) => PathBuf::from("."),
        None => upward().unwrap_or_else(|| target.to_owned()),
    };
    Ok((root, config))
}

/// The public keys of the files that are named; without one, those that the project trusts and the user's own.
pub(crate) fn keys(root: &Path, config: &Ledger, named: &[PathBuf]) -> Result<Vec<VerifyingKey>> {
    if !named.is_empty() {
        return named.iter().map(|path| public_key(path)).collect();
    }
    let mut keys = trusted(root, &config.trusted)?;
    keys.extend(own_key()?.as_ref().map(SigningKey::public).cloned());
    Ok(keys)
}

/// Records a scan, and the verdict over it where there is one.
pub(crate) fn scan(
    root: &Path,
    config: &Ledger,
    (report, extent): (&ScanReport, &Extent),
    verdict: Option<&Verdict>,
) -> Result<()> {
    if config.record.is_empty() {
        return Ok(());
    }
    let recorder = Recorder::new(root, config, &config.record)?;
    let subject = subjects(root, report)?;
    let scan = Event {
        subject: subject.clone(),
        predicate_type: predicate::SCAN.to_owned(),
        predicate: to_value(ScanEvent::of(report, extent.clone()))?,
    };
    let scan = recorder.append(&scan)?;
    let Some(verdict) = verdict else { return Ok(()) };
    let outcome = match verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Incomplete => "incomplete",
    };
    let said = VerdictEvent { verdict: outcome.to_owned(), reasons: verdict.reasons.clone(), scan };
    let gate = Event { subject, predicate_type: predicate::GATE.to_owned(), predicate: to_value(said)? };
    recorder.append(&gate).map(drop)
}

/// Records what somebody accepted, or no longer accepts: `before` and `after` are what the file held.
pub(crate) fn triage(
    root: &Path,
    config: &Ledger,
    (command, file): (&str, &Path),
    (before, after): (&IgnoreFile, &IgnoreFile),
) -> Result<()> {
    if config.record.is_empty() {
        return Ok(());
    }
    let keys = |file: &IgnoreFile| file.entries().iter().map(|e| e.key.to_string()).collect::<BTreeSet<_>>();
    let (before, after) = (keys(before), keys(after));
    let said = TriageEvent {
        command: command.to_owned(),
        file: file.display().to_string(),
        accepted: after.difference(&before).cloned().collect(),
        withdrawn: before.difference(&after).cloned().collect(),
    };
    if said.accepted.is_empty() && said.withdrawn.is_empty() {
        return Ok(());
    }
    let digest = testudo_model::hex(&Sha256::digest(fs::read(file)?));
    let subject = vec![Subject::new(&said.file, "sha256", &digest)];
    let event = Event { subject, predicate_type: predicate::TRIAGE.to_owned(), predicate: to_value(said)? };
    Recorder::new(root, config, &config.record)?.append(&event).map(drop)
}

/// The report, and the commit that was checked out.
fn subjects(root: &Path, report: &ScanReport) -> Result<Vec<Subject>> {
    let mut bytes = Vec::new();
    testudo_report::write(report, testudo_report::Format::Json, &testudo_report::Options::default(), &mut bytes)?;
    let digest = testudo_model::hex(&Sha256::digest(&bytes));
    let mut subjects = vec![Subject::new("report.json", "sha256", &digest)];
    let head = Repository::discover(root, ReadLimits::default()).ok().and_then(|repository| repository.head());
    subjects.extend(head.map(|oid| Subject::new("HEAD", "gitCommit", &oid.to_string())));
    Ok(subjects)
}

/// Adds entries to one ledger.
struct Recorder {
    journal: Journal,
    key: SigningKey,
    trusted: Vec<VerifyingKey>,
    actor: String,
}

impl Recorder {
    fn new(root: &Path, config: &Ledger, environment: &str) -> Result<Self> {
        let journal = Journal::new(&folder(root), environment)?;
        let key = signing_key(root, config)?;
        Ok(Self { journal, key, trusted: trusted(root, &config.trusted)?, actor: actor() })
    }

    /// Gives the number of the entry.
    fn append(&self, event: &Event) -> Result<u64> {
        let time = clock::now();
        let by = Appender { key: &self.key, trusted: &self.trusted, time: &time, actor: &self.actor };
        let added = self.journal.append(event, by)?;
        if added.repaired > 0 {
            terminal::warn(&format!(
                "{}: the last entry had been written in part; its {} bytes were taken off, and that is recorded",
                self.journal.path().display(),
                added.repaired
            ));
        }
        Ok(added.seq)
    }
}

/// The keys of the files that are trusted.
pub(crate) fn trusted(root: &Path, names: &[String]) -> Result<Vec<VerifyingKey>> {
    names.iter().map(|name| public_key(&inside(root, name, "ledger.trusted")?)).collect()
}

/// Reads a public key.
pub(crate) fn public_key(path: &Path) -> Result<VerifyingKey> {
    Ok(VerifyingKey::from_pem(&files::read_text(path)?, &path.display().to_string())?)
}

/// The key that signs: that of the configuration, else the user's own, which is made where there is none.
fn signing_key(root: &Path, config: &Ledger) -> Result<SigningKey> {
    if config.key.starts_with(PEM) {
        return Ok(SigningKey::from_pem(&config.key, "TESTUDO_LEDGER_KEY")?);
    }
    if !config.key.is_empty() {
        let path = inside(root, &config.key, "ledger.key")?;
        return Ok(SigningKey::from_pem(&files::read_text(&path)?, &path.display().to_string())?);
    }
    if let Some(key) = own_key()? {
        return Ok(key);
    }
    let path = own_path()?;
    let text = SigningKey::generate_pem()?;
    let key = SigningKey::from_pem(&text, &path.display().to_string())?;
    cache::write(&path, text.as_bytes())?;
    terminal::note(&format!("{}: a new key was made to sign the ledger with ({})", path.display(), key.public().id()));
    Ok(key)
}

/// The user's own key; none where there is none yet.
pub(crate) fn own_key() -> Result<Option<SigningKey>> {
    let Ok(path) = own_path() else { return Ok(None) };
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(SigningKey::from_pem(&files::read_text(&path)?, &path.display().to_string())?))
}

fn own_path() -> Result<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        folder("APPDATA")
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    let base = base.context("no home directory to keep a key in; name one with ledger.key or TESTUDO_LEDGER_KEY")?;
    Ok(base.join("testudo").join(OWN_KEY))
}

/// A file that the configuration names. A relative one has to be in the project: a repository must not choose which of the
/// user's files are read as keys.
fn inside(root: &Path, name: &str, key: &str) -> Result<PathBuf> {
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
    name.unwrap_or_else(|| "unknown".to_owned())
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
        predicate::REPAIR => format!("repair: {} bytes of an entry written in part were taken off", predicate["bytes"]),
        other => other.to_owned(),
    }
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
