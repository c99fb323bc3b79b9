//! Files at work: the baseline, what the system says of changes, and what differs once they rest.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use testudo_model::AgentEventBody;

use super::{Agent, baseline_path};
use crate::{
    AgentError, alert,
    fim::{
        self, Change, ChangeKind,
        baseline::Baseline,
        path_of,
        releases::Releases,
        state::{Effort, State},
        text,
        walk::{Root, Scope, roots, with_targets},
        watch::{Pending, Watch},
    },
    machine,
};

/// How long files may go on changing before it is told.
const RESTLESS: Duration = Duration::from_secs(1);
/// How often all files are looked at where some cannot be watched.
const RESCAN: Duration = Duration::from_secs(60);

const FILE: &str = "file:";

/// What is watched of files.
pub(super) struct Files {
    baseline: Baseline,
    /// The file of the baseline when it was opened: device, inode and time.
    accepted: Option<Mark>,
    /// What the trees were when they were looked at last.
    roots: Vec<Root>,
    scope: Scope,
    pub(super) watch: Option<Watch>,
    /// Whether not all is watched, which was told.
    is_reduced: bool,
    releases: Option<Releases>,
    pending: Pending,
    pub(super) since: Option<Instant>,
    scanned: Instant,
}

/// By what a file is known that somebody replaces: device, inode, and time in seconds and nanoseconds.
type Mark = (u64, u64, i64, i64);

fn mark(path: &Path) -> Option<Mark> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec()))
}

impl Agent {
    /// Opens the baseline, which is made where there is none, and watches. Says what cannot be watched.
    pub(super) fn open_files(&mut self, tell: &mut dyn FnMut(&str)) -> Result<Vec<String>, AgentError> {
        if self.config.fim.trees.is_empty() {
            return Ok(Vec::new());
        }
        let path = baseline_path(&self.config.state);
        let roots = roots(&self.config.fim.trees);
        let (scope, exclude) = (self.scope(), self.exclude());
        // The folders are watched before they are looked at, so nothing happens in between.
        let mut reduced = Vec::new();
        let watch = match Watch::new(scope.clone()) {
            Ok(watch) => {
                reduced.extend(watch.unwatched.clone());
                Some(watch)
            }
            Err(error) => {
                reduced.push(error.to_string());
                None
            }
        };
        if !path.exists() {
            let made = match fim::begin(&path, scope.trees(), &exclude) {
                Err(error @ AgentError::Write { .. }) => {
                    let why = format!("{error}: files are not watched until the next start");
                    tell(&why);
                    reduced.push(why);
                    return Ok(reduced);
                }
                made => made?,
            };
            tell(&format!("the baseline of {} files and folders was made: they are taken as they are", made.scanned));
        }
        let accepted = mark(&path);
        let baseline = Baseline::open(&path)?;
        let there = |scope: &Scope| scope.trees().iter().filter(|tree| tree.exists()).cloned().collect::<Vec<_>>();
        if there(&baseline.scope()) != there(&scope) {
            tell(
                "the baseline is of other trees than the configuration; make it again with `testudo agent fim init --config FILE`",
            );
        }
        let releases = self.config.releases.clone();
        let releases = releases.map(|config| Releases::new(config, self.config.fim.release_trees.clone()));
        let (pending, scanned) = (Pending::default(), Instant::now());
        let is_reduced = watch.as_ref().is_none_or(|watch| watch.unwatched.is_some());
        let since = None;
        self.files =
            Some(Files { baseline, accepted, roots, scope, watch, is_reduced, releases, pending, since, scanned });
        Ok(reduced)
    }

    /// What is watched of files: the trees of the configuration, and where they lead.
    fn scope(&self) -> Scope {
        Scope::new(&with_targets(&self.config.fim.trees), &self.exclude())
    }

    fn exclude(&self) -> Vec<PathBuf> {
        let own = [self.config.state.clone(), self.config.alerts.clone()];
        self.config.fim.exclude.iter().cloned().chain(own).collect()
    }

    /// Watches anew where a tree came, went, or is another folder or link now, and holds all against the baseline.
    fn look_at_roots(&mut self, tell: &mut dyn FnMut(&str)) -> Result<(), AgentError> {
        let found = roots(&self.config.fim.trees);
        let scope = self.scope();
        let Some(files) = self.files.as_mut().filter(|files| files.roots != found) else { return Ok(()) };
        files.roots = found;
        files.scope = scope.clone();
        files.watch = None;
        files.watch = Some(Watch::new(scope)?);
        self.scan_files(tell)
    }

    /// Tells once that not all is watched any more.
    fn look_at_limit(&mut self) {
        let Some(files) = &mut self.files else { return };
        let why =
            files.watch.as_ref().map_or(Some("inotify cannot be used".to_owned()), |watch| watch.unwatched.clone());
        let was_reduced = std::mem::replace(&mut files.is_reduced, why.is_some());
        if let Some(why) = why.filter(|_| !was_reduced) {
            let why = format!("{why}; all files are looked at every {} seconds", RESCAN.as_secs());
            self.spool.add(AgentEventBody::Alert(alert::of_unwatched(&why)));
        }
    }

