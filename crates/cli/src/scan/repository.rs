//! Jobs that are git blobs: staged changes, the commits of a range, and chosen blobs of the history.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    env,
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use testudo_model::{Commit, Finding, Fingerprint, Location, Notice, NoticeCode};
use testudo_scan::{Detector, Job, Loaded, Loader, Outcome, Progress};
use testudo_source::{
    Origin, Unit,
    git::{
        CommitObject, GitError, Kind, Oid, Repository,
        ancestry::{self, CommitNode},
        attribution::{self, Change, Detail},
        index, revision, staged, tree,
    },
};

/// A blob under a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlobJob {
    pub(super) path: String,
    pub(super) oid: Oid,
    /// Position of the commit that brought it, in the list of commits.
    pub(super) commit: Option<u32>,
}

/// Blobs, each a job.
pub(super) struct Blobs<'a> {
    pub(super) repository: &'a Repository,
    pub(super) jobs: Vec<BlobJob>,
    pub(super) limits: super::files::Limits,
}

impl Loader for Blobs<'_> {
    fn jobs(&self) -> usize {
        self.jobs.len()
    }

    fn load(&self, job: Job, unit: &mut dyn FnMut(Unit)) -> Loaded {
        let BlobJob { path, oid, .. } = &self.jobs[job];
        match self.repository.objects().reader().read(oid) {
            Ok(object) => {
                let bytes = std::sync::Arc::unwrap_or_clone(object.bytes);
                super::files::open(Unit::new(path.clone(), bytes, Origin::Blob(oid.to_string())), self.limits, unit)
            }
            Err(error) => Loaded { notices: vec![object_notice(&error, Location::file(path.clone()))] },
        }
    }
}

/// The notice of an object that could not be read.
pub(super) fn object_notice(error: &GitError, location: Location) -> Notice {
    let code = match error {
        GitError::Missing(_) => NoticeCode::ObjectMissing,
        GitError::TooLarge { .. } => NoticeCode::TooLarge,
        _ => NoticeCode::ObjectDamaged,
    };
    Notice::new(code, location, error.to_string())
}

/// What came of scanning a part of a repository.
pub(super) struct Part {
    pub(super) outcome: Outcome,
    /// Findings that the old side of a change has too.
    pub(super) known: BTreeSet<Fingerprint>,
}

/// Scans what `git commit` would record.
pub(super) fn staged(
    repository: &Repository,
    detector: &dyn Detector,
    limits: super::files::Limits,
    threads: usize,
) -> Result<Part> {
    let index = index::read(&index_path(repository), repository.objects().hash_len())?;
    let mut reader = repository.objects().reader();
    let head = match repository.head() {
        Some(head) => Some(CommitObject::parse(&reader.read(&head)?.bytes).context("HEAD is not a commit")?.tree),
        None => None,
    };
    let staged = staged::changes(&mut reader, head, &index);
    let changed = staged.changed.into_iter().map(|c| (c.path, c.new, c.kind, Some(c.old)));
    let added = staged.difference.added.into_iter().map(|side| (side.path, side.oid, side.kind, None));
    let changes: Vec<(BlobJob, Option<Oid>)> = changed
        .chain(added)
        .filter(|(_, _, kind, _)| *kind != tree::EntryKind::Submodule)
        .map(|(path, oid, _, old)| {
            (BlobJob { path: String::from_utf8_lossy(&path).into_owned(), oid, commit: None }, old)
        })
        .collect();
    let mut part = changed_blobs(repository, detector, changes, limits, threads);
    let missing = staged.missing.iter().map(|oid| object_notice(&GitError::Missing(*oid), Location::default()));
    part.outcome.notices.extend(missing);
    Ok(part)
}

/// The index that git means: `git commit -a` and `git commit FILE` make one of their own and name it to their hooks.
fn index_path(repository: &Repository) -> PathBuf {
    let named = env::var_os("GIT_INDEX_FILE").filter(|name| !name.is_empty());
    named.map_or_else(|| repository.git_dir().join("index"), PathBuf::from)
}

