//! Results of tests that a command has written.

use std::{
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
    /// Files that match and are older than the command: results of another run.
    pub stale: Vec<String>,
}

/// Reads the files that match the patterns and were written since `since`.
///
/// # Errors
/// A file is no JUnit XML, or cannot be read; the text says which one and why.
pub fn results(root: &Path, patterns: &[String], since: SystemTime) -> Result<Results, String> {
    let mut paths = Vec::new();
    for pattern in patterns {
        collect(root, pattern, &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    let mut results = Results { event: TestResultEvent::default(), ran: 0, stale: Vec::new() };
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let told = |why: String| format!("{name}: {why}");
        let found = fs::metadata(&path).map_err(|error| told(error.to_string()))?;
        if found.modified().is_ok_and(|written| written < since) {
            results.stale.push(name);
            continue;
        }
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

/// Adds the files that match a pattern. Only folders that the pattern can lead into are looked at.
fn collect(root: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let fixed: PathBuf = pattern.split('/').take_while(|part| !part.contains('*')).collect();
    let (start, whole) = (root.join(&fixed), fixed == Path::new(pattern));
    if whole {
        found.extend(start.is_file().then_some(start));
        return Ok(());
    }
    walk(root, &start, pattern, found)
}

fn walk(root: &Path, folder: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| error.to_string())?);
        if kind.is_dir() {
            walk(root, &path, pattern, found)?;
        } else if kind.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.extend(wildcard::matches(pattern, &name).then_some(path));
        }
    }
    Ok(())
}
