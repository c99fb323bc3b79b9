//! What protects the way between the hub and browsers.

use std::{fmt, fs, path::Path, sync::Arc};

use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::HubError;

/// What protects the way between the hub and browsers.
#[derive(Clone)]
pub enum Encryption {
    /// Nothing: only for addresses of this machine.
    None,
    /// A server in front does TLS.
    InFront,
    /// The hub does TLS.
    Own(Arc<ServerConfig>),
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::InFront => "InFront",
            Self::Own(_) => "Own",
        })
    }
}

impl Encryption {
    /// TLS 1.2 and 1.3 with a chain of certificates and its private key, both PEM.
    ///
    /// # Errors
    /// A file cannot be read, is none of that kind, or the two do not belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, HubError> {
        let wrong = |path: &Path, why: &str| HubError::Certificate { path: path.to_owned(), why: why.to_owned() };
        let read = |path: &Path| fs::read(path).map_err(|error| wrong(path, &format!("cannot be read: {error}")));
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|_| wrong(certificate, "is damaged PEM"))?;
        if chain.is_empty() {
            return Err(wrong(certificate, "holds no certificate; a PEM block `CERTIFICATE` is expected"));
        }
        let private = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|_| wrong(key, "holds no private key; a PEM block `PRIVATE KEY` is expected"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(|error| wrong(key, &format!("does not belong to the certificate: {error}")))?;
        Ok(Self::Own(Arc::new(config)))
    }
}
