//! What the tests of all formats share, and what holds for every format: no secret comes out, no damage is a panic.

use testudo_model::Finding;

use crate::{Digests, FORMATS, Format, ImportError, Imported, Project, Report, parse, read};

/// Digests that are good enough to tell texts apart.
pub(crate) struct NoDigests;

impl Digests for NoDigests {
    fn identity(&self, parts: &[&str]) -> [u8; 16] {
        // FNV-1a, 128 bits.
        let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        hash.to_be_bytes()
    }

    fn secret(&self, value: &str) -> String {
        testudo_model::hex(&self.identity(&["secret", value]))
    }
}

/// A project below `/srv/app`, read from its root.
pub(crate) fn project() -> Project<'static> {
    Project { roots: vec!["/srv/app".to_owned()], working: "/srv/app".to_owned(), digests: &NoDigests }
}

/// Reads a report, of a named format or of the one that is found.
pub(crate) fn import_as(text: &str, format: &str) -> Result<Vec<Imported>, ImportError> {
    let report = Report { file: "report", bytes: text.as_bytes(), said: Format::named(format) };
    read(&report, &project())
}

/// Reads a report whose format is found.
pub(crate) fn import(text: &str) -> Imported {
    import_as(text, "").unwrap().remove(0)
}

/// One line a finding, as short as a test can compare it; by place, rule and message, where digests decide nothing.
pub(crate) fn lines(imported: &Imported) -> Vec<String> {
    let line = |f: &Finding| {
        let gone = f.suppressed.as_ref().map(|s| format!(" -- {}", s.reason)).unwrap_or_default();
        let path = f.location.path.as_deref().unwrap_or_default();
        format!("{} {} {} {}:{} {}{gone}", f.detector, f.severity, f.rule, path, f.location.line(), f.message)
    };
    let mut all: Vec<&Finding> = imported.findings.iter().collect();
    all.sort_by_key(|f| (&f.location, &f.rule, &f.message, f.suppressed.is_some()));
    all.into_iter().map(line).collect()
}

/// The seeds of the fuzz target: a small valid report of each format, named after it.
fn seeds() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/import");
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn every_format_is_recognised_by_itself_alone() {
    let seeds = seeds();
    let names: Vec<&str> = seeds.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, FORMATS.iter().map(|format| format.name).collect::<Vec<_>>(), "a seed a format, in order");
    for (name, text) in &seeds {
        let document = parse(&Report { file: name, bytes: text.as_bytes(), said: None }).unwrap();
        let known: Vec<&str> = FORMATS.iter().filter(|f| (f.detect)(&document)).map(|f| f.name).collect();
        assert_eq!(known, [name.as_str()]);
    }
}

#[test]
fn no_secret_of_a_report_leaves_it() {
    for (name, text) in seeds() {
        let all = import_as(&text, &name).unwrap();
        assert!(all.iter().all(|imported| !imported.findings.is_empty()), "{name}");
        assert!(!format!("{all:?}").contains("swordfish"), "{name}: {all:?}");
    }
}

#[test]
fn damaged_reports_are_errors_or_notices_and_never_a_panic() {
    let seeds = seeds();
    let mut state = 11_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit.max(1)
    };
    let words = [
        "null",
        "[]",
        "{}",
        "-1",
        "\"\"",
        "1e999",
        "4294967296",
        "\"\\u0000\"",
        "<x>",
        "&y;",
        "true",
        "\"CKV\"",
        "99999999999999999999",
    ];
    let (mut read_well, mut refused) = (0, 0);
    for round in 0..4_000 {
        let (name, text) = &seeds[round % seeds.len()];
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            let mut ends = bytes.iter().enumerate().skip(at + 1).filter(|(_, byte)| b",:}]<>\"".contains(byte));
            let end = ends.nth(below(3)).map_or(bytes.len(), |(end, _)| end);
            match below(4) {
                0 => bytes[at] ^= 1 << below(8),
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..end, words[below(words.len())].bytes())),
                // The value of a key becomes another one, so that the document stays whole.
                _ => {
                    let colon = bytes.iter().skip(at).position(|byte| *byte == b':').map_or(at, |to| at + to + 1);
                    let end =
                        bytes.iter().skip(colon).position(|byte| b",}".contains(byte)).map_or(colon, |to| colon + to);
                    drop(bytes.splice(colon..end, words[below(words.len())].bytes()));
                }
            }
        }
        let report = Report { file: "report", bytes: &bytes, said: Format::named(name).filter(|_| round % 2 == 0) };
        match read(&report, &project()) {
            Ok(all) => {
                read_well += 1;
                assert!(all.iter().all(|imported| !imported.coverage.is_empty()));
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().starts_with("report:"), "{error}");
            }
        }
    }
    assert!(read_well > 500 && refused > 500, "{read_well} read, {refused} refused: the changes test one side only");
}

