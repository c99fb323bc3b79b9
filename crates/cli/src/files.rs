//! Files that the user names: read within a limit, and written whole or not at all, never through a link. Devices and
//! pipes are the exception: they are written straight, and stay what they are.

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

/// Writes through a temporary file beside the target, or straight into what no file can take the place of.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    if is_stream(path) {
        return write_straight(path, bytes).with_context(|| format!("{}: cannot be written", path.display()));
    }
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

/// Whether a path leads to a device, a pipe, a socket or an open file of this process: a new file in its place would break
/// it for everybody. A directory is none of them, and is refused when the file is put in its place.
fn is_stream(path: &Path) -> bool {
    is_open_file(path) || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Whether the path is a name for an open file of a process. What stands behind such a name may be a regular file, yet the
/// name itself is not to be replaced.
fn is_open_file(path: &Path) -> bool {
    let names = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    cfg!(unix)
        && (names.iter().any(|name| path == Path::new(name))
            || path.starts_with("/dev/fd")
            || path.starts_with("/proc"))
}

/// Writes behind what is there already, so that nothing that was redirected to the same file is lost.
fn write_straight(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(bytes).and_then(|()| file.flush())
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "modes are a matter of Unix"))]
fn create(path: &Path, mode: u32) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, symlink};

    use super::*;

    fn is_null_device(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_char_device())
    }

    #[test]
    fn a_device_stays_a_device() -> Result<()> {
        let null = Path::new("/dev/null");
        write_private(null, b"report")?;
        assert!(is_null_device(null));
        let link = env::temp_dir().join(format!("testudo-null-{}", std::process::id()));
        drop(fs::remove_file(&link));
        symlink(null, &link)?;
        let written = write_private(&link, b"report");
        let is_link = fs::symlink_metadata(&link).is_ok_and(|found| found.is_symlink());
        fs::remove_file(&link)?;
        written?;
        assert!(is_link && is_null_device(null));
        Ok(())
    }

    #[test]
    fn a_link_to_a_file_is_replaced_and_open_files_are_not() -> Result<()> {
        let dir = env::temp_dir().join(format!("testudo-files-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        let (file, link) = (dir.join("file"), dir.join("link"));
        fs::write(&file, "old")?;
        drop(fs::remove_file(&link));
        symlink(&file, &link)?;
        let written = write_private(&link, b"new");
        let (behind, there) = (fs::read(&file)?, fs::read(&link)?);
        fs::remove_dir_all(&dir)?;
        written?;
        assert_eq!((behind.as_slice(), there.as_slice()), (b"old".as_slice(), b"new".as_slice()));
        assert!(is_stream(Path::new("/dev/stdout")) && is_stream(Path::new("/dev/fd/1")));
        assert!(!is_stream(Path::new("/dev/shm")) && !is_stream(Path::new("report.json")));
        Ok(())
    }
}
