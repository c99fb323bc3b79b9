//! The operations of a description as endpoints: paths, parameters and bodies with values that can be sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testudo_model::NoticeCode;
use testudo_net::{Method, Url, is_own_header};

use super::{Document, sample};
use crate::{
    Class, Profile,
    endpoint::{Endpoint, Parameter, Place},
    link,
    run::Run,
};

/// Most operations of one description.
const MAX_OPERATIONS: usize = 500;
/// How deep the values of a body are tried one by one.
const MAX_DEPTH: usize = 6;
/// Most parameters of one operation.
const MAX_PARAMETERS: usize = 60;

const METHODS: &[(&str, Method)] = &[
    ("get", Method::Get),
    ("head", Method::Head),
    ("options", Method::Options),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
];

/// Headers that are described elsewhere, and are no input of an operation (OpenAPI 3.1, section 4.8.12.2.1).
const NOT_INPUTS: &[&str] = &["accept", "authorization", "content-type"];

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    pub(crate) endpoint: Endpoint,
    /// The schema of each parameter of the endpoint, and whether it is required.
    pub(crate) schemas: Vec<(Value, bool)>,
    /// Answers by status (`200`, `2XX`, `default`), with the schema of their JSON.
    pub(crate) answers: BTreeMap<String, Option<Value>>,
    /// Inputs that are left out for a limit.
    left_out: usize,
    /// Whether it answered as if it was there.
    pub(crate) reached: bool,
}

impl Operation {
    /// `GET /pets/{id}`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.endpoint.method.as_str(), self.endpoint.route)
    }

    /// Whether an endpoint that was found by a link is this operation.
    pub(crate) fn covers(&self, other: &Endpoint) -> bool {
        let path = |endpoint: &Endpoint| endpoint.route.split('/').map(str::to_owned).collect::<Vec<_>>();
        let (own, other_path) = (path(&self.endpoint), path(other));
        let same = |(own, other): (&String, &String)| own == other || own.starts_with('{');
        self.endpoint.method == other.method && own.len() == other_path.len() && own.iter().zip(&other_path).all(same)
    }
}

/// The operations that can be tried within the bounds. Of the others a notice says why not.
pub(crate) fn operations(run: &mut Run<'_, '_>, document: &Document) -> Vec<Operation> {
    let base = base(run.session.scope.url(), run.session.scope.prefix(), document);
    let mut found = Vec::new();
    let paths = document.get("paths").and_then(Value::as_object);
    let (mut total, mut beyond) = (0_u64, 0_u64);
    for (path, item) in paths.into_iter().flatten() {
        let Some(item) = document.resolve(item) else { continue };
        for (key, method) in METHODS {
            let Some(own) = document.member(item, key) else { continue };
            total += 1;
            if found.len() >= MAX_OPERATIONS {
                beyond += 1;
                continue;
            }
            let route = format!("{base}{}", path.trim_start_matches('/'));
            let read = Reader { document, item, own }.operation(*method, &route);
            match read.and_then(|operation| admitted(run, operation)) {
                Ok(operation) => found.push(operation),
                Err(why) => {
                    run.count("operations_not_tried", 1);
                    let message = format!("{} {path} was not tried: {why}", method.as_str());
                    run.notice(NoticeCode::ProbeSkipped, &route, message);
                }
            }
        }
    }
    run.count("operations", total);
    tell_limits(run, &found, (&base, beyond));
    found
}

/// Says what was left out because there is so much of it.
fn tell_limits(run: &mut Run<'_, '_>, found: &[Operation], (base, beyond): (&str, u64)) {
    for operation in found.iter().filter(|operation| operation.left_out > 0) {
        let (more, name) = (operation.left_out, operation.name());
        let message = format!("{more} inputs of {name} were not tried: an operation has up to {MAX_PARAMETERS}");
        run.notice(NoticeCode::ProbeLimit, &operation.endpoint.route, message);
    }
    if beyond > 0 {
        let message = format!(
            "{beyond} operations beyond the first {MAX_OPERATIONS} were not tried; probe parts of them with --include"
        );
        run.notice(NoticeCode::ProbeLimit, base, message);
    }
}

/// Whether the operation may be tried.
fn admitted(run: &Run<'_, '_>, operation: Operation) -> Result<Operation, String> {
    if !run.session.profile.admits(operation.endpoint.method) {
        return Err("it can change data; ask for it with --profile full, on a system whose data may be lost".to_owned());
    }
    let ask = operation.endpoint.usual(Class::Valid).ok_or("no value that can be sent is known for its path")?;
    run.session.scope.admit(&ask.target).map_err(|why| why.as_str().to_owned())?;
    if run.session.profile == Profile::Safe && ask.overrides_method() {
        return Err("it asks for another method than its own, which the profile safe does not do".to_owned());
    }
    Ok(operation)
}

