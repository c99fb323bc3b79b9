//! Results of tests that a command has written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use testudo_ledger::{Subject, TestResultEvent};
use testudo_plan::{
    junit::{Ended, MAX_BYTES, TestReport},
    wildcard,
};

/// What files of results say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// As it is recorded.
    pub event: TestResultEvent,
    /// Tests that ran.
    pub ran: usize,
}

/// Files of results as they were before a command: what is the same afterwards, the command did not write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64, String)>);

/// The files that match the patterns now.
///
/// # Errors
/// A folder cannot be looked into.
pub fn snapshot(root: &Path, patterns: &[String]) -> Result<Snapshot, String> {
    let mut paths = Vec::new();
    for pattern in patterns {
        paths.extend(matching(root, pattern)?);
    }
    Ok(Snapshot(paths.into_iter().map(|path| (path.clone(), state(&path))).collect()))
}

fn state(path: &Path) -> (Option<SystemTime>, u64, String) {
    let found = fs::metadata(path);
    let written = found.as_ref().ok().and_then(|found| found.modified().ok());
    let len = found.map_or(0, |found| found.len());
    (written, len, crate::artifact::digest(path).unwrap_or_default())
}

/// What is the same was not written, and neither was what is older than it was.
fn is_new(before: &(Option<SystemTime>, u64, String), now: &(Option<SystemTime>, u64, String)) -> bool {
    before != now && now.0 >= before.0
}

/// Reads the files that match the patterns and are not as they were before. Each pattern has to have one.
///
/// # Errors
/// A pattern has no file that was written, a file is no JUnit XML, or something cannot be read; the text says which and why.
pub fn results(root: &Path, patterns: &[String], before: &Snapshot) -> Result<Results, String> {
    let mut fresh = BTreeSet::new();
    for pattern in patterns {
        let found = matching(root, pattern)?;
        let (old, new): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|path| before.0.get(path).is_some_and(|known| !is_new(known, &state(path))));
        if new.is_empty() {
            let old: Vec<String> = old.iter().map(|path| shown(root, path)).collect();
            return Err(match old.as_slice() {
                [] => format!("no file matches `{pattern}`, so nothing says that tests ran"),
                names => format!("no test of `{pattern}` ran: older than this run is {}", names.join(", ")),
            });
        }
        fresh.extend(new);
    }
    read(root, fresh)
}

/// Reads files of results.
///
/// # Errors
/// A file is no JUnit XML, or cannot be read; the text says which and why.
pub fn read(root: &Path, files: impl IntoIterator<Item = PathBuf>) -> Result<Results, String> {
    let mut results = Results { event: TestResultEvent::default(), ran: 0 };
    for path in files {
        let name = shown(root, &path);
        let told = |why: String| format!("{name}: {why}");
        let found = fs::metadata(&path).map_err(|error| told(error.to_string()))?;
        if found.len() > MAX_BYTES as u64 {
            return Err(told(format!("is larger than {MAX_BYTES} bytes")));
        }
        let text = fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
        results.add(&name, &path, &text)?;
    }
    let event = &mut results.event;
    event.result = match (event.failed_tests.is_empty(), event.warned_tests.is_empty()) {
        (false, _) => "FAILED",
        (true, false) => "WARNED",
        (true, true) => "PASSED",
    }
    .to_owned();
    Ok(results)
}

impl Results {
    fn add(&mut self, name: &str, path: &Path, text: &str) -> Result<(), String> {
        let digest = crate::artifact::digest(path).map_err(|error| format!("{name}: {error}"))?;
        self.event.configuration.push(Subject::new(name, "sha256", &digest));
        // A file without a test is one of nothing that ran: whether enough ran is decided over all files.
        let report = match TestReport::parse(name, text) {
            Ok(report) => report,
            Err(error) if error.why == "has no test" => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        for case in report.cases {
            let list = match case.ended {
                Ended::Passed => &mut self.event.passed_tests,
                Ended::Skipped => &mut self.event.warned_tests,
                Ended::Failed => &mut self.event.failed_tests,
            };
            list.push(case.name);
            self.ran += usize::from(case.ended != Ended::Skipped);
        }
        Ok(())
    }
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// The files that match a pattern. Only folders that the pattern can lead into are looked at.
fn matching(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let pattern = pattern.trim_start_matches("./");
    let fixed: PathBuf = pattern.split('/').take_while(|part| !part.contains('*')).collect();
    let (start, mut found) = (root.join(&fixed), Vec::new());
    if fixed == Path::new(pattern) {
        found.extend(start.is_file().then_some(start));
    } else if start.is_dir() {
        walk(root, &start, pattern, &mut found)?;
    }
    Ok(found)
}

fn walk(root: &Path, folder: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(told)?);
        // A link to a folder may lead in a circle; a link to a file is the file.
        if kind.is_dir() {
            walk(root, &path, pattern, found)?;
        } else if path.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.extend(wildcard::matches(pattern, &name).then_some(path));
        }
    }
    Ok(())
}
