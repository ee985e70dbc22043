//! TLS on loopback.

use std::sync::Arc;

use rt_lowlevel::{Builder, Connection, Endpoint, ErrorKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::support::*;

pub(super) struct Tls {
    pub(super) server: Server,
    pub(super) certificate: String,
}

pub(super) async fn tls_server() -> Tls {
    tls_server_until(2100).await
}

/// With a certificate that is good to the end of that year.
async fn tls_server_until(year: i32) -> Tls {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, 12, 31);
    let signing_key = rcgen::KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let certificate = CertificateDer::from(cert.der().to_vec());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |number, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut ws = Ws::accept(stream).await;
            ws.created(number).await;
            ws.drain().await;
        }
    })
    .await;
    Tls {
        server,
        certificate: cert.pem(),
    }
}

impl Tls {
    pub(super) fn builder(&self, host: &str) -> Builder {
        let url = format!("wss://{host}:{}/", self.server.address.port());
        builder(Endpoint::from_url(&url).unwrap())
    }
}

#[tokio::test]
async fn a_certificate_of_a_known_root_is_good() {
    let tls = tls_server().await;
    let builder = tls
        .builder("localhost")
        .root_certificates(tls.certificate.as_bytes())
        .unwrap();
    let mut connection: Connection = within(builder.connect()).await.unwrap();
    assert_eq!(name(&next(&mut connection).await), "opened 1");
    within(connection.close()).await;
    let events = all(&mut connection).await;
    assert_eq!(names(&events), ["session.created", "closed"]);
}

#[tokio::test]
async fn f07_an_unknown_root_is_final() {
    let tls = tls_server().await;
    let error = within(tls.builder("localhost").connect()).await.unwrap_err();
    assert_eq!((error.kind(), tls.server.connects()), (ErrorKind::Tls, 1));
    assert!(error.to_string().contains("clock"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        !source.is_empty() && !error.to_string().contains(&source),
        "{error}"
    );
}

#[tokio::test]
async fn f07_a_certificate_for_another_name_is_final() {
    let tls = tls_server().await;
    let builder = tls
        .builder("127.0.0.1")
        .root_certificates(tls.certificate.as_bytes())
        .unwrap();
    let error = within(builder.connect()).await.unwrap_err();
    assert_eq!((error.kind(), tls.server.connects()), (ErrorKind::Tls, 1));
}

#[tokio::test]
async fn f07_a_certificate_that_has_expired_is_final() {
    let tls = tls_server_until(2001).await;
    let builder = tls
        .builder("localhost")
        .root_certificates(tls.certificate.as_bytes())
        .unwrap();
    let error = within(builder.connect()).await.unwrap_err();
    assert_eq!((error.kind(), tls.server.connects()), (ErrorKind::Tls, 1));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.to_lowercase().contains("expired"), "{source}");
}

#[tokio::test]
async fn f06_a_server_that_does_not_answer_tls_is_tried_again() {
    let server = Server::start(|_, stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut config = quick();
    config.timeouts.tls = std::time::Duration::from_millis(50);
    config.retry.max_attempts = 2;
    let url = format!("wss://localhost:{}/", server.address.port());
    let builder = builder(Endpoint::from_url(&url).unwrap()).config(config);
    let error = within(builder.connect()).await.unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::Handshake, 2));
    assert!(error.to_string().contains("50ms"), "{error}");
}

#[tokio::test]
async fn f08_a_port_without_tls_is_final() {
    let server = Server::start(|_, mut stream| async move {
        use tokio::io::AsyncWriteExt;
        let _ = stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let url = format!("wss://localhost:{}/", server.address.port());
    let error = within(builder(Endpoint::from_url(&url).unwrap()).connect())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::Tls, 1));
}

#[tokio::test]
async fn f09_a_handshake_that_breaks_off_is_tried_again() {
    let server = Server::start(|_, stream| async move { drop(stream) }).await;
    let url = format!("wss://localhost:{}/", server.address.port());
    let error = within(builder(Endpoint::from_url(&url).unwrap()).connect())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::Handshake, 8));
}
