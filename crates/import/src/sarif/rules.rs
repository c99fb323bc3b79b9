//! The rules that results refer to (3.49), of the driver and of its extensions.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::Fields as _;

/// The rules of a run.
pub(super) struct Rules<'a> {
    driver: &'a [Value],
    extensions: Vec<&'a [Value]>,
    by_id: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Rules<'a> {
    pub(super) fn of(run: &'a Value) -> Self {
        let tool = run.get("tool").unwrap_or(&Value::Null);
        let driver = tool.get("driver").map_or(&[][..], |driver| driver.list("rules"));
        let extensions: Vec<&[Value]> =
            tool.list("extensions").iter().map(|extension| extension.list("rules")).collect();
        let mut by_id = BTreeMap::new();
        for rule in driver.iter().chain(extensions.iter().copied().flatten()) {
            if let Some(id) = rule.text("id") {
                by_id.entry(id).or_insert(rule);
            }
        }
        Self { driver, extensions, by_id }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Id and descriptor of a result's rule (3.27.5 to 3.27.7). A result may name a part of a rule, `CA1000/1` (3.52.4).
    pub(super) fn of_result(&self, result: &'a Value) -> Option<(&'a str, Option<&'a Value>)> {
        let reference = result.get("rule").unwrap_or(&Value::Null);
        let id = result.text("ruleId").or_else(|| reference.text("id"));
        let index = result.number("ruleIndex").or_else(|| reference.number("index"));
        let component = reference.get("toolComponent").and_then(|component| component.number("index"));
        let list = match component.and_then(|at| usize::try_from(at).ok()) {
            Some(at) => self.extensions.get(at).copied().unwrap_or_default(),
            None => self.driver,
        };
        let indexed = index.and_then(|at| list.get(usize::try_from(at).ok()?));
        let Some(id) = id else { return indexed.and_then(|rule| Some((rule.text("id")?, Some(rule)))) };
        let named = || self.by_id.get(id).or_else(|| self.by_id.get(id.rsplit_once('/')?.0)).copied();
        // An index that leads to a rule of another name is a mistake of the tool; the name counts.
        let fits = |rule: &&Value| rule.text("id").is_some_and(|own| own == id || id.starts_with(&format!("{own}/")));
        Some((id, indexed.filter(fits).or_else(named)))
    }
}
