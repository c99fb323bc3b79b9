//! Target: reports of other tools.

use testudo_import::{Digests, FORMATS, Imported, Project, Report, read};
use testudo_model::hex;

use crate::input::text;

/// Digests that tell texts apart, and no more.
struct Sums;

impl Digests for Sums {
    fn identity(&self, parts: &[&str]) -> [u8; 16] {
        let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
        let sum = bytes.fold(7_u128, |sum, byte| sum.wrapping_mul(1_000_003).wrapping_add(u128::from(byte)));
        sum.to_be_bytes()
    }

    fn secret(&self, value: &str) -> String {
        hex(&self.identity(&[value]))
    }
}

/// A report of the format that is found, and of every format that a user may name: an error or an account, the same twice.
pub fn report(data: &[u8]) {
    let text = text(data);
    for said in FORMATS.iter().map(Some).chain([None]) {
        let report = Report { file: "report", bytes: text.as_bytes(), said };
        let project = Project { roots: vec!["/srv/app".to_owned()], working: "/srv/app".to_owned(), digests: &Sums };
        let found = read(&report, &project);
        assert_eq!(found, read(&report, &project), "two readings differ");
        match found {
            Ok(all) => all.iter().for_each(check),
            Err(error) => assert!(error.to_string().starts_with("report:"), "{error}"),
        }
    }
}

fn check(imported: &Imported) {
    assert!(!imported.coverage.is_empty(), "a report without an account");
    let counted: u64 =
        imported.coverage.iter().flat_map(|c| [c.counts.get("findings"), c.counts.get("suppressed")]).flatten().sum();
    assert_eq!(counted, imported.findings.len() as u64);
    for finding in &imported.findings {
        assert!(finding.rule.starts_with(&format!("{}/", imported.tool)), "{}", finding.rule);
        assert!(!finding.rule.contains(|c: char| c.is_whitespace() || c == ','), "{:?}", finding.rule);
        assert!(finding.snippet.is_none() && finding.location.path.as_deref().is_some_and(|path| !path.is_empty()));
        assert!(imported.rules.iter().any(|rule| rule.id == finding.rule));
    }
}
