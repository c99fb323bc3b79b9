//! Who is trusted to be the host, and a look at what a host shows before anybody trusts it.
//!
//! The usual trust is the roots of Mozilla. A test of an application must also be possible where its certificate is
//! wrong, because that is what the test is to say. So a certificate is looked at first ([`look`]): a handshake in which
//! nothing is sent. What was seen there can then be trusted as it is, and nothing else ([`Trust::Seen`]): another
//! certificate on a later connection is refused. A [`SeenCertificate`] comes from a look alone, so no configuration can
//! hold one, and no client has one that nobody looked for.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};

use crate::{Host, NetError, Policy, Scheme, Url};

/// A certificate that ends sooner than this is told.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// Most certificates of a chain that are kept.
const MAX_CHAIN: usize = 16;

/// Who is trusted to be a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// Whom the roots of Mozilla vouch for.
    #[default]
    Mozilla,
    /// Whom these authorities vouch for, and nobody else.
    Authorities(Authorities),
    /// The holder of this one certificate, whoever vouches for it.
    Seen(SeenCertificate),
}

/// Certificates of authorities, as a user named them.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(Vec<Vec<u8>>);

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

impl Authorities {
    /// Reads the certificates of a PEM text (RFC 7468).
    ///
    /// # Errors
    /// The text holds none, or one that is none.
    pub fn from_pem(text: &str) -> Result<Self, NetError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let read = read.map_err(|_| NetError::Authorities)?;
        let mut store = RootCertStore::empty();
        let all = read.iter().all(|one| store.add(one.clone()).is_ok());
        if read.is_empty() || !all {
            return Err(NetError::Authorities);
        }
        Ok(Self(read.iter().map(|one| one.to_vec()).collect()))
    }
}

/// The certificate that a host showed in a [`look`].
#[derive(Clone, PartialEq, Eq)]
pub struct SeenCertificate(Vec<u8>);

impl fmt::Debug for SeenCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeenCertificate(..)")
    }
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateFault {
    /// It is past its end.
    Expired,
    /// It ends within the next 14 days.
    ExpiresSoon,
    /// It has not begun.
    NotYetValid,
    /// It is for other hosts.
    OtherName,
    /// No trusted authority vouches for it: self-signed, of a private authority, or without its intermediates.
    UnknownIssuer,
    /// It cannot be read, or is not for servers.
    Unusable,
}

/// What a host showed in a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whether the agreed version is TLS 1.3; if not, it is 1.2.
    pub newest: bool,
    /// What is wrong with the certificate, sorted; empty where nothing is.
    pub faults: Vec<CertificateFault>,
    /// The certificate.
    pub certificate: SeenCertificate,
}

/// A version of TLS that must not be spoken any more (RFC 8996).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OldVersion {
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
}

impl OldVersion {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
        }
    }

    const fn wire(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
        }
    }
}

/// Looks at the certificate of a host: one handshake, after which the connection is closed. Nothing is sent over it.
/// The trust of the policy is what the certificate is judged by.
///
/// # Errors
/// The policy does not allow the host, or no handshake comes about.
pub fn look(url: &Url, policy: &Policy) -> Result<Look, NetError> {
    let host = url.host();
    let mut stream = connect(url, policy)?;
    let name = server_name(host)?;
    let failed = || NetError::Tls { host: host.clone() };
    let provider = Arc::new(ring::default_provider());
    let config = with_verifier(&provider, Arc::new(Accepting { provider: Arc::clone(&provider), only: None }));
    let mut connection = ClientConnection::new(config, name.clone()).map_err(|_| failed())?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => NetError::Timeout { host: host.clone() },
            _ => failed(),
        })?;
    }
    let chain = connection.peer_certificates().unwrap_or_default();
    let (first, rest) = chain.split_first().ok_or_else(failed)?;
    let roots = roots(&policy.trust);
    let faults = judge(first, &rest[..rest.len().min(MAX_CHAIN)], &name, &roots);
    let newest = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    Ok(Look { newest, faults, certificate: SeenCertificate(first.to_vec()) })
}

/// Whether a host agrees to speak an old version: a greeting is sent and the first bytes of the answer are read.
///
/// # Errors
/// The policy does not allow the host, or there is no connection. A host that hangs up does not agree.
pub fn agrees(url: &Url, policy: &Policy, version: OldVersion) -> Result<bool, NetError> {
    let mut stream = connect(url, policy)?;
    if stream.write_all(&hello(url.host(), version)).is_err() {
        return Ok(false);
    }
    let mut answer = [0; 11];
    Ok(stream.read_exact(&mut answer).is_ok() && is_agreement(&answer, version))
}

/// A handshake record with a ServerHello of this version (RFC 5246 sections 6.2.1 and 7.4.1.3).
fn is_agreement(answer: &[u8; 11], version: OldVersion) -> bool {
    answer[0] == 22 && answer[5] == 2 && answer[9..] == version.wire()
}

/// A ClientHello of an old version (RFC 2246 section 7.4.1.2), with the suites that servers of those days speak.
fn hello(host: &Host, version: OldVersion) -> Vec<u8> {
    const SUITES: &[u8] =
        &[0xc0, 0x14, 0xc0, 0x13, 0xc0, 0x0a, 0xc0, 0x09, 0x00, 0x39, 0x00, 0x33, 0x00, 0x35, 0x00, 0x2f, 0x00, 0x0a];
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let mut extensions = Vec::new();
    if let Host::Name(name) = host {
        let entry = [&[0][..], &sized(name.as_bytes())].concat();
        extensions.extend([&[0, 0][..], &sized(&sized(&entry))].concat());
    }
    // Curves P-256, P-384 and P-521, and points without compression (RFC 8422).
    extensions.extend([&[0, 10][..], &sized(&sized(&[0, 23, 0, 24, 0, 25]))].concat());
    extensions.extend([0, 11, 0, 2, 1, 0]);
    let random = [0x5a; 32];
    let body = [&version.wire()[..], &random, &[0], &sized(SUITES), &[1, 0], &sized(&extensions)].concat();
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &sized(&message)].concat()
}

