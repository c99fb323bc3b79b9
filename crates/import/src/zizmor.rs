//! zizmor: the list of findings that `--format json` writes (v1 of its JSON).
//!
//! A finding has several places; the first that is primary counts, others are related. Rows and columns count from 0.
//! The identity is the text at the place and the keys that lead there, without positions in lists.

use serde_json::Value;
use testudo_model::{Confidence, DetectorId, Severity};

use crate::{
    Document, ImportError, Input,
    draft::{Account, Draft, Identity, Place, span},
    json::Fields as _,
    scale,
};

pub(crate) fn detect(document: &Document) -> bool {
    let finding = |entry: &Value| entry.get("ident").is_some() && entry.get("determinations").is_some();
    document.json().as_array().is_some_and(|all| all.iter().any(finding))
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let Some(findings) = input.document.json().as_array() else {
        return Err(input.lacks("is no list of findings; write it with zizmor --format json"));
    };
    let mut account = Account::new("zizmor", None);
    account.detectors.insert(DetectorId::Ci);
    for (at, finding) in findings.iter().enumerate() {
        account.add(|| format!("finding {}", at + 1), || draft(finding));
    }
    Ok(vec![account])
}

fn draft(finding: &Value) -> Result<Draft, &'static str> {
    let rule = finding.text("ident").ok_or("it names no ident")?;
    let said = finding.get("determinations").ok_or("it has no determinations")?;
    let kind = |place: &&Value| place.get("symbolic").and_then(|s| s.text("kind").map(str::to_owned));
    let places = finding.list("locations");
    let primary = places.iter().find(|place| kind(place).as_deref() == Some("Primary")).or_else(|| places.first());
    let primary = primary.ok_or("it has no place")?;
    let title = finding.text("desc").unwrap_or(rule);
    let annotation = primary.get("symbolic").and_then(|symbolic| symbolic.text("annotation"));
    let mut draft = Draft::new(DetectorId::Ci, rule, title);
    draft.message = annotation.map_or_else(|| title.to_owned(), |note| format!("{title}: {note}"));
    draft.severity = said.text("severity").and_then(scale::severity).unwrap_or(Severity::Info);
    draft.confidence = said.text("confidence").and_then(scale::confidence).unwrap_or(Confidence::High);
    draft.persona = said.text("persona").and_then(scale::persona).unwrap_or_default();
    draft.place = place(primary);
    let related = places.iter().filter(|other| !std::ptr::eq(*other, primary));
    draft.related = related.filter(|other| kind(other).as_deref() != Some("Hidden")).map(place).collect();
    let feature = primary.get("concrete").and_then(|concrete| concrete.text("feature")).unwrap_or_default();
    draft.identity = Identity::Text(format!("{} {feature}", route(primary)));
    draft.references = finding.texts("url");
    if finding.get("ignored").and_then(Value::as_bool) == Some(true) {
        draft.suppressed = Some("ignored by zizmor".to_owned());
    }
    Ok(draft)
}

fn place(value: &Value) -> Place {
    let key = value.get("symbolic").and_then(|symbolic| symbolic.get("key"));
    let path = |kind: &str| {
        let key = key?.get(kind)?;
        ["verbatim_path", "given_path", "path"].into_iter().find_map(|name| key.owned(name))
    };
    let at = |name: &str| {
        let point = value.get("concrete").and_then(|concrete| concrete.get("location")).and_then(|all| all.get(name));
        let one = |key: &str| u32::try_from(point?.number(key)?.saturating_add(1)).ok();
        (one("row"), one("column"))
    };
    let file = path("Local").or_else(|| path("Remote"));
    Place::file(file.as_deref()).at(span(at("start_point"), at("end_point")))
}

/// The keys that lead to a place.
fn route(value: &Value) -> String {
    let steps =
        value.get("symbolic").and_then(|symbolic| symbolic.get("route")).map_or(&[][..], |all| all.list("route"));
    steps.iter().filter_map(|step| step.text("Key")).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use crate::test::{import, lines};

    fn sample(row: u32, step: u32) -> String {
        let at = |kind: &str| {
            format!(
                r#"{{"symbolic":{{"key":{{"Local":{{"verbatim_path":"./.github/workflows/ci.yml"}}}},"annotation":"not pinned",
                "route":{{"route":[{{"Key":"jobs"}},{{"Key":"build"}},{{"Key":"steps"}},{{"Index":{step}}}]}},"kind":"{kind}"}},
                "concrete":{{"location":{{"start_point":{{"row":{row},"column":8}},"end_point":{{"row":{row},"column":20}}}},
                "feature":"uses: acme/build@v1","comments":[]}}}}"#
            )
        };
        let finding = |ignored: bool, places: String| {
            format!(
                r#"{{"ident":"unpinned-uses","desc":"unpinned action","url":"https://docs.example/unpinned-uses",
                "determinations":{{"confidence":"High","severity":"Medium","persona":"Pedantic"}},
                "locations":[{places}],"ignored":{ignored}}}"#
            )
        };
        let both = format!("{},{}", at("Hidden"), at("Primary"));
        format!("[{},{},{{\"ident\":\"x\"}}]", finding(false, both), finding(true, at("Primary")))
    }

    #[test]
    fn findings_keep_persona_and_lose_positions() {
        let imported = import(&sample(14, 0));
        assert_eq!(
            lines(&imported),
            [
                "ci medium zizmor/unpinned-uses .github/workflows/ci.yml:15 unpinned action: not pinned",
                "ci medium zizmor/unpinned-uses .github/workflows/ci.yml:15 unpinned action: not pinned -- ignored by zizmor",
            ]
        );
        assert_eq!((imported.findings[0].persona.as_str(), imported.notices.len()), ("pedantic", 1));
        assert!(imported.findings[0].related.is_empty());
        let moved = import(&sample(40, 3));
        let prints = |i: &crate::Imported| i.findings.iter().map(|f| f.fingerprint.clone()).collect::<Vec<_>>();
        assert_eq!(prints(&imported), prints(&moved));
    }
}
