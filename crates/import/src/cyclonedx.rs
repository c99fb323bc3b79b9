//! CycloneDX 1.4 to 1.6 in JSON, with `vulnerabilities`: one finding for each component that one affects.
//!
//! The severity is the highest of the ratings: by word, or by score. An `analysis` (VEX) of `not_affected`, `false_positive`,
//! `resolved` or `resolved_with_pedigree` is a suppression, and its justification the reason.

use std::collections::BTreeMap;

use serde_json::Value;
use testudo_model::{DetectorId, Severity};

use crate::{
    Document, ImportError, Input, checkov,
    draft::{Account, Draft, Identity, Place},
    json::Fields as _,
    scale, tools,
};

/// Versions of the format that are read.
const VERSIONS: &[&str] = &["1.4", "1.5", "1.6"];

pub(crate) fn detect(document: &Document) -> bool {
    document.json().text("bomFormat") == Some("CycloneDX")
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let json = input.document.json();
    if !detect(input.document) {
        let cause = "has no bomFormat `CycloneDX`; write the inventory as JSON, XML is not read";
        return Err(input.lacks(cause));
    }
    let version = json.text("specVersion").unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return Err(input.lacks(format!("is CycloneDX {version:.20}; {} are read", VERSIONS.join(", "))));
    }
    let Some(vulnerabilities) = json.get("vulnerabilities").and_then(Value::as_array) else {
        let cause = "has no `vulnerabilities`: an inventory alone says nothing about them; write it with a tool that looks them up";
        return Err(input.lacks(cause));
    };
    let mut account = account_of(json);
    let components = components(json);
    let home = tools::named(&account.tool).map_or(DetectorId::Deps, |tool| tool.detector);
    account.count(home, "components", components.len() as u64);
    if components.is_empty() && vulnerabilities.is_empty() {
        account.stopped("it has no component, so nothing was looked at");
    }
    for (at, vulnerability) in vulnerabilities.iter().enumerate() {
        let entry = || format!("vulnerabilities[{at}]");
        let affects = vulnerability.list("affects");
        if affects.is_empty() {
            account.add(entry, || draft(vulnerability, None, &components));
        }
        for affected in affects {
            account.add(entry, || draft(vulnerability, affected.text("ref"), &components));
        }
    }
    Ok(vec![account])
}

/// The tool that wrote it: the first that is known by name, or else the first. 1.4 has a list of tools, 1.5 also an object
/// of components.
fn account_of(json: &Value) -> Account {
    let tools = json.get("metadata").and_then(|metadata| metadata.get("tools"));
    let listed: Vec<&Value> = match tools {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(object) => object.list("components").iter().collect(),
        None => Vec::new(),
    };
    let known = |tool: &&&Value| tool.text("name").and_then(tools::named).is_some();
    let tool = listed.iter().find(known).or_else(|| listed.first());
    let name = tool.and_then(|tool| tool.text("name")).unwrap_or("cyclonedx");
    let version = tool.and_then(|tool| tool.text("version"));
    Account::new(tools::named(name).map_or(name, |known| known.slug), version)
}

/// Components by their reference, nested ones included.
fn components(json: &Value) -> BTreeMap<&str, &Value> {
    let mut found = BTreeMap::new();
    let mut open: Vec<&Value> = json.list("components").iter().collect();
    open.extend(json.get("metadata").and_then(|metadata| metadata.get("component")));
    while let Some(component) = open.pop() {
        if let Some(name) = component.text("bom-ref") {
            found.insert(name, component);
        }
        open.extend(component.list("components"));
    }
    found
}

fn draft(
    vulnerability: &Value,
    affected: Option<&str>,
    components: &BTreeMap<&str, &Value>,
) -> Result<Draft, &'static str> {
    let id = vulnerability.text("id").ok_or("it names no id")?;
    let affected = affected.map(local);
    let component = affected.and_then(|name| components.get(name)).copied();
    let purl = component.and_then(|component| component.text("purl")).or(affected);
    let detector = if id.starts_with("CKV") { checkov::detector(id) } else { DetectorId::Deps };
    let description = vulnerability.text("description").or_else(|| vulnerability.text("detail")).unwrap_or(id);
    let mut draft = Draft::new(detector, id, description);
    draft.severity = severity(vulnerability);
    draft.place = Place::file(component.and_then(occurrence).as_deref());
    draft.identity = Identity::Own(vec![purl.unwrap_or_default().to_owned()]);
    draft.suppressed = vulnerability.get("analysis").and_then(settled);
    if detector == DetectorId::Secrets {
        // Checkov names the component after a digest of the secret without a key, and repeats it in every text.
        draft.title = "A secret".to_owned();
        draft.message = format!("Checkov found a secret ({id}); its report in JSON says where");
        draft.cwe = vec![798];
        return Ok(draft);
    }
    let name =
        component.and_then(|component| component.text("name")).or(purl).unwrap_or("a component that is not named");
    let installed = component.and_then(|component| component.text("version"));
    let with_version = installed.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"));
    draft.message = format!("{with_version}: {description}");
    draft.property("package", Some(name));
    draft.property("installed", installed);
    draft.property("purl", component.and_then(|component| component.text("purl")));
    about(vulnerability, &mut draft);
    Ok(draft)
}

/// A reference into another inventory ends in the name that the component has there.
fn local(name: &str) -> &str {
    name.rsplit_once('#').filter(|_| name.starts_with("urn:cdx:")).map_or(name, |(_, name)| name)
}

