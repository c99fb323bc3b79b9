//! `gitleaks git`: what `git log -p -U0` would show, found without making it.
//!
//! All blobs are searched along their deltas first. Only changes that bring a blob with a match are looked at the way
//! gitleaks looks: the added lines of the change, hunk by hunk.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use testudo_secrets::{
    engine::Workspace,
    gitleaks::{CompatFinding, Fragment, Scanner},
    history::{self, Method},
};
use testudo_source::git::{
    CommitObject, Oid, ReadLimits, Reader, Repository,
    attribution::{self, Change, Detail, History},
    index, lines, revision, tree,
};

use super::arguments::Flags;

/// What of a repository is wanted.
pub(super) enum Scope {
    /// Commits reachable from all references.
    All,
    /// Commits of revisions named by `--log-opts`.
    Revisions(Vec<String>),
    /// The index against `HEAD`.
    Staged,
}

impl Scope {
    /// Reads `--log-opts`: revisions, ranges and `--all`; options that only change how git prints are accepted.
    pub(super) fn from_options(options: &str) -> Result<Self> {
        let mut revisions = Vec::new();
        for word in options.split_whitespace() {
            match word {
                "--all" => return Ok(Self::All),
                "--full-history" | "--no-merges" | "--reverse" | "--topo-order" | "--date-order" | "-p" => {}
                option if option.starts_with('-') => {
                    anyhow::bail!(
                        "--log-opts {option} is not supported; name revisions or ranges, such as `main`, `v1..HEAD` or `--all`"
                    )
                }
                revision => revisions.push(revision.to_owned()),
            }
        }
        Ok(if revisions.is_empty() { Self::Revisions(vec!["HEAD".to_owned()]) } else { Self::Revisions(revisions) })
    }
}

