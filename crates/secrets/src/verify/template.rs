//! A checked request with places for the value, and the escaping that each place needs.
//!
//! The address is split before the value is known: scheme, host and port come from the rule alone, so no value can
//! lead a request to another host. In the path and the query the value is percent-encoded, in a header it has to be
//! visible ASCII, in a JSON body it is set into the parsed document, in basic authentication it is encoded as a whole.

use serde_json::Value;
use testudo_net::{Host, Method, NetError, Scheme, Url, UrlError};

use super::Request;
use crate::base64;

/// What stands for the value.
const PLACE: &str = "{{secret}}";

/// Why a request is not sent, whatever the value is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Another method.
    #[error("`method` must be GET, HEAD or POST: a question changes nothing")]
    Method,
    /// The address.
    #[error("`url`: {0}")]
    Url(#[from] UrlError),
    /// Clear text.
    #[error("`url` must be https:// (http:// is possible for an address of this machine only)")]
    ClearText,
    /// The value would choose the host.
    #[error("`url`: {PLACE} may stand in path and query only")]
    PlaceInHost,
    /// Another placeholder.
    #[error("`{key}`: the only placeholder is {PLACE}")]
    Placeholder {
        /// Where.
        key: &'static str,
    },
    /// The value is not sent at all.
    #[error("{PLACE} stands nowhere, so nothing would be asked")]
    NoPlace,
    /// A header that the client refuses.
    #[error("`headers`: {0}")]
    Header(NetError),
    /// Two ways to authenticate.
    #[error("`basic` and a header `Authorization` exclude one another")]
    TwoAuthorizations,
    /// No colon.
    #[error("`basic` must be `user:password`")]
    Basic,
    /// A body that is no JSON, or has no method for it.
    #[error("`body` must be JSON with {PLACE} inside of its texts, and `method` POST")]
    Body,
    /// A status that says nothing.
    #[error(
        "`{key}`: status {status} says nothing about a value; only 2xx and 4xx do, without 407, 408, 425 and 429, each in one list"
    )]
    Status {
        /// Where.
        key: &'static str,
        /// The code.
        status: u16,
    },
    /// No answer would mean live.
    #[error("`active` names no status code")]
    NoStatus,
}

/// A value that cannot stand where the request wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit;

/// A checked request.
#[derive(Debug, Clone)]
pub(super) struct Template {
    method: Method,
    /// Scheme, host and port; the target of it is not used.
    base: Url,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    basic: Option<String>,
    body: Option<Value>,
    active: Vec<u16>,
    inactive: Vec<u16>,
}

