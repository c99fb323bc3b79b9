//! Trust: what a look at a certificate says, and whom clients speak to afterwards.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(dead_code, reason = "the server is shared with a test that asks more of it")]
#![expect(unreachable_pub, reason = "the server is shared with tests of other crates")]

mod authority;
mod server;

use std::net::SocketAddr;

use authority::{Authority, serve};
use server::{Answer, Server};
use testudo_net::{
    Client, HostRule, NetError, Policy, Request, Trust, Url,
    tls::{self, Authorities, CertificateFault, OldVersion},
};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const FOREVER: i32 = 2999;

fn url(address: SocketAddr) -> Url {
    Url::parse(&format!("https://{address}/")).unwrap()
}

fn policy(address: SocketAddr, trust: Trust) -> Policy {
    Policy { hosts: vec![HostRule::target(&url(address))], trust, ..Policy::default() }
}

fn faults(address: SocketAddr, trust: Trust) -> Vec<CertificateFault> {
    tls::look(&url(address), &policy(address, trust)).unwrap().faults
}

fn get(address: SocketAddr, trust: Trust) -> Result<Vec<u8>, NetError> {
    Client::new(policy(address, trust)).send(&Request::get(url(address)))?.body()?.bytes()
}

#[test]
fn a_look_says_what_is_wrong_with_a_certificate() {
    use CertificateFault::{Expired, OtherName, UnknownIssuer};
    let authority = Authority::new();
    let known = || Trust::Authorities(Authorities::from_pem(&authority.pem()).unwrap());
    for (host, year, trust, expected) in [
        ("127.0.0.1", FOREVER, known(), vec![]),
        ("127.0.0.1", FOREVER, Trust::Mozilla, vec![UnknownIssuer]),
        ("127.0.0.1", 2021, known(), vec![Expired]),
        ("other.example", FOREVER, known(), vec![OtherName]),
        ("other.example", 2021, known(), vec![Expired, OtherName]),
    ] {
        let address = serve(authority.certificate(host, year), HELLO);
        assert_eq!(faults(address, trust), expected, "{host} {year}");
    }
}

#[test]
fn only_whom_the_trust_names_is_spoken_to() {
    let authority = Authority::new();
    let known = Trust::Authorities(Authorities::from_pem(&authority.pem()).unwrap());
    let address = serve(authority.certificate("127.0.0.1", FOREVER), HELLO);
    let wrong = serve(authority.certificate("other.example", FOREVER), HELLO);
    assert_eq!(get(address, known.clone()), Ok(b"hello".to_vec()));
    assert!(matches!(get(address, Trust::Mozilla), Err(NetError::Tls { .. })));
    assert!(matches!(get(wrong, known), Err(NetError::Tls { .. })));
}

#[test]
fn a_certificate_that_was_seen_is_trusted_and_no_other_one() {
    let authority = Authority::new();
    let wrong = serve(authority.certificate("other.example", 2021), HELLO);
    let seen = tls::look(&url(wrong), &policy(wrong, Trust::Mozilla)).unwrap().certificate;
    assert_eq!(get(wrong, Trust::Seen(seen.clone())), Ok(b"hello".to_vec()));
    let other = serve(authority.certificate("other.example", 2021), HELLO);
    assert!(matches!(get(other, Trust::Seen(seen)), Err(NetError::Tls { .. })));
}

#[test]
fn a_server_without_tls_is_told() {
    let server = Server::start(|_| Answer::status(200));
    let policy = policy(server.address, Trust::Mozilla);
    assert!(matches!(tls::look(&url(server.address), &policy), Err(NetError::Tls { .. })));
    assert_eq!(tls::agrees(&url(server.address), &policy, OldVersion::Tls10), Ok(false));
}

#[test]
fn a_look_goes_nowhere_that_the_policy_does_not_name() {
    let server = Server::start(|_| Answer::status(200));
    let nobody = Policy::default();
    assert!(matches!(tls::look(&url(server.address), &nobody), Err(NetError::HostNotAllowed { .. })));
    let named = Policy { hosts: vec![HostRule::public(url(server.address).host().clone())], ..Policy::default() };
    assert!(matches!(tls::look(&url(server.address), &named), Err(NetError::PortNotAllowed { .. })));
    let link = Url::parse("https://169.254.169.254/").unwrap();
    let target = Policy { hosts: vec![HostRule::target(&link)], ..Policy::default() };
    assert!(matches!(tls::look(&link, &target), Err(NetError::AddressRefused { .. })));
    assert!(server.requests().is_empty());
}

#[test]
fn old_versions_are_told_by_the_first_bytes_of_the_answer() {
    let authority = Authority::new();
    let address = serve(authority.certificate("127.0.0.1", FOREVER), HELLO);
    let policy = policy(address, Trust::Mozilla);
    for version in [OldVersion::Tls10, OldVersion::Tls11] {
        assert_eq!(tls::agrees(&url(address), &policy, version), Ok(false));
    }
}
