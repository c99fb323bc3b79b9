//! Findings that are known: `.gitleaksignore` files and a baseline report.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use anyhow::Result;
use serde_json::Value;
use testudo_secrets::gitleaks::CompatFinding;

use super::{arguments::Flags, log::Log};

const IGNORE_FILE: &str = ".gitleaksignore";

/// What is not reported.
pub(super) struct Ignored {
    fingerprints: BTreeSet<String>,
    /// None where there is no baseline that can be read.
    baseline: Option<Vec<Value>>,
    /// Whether secrets are masked, and so cannot be compared.
    redacted: bool,
}

impl Ignored {
    /// Reads the lists. A baseline that cannot be read is told and counts as none, as with gitleaks.
    pub(super) fn read(flags: &Flags, source: Option<&Path>, log: Log) -> Result<Self> {
        let given = &flags.gitleaks_ignore_path;
        let mut fingerprints = BTreeSet::new();
        let in_source = source.unwrap_or(Path::new("")).join(IGNORE_FILE);
        for path in [given.clone(), given.join(IGNORE_FILE), in_source] {
            if path.is_file() {
                let text = crate::files::read_text(&path)?;
                fingerprints.extend(text.lines().filter_map(|line| entry(line, log)));
            }
        }
        let baseline = match &flags.baseline_path {
            Some(path) if !path.as_os_str().is_empty() => baseline(path, log),
            _ => None,
        };
        Ok(Self { fingerprints, baseline, redacted: flags.redact > 0 })
    }

    /// The configuration and the baseline, under the names that gitleaks compares with those of files: it does not look
    /// at its own files. `source` is none for standard input.
    pub(super) fn own_files(&self, flags: &Flags, source: Option<&Path>) -> [String; 2] {
        let in_source = || joined(source.unwrap_or(Path::new("")), ".gitleaks.toml");
        let given = flags.config.as_ref().filter(|path| !path.as_os_str().is_empty());
        let config = given.map_or_else(in_source, |path| path.to_string_lossy().into_owned());
        let baseline = flags.baseline_path.as_ref().filter(|_| self.baseline.is_some());
        let baseline = baseline.and_then(|path| relative(path, source.unwrap_or(Path::new(""))));
        [config, baseline.unwrap_or_default()]
    }

    /// Drops what is known.
    pub(super) fn retain(&self, findings: &mut Vec<CompatFinding>) {
        let place = |f: &CompatFinding| format!("{}:{}:{}", f.file, f.rule, f.start_line);
        let named =
            |f: &CompatFinding| self.fingerprints.contains(&place(f)) || self.fingerprints.contains(&f.fingerprint());
        findings.retain(|f| !named(f) && !self.baseline.iter().flatten().any(|known| same(f, known, self.redacted)));
    }
}

/// One line of an ignore file: `file:rule:line`, or the same with a commit in front. Only the path is put right.
fn entry(line: &str, log: Log) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut parts: Vec<String> = line.split(':').map(str::to_owned).collect();
    match parts.len() {
        3 => parts[0] = parts[0].replace('\\', "/"),
        4 => parts[1] = parts[1].replace('\\', "/"),
        _ => log.warn(&format!("invalid {IGNORE_FILE} entry: {line}")),
    }
    Some(parts.join(":"))
}

fn baseline(path: &Path, log: Log) -> Option<Vec<Value>> {
    let read = || -> Result<Vec<Value>> { Ok(serde_json::from_str(&crate::files::read_text(path)?)?) };
    read()
        .map_err(|error| {
            log.error(&format!(
                "{}: the baseline is not used: {error:#}. It has to be a gitleaks report in its JSON format",
                path.display()
            ));
        })
        .ok()
}

/// The fields that gitleaks compares.
fn same(f: &CompatFinding, known: &Value, redacted: bool) -> bool {
    let text = |name: &str, value: &str| known[name].as_str().unwrap_or_default() == value;
    let number = |name: &str, value: usize| known[name].as_u64().unwrap_or(0) == value as u64;
    let texts = [
        ("RuleID", &f.rule),
        ("Description", &f.description),
        ("File", &f.file),
        ("Commit", &f.commit),
        ("Author", &f.author),
        ("Email", &f.email),
        ("Date", &f.date),
        ("Message", &f.message),
    ];
    texts.iter().all(|(name, value)| text(name, value))
        && number("StartLine", f.start_line)
        && number("EndLine", f.end_line)
        && number("StartColumn", f.start_column)
        && number("EndColumn", f.end_column)
        && (redacted || text("Match", &f.matched) && text("Secret", &f.secret))
        && (known["Entropy"].as_f64().unwrap_or(0.0) as f32 - f.entropy as f32).abs() < 1e-5
}

/// A name below a folder, as Go joins them: without `.` and doubled slashes.
pub(super) fn joined(folder: &Path, name: &str) -> String {
    testudo_source::walk::display(&plain(&folder.join(name)))
}

/// Takes out `.` and, where a folder stands before it, `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The way from a folder to a file.
fn relative(file: &Path, folder: &Path) -> Option<String> {
    let [file, folder] =
        [std::path::absolute(file).ok()?, std::path::absolute(std::path::Path::new(".").join(folder)).ok()?];
    let (file, folder) = (plain(&file), plain(&folder));
    let shared = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(file.components().skip(shared)).collect();
    Some(testudo_source::walk::display(&way))
}
