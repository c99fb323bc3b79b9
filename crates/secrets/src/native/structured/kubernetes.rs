//! Secrets of Kubernetes in manifests, YAML or JSON.

use testudo_model::Confidence;

use super::{
    super::{armour, json, placeholder, words},
    Structured,
};
use crate::base64;

const RULE: &str = "kubernetes-secret-data";

/// Values below `data:` of a Kubernetes Secret: base64 of text that nobody else may read.
pub(super) fn find(text: &str) -> Vec<Structured> {
    let mut found = Vec::new();
    let mut at = 0;
    for document in text.split("\n---") {
        if document
            .lines()
            .any(|l| l.trim_end().trim_matches(['"', ',', ' ']).replace("\": \"", ": ").ends_with("kind: Secret"))
        {
            found.extend(secret_data(document, at));
        }
        at += document.len() + 4;
    }
    found.extend(embedded(text));
    found
}

/// Manifests in JSON that stand on a line of their own, as `kubectl apply` notes them.
fn embedded(text: &str) -> Vec<Structured> {
    let (mut found, mut at) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let start = line.len() - line.trim_start().len();
        if line[start..].starts_with('{') && line.contains("\"kind\"") && line.contains("\"Secret\"") {
            for scalar in json::scalars(line, start).into_iter().filter(|s| s.string) {
                let mut parts = scalar.path.trim_end_matches('/').rsplit('/');
                let (key, parent) = (parts.next().unwrap_or_default(), parts.next());
                let value = &line[scalar.range.clone()];
                let confidence = match parent {
                    Some("data") => encoded(key, value),
                    Some("stringData") => clear(key, value),
                    _ => None,
                };
                let range = scalar.range.start + at..scalar.range.end + at;
                found.extend(confidence.map(|confidence| Structured { rule: RULE, range, confidence }));
            }
        }
        at += line.len();
    }
    found
}

/// Keys whose values other people may read.
fn is_harmless(key: &str) -> bool {
    let harmless = ["username", "user", "host", "port", "ca.crt", "tls.crt", "namespace", "email", "url"];
    harmless.iter().any(|k| key.trim_matches('"').eq_ignore_ascii_case(k))
}

/// Whether a key says that its value names an account or a place.
fn speaks_of_place(key: &str) -> bool {
    let key = key.trim_matches('"').to_ascii_lowercase();
    ["name", "user", "address", "host", "port", "database", "region", "bucket"].iter().any(|end| key.ends_with(end))
}

/// How sure a value below `data` is a secret: base64 of text.
fn encoded(key: &str, value: &str) -> Option<Confidence> {
    let decoded = base64::lenient(value.as_bytes()).and_then(|b| String::from_utf8(b).ok());
    let decoded = decoded.filter(|_| value.len() >= 6 && !is_harmless(key))?;
    let decoded = decoded.trim();
    if armour::is_certificate(decoded) {
        return None;
    }
    let doubtful = armour::is_empty(decoded)
        || speaks_of_place(key)
        || decoded.contains("://") && !decoded.contains('@')
        || words::is_common(decoded)
        || placeholder::is_placeholder(decoded)
        || words::is_identifier(decoded)
        || decoded.len() < 4;
    Some(if doubtful { Confidence::Low } else { Confidence::High })
}

/// How sure a value below `stringData` is a secret: text as it is.
fn clear(key: &str, value: &str) -> Option<Confidence> {
    let doubtful = words::is_common(value) || placeholder::is_placeholder(value) || words::is_identifier(value);
    let value = Some(value).filter(|v| v.len() >= 4 && !v.contains(' ') && !is_harmless(key));
    let literal = value.filter(|v| !placeholder::is_template(v) && !v.contains("://") && !v.starts_with('/'))?;
    let spoken = literal.len() >= 8 && !doubtful;
    Some(if spoken { Confidence::Medium } else { Confidence::Low })
}

fn secret_data(document: &str, base: usize) -> Vec<Structured> {
    type Judge = fn(&str, &str) -> Option<Confidence>;
    let (mut found, mut at) = (Vec::new(), base);
    let mut block: Option<(usize, Judge)> = None;
    for line in document.split_inclusive('\n') {
        let bare = line.trim_end();
        let indent = bare.len() - bare.trim_start().len();
        let trimmed = bare.trim_start().trim_start_matches('"');
        if block.is_some_and(|(level, _)| indent <= level) && !bare.is_empty() {
            block = None;
        }
        if let Some((_, judge)) = block
            && let Some((key, value)) = trimmed.split_once(':')
        {
            let value = value.trim().trim_matches([' ', '"', '\'', ',']);
            // The value ends its line, so that a key that repeats it is not taken for it.
            let offset = bare.rfind(value).filter(|_| !value.is_empty());
            if let Some((offset, confidence)) = offset.zip(judge(key, value)) {
                let range = at + offset..at + offset + value.len();
                found.push(Structured { rule: RULE, range, confidence });
            }
        }
        match trimmed.split([':', '"']).next() {
            Some("data") => block = Some((indent, encoded)),
            Some("stringData") => block = Some((indent, clear)),
            _ => {}
        }
        at += line.len();
    }
    found
}