/// Scans a repository.
pub(super) fn scan(scanner: &Scanner, source: &Path, scope: &Scope, flags: &Flags) -> Result<Vec<CompatFinding>> {
    let repository = Repository::discover(source, ReadLimits::default())?;
    if matches!(scope, Scope::Staged) {
        return staged(scanner, &repository);
    }
    let (tips, excluded) = ends(&repository, scope)?;
    let history = attribution::history(&repository, &tips, &excluded)?;
    for missing in history.missing.iter().take(3) {
        crate::terminal::warn(&format!("object {missing} is missing, what only it leads to is not scanned"));
    }
    let found = history::scan(
        repository.objects(),
        scanner.engine(),
        scanner,
        Method::Deltas,
        flags.threads(),
        &|_| false,
        &AtomicU64::new(0),
    )?;
    let wanted: HashSet<Oid> = found.blobs.iter().map(|(oid, _)| *oid).collect();
    let mut missing = Vec::new();
    let mut changes = attribution::changes(
        &repository,
        &history.commits,
        &|oid, _| wanted.contains(oid),
        Detail::EveryCommit,
        &mut missing,
    );
    changes.retain(|c| !scanner.skips_path(&c.path));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut look = Look {
            scanner,
            history: &history,
            reader: repository.objects().reader(),
            workspace: Workspace::default(),
            found: Vec::new(),
            commits: HashMap::new(),
        };
        loop {
            let first = next.fetch_add(64, Ordering::Relaxed);
            if first >= changes.len() {
                return look.found;
            }
            for change in &changes[first..changes.len().min(first + 64)] {
                look.change(change);
            }
        }
    };
    let parts: Vec<_> = std::thread::scope(|s| {
        let handles: Vec<_> = (0..flags.threads()).map(|_| s.spawn(work)).collect();
        handles.into_iter().map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    Ok(parts.concat())
}

fn ends(repository: &Repository, scope: &Scope) -> Result<(Vec<Oid>, Vec<Oid>)> {
    let Scope::Revisions(names) = scope else {
        return Ok((repository.references().into_iter().map(|r| r.target).collect(), Vec::new()));
    };
    let (mut tips, mut excluded) = (Vec::new(), Vec::new());
    for name in names {
        let range = revision::range(repository, name).with_context(|| format!("--log-opts {name}"))?;
        tips.extend(range.to);
        excluded.extend(range.from);
    }
    Ok((tips, excluded))
}

fn staged(scanner: &Scanner, repository: &Repository) -> Result<Vec<CompatFinding>> {
    let files = index::read(&repository.git_dir().join("index"), repository.objects().hash_len())?;
    let mut reader = repository.objects().reader();
    let mut before = HashMap::new();
    if let Some(head) = repository.head() {
        let commit = CommitObject::parse(&reader.read(&head)?.bytes).context("HEAD is not a commit")?;
        let wanted: HashSet<&[u8]> = files.iter().map(|f| f.path.as_slice()).collect();
        attribution::files(repository, commit.tree, &mut Vec::new(), &mut |path, entry| {
            if wanted.contains(path.as_bytes()) && entry.kind == tree::EntryKind::File {
                before.insert(path.to_owned(), entry.oid);
            }
        })?;
    }
    let (mut found, mut workspace) = (Vec::new(), Workspace::default());
    for file in files.iter().filter(|f| !f.submodule) {
        let path = String::from_utf8_lossy(&file.path).into_owned();
        let old = before.get(&path).copied();
        if old != Some(file.oid) && !scanner.skips_path(&path) {
            let pieces = added_lines(&mut reader, old, file.oid);
            for (start_line, text) in pieces {
                found.extend(
                    scanner.detect(&Fragment { text: &text, path: &path, commit: "", start_line }, &mut workspace),
                );
            }
        }
    }
    Ok(found)
}

/// The added lines of a change, each run with its first line number. Binary files have none.
fn added_lines(reader: &mut Reader<'_>, old: Option<Oid>, new: Oid) -> Vec<(usize, Vec<u8>)> {
    let Ok(new) = reader.read(&new) else { return Vec::new() };
    let old = old.and_then(|oid| reader.read(&oid).ok());
    let old_bytes = old.as_ref().map(|o| o.bytes.as_slice()).unwrap_or_default();
    if lines::is_binary(&new.bytes) || lines::is_binary(old_bytes) {
        return Vec::new();
    }
    lines::added(old_bytes, &new.bytes).into_iter().map(|a| (a.line, new.bytes[a.range].to_vec())).collect()
}

struct Look<'a> {
    scanner: &'a Scanner,
    history: &'a History,
    reader: Reader<'a>,
    workspace: Workspace,
    found: Vec<CompatFinding>,
    commits: HashMap<u32, (CommitObject, String)>,
}

impl Look<'_> {
    fn change(&mut self, change: &Change) {
        let commit = self.history.commits[change.commit as usize].oid.to_string();
        for (start_line, text) in added_lines(&mut self.reader, change.old, change.new) {
            let fragment = Fragment { text: &text, path: &change.path, commit: &commit, start_line };
            for mut finding in self.scanner.detect(&fragment, &mut self.workspace) {
                self.sign(change.commit, &mut finding);
                self.found.push(finding);
            }
        }
    }

    /// Fills in who and when.
    fn sign(&mut self, commit: u32, finding: &mut CompatFinding) {
        let oid = self.history.commits[commit as usize].oid;
        if !self.commits.contains_key(&commit) {
            let Ok(object) = self.reader.read(&oid) else { return };
            let Some(parsed) = CommitObject::parse(&object.bytes) else { return };
            let message = String::from_utf8_lossy(&object.bytes[parsed.message_at..]).trim().to_owned();
            self.commits.insert(commit, (parsed, message));
        }
        if let Some((parsed, message)) = self.commits.get(&commit) {
            finding.author.clone_from(&parsed.author.name);
            finding.email.clone_from(&parsed.author.email);
            finding.date = parsed.author.date();
            finding.message.clone_from(message);
        }
    }
}
