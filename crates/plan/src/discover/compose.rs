//! Compose files: services, their images, published ports, and what they depend on.

use serde_json::Value;

use super::{Discovery, Part, ProjectFile, Way, folder, id_of, kinds, text_at};
use crate::nouns::Reach;

pub(super) fn is_one(document: &Value) -> bool {
    let runs = |service: &Value| service.get("image").is_some() || service.get("build").is_some();
    document.get("services").and_then(Value::as_object).is_some_and(|services| services.values().any(runs))
}

pub(super) fn read(file: &ProjectFile<'_>, document: &Value, found: &mut Discovery) {
    let Some(services) = document.get("services").and_then(Value::as_object) else { return };
    for (name, service) in services {
        let source = context(service).and_then(|context| below(folder(file.path), context));
        let ports = service.get("ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let image = text_at(service, "/image").and_then(kinds::of_image).filter(|_| source.is_none());
        let built = take_image(found, source.as_deref());
        let kind = image.or(built.as_ref().map(|part| part.kind));
        let part = Part {
            kind: kind.unwrap_or(if ports.is_empty() { "worker" } else { "web" }),
            source,
            runs_as: text_at(service, "/user").map(str::to_owned).or_else(|| built.and_then(|part| part.runs_as)),
            seen_in: file.path.to_owned(),
        };
        let id = found.part(name, part);
        if let Some(reach) = ports.iter().map(reach).max() {
            let seen_in = file.path.to_owned();
            found.way(
                format!("{id}.http"),
                Way { component: id.clone(), reach, auth: None, upload: false, spec: None, seen_in },
            );
        }
    }
    for (name, service) in services {
        for needed in ["depends_on", "links"].iter().flat_map(|key| names(service.get(*key))) {
            let needed = needed.split(':').next().unwrap_or_default();
            if services.contains_key(needed) {
                found.flows.insert((id_of(name), id_of(needed)));
            }
        }
    }
}

/// The component of the image that a service builds: the service takes its place.
fn take_image(found: &mut Discovery, source: Option<&str>) -> Option<Part> {
    let source = source?;
    let (id, _) = found.parts.iter().find(|(_, part)| {
        part.source.as_deref() == Some(source) && part.seen_in.to_ascii_lowercase().contains("dockerfile")
    })?;
    let id = id.clone();
    found.ways.remove(&format!("{id}.http"));
    found.parts.remove(&id)
}

fn context(service: &Value) -> Option<&str> {
    text_at(service, "/build").or_else(|| text_at(service, "/build/context"))
}

/// A path of a file in a folder, from the root; none where it leads out.
fn below(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| *part != ".").collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// A port that is bound to this host alone is internal; any other could be reached from everywhere.
fn reach(port: &Value) -> Reach {
    let local =
        |address: &str| address.starts_with("127.") || address.starts_with("localhost") || address.starts_with("[::1]");
    let text = port.as_str().or_else(|| text_at(port, "/host_ip"));
    if text.is_some_and(local) { Reach::Internal } else { Reach::Internet }
}

/// A list of names, or the keys of a map.
fn names(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(map)) => map.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
