//! `probe-server-banner`: headers that name a program with its version.

use super::{Hit, Page};

const HEADERS: &[&str] = &["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator"];

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let named = HEADERS.iter().flat_map(|name| page.answer.all(name).map(move |value| (*name, value)));
    let versions = named.filter(|(_, value)| has_version(value));
    versions
        .map(|(name, value)| {
            Hit::about(name, format!("the header `{name}` says `{}`", crate::finding::shortened(value, 80)))
        })
        .collect()
}

/// A number with a dot, such as `1.25` of `nginx/1.25.3`.
fn has_version(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.windows(3).any(|three| three[0].is_ascii_digit() && three[1] == b'.' && three[2].is_ascii_digit())
}
