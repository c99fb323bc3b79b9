//! Something of the application that takes input: where it is, what goes in, and requests with one value changed.

use serde_json::Value;
use testudo_net::Method;

use crate::{
    Ask, Class,
    ask::{Content, FORM, JSON},
    link::{encode, pairs},
};

/// Where a value stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A part of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A field of a form in the body.
    Form,
    /// A member of a JSON object in the body.
    Json,
    /// A value deeper in the JSON of the body; its name is a JSON pointer (RFC 6901). It is sent as a part of what holds it.
    Nested,
}

impl Place {
    /// The word in reports and fingerprints.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Form => "form",
            Self::Json | Self::Nested => "body",
        }
    }
}

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// What is sent where nothing is tried. None where it is optional and left out.
    pub(crate) value: Option<Value>,
}

/// One thing that takes input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// The path with `{name}` for values; for identity and for requests.
    pub(crate) route: String,
    pub(crate) parameters: Vec<Parameter>,
    /// The body where it is JSON and no object.
    pub(crate) whole: Option<Value>,
}

/// What is tried with one value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// Another value.
    Is(Value),
    /// No value.
    Missing,
}

/// Value of a field as text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Endpoint {
    /// What a link leads to: the parts of its path that are numbers are values, and so are those of its query.
    pub(crate) fn of_link(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut parameters = Vec::new();
        let mut parts = Vec::new();
        for part in path.split('/') {
            if is_number(part) {
                let name = format!("n{}", parameters.len() + 1);
                parts.push(format!("{{{name}}}"));
                parameters.push(Parameter { name, place: Place::Path, value: Some(part.into()) });
            } else {
                parts.push(part.replace('{', "%7B").replace('}', "%7D"));
            }
        }
        parameters.extend(pairs(query).into_iter().map(|(name, value)| Parameter {
            name,
            place: Place::Query,
            value: Some(value.into()),
        }));
        Self { method: Method::Get, route: parts.join("/"), parameters, whole: None }
    }

    /// What makes two endpoints the same.
    pub(crate) fn key(&self) -> (Method, String, Vec<(Place, String)>) {
        let mut names: Vec<_> = self.parameters.iter().map(|p| (p.place, p.name.clone())).collect();
        names.sort();
        (self.method, self.route.clone(), names)
    }

    /// The request with the usual values.
    pub(crate) fn usual(&self, class: Class) -> Option<Ask> {
        self.changed(class, None)
    }

    /// The request with a text in the place of one value.
    pub(crate) fn with(&self, class: Class, at: usize, text: &str) -> Option<Ask> {
        self.changed(class, Some((at, &Change::Is(text.into()))))
    }

    /// The request with one change; none where it cannot be sent.
    pub(crate) fn changed(&self, class: Class, change: Option<(usize, &Change)>) -> Option<Ask> {
        let mut path = self.route.clone();
        let (mut query, mut form) = (Vec::new(), Vec::new());
        let (mut headers, mut cookies) = (Vec::new(), Vec::new());
        let mut object = serde_json::Map::new();
        for (at, parameter) in self.parameters.iter().enumerate() {
            let value = match change {
                Some((changed, Change::Is(value))) if changed == at => Some(value),
                Some((changed, Change::Missing)) if changed == at => None,
                _ => parameter.value.as_ref(),
            };
            let Some(value) = value else {
                if matches!(parameter.place, Place::Path | Place::Nested) {
                    return None;
                }
                continue;
            };
            let plain = text(value);
            let pair = || format!("{}={}", encode(&parameter.name), encode(&plain));
            match parameter.place {
                // An empty part would be another route.
                Place::Path if plain.is_empty() => return None,
                Place::Path => path = path.replace(&format!("{{{}}}", parameter.name), &encode(&plain)),
                Place::Query => query.push(pair()),
                Place::Form => form.push(pair()),
                Place::Header => headers.push((parameter.name.clone(), header_value(&plain)?)),
                Place::Cookie => cookies.push(pair()),
                Place::Json => drop(object.insert(parameter.name.clone(), value.clone())),
                Place::Nested => {}
            }
        }
        if !cookies.is_empty() {
            headers.push(("Cookie".to_owned(), cookies.join("; ")));
        }
        let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        let has = |place| self.parameters.iter().any(|parameter| parameter.place == place);
        let mut json = self.whole.clone().or_else(|| has(Place::Json).then(|| Value::from(object)));
        if let Some((at, Change::Is(value))) = change
            && self.parameters[at].place == Place::Nested
        {
            *json.as_mut()?.pointer_mut(&self.parameters[at].name)? = value.clone();
        }
        let body = match json {
            Some(json) => Some(Content { kind: JSON, text: json.to_string() }),
            None => has(Place::Form).then(|| Content { kind: FORM, text: form.join("&") }),
        };
        Some(Ask { class, method: self.method, target, headers, body })
    }
}

/// A value that a header can hold.
fn header_value(text: &str) -> Option<String> {
    let visible = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    visible.then(|| text.to_owned())
}

fn is_number(part: &str) -> bool {
    let uuid = part.len() == 36 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    uuid || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_becomes_a_route_with_values() {
        let one = Endpoint::of_link("/item/17/x?q=a+b&p");
        assert_eq!(one.route, "/item/{n1}/x");
        assert_eq!(one.key(), Endpoint::of_link("/item/18/x?p=2&q=c").key());
        assert_ne!(one.key(), Endpoint::of_link("/item/18/x?q=c").key());
        assert_eq!(one.usual(Class::Look).unwrap().target, "/item/17/x?q=a%20b&p=");
        assert_eq!(one.with(Class::Look, 0, "../7").unwrap().target, "/item/..%2F7/x?q=a%20b&p=");
        assert_eq!(one.changed(Class::Look, Some((1, &Change::Missing))).unwrap().target, "/item/17/x?p=");
        assert_eq!(one.changed(Class::Look, Some((0, &Change::Missing))), None);
    }

    #[test]
    fn every_place_is_written_in_its_own_way() {
        let parameter = |name: &str, place, value| Parameter { name: name.to_owned(), place, value: Some(value) };
        let endpoint = Endpoint {
            method: Method::Put,
            route: "/a/{id}".to_owned(),
            parameters: vec![
                parameter("id", Place::Path, json!(3)),
                parameter("X-Own", Place::Header, json!("h")),
                parameter("c", Place::Cookie, json!("a;b")),
                parameter("n", Place::Json, json!([1])),
                parameter("/n/0", Place::Nested, json!(1)),
            ],
            whole: None,
        };
        let ask = endpoint.with(Class::Valid, 3, "t").unwrap();
        assert_eq!(ask.line(), "PUT /a/3");
        assert_eq!(ask.headers, [("X-Own".to_owned(), "h".to_owned()), ("Cookie".to_owned(), "c=a%3Bb".to_owned())]);
        assert_eq!(ask.body.unwrap().text, r#"{"n":"t"}"#);
        assert_eq!(endpoint.usual(Class::Valid).unwrap().body.unwrap().text, r#"{"n":[1]}"#);
        assert_eq!(endpoint.with(Class::Valid, 4, "deep").unwrap().body.unwrap().text, r#"{"n":["deep"]}"#);
        assert_eq!(endpoint.changed(Class::Valid, Some((4, &Change::Missing))), None);
        assert_eq!(endpoint.with(Class::Valid, 1, "two\nlines"), None);
    }
}
