//! `--history`: every blob along its deltas, then a full look at the first of each thing found.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::atomic::AtomicU64,
};

use anyhow::Result;
use testudo_model::{Fingerprint, Location, Notice, NoticeCode};
use testudo_scan::{Outcome, Progress};
use testudo_secrets::{
    history::{
        self, BlobMatches, MatchId, Method,
        memory::{KnownChange, Memory},
    },
    native::{Names, SecretsDetector},
};
use testudo_source::git::{
    Oid, Repository,
    ancestry::{self, History},
    attribution::{self, Change, Detail, Question},
};

use super::{
    memory::MemoryFile,
    repository::{BlobJob, Blobs, Look, Signer, messages, object_notice, tree_files, unread_notice},
};

/// Which objects count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What references and reflogs lead to.
    References,
    /// Everything that is stored.
    Everything,
}

/// Scans the whole history of a repository, as far as it is not remembered.
pub(super) fn scan(look: &Look<'_>, reach: Reach, file: &MemoryFile) -> Result<Outcome> {
    let Look { repository, detector, .. } = *look;
    let remembered = file.read();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let found = history::scan(
        repository.objects(),
        detector.engine(),
        detector,
        Method::Deltas,
        if look.threads == 0 { cores } else { look.threads },
        &remembered.known,
        &AtomicU64::new(0),
    )?;
    // After the blobs, so that the memory that searching took is used again.
    let commits = ancestry::history(repository, &tips(repository), &[]);
    let mut missing = commits.missing.clone();
    let before = remembered.clone();
    let mut memory = with_blobs(remembered, &found, detector, repository);
    let changes = attributed(look, &commits, &mut memory, &found, &mut missing);
    let ids: HashMap<Oid, &[u64]> = memory.blobs.iter().map(|(oid, ids)| (*oid, ids.as_slice())).collect();
    let mut jobs = firsts(&changes, &ids);
    let reached: HashSet<Oid> = changes.iter().map(|c| c.new).collect();
    jobs.retain(|job| (look.wants)(&job.path));
    // Where the way from the references is broken, what was behind it is told too.
    let reach = if missing.is_empty() { reach } else { Reach::Everything };
    jobs.extend(left_over(&memory, &reached, reach));
    let mut outcome = inspect(look, &commits, jobs);
    let asked = unknown_messages(&commits, &memory);
    let said = messages(repository, &commits, asked, detector, look.threads);
    memory.messages = said.with_findings;
    outcome.absorb(said.outcome);
    memory.commits = commits.commits.iter().map(|c| c.oid).chain(commits.tags.iter().copied()).collect();
    memory.commits.sort_unstable();
    // What is missing today may be here tomorrow.
    if !missing.is_empty() {
        (memory.commits, memory.changes, memory.messages) = Default::default();
    }
    if memory != before {
        file.write(&memory);
    }
    tell(repository, &commits, &found, &memory, missing, &mut outcome);
    outcome.sort();
    Ok(outcome)
}

/// What history hangs on: references, reflogs, and what a server was sent and has not accepted yet.
fn tips(repository: &Repository) -> Vec<Oid> {
    let mut tips: Vec<Oid> = repository.references().into_iter().map(|r| r.target).collect();
    tips.extend(repository.reflog_targets().into_iter().filter(|oid| repository.objects().contains(oid)));
    tips
}

