//! Connections: drops, dialects, addresses, keys, liveness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rt_client::lowlevel::transport::{DialError, Dialer, Io, Target};
use rt_client::protocol::session::VoiceName;
use rt_client::reply::ReplyStatus;
use rt_client::{Endpoint, Event, Session, async_trait};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::{Emulator, Fault};

use super::{ask, builder, next, received, refused, soon, start};
use crate::agent::blocking::{gate, pongs};
use crate::support::{Server, key, quick};

#[tokio::test]
async fn pain_01_a_drop_or_the_session_cap_loses_the_conversation() {
    let server = Server::start(Emulator::builder()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut events = session.events();
    let report = |event| match event {
        Event::Restored(report) => Some(report),
        _ => None,
    };
    ask(&session, "one").await;
    server.emulator.act(1, Action::Reset);
    assert_eq!(next(&mut events, report).await.restored, 2);
    // Wanted by hand, too.
    session.restart().unwrap();
    assert_eq!(next(&mut events, report).await.restored, 2);
    assert_eq!(ask(&session, "two").await.text, "two");
    assert_eq!(session.history().await.unwrap().len(), 4);
    session.close().await;
}

#[tokio::test]
async fn pain_05_the_change_from_beta_to_ga() {
    let server = start(rt_emulator::Script::parrot()).await;
    let url = server.emulator.url();
    let (base, _) = url.split_once("/v1").unwrap();
    let beta =
        format!("{base}/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-4o-realtime-preview");
    // The same program, at both.
    let endpoints = [Endpoint::from_url(&beta).unwrap(), server.endpoint()];
    for (connection, endpoint) in (1..).zip(endpoints) {
        let session = Session::builder(endpoint, key())
            .config(quick())
            .instructions("Be brief.")
            .text_only()
            .connect()
            .await
            .unwrap();
        assert_eq!(ask(&session, "Hello").await.text, "Hello");
        session.close().await;
        assert!(
            refused(&server, connection).is_empty(),
            "{:?}",
            refused(&server, connection)
        );
    }
    let beta = server.emulator.journal().sent(1);
    assert!(
        beta.iter()
            .any(|message| message.event_type == "response.text.delta")
    );
    let ga = server.emulator.journal().sent(2);
    assert!(
        ga.iter()
            .any(|message| message.event_type == "response.output_text.delta")
    );
}

#[tokio::test]
async fn pain_06_azure_is_different() {
    let server = start(rt_emulator::Script::parrot()).await;
    let url = server.emulator.url();
    let (base, _) = url.split_once("/v1").unwrap();
    let azure = Endpoint::from_url(&format!("{base}/openai/v1/realtime?model=gpt-realtime")).unwrap();
    let azure = azure.with_provider(rt_client::lowlevel::Provider::Azure);
    let session = Session::builder(azure, key()).config(quick()).text_only();
    let session = session.connect().await.unwrap();
    assert_eq!(ask(&session, "Hello").await.text, "Hello");
    session.close().await;
    // Addresses and dialect follow from the names Azure gives.
    let preview = Endpoint::azure_preview("my-resource", "voice", "2025-04-01-preview").unwrap();
    assert!(
        preview
            .url()
            .contains("my-resource.openai.azure.com/openai/realtime")
    );
    assert_eq!(
        preview.dialect(),
        Some(rt_client::protocol::dialect::Dialect::Beta)
    );
}

#[tokio::test]
async fn pain_07_an_unknown_or_odd_event_ends_the_client() {
    let odd = [
        r#"{"type":"response.canary.delta","news":[1]}"#,
        r#"{"type":"response.done","response":"odd"}"#,
        "no JSON at all",
    ];
    let faults = (1..)
        .zip(odd)
        .map(|(n, text)| Fault::at(Trigger::SentMessages(n), Action::Text(text.to_owned())));
    let emulator = faults.fold(Emulator::builder(), |emulator, fault| emulator.fault(1, fault));
    let server = Server::start(emulator).await;
    let (unknown, malformed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (unknowns, malformeds) = (unknown.clone(), malformed.clone());
    let session = builder(&server)
        .text_only()
        .on_event(move |event| {
            if matches!(event, rt_client::protocol::ServerEvent::Unknown(_)) {
                unknowns.fetch_add(1, Ordering::SeqCst);
            }
        })
        .on_error(move |error| {
            assert_eq!(error.kind(), rt_client::ErrorKind::Malformed);
            malformeds.fetch_add(1, Ordering::SeqCst);
        })
        .connect()
        .await
        .unwrap();
    assert_eq!(ask(&session, "Hello").await.text, "Hello");
    session.close().await;
    assert_eq!(
        (unknown.load(Ordering::SeqCst), malformed.load(Ordering::SeqCst)),
        (1, 2)
    );
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn pain_16_endless_reconnects_with_a_bad_key() {
    let server = Server::start(Emulator::builder().fault_always(Fault::status(401))).await;
    let error = soon(builder(&server).connect()).await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    assert_eq!(server.connects(), 1);
}

/// On a runtime of one thread, where a callback that blocked it would hold up everything.
#[tokio::test]
async fn pain_19_keepalive_fails_while_the_program_is_busy() {
    let server = Server::start(Emulator::builder().ping_every(Duration::from_millis(20))).await;
    let (gate, held) = gate();
    let session = builder(&server)
        .on_event(move |_| held.wait())
        .connect()
        .await
        .unwrap();
    pongs(&server, 20).await;
    gate.open();
    assert_eq!(server.connects(), 1);
    session.close().await;
}

#[tokio::test]
async fn pain_20_waiting_for_a_reply_hangs() {
    let cut = Fault::at(
        Trigger::Sent {
            event_type: "response.created".into(),
            count: 1,
        },
        Action::Reset,
    );
    let server = Server::start(Emulator::builder().fault(1, cut)).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let lost = soon(session.send_text("Hello").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(lost.status, ReplyStatus::ConnectionLost);
    assert_eq!(ask(&session, "Again").await.status, ReplyStatus::Completed);
    let waiting = session.next_reply().await.unwrap();
    session.close().await;
    soon(waiting.reply()).await.unwrap_err();
}

#[tokio::test]
async fn pain_21_a_change_of_settings_resets_the_others() {
    let server = start(rt_emulator::Script::parrot()).await;
    let session = builder(&server)
        .instructions("Be brief.")
        .voice(VoiceName::Marin)
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    let update = r#"{"type":"session.update","session":{"type":"realtime","instructions":"Be long."}}"#;
    session
        .send(rt_client::protocol::ClientEvent::from_json(update).unwrap())
        .await
        .unwrap();
    let updated = |event| match event {
        Event::Server(event) => {
            matches!(*event, rt_client::protocol::ServerEvent::SessionUpdated(_)).then_some(())
        }
        _ => None,
    };
    next(&mut events, updated).await;
    server.emulator.act(1, Action::Reset);
    next(&mut events, |event| {
        matches!(event, Event::Restored(_)).then_some(())
    })
    .await;
    let told = &received(&server, 2, "session.update")[0]["session"];
    assert_eq!(told["instructions"], "Be long.");
    assert_eq!(told["audio"]["output"]["voice"], "marin");
    session.close().await;
}

/// Goes another way than asked.
struct Detour(std::net::SocketAddr, Arc<AtomicU32>);

#[async_trait]
impl Dialer for Detour {
    async fn dial(&self, target: &Target) -> Result<Box<dyn Io>, DialError> {
        assert_eq!(target.host, "voice.example");
        self.1.fetch_add(1, Ordering::SeqCst);
        let stream = tokio::net::TcpStream::connect(self.0).await;
        stream
            .map(|stream| Box::new(stream) as Box<dyn Io>)
            .map_err(|error| {
                DialError::new(rt_client::lowlevel::transport::DialStage::Tcp, error.to_string())
            })
    }
}

#[tokio::test]
async fn pain_25_proxies_and_other_addresses() {
    let server = start(rt_emulator::Script::parrot()).await;
    let url = server.emulator.url();
    let address = url
        .trim_start_matches("ws://")
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let dials = Arc::new(AtomicU32::new(0));
    let mut config = quick();
    config.allow_insecure = true;
    let endpoint = Endpoint::from_url("ws://voice.example/v1/realtime?model=gpt-realtime").unwrap();
    let session = Session::builder(endpoint.clone(), key())
        .config(config)
        .connection(|connection| {
            Ok::<_, std::convert::Infallible>(connection.dialer(Detour(address, dials.clone())))
        })
        .unwrap()
        .text_only()
        .connect()
        .await
        .unwrap();
    assert_eq!(ask(&session, "Hello").await.text, "Hello");
    assert_eq!(dials.load(Ordering::SeqCst), 1);
    session.close().await;
    // A proxy that is none is told of at once.
    let error =
        Session::builder(endpoint, key()).connection(|connection| connection.proxy("ftp://proxy.example"));
    assert_eq!(
        error.unwrap_err().kind(),
        rt_client::lowlevel::ErrorKind::InvalidConfig
    );
}
