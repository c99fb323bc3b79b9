//! `testudo vault keygen`: a new key that opens files.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use testudo_vault::keys::{Identities, new_identity};

use crate::terminal;

/// Make a key that opens files: the secret part goes into a file, the public one to standard output
#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// File for the secret key; one that is there is never written over
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

pub(super) fn run(args: &KeygenArgs) -> Result<ExitCode> {
    let secret = new_identity();
    let mut own = Identities::default();
    own.add(&secret, "the new key")?;
    let public = own.recipients().join(",");
    write_new(&args.file, &format!("# public key: {public}\n{}\n", *secret))?;
    terminal::stdout(&format!("{public}\n"))?;
    terminal::note(&format!(
        "{}: keep it secret; SOPS_AGE_KEY_FILE names it, and `testudo vault create --age {public}` encrypts for it",
        args.file.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that only its owner reads, where there is none.
fn write_new(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{}: is there already, and a key that is lost opens nothing again; name another file", path.display());
        }
        file => file.with_context(|| format!("{}: cannot be written", path.display()))?,
    };
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(|| path.display().to_string())
}
