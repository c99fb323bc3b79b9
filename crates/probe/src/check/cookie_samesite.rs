//! `probe-cookie-samesite`: a session cookie that goes along with requests that other sites start.

use super::{Hit, Page};

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for cookie in page.cookies().filter(crate::cookie::Cookie::is_session) {
        let message = match cookie.same_site.as_deref() {
            Some("lax" | "strict") => continue,
            Some("none") => format!("the session cookie `{}` is set with `SameSite=None`", cookie.name),
            _ => format!(
                "the session cookie `{}` is set without `SameSite`, which is left to the browser then",
                cookie.name
            ),
        };
        hits.push(Hit::about(cookie.name, message));
    }
    hits
}
