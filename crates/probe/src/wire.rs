//! The one way out: from a request to the client of crate `net`, and back.

use std::{io::Read as _, time::Duration};

use testudo_net::{
    Client, Coding, HostRule, Limits, NetError, Policy, Request, Scheme, Timeouts, Trust, Url,
    tls::{self, Look, OldVersion, SeenCertificate},
};

use crate::{Answer, Ask};

/// Most bytes of a body that are read.
pub const MAX_BODY: u64 = 512 << 10;
/// Most bytes of status line and headers.
const MAX_HEAD: usize = 64 << 10;

/// How requests leave. Tests have others than the network.
pub trait Wire {
    /// Sends one request. A body that is too long, or does not come to its end within this time, is cut.
    ///
    /// # Errors
    /// There is no valid answer.
    fn send(&self, url: &Url, ask: &Ask, within: Duration) -> Result<Answer, NetError>;

    /// Looks at the certificate of the target. One connection; nothing is sent over it.
    ///
    /// # Errors
    /// There is no handshake.
    fn look(&self) -> Result<Look, NetError>;

    /// Whether the target speaks an old version of TLS. One connection.
    ///
    /// # Errors
    /// There is no connection.
    fn agrees(&self, version: OldVersion) -> Result<bool, NetError>;

    /// From now on this certificate is trusted, and no other.
    fn trust(&mut self, seen: SeenCertificate);
}

/// The network.
#[derive(Debug)]
pub struct Network {
    url: Url,
    policy: Policy,
    client: Client,
}

impl Network {
    /// A way to the host of an address, and to nobody else.
    #[must_use]
    pub fn new(url: Url, trust: Trust, timeout: Duration) -> Self {
        let timeouts = Timeouts { connect: timeout.min(Timeouts::default().connect), total: timeout };
        // What is over the limit of this crate is cut; the limit of the client is only there so that it has one.
        let limits = Limits { headers: MAX_HEAD, received: MAX_BODY + 1, decoded: MAX_BODY + 1 };
        // Some servers pack what they send whether they are asked to or not.
        let hosts = vec![HostRule::target(&url)];
        let policy = Policy { hosts, timeouts, limits, trust, coding: Coding::Unasked, ..Policy::default() };
        Self { url, client: Client::new(policy.clone()), policy }
    }
}

impl Network {
    /// A client that waits no longer than this for one answer.
    fn client_within(&self, within: Duration) -> Client {
        if within >= self.policy.timeouts.total {
            return self.client.clone();
        }
        let timeouts = Timeouts { connect: self.policy.timeouts.connect.min(within), total: within };
        Client::new(Policy { timeouts, ..self.policy.clone() })
    }
}

impl Wire for Network {
    fn send(&self, url: &Url, ask: &Ask, within: Duration) -> Result<Answer, NetError> {
        let mut headers = ask.headers.clone();
        let mut body = None;
        if let Some(content) = &ask.body {
            headers.push(("Content-Type".to_owned(), content.kind.to_owned()));
            body = Some(content.text.clone().into_bytes());
        }
        let response =
            self.client_within(within).send(&Request { method: ask.method, url: url.clone(), headers, body })?;
        let headers = response.headers().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let mut answer = Answer { status: response.status(), headers, ..Answer::default() };
        match response.body() {
            Ok(body) => answer.cut = body.take(MAX_BODY).read_to_end(&mut answer.body).is_err(),
            Err(_) => answer.cut = true,
        }
        answer.cut |= answer.body.len() as u64 >= MAX_BODY;
        Ok(answer)
    }

    fn look(&self) -> Result<Look, NetError> {
        tls::look(&self.url, &self.policy)
    }

    fn agrees(&self, version: OldVersion) -> Result<bool, NetError> {
        tls::agrees(&self.url, &self.policy, version)
    }

    fn trust(&mut self, seen: SeenCertificate) {
        debug_assert!(self.url.scheme() == Scheme::Https, "a certificate was seen");
        self.policy.trust = Trust::Seen(seen);
        self.client = Client::new(self.policy.clone());
    }
}
