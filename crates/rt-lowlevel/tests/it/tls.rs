//! TLS on loopback.

use std::sync::Arc;

use rt_lowlevel::{Builder, Connection, Endpoint, ErrorKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::support::*;

struct Tls {
    server: Server,
    certificate: String,
}

async fn tls_server() -> Tls {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
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
        certificate: made.cert.pem(),
    }
}

impl Tls {
    fn builder(&self, host: &str) -> Builder {
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
async fn an_unknown_root_is_final() {
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
async fn a_certificate_for_another_name_is_final() {
    let tls = tls_server().await;
    let builder = tls
        .builder("127.0.0.1")
        .root_certificates(tls.certificate.as_bytes())
        .unwrap();
    let error = within(builder.connect()).await.unwrap_err();
    assert_eq!((error.kind(), tls.server.connects()), (ErrorKind::Tls, 1));
}

#[tokio::test]
async fn a_port_without_tls_is_final() {
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
async fn a_handshake_that_breaks_off_is_tried_again() {
    let server = Server::start(|_, stream| async move { drop(stream) }).await;
    let url = format!("wss://localhost:{}/", server.address.port());
    let error = within(builder(Endpoint::from_url(&url).unwrap()).connect())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::Handshake, 8));
}
