//! Where a repository's files are, and what its references point at.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{GitError, Objects, Oid, ReadLimits};

/// A named pointer to an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Full name, such as `refs/heads/main`, or `HEAD`.
    pub name: String,
    /// What it points at.
    pub target: Oid,
}

/// An open repository.
#[derive(Debug)]
pub struct Repository {
    /// Directory of this work tree's own files (`HEAD`, `index`).
    git_dir: PathBuf,
    /// Directory of the shared files (`objects`, `refs`).
    common_dir: PathBuf,
    work_tree: Option<PathBuf>,
    objects: Objects,
    shallow: Vec<Oid>,
}

/// How many symbolic references may point at each other.
const MAX_SYMBOLIC: usize = 8;

impl Repository {
    /// Opens the repository that holds `path`, looking upward.
    ///
    /// # Errors
    /// There is none, or it uses a form of storage that is not read.
    pub fn discover(path: &Path, limits: ReadLimits) -> Result<Self, GitError> {
        let start = fs::canonicalize(path).map_err(GitError::io(path))?;
        for dir in start.ancestors() {
            let dot_git = dir.join(".git");
            if let Some(git_dir) = resolve_dot_git(&dot_git) {
                return Self::open(git_dir, Some(dir.to_owned()), limits);
            }
            if is_git_dir(dir) {
                return Self::open(dir.to_owned(), None, limits);
            }
        }
        Err(GitError::NotARepository { path: path.to_owned() })
    }

    fn open(git_dir: PathBuf, work_tree: Option<PathBuf>, limits: ReadLimits) -> Result<Self, GitError> {
        let common_dir = match fs::read_to_string(git_dir.join("commondir")) {
            Ok(text) => git_dir.join(text.trim()),
            Err(_) => git_dir.clone(),
        };
        let config_path = common_dir.join("config");
        let config = fs::read_to_string(&config_path).unwrap_or_default();
        if config_value(&config, "extensions", "refstorage").is_some_and(|v| v.eq_ignore_ascii_case("reftable")) {
            return Err(GitError::Unsupported {
                path: config_path,
                what: "the reftable format of references".to_owned(),
            });
        }
        let sha256 =
            config_value(&config, "extensions", "objectformat").is_some_and(|v| v.eq_ignore_ascii_case("sha256"));
        let objects = Objects::open(&common_dir.join("objects"), if sha256 { 32 } else { 20 }, limits)?;
        let shallow = fs::read_to_string(common_dir.join("shallow")).unwrap_or_default();
        let shallow = shallow.lines().filter_map(|l| Oid::from_hex(l.trim().as_bytes())).collect();
        Ok(Self { git_dir, common_dir, work_tree, objects, shallow })
    }

    /// The object store.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Root of the work tree; none for a bare repository.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Directory of this work tree's own files.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Directory of the files that all work trees share.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The index that git means. `named` is what the environment variable `GIT_INDEX_FILE` holds: `git commit -a` and
    /// `git commit FILE` make an index of their own and name it to their hooks. A relative name counts from the top of
    /// the work tree, where git runs them; an empty one names nothing.
    #[must_use]
    pub fn index_path(&self, named: Option<&OsStr>) -> PathBuf {
        let top = self.work_tree.as_deref().unwrap_or(&self.git_dir);
        match named.filter(|name| !name.is_empty()) {
            Some(name) => top.join(name),
            None => self.git_dir.join("index"),
        }
    }

    /// Commits whose parents were left out when cloning.
    #[must_use]
    pub fn shallow(&self) -> &[Oid] {
        &self.shallow
    }

    /// What `HEAD` points at; none before the first commit.
    #[must_use]
    pub fn head(&self) -> Option<Oid> {
        self.resolve("HEAD")
    }

