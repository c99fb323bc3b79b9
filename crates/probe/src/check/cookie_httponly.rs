//! `probe-cookie-httponly`: a session cookie that scripts can read.

use super::{Hit, Page};

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let open = page.cookies().filter(|cookie| cookie.is_session() && !cookie.http_only);
    open.map(|cookie| {
        let message = format!("the cookie `{}` has the name of a session and is set without `HttpOnly`", cookie.name);
        Hit::about(cookie.name, message)
    })
    .collect()
}
