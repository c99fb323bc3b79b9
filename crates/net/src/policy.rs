//! What a client may do.

use std::{net::IpAddr, time::Duration};

use crate::{
    Host, NetError, Scheme, Trust, Url, UrlError,
    address::{self, Class},
    url::{parse_port, split_port},
};

/// Which addresses a host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Public ones only.
    Public,
    /// Also those of private networks and of this machine, because somebody vouched for the host. Never link-local ones
    /// (where clouds keep the credentials of a machine), multicast, or those that mean something else.
    Private,
}

impl Reach {
    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// What the address is for.
    pub fn admits(self, address: IpAddr) -> Result<(), &'static str> {
        match (address::class(address), self) {
            (Class::Public, _) | (Class::Private(_), Self::Private) => Ok(()),
            (Class::Private(kind) | Class::Never(kind), _) => Err(kind),
        }
    }
}

/// Which hosts a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// This one.
    Exact(Host),
    /// Every name below this one (`*.vendor.example`), not the name itself.
    Below(String),
}

impl HostPattern {
    /// Whether a host is meant.
    #[must_use]
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(own), host) => own == host,
            (Self::Below(suffix), Host::Name(name)) => {
                name.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Self::Below(_), Host::Address(_)) => false,
        }
    }
}

/// Why a text allows no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostRuleError {
    /// The text is no host and no address.
    #[error("`{text}` names no host: {cause}")]
    Host {
        /// What was written.
        text: String,
        /// Why.
        cause: UrlError,
    },
    /// More than scheme, host and port.
    #[error("`{text}`: write scheme, host and port only, without a path")]
    Path {
        /// What was written.
        text: String,
    },
    /// A star in the wrong place, or above a whole registry.
    #[error("`{text}`: a star stands for names below a domain of somebody, as in `*.vendor.example`")]
    Star {
        /// What was written.
        text: String,
    },
    /// Clear text to another machine.
    #[error("`{text}`: http:// is possible for an address of this machine only, such as http://127.0.0.1:8080")]
    ClearText {
        /// What was written.
        text: String,
    },
    /// A private address without vouching.
    #[error("`{text}`: not a public address ({kind}); write https://{text} to vouch for it")]
    NotPublic {
        /// What was written.
        text: String,
        /// What the address is for.
        kind: &'static str,
    },
    /// An address that cannot be vouched for either.
    #[error("`{text}`: this address cannot be allowed ({kind})")]
    Never {
        /// What was written.
        text: String,
        /// What the address is for.
        kind: &'static str,
    },
}

/// One host, or the hosts below a name, that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    /// Which hosts.
    pub pattern: HostPattern,
    /// How.
    pub scheme: Scheme,
    /// Where.
    pub port: u16,
    /// At which addresses.
    pub reach: Reach,
}

impl HostRule {
    /// HTTPS to the usual port of a host with public addresses.
    #[must_use]
    pub const fn public(host: Host) -> Self {
        Self { pattern: HostPattern::Exact(host), scheme: Scheme::Https, port: 443, reach: Reach::Public }
    }

    /// The origin of an address that the user named as what is to be tested: as it stands there, clear text and private
    /// addresses included.
    #[must_use]
    pub fn target(url: &Url) -> Self {
        let pattern = HostPattern::Exact(url.host().clone());
        Self { pattern, scheme: url.scheme(), port: url.port(), reach: Reach::Private }
    }

