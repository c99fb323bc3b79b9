//! Writing files whole or not at all, never through a link.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};

/// Who may do what with a file: the bits of its mode, where the system has such bits.
const PRIVATE: u32 = 0o600;
const SHARED: u32 = 0o644;
const PROGRAM: u32 = 0o755;

/// Writes a file that may name secrets: for the owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, PRIVATE)
}

/// Writes a file that is meant to be committed.
pub(crate) fn write_shared(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, SHARED)
}

/// Writes a file that is run.
pub(crate) fn write_program(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, PROGRAM)
}

/// Writes through a temporary file beside the target.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut name = path.file_name().context("a file name is needed")?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let result =
        create(&temporary, mode).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        drop(fs::remove_file(&temporary));
    }
    result.with_context(|| format!("{}: cannot be written", path.display()))
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "modes are a matter of Unix"))]
fn create(path: &Path, mode: u32) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)
}
