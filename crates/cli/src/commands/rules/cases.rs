//! `rules test`: every good and bad case of rule documents through the detector that scans use.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use testudo_model::{Confidence, DetectorId, Finding};
use testudo_secrets::{
    document::{self, Case, Expect},
    examples::{self, Outcome},
    native::{Display, FingerprintKey, Options, Own, SecretsDetector},
};

use super::own_rules;

/// Where the documents of our own rules are in the repository, for messages.
const OWN_FOLDER: &str = "rules/secrets";

/// Templates of a case are expanded with each of these: what passes with one by luck fails with another.
const SEEDS: [u64; 3] = [1, 2, 3];

/// A case that names no file gets a name of no language, so that only its text counts.
const CASE_NAME: &str = "case";

/// What was run.
#[derive(Debug, Default)]
struct Score {
    cases: usize,
    failures: Vec<String>,
    /// Rules without a case.
    untested: Vec<String>,
    /// Examples that match and are not reported.
    dropped: Vec<String>,
}

/// Runs the cases of our own rules, or of those in files and folders.
pub(super) fn run(paths: &[PathBuf]) -> Result<ExitCode> {
    let mut score = Score::default();
    if paths.is_empty() {
        let detector = SecretsDetector::own(options());
        // Cases of rules about answers are run where the checks are, over answers.
        for rule in own_rules().into_iter().filter(|rule| rule.info.domain == DetectorId::Secrets) {
            let name = format!("{OWN_FOLDER}/{}.md", rule.info.id);
            score.add(&detector, &rule.info.id, &name, rule.document);
        }
    }
    for file in rule_files(paths)? {
        score.add_file(&file)?;
    }
    score.tell()
}

fn options() -> Options {
    Options {
        // Fingerprints are not looked at, so any key will do.
        key: FingerprintKey([0; 32]),
        decode_depth: 0,
        display: Display::Masked,
        disabled: Vec::new(),
        least: Confidence::Low,
    }
}

/// The rule files that paths name: a file as it is, of a folder every rule file in it.
fn rule_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).with_context(|| format!("{}: cannot be read", path.display()))?;
        let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        found.retain(|p| p.extension().is_some_and(|e| e == "toml" || is_yaml(p)));
        if found.is_empty() {
            bail!("{}: holds no rule file (*.toml, *.yml, *.yaml)", path.display());
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Nosey Parker's and Kingfisher's rules bring their cases themselves.
fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "yml" || e == "yaml")
}

fn read(path: &Path) -> Result<String> {
    crate::files::read_text(path)
}

impl Score {
    fn add_file(&mut self, file: &Path) -> Result<()> {
        if is_yaml(file) {
            return self.add_examples(file);
        }
        let rules = crate::rules::load_file(file)?;
        let ids: Vec<String> = rules.rules.iter().map(|r| r.info.id.clone()).collect();
        let detector = SecretsDetector::with_rules(vec![rules], Own::Replace, options());
        let detector = detector.map_err(|why| anyhow::anyhow!("{}: {why}", file.display()))?;
        let document = file.with_extension("md");
        let text = read(&document).context("the cases of a rule file stand in the .md file beside it")?;
        let [id] = ids.as_slice() else {
            bail!(
                "{}: has {} rules; cases belong to one rule, so give each rule its own file",
                file.display(),
                ids.len()
            );
        };
        self.add(&detector, id, &document.display().to_string(), &text);
        Ok(())
    }

    /// The examples of a YAML file.
    fn add_examples(&mut self, file: &Path) -> Result<()> {
        let name = file.display().to_string();
        for tested in examples::run(&name, &read(file)?)? {
            self.cases += tested.results.len();
            if tested.results.is_empty() {
                self.untested.push(tested.id.clone());
            }
            let place = format!("{name}:{}: rule {}", tested.line, tested.id);
            let (negative, positive): (Vec<Outcome>, Vec<Outcome>) =
                tested.results.iter().partition(|outcome| matches!(outcome, Outcome::Quiet | Outcome::Loud));
            let numbered = |outcomes: Vec<Outcome>| outcomes.into_iter().zip(1..);
            for (outcome, example) in numbered(positive).chain(numbered(negative)) {
                match outcome {
                    Outcome::Found | Outcome::Quiet => {}
                    Outcome::Missed => {
                        self.failures.push(format!("{place} does not match its example {example}"));
                    }
                    Outcome::Loud => {
                        self.failures.push(format!("{place} finds something in its negative example {example}"));
                    }
                    Outcome::Dropped => {
                        self.dropped.push(format!("{place} matches its example {example}, and its conditions drop it"));
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, detector: &SecretsDetector, id: &str, name: &str, document: &str) {
        let expanded = |case: Case| SEEDS.map(|seed| Case { text: document::expand(&case.text, seed), ..case.clone() });
        self.run(detector, id, name, document::cases(document).into_iter().map(|case| expanded(case).to_vec()));
    }

    /// Runs cases, each in all its variants; one variant that fails makes one failure.
    fn run(&mut self, detector: &SecretsDetector, id: &str, name: &str, cases: impl Iterator<Item = Vec<Case>>) {
        let before = self.cases;
        for variants in cases {
            self.cases += 1;
            if let Some(failure) = variants.iter().find_map(|case| failure(detector, id, case)) {
                self.failures.push(format!("{name}:{failure}"));
            }
        }
        if self.cases == before {
            self.untested.push(id.to_owned());
        }
    }

    fn tell(&self) -> Result<ExitCode> {
        for rule in &self.untested {
            crate::terminal::note(&format!("rule {rule} has no case in its document"));
        }
        for dropped in &self.dropped {
            crate::terminal::note(dropped);
        }
        for failure in &self.failures {
            crate::terminal::error(failure);
        }
        let dropped = if self.dropped.is_empty() {
            String::new()
        } else {
            format!(", {} matched and not reported", self.dropped.len())
        };
        crate::terminal::stdout(&format!("{} cases, {} failed{dropped}\n", self.cases, self.failures.len()))?;
        Ok(if self.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What is wrong with a case, none where it holds.
fn failure(detector: &SecretsDetector, id: &str, case: &Case) -> Option<String> {
    // Guesses of low confidence are not what a case is about, but of a rule that is never sure.
    let name = case.file.as_deref().unwrap_or(CASE_NAME);
    let unsure = detector.infos().iter().any(|info| info.id == id && info.confidence == Confidence::Low);
    let counts = |f: &Finding| f.confidence > Confidence::Low || unsure && f.rule == id;
    let findings: Vec<_> = detector.findings_of(name, &case.text).into_iter().filter(counts).collect();
    let own = findings.iter().any(|f| f.rule == id);
    match case.expect {
        // Of several rules that find one secret the surer one names it: the case holds all the same.
        Expect::Found if findings.is_empty() => {
            Some(format!("{}: rule {id} finds nothing in this bad case", case.line))
        }
        Expect::Quiet if own => Some(format!("{}: rule {id} finds something in this good case", case.line)),
        Expect::Found | Expect::Quiet => None,
    }
}
