//! Plain files only: bounded reads, and writes that are whole or not at all.
//!
//! The tree that is scanned may be hostile, so nothing here goes through a symbolic link.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::PolicyError;

/// The text of a plain file of at most `limit` bytes; none where there is no file.
pub(crate) fn read_plain(path: &Path, limit: u64) -> Result<Option<String>, PolicyError> {
    let read = |source| PolicyError::Read { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(read(e)),
        Ok(meta) if !meta.is_file() => return Err(PolicyError::NotPlain { path: path.to_owned(), expected: "file" }),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(read)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > limit {
        return Err(PolicyError::TooLarge { path: path.to_owned(), limit });
    }
    // A damaged character costs its line, not the file: the parser says which line.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes `text` to a temporary file beside `path` (mode 0644) and renames it over `path`.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), PolicyError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_file() => return Err(PolicyError::NotPlain { path: path.to_owned(), expected: "file" }),
        _ => {}
    }
    let temporary = temporary_path(path);
    let outcome = write_new(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    outcome.map_err(|source| {
        // The first error is the one to tell; a file left behind is only untidy.
        drop(fs::remove_file(&temporary));
        PolicyError::Write { path: path.to_owned(), source }
    })
}

/// A hidden name in the same folder, so that the rename stays on one file system.
fn temporary_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // `create_new` refuses whatever stands there, a symbolic link too.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_planted_at_the_temporary_name_is_not_written_through() {
        let dir = std::env::temp_dir().join(format!("testudo-atomic-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (path, victim) = (dir.join("file"), dir.join("victim"));
        fs::write(&victim, "untouched").unwrap();
        std::os::unix::fs::symlink(&victim, temporary_path(&path)).unwrap();
        assert!(matches!(replace(&path, "text"), Err(PolicyError::Write { .. })));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        replace(&path, "text").unwrap();
        assert_eq!(read_plain(&path, 4).unwrap().as_deref(), Some("text"));
        assert!(matches!(read_plain(&path, 3), Err(PolicyError::TooLarge { .. })));
        fs::remove_dir_all(&dir).unwrap();
    }
}
