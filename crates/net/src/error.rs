//! What can go wrong with a request. No variant holds a path, a query, a header, a body or an address that was looked
//! up beyond its kind: errors are shown, and requests hold secrets.

use crate::{Host, UrlError};

/// Why there is no answer. Each names the host and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The text is no address.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The policy does not name the host.
    #[error("{host}: not asked, because the host is not allowed; allow it where the request is configured")]
    HostNotAllowed {
        /// The host.
        host: Host,
    },
    /// The policy names the host, with another scheme.
    #[error("{host}: not asked, because {scheme}:// is not allowed for it")]
    SchemeNotAllowed {
        /// The host.
        host: Host,
        /// The scheme of the request.
        scheme: &'static str,
    },
    /// The policy names the host, with another port.
    #[error("{host}: not asked, because port {port} is not allowed for it")]
    PortNotAllowed {
        /// The host.
        host: Host,
        /// The port of the request.
        port: u16,
    },
    /// Every address of the host is one that must not be asked.
    #[error(
        "{host}: not asked, because its address is not public ({kind}); allow it as https://{host} if that is meant"
    )]
    AddressRefused {
        /// The host.
        host: Host,
        /// What the address is for.
        kind: &'static str,
    },
    /// A header that the client sets itself, or whose text is none.
    #[error("the header `{name}` cannot be sent: its value is no visible ASCII text, or the client sets it itself")]
    Header {
        /// Name of the header, from the configuration; never its value.
        name: String,
    },
    /// A name without an address.
    #[error("{host}: no address was found; is this machine offline?")]
    NoSuchHost {
        /// The host.
        host: Host,
    },
    /// Nobody answers at the address.
    #[error("{host}: no connection")]
    NoConnection {
        /// The host.
        host: Host,
    },
    /// The certificate or the handshake is wrong.
    #[error("{host}: no trusted TLS connection")]
    Tls {
        /// The host.
        host: Host,
    },
    /// It took too long.
    #[error("{host}: no answer in time")]
    Timeout {
        /// The host.
        host: Host,
    },
    /// What came back is no HTTP, or too much of it.
    #[error("{host}: the answer is not valid HTTP, or its headers are too long")]
    BadAnswer {
        /// The host.
        host: Host,
    },
    /// A redirect that the policy does not follow to its end.
    #[error("{host}: a redirect that is not followed")]
    Redirect {
        /// The host that redirects.
        host: Host,
    },
    /// The body is larger than allowed.
    #[error("{host}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// The host.
        host: Host,
        /// The limit that was reached, in bytes.
        limit: u64,
    },
    /// The body is coded in a way that was not asked for.
    #[error("{host}: the answer has a content coding that was not asked for")]
    Coding {
        /// The host.
        host: Host,
    },
    /// A text without certificates of authorities.
    #[error("the text holds no certificates in PEM form (`-----BEGIN CERTIFICATE-----`)")]
    Authorities,
}
