//! Semgrep: `semgrep scan --json`, and what Opengrep writes in its place.
//!
//! Without a login Semgrep writes `requires login` in place of fingerprint and lines. Then the message, which holds what a
//! rule puts into it, tells findings apart. Severities are `ERROR` high, `WARNING` medium, `INFO` low, or a word of ours.

use serde_json::Value;
use testudo_model::{Confidence, DetectorId, Severity};

use crate::{
    Document, ImportError, Input,
    draft::{Account, Draft, Ended, Identity, Place, span},
    json::Fields as _,
    scale, secret,
};

/// What stands where Semgrep tells the logged in only.
const LOGIN: &str = "requires login";

pub(crate) fn detect(document: &Document) -> bool {
    let json = document.json();
    // Others write `results` and `errors` too (Bandit): Semgrep says what it looked at, or names checks.
    let named = json.list("results").iter().any(|result| result.get("check_id").is_some());
    let lists = json.get("results").is_some_and(Value::is_array) && json.get("errors").is_some_and(Value::is_array);
    lists && (named || json.get("paths").is_some_and(Value::is_object))
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let json = input.document.json();
    let Some(results) = json.get("results").and_then(Value::as_array) else {
        return Err(input.lacks("has no list `results`; write it with semgrep scan --json"));
    };
    let mut account = Account::new("semgrep", json.text("version"));
    account.detectors.insert(DetectorId::Code);
    for (at, result) in results.iter().enumerate() {
        account.add(|| format!("results[{at}]"), || draft(result));
    }
    for error in json.list("errors") {
        let message = error.text("message").or_else(|| error.text("type")).unwrap_or("an error without a message");
        account.gap(error.text("path"), message);
        if error.text("level").is_some_and(|level| level.eq_ignore_ascii_case("error")) {
            account.ended = Ended::Early;
        }
    }
    if let Some(paths) = json.get("paths") {
        let files = paths.list("scanned").len();
        account.count(DetectorId::Code, "files", files as u64);
        if files == 0 && results.is_empty() {
            account.stopped("it looked at no file");
        }
    }
    Ok(vec![account])
}

fn draft(result: &Value) -> Result<Draft, &'static str> {
    let rule = result.text("check_id").ok_or("it names no check_id")?;
    let path = result.text("path").ok_or("it names no path")?;
    let extra = result.get("extra").ok_or("it has no `extra`")?;
    let metadata = extra.get("metadata").unwrap_or(&Value::Null);
    let known = |key: &str| extra.text(key).filter(|text| *text != LOGIN);
    let cwe = metadata.texts("cwe");
    let message = extra.text("message").unwrap_or(rule);
    let mut draft = Draft::new(DetectorId::Code, rule, rule.rsplit('.').next().unwrap_or(rule));
    draft.cwe = scale::cwe(cwe.iter().map(String::as_str));
    draft.owasp = scale::owasp(metadata.texts("owasp").iter().map(String::as_str));
    draft.message =
        if secret::is_about(&[rule], &draft.cwe) { secret::message(message, &[]) } else { message.to_owned() };
    draft.severity = severity(extra.text("severity"));
    draft.confidence = metadata.text("confidence").and_then(scale::confidence).unwrap_or(Confidence::High);
    let at = |key: &str| result.get(key).map_or((None, None), |place| (place.ordinal("line"), place.ordinal("col")));
    draft.place = Place::file(Some(path)).at(span(at("start"), at("end")));
    draft.identity = match (known("fingerprint"), known("lines")) {
        (Some(own), _) => Identity::Own(vec![own.to_owned()]),
        (None, Some(lines)) => Identity::Text(lines.to_owned()),
        (None, None) => Identity::Text(message.to_owned()),
    };
    draft.references = metadata.texts("references");
    draft.references.extend(metadata.owned("source"));
    if extra.get("is_ignored").and_then(Value::as_bool) == Some(true) {
        draft.suppressed = Some("nosemgrep comment".to_owned());
    }
    Ok(draft)
}

fn severity(word: Option<&str>) -> Severity {
    word.and_then(|word| scale::level(word).or_else(|| scale::severity(word))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use testudo_model::CoverageState;

    use crate::test::{import, lines};

    const SAMPLE: &str = r#"{"version":"1.99.0","results":[
        {"check_id":"rules.py-exec","path":"src/a.py","start":{"line":4,"col":1,"offset":30},"end":{"line":4,"col":9,"offset":38},
         "extra":{"message":"exec of code","severity":"ERROR","fingerprint":"requires login","lines":"requires login",
         "metadata":{"cwe":["CWE-95: Eval"],"owasp":"A03:2021 - Injection","confidence":"MEDIUM","references":["https://docs.example/exec"]}}},
        {"check_id":"rules.hardcoded-password","path":"src/a.py","start":{"line":6,"col":1},"end":{"line":6,"col":9},
         "extra":{"message":"a password: swordfish9","severity":"WARNING","lines":"requires login","is_ignored":true}},
        {"check_id":"rules.hardcoded-password","path":"src/b.py","start":{"line":6,"col":1},"end":{"line":6,"col":9},
         "extra":{"message":"a password: swordfish9","severity":"CRITICAL","fingerprint":"abc_0","lines":"password = 'swordfish9'"}},
        {"path":"x"}],
        "errors":[{"code":3,"level":"warn","type":"Syntax error","message":"line 3 cannot be read","path":"src/c.py"}],
        "paths":{"scanned":["src/a.py","src/b.py"]}}"#;

    #[test]
    fn results_become_findings() {
        let imported = import(SAMPLE);
        assert_eq!(
            lines(&imported),
            [
                "code high semgrep/rules.py-exec src/a.py:4 exec of code",
                "code medium semgrep/rules.hardcoded-password src/a.py:6 the message of the report is left out, because \
                 it may hold the secret; look at the place itself -- nosemgrep comment",
                "code critical semgrep/rules.hardcoded-password src/b.py:6 the message of the report is left out, because \
                 it may hold the secret; look at the place itself",
            ]
        );
        assert!(!format!("{imported:?}").contains("swordfish"), "{imported:?}");
        let first = &imported.findings[0];
        assert_eq!(
            (first.cwe.as_slice(), first.owasp[0].as_str(), first.confidence.as_str()),
            (&[95][..], "A03:2021", "medium")
        );
        assert_eq!(first.aliases, ["rules.py-exec"]);
        let codes: Vec<_> = imported.notices.iter().map(|n| (n.code.as_str(), n.location.path.as_deref())).collect();
        assert_eq!(codes, [("import-skipped", Some("report")), ("import-gap", Some("src/c.py"))]);
        let coverage = &imported.coverage[0];
        assert_eq!((coverage.state, coverage.counts["files"]), (CoverageState::Incomplete, 2));
        assert_eq!(coverage.tool.as_ref().map(|tool| tool.version.as_str()), Some("1.99.0"));
    }
}
