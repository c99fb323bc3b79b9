//! The examples that rules of Nosey Parker and Kingfisher bring along, run through the engine that scans use.
//!
//! The tools ask of an example that the expression matches it. So does this; what the rule's other conditions say to a
//! match is told beside it, because a rule whose own example is not reported may be stricter than its author thinks.

use testudo_model::{Confidence, Finding};

use crate::{
    load::{
        LoadError,
        yaml_rules::{self, YamlRule},
        yaml_ruleset::{self, Extent},
    },
    native::{Display, FingerprintKey, Options, Own, SecretsDetector},
};

/// A rule with how its examples went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Id of the rule.
    pub id: String,
    /// Line of the rule in its file, counted from 1.
    pub line: usize,
    /// One result an example: those that are to match, then those that are not, each in the order of the file.
    pub results: Vec<Outcome>,
}

/// How an example went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is found, as it is to be.
    Found,
    /// The expression matches, as it is to, and another condition of the rule drops the match.
    Dropped,
    /// The expression does not match an example.
    Missed,
    /// The rule finds nothing in a negative example, as it is to be.
    Quiet,
    /// The rule finds something in a negative example.
    Loud,
}

impl Outcome {
    /// Whether the example is as its author says.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::Found | Self::Dropped | Self::Quiet)
    }
}

/// Runs the examples of every rule in a file, hidden ones too.
///
/// # Errors
/// The file is refused, or an expression cannot be used.
pub fn run(path: &str, text: &str) -> Result<Vec<Tested>, LoadError> {
    let rules = yaml_rules::read(path, text)?;
    let (bare, whole) = (detector(path, text, Extent::Expressions)?, detector(path, text, Extent::Shown)?);
    Ok(rules.iter().map(|rule| test(rule, &bare, &whole)).collect())
}

fn detector(path: &str, text: &str, extent: Extent) -> Result<SecretsDetector, LoadError> {
    let options = Options {
        // Fingerprints are not looked at, so any key will do.
        key: FingerprintKey([0; 32]),
        decode_depth: 0,
        display: Display::Masked,
        disabled: Vec::new(),
        least: Confidence::Low,
    };
    let set = yaml_ruleset::load(path, text, extent)?;
    SecretsDetector::with_rules(vec![set], Own::Replace, options).map_err(|why| LoadError::file(path, why))
}

fn test(rule: &YamlRule, bare: &SecretsDetector, whole: &SecretsDetector) -> Tested {
    let finds = |detector: &SecretsDetector, text: &str| {
        let of_rule = |finding: &Finding| finding.rule == rule.id;
        // A text of no name, so that only what it says counts.
        detector.findings_of("example", text).iter().any(of_rule)
    };
    let wanted = |text: &String| match finds(bare, text) {
        false => Outcome::Missed,
        // A rule about paths does not know this one.
        true if rule.path.is_some() || finds(whole, text) => Outcome::Found,
        true => Outcome::Dropped,
    };
    let unwanted = |text: &String| if finds(whole, text) { Outcome::Loud } else { Outcome::Quiet };
    let results = rule.examples.iter().map(wanted).chain(rule.negative_examples.iter().map(unwanted)).collect();
    Tested { id: rule.id.clone(), line: rule.span.0, results }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_judged_by_the_expression_and_what_drops_a_match_is_told() {
        let text = "rules:\n\
            - id: a\n  name: n\n  pattern: 'k=(\\w+)'\n  min_entropy: 2\n\
            \x20 examples: ['k=q8Zr7Tn2', 'k=aabb', 'x']\n  negative_examples: ['x', 'k=aa', 'k=q8Zr7Tn2']\n\
            - {id: h, name: n, pattern: 'h(\\d+)', visible: false, examples: [h12]}\n";
        let results: Vec<_> = run("f.yml", text).unwrap().into_iter().map(|t| (t.id, t.line, t.results)).collect();
        use Outcome::{Dropped, Found, Loud, Missed, Quiet};
        let expected =
            [("a".to_owned(), 2, vec![Found, Dropped, Missed, Quiet, Quiet, Loud]), ("h".to_owned(), 8, vec![Found])];
        assert_eq!(results, expected);
    }
}
