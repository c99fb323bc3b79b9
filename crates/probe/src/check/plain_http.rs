//! `probe-plain-http`: an application that answers in clear text instead of sending visitors to https. Not on this machine,
//! where the encrypted side usually stands in front.

use super::{Hit, Page};

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let location = page.answer.header("location").unwrap_or_default().trim().to_ascii_lowercase();
    let sent_on = (300..400).contains(&page.answer.status) && location.starts_with("https://");
    if page.is_secure() || page.is_local() || sent_on || page.answer.status >= 400 {
        return Vec::new();
    }
    vec![Hit::whole(format!(
        "{} answers over http with status {} and no redirect to https",
        page.url.host(),
        page.answer.status
    ))]
}
