//! `rules list`: a table for people, or the array that other programs rely on.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use testudo_model::RuleInfo;

use super::{OwnRule, own_rules};

/// For whom the list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A table.
    Table,
    /// A JSON array.
    Json,
}

impl From<bool> for Form {
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Table }
    }
}

/// Prints the rules of a category, or all.
pub(super) fn run(form: Form, category: Option<&str>) -> Result<ExitCode> {
    let all = own_rules();
    let rules: Vec<&OwnRule> = all.iter().filter(|r| category.is_none_or(|wanted| r.category == wanted)).collect();
    if rules.is_empty() {
        let known: BTreeSet<&str> = all.iter().map(|r| r.category).collect();
        let known: Vec<&str> = known.into_iter().collect();
        bail!("no rule has the category `{}`; there are {}", category.unwrap_or_default(), known.join(", "));
    }
    let text = match form {
        Form::Json => format!("{:#}\n", rules.iter().map(|r| entry(&r.info)).collect::<Value>()),
        Form::Table => table(&rules),
    };
    crate::terminal::stdout(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The fields that are promised, and no others: help texts are for people.
fn entry(info: &RuleInfo) -> Value {
    json!({
        "id": info.id,
        "domain": info.domain,
        "title": info.title,
        "severity": info.severity,
        "confidence": info.confidence,
        "persona": info.persona,
        "cwe": info.cwe,
        "owasp": info.owasp,
        "aliases": info.aliases,
    })
}

fn table(rules: &[&OwnRule]) -> String {
    let width = |of: fn(&OwnRule) -> &str| rules.iter().map(|r| of(r).chars().count()).max().unwrap_or(0);
    let (id, category) = (width(|r| &r.info.id), width(|r| r.category));
    let mut out = String::new();
    for OwnRule { info, category: own, .. } in rules {
        out.push_str(&format!("{:<id$}  {own:<category$}  {:<8}  {}\n", info.id, info.severity, info.title));
    }
    out
}
