//! Tests of `apply`, and the small findings that the tests of this crate share.

use testudo_model::{
    Confidence, Coverage, CoverageState, Persona, Position, ScanReport, Severity, Span, Summary, ToolInfo,
};

use super::*;

/// A finding of `rule` whose fingerprint and line are `n`.
pub(crate) fn finding(rule: &str, n: u8) -> Finding {
    let at = Position { line: u32::from(n), column: 1, offset: 0 };
    Finding {
        id: n.to_string(),
        rule: rule.to_owned(),
        title: "title".to_owned(),
        message: "message".to_owned(),
        severity: Severity::High,
        confidence: Confidence::High,
        persona: Persona::Regular,
        detector: DetectorId::Code,
        location: Location::span("src/a.rs", Span { start: at, end: at }),
        related: vec![],
        fingerprint: Fingerprint::from_digest([n; 16]),
        cwe: vec![],
        owasp: vec![],
        aliases: vec![],
        owner: vec![],
        snippet: None,
        fix: None,
        verification: None,
        suppressed: None,
        properties: BTreeMap::new(),
    }
}

/// The same of the secret detector, with a digest of the value.
pub(crate) fn secret(rule: &str, n: u8) -> Finding {
    let digest = format!("{n:02x}").repeat(16);
    let properties = BTreeMap::from([(EntryKey::SECRET_PROPERTY.to_owned(), digest.into())]);
    Finding { detector: DetectorId::Secrets, properties, ..finding(rule, n) }
}

pub(crate) fn suppressed(finding: Finding, kind: SuppressionKind) -> Finding {
    let suppressed = Some(Suppression { kind, reason: "because".to_owned(), owner: None, until: None });
    Finding { suppressed, ..finding }
}

pub(crate) fn coverage(detector: DetectorId, state: CoverageState) -> Coverage {
    Coverage {
        detector,
        state,
        rules_digest: String::new(),
        rules: 1,
        scope: vec![],
        units: 1,
        bytes: 1,
        skipped: BTreeMap::new(),
        counts: BTreeMap::new(),
        tool: None,
    }
}

pub(crate) fn report(findings: Vec<Finding>, coverage: Vec<Coverage>, notices: Vec<Notice>) -> ScanReport {
    ScanReport {
        schema: ScanReport::SCHEMA.to_owned(),
        tool: ToolInfo { name: "testudo".to_owned(), version: "0".to_owned() },
        started: String::new(),
        targets: vec![],
        findings,
        coverage,
        notices,
        summary: Summary::default(),
        rules: vec![],
    }
}

fn run() -> Run {
    Run {
        today: "2026-11-22".parse().unwrap(),
        scope: Scope::Whole,
        ran: BTreeSet::from([DetectorId::Secrets, DetectorId::Code]),
        rules: BTreeMap::from([
            ("aws".to_owned(), DetectorId::Secrets),
            ("xss".to_owned(), DetectorId::Code),
            ("cve".to_owned(), DetectorId::Deps),
        ]),
    }
}

fn file(lines: &[String]) -> Option<IgnoreFile> {
    let (file, notices) = IgnoreFile::parse(&lines.join("\n"), "testudo.ignore");
    assert_eq!(notices, []);
    Some(file)
}

fn hmac(n: u8, fields: &str) -> String {
    format!("hmac16:{} {fields}", format!("{n:02x}").repeat(16))
}

fn fp(n: u8, fields: &str) -> String {
    format!("fp:{} {fields}", Fingerprint::from_digest([n; 16]))
}

fn kinds(applied: &Applied) -> Vec<Option<SuppressionKind>> {
    applied.findings.iter().map(|f| f.suppressed.as_ref().map(|s| s.kind)).collect()
}

fn codes(applied: &Applied) -> Vec<NoticeCode> {
    applied.notices.iter().map(|n| n.code).collect()
}

#[test]
fn entries_accept_by_value_and_rule_and_never_by_place() {
    let ignore = file(&[hmac(1, "rule=aws reason=x"), hmac(2, "rule=other reason=x"), fp(4, "rule=* reason=x")]);
    let policy = Policy { ignore, ..Policy::default() };
    let mut moved = secret("aws", 1);
    moved.location = Location::file("elsewhere");
    moved.fingerprint = Fingerprint::from_digest([77; 16]);
    // A new value on the accepted line: same place, other digest.
    let mut changed = secret("aws", 5);
    changed.location = secret("aws", 1).location;
    let findings = vec![secret("aws", 1), moved, changed, secret("aws", 2), finding("xss", 4)];
    let applied = apply(findings, &policy, &run());
    let file = Some(SuppressionKind::File);
    assert_eq!(kinds(&applied), [file, file, None, None, file]);
    assert_eq!(codes(&applied), [NoticeCode::UnusedSuppression], "{:?}", applied.notices);
}

