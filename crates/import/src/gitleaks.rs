//! gitleaks 8: a JSON list of leaks (`--report-format json`). Betterleaks writes the same.
//!
//! gitleaks says no severity; a leaked secret is `high`. Its `Fingerprint` holds a line and is not used: the secret itself is
//! the identity, as it is with our own detector. A redacted secret has none.

use serde_json::Value;
use testudo_model::{DetectorId, Severity};

use crate::{
    Document, ImportError, Input,
    draft::{Account, Draft, Identity, Place, span},
    json::Fields as _,
};

pub(crate) fn detect(document: &Document) -> bool {
    let leak = |entry: &Value| entry.get("RuleID").is_some() && entry.get("Secret").is_some();
    document.json().as_array().is_some_and(|all| all.iter().any(leak))
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let Some(leaks) = input.document.json().as_array() else {
        return Err(input.lacks("is no list of leaks; write it with gitleaks --report-format json"));
    };
    let mut account = Account::new("gitleaks", None);
    account.detectors.insert(DetectorId::Secrets);
    for (at, leak) in leaks.iter().enumerate() {
        account.add(|| format!("leak {}", at + 1), || draft(leak));
    }
    Ok(vec![account])
}

fn draft(leak: &Value) -> Result<Draft, &'static str> {
    let rule = leak.text("RuleID").ok_or("it names no RuleID")?;
    let file = leak.text("File").ok_or("it names no File")?;
    let columns = (leak.ordinal("StartColumn"), leak.ordinal("EndColumn").map(|last| last.saturating_add(1)));
    let secret = leak.text("Secret").unwrap_or_default();
    let mut draft = Draft::new(DetectorId::Secrets, rule, leak.text("Description").unwrap_or(rule));
    draft.severity = Severity::High;
    draft.cwe = vec![798];
    draft.place =
        Place::file(Some(file)).at(span((leak.ordinal("StartLine"), columns.0), (leak.ordinal("EndLine"), columns.1)));
    draft.identity = if is_redacted(secret) {
        Identity::Own(vec![leak.text("Commit").unwrap_or_default().to_owned()])
    } else {
        draft.message = format!("{} {}", draft.message, testudo_redact::mask(secret));
        Identity::Secret(secret.to_owned())
    };
    if let Some(commit) = leak.text("Commit") {
        let short: String = commit.chars().take(10).collect();
        draft.message = format!("{} (in commit {short})", draft.message);
        draft.property("commit_id", Some(commit));
        draft.property("commit_date", leak.text("Date"));
    }
    Ok(draft)
}

/// `--redact` writes `REDACTED`, or the first part of the secret and three dots.
fn is_redacted(secret: &str) -> bool {
    secret.is_empty() || secret == "REDACTED" || secret.ends_with("...")
}

#[cfg(test)]
mod tests {
    use crate::test::{import, import_as, lines};

    /// A report with two leaks of one secret, one redacted leak and one broken entry.
    pub(crate) fn sample() -> String {
        let secret = ["zq7", "Xw2", "Lk9", "Pv4", "Tn8"].concat();
        let leak = |line: u32| {
            format!(
                r#"{{"RuleID":"acme-key","Description":"Acme key","StartLine":{line},"EndLine":{line},"StartColumn":9,
                "EndColumn":23,"Match":"key = \"{secret}\"","Secret":"{secret}","File":"/srv/app/src/a.py","Commit":"",
                "Message":"add {secret}","Tags":[],"Fingerprint":"src/a.py:acme-key:{line}"}}"#
            )
        };
        format!(
            r#"[{},{},{{"RuleID":"acme-key","Secret":"REDACTED","Match":"REDACTED","File":"b","StartLine":1,
            "Commit":"0123456789abcdef"}},{{"Secret":"x","RuleID":"acme-key"}}]"#,
            leak(7),
            leak(3)
        )
    }

    #[test]
    fn leaks_become_findings_without_the_secret() {
        let imported = import(&sample());
        assert_eq!(
            lines(&imported),
            [
                "secrets high gitleaks/acme-key b:1 acme-key (in commit 0123456789)",
                "secrets high gitleaks/acme-key src/a.py:3 Acme key …(15)",
                "secrets high gitleaks/acme-key src/a.py:7 Acme key …(15)",
            ]
        );
        let text = format!("{imported:?}");
        assert!(!text.contains("zq7Xw2Lk9Pv4Tn8") && text.contains("\"masked\": String(\"…(15)\")"), "{text}");
        assert_eq!(imported.notices[0].message, "leak 4 of gitleaks is not imported: it names no File");
        assert_eq!(imported.coverage[0].counts["findings"], 3);
    }

    #[test]
    fn fingerprints_do_not_know_lines() {
        let (before, after) = (import(&sample()), import(&sample().replace(":3,", ":5,").replace(":7,", ":70,")));
        let prints = |i: &crate::Imported| i.findings.iter().map(|f| f.fingerprint.clone()).collect::<Vec<_>>();
        assert_eq!(prints(&before), prints(&after));
        assert_eq!(prints(&before).iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn an_empty_list_is_only_read_where_the_tool_is_named() {
        assert!(import_as("[]", "").unwrap_err().to_string().contains("gitleaks=report"));
        let named = import_as("[]", "gitleaks").unwrap();
        assert_eq!((named[0].findings.len(), named[0].coverage.len()), (0, 1));
    }
}
