//! Targets: detectors over arbitrary text, decoders, masking, inline suppressions.

use testudo_model::Finding;
use testudo_redact::{mask, mask_ranges, printable};
use testudo_scan::{Detector as _, Fuel, Output, markers};
use testudo_secrets::{document::expand, gitleaks::LineDecoder, native::SecretsDetector};
use testudo_source::{Origin, Unit};

use crate::{
    input::{Input, text},
    rules::OWN,
};

/// Names that choose a reader of credential files, a syntax of assignments, or nothing.
const NAMES: &[&str] = &[
    "src/app.conf",
    "a.py",
    "a.json",
    "a.yaml",
    "a.xml",
    "a.tf",
    ".env",
    ".npmrc",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    ".docker/config.json",
    ".aws/credentials",
    "wp-config.php",
    "a.properties",
    "kubeconfig",
    ".htpasswd",
    "a.ipynb",
    "docker-compose.yml",
    "secret.yaml",
    "a.min.js",
    "id_rsa",
    ".my.cnf",
    "rclone.conf",
    "settings.xml",
    "a.sql",
];

/// Looks at a text twice: the findings are the same, and lie inside it.
pub(crate) fn inspect(detector: &SecretsDetector, name: &str, data: &[u8]) -> Vec<Finding> {
    let unit = Unit::new(name, data.to_vec(), Origin::File);
    let run = || {
        let (mut output, mut fuel) = (Output::default(), Fuel::for_unit(unit.bytes.len()));
        detector.worker().inspect(&unit, &mut fuel, &mut output);
        (output.findings, output.notices)
    };
    let (findings, notices) = run();
    assert_eq!((&findings, &notices), (&run().0, &run().1), "two runs differ");
    for finding in &findings {
        if let Some(span) = finding.location.span {
            assert!(span.start.offset <= span.end.offset && span.end.offset <= unit.bytes.len() as u64, "{finding:?}");
            assert!((span.start.line, span.start.column) <= (span.end.line, span.end.column), "{finding:?}");
        }
        if let Some(snippet) = &finding.snippet {
            let (from, to) = snippet.highlight;
            assert!(snippet.text.get(from..to).is_some(), "{finding:?}");
        }
    }
    findings
}

/// Our own detector: the first byte chooses the name of the file, templates in the text become values.
pub fn native(data: &[u8]) {
    let mut input = Input::new(data);
    let name = NAMES[usize::from(input.byte()) % NAMES.len()];
    let rest = input.rest();
    match std::str::from_utf8(rest) {
        Ok(text) => inspect(&OWN, name, expand(text, 5).as_bytes()),
        Err(_) => inspect(&OWN, name, rest),
    };
}

/// Decoding: what is found hidden lies on its line, and its origin inside the text.
pub fn decoders(data: &[u8]) {
    let mut input = Input::new(data);
    let decoder = LineDecoder::new(usize::from(input.byte() % 6));
    let rest = input.rest();
    decoder.decode(rest, &mut |hidden| {
        let line = hidden.line();
        assert!(rest.get(line.clone()).is_some());
        let len = hidden.text.len();
        for range in [0..len, len / 3..len / 2, len.saturating_sub(1)..len] {
            if let Some((origin, names)) = hidden.origin(&range) {
                assert!(!names.is_empty());
                assert!(rest.get(origin.clone()).is_some(), "{origin:?} is outside of {}", rest.len());
            }
        }
    });
}

/// Masking: no byte of a masked range longer than what a mask shows is left, and masks are where they are said to be.
pub fn redaction(data: &[u8]) {
    let mut input = Input::new(data);
    let count = usize::from(input.byte() % 5);
    let ranges: Vec<_> = (0..count)
        .map(|_| {
            let start = usize::from(input.byte());
            start..start + usize::from(input.byte())
        })
        .collect();
    let rest = input.rest();
    let (masked, places) = mask_ranges(rest, &ranges);
    assert_eq!(places.len(), ranges.len());
    for (range, place) in ranges.iter().zip(&places) {
        let shown = masked.get(place.clone());
        let inside = range.start < range.end && range.end <= rest.len();
        assert!(shown.is_some_and(|shown| inside == shown.contains('…')), "{range:?} {place:?} {masked:?}");
    }
    let secret = text(rest);
    let short = mask(&secret);
    assert!(short.chars().count() <= 8 + 1 + 22 && !short.chars().any(char::is_control));
    assert!(!printable(&secret).chars().any(char::is_control));
}

/// Inline suppressions.
pub fn inline_markers(data: &[u8]) {
    let lines = data.split(|b| *b == b'\n').count() as u32;
    for marker in markers(data) {
        assert!(marker.line >= 1 && marker.line <= lines && marker.rules.iter().all(|r| !r.is_empty()));
        assert!(!marker.covers("no-such-rule", 0));
    }
}
