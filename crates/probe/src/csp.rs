//! Content-Security-Policy (level 3 of the standard): the directives of a policy, and whether one lets scripts run that
//! somebody slipped in.

use std::collections::BTreeMap;

use crate::{
    Answer,
    html::{Token, tokens},
};

/// Directives with their values in lower case; the first of a name counts.
pub type Policy = BTreeMap<String, Vec<String>>;

/// Reads one policy.
#[must_use]
pub fn parse(text: &str) -> Policy {
    let mut policy = Policy::new();
    for directive in text.split(';') {
        let mut words = directive.split_ascii_whitespace().map(str::to_ascii_lowercase);
        if let Some(name) = words.next() {
            policy.entry(name).or_insert_with(|| words.collect());
        }
    }
    policy
}

/// The policies of an answer: of its headers and of its page. All of them hold at once.
#[must_use]
pub fn of(answer: &Answer) -> Vec<Policy> {
    let mut all = of_headers(answer);
    if answer.is_page() {
        for token in tokens(&answer.text()) {
            let Token::Start(tag) = token else { continue };
            let is =
                tag.attribute("http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("content-security-policy"));
            if tag.name == "meta" && is {
                all.push(parse(tag.attribute("content").unwrap_or_default()));
            }
        }
    }
    all.retain(|policy| !policy.is_empty());
    all
}

/// The policies of the headers: only there a policy can say who may frame a page.
#[must_use]
pub fn of_headers(answer: &Answer) -> Vec<Policy> {
    let values = answer.all("content-security-policy").flat_map(|value| value.split(','));
    values.map(parse).filter(|policy| !policy.is_empty()).collect()
}

/// Why a policy lets scripts run that somebody slipped in; none where it does not.
#[must_use]
pub fn weakness(policy: &Policy) -> Option<&'static str> {
    let Some(scripts) = policy.get("script-src").or_else(|| policy.get("default-src")) else {
        return Some("it says nothing about scripts");
    };
    let has = |test: fn(&str) -> bool| scripts.iter().any(|source| test(source));
    let named =
        has(|source| ["'nonce-", "'sha256-", "'sha384-", "'sha512-"].iter().any(|kind| source.starts_with(kind)));
    let strict = has(|source| source == "'strict-dynamic'");
    if has(|source| source == "'unsafe-inline'") && !named && !strict {
        return Some("`'unsafe-inline'` allows scripts within the page");
    }
    if !(strict && named)
        && has(|source| matches!(source, "*" | "http:" | "https:" | "data:" | "http://*" | "https://*"))
    {
        return Some("it allows scripts from any host");
    }
    let base = policy.contains_key("base-uri");
    (named && !base).then_some("without `base-uri` a page can be told to load its scripts from elsewhere")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_as_weak_as_what_it_lets_run() {
        for (text, weak) in [
            ("default-src 'self'", false),
            ("script-src 'self'; script-src *", false),
            ("script-src 'nonce-abc' 'unsafe-inline' 'strict-dynamic' https:; base-uri 'none'", false),
            ("script-src 'nonce-abc'", true),
            ("default-src 'self' 'unsafe-inline'", true),
            ("SCRIPT-SRC 'Unsafe-Inline'", true),
            ("script-src https:", true),
            ("script-src data:", true),
            ("img-src 'self'", true),
            ("default-src *; script-src 'none'", false),
        ] {
            assert_eq!(weakness(&parse(text)).is_some(), weak, "{text}");
        }
        assert!(parse(" ; ;").is_empty());
    }
}
