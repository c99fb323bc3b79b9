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
    history::{self, Known, Method},
};
use testudo_source::git::{
    CommitObject, Oid, ReadLimits, Reader, Repository,
    ancestry::{self, History},
    attributes::Attributes,
    attribution::{self, Change, Detail, Question},
    rename, revision, tree_diff,
};

use super::{arguments::Flags, worktree};

/// What of a repository is wanted.
pub(super) enum Scope {
    /// Commits reachable from all references.
    All,
    /// Commits of revisions named by `--log-opts`.
    Revisions(Vec<String>),
    /// The index against `HEAD`.
    Staged,
    /// The work tree against the index.
    Unstaged,
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
    match scope {
        Scope::Staged => return worktree::staged(scanner, &repository, source),
        Scope::Unstaged => return worktree::unstaged(scanner, &repository, source),
        Scope::All | Scope::Revisions(_) => {}
    }
    let (tips, excluded) = ends(&repository, scope)?;
    let found = history::scan(
        repository.objects(),
        scanner.engine(),
        scanner,
        Method::Deltas,
        flags.threads(),
        &Known::default(),
        &AtomicU64::new(0),
    )?;
    let history = ancestry::history(&repository, &tips, &excluded);
    for missing in history.missing.iter().take(3) {
        crate::terminal::warn(&format!("object {missing} is missing, what only it leads to is not scanned"));
    }
    let wanted: HashSet<Oid> = found.blobs.iter().map(|(oid, _)| *oid).collect();
    let mut missing = Vec::new();
    let question = Question {
        commits: &history.commits,
        known: &|_| false,
        wanted: &|oid, _| wanted.contains(oid),
        detail: Detail::EveryCommit,
    };
    let mut changes = attribution::changes(&repository, &question, &mut missing);
    changes.retain(|c| !scanner.skips_path(&c.path));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut look = Look {
            scanner,
            history: &history,
            reader: repository.objects().reader(),
            attributes: Attributes::new(&repository),
            workspace: Workspace::default(),
            found: Vec::new(),
            commits: HashMap::new(),
            renamed: (u32::MAX, HashMap::new()),
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

struct Look<'a> {
    scanner: &'a Scanner,
    history: &'a History,
    reader: Reader<'a>,
    attributes: Attributes,
    workspace: Workspace,
    found: Vec<CompatFinding>,
    commits: HashMap<u32, (CommitObject, String)>,
    /// A commit, and the contents that its added files had under another name.
    renamed: (u32, HashMap<String, Oid>),
}

impl Look<'_> {
    fn change(&mut self, change: &Change) {
        let commit = self.history.commits[change.commit as usize].oid.to_string();
        let old = change.old.or_else(|| self.renamed_from(change));
        let show = self.attributes.show(&change.path);
        for (start_line, text) in worktree::added_lines(&mut self.reader, show, old, change.new) {
            let fragment = Fragment { text: &text, path: &change.path, commit: &commit, start_line };
            for mut finding in self.scanner.detect(&fragment, &mut self.workspace) {
                self.sign(change.commit, &mut finding);
                self.found.push(finding);
            }
        }
    }

    /// What an added file was under its former name: git shows a renamed file as a change of that.
    fn renamed_from(&mut self, change: &Change) -> Option<Oid> {
        if self.renamed.0 != change.commit {
            let commit = &self.history.commits[change.commit as usize];
            let difference = commit.base.map(|base| tree_diff::difference(&mut self.reader, Some(base), commit.tree));
            let difference = difference.unwrap_or_default();
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
