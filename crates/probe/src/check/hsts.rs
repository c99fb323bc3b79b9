//! `probe-hsts-missing`: over https a host can say that it is never to be asked in clear text (RFC 6797). Browsers do not
//! listen to addresses, so those are not asked for it.

use testudo_net::Host;

use super::{Hit, Page};

/// A promise of less than this many seconds, 30 days, is forgotten between two visits.
const LEAST: u64 = 30 * 24 * 3600;

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    if !page.is_secure() || matches!(page.url.host(), Host::Address(_)) || page.answer.status >= 400 {
        return Vec::new();
    }
    let message = match page.answer.header("strict-transport-security").map(age) {
        Some(Some(age)) if age >= LEAST => return Vec::new(),
        Some(Some(age)) => format!("`Strict-Transport-Security` holds for {age} seconds only"),
        Some(None) => "the header `Strict-Transport-Security` has no valid `max-age`, so browsers ignore it".to_owned(),
        None => "the answer has no header `Strict-Transport-Security`".to_owned(),
    };
    vec![Hit::whole(message)]
}

/// `max-age` in seconds (RFC 6797 section 6.1.1).
fn age(header: &str) -> Option<u64> {
    let values = header.split(';').filter_map(|part| part.split_once('='));
    let mut ages = values.filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age")).map(|(_, value)| value);
    ages.next()?.trim().trim_matches('"').parse().ok()
}
