//! The public suites: which cases each has, and whether they pass.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use testudo_secrets::{
    examples,
    load::{gitleaks, yaml_rules},
    native,
};

use super::feeds;

/// Names of the suites.
pub(super) const SUITES: [&str; 4] = ["agent-feeds", "gitleaks-config", "betterleaks-rules", "yaml-rules"];

/// A case: its id, and whether it passes.
pub(super) type Case = (String, bool);

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

/// Every case below a folder, in the order of files.
pub(super) fn cases(suite: &str, dir: &Path) -> Result<Vec<Case>> {
    if suite == "agent-feeds" {
        return feeds::cases(dir);
    }
    let mut cases = Vec::new();
    for file in files(dir)? {
        let name = file.strip_prefix(dir)?.to_string_lossy().replace('\\', "/");
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let text = || fs::read_to_string(&file).with_context(|| file.display().to_string());
        match (suite, extension) {
            ("gitleaks-config", "toml") => cases.push(config(&name, &text()?, dir)),
            ("betterleaks-rules", "toml") => cases.extend(filters(&name, &text()?, dir)?),
            ("yaml-rules", "yml" | "yaml") => cases.extend(rule_examples(&name, &text()?)?),
            _ if SUITES.contains(&suite) => {}
            _ => bail!("unknown suite `{suite}` ({})", SUITES.join(", ")),
        }
    }
    Ok(cases)
}

/// A configuration that has to be taken, or refused where its folder says so.
fn config(name: &str, text: &str, dir: &Path) -> Case {
    let accepted = gitleaks::load(name, text, &Suite { dir }).is_ok();
    (name.to_owned(), accepted != name.contains("invalid/"))
}

/// Values of several kinds, so that filters take several of their ways.
const SAMPLES: [&str; 4] = ["q8Zr7Tn2Lw4sVb6Xc1Hj", "password", "0", "\u{e9}t\u{e9} https://db.example:80/a=b"];

/// Rules that load, and whose filters can be computed over any value.
fn filters(name: &str, text: &str, dir: &Path) -> Result<Vec<Case>> {
    let set = gitleaks::load(name, text, &Suite { dir })?;
    let computes = |rule| SAMPLES.iter().all(|sample| native::compute_filters(&set, rule, sample).is_ok());
    Ok(set.rules.iter().map(|rule| (rule.info.id.clone(), computes(rule))).collect())
}

/// Rules whose examples all hold. One without examples shows nothing, so it is no case; one that cannot be read is one
/// that fails, as are all rules of its file.
fn rule_examples(name: &str, text: &str) -> Result<Vec<Case>> {
    let tested = match examples::run(name, text) {
        Ok(tested) => tested,
        Err(fault) => {
            println!("  {fault}");
            let rules = yaml_rules::read(name, text).map(|rules| rules.into_iter().map(|rule| (rule.id, false)));
            return Ok(rules.map_or_else(|_| vec![(name.to_owned(), false)], Iterator::collect));
        }
    };
    let with_examples = tested.into_iter().filter(|tested| !tested.results.is_empty());
    Ok(with_examples.map(|tested| (tested.id, tested.results.iter().all(|outcome| outcome.holds()))).collect())
}

/// The files below a folder, by path.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_with_examples_are_cases() {
        let text = "rules:\n- {id: a, name: n, pattern: 'k(\\d+)', examples: [k1]}\n\
            - {id: b, name: n, pattern: 'k(\\d+)', examples: [k1, x]}\n\
            - {id: c, name: n, pattern: 'k(\\d+)', negative_examples: [k1]}\n\
            - {id: d, name: n, pattern: 'k'}";
        let case = |id: &str, passes| (id.to_owned(), passes);
        assert_eq!(rule_examples("f.yml", text).unwrap(), [case("a", true), case("b", false), case("c", false)]);
        let unread = "rules: [{id: a, name: n, pattern: '('}, {id: b, name: n, pattern: c}]";
        assert_eq!(rule_examples("f.yml", unread).unwrap(), [case("a", false), case("b", false)]);
    }

    #[test]
    fn filters_have_to_compute() {
        let text = "[[rules]]\nid='a'\nregex='a'\nfilter='''finding[\"secret\"] == \"x\"'''\n\
            [[rules]]\nid='b'\nregex='b'\nfilter='''http.get(\"https://db.example\", {}) == nil'''\n";
        let cases = filters("f.toml", text, Path::new(".")).unwrap();
        assert_eq!(cases, [("a".to_owned(), true), ("b".to_owned(), false)]);
    }
}
