//! What is known about a project: entries of ledgers that are whole, files of test results, the rules of this program.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use sha2::{Digest as _, Sha256};
use testudo_ledger::{Depth, Heads, Journal, Next, Statement, VerifyingKey};
use testudo_model::DetectorId;
use testudo_plan::{
    evidence::{Files, Judgement, Records, RuleSet, Since, World, judge},
    junit::TestReport,
};
use testudo_policy::{Date, config::Ledger};
use testudo_source::{
    git::{CommitObject, Oid, ReadLimits, Repository, revision, tree_diff},
    walk,
};

use super::load::{self, Loaded};
use crate::{
    clock,
    commands::scanning,
    files, record,
    scan::{self, ScanArgs},
};

/// Largest file that is attested, in bytes.
const MAX_ATTESTED: u64 = 256 << 20;

/// Which evidence counts.
#[derive(Debug, Default, Args)]
pub(super) struct Asked {
    /// Only evidence of this commit [default: the latest of everything]
    #[arg(long, value_name = "REV")]
    commit: Option<String>,
    /// Only the ledger of this environment; repeatable [default: every one]
    #[arg(short, long, value_name = "ENV")]
    env: Vec<String>,
    /// Test results in JUnit XML, of what is asked about; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    junit: Vec<PathBuf>,
    /// A public key (PEM) whose entries count; repeatable [default: `ledger.trusted` and your own]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key: Vec<PathBuf>,
}

/// Everything that a judgement rests on.
pub(super) struct Facts {
    pub(super) today: Date,
    pub(super) commit: Option<String>,
    /// Ledgers that are no evidence, each with why.
    pub(super) refused: Vec<String>,
    folder: String,
    records: Records,
    junit: Vec<TestReport>,
    rules: Vec<RuleSet>,
    tree: Tree,
}

impl Facts {
    pub(super) fn gather(asked: &Asked, loaded: &Loaded) -> Result<Self> {
        let words = scanning::arguments(["--".as_ref(), loaded.root.as_os_str()])?;
        let (effective, home) = scan::configuration(&words, std::slice::from_ref(&loaded.root))?;
        let home = fs::canonicalize(&home).with_context(|| home.display().to_string())?;
        let keys = keys(&home, &effective.config.ledger, &asked.key)?;
        let (statements, refused) = recorded(&home, &asked.env, &keys)?;
        let folder = walk::display(loaded.root.strip_prefix(&home).unwrap_or(Path::new("")));
        Ok(Self {
            today: clock::today().context("the clock of this machine is not set")?,
            commit: asked.commit.as_deref().map(|name| commit(&loaded.root, name)).transpose()?,
            refused,
            folder: if folder.is_empty() { ".".to_owned() } else { folder },
            records: Records::new(statements),
            junit: asked.junit.iter().map(|path| results(path)).collect::<Result<_>>()?,
            rules: rules(&words)?,
            tree: Tree { root: loaded.root.clone(), walked: load::walked(&loaded.root)?, history: History::of(&home) },
        })
    }

    pub(super) fn judge<'p>(&self, loaded: &'p Loaded) -> Judgement<'p> {
        let world = World {
            today: self.today,
            commit: self.commit.as_deref(),
            folder: &self.folder,
            records: &self.records,
            refused: &self.refused,
            junit: &self.junit,
            rules: &self.rules,
            files: &self.tree,
        };
        judge(&loaded.plan, &world)
    }
}

/// What ledgers hold that are whole by keys that count, and why others are no evidence.
pub(in crate::commands) fn recorded(
    home: &Path,
    environments: &[String],
    keys: &[VerifyingKey],
) -> Result<(Vec<Statement>, Vec<String>)> {
    let (mut statements, mut refused) = (Vec::new(), Vec::new());
    for journal in journals(home, environments)? {
        match whole(&journal, keys)? {
            None => {
                let entries = entries(&journal)?;
                match Records::unreadable(&entries) {
                    None => statements.extend(entries),
                    Some(entry) => refused.push(format!(
                        "ledger {} is no evidence: this version of testudo cannot read its entry {}, a `{}`",
                        journal.environment(),
                        entry.testudo.seq,
                        entry.predicate_type.escape_debug()
                    )),
                }
            }
            Some(why) => refused.push(why),
        }
    }
    Ok((statements, refused))
}

/// The full id of a commit.
fn commit(root: &Path, name: &str) -> Result<String> {
    let repository = Repository::discover(root, ReadLimits::default())?;
    Ok(revision::commit(&repository, name).with_context(|| format!("--commit {name}"))?.to_string())
}

fn results(path: &Path) -> Result<TestReport> {
    Ok(TestReport::parse(&walk::display(path), &files::read_text(path)?)?)
}

/// The public keys of the files that are named; without one, those that the project trusts and the one that signs here.
pub(in crate::commands) fn keys(home: &Path, config: &Ledger, named: &[PathBuf]) -> Result<Vec<VerifyingKey>> {
    let mut keys = Vec::new();
    for path in named {
        keys.extend(record::public_keys(path)?);
    }
    if named.is_empty() {
        keys = record::trusted(home, &config.trusted)?;
        keys.extend(record::configured_key(home, config)?.map(|key| key.public().clone()));
    }
    Ok(keys)
}

/// The ledgers of the environments that are named, or all.
fn journals(home: &Path, named: &[String]) -> Result<Vec<Journal>> {
    let folder = record::folder(home);
    let names = if named.is_empty() { Journal::environments(&folder)? } else { named.to_vec() };
    let journals: Vec<Journal> = names.iter().map(|name| Journal::new(&folder, name)).collect::<Result<_, _>>()?;
    let absent = |journal: &&Journal| !journal.path().exists() && !journal.head_path().exists();
    if let Some(absent) = journals.iter().find(absent) {
        bail!("{}: there is no such ledger", absent.path().display());
    }
    Ok(journals)
}

