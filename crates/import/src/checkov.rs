//! Checkov: `-o json`, one object for one framework, or a list of them.
//!
//! A severity is only there for users of its platform; without one a failed check is `medium`. The identity is the address of
//! the resource. Skipped checks become suppressed findings.

use serde_json::Value;
use testudo_model::{DetectorId, Severity};

use crate::{
    Document, ImportError, Input,
    draft::{Account, Draft, Identity, Place, span},
    json::Fields as _,
    scale, secret,
};

/// Beginnings of ids of checks that look at pipelines.
const PIPELINES: &[&str] = &[
    "CKV_GHA_",
    "CKV2_GHA_",
    "CKV_GITLABCI_",
    "CKV_CIRCLECIPIPELINES_",
    "CKV_AZUREPIPELINES_",
    "CKV_BITBUCKETPIPELINES_",
    "CKV_ARGO_",
];

/// What a check looks at, by its id.
pub(crate) fn detector(id: &str) -> DetectorId {
    if id.starts_with("CKV_SECRET_") {
        DetectorId::Secrets
    } else if PIPELINES.iter().any(|prefix| id.starts_with(prefix)) {
        DetectorId::Ci
    } else if id.starts_with("CKV_CVE_") || id.starts_with("BC_CVE_") {
        DetectorId::Deps
    } else {
        DetectorId::Iac
    }
}

/// A path that begins with `/` for the folder that was scanned.
pub(crate) fn from_root(place: Place) -> Place {
    let path = place.path.as_deref().map(|path| path.trim_start_matches('/').to_owned());
    Place { path, ..place }
}

