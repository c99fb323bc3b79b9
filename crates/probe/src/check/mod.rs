//! Checks of one answer: each is a file and a line in [`LOOKS`]. They send nothing. Those that send are `cors.rs`, `exposed.rs`
//! and `tls.rs`.

mod content_type_options;
mod cookie_httponly;
mod cookie_prefix;
mod cookie_samesite;
mod cookie_secure;
pub(crate) mod cors;
mod csp_missing;
mod csp_weak;
mod directory_listing;
pub(crate) mod exposed;
mod frame_protection;
mod hsts;
mod plain_http;
mod referrer_policy;
mod server_banner;
pub(crate) mod stack_trace;
pub(crate) mod tls;

use testudo_net::{Host, Scheme, Url};

use crate::{
    Answer,
    cookie::{self, Cookie},
};

/// An answer, and from where it came.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The address that was asked.
    pub url: &'a Url,
    /// What came back.
    pub answer: &'a Answer,
}

impl Page<'_> {
    /// Whether it came over TLS.
    fn is_secure(&self) -> bool {
        self.url.scheme() == Scheme::Https
    }

    /// Whether it is a page of the application: no redirect and no error.
    fn is_shown(&self) -> bool {
        self.answer.status == 200 && self.answer.is_page()
    }

    /// Whether the host is this machine, where nobody can listen in.
    fn is_local(&self) -> bool {
        match self.url.host() {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Cookies that are set, and not taken back.
    fn cookies(&self) -> impl Iterator<Item = Cookie> {
        self.answer.all("set-cookie").filter_map(cookie::parse).filter(Cookie::is_set)
    }
}

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Name of the cookie or header that it is about; empty where it is the whole answer.
    pub subject: String,
    /// What is wrong.
    pub message: String,
}

impl Hit {
    fn about(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), message: message.into() }
    }

    fn whole(message: impl Into<String>) -> Self {
        Self::about("", message)
    }
}

/// A check of one answer.
pub type Look = fn(&Page<'_>) -> Vec<Hit>;

/// How far a finding of a rule reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is about the application: every further page is another place of the same finding.
    Application,
    /// It is about the route.
    Route,
}

/// The checks, by rule.
pub const LOOKS: &[(&str, Reach, Look)] = &[
    ("probe-content-type-options", Reach::Application, content_type_options::check),
    ("probe-cookie-httponly", Reach::Application, cookie_httponly::check),
    ("probe-cookie-prefix", Reach::Application, cookie_prefix::check),
    ("probe-cookie-samesite", Reach::Application, cookie_samesite::check),
    ("probe-cookie-secure", Reach::Application, cookie_secure::check),
    ("probe-csp-missing", Reach::Application, csp_missing::check),
    ("probe-csp-weak", Reach::Application, csp_weak::check),
    ("probe-directory-listing", Reach::Route, directory_listing::check),
    ("probe-frame-protection", Reach::Application, frame_protection::check),
    ("probe-hsts-missing", Reach::Application, hsts::check),
    ("probe-plain-http", Reach::Application, plain_http::check),
    ("probe-referrer-policy", Reach::Application, referrer_policy::check),
    ("probe-server-banner", Reach::Application, server_banner::check),
    ("probe-stack-trace", Reach::Route, stack_trace::check),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RULES;

    /// A case of a document: whether it must be found, the address, the answer, and its line.
    fn cases(document: &str) -> Vec<(bool, String, String, usize)> {
        let mut cases: Vec<(bool, String, String, usize)> = Vec::new();
        let mut open = false;
        for (number, line) in document.lines().enumerate() {
            match (open, line.strip_prefix("```")) {
                (false, Some(fence)) => {
                    let (kind, url) = fence.split_once(" url=").unwrap_or((fence, "https://shop.example/"));
                    assert!(matches!(kind, "bad" | "good"), "line {}: `{fence}`", number + 1);
                    cases.push((kind == "bad", url.to_owned(), String::new(), number + 1));
                    open = true;
                }
                (true, Some(_)) => open = false,
                (true, None) => {
                    let text = &mut cases.last_mut().unwrap().2;
                    text.push_str(line);
                    text.push('\n');
                }
                (false, None) => {}
            }
        }
        cases
    }

    #[test]
    fn documents_say_what_is_found_and_what_is_not() {
        for (id, _, look) in LOOKS {
            let cases = cases(crate::rule::rule(id).unwrap().help);
            let bad = cases.iter().filter(|case| case.0).count();
            assert!(bad >= 1 && cases.len() - bad >= 2, "{id}: too few cases");
            for (found, url, answer, line) in cases {
                let answer = Answer::parse(&answer).unwrap();
                let hits = look(&Page { url: &Url::parse(&url).unwrap(), answer: &answer });
                assert_eq!(!hits.is_empty(), found, "{id}.md:{line}: {hits:?}");
            }
        }
    }

    #[test]
    fn every_check_is_a_rule_and_no_other_rule_has_cases() {
        assert!(LOOKS.is_sorted_by(|a, b| a.0 < b.0));
        for rule in RULES.iter().filter(|rule| LOOKS.iter().all(|(id, ..)| *id != rule.id)) {
            assert!(!rule.help.contains("```"), "{}", rule.id);
        }
        assert!(LOOKS.iter().all(|(id, ..)| crate::rule::rule(id).is_some()));
    }
}