/// The path below which operations are, with slashes at both ends: that of the first server. Its host is not looked at: the
/// target is where the user said.
fn base(target: &Url, prefix: &str, document: &Document) -> String {
    let server =
        document.get("servers").and_then(|all| all.get(0)).and_then(|one| one.get("url")).and_then(Value::as_str);
    let path = match server {
        None => return prefix.to_owned(),
        Some(url) if url.contains("://") => Url::parse(url).ok().map(|url| url.target().to_owned()),
        Some(path) => link::resolve(target, prefix, path),
    };
    let path = path.filter(|path| !path.contains(['{', '?'])).unwrap_or_else(|| prefix.to_owned());
    if path.ends_with('/') { path } else { path + "/" }
}

struct Reader<'a> {
    document: &'a Document,
    item: &'a Value,
    own: &'a Value,
}

impl Reader<'_> {
    fn operation(&self, method: Method, route: &str) -> Result<Operation, String> {
        let mut operation = Operation {
            endpoint: Endpoint { method, route: route.to_owned(), parameters: Vec::new(), whole: None },
            schemas: Vec::new(),
            answers: self.answers(),
            left_out: 0,
            reached: false,
        };
        for (name, place, parameter) in self.parameters() {
            let schema = self.schema(parameter).unwrap_or(json!({"type": "string"}));
            let required = parameter["required"] == true || place == Place::Path;
            let value = self.example(parameter).or_else(|| sample(self.document, &schema)).map(scalar);
            add(
                &mut operation,
                Parameter { name, place, value: value.or_else(|| required.then(|| json!("1"))) },
                (schema, required),
            );
        }
        for name in placeholders(route) {
            if !operation.endpoint.parameters.iter().any(|known| known.place == Place::Path && known.name == name) {
                let parameter = Parameter { name, place: Place::Path, value: Some(json!("1")) };
                add(&mut operation, parameter, (json!({"type": "string"}), true));
            }
        }
        if !matches!(method, Method::Get | Method::Head | Method::Options | Method::Delete) {
            self.body(&mut operation)?;
        }
        Ok(operation)
    }

    /// Parameters of the operation, and those of its path that it does not replace.
    fn parameters(&self) -> Vec<(String, Place, &Value)> {
        let mut all: Vec<(String, Place, &Value)> = Vec::new();
        let lists = [self.own.get("parameters"), self.item.get("parameters")];
        for parameter in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
            let Some(parameter) = self.document.resolve(parameter) else { continue };
            let (name, place) = (parameter["name"].as_str(), parameter["in"].as_str().and_then(place));
            let (Some(name), Some(place)) = (name, place) else { continue };
            let lower = name.to_ascii_lowercase();
            let own = place == Place::Header && (NOT_INPUTS.contains(&lower.as_str()) || is_own_header(&lower));
            if !own && all.iter().all(|known| (known.0.as_str(), known.1) != (name, place)) {
                all.push((name.to_owned(), place, parameter));
            }
        }
        all
    }

    fn schema(&self, holder: &Value) -> Option<Value> {
        let content = || holder.get("content").and_then(Value::as_object)?.values().next()?.get("schema");
        let schema = holder.get("schema").or_else(content)?;
        self.document.resolve(schema).cloned()
    }

    fn example(&self, holder: &Value) -> Option<Value> {
        let named = || {
            let first = holder.get("examples")?.as_object()?.values().next()?;
            self.document.resolve(first)?.get("value")
        };
        holder.get("example").or_else(named).cloned()
    }

    fn body(&self, operation: &mut Operation) -> Result<(), String> {
        let Some(content) =
            self.document.member(self.own, "requestBody").and_then(|body| body.get("content")?.as_object())
        else {
            return Ok(());
        };
        let is_json = |kind: &str| kind == "application/json" || kind.ends_with("+json");
        let json = content.iter().find(|(kind, _)| is_json(kind));
        let form = content.iter().find(|(kind, _)| kind.as_str() == crate::ask::FORM);
        let (place, holder) = match (json, form) {
            (Some((_, holder)), _) => (Place::Json, holder),
            (None, Some((_, holder))) => (Place::Form, holder),
            (None, None) => return Err("its body is neither JSON nor a form".to_owned()),
        };
        let schema = self.schema(holder).unwrap_or_default();
        let value = self.example(holder).or_else(|| sample(self.document, &schema));
        let deep = value.as_ref().filter(|_| place == Place::Json).map(nested).unwrap_or_default();
        let read = match value {
            Some(Value::Object(members)) => {
                let required =
                    |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
                for (name, value) in members {
                    let own = schema.get("properties").and_then(|all| self.document.resolve(all.get(&name)?)).cloned();
                    let needed = required(&name);
                    add(operation, Parameter { name, place, value: Some(value) }, (own.unwrap_or_default(), needed));
                }
                Ok(())
            }
            Some(value) if place == Place::Json => {
                operation.endpoint.whole = Some(value);
                Ok(())
            }
            _ => Err("nothing is known to send as its body; give an example in the description".to_owned()),
        };
        for (name, value) in deep {
            let schema = json!({"type": if value.is_string() { "string" } else { "number" }});
            add(operation, Parameter { name, place: Place::Nested, value: Some(value) }, (schema, false));
        }
        read
    }

    fn answers(&self) -> BTreeMap<String, Option<Value>> {
        let mut answers = BTreeMap::new();
        for (status, answer) in self.own.get("responses").and_then(Value::as_object).into_iter().flatten() {
            let content = self.document.resolve(answer).and_then(|answer| answer.get("content")?.as_object());
            let json =
                content.and_then(|content| content.iter().find(|(kind, _)| kind.starts_with("application/json")));
            answers.insert(status.to_ascii_uppercase(), json.and_then(|(_, holder)| self.schema(holder)));
        }
        answers
    }
}

