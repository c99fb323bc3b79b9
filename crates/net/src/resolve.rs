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
pub(crate) struct Guarded {
    pub(crate) reach: Reach,
    pub(crate) system: DefaultResolver,
}

/// No address may be connected to; what the first one is for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) &'static str);

impl Resolver for Guarded {
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