    /// Reads what a user wrote. There are two forms:
    /// - `HOST`, `HOST:PORT`, `*.DOMAIN`: HTTPS, public addresses only;
    /// - `https://HOST`, `https://HOST:PORT`: the user vouches for this host, private addresses included.
    ///   `http://` is possible for a loopback address alone.
    ///
    /// # Errors
    /// The text is neither, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, HostRuleError> {
        if text.contains("://") { Self::vouched(text) } else { Self::named(text) }
    }

    fn vouched(text: &str) -> Result<Self, HostRuleError> {
        let url = Url::parse(text).map_err(|cause| HostRuleError::Host { text: text.to_owned(), cause })?;
        if url.target() != "/" {
            return Err(HostRuleError::Path { text: text.to_owned() });
        }
        let loopback = matches!(url.host(), Host::Address(address) if address.is_loopback());
        if url.scheme() == Scheme::Http && !loopback {
            return Err(HostRuleError::ClearText { text: text.to_owned() });
        }
        if let Host::Address(address) = url.host() {
            let never = |kind| HostRuleError::Never { text: text.to_owned(), kind };
            Reach::Private.admits(*address).map_err(never)?;
        }
        let pattern = HostPattern::Exact(url.host().clone());
        Ok(Self { pattern, scheme: url.scheme(), port: url.port(), reach: Reach::Private })
    }

    fn named(text: &str) -> Result<Self, HostRuleError> {
        let wrong = |cause| HostRuleError::Host { text: text.to_owned(), cause };
        let (name, port) = split_port(text).map_err(wrong)?;
        let port = port.map_or(Ok(443), parse_port).map_err(wrong)?;
        let rule = |pattern| Self { pattern, scheme: Scheme::Https, port, reach: Reach::Public };
        if let Some(domain) = name.strip_prefix("*.") {
            return match Host::parse(domain).map_err(wrong)? {
                Host::Name(domain) if domain.contains('.') => Ok(rule(HostPattern::Below(domain))),
                _ => Err(HostRuleError::Star { text: text.to_owned() }),
            };
        }
        if name.contains('*') {
            return Err(HostRuleError::Star { text: text.to_owned() });
        }
        let host = Host::parse(name).map_err(wrong)?;
        if let Host::Address(address) = host {
            let text = text.to_owned();
            Reach::Public.admits(address).map_err(|kind| match Reach::Private.admits(address) {
                Ok(()) => HostRuleError::NotPublic { text, kind },
                Err(kind) => HostRuleError::Never { text, kind },
            })?;
        }
        Ok(rule(HostPattern::Exact(host)))
    }
}

/// Whether a redirect is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// It is an answer like any other.
    #[default]
    Never,
    /// At most so many in a row, of `GET` and `HEAD`, to hosts that the policy names, never from `https` to `http`. To
    /// another origin go no headers that hold credentials.
    UpTo(u8),
}

/// Content codings that are asked for and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    /// None.
    #[default]
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// None is asked for, and gzip is read where a server sends it all the same.
    Unasked,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// From the look-up of the name to the last byte of the body.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(15) }
    }
}

/// How much is read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Status line and headers.
    pub headers: usize,
    /// The body as it comes over the wire.
    pub received: u64,
    /// The body after its content coding was undone.
    pub decoded: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { headers: 32 << 10, received: 1 << 20, decoded: 4 << 20 }
    }
}

/// What a client may do. The default allows no host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who may be asked.
    pub hosts: Vec<HostRule>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
    /// Content codings that are read.
    pub coding: Coding,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How much is read.
    pub limits: Limits,
    /// Least time between two requests to the same host and port.
    pub pause: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Who is trusted to be the host.
    pub trust: Trust,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            redirects: Redirects::default(),
            coding: Coding::default(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            pause: Duration::ZERO,
            user_agent: format!("testudo/{}", env!("CARGO_PKG_VERSION")),
            trust: Trust::default(),
        }
    }
}

