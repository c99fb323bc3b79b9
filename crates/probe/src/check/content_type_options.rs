//! `probe-content-type-options`: without `nosniff` a browser may take a text for a script (Fetch standard, section 3.6).

use super::{Hit, Page};

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let value = page.answer.header("x-content-type-options").unwrap_or_default();
    let first = value.split(',').next().unwrap_or_default().trim();
    if page.answer.status != 200 || page.answer.body.is_empty() || first.eq_ignore_ascii_case("nosniff") {
        return Vec::new();
    }
    vec![Hit::whole("the answer has no header `X-Content-Type-Options: nosniff`")]
}
