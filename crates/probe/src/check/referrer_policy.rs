//! `probe-referrer-policy`: what other sites are told about the page that a visitor came from (Referrer Policy, section 3).

use super::{Hit, Page};
use crate::html::{Token, tokens};

const SAFE: &[&str] = &[
    "no-referrer",
    "same-origin",
    "strict-origin",
    "origin",
    "strict-origin-when-cross-origin",
    "origin-when-cross-origin",
];
const UNSAFE: &[&str] = &["unsafe-url", "no-referrer-when-downgrade"];

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    if !page.is_shown() {
        return Vec::new();
    }
    let mut said: Vec<String> = page.answer.all("referrer-policy").flat_map(|v| v.split(',')).map(clean).collect();
    for token in tokens(&page.answer.text()) {
        let Token::Start(tag) = token else { continue };
        if tag.name == "meta" && tag.attribute("name").is_some_and(|name| name.eq_ignore_ascii_case("referrer")) {
            said.push(clean(tag.attribute("content").unwrap_or_default()));
        }
    }
    // The last one that a browser knows counts.
    let known = said.iter().rev().find(|word| SAFE.contains(&word.as_str()) || UNSAFE.contains(&word.as_str()));
    match known {
        Some(word) if SAFE.contains(&word.as_str()) => Vec::new(),
        Some(word) => vec![Hit::whole(format!("the referrer policy `{word}` tells other sites the whole address"))],
        None => {
            vec![Hit::whole("the page has no referrer policy, so it is left to the browser what other sites are told")]
        }
    }
}

fn clean(word: &str) -> String {
    word.trim().to_ascii_lowercase()
}
