//! `rules validate`: whether rule files of other tools can be used, with the place of what is wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use testudo_secrets::{
    engine::Pattern,
    load::{LoadError, gitleaks, yaml_rules},
};

use anyhow::Result;

/// Exit code of a wrong file.
const WRONG: u8 = 2;

/// Checks every file and says how each is.
pub(super) fn run(files: &[PathBuf]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match check(file) {
            Ok(rules) => crate::terminal::stdout(&format!("{}: {rules} rules, ok\n", file.display()))?,
            Err(faults) => {
                code = ExitCode::from(WRONG);
                faults.iter().for_each(|fault| crate::terminal::error(&fault.to_string()));
            }
        }
    }
    Ok(code)
}

/// The number of rules of a file, or what is wrong with it.
fn check(file: &Path) -> Result<usize, Vec<LoadError>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|e| vec![LoadError::file(&name, format!("cannot be read: {e}"))])?;
    match file.extension().and_then(|e| e.to_str()) {
        Some("toml") => match gitleaks::load(&name, &text, &WorkingDirectory) {
            Ok(set) => Ok(set.rules.len()),
            Err(fault) => Err(vec![fault]),
        },
        Some("yml" | "yaml") => yaml(&name, &text),
        _ => Err(vec![LoadError::file(&name, "the format is told by the extension: .toml, .yml or .yaml")]),
    }
}

fn yaml(name: &str, text: &str) -> Result<usize, Vec<LoadError>> {
    let rules = yaml_rules::read(name, text).map_err(|fault| vec![fault])?;
    for rule in rules.iter().filter(|r| !r.ignored_keys.is_empty()) {
        let (line, _) = rule.span;
        crate::terminal::note(&format!("{name}:{line}: rule {}: not used: {}", rule.id, rule.ignored_keys.join(", ")));
    }
    let fault = |rule: &yaml_rules::YamlRule| {
        let (line, column) = rule.span;
        let message = Pattern::new(&rule.pattern).err()?.to_string();
        Some(LoadError { path: name.to_owned(), line, column, rule: Some(rule.id.clone()), message })
    };
    let faults: Vec<LoadError> = rules.iter().filter_map(fault).collect();
    if faults.is_empty() { Ok(rules.len()) } else { Err(faults) }
}

/// Extended configurations are files, relative to the working directory as gitleaks reads them.
struct WorkingDirectory;

impl gitleaks::Resolver for WorkingDirectory {
    fn path(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(path).map_err(|e| e.to_string())
    }

    fn default_config(&self) -> Result<String, String> {
        Err("gitleaks' default rules are not part of testudo; extend a copy of its gitleaks.toml with `path`".to_owned())
    }
}
