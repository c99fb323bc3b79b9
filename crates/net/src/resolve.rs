//! The look-up of a name, and the check of what it says. The connection is made to what is returned here.

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::Reach;

/// Looks names up, and keeps the addresses that may be connected to.
#[derive(Debug)]
pub(crate) struct Guarded<System = DefaultResolver> {
    pub(crate) reach: Reach,
    pub(crate) system: System,
}

/// No address may be connected to; what the first one is for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) &'static str);

impl<System: Resolver> Resolver for Guarded<System> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.system.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        let mut refused = None;
        for address in &*found {
            match self.reach.admits(address.ip()) {
                Ok(()) => kept.push(*address),
                Err(kind) => refused = refused.or(Some(kind)),
            }
        }
        match refused {
            Some(kind) if kept.is_empty() => Err(ureq::Error::Other(Box::new(Refused(kind)))),
            _ => Ok(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use ureq::unversioned::transport::time::Duration;

    use super::*;

    /// A resolver that says what it is told to.
    #[derive(Debug)]
    struct Says(&'static [&'static str]);

    impl Resolver for Says {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut all = self.empty();
            for address in self.0 {
                all.push(SocketAddr::new(address.parse::<IpAddr>().unwrap(), 443));
            }
            Ok(all)
        }
    }

    fn resolve(reach: Reach, found: &'static [&'static str]) -> Result<Vec<String>, String> {
        let timeout =
            NextTimeout { after: Duration::NotHappening, reason: ureq::Timeout::Global, ..NextTimeout::default() };
        let uri = "https://api.acme.example/".parse().unwrap();
        let guarded = Guarded { reach, system: Says(found) };
        match guarded.resolve(&uri, &Config::default(), timeout) {
            Ok(kept) => Ok(kept.iter().map(|address| address.ip().to_string()).collect()),
            Err(ureq::Error::Other(refused)) => Err(refused.downcast::<Refused>().unwrap().to_string()),
            Err(other) => Err(other.to_string()),
        }
    }

    #[test]
    fn only_checked_addresses_are_handed_on() {
        let kept = |addresses: &[&str]| Ok(addresses.iter().map(|a| (*a).to_owned()).collect());
        let refused = |kind: &str| Err(kind.to_owned());
        for (found, public, private) in [
            (&["1.1.1.1", "2606:4700::1"][..], kept(&["1.1.1.1", "2606:4700::1"]), kept(&["1.1.1.1", "2606:4700::1"])),
            (&["127.0.0.1", "1.1.1.1"], kept(&["1.1.1.1"]), kept(&["127.0.0.1", "1.1.1.1"])),
            (&["10.0.0.1"], refused("private, RFC 1918"), kept(&["10.0.0.1"])),
            (&["::1"], refused("loopback, RFC 4291"), kept(&["::1"])),
            (&["169.254.169.254"], refused("link-local, RFC 3927"), refused("link-local, RFC 3927")),
            (&["::ffff:1.1.1.1"], refused("IPv4-mapped, RFC 4291"), refused("IPv4-mapped, RFC 4291")),
            (&["64:ff9b::a00:1", "10.0.0.1"], refused("NAT64, RFC 6052"), kept(&["10.0.0.1"])),
        ] {
            assert_eq!(resolve(Reach::Public, found), public, "{found:?}");
            assert_eq!(resolve(Reach::Private, found), private, "{found:?}");
        }
    }
}