/// What a report does not hold, or says that it did not do, is never taken for clean.
#[test]
fn a_report_that_lacks_its_verdict_is_incomplete() {
    let run =
        |more: &str| format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"acme"}}}},{more}}}]}}"#);
    let invoked = |more: &str| run(&format!(r#""results":[],"invocations":[{{{more}}}]"#));
    let trivy = |more: &str| format!(r#"{{"SchemaVersion":2,"ArtifactName":"app"{more}}}"#);
    let checkov = |results: &str, summary: &str| {
        format!(r#"{{"check_type":"terraform","results":{results},"summary":{{{summary}}}}}"#)
    };
    for text in [
        run(r#""results":{}"#),
        run(r#""results":0"#),
        run(r#""results":[],"externalPropertyFileReferences":{"results":[{}]}"#),
        r#"{"version":"2.1.0","runs":[{"results":[]}]}"#.to_owned(),
        invoked(r#""executionSuccessful":"false""#),
        invoked(r#""processStartFailureMessage":"no such file""#),
        invoked(
            r#""executionSuccessful":true,"toolExecutionNotifications":[{"level":"error","message":{"text":"x"}}]"#,
        ),
        trivy(""),
        trivy(r#","Results":{"a":1}"#),
        trivy(r#","Results":[{"Target":"a","Vulnerabilities":{"a":1}}]"#),
        trivy(r#","Results":[{"Target":"a","Class":"config","MisconfSummary":{"Failures":5}}]"#),
        checkov(r#"{"failed_checks":{}}"#, ""),
        checkov(r#"{"failed_checks":[]}"#, r#""failed":7"#),
        checkov(r#"{"failed_checks":[]}"#, r#""parsing_errors":2"#),
        r#"{"passed":0,"failed":0,"resource_count":0,"checkov_version":"3.2.0"}"#.to_owned(),
        r#"{"results":[],"errors":[],"paths":{"scanned":[]}}"#.to_owned(),
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[]}"#.to_owned(),
        r#"<testsuite errors="1"><testcase name="a"/></testsuite>"#.to_owned(),
        r#"<testsuite><testcase name="a"><skipped/></testcase></testsuite>"#.to_owned(),
    ] {
        // Of an unnamed JUnit report that passes nothing is known anyhow.
        let format = if text.starts_with('<') { "junit" } else { "" };
        let imported = import_as(&text, format).unwrap().remove(0);
        let states: Vec<_> = imported.coverage.iter().map(|coverage| coverage.state).collect();
        assert_eq!(states, [testudo_model::CoverageState::Incomplete], "{text}");
    }
    let bandit = r#"{"errors":[],"generated_at":"2026-01-31T12:00:00Z","metrics":{},"results":[]}"#;
    assert!(!crate::semgrep::detect(
        &crate::parse(&crate::Report { file: "r", bytes: bandit.as_bytes(), said: None }).unwrap()
    ));
}

#[test]
fn a_suite_that_fails_and_a_case_in_a_case_are_findings() {
    let text = r#"<testsuite name="s"><error message="cannot start"/><testcase name="a"><failure message="x"/>
        <testcase name="b"><failure message="y"/></testcase></testcase></testsuite>"#;
    assert_eq!(import(text).findings.len(), 3);
}
