//! Files: what was accepted of them, what they are now, and what differs.

pub(crate) mod baseline;
pub(crate) mod releases;
pub(crate) mod state;
pub(crate) mod walk;
pub(crate) mod watch;

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

pub use self::state::Effort;
use self::{
    baseline::{Baseline, Head, Writer},
    state::{Kind, State, order},
    walk::Scope,
};
use crate::{AgentError, machine};

/// How a path differs from what was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was not there.
    Created,
    /// It is not there any more.
    Deleted,
    /// It is there, and differs.
    Modified,
    /// It was there under another name.
    Renamed,
    /// It is something else now: a link where a file was.
    TypeChanged,
}

/// A path that is not as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
    /// What differs, sorted; empty for what was created or deleted.
    pub attributes: Vec<&'static str>,
    /// The name that it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip)]
    pub(crate) old: Option<State>,
    #[serde(skip)]
    pub(crate) new: Option<State>,
}

/// What a check gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Paths that were looked at.
    pub scanned: u64,
    /// Those that differ, in the order of their paths.
    pub changes: Vec<Change>,
    /// Folders that could not be read, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// A path as text: bytes that are no UTF-8, and `%`, as `%` and two hexadecimal digits.
pub(crate) fn text(path: &Path) -> String {
    let mut out = String::new();
    for piece in path.as_os_str().as_bytes().utf8_chunks() {
        out.push_str(&piece.valid().replace('%', "%25"));
        for byte in piece.invalid() {
            // Writing into a text does not fail.
            write!(out, "%{byte:02x}").unwrap_or_default();
        }
    }
    out
}

/// The path of a text.
pub(crate) fn path_of(text: &str) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = &behind[2..];
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// Nanoseconds since 1970.
pub(crate) fn nanoseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Accepts trees as they are now. Says how many paths there are, and which folders could not be read.
///
/// # Errors
/// A tree is not there, or the baseline cannot be written.
pub fn init(db: &Path, trees: &[PathBuf], exclude: &[PathBuf]) -> Result<Checked, AgentError> {
    let mut whole = Vec::new();
    for tree in trees {
        // Paths in a baseline mean the same wherever it is checked from.
        let read = |source| AgentError::Read { path: tree.clone(), source };
        std::fs::symlink_metadata(tree).map_err(read)?;
        whole.push(std::path::absolute(tree).map_err(read)?);
    }
    begin(db, &whole, exclude)
}

/// The same of trees with whole paths, of which some may not be there yet.
pub(crate) fn begin(db: &Path, trees: &[PathBuf], exclude: &[PathBuf]) -> Result<Checked, AgentError> {
    let db = std::path::absolute(db).map_err(|source| AgentError::Write { path: db.to_owned(), source })?;
    let mut exclude = exclude.to_vec();
    exclude.push(db.clone());
    let scope = Scope::new(trees, &exclude);
    let mut writer = Writer::begin(&db, &Head::new(machine::now(), scope.trees(), &exclude))?;
    let mut checked = Checked::default();
    let mut failure = None;
    let mut unread = Vec::new();
    let temporary = db.with_file_name(format!(".{}.new", db.file_name().unwrap_or_default().to_string_lossy()));
    scope.walk(
        &mut |path| {
            if path == temporary || failure.is_some() {
                return;
            }
            // What went away in between is not there.
            if let Ok(state) = State::of(path, None, Effort::Everything, nanoseconds()) {
                checked.scanned += 1;
                failure = writer.add(path, state).err();
            }
        },
        &mut |path, error| unread.push(format!("{}: {error}", path.display())),
    );
    match failure {
        Some(failure) => Err(failure),
        None => {
            writer.end()?;
            checked.unread = unread;
            Ok(checked)
        }
    }
}

/// Holds trees against their baseline, which stays as it is.
///
/// # Errors
/// The baseline cannot be read.
pub fn check(db: &Path, effort: Effort) -> Result<Checked, AgentError> {
    let baseline = Baseline::open(db)?;
    let mut checked = Checked::default();
    let mut changes = Vec::new();
    compare((&baseline, &baseline.scope()), effort, &mut checked, &mut |change| changes.push(change))?;
    checked.changes = renamed(changes);
    Ok(checked)
}

/// Accepts what differs: all of it, or what is at or below some paths.
///
/// # Errors
/// The baseline cannot be read or written.
pub fn accept(db: &Path, paths: &[PathBuf]) -> Result<Vec<Change>, AgentError> {
    let baseline = Baseline::open(db)?;
    let mut paths = paths.to_vec();
    for path in &mut paths {
        *path = std::path::absolute(&*path).map_err(|source| AgentError::Read { path: path.clone(), source })?;
    }
    let (mut checked, mut changes) = (Checked::default(), BTreeMap::new());
    let is_meant = |path: &Path| paths.is_empty() || paths.iter().any(|own| path.starts_with(own));
    compare((&baseline, &baseline.scope()), Effort::Changed, &mut checked, &mut |change| {
        let path = path_of(&change.path);
        if is_meant(&path) {
            changes.insert(order(&path).collect::<Vec<u8>>(), (path, change));
        }
    })?;
    let head = Head { made: machine::now(), ..baseline.head.clone() };
    let mut writer = Writer::begin(db, &head)?;
    let mut new = changes.values().peekable();
    for number in 0..baseline.len() {
        let (path, state) = baseline.entry(number)?;
        while let Some((_, change)) = new.next_if(|(other, _)| order(other).cmp(order(&path)) == Ordering::Less) {
            put(&mut writer, change)?;
        }
        match new.next_if(|(other, _)| *other == path) {
            Some((_, change)) => put(&mut writer, change)?,
            None => writer.add(&path, state)?,
        }
    }
    for (_, change) in new {
        put(&mut writer, change)?;
    }
    writer.end()?;
    Ok(renamed(changes.into_values().map(|(_, change)| change).collect()))
}