impl Template {
    /// Checks a request.
    pub(super) fn new(request: &Request) -> Result<Self, RequestError> {
        check_places(request)?;
        check_statuses(request)?;
        let after_scheme = request.url.find("://").map_or(0, |at| at + 3);
        let target_at =
            request.url[after_scheme..].find(['/', '?', '#']).map_or(request.url.len(), |at| at + after_scheme);
        let (origin, target) = request.url.split_at(target_at);
        if origin.contains(PLACE) {
            return Err(RequestError::PlaceInHost);
        }
        let base = Url::parse(origin)?;
        let loopback = matches!(base.host(), Host::Address(address) if address.is_loopback());
        if base.scheme() == Scheme::Http && !loopback {
            return Err(RequestError::ClearText);
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let template = Self {
            method: method(&request.method)?,
            base,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: request.headers.clone(),
            basic: basic(request)?,
            body: body(request)?,
            active: request.active.clone(),
            inactive: request.inactive.clone(),
        };
        // A value that fits everywhere shows what is wrong with the request itself.
        let probe = template.request("probe")?;
        probe.check().map_err(RequestError::Header)?;
        Ok(template)
    }

    /// Host and port, for taking turns, and safe to show.
    pub(super) fn origin(&self) -> String {
        self.base.origin()
    }

    /// The host.
    pub(super) const fn host(&self) -> &Host {
        self.base.host()
    }

    /// Scheme, host and port as an address without path.
    pub(super) const fn base(&self) -> &Url {
        &self.base
    }

    /// Status codes that mean live.
    pub(super) fn active(&self) -> &[u16] {
        &self.active
    }

    /// Status codes that mean dead.
    pub(super) fn inactive(&self) -> &[u16] {
        &self.inactive
    }

    /// The request with a value in its places.
    pub(super) fn fill(&self, value: &str) -> Result<testudo_net::Request, Unfit> {
        let control = value.bytes().any(|byte| byte.is_ascii_control());
        let splits = |basic: &String| basic.find(PLACE) < basic.find(':') && value.contains(':');
        if value.is_empty() || self.basic.as_ref().is_some_and(|basic| control || splits(basic)) {
            return Err(Unfit);
        }
        let request = self.request(value).map_err(|_| Unfit)?;
        request.check().map_err(|_| Unfit)?;
        Ok(request)
    }

    fn request(&self, value: &str) -> Result<testudo_net::Request, UrlError> {
        let mut target = self.path.replace(PLACE, &percent_encoded(value, PATH_KEEPS));
        if let Some(query) = &self.query {
            target = format!("{target}?{}", query.replace(PLACE, &percent_encoded(value, QUERY_KEEPS)));
        }
        let mut headers: Vec<_> = self.headers.iter().map(|(k, v)| (k.clone(), v.replace(PLACE, value))).collect();
        if let Some(basic) = &self.basic {
            let encoded = base64::encode(basic.replace(PLACE, value).as_bytes(), base64::STANDARD);
            headers.push(("Authorization".to_owned(), format!("Basic {encoded}")));
        }
        let body = self.body.as_ref().map(|body| filled(body, value).to_string().into_bytes());
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Ok(testudo_net::Request { method: self.method, url: self.base.clone().with_target(&target)?, headers, body })
    }
}

fn method(text: &str) -> Result<Method, RequestError> {
    [Method::Get, Method::Head, Method::Post].into_iter().find(|m| m.as_str() == text).ok_or(RequestError::Method)
}

/// Every place where the value can stand, with its key.
fn texts(request: &Request) -> impl Iterator<Item = (&'static str, &str)> {
    let headers = request.headers.iter().map(|(_, value)| ("headers", value.as_str()));
    let basic = request.basic.iter().map(|text| ("basic", text.as_str()));
    let body = request.body.iter().map(|text| ("body", text.as_str()));
    std::iter::once(("url", request.url.as_str())).chain(headers).chain(basic).chain(body)
}

fn check_places(request: &Request) -> Result<(), RequestError> {
    for (key, text) in texts(request) {
        if text.replace(PLACE, "").contains("{{") {
            return Err(RequestError::Placeholder { key });
        }
    }
    if texts(request).any(|(_, text)| text.contains(PLACE)) { Ok(()) } else { Err(RequestError::NoPlace) }
}

/// What a proxy, a timeout or a limit answers says nothing about a value, nor does a redirect or a broken server.
fn check_statuses(request: &Request) -> Result<(), RequestError> {
    let telling = |status: u16| matches!(status, 200..=299 | 400..=499) && !matches!(status, 407 | 408 | 425 | 429);
    for (key, list) in [("active", &request.active), ("inactive", &request.inactive)] {
        if let Some(status) = list.iter().find(|status| !telling(**status)) {
            return Err(RequestError::Status { key, status: *status });
        }
    }
    if let Some(status) = request.active.iter().find(|status| request.inactive.contains(status)) {
        return Err(RequestError::Status { key: "inactive", status: *status });
    }
    if request.active.is_empty() { Err(RequestError::NoStatus) } else { Ok(()) }
}

fn basic(request: &Request) -> Result<Option<String>, RequestError> {
    let Some(basic) = &request.basic else { return Ok(None) };
    if request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        return Err(RequestError::TwoAuthorizations);
    }
    if basic.contains(':') { Ok(Some(basic.clone())) } else { Err(RequestError::Basic) }
}

fn body(request: &Request) -> Result<Option<Value>, RequestError> {
    let Some(body) = &request.body else { return Ok(None) };
    let parsed: Value = serde_json::from_str(body).map_err(|_| RequestError::Body)?;
    // A place in a name of the document would stay as it is.
    let lost = body.matches(PLACE).count() != filled(&parsed, "\u{1}").to_string().matches("\\u0001").count();
    if lost || request.method != "POST" { Err(RequestError::Body) } else { Ok(Some(parsed)) }
}

/// A document with the value in its texts.
fn filled(document: &Value, value: &str) -> Value {
    match document {
        Value::String(text) => Value::String(text.replace(PLACE, value)),
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, value)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, item)| (name.clone(), filled(item, value))).collect())
        }
        other => other.clone(),
    }
}

/// Characters that stand for themselves in a segment of a path: unreserved ones (RFC 3986 section 2.3), and the colon
/// that is part of some tokens. No slash, and no percent sign.
const PATH_KEEPS: &[u8] = b"-._~:";
/// The same in a query, where a reader could take more characters for its own.
const QUERY_KEEPS: &[u8] = b"-._~";

