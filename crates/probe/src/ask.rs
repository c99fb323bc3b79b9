//! One request in full, and what came back.

use std::time::Duration;

use testudo_net::Method;

use crate::link;

/// Why a request is made: of every operation the tests are of three classes, and everything else only looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing is tried: pages, headers, files.
    Look,
    /// What the application expects.
    Valid,
    /// What it does not expect, and nobody means harm with: wrong types, limits, missing and additional values.
    Unexpected,
    /// What an attacker sends, reduced to what proves the weakness.
    Malicious,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Look, Self::Valid, Self::Unexpected, Self::Malicious];

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Valid => "valid",
            Self::Unexpected => "unexpected",
            Self::Malicious => "malicious",
        }
    }
}

/// Type of a form in a body.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// Type of a JSON body.
pub(crate) const JSON: &str = "application/json";

/// Headers by which a request asks for another method than its own.
const METHOD_HEADERS: &[&str] = &["x-http-method-override", "x-http-method", "x-method-override"];

/// A body with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Value of `Content-Type`.
    pub kind: &'static str,
    /// The text.
    pub text: String,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Why.
    pub class: Class,
    /// Method.
    pub method: Method,
    /// Path and query, starting with `/`.
    pub target: String,
    /// Headers beside those of the user and of the client.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Content>,
}

impl Ask {
    /// A look at a path.
    #[must_use]
    pub fn look(target: impl Into<String>) -> Self {
        Self { class: Class::Look, method: Method::Get, target: target.into(), headers: Vec::new(), body: None }
    }

    /// Whether it asks for another method than it is sent with, as some frameworks let it.
    pub(crate) fn overrides_method(&self) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let names =
            |pairs: Vec<(String, String)>| pairs.into_iter().any(|(name, _)| name.eq_ignore_ascii_case("_method"));
        let form = self.body.as_ref().filter(|body| body.kind == FORM).map_or("", |body| &body.text);
        self.headers.iter().any(|(name, _)| METHOD_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)))
            || names(link::pairs(query))
            || names(link::pairs(form))
    }

    /// `GET /path`, as reports name it.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method.as_str(), self.target)
    }
}

/// An answer, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in lower case, with values, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// The body, up to a limit.
    pub body: Vec<u8>,
    /// Whether more was there, or was not understood.
    pub cut: bool,
    /// From the request to the end of what was read.
    pub took: Duration,
}

impl Answer {
    /// The first value of a header; the name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are none are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Type and subtype of the content, in lower case and without parameters.
    #[must_use]
    pub fn kind(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether a browser shows the body as a page: by its type, or where there is none by how it begins (the MIME Sniffing
    /// standard, section 7.1).
    #[must_use]
    pub fn is_page(&self) -> bool {
        match self.kind().as_str() {
            "text/html" | "application/xhtml+xml" => true,
            "" => {
                let guarded =
                    self.header("x-content-type-options").is_some_and(|v| v.trim().eq_ignore_ascii_case("nosniff"));
                let start =
                    String::from_utf8_lossy(&self.body[..self.body.len().min(512)]).trim_start().to_ascii_lowercase();
                !guarded
                    && ["<!doctype html", "<html", "<head", "<body", "<script"]
                        .iter()
                        .any(|mark| start.starts_with(mark))
            }
            _ => false,
        }
    }

    /// Whether a browser shows the body as a page now: it is one, it is not saved as a file (RFC 6266 section 4.2), and
    /// nothing leads on from it (RFC 9110 section 15.4).
    #[must_use]
    pub fn is_shown(&self) -> bool {
        let saved = self
            .header("content-disposition")
            .is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("attachment"));
        let leads_on = matches!(self.status, 300..=399) && self.header("location").is_some();
        self.is_page() && !saved && !leads_on && !matches!(self.status, 204 | 205 | 304)
    }

    /// Reads an answer as it stands on the wire: status line, headers, empty line, body. For the cases of rule documents
    /// and for tests.
    ///
    /// # Errors
    /// The line that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let status = first.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| format!("`{first}` is no status line"))?;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("`{line}` is no header"))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Self { status, headers, body: body.trim_end_matches('\n').as_bytes().to_vec(), ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_a_browser_shows() {
        for (text, page) in [
            ("HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8\n\n", true),
            ("HTTP/1.1 200 OK\nContent-Type: TEXT/HTML\n\n", true),
            ("HTTP/1.1 200 OK\nContent-Type: application/json\n\n<html>", false),
            ("HTTP/1.1 200 OK\nContent-Type: text/plain\n\n<html>", false),
            ("HTTP/1.1 200 OK\n\n  <!DOCTYPE html>", true),
            ("HTTP/1.1 200 OK\nX-Content-Type-Options: nosniff\n\n<html>", false),
            ("HTTP/1.1 200 OK\n\nhello", false),
        ] {
            assert_eq!(Answer::parse(text).unwrap().is_page(), page, "{text}");
        }
        assert!(Answer::parse("nothing").is_err() && Answer::parse("HTTP/1.1 200 OK\nx\n\n").is_err());
    }
}
