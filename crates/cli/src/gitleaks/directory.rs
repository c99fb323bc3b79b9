//! `gitleaks dir`: the files that gitleaks would read, read as it reads them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use testudo_secrets::{
    engine::Workspace,
    gitleaks::{CompatFinding, Fragment, Scanner, fragments, is_application, is_archive_name},
};

use super::arguments::Flags;

/// A file to scan, and the link that led to it.
struct Target {
    path: PathBuf,
    symlink: String,
}

/// Scans a directory or a file.
pub(super) fn scan(scanner: &Scanner, source: &Path, flags: &Flags) -> Result<Vec<CompatFinding>> {
    let metadata = fs::metadata(source).with_context(|| source.display().to_string())?;
    let mut targets = Vec::new();
    if metadata.is_dir() {
        walk(scanner, source, flags, &mut targets);
    } else {
        targets.push(Target { path: source.to_owned(), symlink: String::new() });
    }
    let next = AtomicUsize::new(0);
    let parts: Vec<Vec<CompatFinding>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..flags.threads()).map(|_| scope.spawn(|| work(scanner, &targets, &next))).collect();
        handles.into_iter().map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    Ok(parts.concat())
}

fn walk(scanner: &Scanner, dir: &Path, flags: &Flags, targets: &mut Vec<Target>) {
    let mut entries: Vec<_> = match fs::read_dir(dir) {
        Ok(entries) => entries.flatten().collect(),
        Err(error) => return crate::terminal::warn(&format!("{}: {error}", dir.display())),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !scanner.skips_path(&clean(&path)) {
                walk(scanner, &path, flags, targets);
            }
        } else if kind.is_symlink() {
            if flags.follow_symlinks
                && let Some(target) = followed(&path)
            {
                targets.push(target);
            }
        } else if kind.is_file() && entry.metadata().is_ok_and(|m| m.len() > 0) {
            targets.push(Target { path, symlink: String::new() });
        }
    }
}

fn followed(path: &Path) -> Option<Target> {
    let real = fs::canonicalize(path).ok()?;
    real.is_file().then(|| Target { path: real, symlink: clean(path) })
}

/// A path as Go cleans it: without a leading `./`, `/`-separated.
fn clean(path: &Path) -> String {
    testudo_source::walk::display(path)
}

fn work(scanner: &Scanner, targets: &[Target], next: &AtomicUsize) -> Vec<CompatFinding> {
    let (mut workspace, mut found) = (Workspace::default(), Vec::new());
    loop {
        let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) else { return found };
        let name = clean(&target.path);
        if scanner.skips_path(&name) || is_archive_name(&name) {
            continue;
        }
        let bytes = match fs::read(&target.path) {
            Ok(bytes) => bytes,
            Err(error) => {
                crate::terminal::warn(&format!("{name}: {error}"));
                continue;
            }
        };
        for finding in file(scanner, &name, &bytes, &mut workspace) {
            found.push(CompatFinding { symlink: target.symlink.clone(), ..finding });
        }
    }
}

/// All fragments of one file.
fn file(scanner: &Scanner, name: &str, bytes: &[u8], workspace: &mut Workspace) -> Vec<CompatFinding> {
    let (mut found, mut lines) = (Vec::new(), 0);
    for range in fragments(bytes) {
        let text = &bytes[range];
        // gitleaks looks at the type of every fragment as long as no line break was seen.
        if lines == 0 && is_application(&text[..text.len().min(100_000)]) {
            break;
        }
        found.extend(scanner.detect(&Fragment { text, path: name, commit: "", start_line: lines + 1 }, workspace));
        lines += text.iter().filter(|b| **b == b'\n').count();
    }
    found
}
