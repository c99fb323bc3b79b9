//! Trivy: `--format json`, schema version 2: vulnerabilities, misconfigurations, secrets and licences.
//!
//! Severities have our names; `UNKNOWN` is `medium`. Findings that Trivy suppressed (`--show-suppressed`) stay suppressed.

use serde_json::Value;
use testudo_model::{DetectorId, Severity};

use crate::{
    Document, ImportError, Input,
    draft::{Account, Draft, Identity, Place, span},
    json::Fields as _,
    scale,
};

pub(crate) fn detect(document: &Document) -> bool {
    let json = document.json();
    json.get("SchemaVersion").is_some() && (json.get("ArtifactName").is_some() || json.get("Results").is_some())
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let json = input.document.json();
    if !detect(input.document) {
        return Err(input.lacks("has no SchemaVersion and Results; write it with trivy --format json"));
    }
    if json.number("SchemaVersion") != Some(2) {
        return Err(input.lacks("has a SchemaVersion that is not read, 2 is; write it with a newer Trivy"));
    }
    let version = json.get("Trivy").and_then(|trivy| trivy.text("Version"));
    let mut account = Account::new("trivy", version);
    let results = account.entries(json, "Results");
    if results.is_empty() {
        account.detectors.insert(DetectorId::Deps);
        account.stopped("it has no result, so it looked at nothing");
    }
    for (at, result) in results.iter().enumerate() {
        read_result(&mut account, result, at);
    }
    Ok(vec![account])
}

/// A reader of one entry of a result.
type Entry = fn(&Value, &Scope<'_>) -> Result<Draft, &'static str>;

/// The lists of a result, and the kind that each finding in them has where Trivy suppressed it.
const LISTS: &[(&str, &str, Entry)] = &[
    ("Vulnerabilities", "vulnerability", vulnerability),
    ("Misconfigurations", "misconfiguration", misconfiguration),
    ("Secrets", "secret", secret_found),
    ("Licenses", "license", licence),
];

/// What the entries of a result share.
struct Scope<'a> {
    target: &'a str,
}

fn read_result(account: &mut Account, result: &Value, at: usize) {
    let scope = Scope { target: result.text("Target").unwrap_or_default() };
    account.detectors.insert(match result.text("Class").unwrap_or_default() {
        "config" => DetectorId::Iac,
        "secret" => DetectorId::Secrets,
        _ => DetectorId::Deps,
    });
    for (list, _, reader) in LISTS {
        for (entry, value) in account.entries(result, list).iter().enumerate() {
            // Checks that passed are listed too where the user asked for them.
            let failed = value.text("Status").is_none_or(|status| status != "PASS") || *list != "Misconfigurations";
            if failed {
                account.add(|| format!("Results[{at}].{list}[{entry}]"), || reader(value, &scope));
            }
        }
    }
    for (entry, value) in result.list("ExperimentalModifiedFindings").iter().enumerate() {
        account.add(|| format!("Results[{at}].ExperimentalModifiedFindings[{entry}]"), || modified(value, &scope));
    }
    if let Some(summary) = result.get("MisconfSummary") {
        account.count(DetectorId::Iac, "passed_checks", summary.number("Successes").unwrap_or_default());
        account.expect("failed checks", summary.number("Failures"), result.list("Misconfigurations").len());
    }
}

