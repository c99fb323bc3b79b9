//! `gitleaks git`: what `git log -p -U0` would show, found without making it.
//!
//! All blobs are searched along their deltas first. Only changes that bring a blob with a match are looked at the way
//! gitleaks looks: the added lines of the change, hunk by hunk.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use anyhow::Result;
use testudo_secrets::{
    engine::Workspace,
    gitleaks::{ArchiveName, CompatFinding, Fragment},
    history::{self, BlobMatches, Known, Method},
};
use testudo_source::git::{
    CommitObject, Oid, ReadLimits, Reader, Repository,
    ancestry::{self, History},
    attributes::Attributes,
    attribution::{self, Change, Detail, Question},
    log::{self, Follow, Limits},
    rename, tree_diff,
};

use super::{
    Front,
    content::Contents,
    link::Remote,
    log_options::{self, LogOptions, Place, Renames},
    message, worktree,
};

/// What gitleaks gives to `git log` where it is not told otherwise.
const DEFAULT_OPTIONS: &str = "--full-history --all";

/// How many changes a thread takes at a time.
const BATCH: usize = 64;

/// Scans the commits that `git log` with these options lists.
pub(super) fn scan(front: &Front, source: &Path, options: Option<&str>, platform: Option<&str>) -> Result<()> {
    let repository = Repository::discover(source, ReadLimits::default())?;
    let remote = Remote::of(&repository, platform, front.log)?;
    let place = Place {
        repository: &repository,
        directory: source,
        below: worktree::prefix(&repository, source),
        now: i64::try_from(crate::clock::seconds()).unwrap_or(i64::MAX),
    };
    let options = log_options::read(options.filter(|o| !o.is_empty()).unwrap_or(DEFAULT_OPTIONS), &place)?;
    let history = listed(&repository, &options, front);
    let changes = changes(front, &repository, &history, &options)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut look = Look {
            front,
            options: &options,
            remote: remote.as_ref(),
            history: &history.commits,
            reader: repository.objects().reader(),
            attributes: Attributes::new(&repository),
            workspace: Workspace::default(),
            contents: Contents::new(front),
            commits: HashMap::new(),
            renamed: (u32::MAX, HashMap::new()),
        };
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= changes.len() {
                return;
            }
            for change in &changes[first..changes.len().min(first + BATCH)] {
                look.change(change);
            }
        }
    };
    std::thread::scope(|s| {
        let handles: Vec<_> = (0..front.threads()).map(|_| s.spawn(work)).collect();
        for handle in handles {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    Ok(())
}

/// Commits, and which of them are left out of a list.
struct Listed {
    commits: History,
    /// None where all are listed.
    only: Option<HashSet<Oid>>,
}

fn listed(repository: &Repository, options: &LogOptions, front: &Front) -> Listed {
    let mut commits = ancestry::history(repository, &options.tips, &options.excluded);
    for missing in commits.missing.iter().take(3) {
        front.log.warn(&format!("object {missing} is missing, what only it leads to is not scanned"));
    }
    let wanted = |commit: &CommitObject, object: &[u8]| options.wants(commit, object);
    let paths = options.paths.as_ref().map(|paths| |path: &[u8]| paths.matches(path));
    let limits = Limits {
        wanted: Some(&wanted),
        paths: paths.as_ref().map(|paths| paths as log::Paths<'_>),
        ..options.limits()
    };
    let select = || log::select(repository, &commits, &options.tips, &options.excluded, &limits);
    let only = options.is_limited().then(|| select().into_iter().collect());
    // Along first parents git shows a merge as a change of its first parent, otherwise not at all.
    if options.follow == Follow::FirstParent {
        commits.commits.iter_mut().for_each(|commit| commit.merge = false);
    }
    Listed { commits, only }
}

/// The changes that can hold something: they bring a blob with a match, or an archive that is opened.
fn changes(front: &Front, repository: &Repository, history: &Listed, options: &LogOptions) -> Result<Vec<Change>> {
    let found = history::scan(
        repository.objects(),
        front.scanner.engine(),
        &front.scanner,
        Method::Deltas,
        front.threads(),
        &Known::default(),
        &AtomicU64::new(0),
    )?;
    let wanted: HashSet<Oid> = found.blobs.iter().map(|(oid, _)| *oid).collect();
    let opens = front.flags.max_archive_depth > 0;
    let by_path = front.scanner.has_path_rules();
    let named = |path: &[u8]| {
        let path = String::from_utf8_lossy(path);
        opens && ArchiveName::of(&path).is_some() || by_path && front.scanner.wants_path(&path)
    };
    let mut missing = Vec::new();
    let question = Question {
        commits: &history.commits.commits,
        known: &|commit| history.only.as_ref().is_some_and(|only| !only.contains(commit)),
        wanted: &|oid, path| wanted.contains(oid) || named(path),
        detail: Detail::EveryCommit,
    };
    let mut changes = attribution::changes(repository, &question, &mut missing);
    tell_unread(front, repository, &found, &missing);
    changes.retain(|c| !front.scanner.skips_path(&c.path));
    if let Some(paths) = &options.paths {
        changes.retain(|c| paths.matches(c.path.as_bytes()));
    }
    Ok(changes)
}

/// Says what could not be read, the first of each kind by name.
fn tell_unread(front: &Front, repository: &Repository, found: &BlobMatches, missing: &[Oid]) {
    let trees = missing.iter().map(|oid| {
        format!("object {oid} cannot be read, or is nested too deep or named too often: it is not scanned everywhere")
    });
    let blobs = found.failed.iter().map(|(_, why)| format!("an object was not scanned: {why}"));
    let others = repository.objects().damaged().iter().map(|error| error.to_string());
    let told: Vec<String> = trees.chain(blobs).chain(others).collect();
    for line in told.iter().take(TOLD) {
        front.log.error(line);
    }
    if told.len() > TOLD {
        front.log.error(&format!("{} more objects were not scanned; run `git fsck`", told.len() - TOLD));
    }
}

/// Unread objects that are told one by one.
const TOLD: usize = 10;

struct Look<'a> {
    front: &'a Front,
    options: &'a LogOptions,
    remote: Option<&'a Remote>,
    history: &'a History,
    reader: Reader<'a>,
    attributes: Attributes,
    workspace: Workspace,
    contents: Contents<'a>,
    commits: HashMap<u32, (CommitObject, String)>,
    /// A commit, and the contents that its added files had under another name.
    renamed: (u32, HashMap<String, Oid>),
}

impl Look<'_> {
    fn change(&mut self, change: &Change) {
        let commit = self.history.commits[change.commit as usize].oid.to_string();
        let old = change.old.or_else(|| self.renamed_from(change));
        let show = self.attributes.show(&change.path);
        let mut found = Vec::new();
        match worktree::shown(&mut self.reader, show, old, change.new) {
            worktree::Shown::Lines(lines) if !self.front.is_own(&change.path) => {
                for (start_line, text) in lines {
                    let fragment = Fragment { text: &text, path: &change.path, commit: &commit, start_line };
                    found.extend(self.front.scanner.detect(&fragment, &mut self.workspace));
                }
            }
            worktree::Shown::Binary(file) if ArchiveName::of(&change.path).is_some() => {
                self.contents.of_file(&change.path, &file.bytes, &commit);
                found = self.contents.take();
            }
            _ => {}
        }
        found.iter_mut().for_each(|finding| self.sign(change.commit, finding));
        self.front.keep(found);
    }

    /// What an added file was under its former name: git shows a renamed file as a change of that.
    fn renamed_from(&mut self, change: &Change) -> Option<Oid> {
        if self.options.renames == Renames::NotLookedFor {
            return None;
        }
        if self.renamed.0 != change.commit {
            let commit = &self.history.commits[change.commit as usize];
            let difference = commit.base.map(|base| tree_diff::difference(&mut self.reader, Some(base), commit.tree));
            let mut difference = difference.unwrap_or_default();
            if let Some(paths) = &self.options.paths {
                difference.removed.retain(|side| paths.matches(&side.path));
                difference.added.retain(|side| paths.matches(&side.path));
            }
            let sources = rename::sources(&mut self.reader, &difference);
            let pairs = difference.added.iter().zip(sources);
            let known = pairs.filter_map(|(added, source)| {
                let old = difference.removed.get(source?)?.oid;
                Some((String::from_utf8_lossy(&added.path).into_owned(), old))
            });
            self.renamed = (change.commit, known.collect());
        }
        self.renamed.1.get(&change.path).copied()
    }

    /// Fills in who and when, and where it can be looked at.
    fn sign(&mut self, commit: u32, finding: &mut CompatFinding) {
        let oid = self.history.commits[commit as usize].oid;
        if !self.commits.contains_key(&commit) {
            let Ok(object) = self.reader.read(&oid) else { return };
            let Some(parsed) = CommitObject::parse(&object.bytes) else { return };
            let message = message::printed(&object.bytes[parsed.message_at..]);
            self.commits.insert(commit, (parsed, message));
        }
        if let Some((parsed, message)) = self.commits.get(&commit) {
            finding.author.clone_from(&parsed.author.name);
            finding.email.clone_from(&parsed.author.email);
            finding.date = parsed.author.date();
            finding.message.clone_from(message);
        }
        finding.link = self.remote.map(|remote| remote.link(finding)).unwrap_or_default();
    }
}
