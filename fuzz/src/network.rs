//! Targets: addresses, hosts, and requests about a secret. Nothing here opens a connection.

use std::net::IpAddr;

use testudo_net::{Host, HostRule, Reach, Url, address};
use testudo_secrets::verify::{Cache, Request};

use crate::input::text;

/// An address has one reading, and no error quotes it.
pub fn url(data: &[u8]) {
    let text = text(data);
    match Url::parse(&text) {
        Ok(url) => {
            let written = format!("{}{}", url.origin(), url.target());
            let again = Url::parse(&written);
            assert_eq!(
                again.as_ref().map(|u| (u.origin(), u.target().to_owned())),
                Ok((url.origin(), url.target().to_owned()))
            );
            assert!(url.target().starts_with('/') && url.target().bytes().all(|b| b.is_ascii_graphic()));
            assert!(!format!("{url:?}").contains(url.target()) || url.target().len() < 5);
        }
        Err(error) => assert!(text.len() < 12 || !error.to_string().contains(&*text)),
    }
    if let Ok(host) = Host::parse(&text) {
        assert_eq!(Host::parse(&host.to_string()), Ok(host));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        assert!(!address::class(address).to_string().is_empty());
        if Reach::Public.admits(address).is_ok() {
            assert!(!address.is_loopback() && !address.is_unspecified(), "{address}");
        }
    }
}

/// A host as `verify-hosts` names it.
pub fn host_rule(data: &[u8]) {
    let text = text(data);
    if let Ok(rule) = HostRule::parse(&text) {
        assert!(rule.port > 0);
    }
}

/// A request: method, address, a header, credentials and a body, one a line.
pub fn request(data: &[u8]) {
    let text = text(data);
    let mut lines = text.lines().map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let request = Request {
        method: next(),
        url: next(),
        headers: vec![(next(), next())],
        basic: Some(next()).filter(|b| !b.is_empty()),
        body: Some(next()).filter(|b| !b.is_empty()),
        active: vec![200],
        inactive: vec![401],
    };
    match request.check() {
        Ok(()) => assert!(request.host().is_some_and(|host| !host.is_empty())),
        Err(error) => assert!(!error.to_string().is_empty() && request.host().is_none()),
    }
}

/// Answers of earlier scans.
pub fn answers(data: &[u8]) {
    let read = Cache::read(&text(data), 1_000);
    assert_eq!(Cache::read(&read.write(), 1_000), read);
}
