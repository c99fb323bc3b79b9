//! The client: from a checked request to the head of an answer.

use std::{fmt, sync::Arc, time::Duration};

use ureq::{
    Agent,
    http::{self, HeaderMap, HeaderName, HeaderValue, header},
    unversioned::{
        resolver::DefaultResolver,
        transport::{Connector as _, DefaultConnector, TcpConnector},
    },
};

use crate::{
    Body, Coding, Host, HostRule, NetError, Policy, Reach, Redirects, Scheme, Trust, Url,
    encrypted::Encrypted,
    pace::Pace,
    resolve::{Guarded, Refused},
};

/// Methods that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Look.
    Get,
    /// Look at the headers.
    Head,
    /// Ask what is possible.
    Options,
    /// Hand in.
    Post,
    /// Put in place.
    Put,
    /// Change in part.
    Patch,
    /// Take away.
    Delete,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether nobody asks for a change with it (RFC 9110 section 9.2.1).
    #[must_use]
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

/// One request. Its [`fmt::Debug`] form shows nothing of headers, body, path and query.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Address.
    pub url: Url,
    /// Header names and values, beside those that the client sets itself.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Vec<u8>>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {:?})", self.method.as_str(), self.url)
    }
}

impl Request {
    /// A `GET` without further headers.
    #[must_use]
    pub const fn get(url: Url) -> Self {
        Self { method: Method::Get, url, headers: Vec::new(), body: None }
    }

    /// Whether the headers can be sent at all.
    ///
    /// # Errors
    /// The first one that cannot.
    pub fn check(&self) -> Result<(), NetError> {
        message(self).map(drop)
    }
}

/// The head of an answer, and the body yet to be read. Dropping it closes the connection.
pub struct Response {
    status: u16,
    host: Host,
    headers: HeaderMap,
    body: ureq::Body,
    policy: Arc<Policy>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} from {})", self.status, self.host)
    }
}

impl Response {
    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Every header, in the order of the answer; bytes that are not text are replaced.
    pub fn headers(&self) -> impl Iterator<Item = (&str, String)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    }

    /// The body.
    ///
    /// # Errors
    /// It has a content coding that the policy does not read.
    pub fn body(self) -> Result<Body, NetError> {
        let coding = match (self.header("content-encoding").map(str::trim), self.policy.coding) {
            (None | Some("" | "identity"), _) => Coding::Identity,
            (Some("gzip" | "x-gzip"), Coding::Gzip | Coding::Unasked) => Coding::Gzip,
            _ => return Err(NetError::Coding { host: self.host }),
        };
        // The library's own limit stands above ours, so that ours decides.
        let wire = self.body.into_with_config().limit(u64::MAX).reader();
        Ok(Body::new(self.host, wire, coding, self.policy.limits))
    }
}

/// A blocking HTTP client that does what its policy allows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    policy: Arc<Policy>,
    pace: Arc<Pace>,
    public: Agent,
    private: Agent,
}

impl Client {
    /// A client for a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let (public, private) = (agent(&policy, Reach::Public), agent(&policy, Reach::Private));
        Self { policy: Arc::new(policy), pace: Arc::default(), public, private }
    }

    /// The same client for other hosts; both take turns at hosts that they share.
    #[must_use]
    pub fn for_hosts(&self, hosts: Vec<HostRule>) -> Self {
        Self { policy: Arc::new(Policy { hosts, ..(*self.policy).clone() }), ..self.clone() }
    }

    /// Whether a request may be sent at all, as far as can be told without a look-up.
    ///
    /// # Errors
    /// What is not allowed.
    pub fn check(&self, url: &Url) -> Result<(), NetError> {
        self.policy.admit(url).map(drop)
    }

    /// Sends a request and reads the head of the answer, whatever its status is.
    ///
    /// # Errors
    /// The policy does not allow it, or there is no valid answer.
    pub fn send(&self, request: &Request) -> Result<Response, NetError> {
        let mut request = request.clone();
        let mut left = match self.policy.redirects {
            Redirects::Never => None,
            Redirects::UpTo(most) => Some(most),
        };
        loop {
            let response = self.send_once(&request)?;
            let target = response.header("location");
            let (true, Some(count)) = (is_redirect(response.status), left) else { return Ok(response) };
            let refused = || NetError::Redirect { host: response.host.clone() };
            let next = target.filter(|_| count > 0).and_then(|target| follow(&request, target));
            request = next.ok_or_else(refused)?;
            left = Some(count - 1);
        }
    }

    fn send_once(&self, request: &Request) -> Result<Response, NetError> {
        let agent = match self.policy.admit(&request.url)? {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
        };
        let host = request.url.host().clone();
        let message = message(request)?;
        self.pace.wait(&request.url.origin(), self.policy.pause);
        let sent = match &request.body {
            Some(body) => agent.run(message.map(|()| body.as_slice())),
            None => agent.run(message),
        };
        let (head, body) = sent.map_err(|error| told(&host, error))?.into_parts();
        let policy = Arc::clone(&self.policy);
        Ok(Response { status: head.status.as_u16(), host, headers: head.headers, body, policy })
    }
}

