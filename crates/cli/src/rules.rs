//! Rule files of every format, told apart by their names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

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
    let mut sets = files.iter().map(|file| load_file(file)).collect::<Result<Vec<_>>>()?;
    replace_earlier(&mut sets, &files);
    Ok(sets)
}

/// Of YAML rules with the same id in several files of a folder the last one counts, as in Kingfisher.
fn replace_earlier(sets: &mut [Ruleset], files: &[PathBuf]) {
    let is_yaml = |at: usize| files[at].extension().is_some_and(|e| e != "toml");
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for at in (0..sets.len()).filter(|at| is_yaml(*at)) {
        last.extend(sets[at].rules.iter().map(|rule| (rule.info.id.clone(), at)));
    }
    for at in (0..sets.len()).filter(|at| is_yaml(*at)) {
        let (kept, replaced): (Vec<_>, Vec<_>) =
            std::mem::take(&mut sets[at].rules).into_iter().partition(|rule| last.get(&rule.info.id) == Some(&at));
        sets[at].rules = kept;
        for rule in replaced {
            let other = last.get(&rule.info.id).map(|other| files[*other].display().to_string()).unwrap_or_default();
            sets[at].unapplied.push(Unapplied {
                path: files[at].display().to_string(),
                key: "id".to_owned(),
                reason: format!("{other} has a rule of the same id, and the last one counts"),
                rules: vec![rule.info.id],
            });
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_rules_with_one_id_the_last_file_counts() {
        let files = ["a.yml", "b.toml", "c.yaml"].map(PathBuf::from);
        let yaml = |path: &Path, pattern: &str| {
            let text = format!("rules: [{{id: x, name: n, pattern: {pattern}}}]");
            yaml_ruleset::load(&path.to_string_lossy(), &text, Extent::Scan).unwrap()
        };
        let mut sets = [yaml(&files[0], "aaa"), Ruleset::default(), yaml(&files[2], "ccc")];
        replace_earlier(&mut sets, &files);
        assert_eq!(sets.each_ref().map(|set| set.rules.len()), [0, 0, 1]);
        assert_eq!(
            notice(&sets[0].unapplied[0]).message,
            "`id` of x has no effect: c.yaml has a rule of the same id, and the last one counts"
        );
    }
}
