//! Addresses with one reading: a strict subset of RFC 3986 for `http` and `https`.
//!
//! Two programs that read one address differently are how a guard is passed by: the guard sees one host, the library
//! connects to another. So what has two readings is refused: user information, backslashes, numbers that only some
//! resolvers take for an address (`2130706433`, `0177.0.0.1`, `127.1`), characters outside of ASCII, dot segments. What
//! is left is brought to one form: scheme and host in lower case, no trailing dot, no default port.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Longest address in bytes.
const MAX_LENGTH: usize = 8192;

/// Why a text is no address. Holds nothing of the text, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Too long.
    #[error("the address is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// A character that has no place in an address.
    #[error("the address holds a character that must be percent-encoded (hosts: write the xn-- form)")]
    Character,
    /// No scheme that is spoken here.
    #[error("the address must start with https:// or http://")]
    Scheme,
    /// A user name or password.
    #[error("the address holds user information before an @")]
    UserInfo,
    /// No host, or one that is no name.
    #[error("the address has no valid host")]
    Host,
    /// A number that is not written as an address.
    #[error("the host is a number; write an IPv4 address as four decimal numbers without leading zeros")]
    NumericHost,
    /// No port.
    #[error("the port must be a number from 1 to 65535 without leading zeros")]
    Port,
    /// A fragment.
    #[error("the address holds a fragment, which is never sent")]
    Fragment,
    /// `.` or `..` in the path.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// A percent sign without two digits.
    #[error("a percent sign is not followed by two hexadecimal digits")]
    Percent,
}

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// In clear text.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The port where none is written.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// The word before `://`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Who is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name in lower case, without a trailing dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.pad(name),
            Self::Address(IpAddr::V4(address)) => f.pad(&address.to_string()),
            Self::Address(IpAddr::V6(address)) => f.pad(&format!("[{address}]")),
        }
    }
}

impl Host {
    /// Reads a host as it stands in an address: a name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// # Errors
    /// The text has no reading, or more than one.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(inside) = text.strip_prefix('[') {
            let inside = inside.strip_suffix(']').ok_or(UrlError::Host)?;
            return inside.parse::<Ipv6Addr>().map(|a| Self::Address(IpAddr::V6(a))).map_err(|_| UrlError::Host);
        }
        if !text.is_ascii() {
            return Err(UrlError::Character);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(UrlError::Host);
        }
        if name.rsplit('.').next().is_some_and(is_number) {
            return name.parse::<Ipv4Addr>().map(|a| Self::Address(IpAddr::V4(a))).map_err(|_| UrlError::NumericHost);
        }
        Ok(Self::Name(name))
    }
}

/// A label of a host name (RFC 1123, and the underscore that is found in private networks).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether some resolver would take a name with this last label for an address.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || label.bytes().all(|b| b.is_ascii_digit())
}

/// An absolute address. Its [`fmt::Debug`] form leaves out path and query, which may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    host: Host,
    port: u16,
    /// Path and query, starting with `/`.
    target: String,
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({}/...)", self.origin())
    }
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// Says what is wrong, and never quotes the text.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_LENGTH {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(UrlError::Scheme),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let url = Self {
            scheme,
            host: Host::parse(host)?,
            port: port.map_or(Ok(scheme.default_port()), parse_port)?,
            target: String::new(),
        };
        url.with_target(target)
    }

    /// The same host with another path and query.
    ///
    /// # Errors
    /// The text is no path with a query.
    pub fn with_target(self, target: &str) -> Result<Self, UrlError> {
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        if target.len() > MAX_LENGTH {
            return Err(UrlError::TooLong);
        }
        if target.contains('#') {
            return Err(UrlError::Fragment);
        }
        if !target.bytes().all(is_target_byte) {
            return Err(UrlError::Character);
        }
        check_percent(&target)?;
        let path = target.split('?').next().unwrap_or_default();
        if path.split('/').any(is_dots) {
            return Err(UrlError::DotSegment);
        }
        Ok(Self { target, ..self })
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port, the one of the scheme where none was written.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, starting with `/`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Scheme, host, and the port where it is not the scheme's: safe to show.
    #[must_use]
    pub fn origin(&self) -> String {
        let (scheme, host) = (self.scheme.as_str(), &self.host);
        if self.port == self.scheme.default_port() {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{}", self.port)
        }
    }

    /// The whole address. It may hold a secret.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.origin(), self.target)
    }
}

/// Splits `host:port`; the colons of an IPv6 address stand in brackets.
pub(crate) fn split_port(authority: &str) -> Result<(&str, Option<&str>), UrlError> {
    let after = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after..].find(':') {
        Some(at) => Ok((&authority[..after + at], Some(&authority[after + at + 1..]))),
        None if after > 0 && after < authority.len() => Err(UrlError::Host),
        None => Ok((authority, None)),
    }
}

pub(crate) fn parse_port(text: &str) -> Result<u16, UrlError> {
    let plain = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or(UrlError::Port)
}

/// Characters of path and query: `pchar`, `/` and `?` of RFC 3986, and the percent sign.
fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}

fn check_percent(text: &str) -> Result<(), UrlError> {
    let digits = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    if text.split('%').skip(1).all(digits) { Ok(()) } else { Err(UrlError::Percent) }
}

