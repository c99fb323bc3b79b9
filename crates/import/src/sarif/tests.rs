//! A small log of every form that results come in.

use testudo_model::CoverageState;

use crate::test::{import, import_as, lines};

fn log(driver: &str, results: &str, more: &str) -> String {
    format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{{driver}}}}},"results":[{results}]{more}}}]}}"#)
}

const RULES: &str = r#""name":"Acme Lint","semanticVersion":"1.2.3","rules":[
    {"id":"A1","name":"UnsafeCall","shortDescription":{"text":"Unsafe call"},"helpUri":"https://docs.example/A1","help":{"text":"Do not."},
     "properties":{"security-severity":"8.1","precision":"medium","tags":["external/cwe/cwe-079","OWASP-A03:2021"]}},
    {"id":"A2","messageStrings":{"default":{"text":"{0} calls {1}"}},"defaultConfiguration":{"level":"note"}}]"#;

fn at(uri: &str, line: u32) -> String {
    format!(
        r#""locations":[{{"physicalLocation":{{"artifactLocation":{{{uri}}},"region":{{"startLine":{line},"startColumn":2,"snippet":{{"text":"run( x )"}}}}}}}}]"#
    )
}

#[test]
fn results_take_what_they_lack_from_their_rule() {
    let results = [
        format!(r#"{{"ruleId":"A1","level":"note","message":{{"text":"bad"}},{}}}"#, at(r#""uri":"src/a%20b.rs""#, 3)),
        format!(r#"{{"ruleIndex":1,"message":{{"id":"default","arguments":["f","g"]}},{}}}"#, at(r#""index":0"#, 4)),
        format!(
            r#"{{"ruleId":"A2/1","message":{{"text":"below base"}},{}}}"#,
            at(r#""uri":"c.rs","uriBaseId":"ROOT""#, 5)
        ),
        r#"{"ruleId":"new","level":"error","message":{"text":"no place"}}"#.to_owned(),
        r#"{"ruleId":"A1","kind":"pass","message":{"text":"fine"}}"#.to_owned(),
        r#"{"ruleId":"A1","baselineState":"absent","message":{"text":"gone"}}"#.to_owned(),
        r#"{"ruleId":"A2","message":{"text":"ok"},"suppressions":[{"kind":"external","justification":"a test"}]}"#
            .to_owned(),
        r#"{"ruleId":"A2","message":{"text":"asked"},"suppressions":[{"kind":"external","status":"underReview"}]}"#
            .to_owned(),
        r#"{"message":{"text":"whose?"}}"#.to_owned(),
    ];
    let more = r#","artifacts":[{"location":{"uri":"src/b.rs"}}],"originalUriBaseIds":{"ROOT":{"uri":"file:///srv/app/sub/"}}"#;
    let imported = import(&log(RULES, &results.join(","), more));
    assert_eq!(
        lines(&imported),
        [
            "code low acme-lint/A2 report:0 asked",
            "code low acme-lint/A2 report:0 ok -- a test",
            "code high acme-lint/new report:0 no place",
            "code high acme-lint/A1 src/a b.rs:3 bad",
            "code low acme-lint/A2 src/b.rs:4 f calls g",
            "code low acme-lint/A2/1 sub/c.rs:5 below base",
        ]
    );
    let a1 = &imported.findings[3];
    assert_eq!((a1.cwe.as_slice(), a1.owasp[0].as_str(), a1.confidence.as_str()), (&[79][..], "A03:2021", "medium"));
    assert_eq!((a1.title.as_str(), a1.snippet.as_ref()), ("Unsafe call", None));
    let rule = imported.rules.iter().find(|rule| rule.id == "acme-lint/A1").unwrap();
    assert_eq!((rule.help.as_str(), rule.references[0].0.as_str()), ("Do not.", "https://docs.example/A1"));
    assert_eq!(imported.notices[0].message, "results[8] of acme-lint is not imported: it names no rule");
    let coverage = &imported.coverage[0];
    assert_eq!((coverage.state, coverage.counts["passed"], coverage.rules), (CoverageState::Incomplete, 1, 2));
}

#[test]
fn fingerprints_prefer_the_tools_own_and_never_hold_lines() {
    let print = |line: u32, prints: &str| {
        let result = format!(
            r#"{{"ruleId":"A1","message":{{"text":"bad"}},"partialFingerprints":{prints},{}}}"#,
            at(r#""uri":"a""#, line)
        );
        import(&log(RULES, &result, "")).findings[0].fingerprint.clone()
    };
    let own = |hash: &str| format!(r#"{{"primaryLocationLineHash":"{hash}"}}"#);
    assert_eq!(print(3, &own("a1:1")), print(9, &own("a1:1")));
    assert_ne!(print(3, &own("a1:1")), print(3, &own("b2:1")));
    let login = r#"{"matchBasedId/v1":"requires login"}"#;
    assert_eq!(print(3, login), print(9, "{}"));
}

#[test]
fn tools_of_secrets_show_none() {
    let value = ["k3y", "V4l", "ue9", "Zz8"].concat();
    let region = format!(r#""region":{{"startLine":1,"snippet":{{"text":"{value}"}}}}"#);
    let place = format!(r#""locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"a"}},{region}}}}}]"#);
    let result = format!(r#"{{"ruleId":"acme-key","message":{{"text":"found {value} in a"}},{place}}}"#);
    for (tool, rule) in [("gitleaks", "gitleaks/acme-key"), ("Acme Lint", "acme-lint/acme-key")] {
        let text = log(
            &format!(r#""name":"{tool}""#),
            &result.replace("acme-key", if tool == "gitleaks" { "acme-key" } else { "acme-password" }),
            "",
        );
        let imported = import(&text);
        assert!(!format!("{imported:?}").contains(&value), "{imported:?}");
        assert!(imported.findings[0].message.contains("is left out"), "{imported:?}");
        assert_eq!(imported.findings[0].rule.split('/').next(), rule.split('/').next());
    }
}

#[test]
fn every_run_is_a_report_and_what_it_says_of_itself_counts() {
    let one = log(
        RULES,
        "",
        r#","invocations":[{"executionSuccessful":false,"toolExecutionNotifications":[{"level":"error","message":{"text":"a.rs broke"}}]}]"#,
    );
    let imported = import(&one);
    let told: Vec<_> = imported.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(told, ["acme-lint says: the run did not succeed", "acme-lint says: a.rs broke"]);
    assert_eq!(imported.coverage[0].state, CoverageState::Incomplete);
    let two = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"zizmor"}},"results":[]},{"tool":{"driver":{"name":"Trivy"}}}]}"#;
    let both = import_as(two, "").unwrap();
    let said: Vec<_> =
        both.iter().map(|i| (i.tool.as_str(), i.coverage[0].detector.as_str(), i.coverage[0].state)).collect();
    assert_eq!(said, [("zizmor", "ci", CoverageState::Complete), ("trivy", "deps", CoverageState::Incomplete)]);
    for wrong in [r#"{"version":"2.0.0","runs":[]}"#, r#"{"version":"2.1.0","runs":[]}"#] {
        assert!(import_as(wrong, "").is_err(), "{wrong}");
    }
}
