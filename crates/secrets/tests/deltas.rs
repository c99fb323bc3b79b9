//! A scan along deltas finds exactly what a scan of every whole blob finds.
//!
//! Repositories to compare on are named in `TESTUDO_TEST_REPOSITORIES`, separated by `:`; a small one with deltas is made
//! here with git.

use std::{collections::BTreeSet, env, fs, path::Path, process::Command, sync::atomic::AtomicU64};

use testudo_model::Confidence;
use testudo_secrets::{
    history::{self, Known, Method},
    native::{Display, FingerprintKey, Options, SecretsDetector},
};
use testudo_source::git::{ReadLimits, Repository};

type Found = BTreeSet<(String, u32, Vec<u8>)>;

fn matches(repository: &Repository, method: Method) -> (Found, u64, u64) {
    let detector = SecretsDetector::own(Options {
        key: FingerprintKey([7; 32]),
        decode_depth: 2,
        display: Display::Masked,
        disabled: Vec::new(),
        least: Confidence::Low,
    });
    let found = history::scan(
        repository.objects(),
        detector.engine(),
        &detector,
        method,
        2,
        &Known::default(),
        &AtomicU64::new(0),
    )
    .expect("the packs are readable");
    let named = found.blobs.iter().flat_map(|(oid, ids)| {
        ids.iter().map(|id| {
            let (rule, text) = found.matches[*id as usize].clone();
            (oid.to_string(), rule, text)
        })
    });
    (named.collect(), found.visited, found.searched_bytes)
}

fn compare(path: &Path) -> (u64, u64) {
    let repository = Repository::discover(path, ReadLimits::default()).expect("a repository");
    let (whole, visited, all) = matches(&repository, Method::Whole);
    let (deltas, seen, searched) = matches(&repository, Method::Deltas);
    assert_eq!(seen, visited);
    let lost: Vec<_> = whole.difference(&deltas).take(5).collect();
    let invented: Vec<_> = deltas.difference(&whole).take(5).collect();
    assert!(lost.is_empty() && invented.is_empty(), "{}: lost {lost:?}, invented {invented:?}", path.display());
    (searched, all)
}

#[test]
fn named_repositories_agree() {
    let Some(list) = env::var_os("TESTUDO_TEST_REPOSITORIES") else {
        report("skipped: TESTUDO_TEST_REPOSITORIES is not set");
        return;
    };
    for path in env::split_paths(&list) {
        let (searched, all) = compare(&path);
        report(&format!("{}: equal; searched {searched} of {all} bytes", path.display()));
    }
}

#[test]
fn a_repository_with_deltas_agrees() {
    let dir = env::temp_dir().join(format!("testudo-deltas-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a temporary folder");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&dir)
            .args(["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"])
            .args(arguments);
        command.output().is_ok_and(|o| o.status.success())
    };
    if !git(&["init", "-q"]) {
        report("skipped: git is not here");
        return;
    }
    let mut lines: Vec<String> = (0..400).map(|n| format!("setting_{n} = \"value number {n}\"")).collect();
    for round in 0..30 {
        lines[round * 13] = format!("db_password_{round} = \"Rope{round}!dock-{}\"", round * 7919);
        if round % 3 == 0 {
            lines.insert(
                round * 11,
                format!(
                    "encoded: {}",
                    testudo_secrets::base64::encode(
                        format!("api_key = \"k{round}9f8e7d6c5b4a39281\"").as_bytes(),
                        testudo_secrets::base64::STANDARD
                    )
                ),
            );
        }
        // Forms of several lines, whose values and surroundings change apart from each other.
        let (at, value) = (round * 7 + 40, format!("Rope{}!dock-{}", round / 2, round / 2 * 7919));
        let layouts = [
            format!("env:\n  - value: {value}\n    name: DB_PASSWORD_{}", round / 3),
            format!("  - name: DB_PASSWORD\n    kind: plain{round}\n    value: {value}"),
            format!("db_password: |\n  {value}"),
            format!("api_keys:\n  - {value}\n  - k{round}9f8e7d6c5b4a39281"),
            format!("read -r PASSWORD <<EOF\n{value}\nEOF"),
            format!("<setting name=\"DbPassword\">\n<value>{value}</value>\nrequirepass {value}"),
        ];
        lines[at].clone_from(&layouts[round % layouts.len()]);
        lines[at + 1] = format!("{}note_{round}: x", " ".repeat(round % 5));
        if round % 5 == 4 {
            lines.remove(round * 9);
        }
        fs::write(dir.join("a.conf"), lines.join("\n")).expect("written");
        assert!(git(&["add", "."]) && git(&["commit", "-q", "-m", "round"]));
    }
    assert!(git(&["repack", "-adfq", "--depth=40", "--window=40"]));
    let (searched, all) = compare(&dir);
    fs::remove_dir_all(&dir).expect("removed");
    assert!(searched * 2 < all, "deltas save work: {searched} of {all}");
}

#[expect(clippy::print_stdout, reason = "a skipped check says so")]
fn report(text: &str) {
    println!("{text}");
}
