//! Writing files of secrets: whole or not at all, never in the clear.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use testudo_ledger::{VaultEvent, VaultFile};
use testudo_vault::{File, tree::Tree};

use super::{Common, open, open::Opened};
use crate::{clock, record, terminal};

/// What a command changes, for the ledger.
pub(super) struct Change<'c> {
    /// The command.
    pub(super) verb: &'c str,
    /// Paths of values that are other than before.
    pub(super) keys: Vec<String>,
}

/// Encrypts values and puts them in the place of those of a file. Values that did not change keep their bytes, and where
/// none did, nothing is written.
pub(super) fn save(
    path: &Path,
    opened: &Opened,
    documents: Vec<Tree>,
    (change, common): (Change<'_>, &Common),
) -> Result<()> {
    if documents == opened.documents {
        terminal::note(&format!("{}: nothing was changed, and nothing is written", path.display()));
        return Ok(());
    }
    if File::is_encrypted(&documents, opened.stored.format) {
        bail!(
            "{}: a value under `sops` would stand where the file says who can open it; nothing is written",
            path.display()
        );
    }
    let name = |error| anyhow::Error::msg(open::placed(path, &error));
    let file = opened.stored.file.with(documents, &opened.sealer, &clock::now()).map_err(name)?;
    let text = file.write(opened.stored.format).map_err(name)?;
    let files = vec![VaultFile {
        path: path.display().to_string(),
        before: Some(opened.stored.digest.clone()),
        after: Some(open::digest(&text)),
    }];
    let event = VaultEvent { verb: change.verb.to_owned(), files, keys: change.keys, command: None };
    // What somebody else wrote meanwhile is not lost.
    let now = fs::read_to_string(path).with_context(|| format!("{}: cannot be read again", path.display()))?;
    if open::digest(&now) != opened.stored.digest {
        bail!(
            "{}: somebody else changed it in the meantime; nothing is written, run the command again",
            path.display()
        );
    }
    record(event, common)?;
    replace(path, &text)
}

/// Records what is done, where that is wanted.
pub(super) fn record(event: VaultEvent, common: &Common) -> Result<()> {
    record::vault(event, common.config.as_deref(), common.record.as_deref())
}

/// Puts ciphertext in the place of a file. Its mode is kept; a link is followed to the file behind it.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    let path = fs::canonicalize(path).with_context(|| format!("{}: cannot be written", path.display()))?;
    let found = fs::metadata(&path).with_context(|| format!("{}: cannot be written", path.display()))?;
    if !found.is_file() {
        bail!("{}: is no plain file, where one is expected", path.display());
    }
    let temporary = beside(&path)?;
    let written = write_new(&temporary, text)
        .and_then(|()| fs::set_permissions(&temporary, found.permissions()))
        .and_then(|()| fs::rename(&temporary, &path));
    finish(written, &temporary, &path)
}

/// Writes a new file; somebody else's that came in between stays.
pub(super) fn create(path: &Path, text: &str) -> Result<()> {
    let temporary = beside(path)?;
    let written = write_new(&temporary, text).and_then(|()| fs::hard_link(&temporary, path));
    let written = written.and_then(|()| fs::remove_file(&temporary));
    finish(written, &temporary, path)
}

/// A hidden name in the same folder, so that a rename stays on one file system.
fn beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().with_context(|| format!("{}: is no name of a file", path.display()))?;
    Ok(path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id())))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn finish(written: io::Result<()>, temporary: &Path, path: &Path) -> Result<()> {
    if written.is_err() {
        drop(fs::remove_file(temporary));
    }
    written.with_context(|| format!("{}: cannot be written", path.display()))?;
    // The new name is on the disk once the folder is; where a folder cannot be synced, there is nothing to be done.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if let Ok(folder) = fs::File::open(folder) {
        drop(folder.sync_all());
    }
    Ok(())
}
