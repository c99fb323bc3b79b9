//! Rule files of every format, told apart by their names.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use testudo_model::{Location, Notice, NoticeCode};
use testudo_secrets::{
    load::{
        gitleaks,
        yaml_ruleset::{self, Extent},
    },
    rule::{Ruleset, Unapplied},
};

use crate::gitleaks::Disk;

/// Loads a rule file, or every rule file of a folder.
pub(crate) fn load_path(path: &Path) -> Result<Vec<Ruleset>> {
    let metadata = fs::metadata(path).with_context(|| format!("{}: rules cannot be read", path.display()))?;
    if !metadata.is_dir() {
        return Ok(vec![load_file(path)?]);
    }
    let mut files: Vec<_> =
        fs::read_dir(path).with_context(|| path.display().to_string())?.flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml" || e == "yml" || e == "yaml"));
    files.sort();
    if files.is_empty() {
        bail!("{}: no rule files here (expected .toml, .yml or .yaml)", path.display());
    }
    files.iter().map(|file| load_file(file)).collect()
}

/// Loads one rule file.
pub(crate) fn load_file(path: &Path) -> Result<Ruleset> {
    let name = path.to_string_lossy();
    let text = crate::files::read_text(path)?;
    match path.extension().and_then(|e| e.to_str()) {
        Some("yml" | "yaml") => Ok(yaml_ruleset::load(&name, &text, Extent::Scan)?),
        _ => Ok(gitleaks::load(&name, &text, &Disk)?),
    }
}

/// What a rule file says and is not done.
pub(crate) fn notice(unapplied: &Unapplied) -> Notice {
    Notice::new(NoticeCode::RuleKeyUnapplied, Location::file(&unapplied.path), unapplied.to_string())
}