/// `.`, `..`, and both with any of their dots encoded.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form() {
        for (text, origin, target) in [
            ("https://api.vendor.example", "https://api.vendor.example", "/"),
            ("HTTPS://API.Vendor.Example.:443/v1?a=b", "https://api.vendor.example", "/v1?a=b"),
            ("https://api.vendor.example:8443/", "https://api.vendor.example:8443", "/"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example", "/"),
            ("https://api.vendor.example?q=1", "https://api.vendor.example", "/?q=1"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1", "/x"),
            ("https://[2001:DB8::1]:444/a%2Fb", "https://[2001:db8::1]:444", "/a%2Fb"),
            ("https://a.example/users/@me?u=http://b.example/", "https://a.example", "/users/@me?u=http://b.example/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.origin().as_str(), url.target()), (origin, target), "{text}");
            assert_eq!(Url::parse(&url.text()).unwrap(), url, "{text}");
        }
    }

    #[test]
    fn two_readings_are_refused() {
        for (text, why) in [
            ("api.vendor.example", UrlError::Scheme),
            ("ftp://api.vendor.example/", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            (" https://a.example/", UrlError::Scheme),
            ("https://user@a.example/", UrlError::UserInfo),
            ("https://a.example@evil.example/", UrlError::UserInfo),
            ("https://a.example:pw@evil.example/", UrlError::UserInfo),
            ("https://evil.example\\@a.example/", UrlError::Character),
            ("https://a.example\\/x", UrlError::Character),
            ("https:///x", UrlError::Host),
            ("https://", UrlError::Host),
            ("https://.", UrlError::Host),
            ("https://a..example/", UrlError::Host),
            ("https://a.example../", UrlError::Host),
            ("https://-a.example/", UrlError::Host),
            ("https://a%2eexample/", UrlError::Host),
            ("https://a example/", UrlError::Host),
            ("https://a.example\t/", UrlError::Host),
            ("https://bücher.example/", UrlError::Character),
            ("https://ａ.example/", UrlError::Character),
            ("https://2130706433/", UrlError::NumericHost),
            ("https://0x7f000001/", UrlError::NumericHost),
            ("https://0x7f.0.0.0x1/", UrlError::NumericHost),
            ("https://0177.0.0.1/", UrlError::NumericHost),
            ("https://127.1/", UrlError::NumericHost),
            ("https://127.0.0.1.1/", UrlError::NumericHost),
            ("https://256.0.0.1/", UrlError::NumericHost),
            ("https://a.example.0x/", UrlError::NumericHost),
            ("https://::1/", UrlError::Host),
            ("https://[::1/", UrlError::Host),
            ("https://[::1]x/", UrlError::Host),
            ("https://[fe80::1%25eth0]/", UrlError::Host),
            ("https://[127.0.0.1]/", UrlError::Host),
            ("https://a.example:/", UrlError::Port),
            ("https://a.example:0/", UrlError::Port),
            ("https://a.example:0443/", UrlError::Port),
            ("https://a.example:65536/", UrlError::Port),
            ("https://a.example:+443/", UrlError::Port),
            ("https://a.example:44:43/", UrlError::Port),
            ("https://a.example/#top", UrlError::Fragment),
            ("https://a.example#@evil.example/", UrlError::Fragment),
            ("https://a.example/../x", UrlError::DotSegment),
            ("https://a.example/x/%2E%2e/y", UrlError::DotSegment),
            ("https://a.example/.", UrlError::DotSegment),
            ("https://a.example/%", UrlError::Percent),
            ("https://a.example/%zz", UrlError::Percent),
            ("https://a.example/a b", UrlError::Character),
            ("https://a.example/a\r\nHost: evil", UrlError::Character),
            ("https://a.example/ü", UrlError::Character),
        ] {
            assert_eq!(Url::parse(text), Err(why), "{text}");
        }
        assert_eq!(Url::parse(&format!("https://a.example/{}", "a".repeat(9000))), Err(UrlError::TooLong));
    }

    #[test]
    fn the_debug_form_shows_no_target() {
        let url = Url::parse("https://a.example/bot123/x?token=abc").unwrap();
        assert_eq!(format!("{url:?}"), "Url(https://a.example/...)");
    }

    /// Whatever bytes come, what is read keeps its host when it is written and read again, and a host is never more
    /// than the characters that a host may have.
    #[test]
    fn whatever_is_read_reads_the_same_again() {
        let pieces: &[&str] = &[
            "https://", "http://", "//", "/", "\\", "@", ":", "[", "]", "::1", "127", ".", "..", "0x7f", "017", "%2e",
            "%2F", "%00", "%", "?", "#", "a", "A", "example", "xn--", "-", "_", " ", "\t", "\n", "ü", "。", "443", "0",
            "\0", "{", "&", "=",
        ];
        let mut seed: u64 = 3;
        let mut read = 0;
        for _ in 0..60_000 {
            let mut text = String::from("https://");
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for step in 0..1 + (seed >> 60) {
                let at = (seed >> (step * 3 + 7)) as usize % pieces.len();
                text.push_str(pieces[at]);
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
            let Ok(url) = Url::parse(&text) else { continue };
            read += 1;
            assert_eq!(Url::parse(&url.text()), Ok(url.clone()), "{text}");
            assert!(!url.text().contains(['@', '\\', ' ', '\n', '#']) || url.target().contains('@'), "{text}");
            let host = url.host().to_string();
            assert!(host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.[]:".contains(&b)), "{text}");
        }
        assert!(read > 300, "only {read} texts were read");
    }
}
