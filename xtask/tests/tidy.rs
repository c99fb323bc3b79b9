//! Checks on the shape of the repository.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/notices.rs"]
mod notices;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Workspace crates with the workspace crates that each depends on, from `cargo metadata`.
fn edges() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |v: &serde_json::Value| v["name"].as_str().unwrap().to_owned();
    let ours: Vec<String> = packages.iter().map(name).collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let normal = dependencies.iter().filter(|d| d["kind"].is_null()).map(name);
            let mut dependencies: Vec<String> = normal.filter(|d| ours.contains(d)).collect();
            dependencies.sort();
            (name(package), dependencies)
        })
        .collect()
}

#[test]
fn crates_import_only_what_the_architecture_lists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let block = text
        .split("```edges\n")
        .nth(1)
        .and_then(|b| b.split("```").next())
        .expect("ARCHITECTURE.md has an `edges` block");
    let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in block.lines().filter(|l| !l.trim().is_empty()) {
        let (from, to) = line.split_once("->").expect("`crate -> dependencies`");
        let mut to: Vec<String> = to.split_whitespace().map(str::to_owned).collect();
        to.sort();
        listed.insert(from.trim().to_owned(), to);
    }
    assert_eq!(edges(), listed, "left: what is; right: what ARCHITECTURE.md lists");
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_says_what_it_is_for_and_none_is_a_drawer() {
    let mut files = Vec::new();
    for crate_dir in fs::read_dir(root().join("crates")).unwrap().flatten() {
        sources(&crate_dir.path().join("src"), &mut files);
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{}: a module begins with what it is for", file.display());
        let stem = file.file_stem().unwrap().to_string_lossy();
        assert!(
            !["utils", "util", "helpers", "common", "manager", "misc"].contains(&&*stem),
            "{}: a name that says nothing",
            file.display()
        );
    }
}

#[test]
fn ratchets_say_suite_commit_and_digest() {
    let entries = fs::read_dir(root().join("conformance")).unwrap().flatten();
    for entry in entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "txt")) {
        let text = fs::read_to_string(entry.path()).unwrap();
        for key in ["# suite ", "# commit ", "# passed ", "# digest "] {
            assert!(text.lines().any(|l| l.starts_with(key)), "{}: no `{key}`", entry.path().display());
        }
        let listed: String = text.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
        let digest = testudo_model::hex(&<sha2::Sha256 as sha2::Digest>::digest(listed.as_bytes()));
        assert!(text.contains(&format!("# digest {digest}\n")), "{}: changed by hand", entry.path().display());
        let ids: Vec<&str> = listed.lines().collect();
        assert!(!ids.is_empty(), "{}: a ratchet of nothing holds nothing", entry.path().display());
        assert!(
            ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]),
            "{}: not a set",
            entry.path().display()
        );
        let counts = text.lines().find_map(|l| l.strip_prefix("# passed ")?.split_once(" of ")).unwrap();
        let (passed, cases): (usize, usize) = (counts.0.parse().unwrap(), counts.1.parse().unwrap());
        assert!(passed == ids.len() && passed <= cases, "{}: says {passed} of {cases}", entry.path().display());
    }
}
