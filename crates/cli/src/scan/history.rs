//! `--history`: every blob along its deltas, then a full look at the first of each thing found.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::atomic::AtomicU64,
};

use anyhow::Result;
use testudo_model::{Fingerprint, Location, Notice, NoticeCode};
use testudo_scan::{Outcome, Progress};
use testudo_secrets::{
    history::{self, BlobMatches, MatchId, Method},
    native::{SecretsDetector, wants_name},
};
use testudo_source::git::{
    GitError, Oid, Repository,
    ancestry::{self, History},
    attribution::{self, Change, Detail},
};

use super::{
    files::Limits,
    repository::{BlobJob, Blobs, Signer, messages, object_notice, tree_files},
};

/// Which objects count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What references and reflogs lead to.
    References,
    /// Everything that is stored.
    Everything,
}

/// Scans the whole history of a repository.
pub(super) fn scan(
    repository: &Repository,
    detector: &SecretsDetector,
    reach: Reach,
    limits: Limits,
    threads: usize,
) -> Result<Outcome> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if threads == 0 { cores } else { threads };
    let mut tips: Vec<Oid> = repository.references().into_iter().map(|r| r.target).collect();
    tips.extend(repository.reflog_targets().into_iter().filter(|oid| repository.objects().contains(oid)));
    let found = history::scan(
        repository.objects(),
        detector.engine(),
        detector,
        Method::Deltas,
        workers,
        &|_| false,
        &AtomicU64::new(0),
    )?;
    // After the blobs, so that the memory that searching took is used again.
    let commits = ancestry::history(repository, &tips, &[]);
    let ids: HashMap<Oid, &[MatchId]> = found.blobs.iter().map(|(oid, ids)| (*oid, ids.as_slice())).collect();
    let mut missing = commits.missing.clone();
    let wanted = |oid: &Oid, name: &[u8]| ids.contains_key(oid) || std::str::from_utf8(name).is_ok_and(wants_name);
    let changes = attribution::changes(repository, &commits.commits, &wanted, Detail::First, &mut missing);
    let mut jobs = firsts(&changes, &ids);
    let attributed: HashSet<Oid> = changes.iter().map(|c| c.new).collect();
    jobs.extend(left_over(&found, &attributed, reach));
    let mut outcome = inspect(repository, detector, &commits, jobs, limits, threads)?;
    outcome.absorb(messages(repository, &commits, detector, threads));
    tell(repository, &commits, &found, missing, &mut outcome);
    outcome.sort();
    Ok(outcome)
}

/// For each match and path the first blob that has it: only those are looked at in full.
fn firsts(changes: &[Change], ids: &HashMap<Oid, &[MatchId]>) -> Vec<BlobJob> {
    let mut seen: HashSet<(MatchId, &str)> = HashSet::new();
    let mut jobs = Vec::new();
    for change in changes {
        let news = match ids.get(&change.new) {
            // Every match is asked, so that all of a blob's are known afterwards.
            Some(ids) => ids.iter().filter(|id| seen.insert((**id, change.path.as_str()))).count() > 0,
            None => true,
        };
        if news {
            jobs.push(BlobJob { path: change.path.clone(), oid: change.new, commit: Some(change.commit) });
        }
    }
    jobs
}

/// Blobs with matches that no commit leads to.
fn left_over(found: &BlobMatches, attributed: &HashSet<Oid>, reach: Reach) -> Vec<BlobJob> {
    if reach == Reach::References {
        return Vec::new();
    }
    let unreached = found.blobs.iter().filter(|(oid, _)| !attributed.contains(oid));
    unreached.map(|(oid, _)| BlobJob { path: format!("(unreachable {oid})"), oid: *oid, commit: None }).collect()
}

/// Looks at the chosen blobs and gives each finding its first commit.
fn inspect(
    repository: &Repository,
    detector: &SecretsDetector,
    commits: &History,
    jobs: Vec<BlobJob>,
    limits: Limits,
    threads: usize,
) -> Result<Outcome> {
    let commit_of: HashMap<(String, String), Option<u32>> =
        jobs.iter().rev().map(|j| ((j.path.clone(), j.oid.to_string()), j.commit)).collect();
    let head = match repository.head() {
        Some(head) => tree_files(repository, head)?,
        None => HashMap::new(),
    };
    let current = Blobs { repository, jobs: live(&head, &jobs), limits };
    let live: BTreeSet<Fingerprint> = testudo_scan::run(&current, &[detector], threads, &Progress::default())
        .findings
        .into_iter()
        .map(|f| f.fingerprint)
        .collect();
    let mut outcome = Outcome::default();
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    let mut signer = Signer::new(repository, &commits.commits);
    // In the order of the commits, so that the first bearer of a finding keeps it.
    let blobs = Blobs { repository, jobs, limits };
    let mut part = testudo_scan::run(&blobs, &[detector], threads, &Progress::default());
    let position = |f: &testudo_model::Finding| {
        let path = f.location.path.clone().unwrap_or_default();
        let blob = f.properties.get("blob").and_then(|b| b.as_str()).unwrap_or_default().to_owned();
        commit_of.get(&(path, blob)).copied().flatten()
    };
    part.findings.sort_by_key(|f| position(f).unwrap_or(u32::MAX));
    for mut finding in std::mem::take(&mut part.findings) {
        if seen.insert(finding.fingerprint.clone()) {
            let in_head = live.contains(&finding.fingerprint);
            finding.location.commit = position(&finding).and_then(|commit| signer.sign(commit, in_head));
            outcome.findings.push(finding);
        }
    }
    outcome.absorb(part);
    Ok(outcome)
}

/// Blobs of `HEAD` at the paths that have something.
fn live(head: &HashMap<String, Oid>, jobs: &[BlobJob]) -> Vec<BlobJob> {
    let paths: BTreeSet<&str> = jobs.iter().map(|j| j.path.as_str()).collect();
    paths
        .into_iter()
        .filter_map(|path| Some(BlobJob { path: path.to_owned(), oid: *head.get(path)?, commit: None }))
        .collect()
}

/// What a reader must know: shallow clones, missing and damaged objects, and how much was looked at.
fn tell(repository: &Repository, commits: &History, found: &BlobMatches, mut missing: Vec<Oid>, outcome: &mut Outcome) {
    let tally = outcome.tallies.entry(testudo_model::DetectorId::Secrets).or_default();
    tally.units = tally.units.max(found.visited);
    tally.bytes = tally.bytes.max(found.raw_bytes);
    for (name, count) in
        [("commits", commits.commits.len() as u64), ("blobs", found.visited), ("searched_bytes", found.searched_bytes)]
    {
        tally.counts.insert(name.to_owned(), count);
    }
    if !repository.shallow().is_empty() {
        let message = format!(
            "shallow clone: history before {} commits is not here and was not scanned; run `git fetch --unshallow`",
            repository.shallow().len()
        );
        outcome.notices.push(Notice::new(NoticeCode::ShallowClone, Location::default(), message));
    }
    missing.sort_unstable();
    missing.dedup();
    outcome.notices.extend(missing.iter().map(|oid| object_notice(&GitError::Missing(*oid), Location::default())));
    outcome.notices.extend(repository.objects().damaged().iter().map(|e| object_notice(e, Location::default())));
    outcome.notices.extend(
        found.failed.iter().map(|(_, why)| Notice::new(NoticeCode::ObjectDamaged, Location::default(), why.clone())),
    );
}