#[test]
fn the_first_entry_that_fits_gives_the_reason_and_the_others_are_in_use_too() {
    let ignore = file(&[fp(1, "rule=xss reason=second"), fp(1, "rule=* reason=first")]);
    let applied = apply(vec![finding("xss", 1)], &Policy { ignore, ..Policy::default() }, &run());
    assert_eq!(applied.findings[0].suppressed.as_ref().unwrap().reason, "first");
    assert_eq!(codes(&applied), []);
}

#[test]
fn the_ignore_file_goes_before_the_baseline_and_comments_before_both() {
    let policy = Policy {
        ignore: file(&[fp(1, "rule=xss reason=mine owner=@me expires=2027-01-01"), fp(2, "rule=xss reason=mine")]),
        baseline: file(&[fp(1, "rule=xss reason=baseline"), fp(2, "rule=xss"), fp(3, "rule=xss")]),
        ..Policy::default()
    };
    let findings = vec![
        finding("xss", 1),
        suppressed(finding("xss", 2), SuppressionKind::Inline),
        finding("xss", 3),
        suppressed(finding("xss", 9), SuppressionKind::Diff),
    ];
    let applied = apply(findings, &policy, &run());
    use SuppressionKind::{Baseline, Diff, File, Inline};
    assert_eq!(kinds(&applied), [Some(File), Some(Inline), Some(Baseline), Some(Diff)]);
    let first = applied.findings[0].suppressed.clone().unwrap();
    assert_eq!(
        (first.reason.as_str(), first.owner.as_deref(), first.until.as_deref()),
        ("mine", Some("@me"), Some("2027-01-01"))
    );
    assert_eq!(codes(&applied), [], "entries that a comment overtakes are not unused");
}

#[test]
fn entries_that_do_not_hold_are_told_once_and_suppress_nothing() {
    let policy = Policy {
        ignore: file(&[
            fp(1, "rule=* reason=old expires=2026-11-21"),
            fp(2, "rule=*"),
            fp(3, "rule=* reason=gone expires=2020-01-01"),
            fp(4, "rule=* reason=old expires=2020-01-01"),
            fp(4, "rule=* reason=renewed"),
        ]),
        ..Policy::default()
    };
    let findings = vec![finding("xss", 1), finding("xss", 1), finding("xss", 2), finding("xss", 4)];
    let applied = apply(findings, &policy, &run());
    assert_eq!(kinds(&applied), [None, None, None, Some(SuppressionKind::File)]);
    use NoticeCode::{ExpiredSuppression, InvalidSuppression};
    assert_eq!(codes(&applied), [ExpiredSuppression, InvalidSuppression, ExpiredSuppression, ExpiredSuppression]);
    assert_eq!(applied.notices[1].location.line(), 2);
}

#[test]
fn a_baseline_needs_no_owner_and_no_date() {
    let suppress = Suppress { require_owner: true, max_days: 7, ..Suppress::default() };
    let lines = [fp(1, "rule=* reason=x")];
    let ignore = Policy { ignore: file(&lines), suppress: suppress.clone(), ..Policy::default() };
    let baseline = Policy { baseline: file(&lines), suppress, ..Policy::default() };
    assert_eq!(kinds(&apply(vec![finding("xss", 1)], &ignore, &run())), [None]);
    assert_eq!(kinds(&apply(vec![finding("xss", 1)], &baseline, &run())), [Some(SuppressionKind::Baseline)]);
}

