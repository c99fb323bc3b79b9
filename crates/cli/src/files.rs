//! Files that the user names: read within a limit, and written whole or not at all, never through a link.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};

/// Largest configuration, rule file or list that is read, in bytes.
const MAX_TEXT: u64 = 256 << 20;

/// Reads a text that the user or the project names. A pipe may be read too, but nothing without an end.
pub(crate) fn read_text(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let name = path.display();
    let file = fs::File::open(path).with_context(|| format!("{name}: cannot be read"))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        bail!("{name}: is a directory, where a file is expected");
    }
    let mut bytes = Vec::new();
    file.take(MAX_TEXT + 1).read_to_end(&mut bytes).with_context(|| format!("{name}: cannot be read"))?;
    if bytes.len() as u64 > MAX_TEXT {
        bail!("{name}: is larger than {} MiB. Check that it is the right file", MAX_TEXT >> 20);
    }
    String::from_utf8(bytes).with_context(|| format!("{name}: is not UTF-8 text"))
}

/// The index that the environment names, for [`testudo_source::git::Repository::index_path`].
pub(crate) fn git_index() -> Option<OsString> {
    env::var_os("GIT_INDEX_FILE")
}

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