fn put(writer: &mut Writer, change: &Change) -> Result<(), AgentError> {
    match &change.new {
        Some(state) => writer.add(&path_of(&change.path), state.clone()),
        None => Ok(()),
    }
}

/// Walks trees and the baseline side by side; both are in the same order.
pub(crate) fn compare(
    (baseline, scope): (&Baseline, &Scope),
    effort: Effort,
    checked: &mut Checked,
    each: &mut dyn FnMut(Change),
) -> Result<(), AgentError> {
    let (mut at, mut failure, mut unread) = (0, None, Vec::new());
    let mut step = |path: &Path, each: &mut dyn FnMut(Change)| -> Result<(), AgentError> {
        while at < baseline.len() {
            let (known, old) = baseline.entry(at)?;
            match order(&known).cmp(order(path)) {
                Ordering::Less => each(Change::between(&known, Some(old), None).expect("it is gone")),
                Ordering::Equal => {
                    at += 1;
                    let new = State::of(path, Some(&old), effort, nanoseconds()).ok();
                    Change::between(path, Some(old), new).into_iter().for_each(each);
                    return Ok(());
                }
                Ordering::Greater => break,
            }
            at += 1;
        }
        if let Ok(new) = State::of(path, None, effort, nanoseconds()) {
            Change::between(path, None, Some(new)).into_iter().for_each(each);
        }
        Ok(())
    };
    scope.walk(
        &mut |path| {
            checked.scanned += 1;
            if failure.is_none() {
                failure = step(path, each).err();
            }
        },
        &mut |path, error| unread.push(format!("{}: {error}", path.display())),
    );
    if let Some(failure) = failure {
        return Err(failure);
    }
    for number in at..baseline.len() {
        let (known, old) = baseline.entry(number)?;
        Change::between(&known, Some(old), None).into_iter().for_each(&mut *each);
    }
    checked.unread = unread;
    Ok(())
}

/// What differs where somebody wrote a file anew, and nothing else.
const WRITTEN: &[&str] = &["content", "inode", "mtime", "size", "target"];

impl Change {
    /// Whether nothing but content differs: no rights, no owner, no attribute, no type.
    pub(crate) fn is_of_content(&self) -> bool {
        self.kind != ChangeKind::TypeChanged && self.attributes.iter().all(|name| WRITTEN.contains(name))
    }

    /// How a path differs; none where it does not.
    pub(crate) fn between(path: &Path, old: Option<State>, new: Option<State>) -> Option<Self> {
        let (kind, attributes) = match (&old, &new) {
            (None, None) => return None,
            (None, Some(_)) => (ChangeKind::Created, Vec::new()),
            (Some(_), None) => (ChangeKind::Deleted, Vec::new()),
            (Some(old), Some(new)) => {
                let attributes = old.differences(new);
                if attributes.is_empty() {
                    return None;
                }
                (if old.kind == new.kind { ChangeKind::Modified } else { ChangeKind::TypeChanged }, attributes)
            }
        };
        Some(Self { path: text(path), kind, attributes, from: None, old, new })
    }
}

/// Joins what went away and what came with the same inode and content.
pub(crate) fn renamed(changes: Vec<Change>) -> Vec<Change> {
    type Key = (u64, u64, bool, Option<String>, Option<String>);
    let key = |state: &State| -> Key {
        (state.dev, state.ino, state.kind == Kind::Folder, state.sha256.clone(), state.target.clone())
    };
    let mut gone: BTreeMap<Key, usize> = BTreeMap::new();
    for (number, change) in changes.iter().enumerate() {
        if let (ChangeKind::Deleted, Some(old)) = (change.kind, &change.old) {
            gone.insert(key(old), number);
        }
    }
    let mut joined = vec![None; changes.len()];
    for (number, change) in changes.iter().enumerate() {
        if let (ChangeKind::Created, Some(new)) = (change.kind, &change.new)
            && let Some(from) = gone.remove(&key(new))
        {
            joined[number] = Some(from);
        }
    }
    let taken: Vec<usize> = joined.iter().flatten().copied().collect();
    let mut out = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        if taken.contains(&number) {
            continue;
        }
        out.push(match joined[number].map(|from| &changes[from]) {
            Some(before) => {
                let attributes = match (&before.old, &change.new) {
                    (Some(old), Some(new)) => old.differences(new),
                    _ => Vec::new(),
                };
                let (kind, from, old) = (ChangeKind::Renamed, Some(before.path.clone()), before.old.clone());
                Change { kind, attributes, from, old, ..change.clone() }
            }
            None => change.clone(),
        });
    }
    out
}
