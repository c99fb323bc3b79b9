//! The user's cache directory: what one scan remembers for the next. Nothing in it is needed, so whatever is odd about a
//! file makes it count as absent.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::files;

/// Our folder below the user's cache directory; none where there is no such directory.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("testudo"))
}

/// The bytes of a file: none where it is no plain file, larger than `limit`, or somebody else could have written it.
pub(crate) fn read(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let plain = fs::symlink_metadata(path).ok()?;
    if !plain.is_file() || plain.len() > limit || !is_private(&plain) {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(unix)]
fn is_private(file: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o022 == 0
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

/// Writes a file for the owner only, and the folder around it, where no file is yet. Says whether it did.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<bool> {
    make_folder_of(path)?;
    // Whole or not at all, and the first of several wins: a link cannot take the place of what is there.
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    files::write_private(&temporary, bytes)?;
    let made = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        made => Ok(made.map(|()| true)?),
    }
}

/// Writes a file for the owner only, and the folder around it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    make_folder_of(path)?;
    files::write_private(path, bytes)
}

fn make_folder_of(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder)?;
    }
    Ok(())
}
