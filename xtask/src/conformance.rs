//! Ratchets: which cases of a public suite pass. The suites themselves are read from disk and never committed.

mod feeds;
mod suites;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use sha2::{Digest as _, Sha256};

/// Runs a suite and writes `conformance/SUITE.txt`.
///
/// # Errors
/// There is no case, or one that passed before is lost.
pub(crate) fn write(suite: &str, dirs: &[PathBuf]) -> Result<()> {
    let mut cases: BTreeMap<String, bool> = BTreeMap::new();
    for dir in dirs {
        for (id, passes) in suites::cases(suite, dir)? {
            // An id that two files have is one case, and passes where both do.
            *cases.entry(id).or_insert(true) &= passes;
        }
    }
    let target = crate::root().join("conformance").join(format!("{suite}.txt"));
    let before = fs::read_to_string(&target).unwrap_or_default();
    let commits: Vec<String> = dirs.iter().map(|dir| commit_of(dir).unwrap_or_else(|| "unknown".to_owned())).collect();
    fs::write(&target, ratchet(suite, &commits, &cases, &before)?)?;
    let failed: Vec<&String> = cases.iter().filter(|(_, passes)| !**passes).map(|(id, _)| id).collect();
    println!("{suite}: {} passed, {} failed", cases.len() - failed.len(), failed.len());
    failed.iter().for_each(|id| println!("  failed: {id}"));
    Ok(())
}

/// The text of a ratchet file.
fn ratchet(suite: &str, commits: &[String], cases: &BTreeMap<String, bool>, before: &str) -> Result<String> {
    if cases.is_empty() {
        bail!("suite {suite} has no case in the folders that --dir names; a ratchet of nothing would hold nothing");
    }
    let passed: BTreeSet<&str> = cases.iter().filter(|(_, passes)| **passes).map(|(id, _)| id.as_str()).collect();
    if passed.is_empty() {
        bail!("no case of suite {suite} passes; a ratchet of nothing would hold nothing");
    }
    let lost: Vec<&str> =
        before.lines().filter(|l| !l.starts_with('#') && !l.is_empty() && !passed.contains(l)).collect();
    if !lost.is_empty() {
        bail!("cases that passed before fail now: {}", lost.join(", "));
    }
    let list: String = passed.iter().map(|id| format!("{id}\n")).collect();
    let digest = testudo_model::hex(&Sha256::digest(list.as_bytes()));
    let commits = commits.join(" ");
    let (count, of) = (passed.len(), cases.len());
    Ok(format!("# suite {suite}\n# commit {commits}\n# passed {count} of {of}\n# digest {digest}\n{list}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(cases: &[(&str, bool)]) -> BTreeMap<String, bool> {
        cases.iter().map(|(id, passes)| ((*id).to_owned(), *passes)).collect()
    }

    #[test]
    fn a_ratchet_holds_something_and_only_rises() {
        let commits = ["c0".to_owned(), "c1".to_owned()];
        let written =
            ratchet("s", &commits, &cases(&[("b", true), ("a", true), ("c", false)]), "# suite s\na\n").unwrap();
        assert!(written.starts_with("# suite s\n# commit c0 c1\n# passed 2 of 3\n# digest "), "{written}");
        assert!(written.ends_with("\na\nb\n"), "{written}");
        for (cases, before, expected) in [
            (cases(&[]), "", "has no case"),
            (cases(&[("a", false)]), "", "no case of suite s passes"),
            (cases(&[("a", false), ("b", true)]), "# x\na\n", "fail now: a"),
        ] {
            let error = ratchet("s", &commits, &cases, before).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
