//! Precision and recall on the labelled fixture tree `tests/labelled`, held by a ratchet.
//!
//! `labels.tsv` marks lines as holding a secret (T) or not (F); a line without a label counts as F. A finding counts for
//! the line on which it starts. Templates in the files are expanded with a fixed seed.

use std::{collections::BTreeMap, fs, path::Path};

use testudo_model::Confidence;
use testudo_secrets::{
    document::expand,
    native::{Display, FingerprintKey, Options, SecretsDetector},
};

struct Score {
    precision: f64,
    recall: f64,
    wrong: Vec<String>,
    missed: Vec<String>,
}

fn score(least: Confidence) -> Score {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labelled");
    let labels = fs::read_to_string(root.join("labels.tsv")).expect("labels.tsv is part of the repository");
    let mut truth: BTreeMap<(String, u32), bool> = BTreeMap::new();
    for line in labels.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let mut fields = line.split('\t');
        let (Some(path), Some(number), Some(label)) = (fields.next(), fields.next(), fields.next()) else { continue };
        truth.insert((path.to_owned(), number.parse().expect("a line number")), label == "T");
    }
    let options = Options {
        key: FingerprintKey([7; 32]),
        decode_depth: 5,
        display: Display::Masked,
        disabled: Vec::new(),
        least,
    };
    let detector = SecretsDetector::own(options);
    let mut files: Vec<String> = truth.keys().map(|(path, _)| path.clone()).collect();
    files.dedup();
    let (mut found, mut wrong) = (BTreeMap::new(), Vec::new());
    for path in files {
        let text = expand(&fs::read_to_string(root.join("tree").join(&path)).expect("a labelled file"), 1);
        for finding in detector.findings_of(&path, &text).into_iter().filter(|f| f.confidence >= least) {
            let place = (path.clone(), finding.location.line());
            if truth.get(&place) != Some(&true) {
                wrong.push(format!("{}:{} {} {:?}", place.0, place.1, finding.rule, finding.confidence));
            }
            found.insert(place, ());
        }
    }
    let hits = found.keys().filter(|place| truth.get(*place) == Some(&true)).count();
    let positives = truth.values().filter(|t| **t).count();
    let missed = truth
        .iter()
        .filter(|(place, t)| **t && !found.contains_key(*place))
        .map(|((path, line), _)| format!("{path}:{line}"))
        .collect();
    Score { precision: hits as f64 / found.len().max(1) as f64, recall: hits as f64 / positives as f64, wrong, missed }
}

/// Shown with `--nocapture` or when a bar is missed.
#[expect(clippy::print_stdout, reason = "the figures are what a reader of a failing test needs")]
fn report(text: &str) {
    print!("{text}");
}

fn hold(least: Confidence, precision: f64, recall: f64) {
    let score = score(least);
    report(&format!(
        "{least}: precision {:.3} recall {:.3}\nwrong:\n{}\nmissed:\n{}\n",
        score.precision,
        score.recall,
        score.wrong.join("\n"),
        score.missed.join("\n")
    ));
    assert!(
        score.precision >= precision,
        "precision {:.3} fell below {precision}:\n{}",
        score.precision,
        score.wrong.join("\n")
    );
    assert!(score.recall >= recall, "recall {:.3} fell below {recall}:\n{}", score.recall, score.missed.join("\n"));
}

#[test]
fn high_confidence() {
    hold(Confidence::High, 0.98, 0.80);
}

#[test]
fn medium_confidence() {
    hold(Confidence::Medium, 0.97, 0.87);
}

#[test]
fn low_confidence() {
    hold(Confidence::Low, 0.75, 0.88);
}
