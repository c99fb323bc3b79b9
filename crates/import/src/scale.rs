//! Words and scores of other tools on our scales. `docs/src/reference/import.md` holds the same tables for users.

use testudo_model::{Confidence, Persona, Severity};

/// A severity word that means the same everywhere.
pub(crate) fn severity(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" => Severity::Low,
        "info" | "informational" | "none" | "negligible" => Severity::Info,
        _ => return None,
    })
}

/// A level of SARIF (2.1.0, 3.27.10), or of Semgrep's rules, which mean the same.
pub(crate) fn level(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "note" | "info" => Severity::Low,
        "none" | "inventory" | "experiment" => Severity::Info,
        _ => return None,
    })
}

/// A score from 0 to 10 by the ratings of CVSS 3.1, section 5, which `security-severity` follows too.
pub(crate) fn score(score: f64) -> Severity {
    match score {
        s if s >= 9.0 => Severity::Critical,
        s if s >= 7.0 => Severity::High,
        s if s >= 4.0 => Severity::Medium,
        s if s > 0.0 => Severity::Low,
        _ => Severity::Info,
    }
}

/// A confidence or a precision of SARIF.
pub(crate) fn confidence(word: &str) -> Option<Confidence> {
    Some(match word.to_ascii_lowercase().as_str() {
        "very-high" | "high" => Confidence::High,
        "medium" => Confidence::Medium,
        "low" | "unknown" => Confidence::Low,
        _ => return None,
    })
}

/// A persona; zizmor has the same three.
pub(crate) fn persona(word: &str) -> Option<Persona> {
    word.parse().ok()
}

/// Numbers of the CWE list in texts such as `CWE-79: Cross-site scripting`, sorted.
pub(crate) fn cwe<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
    let number = |text: &str| {
        let at = text.to_ascii_lowercase().find("cwe-")? + 4;
        let digits: String = text.get(at..)?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let mut found: Vec<u32> = texts.into_iter().filter_map(number).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// OWASP Top Ten categories in texts such as `A03:2021 - Injection`, in the form `A03:2021`, sorted.
pub(crate) fn owasp<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = texts.into_iter().filter_map(category).collect();
    found.sort();
    found.dedup();
    found
}

fn category(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').find_map(|word| {
        let (number, year) = word.strip_prefix('A')?.split_once(':')?;
        let (number, year): (u8, u16) = (number.parse().ok()?, year.parse().ok()?);
        ((1..=10).contains(&number) && (2000..2100).contains(&year)).then(|| format!("A{number:02}:{year}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_words_have_their_places() {
        for (number, expected) in [
            (10.0, Severity::Critical),
            (9.0, Severity::Critical),
            (8.9, Severity::High),
            (4.0, Severity::Medium),
            (0.1, Severity::Low),
            (0.0, Severity::Info),
            (f64::NAN, Severity::Info),
        ] {
            assert_eq!(score(number), expected, "{number}");
        }
        assert_eq!((severity("HIGH"), severity("UNKNOWN")), (Some(Severity::High), None));
        assert_eq!((level("INFO"), level("none")), (Some(Severity::Low), Some(Severity::Info)));
        assert_eq!(confidence("very-high"), Some(Confidence::High));
    }

    #[test]
    fn weaknesses_are_found_in_texts() {
        assert_eq!(cwe(["CWE-798: x", "external/cwe/cwe-079", "cwe-", "CWE-79"]), [79, 798]);
        assert_eq!(
            owasp(["A03:2021 - Injection", "OWASP-A1:2017 - x", "A99:2021", "BA1:2017"]),
            ["A01:2017", "A03:2021"]
        );
    }
}
