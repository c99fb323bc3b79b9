//! OpenAPI and Swagger: a way in with its description, what it asks of its users, and whether it takes files.

use serde_json::Value;

use super::{Discovery, Part, ProjectFile, Way, folder};
use crate::nouns::Reach;

/// Whether a JSON file of this name may be one; YAML files are all looked at.
pub(super) fn may_be(name: &str) -> bool {
    name.ends_with(".json") && (name.contains("openapi") || name.contains("swagger"))
}

pub(super) fn is_one(document: &Value) -> bool {
    document.get("paths").is_some_and(Value::is_object)
        && (document.get("openapi").is_some() || document.get("swagger").is_some())
}

pub(super) fn read(file: &ProjectFile<'_>, document: &Value, found: &mut Discovery) {
    let component = found.owner_of(file.path).unwrap_or_else(|| {
        let source = folder(file.path).to_owned();
        let part = Part { kind: "api", source: Some(source), runs_as: None, seen_in: file.path.to_owned() };
        let product = found.product.clone();
        found.part(&product, part)
    });
    let known = found.ways.get(&format!("{component}.http"));
    let reach = known.map_or(Reach::Internet, |way| way.reach);
    let name = file.path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or("api");
    let way = Way {
        reach,
        auth: Some(auth(document)),
        upload: file.text.contains("multipart/form-data"),
        spec: Some(file.path.to_owned()),
        seen_in: file.path.to_owned(),
        component: component.clone(),
    };
    found.way(format!("{component}.{}", super::id_of(name)), way);
}

/// The scheme of a list of requirements; none where the list is empty or one of them asks for nothing.
fn asks(value: Option<&Value>) -> Option<&String> {
    let list = value?.as_array()?;
    let schemes: Option<Vec<&String>> = list.iter().map(|one| one.as_object()?.keys().next()).collect();
    schemes?.first().copied()
}

/// What every operation asks for; `none` where one asks for nothing.
fn auth(document: &Value) -> String {
    let everywhere = asks(document.get("security"));
    let methods = ["get", "put", "post", "delete", "patch", "options", "head", "trace"];
    let paths = document.get("paths").and_then(Value::as_object);
    let operations = paths.into_iter().flat_map(|paths| paths.values());
    let operations = operations.flat_map(|path| methods.iter().filter_map(|method| path.get(*method)));
    let mut named = everywhere;
    for operation in operations {
        let own = match operation.get("security") {
            Some(own) => asks(Some(own)),
            None => everywhere,
        };
        match own {
            Some(scheme) => named = named.or(Some(scheme)),
            None => return "none".to_owned(),
        }
    }
    named.map_or_else(|| "none".to_owned(), Clone::clone)
}
