//! A format reads the report and nothing else: no file, no environment, no clock,
//! no network, no randomness, nothing kept between two calls.

use std::fs;
use std::path::{Path, PathBuf};

/// What code would have to name to read anything else.
const OTHER_INPUTS: [&str; 18] = [
    "std::fs",
    "std::env",
    "env!(",
    "std::net",
    "std::process",
    "std::time",
    "std::thread",
    "SystemTime",
    "Instant",
    "stdin",
    "File::",
    "OnceLock",
    "LazyLock",
    "static mut",
    "thread_local",
    "HashMap",
    "HashSet",
    "getrandom",
];

#[test]
fn no_format_reads_anything_but_the_report() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.iter().filter(|file| file.ends_with("csv.rs") || file.ends_with("html/mod.rs")).count() == 2);
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for word in OTHER_INPUTS {
            assert!(!source.contains(word), "{} names `{word}`", file.display());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
