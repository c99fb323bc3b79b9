//! Which release explains a change of a file. What the ledger of an environment says counts where its chain is whole and
//! signed with a trusted key.
//!
//! A change is explained where the new content is an artifact of the release that is in force or under way, or where the
//! file lies below a tree that releases write and the change fell between the beginning of a deployment and its end. What
//! an earlier release brought is no explanation: putting an old file back is what an attacker does. What is explained is
//! content only; rights, owners and attributes never are.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use testudo_ledger::{
    Depth, Heads, Journal, LedgerError, Next, ReleaseEvent, ReleaseState, ReleaseStep, VerifyingKey, predicate,
};

use crate::{AgentError, config::ReleasesConfig, log};

/// How long after a deployment a change still belongs to it, in seconds: events of files come later than the files.
const GRACE: u64 = 30;
/// How long a deployment counts whose end nobody recorded, in seconds.
const LONGEST: u64 = 3600;
/// Largest file of keys that is read, in bytes.
const MAX_KEYS: u64 = 1 << 16;

/// One release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Release {
    name: String,
    version: String,
    /// SHA-256 of its artifacts.
    artifacts: Vec<String>,
    /// When its deployment or way back began and ended, in seconds since 1970.
    windows: Vec<(u64, Option<u64>)>,
    state: Option<ReleaseState>,
}

/// By what a file is known that did not change: device, inode, length, and times in seconds and nanoseconds.
type Seen = (u64, u64, u64, (i64, i64), (i64, i64));

/// The releases of an environment.
#[derive(Debug)]
pub(crate) struct Releases {
    config: ReleasesConfig,
    trees: Vec<PathBuf>,
    /// Device, inode, length and times of the ledger when it was read and found whole.
    seen: Option<Seen>,
    all: Vec<Release>,
}

impl Releases {
    pub(crate) fn new(config: ReleasesConfig, trees: Vec<PathBuf>) -> Self {
        Self { config, trees, seen: None, all: Vec::new() }
    }

    /// Reads the ledger where it changed. What cannot be trusted explains nothing, and is told.
    pub(crate) fn refresh(&mut self) -> Result<(), AgentError> {
        let journal = Journal::new(&self.config.folder, &self.config.environment)?;
        let path = journal.path();
        let seen = fs::metadata(&path).map(|found| {
            let (mtime, ctime) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
            (found.dev(), found.ino(), found.len(), mtime, ctime)
        });
        if self.seen.is_some() && self.seen == seen.as_ref().ok().copied() {
            return Ok(());
        }
        self.seen = None;
        self.all.clear();
        let seen = seen.map_err(|source| AgentError::Read { path, source })?;
        self.all = read(&journal, &self.config.key)?;
        self.seen = Some(seen);
        Ok(())
    }

    /// The release that explains a change at a time, in seconds since 1970.
    pub(crate) fn explain(&self, path: &Path, sha256: Option<&str>, time: u64) -> Option<&str> {
        let current = self.current();
        let brought = |release: &&&Release| sha256.is_some_and(|sum| release.artifacts.iter().any(|own| own == sum));
        if let Some(release) = current.iter().find(brought) {
            return Some(&release.name);
        }
        if !self.trees.iter().any(|tree| path.starts_with(tree)) {
            return None;
        }
        let within = |(from, to): &(u64, Option<u64>)| {
            *from <= time + 1 && time <= to.unwrap_or(from.saturating_add(LONGEST)).saturating_add(GRACE)
        };
        self.all.iter().rev().find(|release| release.windows.iter().any(within)).map(|release| release.name.as_str())
    }

    /// The release in force, and one that is under way.
    fn current(&self) -> Vec<&Release> {
        let under_way = self.all.last().filter(|last| {
            matches!(
                last.state,
                Some(
                    ReleaseState::Deploying
                        | ReleaseState::Deployed
                        | ReleaseState::Verifying
                        | ReleaseState::RollingBack
                )
            )
        });
        // The last one that was promoted; a return to an earlier version is one too.
        let promoted = self.all.iter().rev().find(|release| release.state == Some(ReleaseState::Promoted));
        let in_force = promoted.map(|release| release.version.clone());
        let same_version = self.all.iter().rev().filter(|release| {
            release.state == Some(ReleaseState::Promoted) && Some(&release.version) == in_force.as_ref()
        });
        under_way.into_iter().chain(same_version).collect()
    }
}

