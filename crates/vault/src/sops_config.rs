//! `.sops.yaml`: which new files are encrypted for whom, and what of them. The first rule that fits a path holds.

use testudo_syntax::yaml::{self, Node, Value};

use crate::{
    VaultError,
    file::Plan,
    rules::{self, KEYS},
};

/// Name of the configuration, looked for in the folder of a file and those above it.
pub const NAME: &str = ".sops.yaml";
/// Keys that name keys of kinds that are not supported.
const FOREIGN: [&str; 6] = ["kms", "pgp", "gcp_kms", "azure_keyvault", "hc_vault_transit_uri", "hckms"];

/// How a file is encrypted. `path` counts from the folder of the configuration, with `/`. None where no rule fits.
///
/// # Errors
/// The text is no configuration, or the rule that fits asks for what is not supported.
pub fn plan(text: &str, path: &str) -> Result<Option<Plan>, VaultError> {
    let documents = yaml::documents(text).map_err(|error| VaultError::Syntax {
        line: error.line,
        column: error.column,
        why: error.message,
    })?;
    let Some(list) = documents.first().and_then(|top| get(top, "creation_rules")) else { return Ok(None) };
    let Value::List(found) = &list.value else { return Err(wrong(list, "`creation_rules` is no list")) };
    for rule in found {
        let fits = match text_of(rule, "path_regex")? {
            None => true,
            Some((_, "")) => true,
            Some((node, regex)) => {
                rules::compile("path_regex", regex).map_err(|error| wrong(node, &error.to_string()))?.is_match(path)
            }
        };
        if fits {
            return read(rule).map(Some);
        }
    }
    Ok(None)
}

fn read(rule: &Node) -> Result<Plan, VaultError> {
    let mut plan = Plan { recipients: recipients(rule)?, ..Plan::default() };
    for key in KEYS {
        let Some((node, text)) = text_of(rule, key)?.filter(|(_, text)| !text.is_empty()) else { continue };
        if let Some((other, _)) = &plan.rule {
            return Err(wrong(
                node,
                &format!("a rule has one of the keys that say what is encrypted, and this has `{other}` too"),
            ));
        }
        plan.rule = Some((key.to_owned(), text.to_owned()));
    }
    plan.mac_only_encrypted = match text_of(rule, "mac_only_encrypted")? {
        None | Some((_, "false")) => false,
        Some((_, "true")) => true,
        Some((node, _)) => return Err(wrong(node, "`mac_only_encrypted` is true or false")),
    };
    Ok(plan)
}

/// The age recipients of a rule or of its one group of keys.
fn recipients(rule: &Node) -> Result<Vec<String>, VaultError> {
    let mut holder = rule;
    if let Some(groups) = get(rule, "key_groups") {
        match &groups.value {
            Value::List(list) if list.len() == 1 => holder = &list[0],
            _ => return Err(wrong(groups, "several key groups are not supported; use sops to create this file")),
        }
    }
    let foreign = FOREIGN.iter().chain(["merge"].iter()).find_map(|key| get(holder, key).map(|node| (key, node)));
    if let Some((key, node)) = foreign.filter(|(_, node)| !is_empty(node)) {
        return Err(wrong(node, &format!("keys of the kind `{key}` are not supported; use sops to create this file")));
    }
    let Some(node) = get(holder, "age") else { return Ok(Vec::new()) };
    let lists = match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    let mut found = Vec::new();
    for item in lists {
        let text = item.text().ok_or_else(|| wrong(item, "a recipient is text: age1…"))?;
        found.extend(text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned));
    }
    Ok(found)
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Plain(_) | Value::Text(_) => node.is_null() || node.text() == Some(""),
        Value::List(items) => items.is_empty(),
        Value::Map(pairs) => pairs.is_empty(),
    }
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(pairs) => pairs.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value),
        _ => None,
    }
}

/// The text of a key; none where it is missing or null.
fn text_of<'n>(node: &'n Node, key: &str) -> Result<Option<(&'n Node, &'n str)>, VaultError> {
    let Some(value) = get(node, key).filter(|value| !value.is_null()) else { return Ok(None) };
    value.text().map(|text| Some((value, text))).ok_or_else(|| wrong(value, &format!("`{key}` is text")))
}

fn wrong(node: &Node, why: &str) -> VaultError {
    VaultError::Syntax { line: node.line, column: node.column, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_holds() {
        let text = "creation_rules:\n\
            - path_regex: ^prod/.*\\.yaml$\n  age: 'age1a, age1b,'\n  encrypted_regex: ^(data|token)$\n  mac_only_encrypted: true\n\
            - path_regex: \\.json$\n  age: [age1c, age1d]\n  unencrypted_suffix: _plain\n\
            - path_regex: kms\n  kms: arn\n\
            - path_regex: two\n  encrypted_suffix: a\n  encrypted_regex: b\n\
            - path_regex: group\n  key_groups: [{age: [age1e]}]\n\
            - path_regex: '('\n";
        let read = |path: &str| plan(text, path).map_err(|error| error.to_string());
        let first = read("prod/a.yaml").unwrap().unwrap();
        assert_eq!(first.recipients, ["age1a", "age1b"]);
        assert_eq!(first.rule, Some(("encrypted_regex".to_owned(), "^(data|token)$".to_owned())));
        assert!(first.mac_only_encrypted);
        let second = read("x/prod/a.json").unwrap().unwrap();
        assert_eq!((second.recipients.len(), second.rule.unwrap().1.as_str()), (2, "_plain"));
        assert_eq!(read("group").unwrap().unwrap().recipients, ["age1e"]);
        for (path, error) in [
            ("kms", "10:8: keys of the kind `kms` are not supported"),
            ("two", "13:20: a rule has one of the keys"),
            ("other", "16:15: in the part `sops`: `path_regex`"),
        ] {
            assert!(read(path).unwrap_err().starts_with(error), "{:?}", read(path));
        }
        assert_eq!(plan("creation_rules:\n  - path_regex: a\n", "b").unwrap(), None);
        assert_eq!(plan("stores: {}", "b").unwrap(), None);
        assert!(plan("a: [", "b").is_err());
    }
}
