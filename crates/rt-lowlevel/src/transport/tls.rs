//! TLS: rustls, with a provider that is named and one configuration that is shared.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::{DialError, DialStage, Io};
use crate::error::Error;

/// Root certificates beside the usual ones.
#[derive(Debug, Default, Clone)]
pub(crate) struct Roots {
    extra: Vec<CertificateDer<'static>>,
}

/// A configuration that is in use, and the roots it was made for.
type Made = (Vec<CertificateDer<'static>>, Weak<ClientConfig>);

impl Roots {
    pub(crate) fn add_pem(&mut self, pem: &[u8]) -> Result<(), Error> {
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate
                .map_err(|cause| Error::config("a root certificate is not PEM").with_source(cause))?;
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|cause| Error::config("a root certificate is not X.509").with_source(cause))?;
            self.extra.push(certificate);
        }
        if self.extra.len() == before {
            return Err(Error::config("the PEM text holds no certificate"));
        }
        Ok(())
    }

    /// The configuration for these roots. Connections with the same roots share one: it takes more memory than all the
    /// rest of a connection, and holds the tickets with which TLS sessions are resumed.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        static WITH_EXTRA: Mutex<Vec<Made>> = Mutex::new(Vec::new());
        if !self.extra.is_empty() {
            let mut made = WITH_EXTRA.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody uses any more are forgotten.
            made.retain(|(_, config)| config.strong_count() > 0);
            let same = made.iter().find(|(extra, _)| *extra == self.extra);
            if let Some(config) = same.and_then(|(_, config)| config.upgrade()) {
                return Ok(config);
            }
            let config = build(self)?;
            made.push((self.extra.clone(), Arc::downgrade(&config)));
            return Ok(config);
        }
        if let Some(config) = SHARED.get() {
            return Ok(Arc::clone(config));
        }
        let config = build(self)?;
        Ok(Arc::clone(SHARED.get_or_init(|| config)))
    }
}

fn build(roots: &Roots) -> Result<Arc<ClientConfig>, Error> {
    let mut store = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for certificate in &roots.extra {
        store
            .add(certificate.clone())
            .map_err(|cause| Error::config("a root certificate is not X.509").with_source(cause))?;
    }
    // The process may have no default provider, or two to choose from: either would be a panic. So: this one.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::config("TLS cannot be set up").with_source(cause))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Does the TLS handshake with `host` on a connected stream.
pub(super) async fn handshake(
    config: Arc<ClientConfig>,
    stream: impl Io + 'static,
    host: &str,
    limit: Duration,
) -> Result<Box<dyn Io>, DialError> {
    let failed = |message: String| DialError::new(DialStage::Tls, message);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| failed(format!("{host} is not a name a certificate can have")).into_final())?;
    match tokio::time::timeout(limit, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(cause)) if is_refusal(&cause) => {
            Err(failed(format!("the TLS handshake with {host} was refused"))
                .with_source(cause)
                .into_final()
                .with_hint(
                    "check the clock, the URL and its port, and whether the network adds a CA of its own",
                ))
        }
        Ok(Err(cause)) => Err(failed(format!("the TLS handshake with {host} broke off")).with_source(cause)),
        Err(_) => Err(failed(format!(
            "the TLS handshake with {host} took longer than {limit:?}"
        ))),
    }
}

/// Whether another attempt would see the same: the certificate is wrong, or the peer does not speak TLS.
fn is_refusal(cause: &io::Error) -> bool {
    let inner = cause
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType
            | rustls::Error::InvalidMessage(_)
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::NoApplicationProtocol,
        ) => true,
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_configuration_is_shared() {
        let first = Roots::default().config().unwrap();
        let second = Roots::default().config().unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.alpn_protocols, [b"http/1.1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn f06_a_handshake_that_is_never_answered_costs_five_seconds() {
        let (ours, _theirs) = tokio::io::duplex(64 << 10);
        let limit = crate::config::Timeouts::default().tls;
        let begin = tokio::time::Instant::now();
        let result = handshake(Roots::default().config().unwrap(), ours, "h.test", limit).await;
        let Err(error) = result else { panic!() };
        assert!(!error.is_final);
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
    }

    #[test]
    fn roots_are_checked_when_given() {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let mut roots = Roots::default();
        roots.add_pem(key.cert.pem().as_bytes()).unwrap();
        let config = roots.config().unwrap();
        assert!(
            Arc::ptr_eq(&config, &roots.clone().config().unwrap()),
            "shared by all with these roots"
        );
        assert!(!Arc::ptr_eq(&config, &Roots::default().config().unwrap()));
        assert!(roots.add_pem(b"not PEM").is_err());
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(roots.add_pem(junk.as_bytes()).is_err());
    }
}