#[test]
fn comments_that_do_not_hold_are_told_and_the_file_is_asked_instead() {
    let inline = |n, until: &str, reason: &str| {
        let mut finding = suppressed(finding("xss", n), SuppressionKind::Inline);
        let suppression = finding.suppressed.as_mut().unwrap();
        suppression.until = Some(until.to_owned()).filter(|u| !u.is_empty());
        suppression.reason = reason.to_owned();
        finding
    };
    let policy = Policy { ignore: file(&[fp(2, "rule=xss reason=x")]), ..Policy::default() };
    let findings =
        vec![inline(1, "2026-11-21", "r"), inline(2, "", ""), inline(3, "tomorrow", "r"), inline(4, "", "r")];
    let applied = apply(findings, &policy, &run());
    assert_eq!(kinds(&applied), [None, Some(SuppressionKind::File), None, Some(SuppressionKind::Inline)]);
    use NoticeCode::{ExpiredSuppression, InvalidSuppression};
    assert_eq!(codes(&applied), [ExpiredSuppression, InvalidSuppression, InvalidSuppression]);
    assert!(applied.notices[0].message.contains("`xss`") && applied.notices[0].message.contains("2026-11-21"));
}

#[test]
fn unused_entries_are_told_only_where_they_could_have_been_used() {
    let lines = [
        hmac(1, "rule=aws reason=x"),
        hmac(2, "rule=* reason=x"),
        hmac(3, "rule=retired reason=x"),
        hmac(7, "rule=gitleaks/aws reason=x"),
        fp(4, "rule=xss reason=x"),
        fp(5, "rule=cve reason=x"),
        fp(6, "rule=* reason=x"),
    ];
    let policy = Policy { ignore: file(&lines), ..Policy::default() };
    let told = |run: &Run| apply(vec![], &policy, run).notices.len();
    assert_eq!(told(&run()), 4, "the deps detector did not run, and `*` on a fingerprint has no detector");
    assert_eq!(told(&Run { ran: BTreeSet::from([DetectorId::Deps]), ..run() }), 1);
    assert_eq!(told(&Run { scope: Scope::Part, ..run() }), 0);
}

#[test]
fn the_view_sets_findings_aside_after_suppressing_them() {
    let shown = finding("xss", 1);
    let findings = vec![
        shown.clone(),
        Finding { severity: Severity::Low, ..finding("xss", 2) },
        Finding { confidence: Confidence::Medium, ..finding("xss", 3) },
        Finding { persona: Persona::Pedantic, ..finding("xss", 4) },
    ];
    let policy = Policy { ignore: file(&[fp(2, "rule=xss reason=x")]), ..Policy::default() };
    let applied = apply(findings.clone(), &policy, &run());
    assert_eq!(applied.findings, [shown]);
    let hidden: Vec<_> = applied.hidden.iter().map(|f| (f.id.as_str(), f.suppressed.is_some())).collect();
    assert_eq!(hidden, [("2", true), ("3", false), ("4", false)]);
    assert_eq!(codes(&applied), [], "an entry for a hidden finding is in use");
    let all = View { severity: Severity::Info, confidence: Confidence::Low, persona: Persona::Auditor };
    assert_eq!(apply(findings, &Policy { view: all, ..Policy::default() }, &run()).findings.len(), 4);
}

#[test]
fn owners_come_from_the_finding_then_codeowners_then_the_default() {
    let (owners, _) = Owners::parse("/src/ @code\n/src/gen/\n", "CODEOWNERS");
    let policy = Policy { owners: Some(owners), default_owners: vec!["@all".to_owned()], ..Policy::default() };
    let at = |path: &str| Finding { location: Location::file(path), ..finding("xss", 1) };
    let mut nowhere = at("x");
    nowhere.location = Location::default();
    let mut own = at("src/a.rs");
    own.owner = vec!["@own".to_owned()];
    let applied = apply(vec![at("src/a.rs"), at("src/gen/a.rs"), at("other"), nowhere, own], &policy, &run());
    let found: Vec<_> = applied.findings.iter().map(|f| f.owner.join(" ")).collect();
    assert_eq!(found, ["@code", "@all", "@all", "@all", "@own"]);
}

#[test]
fn known_findings_are_marked_and_other_suppressions_stay() {
    let mut findings = vec![finding("a", 1), suppressed(finding("a", 2), SuppressionKind::Inline), finding("a", 3)];
    mark_known(&mut findings, &BTreeSet::from([1, 2].map(|n| Fingerprint::from_digest([n; 16]))));
    let kinds: Vec<_> = findings.iter().map(|f| f.suppressed.as_ref().map(|s| s.kind)).collect();
    assert_eq!(kinds, [Some(SuppressionKind::Diff), Some(SuppressionKind::Inline), None]);
}