fn judge(
    first: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    roots: &RootCertStore,
) -> Vec<CertificateFault> {
    use rustls::{CertificateError as E, Error};
    let Ok(parsed) = ParsedCertificate::try_from(first) else { return vec![CertificateFault::Unusable] };
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let at =
        |time| rustls::client::verify_server_cert_signed_by_trust_anchor(&parsed, roots, rest, time, algorithms.all);
    let fault = |error: Error| match error {
        Error::InvalidCertificate(E::Expired | E::ExpiredContext { .. }) => CertificateFault::Expired,
        Error::InvalidCertificate(E::NotValidYet | E::NotValidYetContext { .. }) => CertificateFault::NotYetValid,
        Error::InvalidCertificate(E::BadEncoding) => CertificateFault::Unusable,
        // An authority that is its own server is nobody's certificate either.
        _ => CertificateFault::UnknownIssuer,
    };
    let now = UnixTime::now();
    let mut faults: Vec<CertificateFault> = at(now).err().map(fault).into_iter().collect();
    if faults.is_empty() {
        let later = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + SOON);
        let ends = at(later).err().map(fault) == Some(CertificateFault::Expired);
        faults.extend(ends.then_some(CertificateFault::ExpiresSoon));
    }
    if verify_server_name(&parsed, name).is_err() {
        faults.push(CertificateFault::OtherName);
    }
    faults.sort_unstable();
    faults
}

fn server_name(host: &Host) -> Result<ServerName<'static>, NetError> {
    match host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| NetError::Url(crate::UrlError::Host)),
    }
}

fn roots(trust: &Trust) -> RootCertStore {
    match trust {
        Trust::Authorities(Authorities(all)) => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(all.iter().map(|der| CertificateDer::from(der.as_slice())));
            store
        }
        Trust::Mozilla | Trust::Seen(_) => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    }
}

/// The configuration of connections for a trust.
pub(crate) fn config(trust: &Trust) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    if let Trust::Seen(seen) = trust {
        let only = Some(seen.0.clone());
        return with_verifier(&provider, Arc::new(Accepting { provider: Arc::clone(&provider), only }));
    }
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3");
    Arc::new(builder.with_root_certificates(roots(trust)).with_no_client_auth())
}

fn with_verifier(provider: &Arc<CryptoProvider>, verifier: Arc<Accepting>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3");
    Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Takes any certificate, or one only; that the other side holds its key is always checked.
#[derive(Debug)]
struct Accepting {
    provider: Arc<CryptoProvider>,
    only: Option<Vec<u8>>,
}

impl ServerCertVerifier for Accepting {
    fn verify_server_cert(
        &self,
        first: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.only {
            Some(only) if only.as_slice() != first.as_ref() => {
                Err(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A connection whose reads and writes end together at one time.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Connects to an address of the host that the policy allows.
fn connect(url: &Url, policy: &Policy) -> Result<Timed, NetError> {
    let host = url.host();
    let reach = policy.admit(url)?;
    if url.scheme() == Scheme::Http {
        return Err(NetError::SchemeNotAllowed { host: host.clone(), scheme: url.scheme().as_str() });
    }
    let until = Instant::now() + policy.timeouts.total;
    let addresses = match host {
        Host::Address(address) => vec![(*address, url.port()).into()],
        Host::Name(name) => {
            let found = (name.as_str(), url.port()).to_socket_addrs();
            found.map_err(|_| NetError::NoSuchHost { host: host.clone() })?.collect::<Vec<_>>()
        }
    };
    let mut refused = None;
    for address in addresses {
        match reach.admits(address.ip()) {
            Ok(()) => match TcpStream::connect_timeout(&address, policy.timeouts.connect.max(Duration::from_millis(1)))
            {
                Ok(stream) => return Ok(Timed { stream, until }),
                Err(_) => continue,
            },
            Err(kind) => refused = Some(kind),
        }
    }
    Err(refused.map_or(NetError::NoConnection { host: host.clone() }, |kind| NetError::AddressRefused {
        host: host.clone(),
        kind,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_well_formed_and_only_the_version_itself_is_agreement() {
        for host in ["shop.example", "127.0.0.1"] {
            let hello = hello(&Host::parse(host).unwrap(), OldVersion::Tls11);
            assert_eq!(hello[..3], [22, 3, 1]);
            assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
            assert_eq!(usize::from(u16::from_be_bytes([hello[7], hello[8]])), hello.len() - 9);
            assert_eq!(hello[9..11], [3, 2]);
        }
        let answer = |kind, message, version: [u8; 2]| [kind, 3, 1, 0, 90, message, 0, 0, 80, version[0], version[1]];
        for (bytes, agrees) in [
            (answer(22, 2, [3, 1]), true),
            (answer(22, 2, [3, 3]), false),
            (answer(21, 2, [3, 1]), false),
            (answer(22, 1, [3, 1]), false),
        ] {
            assert_eq!(is_agreement(&bytes, OldVersion::Tls10), agrees);
        }
    }

    #[test]
    fn authorities_are_certificates() {
        for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(Authorities::from_pem(text), Err(NetError::Authorities), "{text}");
        }
    }
}