fn modified(value: &Value, scope: &Scope<'_>) -> Result<Draft, &'static str> {
    let kind = value.text("Type").ok_or("it names no Type")?;
    let finding = value.get("Finding").ok_or("it has no Finding")?;
    let (.., reader) = LISTS.iter().find(|(_, name, _)| *name == kind).ok_or("its Type is not known")?;
    let said = [value.text("Status"), value.text("Statement"), value.text("Source")];
    let reason = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let suppressed = Some(if reason.is_empty() { "suppressed by trivy".to_owned() } else { reason });
    reader(finding, scope).map(|draft| Draft { suppressed, ..draft })
}

fn severity(value: &Value) -> Severity {
    value.text("Severity").and_then(scale::severity).unwrap_or_default()
}

fn vulnerability(value: &Value, scope: &Scope<'_>) -> Result<Draft, &'static str> {
    let id = value.text("VulnerabilityID").ok_or("it names no VulnerabilityID")?;
    let package = value.text("PkgName").ok_or("it names no PkgName")?;
    let installed = value.text("InstalledVersion").unwrap_or_default();
    let purl = value.get("PkgIdentifier").and_then(|names| names.text("PURL"));
    let mut draft = Draft::new(DetectorId::Deps, id, value.text("Title").unwrap_or(id));
    draft.message = format!("{package} {installed}: {}", draft.title).replace(" :", ":");
    draft.severity = severity(value);
    draft.place = Place::file(value.text("PkgPath").or(Some(scope.target)));
    let named = purl.map_or_else(|| format!("{package}@{installed}"), str::to_owned);
    draft.identity = Identity::Own(vec![named]);
    draft.cwe = scale::cwe(value.texts("CweIDs").iter().map(String::as_str));
    draft.aliases = value.texts("VendorIDs");
    draft.references = value.texts("PrimaryURL").into_iter().chain(value.texts("References")).collect();
    draft.help = value.text("Description").unwrap_or_default().to_owned();
    draft.fix = value.text("FixedVersion").map(|fixed| format!("Update {package} to {fixed}."));
    draft.property("package", Some(package));
    draft.property("installed", Some(installed).filter(|text| !text.is_empty()));
    draft.property("fixed", value.text("FixedVersion"));
    draft.property("purl", purl);
    Ok(draft)
}

fn misconfiguration(value: &Value, scope: &Scope<'_>) -> Result<Draft, &'static str> {
    let id = value.text("ID").or_else(|| value.text("AVDID")).ok_or("it names no ID")?;
    let cause = value.get("CauseMetadata").unwrap_or(&Value::Null);
    let mut draft = Draft::new(DetectorId::Iac, id, value.text("Title").unwrap_or(id));
    draft.message = value.text("Message").unwrap_or(&draft.title).to_owned();
    draft.severity = severity(value);
    draft.place =
        Place::file(Some(scope.target)).at(span((cause.ordinal("StartLine"), None), (cause.ordinal("EndLine"), None)));
    draft.identity = Identity::Own(vec![cause.text("Resource").unwrap_or_default().to_owned(), draft.message.clone()]);
    draft.aliases = value.texts("AVDID");
    draft.references = value.texts("PrimaryURL").into_iter().chain(value.texts("References")).collect();
    draft.help = value.text("Description").unwrap_or_default().to_owned();
    draft.fix = value.owned("Resolution");
    draft.property("resource", cause.text("Resource"));
    if value.text("Status") == Some("EXCEPTION") {
        draft.suppressed = Some("an exception in trivy".to_owned());
    }
    Ok(draft)
}

fn secret_found(value: &Value, scope: &Scope<'_>) -> Result<Draft, &'static str> {
    let rule = value.text("RuleID").ok_or("it names no RuleID")?;
    let mut draft = Draft::new(DetectorId::Secrets, rule, value.text("Title").unwrap_or(rule));
    draft.severity = severity(value);
    draft.cwe = vec![798];
    draft.place =
        Place::file(Some(scope.target)).at(span((value.ordinal("StartLine"), None), (value.ordinal("EndLine"), None)));
    // The match is a line with the secret masked by Trivy, which may show others.
    draft.identity = Identity::Text(value.text("Match").unwrap_or_default().to_owned());
    Ok(draft)
}

fn licence(value: &Value, scope: &Scope<'_>) -> Result<Draft, &'static str> {
    let name = value.text("Name").ok_or("it names no licence")?;
    let package = value.text("PkgName").unwrap_or_default();
    let mut draft = Draft::new(DetectorId::Deps, &format!("licence-{name}"), &format!("Licence {name}"));
    let category = value.text("Category").unwrap_or("unknown");
    draft.message = match package {
        "" => format!("A file is under {name} (category {category})"),
        package => format!("{package} is under {name} (category {category})"),
    };
    draft.severity = severity(value);
    draft.place = Place::file(value.text("FilePath").or(Some(scope.target)));
    draft.identity = Identity::Own(vec![package.to_owned()]);
    draft.references = value.texts("Link");
    draft.property("package", Some(package).filter(|text| !text.is_empty()));
    draft.property("licence", Some(name));
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use crate::test::{import, import_as, lines};

    const SAMPLE: &str = r#"{"SchemaVersion":2,"Trivy":{"Version":"0.60.0"},"ArtifactName":".","ArtifactType":"filesystem","Results":[
        {"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[
         {"VulnerabilityID":"CVE-2099-0001","PkgName":"acme","PkgIdentifier":{"PURL":"pkg:npm/acme@1.0.0"},"InstalledVersion":"1.0.0",
          "FixedVersion":"1.0.1","Severity":"CRITICAL","Title":"acme runs input","Description":"Long text.","CweIDs":["CWE-94"],
          "PrimaryURL":"https://docs.example/1","References":["https://docs.example/2"]},
         {"VulnerabilityID":"CVE-2099-0002"}],
         "ExperimentalModifiedFindings":[{"Type":"vulnerability","Status":"not_affected","Statement":"code is not called","Source":"vex.json",
          "Finding":{"VulnerabilityID":"CVE-2099-0003","PkgName":"acme","InstalledVersion":"1.0.0","Severity":"HIGH"}}],
         "Licenses":[{"Severity":"HIGH","Category":"restricted","PkgName":"acme","Name":"ACME-1.0","Confidence":1}]},
        {"Target":"Dockerfile","Class":"config","Type":"dockerfile","MisconfSummary":{"Successes":20,"Failures":1},"Misconfigurations":[
         {"ID":"DS002","AVDID":"AVD-DS-0002","Title":"root user","Message":"add a USER","Resolution":"Add USER.","Severity":"UNKNOWN","Status":"FAIL",
          "CauseMetadata":{"StartLine":2,"EndLine":3,"Resource":"x"}},{"ID":"DS003","Status":"PASS"}]},
        {"Target":"a.env","Class":"secret","Secrets":[{"RuleID":"acme-key","Category":"Acme","Severity":"HIGH","Title":"Acme key",
          "StartLine":3,"EndLine":3,"Match":"a=**** b=swordfish9","Code":{"Lines":[{"Content":"a=**** b=swordfish9"}]}}]}]}"#;

    #[test]
    fn all_four_kinds_become_findings() {
        let imported = import(SAMPLE);
        assert_eq!(
            lines(&imported),
            [
                "iac medium trivy/DS002 Dockerfile:2 add a USER",
                "secrets high trivy/acme-key a.env:3 Acme key",
                "deps critical trivy/CVE-2099-0001 package-lock.json:0 acme 1.0.0: acme runs input",
                "deps high trivy/CVE-2099-0003 package-lock.json:0 acme 1.0.0: CVE-2099-0003 -- not_affected: code is not called: vex.json",
                "deps high trivy/licence-ACME-1.0 package-lock.json:0 acme is under ACME-1.0 (category restricted)",
            ]
        );
        assert!(!format!("{imported:?}").contains("swordfish"));
        let first = &imported.findings[2];
        assert_eq!((first.cwe.as_slice(), first.properties["purl"].as_str()), (&[94][..], Some("pkg:npm/acme@1.0.0")));
        let detectors: Vec<_> = imported.coverage.iter().map(|c| c.detector.as_str()).collect();
        assert_eq!(detectors, ["secrets", "deps", "iac"]);
        assert_eq!(imported.notices.len(), 1);
    }

    #[test]
    fn another_schema_is_refused() {
        let error = import_as(r#"{"SchemaVersion":1,"ArtifactName":"x"}"#, "").unwrap_err().to_string();
        assert!(error.contains("SchemaVersion"), "{error}");
    }
}
