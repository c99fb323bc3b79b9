//! Which rules the front uses, in gitleaks' order of precedence.

use std::{env, path::Path};

use anyhow::{Result, bail};
use testudo_secrets::{
    load::gitleaks::{Resolver, load as load_rules},
    rule::Ruleset,
};

use super::arguments::Flags;

/// Reads extended configurations from disk.
pub(crate) struct Disk;

/// Environment variable that names gitleaks' own default configuration, for `extend.useDefault`.
const DEFAULT_CONFIG: &str = "TESTUDO_GITLEAKS_DEFAULT";

impl Resolver for Disk {
    fn path(&self, path: &str) -> Result<String, String> {
        crate::files::read_text(path).map_err(|e| format!("{e:#}"))
    }

    fn default_config(&self) -> Result<String, String> {
        match env::var(DEFAULT_CONFIG) {
            Ok(path) => self.path(&path).map_err(|e| format!("{path}: {e}")),
            Err(_) => Err(format!(
                "gitleaks' default rules are not part of testudo; set {DEFAULT_CONFIG} to a copy of its gitleaks.toml"
            )),
        }
    }
}

/// Loads the rules.
pub(super) fn load(flags: &Flags, source: &Path) -> Result<Ruleset> {
    let mut rules = find(flags, source)?;
    if !flags.enable_rule.is_empty() {
        for wanted in &flags.enable_rule {
            if !rules.rules.iter().any(|r| &r.info.id == wanted) {
                bail!("requested rule {wanted} not found in rules");
            }
        }
        rules.rules.retain(|r| flags.enable_rule.contains(&r.info.id));
    }
    Ok(rules)
}

fn find(flags: &Flags, source: &Path) -> Result<Ruleset> {
    if let Some(path) = &flags.config {
        return from_file(path);
    }
    if let Some(path) = env::var_os("GITLEAKS_CONFIG") {
        return from_file(Path::new(&path));
    }
    if let Ok(text) = env::var("GITLEAKS_CONFIG_TOML") {
        return Ok(load_rules("GITLEAKS_CONFIG_TOML", &text, &Disk)?);
    }
    let in_target = source.join(".gitleaks.toml");
    if in_target.is_file() {
        return from_file(&in_target);
    }
    match env::var_os(DEFAULT_CONFIG) {
        Some(path) => from_file(Path::new(&path)),
        None => {
            crate::terminal::note(&format!(
                "no gitleaks configuration given: using testudo's own rules ({DEFAULT_CONFIG} can name a copy of gitleaks.toml)"
            ));
            Ok(testudo_secrets::embedded::ruleset())
        }
    }
}

fn from_file(path: &Path) -> Result<Ruleset> {
    let text = crate::files::read_text(path)?;
    Ok(load_rules(&path.to_string_lossy(), &text, &Disk)?)
}