/// Adds what was found to what is remembered, and forgets packs and loose objects that are gone.
fn with_blobs(mut memory: Memory, found: &BlobMatches, detector: &SecretsDetector, repository: &Repository) -> Memory {
    let names: Vec<u64> = found.matches.iter().map(|(rule, text)| detector.match_identity(*rule, text)).collect();
    let named = |ids: &Vec<MatchId>| ids.iter().filter_map(|id| names.get(*id as usize).copied()).collect();
    memory.blobs.extend(found.blobs.iter().map(|(oid, ids)| (*oid, named(ids))));
    memory.blobs.sort();
    memory.blobs.dedup_by(|a, b| a.0 == b.0);
    let here: BTreeSet<_> = repository.objects().packs().iter().filter_map(|pack| pack.identity()).collect();
    let loose: BTreeSet<Oid> = repository.objects().loose().into_iter().collect();
    if !memory.known.packs.is_subset(&here) || !memory.known.loose.is_subset(&loose) {
        memory.blobs.retain(|(oid, _)| repository.objects().contains(oid));
    }
    if !memory.known.packs.is_subset(&here) {
        // Packs were written anew: their blobs are counted again.
        (memory.visited, memory.raw_bytes) = (0, 0);
    }
    memory.known.packs.retain(|pack| here.contains(pack));
    memory.known.packs.extend(&found.packs);
    memory.known.loose.retain(|oid| loose.contains(oid));
    memory.known.loose.extend(&found.loose);
    memory.visited += found.visited;
    memory.raw_bytes += found.raw_bytes;
    memory
}

/// The changes that brought blobs with matches, in the order of the commits. Only commits that are not remembered are
/// opened, unless what is remembered does not fit this history.
fn attributed(
    look: &Look<'_>,
    commits: &History,
    memory: &mut Memory,
    found: &BlobMatches,
    missing: &mut Vec<Oid>,
) -> Vec<Change> {
    let (repository, names) = (look.repository, Names::new(look.detector));
    // Only what is remembered has to be found again.
    let remembered = !memory.commits.is_empty();
    let positions: HashMap<Oid, u32> =
        commits.commits.iter().zip(0..).filter(|_| remembered).map(|(c, at)| (c.oid, at)).collect();
    let tags: HashSet<Oid> = commits.tags.iter().copied().collect();
    // A commit that is gone may have been the first to bring something that others have too.
    if !memory.commits.iter().all(|oid| positions.contains_key(oid) || tags.contains(oid)) {
        (memory.commits, memory.changes, memory.messages) = Default::default();
    }
    let wanted: HashSet<Oid> = memory.blobs.iter().map(|(oid, _)| *oid).collect();
    let wants =
        |oid: &Oid, name: &[u8]| wanted.contains(oid) || std::str::from_utf8(name).is_ok_and(|name| names.wants(name));
    let ask = |memory: &Memory, missing: &mut Vec<Oid>| {
        let known = |oid: &Oid| memory.has_commit(oid);
        let question = Question { commits: &commits.commits, known: &known, wanted: &wants, detail: Detail::First };
        attribution::changes(repository, &question, missing)
    };
    let mut changes = ask(memory, missing);
    let brought: HashSet<Oid> = changes.iter().map(|c| c.new).chain(memory.changes.iter().map(|c| c.blob)).collect();
    // A blob that came later than its commit, as partial clones have it.
    if !memory.commits.is_empty() && found.blobs.iter().any(|(oid, _)| !brought.contains(oid)) {
        (memory.commits, memory.changes) = Default::default();
        changes = ask(memory, missing);
    }
    let known = memory.changes.iter().filter_map(|change| {
        let commit = positions.get(&change.commit).copied()?;
        Some(Change { commit, path: change.path.clone(), old: None, new: change.blob })
    });
    changes.extend(known);
    changes.sort_by_key(|change| change.commit);
    let mut seen: HashSet<(&str, Oid)> = HashSet::new();
    let first: Vec<bool> = changes.iter().map(|change| seen.insert((&change.path, change.new))).collect();
    let mut first = first.into_iter();
    changes.retain(|_| first.next().unwrap_or(true));
    memory.changes = changes
        .iter()
        .map(|change| KnownChange {
            commit: commits.commits[change.commit as usize].oid,
            path: change.path.clone(),
            blob: change.new,
        })
        .collect();
    changes
}

