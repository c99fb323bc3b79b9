//! What is known of one file, and in what two states of it differ.

use std::{
    collections::BTreeMap,
    ffi::{CStr, OsStr},
    fs::{self, File},
    io::{self, Read as _},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};

use rustix::fs::{Mode, OFlags, lgetxattr, llistxattr, open};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use testudo_model::hex;

/// Largest value of an extended attribute that is read, in bytes; that is all that Linux allows.
const MAX_XATTR: usize = 64 << 10;
const PIECE: usize = 64 << 10;
/// Capabilities of a program.
const CAPABILITY: &str = "security.capability";
/// A file that was changed so shortly before it was looked at can change again within the same tick of its clock.
const TICK: i64 = 2_000_000_000;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[serde(rename = "f")]
    File,
    #[serde(rename = "d")]
    Folder,
    #[serde(rename = "l")]
    Link,
    #[serde(rename = "o")]
    Other,
}

/// What is known of a file. Names are short, because there are many files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(rename = "k")]
    pub(crate) kind: Kind,
    /// Permissions, with set-user-id, set-group-id and sticky bits.
    #[serde(rename = "m")]
    pub(crate) mode: u32,
    #[serde(rename = "u")]
    pub(crate) owner: u32,
    #[serde(rename = "g")]
    pub(crate) group: u32,
    #[serde(rename = "s")]
    pub(crate) size: u64,
    /// Nanoseconds since 1970, as `ctime`.
    #[serde(rename = "t")]
    pub(crate) mtime: i64,
    #[serde(rename = "c")]
    pub(crate) ctime: i64,
    #[serde(rename = "v")]
    pub(crate) dev: u64,
    #[serde(rename = "i")]
    pub(crate) ino: u64,
    #[serde(rename = "n")]
    pub(crate) nlink: u64,
    /// SHA-256 of each extended attribute.
    #[serde(rename = "x", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) xattrs: BTreeMap<String, String>,
    /// Where a link leads.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// SHA-256 of the content of a file; none where it could not be read.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// Whether it was changed when it was looked at, so that times say nothing.
    #[serde(rename = "r", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_fresh: bool,
}

/// How much is read of a file whose times and size are as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Nothing: its content is taken to be as it was.
    Changed,
    /// All of it.
    Everything,
}

impl State {
    /// Looks at a path, never through a link. `before` spares reading what has not changed; `now` is in nanoseconds.
    pub(crate) fn of(path: &Path, before: Option<&Self>, effort: Effort, now: i64) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        let kind = if found.file_type().is_file() {
            Kind::File
        } else if found.file_type().is_dir() {
            Kind::Folder
        } else if found.file_type().is_symlink() {
            Kind::Link
        } else {
            Kind::Other
        };
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        let ctime = nanoseconds(found.ctime(), found.ctime_nsec());
        let mut state = Self {
            kind,
            mode: found.mode() & 0o7777,
            owner: found.uid(),
            group: found.gid(),
            size: found.size(),
            mtime: nanoseconds(found.mtime(), found.mtime_nsec()),
            ctime,
            dev: found.dev(),
            ino: found.ino(),
            nlink: found.nlink(),
            xattrs: BTreeMap::new(),
            target: None,
            sha256: None,
            is_fresh: ctime > now - TICK,
        };
        if let Some(before) = before.filter(|before| effort == Effort::Changed && state.is_untouched(before)) {
            state.xattrs.clone_from(&before.xattrs);
            state.target.clone_from(&before.target);
            state.sha256.clone_from(&before.sha256);
            return Ok(state);
        }
        state.xattrs = xattrs(path);
        match kind {
            Kind::Link => state.target = fs::read_link(path).ok().map(|to| super::text(&to)),
            Kind::File => state.sha256 = digest(path).ok(),
            Kind::Folder | Kind::Other => {}
        }
        Ok(state)
    }

    /// Whether nothing happened to the file, by its times.
    fn is_untouched(&self, before: &Self) -> bool {
        let key = |state: &Self| (state.kind, state.dev, state.ino, state.size, state.mtime, state.ctime, state.mode);
        !before.is_fresh && key(self) == key(before)
    }

    /// The names of what differs, sorted. Nothing of a folder that follows from what is in it.
    pub(crate) fn differences(&self, new: &Self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut add = |differs: bool, name| {
            if differs {
                names.push(name);
            }
        };
        let content = self.sha256 != new.sha256;
        let capability = |state: &Self| state.xattrs.get(CAPABILITY).cloned();
        let others = |state: &Self| {
            let mut all = state.xattrs.clone();
            all.remove(CAPABILITY);
            all
        };
        let is_file = new.kind == Kind::File && self.kind == Kind::File;
        add(capability(self) != capability(new), "capability");
        add(content, "content");
        add(self.group != new.group, "group");
        add((self.dev, self.ino) != (new.dev, new.ino), "inode");
        add(self.mode != new.mode && new.kind != Kind::Link, "mode");
        add(self.mtime != new.mtime && is_file && !content, "mtime");
        add(self.nlink != new.nlink && is_file, "nlink");
        add(self.owner != new.owner, "owner");
        add(self.size != new.size && is_file, "size");
        add(self.target != new.target, "target");
        add(self.kind != new.kind, "type");
        add(others(self) != others(new), "xattr");
        names
    }

    /// A short name of this state, to know it again.
    pub(crate) fn fingerprint(&self) -> String {
        let mut plain = self.clone();
        (plain.ctime, plain.is_fresh) = (0, false);
        if plain.kind == Kind::Folder {
            (plain.mtime, plain.size, plain.nlink) = (0, 0, 0);
        }
        let text = serde_json::to_vec(&plain).expect("texts and numbers can be written as JSON");
        hex(&Sha256::digest(text)[..8])
    }
}

fn xattrs(path: &Path) -> BTreeMap<String, String> {
    let mut names = vec![0; MAX_XATTR];
    // File systems without extended attributes have none.
    let Ok(length) = llistxattr(path, names.as_mut_slice()) else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    for name in names[..length].split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        let mut value = vec![0; MAX_XATTR];
        let digest = match lgetxattr(path, name, value.as_mut_slice()) {
            Ok(length) => hex(&Sha256::digest(&value[..length])),
            Err(error) => error.to_string(),
        };
        found.insert(name.to_string_lossy().into_owned(), digest);
    }
    found
}

/// SHA-256 of a plain file, which is never waited for and never a link.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(open(path, flags, Mode::empty())?);
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

/// Bytes of a path in the order in which trees are walked: what is in a folder comes right behind it.
pub(crate) fn order(path: &Path) -> impl Iterator<Item = u8> + '_ {
    let bytes: &OsStr = path.as_os_str();
    bytes.as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte })
}