pub(crate) fn detect(document: &Document) -> bool {
    let json = document.json();
    let account = |value: &Value| value.get("check_type").is_some() || value.get("checkov_version").is_some();
    account(json) || json.as_array().is_some_and(|all| all.iter().any(account))
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let frameworks: Vec<&Value> = match input.document.json() {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    let version = frameworks.iter().find_map(|one| {
        let summary = one.get("summary").unwrap_or(one);
        summary.text("checkov_version")
    });
    let mut account = Account::new("checkov", version);
    for framework in &frameworks {
        read_framework(&mut account, framework);
    }
    if account.detectors.is_empty() {
        account.detectors.insert(DetectorId::Iac);
    }
    let known = frameworks.iter().any(|one| one.get("results").is_some() || one.get("checkov_version").is_some());
    if !known {
        return Err(input.lacks("has no `results` and no `checkov_version`; write it with checkov -o json"));
    }
    Ok(vec![account])
}

fn read_framework(account: &mut Account, framework: &Value) {
    let kind = framework.text("check_type").unwrap_or("unnamed");
    let home = match kind {
        "secrets" => DetectorId::Secrets,
        "sca_package" | "sca_image" => DetectorId::Deps,
        kind if kind.ends_with("_pipelines") || matches!(kind, "github_actions" | "gitlab_ci" | "argo_workflows") => {
            DetectorId::Ci
        }
        _ => DetectorId::Iac,
    };
    let Some(results) = framework.get("results") else {
        if framework.get("checkov_version").is_none() {
            account.fault(|| format!("framework {kind}"), "it has no results");
        }
        account.expect("failed checks", framework.number("failed"), 0);
        if framework.number("resource_count") == Some(0) {
            account.stopped("it looked at no resource");
        }
        return;
    };
    account.detectors.insert(home);
    for (list, state) in [("failed_checks", State::Failed), ("skipped_checks", State::Skipped)] {
        for (at, check) in account.entries(results, list).iter().enumerate() {
            account.add(|| format!("{kind}: {list}[{at}]"), || draft(check, state));
        }
    }
    for path in results.texts("parsing_errors") {
        account.gap(Some(path.trim_start_matches('/')), "it cannot be parsed");
    }
    let summary = framework.get("summary").unwrap_or(&Value::Null);
    account.expect("failed checks", summary.number("failed"), results.list("failed_checks").len());
    account.expect(
        "files that cannot be parsed",
        summary.number("parsing_errors"),
        results.list("parsing_errors").len(),
    );
    for (key, name) in [("passed", "passed_checks"), ("resource_count", "resources")] {
        if let Some(number) = summary.number(key) {
            account.count(home, name, number);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Failed,
    Skipped,
}

fn draft(check: &Value, state: State) -> Result<Draft, &'static str> {
    let id = check.text("check_id").ok_or("it names no check_id")?;
    let path = check.text("file_path").or_else(|| check.text("repo_file_path")).ok_or("it names no file_path")?;
    let title = check.text("check_name").unwrap_or(id);
    let lines = check.list("file_line_range");
    let line = |at: usize| lines.get(at)?.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let resource = check.text("resource_address").or_else(|| check.text("resource")).unwrap_or_default();
    let mut draft = Draft::new(detector(id), id, title);
    let inside = check.text("repo_file_path").filter(|whole| whole.ends_with(path)).unwrap_or(path);
    draft.place = Place {
        path: Some(check.text("file_abs_path").unwrap_or(path.trim_start_matches('/')).to_owned()),
        inside: Some(inside.to_owned()),
        span: span((line(0), None), (line(1), None)),
    };
    // What the secrets framework calls a resource is a digest of the secret without a key.
    draft.identity = Identity::Own(vec![resource.to_owned()]);
    if draft.detector == DetectorId::Secrets {
        draft.severity = Severity::High;
        draft.cwe = vec![798];
    } else {
        draft.property("resource", Some(resource).filter(|text| !text.is_empty()));
        draft.message = if resource.is_empty() { title.to_owned() } else { format!("{title} ({resource})") };
    }
    if let Some(severity) = check.text("severity").and_then(scale::severity) {
        draft.severity = severity;
    }
    draft.aliases.extend(check.owned("bc_check_id"));
    draft.references = check.texts("guideline");
    draft.help = check.text("description").unwrap_or_default().to_owned();
    if state == State::Skipped {
        let said = check.get("check_result").and_then(|result| result.text("suppress_comment"));
        let said = said.map_or_else(|| "skipped by checkov".to_owned(), str::to_owned);
        draft.suppressed = Some(if draft.detector == DetectorId::Secrets {
            secret::message(&said, &["skipped by checkov"])
        } else {
            said
        });
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use testudo_model::CoverageState;

    use crate::test::{import, lines};

    fn check(id: &str, path: &str, resource: &str, more: &str) -> String {
        format!(
            r#"{{"check_id":"{id}","bc_check_id":null,"check_name":"Name of {id}","check_result":{{"result":"FAILED","suppress_comment":"known"}},
            "file_path":"/{path}","file_abs_path":"/srv/app/infra/{path}","repo_file_path":"/infra/{path}","file_line_range":[4,9],
            "resource":"{resource}","severity":null,"guideline":"https://docs.example/{id}"{more}}}"#
        )
    }

    fn framework(kind: &str, failed: &str, skipped: &str) -> String {
        format!(
            r#"{{"check_type":"{kind}","results":{{"failed_checks":[{failed}],"skipped_checks":[{skipped}],"parsing_errors":["/bad.tf"]}},
            "summary":{{"passed":5,"failed":1,"skipped":1,"resource_count":3,"checkov_version":"3.2.0"}}}}"#
        )
    }

    #[test]
    fn one_framework_or_several() {
        let bucket = check("CKV_AWS_20", "main.tf", "aws_s3_bucket.a", "");
        let one = framework("terraform", &bucket, &check("CKV_AWS_18", "main.tf", "aws_s3_bucket.a", ""));
        let secret = check("CKV_SECRET_6", "a.yml", "0a1b2c3d", r#","code_block":[[4,"password: swordfish9"]]"#);
        let several =
            format!("[{one},{},{}]", framework("secrets", &secret, ""), framework("github_actions", "{}", ""));
        let first = [
            "iac medium checkov/CKV_AWS_18 infra/main.tf:4 Name of CKV_AWS_18 (aws_s3_bucket.a) -- known",
            "iac medium checkov/CKV_AWS_20 infra/main.tf:4 Name of CKV_AWS_20 (aws_s3_bucket.a)",
        ];
        let imported = import(&one);
        assert_eq!(lines(&imported), first);
        assert_eq!((imported.version.as_str(), imported.coverage[0].state), ("3.2.0", CoverageState::Complete));
        assert_eq!(imported.coverage[0].counts["resources"], 3);
        let imported = import(&several);
        assert_eq!(lines(&imported)[1..], first);
        assert_eq!(lines(&imported)[0], "secrets high checkov/CKV_SECRET_6 infra/a.yml:4 Name of CKV_SECRET_6");
        let text = format!("{imported:?}");
        assert!(!text.contains("swordfish") && !text.contains("0a1b2c3d"), "{text}");
        assert_eq!(
            imported.notices[0].message,
            "github_actions: failed_checks[0] of checkov is not imported: it names no check_id"
        );
        let detectors: Vec<_> = imported.coverage.iter().map(|c| (c.detector.as_str(), c.state)).collect();
        assert_eq!(
            detectors,
            [
                ("secrets", CoverageState::Incomplete),
                ("iac", CoverageState::Incomplete),
                ("ci", CoverageState::Incomplete)
            ]
        );
    }

    #[test]
    fn a_run_that_found_nothing_to_check_is_read() {
        let imported = import(
            r#"{"passed":0,"failed":0,"skipped":0,"parsing_errors":0,"resource_count":0,"checkov_version":"3.2.0"}"#,
        );
        assert_eq!((imported.findings.len(), imported.coverage.len()), (0, 1));
    }
}