    /// Takes what the system says of files, and tells what differs once they rest.
    pub(super) fn look_at_files(&mut self, tell: &mut dyn FnMut(&str)) -> Result<(), AgentError> {
        self.look_at_baseline(tell)?;
        self.look_at_roots(tell)?;
        self.look_at_limit();
        let Some(files) = &mut self.files else { return Ok(()) };
        let mut more = files.watch.as_mut().map(Watch::take).transpose()?.unwrap_or_default();
        let lost = std::mem::take(&mut more.is_all);
        let moved = !more.paths.is_empty() || !more.trees.is_empty();
        files.pending.paths.append(&mut more.paths);
        files.pending.trees.append(&mut more.trees);
        if moved {
            files.since.get_or_insert_with(Instant::now);
        }
        let unwatched = files.watch.as_ref().is_none_or(|watch| watch.unwatched.is_some());
        if lost || unwatched && files.scanned.elapsed() >= RESCAN {
            if lost {
                let why = "the system lost events of files, so all of them are looked at again";
                self.spool.add(AgentEventBody::Alert(alert::of_unwatched(why)));
            }
            return self.scan_files(tell);
        }
        let rests = files.since.is_some_and(|since| !moved || since.elapsed() >= RESTLESS);
        if !rests {
            return Ok(());
        }
        files.since = None;
        let pending = std::mem::take(&mut files.pending);
        let mut paths = pending.paths;
        for tree in &pending.trees {
            paths.extend(files.baseline.below(tree)?);
            let front = format!("{FILE}{}/", text(tree));
            paths.extend(self.spool.values(&front).map(|(rest, _)| tree.join(path_of(rest))));
            files.scope.walk_from(tree, &mut |path| paths.extend([path.to_owned()]));
        }
        let mut changes = Vec::new();
        for path in paths.iter().filter(|path| files.scope.has(path)) {
            let old = files.baseline.find(path)?;
            // A folder changes with what is in it, which is told for itself.
            let new = State::of(path, None, Effort::Everything, fim::nanoseconds()).ok();
            match Change::between(path, old, new) {
                Some(change) => changes.push(change),
                None => self.spool.set(format!("{FILE}{}", text(path)), None),
            }
        }
        self.tell_changes(changes, tell);
        Ok(())
    }

    /// Takes the baseline anew where somebody accepted changes meanwhile.
    fn look_at_baseline(&mut self, tell: &mut dyn FnMut(&str)) -> Result<(), AgentError> {
        let path = baseline_path(&self.config.state);
        let Some(files) = &mut self.files else { return Ok(()) };
        let found = mark(&path);
        if found == files.accepted {
            return Ok(());
        }
        files.accepted = found;
        files.baseline = Baseline::open(&path)?;
        // What was accepted is told again when it changes back.
        let known: Vec<String> = self.spool.values(FILE).map(|(path, _)| path.to_owned()).collect();
        for text in known {
            let path = path_of(&text);
            let old = files.baseline.find(&path)?;
            let new = State::of(&path, None, Effort::Everything, fim::nanoseconds()).ok();
            if Change::between(&path, old, new).is_none() {
                self.spool.set(format!("{FILE}{text}"), None);
            }
        }
        self.scan_files(tell)
    }

    /// Holds all files against the baseline.
    pub(super) fn scan_files(&mut self, tell: &mut dyn FnMut(&str)) -> Result<(), AgentError> {
        let Some(files) = &mut self.files else { return Ok(()) };
        files.scanned = Instant::now();
        let mut changes = Vec::new();
        let scope = files.baseline.scope().with(&files.scope);
        fim::compare((&files.baseline, &scope), Effort::Changed, &mut fim::Checked::default(), &mut |change| {
            changes.push(change)
        })?;
        self.tell_changes(changes, tell);
        Ok(())
    }

    /// Makes alerts of changes that were not told yet.
    fn tell_changes(&mut self, changes: Vec<Change>, tell: &mut dyn FnMut(&str)) {
        let gone = "-".to_owned();
        let name = |change: &Change| format!("{FILE}{}", change.path);
        let fingerprint = |change: &Change| change.new.as_ref().map_or(gone.clone(), State::fingerprint);
        let new: Vec<Change> = changes
            .into_iter()
            .filter(|change| self.spool.value(&name(change)) != Some(fingerprint(change).as_str()))
            .collect();
        if new.is_empty() {
            return;
        }
        if let Some(Err(error)) = self.files.as_mut().and_then(|files| files.releases.as_mut()).map(Releases::refresh) {
            self.say(error.to_string(), tell);
        }
        let releases = self.files.as_ref().and_then(|files| files.releases.as_ref());
        let mut alerts = Vec::new();
        for change in fim::renamed(new) {
            let sha256 = change.new.as_ref().and_then(|state| state.sha256.as_deref());
            let changed = change.new.as_ref().filter(|_| change.kind != ChangeKind::Deleted);
            let time =
                changed.map_or_else(machine::seconds, |state| u64::try_from(state.ctime / 1_000_000_000).unwrap_or(0));
            let release = releases.and_then(|releases| releases.explain(&path_of(&change.path), sha256, time));
            let known = (name(&change), fingerprint(&change), change.from.clone());
            alerts.push((known, alert::of_change(&change, release)));
        }
        for ((name, fingerprint, from), alert) in alerts {
            // That a change was told is kept with the alert of it, however many frames there are.
            self.spool.set(name, Some(fingerprint));
            if let Some(from) = from {
                self.spool.set(format!("{FILE}{from}"), Some(gone.clone()));
            }
            self.spool.add(AgentEventBody::Alert(alert));
            if self.spool.is_heavy() && !self.is_stuck {
                self.keep(tell);
            }
        }
    }
}
