//! Rule files of every format, told apart by their names.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use testudo_model::{Confidence, DetectorId, Persona, Reference, RuleInfo, Severity};
use testudo_secrets::{
    load::{LoadError, gitleaks, yaml_rules},
    rule::{Rule, Ruleset},
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
        Some("yml" | "yaml") => Ok(from_yaml(&name, yaml_rules::read(&name, &text)?)?),
        _ => Ok(gitleaks::load(&name, &text, &Disk)?),
    }
}

/// Rules of Nosey Parker and Kingfisher in the common form. They have no keywords: the plan finds its own.
fn from_yaml(path: &str, rules: Vec<yaml_rules::YamlRule>) -> Result<Ruleset, LoadError> {
    let mut set = Ruleset::default();
    for rule in rules.into_iter().filter(|r| r.visible) {
        let regex = rule.pattern.clone();
        testudo_secrets::engine::Pattern::new(&regex).map_err(|e| {
            LoadError { line: rule.span.0, column: rule.span.1, ..LoadError::file(path, format!("`pattern`: {e}")) }
                .in_rule(&rule.id)
        })?;
        set.rules.push(Rule::of(info(&rule), regex, rule.min_entropy.unwrap_or(0.0)));
    }
    Ok(set)
}

fn info(rule: &yaml_rules::YamlRule) -> RuleInfo {
    RuleInfo {
        id: rule.id.clone(),
        domain: DetectorId::Secrets,
        title: rule.name.clone(),
        severity: Severity::High,
        confidence: rule.confidence.as_deref().and_then(|c| c.parse().ok()).unwrap_or(Confidence::High),
        persona: Persona::Regular,
        cwe: vec![798],
        owasp: vec!["A07:2021".to_owned(), "A07:2025".to_owned()],
        aliases: Vec::new(),
        references: rule.references.iter().cloned().map(Reference).collect(),
        help: rule.description.clone().unwrap_or_default(),
    }
}
