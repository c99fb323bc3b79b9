//! One process works on the releases of an environment. The system takes its lock back when it ends, however it ends.
//!
//! `<folder>/<environment>.lock` is held by that process, `<environment>~command.lock` by the guard of the command that runs:
//! a command that outlives its process by a moment keeps the next one waiting.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::ReleaseError;

const PAUSE: Duration = Duration::from_millis(10);
/// Largest request that is read, in bytes.
const MAX_REQUEST: u64 = 1 << 16;

/// Somebody's wish that a release stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The release that is meant.
    pub release: String,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// The right to work on the releases of an environment.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    environment: String,
    _held: File,
}

impl Lock {
    /// Takes the lock, and waits at most `patience` for a command that still runs.
    ///
    /// # Errors
    /// Somebody else has it, or its file cannot be made.
    pub fn take(folder: &Path, environment: &str, patience: Duration) -> Result<Self, ReleaseError> {
        prepare(folder)?;
        let held = || ReleaseError::Held { environment: environment.to_owned() };
        let file = open(&folder.join(format!("{environment}.lock")))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held()),
            Err(TryLockError::Error(source)) => return Err(ReleaseError::File { path: folder.to_owned(), source }),
        }
        let lock = Self { folder: folder.to_owned(), environment: environment.to_owned(), _held: file };
        let command = open(&lock.command_path())?;
        let begun = Instant::now();
        while let Err(error) = command.try_lock() {
            match error {
                TryLockError::WouldBlock if begun.elapsed() < patience => thread::sleep(PAUSE),
                TryLockError::WouldBlock => return Err(held()),
                TryLockError::Error(source) => return Err(ReleaseError::File { path: lock.command_path(), source }),
            }
        }
        #[cfg(unix)]
        if !crate::guard::end_left(&lock.command_path()) {
            return Err(held());
        }
        Ok(lock)
    }

    /// Whether a process has the lock now.
    #[must_use]
    pub fn is_held(folder: &Path, environment: &str) -> bool {
        let file = File::open(folder.join(format!("{environment}.lock")));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The file that the guard of a command locks.
    #[must_use]
    pub fn command_path(&self) -> PathBuf {
        self.folder.join(format!("{}~command.lock", self.environment))
    }

    /// What somebody asked of the release with this name.
    #[must_use]
    pub fn request(&self, release: &str) -> Option<Request> {
        let mut text = Vec::new();
        let file = File::open(request_path(&self.folder, &self.environment)).ok()?;
        file.take(MAX_REQUEST).read_to_end(&mut text).ok()?;
        serde_json::from_slice::<Request>(&text).ok().filter(|request| request.release == release)
    }

    /// Forgets what was asked.
    pub fn answered(&self) {
        drop(fs::remove_file(request_path(&self.folder, &self.environment)));
    }
}

impl Request {
    /// Leaves the wish for the process that has the lock.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn leave(&self, folder: &Path, environment: &str) -> Result<(), ReleaseError> {
        prepare(folder)?;
        let path = request_path(folder, environment);
        let temporary = folder.join(format!("{environment}~abort.{}", std::process::id()));
        let text = serde_json::to_vec(self).expect("the shape has nothing that JSON cannot hold");
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(&text)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| ReleaseError::File { path: path.clone(), source })
    }
}

fn request_path(folder: &Path, environment: &str) -> PathBuf {
    folder.join(format!("{environment}~abort"))
}

fn open(path: &Path) -> Result<File, ReleaseError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|source| ReleaseError::File { path: path.to_owned(), source })
}

/// Makes the folder. What is in it is of this machine only, and no part of the project.
fn prepare(folder: &Path) -> Result<(), ReleaseError> {
    let make = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for ignore in [".gitignore", ".testudoignore"].map(|name| folder.join(name)) {
            if !ignore.exists() {
                fs::write(&ignore, "*\n")?;
            }
        }
        Ok(())
    };
    make().map_err(|source| ReleaseError::File { path: folder.to_owned(), source })
}
