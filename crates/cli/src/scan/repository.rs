//! Jobs that are git blobs: staged changes, the commits of a range, and chosen blobs of the history.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Context as _, Result};
use testudo_model::{Commit, Finding, Fingerprint, Location, Notice, NoticeCode};
use testudo_scan::{Job, Loaded, Loader, Outcome, Progress};
use testudo_secrets::native::SecretsDetector;
use testudo_source::{
    Origin, Unit,
    git::{
        CommitObject, GitError, Kind, Oid, Reader, Repository, TagObject,
        ancestry::{self, CommitNode, History},
        attribution::{self, Change, Detail, Question},
        index, revision, staged, tree,
    },
};

/// What looks, and at what.
pub(super) struct Look<'a> {
    pub(super) repository: &'a Repository,
    pub(super) detector: &'a SecretsDetector,
    /// Whether a path is wanted.
    pub(super) wants: &'a dyn Fn(&str) -> bool,
    pub(super) limits: super::files::Limits,
    /// 0 for one a core.
    pub(super) threads: usize,
}

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

/// The notice of an object that a walk could not read: damaged, missing, or lost with the index of a pack.
pub(super) fn unread_notice(repository: &Repository, oid: &Oid) -> Notice {
    let Err(error) = repository.objects().reader().read(oid) else {
        let message = format!("object {oid} is nested too deep or named too often, and was not followed everywhere");
        return Notice::new(NoticeCode::FuelExhausted, Location::default(), message);
    };
    match (&error, repository.objects().damaged().first()) {
        (GitError::Missing(_), Some(damaged)) => {
            let message = format!("object {oid} cannot be found, perhaps because of this: {damaged}");
            Notice::new(NoticeCode::ObjectMissing, Location::default(), message)
        }
        _ => object_notice(&error, Location::default()),
    }
}

/// What came of scanning a part of a repository.
pub(super) struct Part {
    pub(super) outcome: Outcome,
    /// Findings that the old side of a change has too.
    pub(super) known: BTreeSet<Fingerprint>,
}

/// Scans what `git commit` would record.
pub(super) fn staged(look: &Look<'_>) -> Result<Part> {
    let repository = look.repository;
    let index =
        index::read(&repository.index_path(crate::files::git_index().as_deref()), repository.objects().hash_len())?;
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
        .filter(|(job, _)| (look.wants)(&job.path))
        .collect();
    let mut part = changed_blobs(look, changes);
    let missing = staged.missing.iter().map(|oid| unread_notice(repository, oid));
    part.outcome.notices.extend(missing);
    Ok(part)
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
fn changed_blobs(look: &Look<'_>, changes: Vec<(BlobJob, Option<Oid>)>) -> Part {
    let Look { repository, detector, limits, threads, .. } = *look;
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
pub(super) fn range(look: &Look<'_>, text: &str) -> Result<Part> {
    let Look { repository, detector, threads, .. } = *look;
    let range = revision::range(repository, text)?;
    let history = ancestry::history(repository, &range.to, &range.from);
    let mut missing = history.missing.clone();
    let question =
        Question { commits: &history.commits, known: &|_| false, wanted: &|_, _| true, detail: Detail::First };
    let mut changes = attribution::changes(repository, &question, &mut missing);
    let mut merges = Merges { reader: repository.objects().reader(), trees: HashMap::new() };
    changes.retain(|change| {
        let commit = &history.commits[change.commit as usize].oid;
        (look.wants)(&change.path) && !merges.brought(commit, &change.path, change.new)
    });
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
    let mut part = changed_blobs(look, jobs);
    part.outcome = attributed(look, &history.commits, &order, part.outcome, &firsts)?;
    let all = history.commits.iter().map(|c| c.oid).chain(history.tags.iter().copied()).collect();
    part.outcome.absorb(messages(repository, &history, all, detector, threads).outcome);
    missing.sort_unstable();
    missing.dedup();
    part.outcome.notices.extend(missing.iter().map(|oid| unread_notice(repository, oid)));
    Ok(part)
}

/// What merges bring from their other parents is no news of the merge: those commits are looked at for themselves, or
/// are known, where they are outside of the range.
struct Merges<'a> {
    reader: Reader<'a>,
    /// Trees of the other parents of each commit.
    trees: HashMap<Oid, Vec<Oid>>,
}

impl Merges<'_> {
    fn brought(&mut self, commit: &Oid, path: &str, blob: Oid) -> bool {
        let Self { reader, trees } = self;
        let trees = trees.entry(*commit).or_insert_with(|| {
            let mut parse = |oid: &Oid| CommitObject::parse(&reader.read(oid).ok()?.bytes);
            let parents = parse(commit).map(|commit| commit.parents).unwrap_or_default();
            parents.iter().skip(1).filter_map(|parent| Some(parse(parent)?.tree)).collect()
        });
        trees.iter().any(|tree| attribution::blob_at(reader, *tree, path) == Some(blob))
    }
}