/// What a vulnerability says of itself, whatever it affects.
fn about(vulnerability: &Value, draft: &mut Draft) {
    let cwes = vulnerability.list("cwes").iter().filter_map(Value::as_u64);
    draft.cwe = cwes.filter_map(|number| u32::try_from(number).ok()).collect();
    draft.aliases = vulnerability.list("references").iter().filter_map(|other| other.owned("id")).collect();
    let urls = vulnerability.list("advisories").iter().filter_map(|advisory| advisory.owned("url"));
    let source = vulnerability.get("source").and_then(|source| source.owned("url"));
    draft.references = urls.chain(source).collect();
    draft.help = vulnerability.text("detail").unwrap_or_default().to_owned();
    draft.fix = vulnerability.owned("recommendation");
    draft.property("vex_state", vulnerability.get("analysis").and_then(|analysis| analysis.text("state")));
}

/// Where a component was found, where the inventory says so (1.5 on).
fn occurrence(component: &Value) -> Option<String> {
    component.get("evidence")?.list("occurrences").iter().find_map(|place| place.owned("location"))
}

fn severity(vulnerability: &Value) -> Severity {
    let rating = |rating: &Value| {
        let word = rating.text("severity").and_then(scale::severity);
        word.or_else(|| rating.get("score").and_then(Value::as_f64).map(scale::score))
    };
    vulnerability.list("ratings").iter().filter_map(rating).max().unwrap_or_default()
}

/// The reason of an analysis that ends the matter.
fn settled(analysis: &Value) -> Option<String> {
    let state = analysis.text("state")?;
    let done = matches!(state, "not_affected" | "false_positive" | "resolved" | "resolved_with_pedigree");
    let said = [Some(state), analysis.text("justification"), analysis.text("detail")];
    done.then(|| said.into_iter().flatten().collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use crate::test::{import, import_as, lines};

    const SAMPLE: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"tools":{"components":[{"name":"Grype","version":"0.90.0"}]}},
        "components":[{"bom-ref":"a","name":"acme","version":"1.0.0","purl":"pkg:npm/acme@1.0.0","components":[
          {"bom-ref":"b","name":"base","version":"2.0","purl":"pkg:npm/base@2.0","evidence":{"occurrences":[{"location":"web/package-lock.json"}]}}]}],
        "vulnerabilities":[
         {"id":"CVE-2099-0001","description":"runs input","ratings":[{"severity":"low"},{"score":9.8,"method":"CVSSv31"}],"cwes":[94],
          "recommendation":"Update acme.","advisories":[{"url":"https://docs.example/1"}],"affects":[{"ref":"a"},{"ref":"urn:cdx:0/1#b"}]},
         {"id":"CVE-2099-0002","ratings":[{"severity":"high"}],"affects":[{"ref":"a"}],
          "analysis":{"state":"not_affected","justification":"code_not_reachable","detail":"never called"}},
         {"id":"CVE-2099-0003","ratings":[{"severity":"unknown"}],"affects":[{"ref":"pkg:npm/other@1"}],"analysis":{"state":"in_triage"}},
         {"affects":[{"ref":"a"}]}]}"#;

    #[test]
    fn each_affected_component_is_a_finding_and_vex_suppresses() {
        let imported = import(SAMPLE);
        assert_eq!(
            lines(&imported),
            [
                "deps critical grype/CVE-2099-0001 report:0 acme 1.0.0: runs input",
                "deps high grype/CVE-2099-0002 report:0 acme 1.0.0: CVE-2099-0002 -- not_affected: code_not_reachable: never called",
                "deps medium grype/CVE-2099-0003 report:0 pkg:npm/other@1: CVE-2099-0003",
                "deps critical grype/CVE-2099-0001 web/package-lock.json:0 base 2.0: runs input",
            ]
        );
        assert_eq!((imported.version.as_str(), imported.notices.len()), ("0.90.0", 1));
        assert_eq!(imported.coverage[0].counts["components"], 2);
        for version in ["1.4", "1.6"] {
            assert_eq!(import(&SAMPLE.replace("\"1.5\"", &format!("\"{version}\""))).findings.len(), 4);
        }
    }

    #[test]
    fn what_checkov_names_a_secret_after_is_not_shown() {
        let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.4","metadata":{"tools":[{"name":"some-library"},{"name":"checkov"}]},
            "components":[{"bom-ref":"pkg:secrets/a.yml/00aa11bb","name":"00aa11bb","purl":"pkg:secrets/a.yml/00aa11bb"}],
            "vulnerabilities":[{"id":"CKV_SECRET_6","description":"Resource: 00aa11bb. High entropy","affects":[{"ref":"pkg:secrets/a.yml/00aa11bb"}]}]}"#;
        let imported = import(text);
        assert_eq!(
            lines(&imported),
            [
                "secrets medium checkov/CKV_SECRET_6 report:0 Checkov found a secret (CKV_SECRET_6); its report in JSON says where"
            ]
        );
        assert!(!format!("{imported:?}").contains("00aa11bb"));
    }

    #[test]
    fn an_inventory_alone_is_no_report() {
        for (text, cause) in [
            (r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#, "no `vulnerabilities`"),
            (r#"{"bomFormat":"CycloneDX","specVersion":"1.2","vulnerabilities":[]}"#, "is CycloneDX 1.2"),
        ] {
            let error = import_as(text, "").unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
        assert!(import_as("<bom xmlns='http://cyclonedx.org/schema/bom/1.4'/>", "cyclonedx").is_err());
    }
}