fn agent(policy: &Policy, reach: Reach) -> Agent {
    let positive = |time: Duration| Some(time.max(Duration::from_millis(1)));
    let coding = match policy.coding {
        Coding::Identity | Coding::Unasked => "identity",
        Coding::Gzip => "gzip",
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .max_idle_connections(0)
        .max_response_header_size(policy.limits.headers)
        .timeout_connect(positive(policy.timeouts.connect))
        .timeout_global(positive(policy.timeouts.total))
        .user_agent(policy.user_agent.as_str())
        .accept_encoding(coding)
        .build();
    let resolver = Guarded { reach, system: DefaultResolver::default() };
    match &policy.trust {
        Trust::Mozilla => Agent::with_parts(config, DefaultConnector::default(), resolver),
        other => Agent::with_parts(config, ().chain(TcpConnector::default()).chain(Encrypted::new(other)), resolver),
    }
}

/// Headers that belong to the connection or to the client. A configured `Host` would send a secret to another site of
/// the same server.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header belongs to the connection or to the client: a [`Request`] cannot have one of its own.
#[must_use]
pub fn is_own_header(name: &str) -> bool {
    OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// The request in the form of the library.
fn message(request: &Request) -> Result<http::Request<()>, NetError> {
    let wrong = |name: &str| NetError::Header { name: name.to_owned() };
    let mut builder = http::Request::builder().method(request.method.as_str()).uri(request.url.text());
    for (name, value) in &request.headers {
        let visible = value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && value.trim() == value;
        if !visible || is_own_header(name) {
            return Err(wrong(name));
        }
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(name))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong(name))?;
        value.set_sensitive(true);
        builder = builder.header(key, value);
    }
    builder.body(()).map_err(|_| NetError::Url(crate::UrlError::Character))
}

const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The request after a redirect; none where it is not followed. The policy judges its address like any other.
fn follow(request: &Request, target: &str) -> Option<Request> {
    if !matches!(request.method, Method::Get | Method::Head) {
        return None;
    }
    let same_host = target.starts_with('/') && !target.starts_with("//");
    let url = if same_host { request.url.clone().with_target(target) } else { Url::parse(target) }.ok()?;
    if request.url.scheme() == Scheme::Https && url.scheme() == Scheme::Http {
        return None;
    }
    let mut next = Request { url, ..request.clone() };
    if next.url.origin() != request.url.origin() {
        // Which headers hold a credential is the vendor's choice; only those that certainly do not are kept.
        let harmless = [header::ACCEPT, header::RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];
        next.headers.retain(|(name, _)| harmless.iter().any(|h| name.eq_ignore_ascii_case(h.as_str())));
    }
    Some(next)
}

/// An error of the library as one of ours; theirs hold addresses.
fn told(host: &Host, error: ureq::Error) -> NetError {
    use std::io::ErrorKind;
    let host = host.clone();
    match error {
        ureq::Error::Other(inner) => match inner.downcast_ref::<Refused>() {
            Some(Refused(kind)) => NetError::AddressRefused { host, kind },
            None => NetError::NoConnection { host },
        },
        ureq::Error::Timeout(_) => NetError::Timeout { host },
        ureq::Error::HostNotFound => NetError::NoSuchHost { host },
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) | ureq::Error::TlsRequired => {
            NetError::Tls { host }
        }
        ureq::Error::Io(io) => match io.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => NetError::Timeout { host },
            ErrorKind::InvalidData => NetError::Tls { host },
            ErrorKind::UnexpectedEof => NetError::BadAnswer { host },
            // The system's resolver answers with a kind that has no name.
            _ if io.raw_os_error().is_none() && matches!(host, Host::Name(_)) => NetError::NoSuchHost { host },
            _ => NetError::NoConnection { host },
        },
        ureq::Error::ConnectionFailed => NetError::NoConnection { host },
        _ => NetError::BadAnswer { host },
    }
}
