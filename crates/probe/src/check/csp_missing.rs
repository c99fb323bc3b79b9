//! `probe-csp-missing`: a page that says nothing about where its scripts may come from.

use super::{Hit, Page};
use crate::csp;

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    if !page.is_shown() || !csp::of(page.answer).is_empty() {
        return Vec::new();
    }
    let watched = page.answer.header("content-security-policy-report-only").is_some();
    let only = if watched { "; the one that is only reported protects nobody" } else { "" };
    vec![Hit::whole(format!("the page has no Content-Security-Policy{only}"))]
}
