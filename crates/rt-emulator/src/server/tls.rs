//! [`Tls`]: encryption, with a certificate that is made at the start.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::stream::Stream;
use crate::error::{Error, ErrorKind};

/// How long a client may take to agree on a key.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// What is needed to encrypt. It holds a private key, so it has no `Debug`.
pub(crate) struct Tls {
    /// Agrees on keys.
    acceptor: TlsAcceptor,
    /// What clients have to trust.
    root: String,
}

impl Tls {
    /// Makes a root, and a certificate for this machine and the address.
    pub(crate) fn new(address: IpAddr) -> Result<Self, Error> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Certificate, "cannot make a certificate").because(error)
        };
        let (config, root) = make(address).map_err(failed)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            root,
        })
    }

    /// The root that clients have to trust, as PEM.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Encrypts a stream; `None` if the client does not want to.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<Stream> {
        let accepted = tokio::time::timeout(TLS_TIMEOUT, self.acceptor.accept(stream)).await;
        Some(Stream::Tls(Box::new(accepted.ok()?.ok()?)))
    }
}

/// The configuration of a server, and the root that its clients have to trust.
fn make(address: IpAddr) -> Result<(ServerConfig, String), Box<dyn std::error::Error + Send + Sync>> {
    let mut root = CertificateParams::default();
    root.distinguished_name = rcgen::DistinguishedName::new();
    root.distinguished_name
        .push(DnType::CommonName, "rt-emulator root");
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root_key = KeyPair::generate()?;
    let root_certificate = root.self_signed(&root_key)?;

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !address.is_loopback() && !address.is_unspecified() {
        names.push(address.to_string());
    }
    let mut own = CertificateParams::new(names)?;
    own.distinguished_name = rcgen::DistinguishedName::new();
    own.distinguished_name.push(DnType::CommonName, "rt-emulator");
    own.use_authority_key_identifier_extension = true;
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let own_key = KeyPair::generate()?;
    let own_certificate = own.signed_by(&own_key, &Issuer::new(root, root_key))?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(own_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own_certificate.der().clone()], key)?;
    Ok((config, root_certificate.pem()))
}
