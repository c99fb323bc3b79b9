//! Ratchets: which cases of a public suite pass. The suites themselves are read from disk and never committed.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use testudo_secrets::load::{gitleaks, yaml_rules};

/// Files extended by others: read as gitleaks reads them, relative to the suite's parent.
struct Suite<'a> {
    dir: &'a Path,
}

impl gitleaks::Resolver for Suite<'_> {
    fn path(&self, path: &str) -> Result<String, String> {
        let tail = path.rsplit("config/").next().unwrap_or(path);
        fs::read_to_string(self.dir.join(tail)).map_err(|e| e.to_string())
    }

    fn default_config(&self) -> Result<String, String> {
        let near = self.dir.ancestors().map(|d| d.join("config/gitleaks.toml")).find(|p| p.is_file());
        fs::read_to_string(near.ok_or("no gitleaks.toml above the suite")?).map_err(|e| e.to_string())
    }
}

/// Ids of all cases with whether they pass.
pub(crate) fn cases(suite: &str, dir: &Path) -> Result<Vec<(String, bool)>> {
    let mut cases = Vec::new();
    for file in files(dir)? {
        let id = file.strip_prefix(dir)?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap_or_default();
        match (suite, file.extension().and_then(|e| e.to_str())) {
            ("gitleaks-config", Some("toml")) => {
                let accepted = gitleaks::load(&id, &text, &Suite { dir }).is_ok();
                let expected = !id.contains("invalid/");
                cases.push((id, accepted == expected));
            }
            ("betterleaks-rules", Some("toml")) => {
                cases.push((id.clone(), gitleaks::load(&id, &text, &Suite { dir }).is_ok()))
            }
            ("yaml-rules", Some("yml" | "yaml")) => cases.push((id.clone(), yaml_rules::read(&id, &text).is_ok())),
            ("gitleaks-config" | "betterleaks-rules" | "yaml-rules", _) => {}
            _ => bail!("unknown suite `{suite}` (gitleaks-config, betterleaks-rules, yaml-rules)"),
        }
    }
    Ok(cases)
}

fn files(dir: &Path) -> Result<Vec<std::path::PathBuf>> {
    let (mut found, mut stack) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = stack.pop() {
        for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() { stack.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes `conformance/SUITE.txt`; refuses to lose a case that passed before.
pub(crate) fn write(suite: &str, dir: &Path) -> Result<()> {
    let cases = cases(suite, dir)?;
    let passed: BTreeSet<&str> = cases.iter().filter(|(_, ok)| *ok).map(|(id, _)| id.as_str()).collect();
    let target = crate::root().join("conformance").join(format!("{suite}.txt"));
    let before = fs::read_to_string(&target).unwrap_or_default();
    let lost: Vec<&str> =
        before.lines().filter(|l| !l.starts_with('#') && !l.is_empty() && !passed.contains(l)).collect();
    if !lost.is_empty() {
        bail!("cases that passed before fail now: {}", lost.join(", "));
    }
    let list: String = passed.iter().map(|id| format!("{id}\n")).collect();
    let digest: String = Sha256::digest(list.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let failed: Vec<&str> = cases.iter().filter(|(_, ok)| !ok).map(|(id, _)| id.as_str()).collect();
    let commit = commit_of(dir).unwrap_or_else(|| "unknown".to_owned());
    fs::create_dir_all(crate::root().join("conformance"))?;
    fs::write(
        &target,
        format!(
            "# suite {suite}\n# commit {commit}\n# passed {} of {}\n# digest {digest}\n{list}",
            passed.len(),
            cases.len()
        ),
    )?;
    println!("{suite}: {} passed, {} failed", passed.len(), failed.len());
    failed.iter().for_each(|id| println!("  failed: {id}"));
    Ok(())
}

/// Commit of the work tree that holds the suite.
fn commit_of(dir: &Path) -> Option<String> {
    let git = dir.ancestors().map(|d| d.join(".git")).find(|p| p.is_dir())?;
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    match head.trim().strip_prefix("ref: ") {
        None => Some(head.trim().to_owned()),
        Some(name) => fs::read_to_string(git.join(name)).ok().map(|s| s.trim().to_owned()),
    }
}
