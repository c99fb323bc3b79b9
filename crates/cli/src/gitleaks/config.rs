//! Which rules the front uses, in gitleaks' order of precedence.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use testudo_secrets::{
    load::gitleaks::{Resolver, load as load_rules},
    rule::Ruleset,
};

use super::{arguments::Flags, log::Log};

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
pub(super) fn load(flags: &Flags, source: &Path, log: Log) -> Result<Ruleset> {
    let mut rules = find(flags, source, log)?;
    if !flags.enable_rule.is_empty() {
        for wanted in &flags.enable_rule {
            if !rules.rules.iter().any(|r| &r.info.id == wanted) {
                bail!("--enable-rule: the rule {wanted} is not in the configuration");
            }
        }
        rules.rules.retain(|r| flags.enable_rule.contains(&r.info.id));
    }
    Ok(rules)
}

fn find(flags: &Flags, source: &Path, log: Log) -> Result<Ruleset> {
    // An empty value counts as none.
    let named = flags.config.clone().filter(|path| !path.as_os_str().is_empty());
    if let Some(path) = named.or_else(|| variable("GITLEAKS_CONFIG").map(PathBuf::from)) {
        return from_file(&path);
    }
    if let Some(text) = variable("GITLEAKS_CONFIG_TOML") {
        let text = text.into_string().map_err(|_| anyhow::anyhow!("GITLEAKS_CONFIG_TOML: is not UTF-8 text"))?;
        return Ok(load_rules("GITLEAKS_CONFIG_TOML", &text, &Disk)?);
    }
    let in_target = source.join(".gitleaks.toml");
    if in_target.is_file() {
        return from_file(&in_target);
    }
    match variable(DEFAULT_CONFIG) {
        Some(path) => from_file(Path::new(&path)),
        None => {
            log.info(&format!(
                "no gitleaks configuration given: using testudo's own rules ({DEFAULT_CONFIG} can name a copy of gitleaks.toml)"
            ));
            Ok(testudo_secrets::embedded::ruleset())
        }
    }
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn from_file(path: &Path) -> Result<Ruleset> {
    let text = crate::files::read_text(path)?;
    Ok(load_rules(&path.to_string_lossy(), &text, &Disk)?)
}