/// Gives each finding the first commit that brought it, and drops the same finding of later blobs.
fn attributed(
    look: &Look<'_>,
    commits: &[CommitNode],
    order: &[BlobJob],
    outcome: Outcome,
    firsts: &HashMap<(String, Oid), u32>,
) -> Result<Outcome> {
    let paths = outcome.findings.iter().filter_map(|f| f.location.path.as_deref()).collect();
    let live = super::history::live(look, paths);
    let mut signer = Signer::new(look.repository, look.detector);
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
        finding.location.commit =
            commits.get(commit as usize).and_then(|node| signer.sign(node.oid, live.contains(&finding.fingerprint)));
        findings.push(finding);
    }
    Ok(Outcome { findings, ..outcome })
}

/// Reads commits and tags for the people behind them, once each.
pub(super) struct Signer<'a> {
    repository: &'a Repository,
    detector: &'a SecretsDetector,
    known: HashMap<Oid, Option<Commit>>,
}

impl<'a> Signer<'a> {
    pub(super) fn new(repository: &'a Repository, detector: &'a SecretsDetector) -> Self {
        Self { repository, detector, known: HashMap::new() }
    }

    /// A commit or an annotated tag, for a finding that `HEAD` still has or not.
    pub(super) fn sign(&mut self, oid: Oid, in_head: bool) -> Option<Commit> {
        let known = self.known.entry(oid).or_insert_with(|| {
            let object = self.repository.objects().reader().read(&oid).ok()?;
            let (who, message_at) = match object.kind {
                Kind::Tag => TagObject::parse(&object.bytes).map(|tag| (tag.tagger, tag.message_at))?,
                _ => CommitObject::parse(&object.bytes).map(|commit| (commit.author, commit.message_at))?,
            };
            let message = String::from_utf8_lossy(&object.bytes[message_at..]).into_owned();
            Some(Commit {
                id: oid.to_string(),
                date: who.date(),
                author: self.detector.masked(&who.name),
                email: self.detector.masked(&who.email),
                subject: self.detector.masked(message.lines().next().unwrap_or_default()),
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

/// What messages had.
pub(super) struct Said {
    pub(super) outcome: Outcome,
    /// Commits and tags with findings.
    pub(super) with_findings: Vec<Oid>,
}

/// Scans messages of commits and tags. A finding stands at the first commit, in the order of the history, that says it.
pub(super) fn messages(
    repository: &Repository,
    history: &History,
    oids: Vec<Oid>,
    detector: &SecretsDetector,
    threads: usize,
) -> Said {
    let mut outcome = testudo_scan::run(&Messages { repository, oids }, &[detector], threads, &Progress::default());
    let object = |f: &Finding| Oid::from_hex(f.properties.get("blob")?.as_str()?.as_bytes());
    let with_findings: HashSet<Oid> = outcome.findings.iter().filter_map(object).collect();
    let all = history.commits.iter().map(|c| &c.oid).chain(&history.tags);
    let positions: HashMap<Oid, usize> =
        all.zip(0..).filter(|(oid, _)| with_findings.contains(oid)).map(|(oid, at)| (*oid, at)).collect();
    outcome.findings.sort_by_key(|f| object(f).and_then(|oid| positions.get(&oid).copied()).unwrap_or(usize::MAX));
    let (mut seen, mut signer) = (HashSet::new(), Signer::new(repository, detector));
    outcome.findings.retain(|f| seen.insert(f.fingerprint.clone()));
    let head = match repository.head().filter(|_| !with_findings.is_empty()) {
        Some(head) => ancestry::reached(repository, head, &with_findings),
        None => HashSet::new(),
    };
    for finding in &mut outcome.findings {
        finding.location.commit = object(finding).and_then(|oid| signer.sign(oid, head.contains(&oid)));
    }
    let mut with_findings: Vec<Oid> = with_findings.into_iter().collect();
    with_findings.sort_unstable();
    Said { outcome, with_findings }
}