fn read(journal: &Journal, key: &Path) -> Result<Vec<Release>, AgentError> {
    let told = |source| AgentError::Read { path: key.to_owned(), source };
    if fs::metadata(key).map_err(told)?.len() > MAX_KEYS {
        return Err(AgentError::TooLarge { path: key.to_owned(), limit: MAX_KEYS });
    }
    let keys = VerifyingKey::all_from_pem(&fs::read_to_string(key).map_err(told)?, &key.display().to_string())?;
    let verified = journal.verify(&keys, Heads::default(), Depth::EverySignature)?;
    if let Some(fault) = verified.faults.first() {
        let why = format!(
            "line {} {}: it explains no change until `testudo ledger verify` says it is whole",
            fault.line, fault.kind
        );
        return Err(AgentError::Damaged { path: journal.path(), why });
    }
    let mut releases: BTreeMap<u64, Release> = BTreeMap::new();
    let mut latest: BTreeMap<String, u64> = BTreeMap::new();
    let result = journal.entries(&mut |entry| {
        if entry.statement.predicate_type == predicate::RELEASE
            && let Ok(event) = serde_json::from_value::<ReleaseEvent>(entry.statement.predicate)
        {
            let place = entry.statement.testudo;
            if matches!(event.step, ReleaseStep::Begun { .. }) {
                latest.insert(event.release.clone(), place.seq);
            }
            let seq = *latest.entry(event.release.clone()).or_insert(place.seq);
            let release = releases.entry(seq).or_default();
            release.take(&event, log::seconds(&place.time).unwrap_or(0));
        }
        Next::Entry
    });
    match result {
        Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        result => result?,
    }
    Ok(releases.into_values().collect())
}

impl Release {
    fn take(&mut self, event: &ReleaseEvent, time: u64) {
        self.name.clone_from(&event.release);
        self.version.clone_from(&event.version);
        self.state = Some(event.state);
        if let ReleaseStep::Outcome(outcome) = &event.step {
            self.artifacts.extend(outcome.artifacts.values().cloned());
        }
        let writes = matches!(event.state, ReleaseState::Deploying | ReleaseState::RollingBack);
        let open = self.windows.last().is_some_and(|(_, end)| end.is_none());
        if writes && !open {
            self.windows.push((time, None));
        } else if !writes && let Some((_, end @ None)) = self.windows.last_mut() {
            *end = Some(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(name: &str, version: &str, state: ReleaseState, artifact: &str, window: (u64, Option<u64>)) -> Release {
        Release {
            name: name.to_owned(),
            version: version.to_owned(),
            artifacts: vec![artifact.to_owned()],
            windows: vec![window],
            state: Some(state),
        }
    }

    #[test]
    fn what_explains_and_what_does_not() {
        let config = ReleasesConfig { folder: "f".into(), environment: "prod".into(), key: "k".into() };
        let mut releases = Releases::new(config, vec!["/srv/app".into()]);
        releases.all = vec![
            release("prod-1", "1", ReleaseState::Promoted, "aa", (100, Some(110))),
            release("prod-2", "2", ReleaseState::Promoted, "bb", (200, Some(210))),
            release("prod-3", "3", ReleaseState::RolledBack, "cc", (300, Some(310))),
        ];
        for (path, sum, time, expected) in [
            ("/usr/bin/app", Some("bb"), 999, Some("prod-2")),
            ("/usr/bin/app", Some("aa"), 999, None),
            ("/usr/bin/app", Some("cc"), 999, None),
            ("/usr/bin/app", Some("dd"), 205, None),
            ("/srv/app/x", Some("dd"), 205, Some("prod-2")),
            ("/srv/app/x", None, 305, Some("prod-3")),
            ("/srv/app/x", Some("dd"), 250, None),
            ("/srv/app2/x", Some("dd"), 205, None),
        ] {
            assert_eq!(releases.explain(Path::new(path), sum, time), expected, "{path} {sum:?} {time}");
        }
        releases.all.push(release("prod-4", "4", ReleaseState::Deploying, "dd", (400, None)));
        assert_eq!(releases.explain(Path::new("/usr/bin/app"), Some("dd"), 405), Some("prod-4"));
        assert_eq!(releases.explain(Path::new("/srv/app/y"), None, 3999), Some("prod-4"));
        // A deployment that nobody ended is over at some time.
        assert_eq!(releases.explain(Path::new("/srv/app/y"), None, 9999), None);
        // A ledger that is gone explains nothing, not even what it explained before.
        releases.seen = Some((1, 2, 3, (4, 5), (6, 7)));
        assert!(releases.refresh().unwrap_err().to_string().contains("prod.jsonl"));
        assert_eq!(releases.explain(Path::new("/usr/bin/app"), Some("dd"), 405), None);
    }
}