    /// What a full reference name points at.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<Oid> {
        let packed = self.packed_refs();
        let mut name = name.to_owned();
        for _ in 0..MAX_SYMBOLIC {
            let text = read_ref_file(&self.git_dir, &name).or_else(|| read_ref_file(&self.common_dir, &name));
            match text {
                Some(text) => match text.strip_prefix("ref:") {
                    Some(next) => next.trim().clone_into(&mut name),
                    None => return Oid::from_hex(text.trim().as_bytes()),
                },
                None => return packed.get(&name).copied(),
            }
        }
        None
    }

    /// Every reference, `HEAD` and the other roots included, sorted by name.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut all = self.packed_refs();
        for base in [&self.common_dir, &self.git_dir] {
            loose_refs(&base.join("refs"), "refs", &mut all, 0);
        }
        for root in ["HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD"] {
            if let Some(target) = self.resolve(root) {
                all.insert(root.to_owned(), target);
            }
        }
        all.into_iter()
            .filter(|(_, target)| !target.is_zero())
            .map(|(name, target)| Reference { name, target })
            .collect()
    }

    /// Every object that a reflog names, sorted: what was once at a branch, and stashes.
    #[must_use]
    pub fn reflog_targets(&self) -> Vec<Oid> {
        let mut found = Vec::new();
        for base in [&self.common_dir, &self.git_dir] {
            reflogs(&base.join("logs"), &mut found, 0);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn packed_refs(&self) -> BTreeMap<String, Oid> {
        let text = fs::read(self.common_dir.join("packed-refs")).unwrap_or_default();
        let lines = text.split(|b| *b == b'\n').filter(|l| !l.starts_with(b"#") && !l.starts_with(b"^"));
        lines
            .filter_map(|line| {
                let space = line.iter().position(|b| *b == b' ')?;
                let name = String::from_utf8_lossy(&line[space + 1..]).trim().to_owned();
                Some((name, Oid::from_hex(&line[..space])?))
            })
            .collect()
    }
}

/// The git directory that a `.git` entry stands for: itself, or what a `gitdir:` file names.
fn resolve_dot_git(dot_git: &Path) -> Option<PathBuf> {
    if is_git_dir(dot_git) {
        return Some(dot_git.to_owned());
    }
    let text = fs::read_to_string(dot_git).ok()?;
    let target = text.strip_prefix("gitdir:")?.trim();
    let dir = dot_git.parent()?.join(target);
    is_git_dir(&dir).then_some(dir)
}

fn is_git_dir(dir: &Path) -> bool {
    dir.join("HEAD").is_file() && (dir.join("objects").is_dir() || dir.join("commondir").is_file())
}

fn read_ref_file(base: &Path, name: &str) -> Option<String> {
    // A reference name never leaves the directory, whatever a hostile packed file says.
    let safe = !name.split('/').any(|part| part == ".." || part.is_empty()) && !name.contains('\\');
    safe.then(|| fs::read_to_string(base.join(name)).ok()).flatten()
}

const MAX_REF_DEPTH: usize = 32;

fn loose_refs(dir: &Path, prefix: &str, all: &mut BTreeMap<String, Oid>, depth: usize) {
    for entry in sorted_entries(dir) {
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < MAX_REF_DEPTH => loose_refs(&entry.path(), &name, all, depth + 1),
            Ok(kind) if kind.is_file() => {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                if let Some(target) = Oid::from_hex(text.trim().as_bytes()) {
                    all.insert(name, target);
                }
            }
            _ => {}
        }
    }
}

fn reflogs(dir: &Path, found: &mut Vec<Oid>, depth: usize) {
    for entry in sorted_entries(dir) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < MAX_REF_DEPTH => reflogs(&entry.path(), found, depth + 1),
            Ok(kind) if kind.is_file() => {
                let text = fs::read(entry.path()).unwrap_or_default();
                let ids = text.split(|b| *b == b'\n').flat_map(|line| line.split(|b| *b == b' ').take(2));
                found.extend(ids.filter_map(Oid::from_hex).filter(|o| !o.is_zero()));
            }
            _ => {}
        }
    }
}

fn sorted_entries(dir: &Path) -> Vec<fs::DirEntry> {
    let mut entries: Vec<_> = fs::read_dir(dir).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    entries
}

/// A value of git's configuration language, enough for the two keys that are read: `[section]` and `key = value`.
fn config_value<'a>(config: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let mut inside = false;
    let mut found = None;
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            inside = name.trim_end_matches(']').trim().eq_ignore_ascii_case(section);
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
        {
            found = Some(value.trim());
        }
    }
    found
}