/// Every file of a commit.
pub(super) fn tree_files(repository: &Repository, commit: Oid) -> Result<HashMap<String, Oid>> {
    let object = repository.objects().reader().read(&commit)?;
    let commit = CommitObject::parse(&object.bytes).context("HEAD is not a commit")?;
    let mut files = HashMap::new();
    attribution::files(repository, commit.tree, &mut Vec::new(), &mut |path, entry| {
        if matches!(entry.kind, tree::EntryKind::File | tree::EntryKind::Link) {
            files.insert(path.to_owned(), entry.oid);
        }
    })?;
    Ok(files)
}

/// Scans new sides, then the old sides of those with findings, to know what is not new.
fn changed_blobs(
    repository: &Repository,
    detector: &dyn Detector,
    changes: Vec<(BlobJob, Option<Oid>)>,
    limits: super::files::Limits,
    threads: usize,
) -> Part {
    let old: HashMap<String, Oid> = changes.iter().filter_map(|(job, old)| Some((job.path.clone(), (*old)?))).collect();
    let new = Blobs { repository, jobs: changes.into_iter().map(|(job, _)| job).collect(), limits };
    let outcome = testudo_scan::run(&new, &[detector], threads, &Progress::default());
    let with_findings: BTreeSet<&str> = outcome.findings.iter().filter_map(|f| f.location.path.as_deref()).collect();
    let jobs = with_findings
        .iter()
        .filter_map(|path| Some(BlobJob { path: (*path).to_owned(), oid: *old.get(*path)?, commit: None }))
        .collect();
    let before = testudo_scan::run(&Blobs { repository, jobs, limits }, &[detector], threads, &Progress::default());
    let known = before.findings.into_iter().map(|f| f.fingerprint).collect();
    Part { outcome, known }
}

/// Scans the commits of a range: what each brought, and its message.
pub(super) fn range(
    repository: &Repository,
    detector: &dyn Detector,
    text: &str,
    limits: super::files::Limits,
    threads: usize,
) -> Result<Part> {
    let range = revision::range(repository, text)?;
    let history = ancestry::history(repository, &range.to, &range.from);
    let mut missing = history.missing.clone();
    let changes = attribution::changes(repository, &history.commits, &|_, _| true, Detail::First, &mut missing);
    let firsts: HashMap<(String, Oid), u32> =
        changes.iter().rev().map(|c| ((c.path.clone(), c.new), c.commit)).collect();
    let old: HashMap<String, Oid> = changes.iter().rev().filter_map(|c| Some((c.path.clone(), c.old?))).collect();
    let jobs: Vec<(BlobJob, Option<Oid>)> = changes
        .into_iter()
        .map(|Change { commit, path, new, .. }| {
            let before = old.get(&path).copied();
            (BlobJob { path, oid: new, commit: Some(commit) }, before)
        })
        .collect();
    let order: Vec<BlobJob> = jobs.iter().map(|(job, _)| job.clone()).collect();
    let mut part = changed_blobs(repository, detector, jobs, limits, threads);
    part.outcome = attributed(repository, &history.commits, &order, part.outcome, &firsts)?;
    part.outcome.absorb(messages(repository, &history, detector, threads));
    missing.sort_unstable();
    missing.dedup();
    part.outcome.notices.extend(missing.iter().map(|oid| object_notice(&GitError::Missing(*oid), Location::default())));
    Ok(part)
}

