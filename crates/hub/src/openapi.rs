//! The OpenAPI 3.1 document of the hub, from its table of routes.

use serde_json::{Map, Value, json};

use crate::{
    Permission,
    routes::{Gives, ROUTES, Route, SchemaOf, Takes},
};

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas = Map::new();
    for route in ROUTES {
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method.to_ascii_lowercase()] = operation(route, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "testudo hub",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Pages and interface of the hub. Machines send a token, people have the cookie of a session and, \
                            to change something, the token of their forms."
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "testudo-hub" }
            }
        }
    })
}

fn operation(route: &Route, schemas: &mut Map<String, Value>) -> Value {
    let text = json!({ "type": "string" });
    let path = route.names().map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }));
    let query = route.query.iter().map(|name| json!({ "name": name, "in": "query", "schema": text }));
    let security = match route.permission {
        Permission::Open => json!([]),
        Permission::Push | Permission::Agent => json!([{ "token": [] }]),
        _ => json!([{ "session": [] }]),
    };
    let mut operation = json!({
        "operationId": id(route),
        "summary": route.summary,
        "parameters": path.chain(query).collect::<Vec<_>>(),
        "security": security,
        "x-testudo-permission": route.permission.as_str(),
        "responses": responses(route, schemas),
    });
    let body = match route.takes {
        Takes::Nothing => return operation,
        Takes::Form => json!({ "application/x-www-form-urlencoded": { "schema": { "type": "object" } } }),
        Takes::Json { schema, .. } => json!({ "application/json": { "schema": reference(schema, schemas) } }),
        Takes::Lines { .. } => json!({ "application/jsonl": { "schema": text } }),
    };
    operation["requestBody"] = json!({ "required": true, "content": body });
    operation
}

fn responses(route: &Route, schemas: &mut Map<String, Value>) -> Value {
    let (status, content) = match route.gives {
        Gives::Page => ("200", json!({ "text/html": {} })),
        Gives::SeeOther => ("303", json!({})),
        Gives::Style => ("200", json!({ "text/css": {} })),
        Gives::Script => ("200", json!({ "text/javascript": {} })),
        Gives::AnyJson => ("200", json!({ "application/json": {} })),
        Gives::Json(schema) => ("200", json!({ "application/json": { "schema": reference(schema, schemas) } })),
    };
    let mut responses = json!({ status: { "description": "done", "content": content } });
    let mut refused = vec![("400", "malformed"), ("404", "there is no such thing")];
    if route.permission != Permission::Open {
        refused.extend([("401", "nobody who is known asks"), ("403", "the one who asks may not")]);
    }
    if matches!(route.permission, Permission::Push | Permission::Agent | Permission::Answer) {
        refused.push(("409", "what is kept says otherwise"));
    }
    refused.push(("503", "too much at once; `Retry-After` says when to come again"));
    for (status, description) in refused {
        responses[status] = json!({ "description": description, "content": { "application/problem+json": {} } });
    }
    responses
}

/// `getApiV1Findings`.
fn id(route: &Route) -> String {
    let mut id = route.method.to_ascii_lowercase();
    for word in route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        id += &first.to_ascii_uppercase();
        id += rest;
    }
    if route.path == "/" { id + "Root" } else { id }
}

/// Puts a schema and those that it names among the components, and points to it.
fn reference(of: SchemaOf, schemas: &mut Map<String, Value>) -> Value {
    let mut schema = of().to_value();
    moved(&mut schema);
    let Some(object) = schema.as_object_mut() else { return schema };
    object.remove("$schema");
    if let Some(Value::Object(inner)) = object.remove("$defs") {
        schemas.extend(inner);
    }
    match object.get("title").and_then(Value::as_str).map(str::to_owned) {
        Some(title) if !title.contains(' ') && object.get("type") == Some(&json!("object")) => {
            schemas.insert(title.clone(), schema);
            json!({ "$ref": format!("#/components/schemas/{title}") })
        }
        _ => schema,
    }
}

/// References within one schema become references within the document.
fn moved(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                *target = target.replace("#/$defs/", "#/components/schemas/");
            }
            object.values_mut().for_each(moved);
        }
        Value::Array(values) => values.iter_mut().for_each(moved),
        _ => {}
    }
}
