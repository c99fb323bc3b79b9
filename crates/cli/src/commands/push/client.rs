//! Requests to the hub, through crate `net`.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use testudo_net::{Host, HostRule, Limits, Method, Policy, Request, Scheme, Timeouts, Trust, Url, tls::Authorities};

use super::PushArgs;
use crate::files;

/// How long one request may take: the hub works on a large scan before it answers.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often a hub that has too much to do is asked again.
const AGAIN: usize = 15;
/// How long it is waited at most before that.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What the hub said.
pub(super) enum Answer {
    /// It was kept.
    Kept(Value),
    /// It was not, and why.
    Refused(String),
}

/// A hub, and the token for it.
pub(super) struct Client {
    client: testudo_net::Client,
    origin: String,
    token: String,
}

impl Client {
    pub(super) fn new(url: &str, token: &str, args: &PushArgs) -> Result<Self> {
        let parsed = Url::parse(url).with_context(|| format!("`{url}` is no address of a hub"))?;
        if parsed.target() != "/" {
            bail!("`{url}`: write scheme, host and port only, without a path");
        }
        let local = matches!(parsed.host(), Host::Address(address) if address.is_loopback());
        if parsed.scheme() == Scheme::Http && !local && !args.allow_clear_text {
            bail!(
                "`{url}`: the token would travel in clear text. Use https://, an address of this machine such as \
                 http://127.0.0.1:7878, or say --allow-clear-text"
            );
        }
        let trust = match &args.ca {
            Some(path) => Trust::Authorities(
                Authorities::from_pem(&files::read_text(path)?).with_context(|| path.display().to_string())?,
            ),
            None => Trust::default(),
        };
        // Whoever names the hub vouches for it, private addresses included.
        let policy = Policy {
            hosts: vec![HostRule::target(&parsed)],
            timeouts: Timeouts { total: PATIENCE, ..Timeouts::default() },
            limits: Limits::default(),
            trust,
            ..Policy::default()
        };
        Ok(Self { client: testudo_net::Client::new(policy), origin: parsed.origin(), token: token.to_owned() })
    }

    fn url(&self, path: &[&str], query: &[(&'static str, String)]) -> Result<Url> {
        let mut text = format!("{}/api/v1", self.origin);
        for segment in path {
            text += "/";
            text += &encoded(segment);
        }
        for (at, (name, value)) in query.iter().enumerate() {
            text += &format!("{}{name}={}", if at == 0 { '?' } else { '&' }, encoded(value));
        }
        Ok(Url::parse(&text)?)
    }

    fn send(&self, method: Method, url: Url, body: Option<(&str, Vec<u8>)>) -> Result<Answer> {
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.token))];
        let body = body.map(|(media, body)| {
            headers.push(("content-type".to_owned(), media.to_owned()));
            body
        });
        let request = Request { method, url, headers, body };
        let mut response = self.client.send(&request)?;
        // A hub with too much to do says when to come again.
        for _ in 0..AGAIN {
            if response.status() != 503 {
                break;
            }
            let seconds = response.header("retry-after").and_then(|text| text.trim().parse().ok()).unwrap_or(1);
            thread::sleep(Duration::from_secs(seconds).min(LONGEST_WAIT));
            response = self.client.send(&request)?;
        }
        let status = response.status();
        let bytes = response.body()?.bytes()?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status == 200 {
            return Ok(Answer::Kept(value));
        }
        let why = value["error"].as_str().unwrap_or("it does not answer as a hub does");
        Ok(Answer::Refused(format!("{why} (status {status})")))
    }

    pub(super) fn get(&self, path: &[&str]) -> Result<Answer> {
        self.send(Method::Get, self.url(path, &[])?, None)
    }

    pub(super) fn post(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
        body: (&str, Vec<u8>),
    ) -> Result<Answer> {
        self.send(Method::Post, self.url(path, query)?, Some(body))
    }
}

/// A text as one segment of a path or one value of a query (RFC 3986, section 2.1).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}
