//! Every dependency is licensed as ARCHITECTURE.md promises, and every direct one is in its table.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use serde_json::Value;

use crate::root;

/// Licences that a dependency may have (SPDX ids). `deny.toml` says the same.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Packages that `cargo metadata` names. It runs offline: a test leaves this machine alone.
fn packages(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array_mut().map(std::mem::take).unwrap()
}

/// Everything that is built on this platform, other people's packages included. Those of other platforms alone are not on
/// this machine; `cargo deny` sees them.
fn built_here() -> Vec<Value> {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    packages(&["--filter-platform", host])
}

/// Whether an SPDX expression can be met with permissive licences alone. An exception only adds permissions.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest) && rest.is_empty()
}

fn any(rest: &mut &[&str]) -> bool {
    let mut met = all(rest);
    while rest.first() == Some(&"OR") {
        *rest = &rest[1..];
        met |= all(rest);
    }
    met
}

fn all(rest: &mut &[&str]) -> bool {
    let mut met = one(rest);
    while rest.first() == Some(&"AND") {
        *rest = &rest[1..];
        met &= one(rest);
    }
    met
}

fn one(rest: &mut &[&str]) -> bool {
    let Some((first, tail)) = rest.split_first() else { return false };
    *rest = tail;
    if *first == "(" {
        let met = any(rest);
        let closed = rest.first() == Some(&")");
        *rest = &rest[usize::from(closed)..];
        return met && closed;
    }
    if rest.first() == Some(&"WITH") {
        *rest = &rest[2.min(rest.len())..];
    }
    PERMISSIVE.contains(first)
}

#[test]
fn every_dependency_is_permissively_licensed() {
    let built = built_here();
    assert!(built.len() > 100, "only {} packages", built.len());
    let refused: Vec<String> = built
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_permissive))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "not among the licences of ARCHITECTURE.md: {refused:#?}");
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for (expression, expected) in [
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("MPL-2.0", false),
        ("MPL-2.0 OR MIT", true),
        ("MIT AND MPL-2.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("MIT AND (LGPL-3.0 OR AGPL-3.0)", false),
        ("(MIT", false),
        ("", false),
    ] {
        assert_eq!(is_permissive(expression), expected, "{expression}");
    }
}

/// Direct dependencies with the crates that use them; `(tests)` where only tests do.
fn direct() -> BTreeMap<String, BTreeSet<String>> {
    let ours = packages(&["--no-deps"]);
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in &ours {
        let crate_name = package["name"].as_str().unwrap().trim_start_matches("testudo-");
        let dependencies = package["dependencies"].as_array().unwrap();
        for dependency in dependencies.iter().filter(|dependency| !dependency["source"].is_null()) {
            let name = dependency["name"].as_str().unwrap();
            let shipped = dependencies.iter().any(|other| other["name"] == name && other["kind"] != "dev");
            let user = if shipped { crate_name.to_owned() } else { format!("{crate_name} (tests)") };
            used.entry(name.to_owned()).or_default().insert(user);
        }
    }
    used
}

#[test]
fn every_direct_dependency_is_in_the_table() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("\n## Dependencies\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let users = cells[2].split(',').map(|user| user.trim().to_owned()).collect();
        let before = listed.insert(cells[1].trim_matches('`').to_owned(), users);
        assert!(before.is_none(), "{} is listed twice", cells[1]);
        assert!(!cells[3].is_empty() && !cells[4].is_empty(), "{}: licence and reason are missing", cells[1]);
    }
    assert_eq!(direct(), listed, "left: what the manifests say; right: what ARCHITECTURE.md lists");
}

#[test]
fn deny_toml_says_the_same() {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let list = text.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let allowed: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(allowed, PERMISSIVE.iter().copied().collect());
}
