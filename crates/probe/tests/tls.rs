//! Certificates as findings, and what does not go over a connection that nobody vouches for.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(unreachable_pub, reason = "the servers are shared with other tests")]
#![expect(dead_code, reason = "the servers are shared with tests that ask more of them")]

#[path = "../../net/tests/authority/mod.rs"]
mod authority;
mod server;

use std::{net::SocketAddr, time::Duration};

use authority::{Authority, Requests, record};
use server::{Still, rules, target};
use testudo_net::{
    NetError, Trust, Url,
    tls::{Authorities, Look, OldVersion, SeenCertificate},
};
use testudo_probe::{Answer, Ask, Network, ProbeError, Probed, Target, Unverified, Wire};

const PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nX-Content-Type-Options: nosniff\r\n\
    Content-Security-Policy: default-src 'self'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n\
    Set-Cookie: theme=a\r\n\r\n<p>x";

fn probe(address: SocketAddr, trust: Trust, unverified: Unverified) -> Result<Probed, ProbeError> {
    let url = Url::parse(&format!("https://{address}/")).unwrap();
    let headers = vec![("Authorization".to_owned(), "Bearer not-a-real-one".to_owned())];
    let target = Target { headers, unverified, ..target(url.clone()) };
    let mut wire = Network::new(url, trust, Duration::from_secs(20));
    testudo_probe::run(&target, &mut wire, &Still::default())
}

fn sent_credentials(requests: &Requests) -> usize {
    requests.lock().unwrap().iter().filter(|request| request.contains("not-a-real-one")).count()
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_a_finding_and_gets_no_credentials() {
    let authority = Authority::new();
    let (address, requests) = record(authority.certificate("127.0.0.1", 2999), PAGE);
    let probed = probe(address, Trust::Mozilla, Unverified::Withhold).unwrap();
    assert_eq!(rules(&probed), ["probe-cookie-secure", "probe-tls-certificate-untrusted"]);
    assert!(requests.lock().unwrap().len() > 3);
    assert_eq!(sent_credentials(&requests), 0);
    assert!(probed.notices.iter().any(|notice| notice.code.as_str() == "probe-credentials"));
    let shown = format!("{:?}", probed.findings);
    assert!(shown.contains("curl -i --path-as-is -k ") && !shown.contains("Authorization"));
}

#[test]
fn who_asks_for_it_sends_them_all_the_same_and_they_are_not_shown() {
    let authority = Authority::new();
    let (address, requests) = record(authority.certificate("127.0.0.1", 2999), PAGE);
    let probed = probe(address, Trust::Mozilla, Unverified::Send).unwrap();
    assert_eq!(sent_credentials(&requests), requests.lock().unwrap().len());
    let shown = format!("{:?}{:?}", probed.findings, probed.notices);
    assert!(shown.contains("Authorization: ***") && !shown.contains("not-a-real-one"));
}

#[test]
fn a_trusted_certificate_is_no_finding() {
    let authority = Authority::new();
    let known = Trust::Authorities(Authorities::from_pem(&authority.pem()).unwrap());
    let (address, requests) = record(authority.certificate("127.0.0.1", 2999), PAGE);
    let probed = probe(address, known, Unverified::Withhold).unwrap();
    assert_eq!(rules(&probed), ["probe-cookie-secure"]);
    assert_eq!(sent_credentials(&requests), requests.lock().unwrap().len());
}

#[test]
fn end_and_name_of_a_certificate_are_findings() {
    let authority = Authority::new();
    for (host, year, expected) in [
        ("127.0.0.1", 2021, &["probe-tls-certificate-expired"][..]),
        ("other.example", 2999, &["probe-tls-certificate-name"]),
        ("other.example", 2021, &["probe-tls-certificate-expired", "probe-tls-certificate-name"]),
    ] {
        let known = Trust::Authorities(Authorities::from_pem(&authority.pem()).unwrap());
        let (address, requests) = record(authority.certificate(host, year), PAGE);
        let probed = probe(address, known, Unverified::Withhold).unwrap();
        let of_tls: Vec<String> = rules(&probed).into_iter().filter(|rule| rule.starts_with("probe-tls")).collect();
        assert_eq!(of_tls, expected, "{host} {year}");
        assert_eq!(sent_credentials(&requests), 0);
    }
}

/// A server that also speaks an old version.
struct Old(Network);

impl Wire for Old {
    fn send(&self, url: &Url, ask: &Ask, within: Duration) -> Result<Answer, NetError> {
        self.0.send(url, ask, within)
    }

    fn look(&self) -> Result<Look, NetError> {
        self.0.look()
    }

    fn agrees(&self, version: OldVersion) -> Result<bool, NetError> {
        Ok(version == OldVersion::Tls11)
    }

    fn trust(&mut self, seen: SeenCertificate) {
        self.0.trust(seen);
    }
}

#[test]
fn old_versions_are_findings() {
    let authority = Authority::new();
    let known = Trust::Authorities(Authorities::from_pem(&authority.pem()).unwrap());
    let (address, _) = record(authority.certificate("127.0.0.1", 2999), PAGE);
    let url = Url::parse(&format!("https://{address}/")).unwrap();
    let mut wire = Old(Network::new(url.clone(), known, Duration::from_secs(20)));
    let probed = testudo_probe::run(&target(url), &mut wire, &Still::default()).unwrap();
    let old = probed.findings.iter().find(|finding| finding.rule == "probe-tls-old-version").unwrap();
    assert_eq!(old.message, "the server agrees to speak TLS 1.1");
}