fn percent_encoded(value: &str, keeps: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || keeps.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded;

    fn request(url: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            basic: None,
            body: None,
            active: vec![200],
            inactive: vec![401],
        }
    }

    fn header(value: &str) -> Request {
        let headers = vec![("X-Token".to_owned(), value.to_owned())];
        Request { headers, ..request("https://api.acme.example/me") }
    }

    fn post(body: &str) -> Request {
        Request {
            method: "POST".to_owned(),
            body: Some(body.to_owned()),
            ..request("https://api.acme.example/introspect")
        }
    }

    fn basic(text: &str) -> Request {
        Request { basic: Some(text.to_owned()), ..request("https://api.acme.example/me") }
    }

    fn fill(request: &Request, value: &str) -> Result<testudo_net::Request, Unfit> {
        Template::new(request).unwrap().fill(value)
    }

    #[test]
    fn every_request_of_our_rules_can_be_sent() {
        let mut count = 0;
        for rule in embedded::all().iter().map(|rule| rule.rule()) {
            let Some(request) = rule.verify else { continue };
            count += 1;
            let id = &rule.info.id;
            let template = Template::new(&request).unwrap_or_else(|why| panic!("{id}: {why}"));
            assert_eq!((template.base.scheme(), template.base.port()), (Scheme::Https, 443), "{id}");
            assert!(matches!(template.host(), Host::Name(name) if name.contains('.')), "{id}");
            assert_eq!(request.method, "GET", "{id}: a question of ours changes nothing");
            assert!(template.fill("abcABC123-._/+=").is_ok(), "{id}");
        }
        assert!(count > 60, "{count}");
    }

    #[test]
    fn the_value_is_escaped_where_it_stands() {
        let value = "a/b?c=d&e%f#g h\"i:j+ü";
        let url = |url: &str| fill(&request(url), value).unwrap().url.target().to_owned();
        let encoded = "a%2Fb%3Fc%3Dd%26e%25f%23g%20h%22i:j%2B%C3%BC";
        assert_eq!(url("https://api.acme.example/bot{{secret}}/me"), format!("/bot{encoded}/me"));
        assert_eq!(url("https://api.acme.example?t={{secret}}"), format!("/?t={}", encoded.replace(':', "%3A")));
        let body =
            |text: &str, value: &str| String::from_utf8(fill(&post(text), value).unwrap().body.unwrap()).unwrap();
        assert_eq!(body("{\"t\": \"x{{secret}}\"}", "a\"}\\\n"), "{\"t\":\"xa\\\"}\\\\\\n\"}");
        assert_eq!(body("[\"{{secret}}\", {\"a\": {\"b\": 1}}]", "\",\""), "[\"\\\",\\\"\",{\"a\":{\"b\":1}}]");
        let sent = fill(&basic("{{secret}}:"), "sk_x").unwrap().headers;
        assert_eq!(sent, [("Authorization".to_owned(), "Basic c2tfeDo=".to_owned())]);
        assert_eq!(fill(&header("Bearer {{secret}}"), "a b").unwrap().headers[0].1, "Bearer a b");
    }

    #[test]
    fn values_that_do_not_fit_are_not_sent() {
        for (request, value) in [
            (header("Bearer {{secret}}"), "a\r\nHost: evil.example"),
            (header("Bearer {{secret}}"), "a\nb"),
            (header("Bearer {{secret}}"), "a\0b"),
            (header("Bearer {{secret}}"), "ü"),
            (header("{{secret}}"), " a"),
            (header("{{secret}}"), ""),
            (basic("{{secret}}:"), "user:password"),
            (basic("u:{{secret}}"), "a\nb"),
            (request("https://api.acme.example/{{secret}}/me"), ".."),
            (request("https://api.acme.example/{{secret}}"), "."),
            (request("https://api.acme.example/{{secret}}"), ""),
        ] {
            assert_eq!(fill(&request, value), Err(Unfit), "{value:?}");
        }
        assert!(fill(&basic("u:{{secret}}"), "a:b").is_ok());
    }

    #[test]
    fn requests_that_are_no_harmless_question_are_refused() {
        let with = |change: fn(&mut Request)| {
            let mut request = header("{{secret}}");
            change(&mut request);
            request
        };
        for (request, why) in [
            (with(|r| r.method = "DELETE".to_owned()), "`method` must be"),
            (with(|r| r.method = "get".to_owned()), "`method` must be"),
            (with(|r| r.url = "http://api.acme.example/".to_owned()), "must be https://"),
            (with(|r| r.url = "http://10.0.0.1/".to_owned()), "must be https://"),
            (with(|r| r.url = "ftp://api.acme.example/".to_owned()), "must start with"),
            (with(|r| r.url = "https://u:p@api.acme.example/".to_owned()), "user information"),
            (with(|r| r.url = "https://api.acme.example/#{{secret}}".to_owned()), "fragment"),
            (with(|r| r.url = "https://api.acme.example/a/../b".to_owned()), "dot segment"),
            (request("https://{{secret}}/"), "path and query only"),
            (request("https://{{secret}}.evil.example/"), "path and query only"),
            (request("https://api.acme.example:{{secret}}/"), "path and query only"),
            (request("{{secret}}"), "path and query only"),
            (request("https://api.acme.example/"), "stands nowhere"),
            (header("{{ secret }}"), "the only placeholder"),
            (header("{{secret}} {{user}}"), "the only placeholder"),
            (with(|r| r.headers[0].0 = "Host".to_owned()), "the header `Host`"),
            (with(|r| r.headers[0].0 = "Content-Length".to_owned()), "the header `Content-Length`"),
            (with(|r| r.headers[0].1.push('\n')), "the header `X-Token`"),
            (basic("{{secret}}"), "`user:password`"),
            (
                Request { headers: vec![("authorization".to_owned(), "x".to_owned())], ..basic("u:{{secret}}") },
                "exclude one another",
            ),
            (post("t={{secret}}"), "must be JSON"),
            (post("{\"{{secret}}\": 1}"), "must be JSON"),
            (Request { method: "GET".to_owned(), ..post("[\"{{secret}}\"]") }, "must be JSON"),
            (with(|r| r.active = Vec::new()), "names no status"),
            (with(|r| r.active = vec![302]), "status 302"),
            (with(|r| r.active = vec![200, 429]), "status 429"),
            (with(|r| r.inactive = vec![500]), "status 500"),
            (with(|r| r.inactive = vec![200]), "status 200"),
            (with(|r| r.inactive = vec![0]), "status 0"),
        ] {
            let found = request.check().unwrap_err().to_string();
            assert!(found.contains(why), "{request:?}: {found}");
        }
    }

    /// Whatever the value is: scheme, host, port, the number of path segments and of parameters, and the number of
    /// headers and of fields are those of the rule, and a reader of each part finds exactly the value.
    #[test]
    fn no_value_changes_the_shape_of_a_request() {
        let rule = Request {
            method: "POST".to_owned(),
            url: "https://api.acme.example/v1/{{secret}}/me?a=1&t={{secret}}".to_owned(),
            headers: Vec::new(),
            body: Some("{\"token\": \"{{secret}}\", \"n\": [1]}".to_owned()),
            ..request("")
        };
        let template = Template::new(&rule).unwrap();
        let pieces = [
            "/",
            "?",
            "&",
            "=",
            "#",
            "%",
            "%2e",
            "..",
            ".",
            "@",
            ":",
            "\\",
            "\"",
            "}",
            "{{secret}}",
            "\r\n",
            "\0",
            " ",
            "ü",
            "日",
            "a",
            "Z",
            "9",
            "+",
            ";",
            "'",
            "<",
            "[",
            "evil.example",
            "//",
        ];
        let mut seed: u64 = 5;
        let mut filled = 0;
        for _ in 0..20_000 {
            let mut value = String::new();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for step in 0..1 + (seed >> 61) {
                value.push_str(pieces[(seed >> (step * 4 + 9)) as usize % pieces.len()]);
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
            let Ok(sent) = template.fill(&value) else {
                assert!(value == "." || value == "..", "{value:?}");
                continue;
            };
            filled += 1;
            assert_eq!(sent.url.origin(), "https://api.acme.example");
            let (path, query) = sent.url.target().split_once('?').unwrap();
            let segments: Vec<&str> = path.split('/').collect();
            let parameters: Vec<&str> = query.split('&').collect();
            assert_eq!((segments.len(), parameters.len()), (4, 2), "{value:?}");
            assert_eq!(decoded(segments[2]), value);
            assert_eq!(decoded(parameters[1].strip_prefix("t=").unwrap()), value);
            let body: Value = serde_json::from_slice(sent.body.as_deref().unwrap()).unwrap();
            assert_eq!(body, serde_json::json!({"token": value, "n": [1]}));
        }
        assert!(filled > 10_000);
    }

    fn decoded(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(if byte == b'%' {
                let pair = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
            } else {
                byte
            });
        }
        String::from_utf8(bytes).unwrap()
    }
}
