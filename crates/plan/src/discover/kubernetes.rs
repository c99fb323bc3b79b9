//! Kubernetes: workloads, the services that lead to them, and what is open to the outside.

use serde_json::Value;

use super::{Discovery, Part, ProjectFile, Way, kinds, text_at};
use crate::nouns::Reach;

/// A workload with the labels of its pods.
struct Workload<'d> {
    id: String,
    labels: Option<&'d Value>,
}

type Documents<'a, 'f> = [(&'a ProjectFile<'f>, Value)];

pub(super) fn read(documents: &Documents<'_, '_>, found: &mut Discovery) {
    let mut workloads = Vec::new();
    for (file, document) in documents {
        if let Some(template) = template(document) {
            let name = text_at(document, "/metadata/name").unwrap_or("workload");
            let id = found.part(name, part(file, template));
            workloads.push(Workload { id, labels: template.pointer("/metadata/labels") });
        }
    }
    let outside: Vec<&str> =
        documents.iter().filter(|(_, d)| is(d, "Ingress")).flat_map(|(_, d)| backends(d)).collect();
    for (file, service) in documents.iter().filter(|(_, document)| is(document, "Service")) {
        let name = text_at(service, "/metadata/name").unwrap_or_default();
        let kind = text_at(service, "/spec/type").unwrap_or("ClusterIP");
        let open = matches!(kind, "LoadBalancer" | "NodePort") || outside.contains(&name);
        let reach = if open { Reach::Internet } else { Reach::Internal };
        let Some(selector) = service.pointer("/spec/selector").and_then(Value::as_object) else { continue };
        let chosen = workloads.iter().filter(|workload| {
            !selector.is_empty()
                && selector.iter().all(|(key, value)| workload.labels.and_then(|labels| labels.get(key)) == Some(value))
        });
        for workload in chosen {
            if let Some(part) = found.parts.get_mut(&workload.id).filter(|part| part.kind == "worker") {
                part.kind = if open { "web" } else { "service" };
            }
            let component = workload.id.clone();
            let seen_in = file.path.to_owned();
            found.way(
                format!("{component}.http"),
                Way { component, reach, auth: None, upload: false, spec: None, seen_in },
            );
        }
    }
}

fn is(document: &Value, kind: &str) -> bool {
    text_at(document, "/kind") == Some(kind) && text_at(document, "/apiVersion").is_some()
}

/// The template of the pods of a workload.
fn template(document: &Value) -> Option<&Value> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"];
    if kinds.iter().any(|kind| is(document, kind)) {
        return document.pointer("/spec/template");
    }
    is(document, "CronJob").then(|| document.pointer("/spec/jobTemplate/spec/template")).flatten()
}

fn part(file: &ProjectFile<'_>, template: &Value) -> Part {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let kind = containers.iter().filter_map(|container| text_at(container, "/image")).find_map(kinds::of_image);
    let user = |value: &Value| value.pointer("/securityContext/runAsUser").and_then(Value::as_u64);
    let user = containers.iter().find_map(user).or_else(|| template.get("spec").and_then(user));
    Part {
        kind: kind.unwrap_or("worker"),
        source: None,
        runs_as: user.map(|user| user.to_string()),
        seen_in: file.path.to_owned(),
    }
}

/// Names of the services that an ingress leads to.
fn backends(ingress: &Value) -> Vec<&str> {
    let rules = ingress.pointer("/spec/rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let paths = rules.iter().filter_map(|rule| rule.pointer("/http/paths").and_then(Value::as_array)).flatten();
    let backends = paths.filter_map(|path| path.get("backend")).chain(ingress.pointer("/spec/defaultBackend"));
    backends
        .filter_map(|backend| text_at(backend, "/service/name").or_else(|| text_at(backend, "/serviceName")))
        .collect()
}
