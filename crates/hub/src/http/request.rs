//! A request, as handlers see it.

use std::net::IpAddr;

use super::{
    Body, Target,
    target::{Plus, decode},
};

/// Fields of one form or query.
const MOST_FIELDS: usize = 1000;

/// Names and values, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=b&c=d` (URL standard, `application/x-www-form-urlencoded`); none where it is malformed or has too many fields.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = || text.split('&').filter(|part| !part.is_empty());
        if parts().count() > MOST_FIELDS {
            return None;
        }
        let field = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decode(name.as_bytes(), Plus::Space)?, decode(value.as_bytes(), Plus::Space)?))
        };
        parts().map(field).collect::<Option<_>>().map(Self)
    }

    /// The first value of a name, without space around it; none where it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.trim());
        values.find(|value| !value.is_empty())
    }

    /// Whether a name is there, be it empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Every value of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    /// Method, in capitals.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: Target,
    /// Who is on the other end.
    pub(crate) address: IpAddr,
    /// Headers by lower-case name, those alone that count here; one that was sent twice is there twice.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Body,
}

/// Headers that count.
pub(super) const HEADERS: &[&str] = &[
    "host",
    "accept",
    "origin",
    "sec-fetch-site",
    "cookie",
    "authorization",
    "content-type",
    "x-testudo-form",
    "x-forwarded-for",
];

impl Request {
    /// The value of a header that was sent once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| *own == name);
        let first = values.next()?;
        values.next().is_none().then_some(first.1.as_str())
    }

    /// Whether a header was sent at all.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| *own == name)
    }

    /// Whether it changes nothing (RFC 9110, section 9.2.1).
    pub(crate) fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Whether a browser shows the answer to somebody. Programs do not ask for a page.
    pub(crate) fn is_for_people(&self) -> bool {
        let accepts = self.headers.iter().filter(|(own, _)| *own == "accept").map(|(_, value)| value.as_str());
        let mut kinds = accepts.flat_map(|value| value.split(','));
        kinds.any(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/html"))
    }

    /// The cookie of a name.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("cookie")?.split(';').map(str::trim);
        let mut values = pairs.filter_map(|pair| pair.split_once('=')).filter(|(own, _)| *own == name);
        let first = values.next()?;
        // Two of one name: somebody below or above the hub set one, and which one counts is not known.
        values.next().is_none().then_some(first.1)
    }

    /// The media type of the body, without its parameters.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}
