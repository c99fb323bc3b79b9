//! `gitleaks dir`: the files that gitleaks would read, under the names that it gives them.

use std::{
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use testudo_secrets::gitleaks::{ArchiveName, CompatFinding};

use super::{Front, arguments::Links, content::Contents, ignored::joined};

/// How many links may lead to a file.
const MAX_LINKS: usize = 255;

/// A file to scan, and the link that led to it.
struct Target {
    path: PathBuf,
    /// As it is reported.
    name: String,
    symlink: String,
}

/// Scans a directory or a file.
pub(super) fn scan(front: &Front, source: &Path, links: Links) -> Result<()> {
    // A link is looked at as a link, also where it is what was named.
    let metadata = fs::symlink_metadata(source).with_context(|| source.display().to_string())?;
    let mut walk = Walk { front, links, targets: Vec::new() };
    if metadata.is_dir() {
        if !front.scanner.skips_path(&source.to_string_lossy()) {
            walk.folder(source, 0);
        }
    } else {
        walk.file(source, source.to_string_lossy().into_owned(), &metadata);
    }
    let (targets, next) = (walk.targets, AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..front.threads()).map(|_| scope.spawn(|| work(front, &targets, &next))).collect();
        for handle in handles {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    Ok(())
}

/// Deepest folder that is walked into.
const MAX_DEPTH: usize = 512;

struct Walk<'a> {
    front: &'a Front,
    links: Links,
    targets: Vec<Target>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let unread =
            |path: &Path, why: io::Error| self.front.log.warn(&format!("{}: not scanned: {why}", path.display()));
        let listed = match fs::read_dir(folder) {
            Ok(listed) => listed,
            Err(error) => return unread(folder, error),
        };
        let mut entries: Vec<_> =
            listed.filter_map(|entry| entry.map_err(|error| unread(folder, error)).ok()).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = joined(folder, &entry.file_name().to_string_lossy());
            match entry.metadata() {
                Err(error) => self.front.log.warn(&format!("{name}: not scanned: {error}")),
                Ok(metadata) if !metadata.is_dir() => self.file(&path, name, &metadata),
                Ok(_) if self.front.scanner.skips_path(&name) => {}
                Ok(_) if depth < MAX_DEPTH => self.folder(&path, depth + 1),
                Ok(_) => {
                    self.front.log.warn(&format!("{name}: not scanned: folders are nested deeper than {MAX_DEPTH}"))
                }
            }
        }
    }

    /// `metadata` is that of the entry itself, not of what it may link to.
    fn file(&mut self, path: &Path, name: String, metadata: &fs::Metadata) {
        let most = u64::try_from(self.front.flags.max_target_megabytes).unwrap_or(0) * 1_000_000;
        if metadata.len() == 0 {
            return;
        }
        if most > 0 && metadata.len() > most {
            let (size, most) = (metadata.len() / 1_000_000, most / 1_000_000);
            return self.front.log.warn(&format!("{name}: not scanned: {size} MB, --max-target-megabytes is {most}"));
        }
        if self.front.scanner.skips_path(&name) {
            return;
        }
        if !metadata.is_symlink() {
            self.targets.push(Target { path: path.to_owned(), name, symlink: String::new() });
        } else if self.links == Links::Follow {
            match resolved(path) {
                Some(real) if real.is_file() => {
                    let real_name = joined(Path::new(""), &real.to_string_lossy());
                    self.targets.push(Target { path: real, name: real_name, symlink: name });
                }
                Some(_) => {}
                None => self.front.log.error(&format!("{name}: not scanned: the link leads nowhere")),
            }
        }
    }
}

/// Where a path really leads; relative, where it and the links on the way are.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut left: Vec<OsString> = path.components().rev().map(|c| c.as_os_str().to_owned()).collect();
    let (mut real, mut links) = (PathBuf::new(), 0);
    while let Some(part) = left.pop() {
        match Path::new(&part).components().next() {
            None | Some(Component::CurDir) => continue,
            Some(Component::ParentDir) if matches!(real.components().next_back(), Some(Component::Normal(_))) => {
                real.pop();
                continue;
            }
            _ => {}
        }
        let next = real.join(&part);
        if !fs::symlink_metadata(&next).ok()?.is_symlink() {
            real = next;
            continue;
        }
        links += 1;
        let target = fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS)?;
        if target.is_absolute() {
            real = PathBuf::new();
        }
        left.extend(target.components().rev().map(|c| c.as_os_str().to_owned()));
    }
    Some(real)
}

fn work(front: &Front, targets: &[Target], next: &AtomicUsize) {
    let mut contents = Contents::new(front);
    while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
        let Target { path, name, symlink } = target;
        let read = match ArchiveName::of(name) {
            Some(_) => fs::read(path).map(|bytes| contents.of_file(name, &bytes, "")),
            None => fs::File::open(path).and_then(|mut file| contents.of_stream(name, &mut file)),
        };
        if let Err(error) = read {
            front.log.warn(&format!("{name}: {error}"));
        }
        let found = contents.take();
        let linked = |finding| CompatFinding { symlink: symlink.clone(), ..finding };
        front.keep(found.into_iter().map(linked).collect());
    }
}
