//! `probe-frame-protection`: a page that any site may put into a frame and lay something over.

use super::{Hit, Page};
use crate::csp;

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    if !page.is_shown() {
        return Vec::new();
    }
    let open = |sources: &Vec<String>| sources.iter().any(|source| matches!(source.as_str(), "*" | "http:" | "https:"));
    let policies = csp::of_headers(page.answer);
    let mut said = policies.iter().filter_map(|policy| policy.get("frame-ancestors")).peekable();
    // Where a policy speaks of frames, the older header does not count (CSP 3, section 6.4.2).
    if said.peek().is_some() {
        let closed = said.any(|sources| !open(sources));
        return if closed {
            Vec::new()
        } else {
            vec![Hit::whole("`frame-ancestors` allows any site to frame the page")]
        };
    }
    let older = page.answer.header("x-frame-options").unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(older.as_str(), "deny" | "sameorigin") {
        return Vec::new();
    }
    vec![Hit::whole(
        "neither `frame-ancestors` of a Content-Security-Policy nor `X-Frame-Options` says who may frame the page",
    )]
}
