//! Finding the files below a directory: in parallel, by the ignore files, never through symbolic links.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Mutex,
};

use ignore::{DirEntry, WalkBuilder, WalkState, overrides::OverrideBuilder};
use testudo_model::{Location, Notice, NoticeCode};

use crate::tracked;

/// Whether `.gitignore` and its relatives are obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GitIgnore {
    /// Ignored files are left out.
    #[default]
    Obey,
    /// Ignored files are read like others.
    ReadAnyway,
}

/// Whether repositories inside of the repository are walked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Submodules {
    /// Like other directories.
    #[default]
    Enter,
    /// Not at all.
    LeaveOut,
}

/// What to walk over.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// Only paths that match one of these globs; all where empty.
    pub include: Vec<String>,
    /// Paths that match none of these globs.
    pub exclude: Vec<String>,
    /// Ignore files.
    pub git_ignore: GitIgnore,
    /// Submodules.
    pub submodules: Submodules,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// What `GIT_INDEX_FILE` holds; see [`crate::git::Repository::index_path`].
    pub index_file: Option<OsString>,
}

/// A glob that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{glob}` is not a usable glob: {why}")]
pub struct GlobError {
    /// The glob.
    pub glob: String,
    /// Why.
    pub why: String,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundFile {
    /// Where to read it.
    pub path: PathBuf,
    /// Size in bytes when it was listed.
    pub size: u64,
}

/// Name of our own ignore file, which has the syntax of `.gitignore`.
pub const IGNORE_FILE: &str = ".testudoignore";

/// Lists the files below `root`, sorted by path, with what could not be looked at.
///
/// # Errors
/// A glob is malformed.
pub fn files(root: &Path, options: &WalkOptions) -> Result<(Vec<FoundFile>, Vec<Notice>), GlobError> {
    let mut builder = WalkBuilder::new(root);
    let obey = options.git_ignore == GitIgnore::Obey;
    let enter = options.submodules == Submodules::Enter;
    builder
        .hidden(false)
        .follow_links(false)
        .parents(obey)
        .ignore(false)
        .git_ignore(obey)
        .git_exclude(obey)
        .git_global(false)
        .require_git(true)
        .threads(options.threads)
        .add_custom_ignore_filename(IGNORE_FILE)
        .overrides(overrides(root, options)?)
        .filter_entry(move |entry| !is_ours(entry) && (enter || !is_repository(entry)));
    let found = Mutex::new((Vec::new(), Vec::new()));
    let top = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    builder.build_parallel().run(|| {
        let mut batch = Batch { shared: &found, top: &top, files: Vec::new(), notices: Vec::new() };
        Box::new(move |entry| {
            batch.add(entry);
            WalkState::Continue
        })
    });
    let (mut files, mut notices) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if obey {
        tracked::add(root, options, &mut files)?;
    }
    files.sort_unstable();
    notices.sort_by(|a: &Notice, b: &Notice| a.location.cmp(&b.location));
    Ok((files, notices))
}

/// Whether an entry is what git keeps, or where scans are recorded: a scan that reads the record of the one before never says
/// the same twice.
fn is_ours(entry: &DirEntry) -> bool {
    let folder = || entry.path().parent().and_then(Path::file_name);
    entry.file_name() == ".git" || entry.file_name() == "ledger" && folder().is_some_and(|name| name == ".testudo")
}

/// Whether a directory below the target is a work tree of its own.
fn is_repository(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_type().is_some_and(|k| k.is_dir()) && entry.path().join(".git").exists()
}

pub(crate) fn overrides(root: &Path, options: &WalkOptions) -> Result<ignore::overrides::Override, GlobError> {
    let mut builder = OverrideBuilder::new(root);
    let bad = |glob: &str| {
        let glob = glob.to_owned();
        move |e: ignore::Error| GlobError { glob, why: e.to_string() }
    };
    for glob in &options.include {
        builder.add(glob).map_err(bad(glob))?;
    }
    for glob in &options.exclude {
        builder.add(&format!("!{glob}")).map_err(bad(glob))?;
    }
    builder.build().map_err(bad("--include and --exclude"))
}

/// What one thread of the walk found, handed over when it ends.
struct Batch<'a> {
    shared: &'a Mutex<(Vec<FoundFile>, Vec<Notice>)>,
    /// The target, without links.
    top: &'a Path,
    files: Vec<FoundFile>,
    notices: Vec<Notice>,
}

