//! `probe-cookie-prefix`: `__Secure-` and `__Host-` promise something that browsers hold a server to (RFC 6265bis, section
//! 4.1.3). A cookie that breaks the promise is thrown away.

use super::{Hit, Page};
use crate::cookie::Cookie;

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let broken = page.cookies().filter_map(|cookie| Some((broken(&cookie, page.is_secure())?, cookie)));
    broken
        .map(|(why, cookie)| {
            let message = format!("browsers refuse the cookie `{}`: {why}", cookie.name);
            Hit::about(cookie.name, message)
        })
        .collect()
}

fn broken(cookie: &Cookie, secure: bool) -> Option<&'static str> {
    let name = cookie.name.to_ascii_lowercase();
    let host = name.starts_with("__host-");
    if !host && !name.starts_with("__secure-") {
        return None;
    }
    if !cookie.secure || !secure {
        return Some("its prefix promises that it is set over https with `Secure`");
    }
    if host && cookie.domain.is_some() {
        return Some("`__Host-` promises that it has no `Domain`");
    }
    (host && cookie.path.as_deref() != Some("/")).then_some("`__Host-` promises `Path=/`")
}
