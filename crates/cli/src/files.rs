//! Writing files that may name secrets: for the owner only, whole or not at all, never through a link.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};

/// Writes a file with mode 0600 through a temporary file beside it.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().context("a file name is needed")?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let result = create(&temporary).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        drop(fs::remove_file(&temporary));
    }
    result.with_context(|| format!("{}: cannot be written", path.display()))
}

fn create(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