/// Why a ledger is no evidence; none where it is whole and signed with keys that are trusted.
fn whole(journal: &Journal, keys: &[VerifyingKey]) -> Result<Option<String>> {
    let name = journal.environment();
    if keys.is_empty() {
        return Ok(Some(format!(
            "ledger {name} is no evidence, because there is no key to check it with: name one with --key, or in `ledger.trusted`"
        )));
    }
    let heads = Heads { seen: record::seen(journal), ..Heads::default() };
    let checked = journal.verify(keys, heads, Depth::EverySignature)?;
    Ok(checked.faults.first().map(|fault| {
        let place = if fault.line == 0 { "it".to_owned() } else { format!("line {}", fault.line) };
        format!("ledger {name} is not whole and is no evidence: {place} {}", fault.kind)
    }))
}

fn entries(journal: &Journal) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    journal.entries(&mut |entry| {
        statements.push(entry.statement);
        Next::Entry
    })?;
    Ok(statements)
}

/// The rules that a scan of the project would use today, by the digest that scans record.
fn rules(words: &ScanArgs) -> Result<Vec<RuleSet>> {
    let (digest, infos) = scan::rules(words)?;
    let rules = infos.into_iter().map(|info| (info.id, info.cwe)).collect();
    let attacks = testudo_probe::RULES.iter().map(|rule| rule.info()).map(|info| (info.id, info.cwe)).collect();
    Ok(vec![
        RuleSet { detector: DetectorId::Secrets, digest, rules },
        RuleSet { detector: DetectorId::Probe, digest: testudo_probe::digest(), rules: attacks },
    ])
}

/// The files of a project; nothing outside of it.
struct Tree {
    root: PathBuf,
    /// What a scan finds, in order.
    walked: Vec<String>,
    history: Option<History>,
}

/// What changed since commits, each compared with `HEAD` once.
pub(in crate::commands) struct History {
    repository: Repository,
    head: Oid,
    /// Where recorded scans count from, below the work tree; empty for the work tree itself.
    folder: String,
    /// Paths that changed, by commit; none for a commit that is not here.
    changed: RefCell<HashMap<String, Option<Vec<String>>>>,
}

impl History {
    pub(in crate::commands) fn of(home: &Path) -> Option<Self> {
        let repository = Repository::discover(home, ReadLimits::default()).ok()?;
        let root = fs::canonicalize(repository.work_tree()?).ok()?;
        let folder = walk::display(home.strip_prefix(root).ok()?);
        let head = repository.head()?;
        Some(Self { repository, head, folder, changed: RefCell::default() })
    }

    /// Whether files at a path below where scans count from, or any for none, differ from those of a commit.
    pub(in crate::commands) fn since(&self, commit: &str, path: Option<&str>) -> Since {
        if self.head.to_string() == commit {
            return Since::Same;
        }
        let mut known = self.changed.borrow_mut();
        let changed = known.entry(commit.to_owned()).or_insert_with(|| self.compare(commit));
        let Some(changed) = changed else { return Since::Unknown };
        let parts = [Some(self.folder.as_str()), path].into_iter().flatten().filter(|part| !part.is_empty());
        let scope = parts.collect::<Vec<_>>().join("/");
        let below = |file: &String| {
            scope.is_empty() || file.strip_prefix(&scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if changed.iter().any(below) { Since::Changed } else { Since::Same }
    }

    fn compare(&self, commit: &str) -> Option<Vec<String>> {
        let mut reader = self.repository.objects().reader();
        let mut tree = |oid: Oid| CommitObject::parse(&reader.read(&oid).ok()?.bytes).map(|commit| commit.tree);
        let (old, new) = (tree(revision::commit(&self.repository, commit).ok()?)?, tree(self.head)?);
        let found = tree_diff::difference(&mut reader, Some(old), new);
        let paths = found.removed.into_iter().chain(found.added);
        // What testudo itself keeps is no part of what is scanned for.
        let own = |path: &String| path.starts_with(".testudo/") || path.contains("/.testudo/");
        Some(paths.map(|side| String::from_utf8_lossy(&side.path).into_owned()).filter(|path| !own(path)).collect())
    }
}

impl Tree {
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let root = fs::canonicalize(&self.root).ok()?;
        fs::canonicalize(root.join(path)).ok().filter(|real| real.starts_with(&root))
    }
}

impl Files for Tree {
    fn any(&self, path: &str) -> bool {
        let from = self.walked.partition_point(|file| file.as_str() < path);
        // Other names can stand between a folder and its files: `a`, `a-b`, `a/c`.
        let below = format!("{path}/");
        let first = self.walked.partition_point(|file| file.as_str() < below.as_str());
        self.walked.get(from).is_some_and(|file| file == path)
            || self.walked.get(first).is_some_and(|file| file.starts_with(&below))
    }

    fn sha256(&self, path: &str) -> Option<String> {
        let file = fs::File::open(self.inside(path).filter(|path| path.is_file())?).ok()?;
        let (mut file, mut hash, mut block) = (file.take(MAX_ATTESTED + 1), Sha256::new(), vec![0; 1 << 16]);
        let mut len = 0;
        loop {
            match file.read(&mut block).ok()? {
                0 => break,
                n => {
                    hash.update(&block[..n]);
                    len += n as u64;
                }
            }
        }
        (len <= MAX_ATTESTED).then(|| testudo_model::hex(&hash.finalize()))
    }

    fn since(&self, commit: &str, path: Option<&str>) -> Since {
        self.history.as_ref().map_or(Since::Unknown, |history| history.since(commit, path))
    }
}