impl Policy {
    /// How far a request to an address may reach.
    ///
    /// # Errors
    /// No rule allows it: which part of it is not allowed.
    pub fn admit(&self, url: &Url) -> Result<Reach, NetError> {
        let host = url.host();
        let about: Vec<_> = self.hosts.iter().filter(|rule| rule.pattern.matches(host)).collect();
        let by_scheme: Vec<_> = about.iter().filter(|rule| rule.scheme == url.scheme()).collect();
        let reach = by_scheme.iter().filter(|rule| rule.port == url.port()).map(|rule| rule.reach).max();
        let reach = match reach {
            Some(reach) => reach,
            None if about.is_empty() => return Err(NetError::HostNotAllowed { host: host.clone() }),
            None if by_scheme.is_empty() => {
                return Err(NetError::SchemeNotAllowed { host: host.clone(), scheme: url.scheme().as_str() });
            }
            None => return Err(NetError::PortNotAllowed { host: host.clone(), port: url.port() }),
        };
        if let Host::Address(address) = host {
            reach.admits(*address).map_err(|kind| NetError::AddressRefused { host: host.clone(), kind })?;
        }
        Ok(reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(rules: &[&str], url: &str) -> Result<Reach, NetError> {
        let hosts = rules.iter().map(|rule| HostRule::parse(rule).unwrap()).collect();
        Policy { hosts, ..Policy::default() }.admit(&Url::parse(url).unwrap())
    }

    #[test]
    fn what_rules_allow() {
        for (rules, url, reach) in [
            (&["api.a.example"][..], "https://api.a.example/x", Reach::Public),
            (&["API.A.example."], "https://api.a.EXAMPLE./x", Reach::Public),
            (&["*.a.example"], "https://x.y.a.example/", Reach::Public),
            (&["a.example:8443"], "https://a.example:8443/", Reach::Public),
            (&["https://git.a.example:8443"], "https://git.a.example:8443/", Reach::Private),
            (&["git.a.example", "https://git.a.example"], "https://git.a.example/", Reach::Private),
            (&["http://127.0.0.1:8080"], "http://127.0.0.1:8080/", Reach::Private),
            (&["http://[::1]:8080"], "http://[0:0::1]:8080/", Reach::Private),
            (&["https://10.0.0.1"], "https://10.0.0.1/", Reach::Private),
            (&["1.1.1.1"], "https://1.1.1.1/", Reach::Public),
        ] {
            assert_eq!(admit(rules, url), Ok(reach), "{rules:?} {url}");
        }
    }

    #[test]
    fn what_rules_do_not_allow() {
        for (rules, url, why) in [
            (&[][..], "https://a.example/", "not allowed; allow it"),
            (&["a.example"], "https://b.example/", "host is not allowed"),
            (&["a.example"], "https://xa.example/", "host is not allowed"),
            (&["a.example"], "https://a.example.evil.example/", "host is not allowed"),
            (&["*.a.example"], "https://a.example/", "host is not allowed"),
            (&["*.a.example"], "https://xa.example/", "host is not allowed"),
            (&["a.example"], "http://a.example/", "http:// is not allowed"),
            (&["a.example"], "http://a.example:443/", "http:// is not allowed"),
            (&["a.example"], "https://a.example:8443/", "port 8443"),
            (&["a.example:8443"], "https://a.example/", "port 443"),
            (&["https://a.example:8443"], "https://a.example/", "port 443"),
            (&["http://127.0.0.1:80"], "https://127.0.0.1:80/", "https:// is not allowed"),
            (&["http://127.0.0.1:80"], "http://127.0.0.2:80/", "host is not allowed"),
        ] {
            let found = admit(rules, url).unwrap_err().to_string();
            assert!(found.contains(why), "{rules:?} {url}: {found}");
        }
    }

    #[test]
    fn rules_that_nobody_should_write() {
        for (text, why) in [
            ("", "names no host"),
            ("*", "a star stands"),
            ("*.example", "a star stands"),
            ("a.*.example", "a star stands"),
            ("*.1.2.3.4", "a star stands"),
            ("*.*.example", "names no host"),
            ("a.example/x", "names no host"),
            ("user@a.example", "names no host"),
            ("a.example:0", "port"),
            ("127.0.0.1", "write https://127.0.0.1 to vouch"),
            ("[::1]", "write https://[::1] to vouch"),
            ("169.254.169.254", "cannot be allowed"),
            ("https://169.254.169.254", "cannot be allowed"),
            ("https://[::ffff:127.0.0.1]", "cannot be allowed"),
            ("https://0.0.0.0", "cannot be allowed"),
            ("http://a.example", "of this machine only"),
            ("http://localhost:80", "of this machine only"),
            ("http://10.0.0.1", "of this machine only"),
            ("https://a.example/x", "without a path"),
            ("https://a.example?x", "without a path"),
            ("https://u@a.example", "user information"),
            ("ftp://a.example", "must start with"),
            ("2130706433", "four decimal numbers"),
        ] {
            let found = HostRule::parse(text).map(|rule| format!("{rule:?}")).unwrap_err().to_string();
            assert!(found.contains(why), "{text}: {found}");
        }
    }
}
