//! The user's age keys, from where sops takes them.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use testudo_vault::keys::Identities;
use zeroize::Zeroizing;

use super::words;
use crate::{files, terminal};

const KEY: &str = "SOPS_AGE_KEY";
const KEY_FILE: &str = "SOPS_AGE_KEY_FILE";
const KEY_COMMAND: &str = "SOPS_AGE_KEY_CMD";
/// Tells the command for whom a key is wanted.
const RECIPIENT: &str = "SOPS_AGE_RECIPIENT";
/// Below the user's configuration directory.
const OWN_FILE: &str = "sops/age/keys.txt";

/// Variables that hold keys themselves: programs that are run do not get them.
pub(super) const SECRET_VARIABLES: [&str; 2] = [KEY, "TESTUDO_SIGNING_KEY"];

/// Every key of the user. The command is told the recipients of the file that is to be opened.
pub(super) fn all(recipients: &[String]) -> Result<Identities> {
    let mut identities = Identities::default();
    if let Some(text) = variable(KEY)? {
        identities.add(&Zeroizing::new(text), KEY)?;
    }
    if let Some(path) = variable(KEY_FILE)? {
        let text = files::read_text(&path).with_context(|| format!("{KEY_FILE} names it"))?;
        identities.add(&Zeroizing::new(text), &path)?;
    }
    if let Some(line) = variable(KEY_COMMAND)? {
        identities.add(&printed(&line, recipients)?, KEY_COMMAND)?;
    }
    if let Some(path) = own_file().filter(|path| path.exists()) {
        identities.add(&Zeroizing::new(files::read_text(&path)?), &path.display().to_string())?;
    }
    Ok(identities)
}

/// What the keys that cannot be used are, told where no other opens a file.
pub(super) fn tell_passed_over(identities: &Identities) {
    for key in identities.passed_over() {
        terminal::warn(&format!("{key} cannot be used; this program knows X25519 keys, AGE-SECRET-KEY-1…"));
    }
}

fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => bail!("{name}: is not UTF-8 text"),
    }
}

/// What a command prints. It is started without a shell.
fn printed(line: &str, recipients: &[String]) -> Result<Zeroizing<String>> {
    let words = words::split(line, KEY_COMMAND)?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(RECIPIENT, recipients.join(",")).stderr(Stdio::inherit());
    let ran = command.output().with_context(|| format!("{KEY_COMMAND}: `{}` cannot be started", words[0]))?;
    let text = String::from_utf8(ran.stdout).map_err(|_| anyhow::anyhow!("{KEY_COMMAND}: it printed no UTF-8 text"))?;
    let text = Zeroizing::new(text);
    if !ran.status.success() {
        bail!("{KEY_COMMAND}: `{}` failed ({})", words[0], ran.status);
    }
    Ok(text)
}

fn own_file() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join("Library/Application Support")))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    Some(base?.join(OWN_FILE))
}