/// Gives each finding the first commit that brought it, and drops the same finding of later blobs.
fn attributed(
    repository: &Repository,
    commits: &[CommitNode],
    order: &[BlobJob],
    outcome: Outcome,
    firsts: &HashMap<(String, Oid), u32>,
) -> Result<Outcome> {
    let head = repository.head().map(|h| tree_files(repository, h)).transpose()?.unwrap_or_default();
    let mut signer = Signer::new(repository, commits);
    let mut by_path: BTreeMap<&str, u32> = BTreeMap::new();
    for job in order {
        let commit = firsts.get(&(job.path.clone(), job.oid)).copied().or(job.commit).unwrap_or(0);
        let first = by_path.entry(&job.path).or_insert(commit);
        *first = (*first).min(commit);
    }
    let (mut seen, mut findings) = (HashSet::new(), Vec::new());
    for mut finding in outcome.findings {
        if !seen.insert(finding.fingerprint.clone()) {
            continue;
        }
        let path = finding.location.path.clone().unwrap_or_default();
        let commit = by_path.get(path.as_str()).copied().unwrap_or(0);
        finding.location.commit = signer.sign(commit, head.contains_key(&path));
        findings.push(finding);
    }
    Ok(Outcome { findings, ..outcome })
}

/// Reads commits for the people behind them, once each.
pub(super) struct Signer<'a> {
    repository: &'a Repository,
    commits: &'a [CommitNode],
    known: HashMap<u32, Option<Commit>>,
}

impl<'a> Signer<'a> {
    pub(super) fn new(repository: &'a Repository, commits: &'a [CommitNode]) -> Self {
        Self { repository, commits, known: HashMap::new() }
    }

    /// The commit at a position, for a finding that `HEAD` still has or not.
    pub(super) fn sign(&mut self, commit: u32, in_head: bool) -> Option<Commit> {
        let known = self.known.entry(commit).or_insert_with(|| {
            let node = self.commits.get(commit as usize)?;
            let object = self.repository.objects().reader().read(&node.oid).ok()?;
            let parsed = CommitObject::parse(&object.bytes)?;
            let message = String::from_utf8_lossy(&object.bytes[parsed.message_at..]).into_owned();
            Some(Commit {
                id: node.oid.to_string(),
                author: parsed.author.name.clone(),
                email: parsed.author.email.clone(),
                date: parsed.author.date(),
                subject: message.lines().next().unwrap_or_default().to_owned(),
                in_head,
            })
        });
        known.clone().map(|commit| Commit { in_head, ..commit })
    }
}

/// Messages of commits and tags, each a job.
struct Messages<'a> {
    repository: &'a Repository,
    oids: Vec<Oid>,
}

/// Path shown for messages, which have none.
const MESSAGE_PATH: &str = "(commit message)";

impl Loader for Messages<'_> {
    fn jobs(&self) -> usize {
        self.oids.len().div_ceil(MESSAGES_A_JOB)
    }

    fn load(&self, job: Job, unit: &mut dyn FnMut(Unit)) -> Loaded {
        let mut reader = self.repository.objects().reader();
        let first = job * MESSAGES_A_JOB;
        for oid in &self.oids[first..self.oids.len().min(first + MESSAGES_A_JOB)] {
            let Ok(object) = reader.read(oid) else { continue };
            if matches!(object.kind, Kind::Commit | Kind::Tag) {
                let at = object.bytes.windows(2).position(|w| w == b"\n\n").map_or(object.bytes.len(), |p| p + 2);
                unit(Unit::new(MESSAGE_PATH, object.bytes[at..].to_vec(), Origin::Message(oid.to_string())));
            }
        }
        Loaded::default()
    }
}

/// Messages read by one job: each is tiny, and neighbours share delta bases.
const MESSAGES_A_JOB: usize = 512;

/// Scans the messages of commits and tags.
pub(super) fn messages(
    repository: &Repository,
    history: &ancestry::History,
    detector: &dyn Detector,
    threads: usize,
) -> Outcome {
    let oids: Vec<Oid> = history.commits.iter().map(|c| c.oid).chain(history.tags.iter().copied()).collect();
    let mut outcome = testudo_scan::run(&Messages { repository, oids }, &[detector], threads, &Progress::default());
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    outcome.findings.retain(|f: &Finding| seen.insert(f.fingerprint.clone()));
    outcome
}
