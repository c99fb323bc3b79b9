//! The `Set-Cookie` header (RFC 6265 section 5.2, and its successor for `SameSite` and prefixes).

/// A cookie as a server sets it. Its value is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Whether there is a value: without one a cookie is taken back.
    pub has_value: bool,
    /// `Secure`.
    pub secure: bool,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `SameSite`, in lower case.
    pub same_site: Option<String>,
    /// `Domain`, where it is not empty.
    pub domain: Option<String>,
    /// `Path`.
    pub path: Option<String>,
    /// Whether it ends at once: `Max-Age` of 0 or less.
    pub ends: bool,
}

/// Reads the value of a `Set-Cookie` header; none where browsers ignore it.
#[must_use]
pub fn parse(header: &str) -> Option<Cookie> {
    let mut parts = header.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let mut cookie = Cookie { name: name.trim().to_owned(), has_value: !value.trim().is_empty(), ..Cookie::default() };
    if cookie.name.is_empty() || cookie.name.chars().any(char::is_control) {
        return None;
    }
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => cookie.same_site = Some(value.to_ascii_lowercase()),
            "domain" => cookie.domain = Some(value.to_owned()).filter(|domain| !domain.is_empty()),
            "path" => cookie.path = Some(value.to_owned()),
            "max-age" => cookie.ends = value.starts_with('-') || value.trim_start_matches('0').is_empty(),
            _ => {}
        }
    }
    Some(cookie)
}

/// Parts of names that cookies have which stand for somebody who is logged in.
const SESSION: &[&str] = &["sess", "auth", "token", "jwt", "login", "remember", "identity"];
/// The last letters of names that stand for a session: `connect.sid`, `MSISSID`.
const SESSION_END: &str = "sid";
/// Words that hold one of those parts and mean something else.
const OTHER_WORDS: &[&str] = &["author", "assess", "possess"];
/// Parts of names of cookies that scripts are meant to read.
const FOR_SCRIPTS: &[&str] = &["csrf", "xsrf"];

impl Cookie {
    /// Whether the name is that of a session.
    #[must_use]
    pub fn is_session(&self) -> bool {
        let name = self.name.to_ascii_lowercase().replace("authoriz", "auth");
        let name = OTHER_WORDS.iter().fold(name, |name, word| name.replace(word, ""));
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let ends = name.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word.ends_with(SESSION_END));
        (has(SESSION) || ends) && !has(FOR_SCRIPTS)
    }

    /// Whether it is set, and not taken back.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.has_value && !self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_browsers_read_them() {
        let cookie = parse(" sid = abc ; Path=/; SECURE ;httponly; SameSite=Lax; Domain=; Max-Age=60").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.secure, cookie.http_only), ("sid", true, true));
        assert_eq!(
            (cookie.same_site.as_deref(), cookie.domain.as_deref(), cookie.path.as_deref()),
            (Some("lax"), None, Some("/"))
        );
        assert!(cookie.is_set());
        for (header, set) in [
            ("a=b", true),
            ("a=", false),
            ("a=b; Max-Age=0", false),
            ("a=b; max-age=-1", false),
            ("a=b; Max-Age=10", true),
        ] {
            assert_eq!(parse(header).unwrap().is_set(), set, "{header}");
        }
        for header in ["", "a", "=b", ";", "a\u{1}=b"] {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    #[test]
    fn names_say_what_a_cookie_is_for() {
        for (name, session) in [
            ("PHPSESSID", true),
            ("connect.sid", true),
            ("auth_token", true),
            ("csrftoken", false),
            ("XSRF-TOKEN", false),
            ("theme", false),
            ("sidebar", false),
            ("inside_width", false),
            ("book_author", false),
            ("Authorization", true),
            ("sid_1", true),
            ("_ga", false),
        ] {
            assert_eq!(parse(&format!("{name}=x")).unwrap().is_session(), session, "{name}");
        }
    }
}