fn add(operation: &mut Operation, parameter: Parameter, about: (Value, bool)) {
    if operation.endpoint.parameters.len() < MAX_PARAMETERS {
        operation.endpoint.parameters.push(parameter);
        operation.schemas.push(about);
    } else {
        operation.left_out += 1;
    }
}

/// Texts and numbers that stand deeper in a value than its own members, by their JSON pointers.
fn nested(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), value, 0_usize)];
    while let Some((pointer, value, depth)) = open.pop() {
        let whole_list = value.is_array() && depth == 0;
        match value {
            Value::Object(members) if depth < MAX_DEPTH => open.extend(members.iter().map(|(name, value)| {
                (format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), value, depth + 1)
            })),
            // One item stands for all of a list.
            Value::Array(items) if depth < MAX_DEPTH => open.extend(
                items
                    .first()
                    .map(|item| (format!("{pointer}/0"), item, if whole_list { depth + 2 } else { depth + 1 })),
            ),
            Value::String(_) | Value::Number(_) if depth > 1 => found.push((pointer, value.clone())),
            _ => {}
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn place(word: &str) -> Option<Place> {
    Some(match word {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        _ => return None,
    })
}

/// A value as one that stands in an address: of a list its first item.
fn scalar(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().next().map_or(json!(""), scalar),
        other => other,
    }
}

/// The names in braces of a path.
fn placeholders(route: &str) -> Vec<String> {
    route.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_deep_in_a_body_are_inputs() {
        let body = json!({"a": 1, "b": {"c/d": "x", "e": [{"f": 2}, {"f": 3}], "g": true}});
        let names = |value: &Value| nested(value).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&body), ["/b/c~1d", "/b/e/0/f"]);
        assert_eq!(names(&json!(["x"])), ["/0"]);
        assert_eq!(names(&json!([{"a": "x"}])), ["/0/a"]);
        assert_eq!(names(&json!("x")), Vec::<String>::new());
    }

    #[test]
    fn servers_give_a_path_and_never_a_host() {
        let target = Url::parse("http://127.0.0.1:8080/app/").unwrap();
        for (servers, expected) in [
            ("[]", "/app/"),
            ("[{\"url\": \"/v1\"}]", "/v1/"),
            ("[{\"url\": \"v1/\"}]", "/app/v1/"),
            ("[{\"url\": \"https://evil.example/v2\"}]", "/v2/"),
            ("[{\"url\": \"//evil.example/v2\"}]", "/app/"),
            ("[{\"url\": \"https://{host}/v2\"}]", "/app/"),
            ("[{\"url\": 7}]", "/app/"),
        ] {
            let document = super::super::read(&format!("{{\"openapi\":\"3.0.0\",\"servers\":{servers}}}")).unwrap();
            assert_eq!(base(&target, "/app/", &document), expected, "{servers}");
        }
    }
}
