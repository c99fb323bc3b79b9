//! From what a page writes to a path and query of the same host, as a browser resolves it (URL standard, section 4.4), and
//! the encoding of values.

use testudo_net::Url;

/// The path and query that a reference leads to from a page; none where it leads to another host, is no address of ours,
/// or cannot be read in one way.
#[must_use]
pub fn resolve(origin: &Url, page: &str, reference: &str) -> Option<String> {
    let clean: String = reference.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let clean = clean.split('#').next().unwrap_or_default().replace('\\', "/");
    let target = match clean.as_str() {
        "" => page.to_owned(),
        absolute if has_scheme(absolute) => same_origin(origin, absolute)?,
        relative if relative.starts_with("//") => {
            same_origin(origin, &format!("{}:{relative}", origin.scheme().as_str()))?
        }
        path if path.starts_with('/') => path.to_owned(),
        query if query.starts_with('?') => format!("{}{query}", page.split('?').next().unwrap_or_default()),
        relative => {
            let path = page.split('?').next().unwrap_or_default();
            format!("{}{relative}", &path[..=path.rfind('/')?])
        }
    };
    let target = escaped(&without_dots(&target));
    // A path that begins with two slashes is another host to whoever reads it as a reference.
    if target.starts_with("//") {
        return None;
    }
    origin.clone().with_target(&target).ok().map(|url| url.target().to_owned())
}

fn has_scheme(text: &str) -> bool {
    let scheme = text.split(':').next().filter(|scheme| scheme.len() < text.len()).unwrap_or_default();
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Path and query of an absolute address of the same scheme, host and port.
fn same_origin(origin: &Url, text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.trim_start_matches('/');
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let url = Url::parse(&format!("{scheme}://{}", &rest[..end])).ok()?;
    let target = &rest[end..];
    let slash = if target.starts_with('/') { "" } else { "/" };
    (url.origin() == origin.origin()).then(|| format!("{slash}{target}"))
}

/// A path with its dot segments resolved; the query stays.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut parts: Vec<&str> = Vec::new();
    let all: Vec<&str> = path.split('/').skip(1).collect();
    for (at, part) in all.iter().enumerate() {
        let last = at + 1 == all.len();
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            ".." => {
                parts.pop();
                parts.extend(last.then_some(""));
            }
            "." => parts.extend(last.then_some("")),
            _ => parts.push(part),
        }
    }
    let path = format!("/{}", parts.join("/"));
    query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
}

/// Characters that have no place in an address, encoded; what is encoded already stays.
fn escaped(target: &str) -> String {
    let mut out = String::new();
    let bytes = target.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let digits = bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b'%' if digits => out.push('%'),
            byte if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(byte) => {
                out.push(char::from(*byte))
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A value as part of a path, a query or a form: everything but unreserved characters is encoded (RFC 3986 section 2.3).
#[must_use]
pub fn encode(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // A value that is nothing but dots would be read as a step through folders.
    if matches!(out.as_str(), "." | "..") { out.replace('.', "%2E") } else { out }
}

/// Undoes [`encode`], and a plus sign for a space.
#[must_use]
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', _, _) => out.push(b' '),
            (byte, _, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Names and values of a query or form.
#[must_use]
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, ""))).map(|(n, v)| (decode(n), decode(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_where_browsers_go_and_never_to_another_host() {
        let origin = Url::parse("http://shop.example:8080/").unwrap();
        for (reference, expected) in [
            ("b", Some("/a/b")),
            ("./b/../c?x=y z", Some("/a/c?x=y%20z")),
            ("../../../b", Some("/b")),
            ("/b#part", Some("/b")),
            ("?q=1", Some("/a/page?q=1")),
            ("", Some("/a/page?old=1")),
            ("#x", Some("/a/page?old=1")),
            ("http://shop.example:8080/b", Some("/b")),
            ("HTTP://SHOP.example:8080?x", Some("/?x")),
            ("//shop.example:8080/b", Some("/b")),
            ("http://shop.example/b", None),
            ("https://shop.example:8080/b", None),
            ("http://evil.example/b", None),
            ("//evil.example/b", None),
            ("\\\\evil.example/b", None),
            ("/\\evil.example/b", None),
            ("http:evil.example", None),
            ("http://shop.example:8080@evil.example/", None),
            ("http://evil.example\\@shop.example:8080/", None),
            ("ht\ntp://evil.example/", None),
            ("javascript:alert(1)", None),
            ("mailto:a@shop.example", None),
            ("data:text/html,x", None),
            ("a:b", None),
            ("ü", Some("/a/%C3%BC")),
            ("%2e%2e/x", Some("/x")),
            ("x%", Some("/a/x%25")),
            (".//b", Some("/a//b")),
            ("/.//b", None),
        ] {
            assert_eq!(resolve(&origin, "/a/page?old=1", reference).as_deref(), expected, "{reference}");
        }
    }

    #[test]
    fn values_come_back_as_they_were() {
        for value in ["", "a b", "ü/?&=#+%", "..", ".", "a.b", "'\"<>"] {
            assert_eq!(decode(&encode(value)), value);
        }
        assert_eq!(encode(".."), "%2E%2E");
        let expected = [("a", "b c"), ("d", ""), ("e", "=")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(pairs("a=b+c&d&&e=%3D"), expected);
    }
}
