//! wss and https, with the certificate the emulator makes.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::sync::Arc;

use common::{SOON, fast, http, upgrade};
use futures::{SinkExt as _, StreamExt as _};
use rt_emulator::Fault;
use rt_emulator::fault::{Action, Trigger};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message as Frame;

async fn encrypted(
    emulator: &rt_emulator::Emulator,
    name: &str,
    root: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(emulator.address()).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    timeout(SOON, connecting).await.unwrap()
}

#[tokio::test]
async fn a_session_over_wss() {
    let emulator = fast().tls().start().await.unwrap();
    assert!(emulator.url().starts_with("wss://127.0.0.1:"));
    assert!(emulator.azure_url().starts_with("wss://"));
    assert!(emulator.http_url().starts_with("https://127.0.0.1:"));
    let root = emulator.certificate_pem().unwrap();
    for name in ["127.0.0.1", "localhost"] {
        let stream = encrypted(&emulator, name, root).await.unwrap();
        let mut socket = upgrade(&emulator, stream).await;
        socket
            .send(Frame::text(json!({"type": "response.create"}).to_string()))
            .await
            .unwrap();
        let mut types = Vec::new();
        while types.last().is_none_or(|last| last != "response.done") {
            let frame = timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap();
            let event: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
            types.push(event["type"].as_str().unwrap().to_owned());
        }
        assert_eq!(types[0], "session.created");
        socket.close(None).await.unwrap();
    }
    let stream = encrypted(&emulator, "localhost", root).await.unwrap();
    let answer = http(stream, "GET /health HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"));
    timeout(SOON, emulator.shutdown()).await.unwrap();
}

#[tokio::test]
async fn another_root_another_name_and_no_encryption_fail() {
    let (emulator, other) = (
        fast().tls().start().await.unwrap(),
        fast().tls().start().await.unwrap(),
    );
    let root = emulator.certificate_pem().unwrap();
    assert_ne!(Some(root), other.certificate_pem());
    assert!(
        encrypted(&emulator, "localhost", other.certificate_pem().unwrap())
            .await
            .is_err()
    );
    assert!(encrypted(&emulator, "example.com", root).await.is_err());
    let mut plain = TcpStream::connect(emulator.address()).await.unwrap();
    plain
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = timeout(SOON, plain.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP"));
    // It goes on.
    encrypted(&emulator, "localhost", root).await.unwrap();
    assert!(fast().start().await.unwrap().certificate_pem().is_none());
}

#[tokio::test]
async fn faults_reach_through() {
    let created = Trigger::Sent {
        event_type: "session.created".into(),
        count: 1,
    };
    let emulator = fast()
        .tls()
        .fault(1, Fault::Refuse)
        .fault(2, Fault::at(created, Action::Reset))
        .start()
        .await
        .unwrap();
    let root = emulator.certificate_pem().unwrap();
    assert!(encrypted(&emulator, "localhost", root).await.is_err());
    let stream = encrypted(&emulator, "localhost", root).await.unwrap();
    let mut socket = upgrade(&emulator, stream).await;
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(SOON, ended).await.unwrap();
}