/// Commits and tags whose messages are to be read: those with findings, and those that nobody has read yet.
fn unknown_messages(commits: &History, memory: &Memory) -> Vec<Oid> {
    let with_findings: HashSet<Oid> = memory.messages.iter().copied().collect();
    let all = commits.commits.iter().map(|c| c.oid).chain(commits.tags.iter().copied());
    all.filter(|oid| !memory.has_commit(oid) || with_findings.contains(oid)).collect()
}

/// For each match and path the first blob that has it: only those are looked at in full.
fn firsts(changes: &[Change], ids: &HashMap<Oid, &[u64]>) -> Vec<BlobJob> {
    let mut seen: HashSet<(u64, &str)> = HashSet::new();
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
fn left_over(memory: &Memory, reached: &HashSet<Oid>, reach: Reach) -> Vec<BlobJob> {
    if reach == Reach::References {
        return Vec::new();
    }
    let unreached = memory.blobs.iter().filter(|(oid, _)| !reached.contains(oid));
    unreached.map(|(oid, _)| BlobJob { path: format!("(unreachable {oid})"), oid: *oid, commit: None }).collect()
}

/// Looks at the chosen blobs and gives each finding its first commit.
fn inspect(look: &Look<'_>, commits: &History, jobs: Vec<BlobJob>) -> Outcome {
    let Look { repository, detector, limits, threads, .. } = *look;
    let commit_of: HashMap<(String, String), Option<u32>> =
        jobs.iter().rev().map(|j| ((j.path.clone(), j.oid.to_string()), j.commit)).collect();
    let live = live(look, jobs.iter().map(|j| j.path.as_str()).collect());
    let mut outcome = Outcome::default();
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    let mut signer = Signer::new(repository, detector);
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
            let commit = position(&finding).and_then(|commit| commits.commits.get(commit as usize));
            finding.location.commit = commit.and_then(|commit| signer.sign(commit.oid, in_head));
            outcome.findings.push(finding);
        }
    }
    outcome.absorb(part);
    outcome
}

/// Fingerprints of what `HEAD` has at these paths.
pub(super) fn live(look: &Look<'_>, paths: BTreeSet<&str>) -> BTreeSet<Fingerprint> {
    let Look { repository, detector, limits, threads, .. } = *look;
    let head = match repository.head() {
        // Where it cannot be read, the scan has told so already: nothing counts as still there.
        Some(head) => tree_files(repository, head).unwrap_or_default(),
        None => HashMap::new(),
    };
    let jobs = paths
        .into_iter()
        .filter_map(|path| Some(BlobJob { path: path.to_owned(), oid: *head.get(path)?, commit: None }))
        .collect();
    let current = Blobs { repository, jobs, limits };
    let outcome = testudo_scan::run(&current, &[detector], threads, &Progress::default());
    outcome.findings.into_iter().map(|f| f.fingerprint).collect()
}

/// What a reader must know: shallow clones, missing and damaged objects, and how much was looked at.
fn tell(
    repository: &Repository,
    commits: &History,
    found: &BlobMatches,
    memory: &Memory,
    mut missing: Vec<Oid>,
    outcome: &mut Outcome,
) {
    let tally = outcome.tallies.entry(testudo_model::DetectorId::Secrets).or_default();
    tally.units = tally.units.max(memory.visited);
    tally.bytes = tally.bytes.max(memory.raw_bytes);
    for (name, count) in [
        ("commits", commits.commits.len() as u64),
        ("blobs", memory.visited),
        ("new_blobs", found.visited),
        ("searched_bytes", found.searched_bytes),
    ] {
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
    outcome.notices.extend(missing.iter().map(|oid| unread_notice(repository, oid)));
    outcome.notices.extend(repository.objects().damaged().iter().map(|e| object_notice(e, Location::default())));
    outcome.notices.extend(
        found.failed.iter().map(|(_, why)| Notice::new(NoticeCode::ObjectDamaged, Location::default(), why.clone())),
    );
}
