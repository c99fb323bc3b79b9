//! Locations (3.28), artifacts (3.24) and regions (3.30).

use serde_json::Value;
use testudo_model::Span;

use crate::{
    draft::{self, Place},
    json::Fields as _,
    path,
};

/// The place of a location.
pub(super) fn of(run: &Value, location: &Value) -> Place {
    let physical = location.get("physicalLocation").unwrap_or(&Value::Null);
    let artifact = physical.get("artifactLocation").unwrap_or(&Value::Null);
    Place::file(artifact_path(run, artifact).as_deref()).at(physical.get("region").and_then(region))
}

/// What the report shows of the text at a location.
pub(super) fn snippet(location: &Value) -> Option<&str> {
    location.get("physicalLocation")?.get("region")?.get("snippet")?.text("text")
}

/// The path of an artifact location (3.4), below its base where that is a folder of this machine.
fn artifact_path(run: &Value, artifact: &Value) -> Option<String> {
    let listed = || {
        let index = usize::try_from(artifact.number("index")?).ok()?;
        run.list("artifacts").get(index)?.get("location")
    };
    let artifact = if artifact.text("uri").is_some() { artifact } else { listed()? };
    let path = path::of_uri(artifact.text("uri")?)?;
    if path.starts_with('/') || path.starts_with("file:") {
        return Some(path);
    }
    let base = artifact.text("uriBaseId").and_then(|name| run.get("originalUriBaseIds")?.get(name)?.text("uri"));
    let base = base.and_then(path::of_uri).filter(|base| base.starts_with('/') || base.starts_with("file:"));
    Some(base.map_or(path.clone(), |base| format!("{}/{path}", base.trim_end_matches('/'))))
}

/// A region of lines. One of bytes or characters alone has no line.
fn region(region: &Value) -> Option<Span> {
    draft::span(
        (region.ordinal("startLine"), region.ordinal("startColumn")),
        (region.ordinal("endLine"), region.ordinal("endColumn")),
    )
}
