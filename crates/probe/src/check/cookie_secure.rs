//! `probe-cookie-secure`: a cookie that is set over https and would also be sent in clear text.

use super::{Hit, Page};

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let open = page.cookies().filter(|cookie| page.is_secure() && !cookie.secure);
    open.map(|cookie| {
        let message =
            format!("the cookie `{}` is set over https without `Secure`, so it also goes along with http", cookie.name);
        Hit::about(cookie.name, message)
    })
    .collect()
}
