//! Which paths changed just now, by inotify. A folder is watched first and then looked at, so nothing in a new one is
//! missed. Where the queue of the system runs over, or no more folders can be watched, that is told, and all is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};

use super::walk::Scope;
use crate::AgentError;

/// Changed paths that are kept; with more, all is looked at.
const MAX_PATHS: usize = 50_000;

/// Watches folders.
#[derive(Debug)]
pub(crate) struct Watch {
    queue: OwnedFd,
    scope: Scope,
    folders: BTreeMap<i32, PathBuf>,
    pending: Pending,
    /// Folders that could not be watched, and why.
    pub(crate) unwatched: Option<String>,
}

/// What has to be looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) paths: BTreeSet<PathBuf>,
    /// Folders that came or went with all that is in them.
    pub(crate) trees: BTreeSet<PathBuf>,
    /// Whether the system lost events, so that all has to be looked at.
    pub(crate) is_all: bool,
}

impl Watch {
    /// Watches every folder of the scope.
    pub(crate) fn new(scope: Scope) -> Result<Self, AgentError> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)
            .map_err(|error| AgentError::System { what: "inotify", source: error.into() })?;
        let mut watch = Self {
            queue,
            scope: scope.clone(),
            folders: BTreeMap::new(),
            pending: Pending::default(),
            unwatched: None,
        };
        for tree in scope.trees() {
            watch.add(tree);
            // A tree that is one file is watched from its folder, as editors put a new file in its place.
            if !tree.is_dir()
                && let Some(folder) = tree.parent()
            {
                watch.add_one(folder);
            }
        }
        watch.pending = Pending::default();
        Ok(watch)
    }

    /// Watches a folder and those in it. What is in it has to be looked at.
    fn add(&mut self, path: &Path) {
        if self.add_one(path) {
            let scope = self.scope.clone();
            let mut folders = Vec::new();
            scope.walk_from(path, &mut |below| {
                if below != path {
                    if below.is_dir() && !below.is_symlink() {
                        folders.push(below.to_owned());
                    }
                    self.pending.paths.insert(below.to_owned());
                }
            });
            for folder in folders {
                self.add_one(&folder);
                // What came into it before it was watched.
                for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                    self.pending.paths.insert(entry.path());
                }
            }
        }
    }

    fn add_one(&mut self, path: &Path) -> bool {
        let flags = WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        match inotify::add_watch(&self.queue, path, flags) {
            Ok(number) => {
                self.folders.insert(number, path.to_owned());
                true
            }
            // It went away, or is no folder: then there is nothing to watch.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => false,
            Err(error) => {
                let why = if error == Errno::NOSPC {
                    "fs.inotify.max_user_watches is too low".into()
                } else {
                    error.to_string()
                };
                self.unwatched = Some(format!("{}: {why}", path.display()));
                false
            }
        }
    }

    /// Watches nothing below a folder any more.
    fn remove(&mut self, path: &Path) {
        let gone: Vec<i32> =
            self.folders.iter().filter(|(_, own)| own.starts_with(path)).map(|(number, _)| *number).collect();
        for number in gone {
            self.folders.remove(&number);
            // The system forgets folders that are gone by itself.
            inotify::remove_watch(&self.queue, number).unwrap_or_default();
        }
    }

    /// Takes what happened since; gives what has to be looked at.
    pub(crate) fn take(&mut self) -> Result<Pending, AgentError> {
        let told = |error: Errno| AgentError::System { what: "inotify", source: error.into() };
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let queue = self.queue.try_clone().map_err(|source| AgentError::System { what: "inotify", source })?;
        let mut reader = Reader::new(&queue, &mut buffer);
        loop {
            let (number, flags, name) = match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
                    (event.wd(), event.events(), name)
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(told(error)),
            };
            self.event(number, flags, name.as_deref());
        }
        if self.pending.paths.len() > MAX_PATHS {
            self.pending.is_all = true;
        }
        Ok(std::mem::take(&mut self.pending))
    }

    fn event(&mut self, number: i32, flags: ReadFlags, name: Option<&OsStr>) {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.pending.is_all = true;
            return;
        }
        if flags.contains(ReadFlags::IGNORED) {
            // A tree that went away may come back, and nobody would hear of it.
            if let Some(tree) = self.folders.remove(&number).filter(|path| self.scope.trees().contains(path)) {
                self.unwatched = Some(format!("{}: it went away", tree.display()));
            }
            return;
        }
        let Some(folder) = self.folders.get(&number) else { return };
        let path = name.map_or_else(|| folder.clone(), |name| folder.join(name));
        if !self.scope.has(&path) {
            return;
        }
        if flags.contains(ReadFlags::ISDIR) && name.is_some() {
            if flags.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
                self.remove(&path);
                self.pending.trees.insert(path.clone());
            }
            if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                self.add(&path);
                self.pending.trees.insert(path.clone());
            }
        }
        self.pending.paths.insert(path);
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