impl Batch<'_> {
    fn add(&mut self, entry: Result<DirEntry, ignore::Error>) {
        match entry {
            Ok(entry) => self.add_entry(&entry),
            Err(error) => self.notices.push(Notice::new(
                NoticeCode::Unreadable,
                Location::default(),
                format!("{error}; check the permissions, or leave it out with --exclude"),
            )),
        }
    }

    fn add_entry(&mut self, entry: &DirEntry) {
        let kind = entry.file_type();
        if kind.is_some_and(|k| k.is_file()) {
            let size = entry.metadata().map_or(0, |m| m.len());
            self.files.push(FoundFile { path: entry.path().to_owned(), size });
        } else if kind.is_some_and(|k| k.is_symlink()) {
            self.tell(NoticeCode::SymlinkNotFollowed, entry, self.about_link(entry.path()));
        } else if !kind.is_some_and(|k| k.is_dir()) {
            self.tell(NoticeCode::SpecialFile, entry, "a pipe, socket or device; it has no content to scan");
        }
    }

    fn tell(&mut self, code: NoticeCode, entry: &DirEntry, message: &str) {
        self.notices.push(Notice::new(code, Location::file(display(entry.path())), message));
    }

    /// What a reader must know about where a link leads.
    fn about_link(&self, path: &Path) -> &'static str {
        match path.canonicalize() {
            Ok(target) if target.starts_with(self.top) => {
                "symbolic link, not followed; its target is scanned where it lies in the tree"
            }
            Ok(_) => "symbolic link, not followed; its target lies outside of the target and is not scanned",
            Err(_) => "symbolic link that leads nowhere; there is nothing to scan",
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut shared = self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.0.append(&mut self.files);
        shared.1.append(&mut self.notices);
    }
}

/// A path as shown to people: `/`-separated, without a leading `./`.
#[must_use]
pub fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() };
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("testudo-walk-{}-{name}", std::process::id()));
        fs::create_dir_all(dir.join("sub/.hidden")).unwrap();
        fs::create_dir_all(dir.join(".git")).unwrap();
        for (file, text) in [
            ("a.txt", "a"),
            ("sub/b.txt", "b"),
            ("sub/.hidden/c", "c"),
            ("ignored.log", "d"),
            ("skip.me", "e"),
            (".git/config", "f"),
            (".gitignore", "*.log\n"),
            (".testudoignore", "skip.me\n"),
        ] {
            fs::write(dir.join(file), text).unwrap();
        }
        dir
    }

    fn names(root: &Path, options: &WalkOptions) -> Vec<String> {
        let (files, _) = files(root, options).unwrap();
        files.iter().map(|f| display(f.path.strip_prefix(root).unwrap())).collect()
    }

    #[test]
    fn obeys_ignore_files_and_globs() {
        let dir = scratch("globs");
        assert_eq!(
            names(&dir, &WalkOptions::default()),
            [".gitignore", ".testudoignore", "a.txt", "sub/.hidden/c", "sub/b.txt"]
        );
        let all = WalkOptions { git_ignore: GitIgnore::ReadAnyway, ..WalkOptions::default() };
        assert!(names(&dir, &all).contains(&"ignored.log".to_owned()));
        let only = WalkOptions {
            include: vec!["*.txt".to_owned()],
            exclude: vec!["sub/**".to_owned()],
            ..WalkOptions::default()
        };
        assert_eq!(names(&dir, &only), ["a.txt"]);
        let bad = WalkOptions { include: vec!["a[".to_owned()], ..WalkOptions::default() };
        assert!(files(&dir, &bad).unwrap_err().to_string().contains("a["));
        fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_say_where_they_lead() {
        let dir = scratch("targets");
        for (link, target) in [("in", "a.txt"), ("out", "/"), ("nowhere", "gone")] {
            std::os::unix::fs::symlink(target, dir.join(link)).unwrap();
        }
        let (_, notices) = files(&dir, &WalkOptions::default()).unwrap();
        let says: Vec<bool> = ["scanned where it lies", "leads nowhere", "lies outside"]
            .iter()
            .zip(&notices)
            .map(|(part, notice)| notice.message.contains(part))
            .collect();
        assert_eq!(says, [true; 3], "{notices:?}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_told_and_not_followed() {
        let dir = scratch("links");
        std::os::unix::fs::symlink("..", dir.join("loop")).unwrap();
        let (found, notices) = files(&dir, &WalkOptions::default()).unwrap();
        assert_eq!((found.len(), notices.len()), (5, 1));
        assert_eq!(notices[0].code, NoticeCode::SymlinkNotFollowed);
        fs::remove_dir_all(dir).unwrap();
    }
}
