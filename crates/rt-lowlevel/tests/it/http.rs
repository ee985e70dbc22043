//! The HTTP calls, against the emulator and against servers that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_emulator::Emulator;
use rt_lowlevel::http::HttpClient;
use rt_lowlevel::protocol::RealtimeSession;
use rt_lowlevel::protocol::http::{
    CallAccept, CallCreate, CallRefer, CallReject, ClientSecretRequest, TranslationSecretRequest,
};
use rt_lowlevel::protocol::session::TranslationSession;
use rt_lowlevel::{
    Config, Connection, ConnectionEvent, Credentials, Endpoint, Error, ErrorKind, Token, TokenProvider,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Server;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

fn session() -> RealtimeSession {
    RealtimeSession::new().model("gpt-realtime")
}

fn key() -> Credentials {
    Credentials::api_key("sk-canary").unwrap()
}

fn client_of(emulator: &Emulator, credentials: Credentials) -> HttpClient {
    let endpoint = Endpoint::from_url(&emulator.url()).unwrap();
    HttpClient::new(endpoint, credentials).unwrap()
}

#[tokio::test]
async fn an_ephemeral_key_opens_the_session_it_was_made_for() {
    let emulator = Emulator::start().await.unwrap();
    let client = client_of(&emulator, key());
    let request = ClientSecretRequest::new(session().instructions("Be brief.")).expires_after(60);
    let secret = client.create_client_secret(&request).await.unwrap();
    assert!(secret.value.expose().starts_with("ek_") && secret.expires_at > 0);
    let credentials = Credentials::bearer(secret.value.expose()).unwrap();
    let endpoint = Endpoint::from_url(&emulator.url()).unwrap();
    Connection::builder(endpoint, credentials)
        .connect()
        .await
        .unwrap()
        .close()
        .await;

    let request = TranslationSecretRequest::new(TranslationSession::to("es").model("gpt-realtime-translate"));
    let secret = client.create_translation_secret(&request).await.unwrap();
    let endpoint = Endpoint::openai_translation("gpt-realtime-translate").unwrap();
    let endpoint = endpoint.with_base_url(&emulator.http_url()).unwrap();
    let credentials = Credentials::bearer(secret.value.expose()).unwrap();
    Connection::builder(endpoint, credentials)
        .connect()
        .await
        .unwrap()
        .close()
        .await;
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_call_is_taken_listened_to_and_hung_up() {
    let emulator = Emulator::start().await.unwrap();
    let client = client_of(&emulator, key());
    let id = emulator.ring();
    client
        .accept_call(&id, &CallAccept::from(session()))
        .await
        .unwrap();
    let endpoint = client.call_endpoint(&id).unwrap();
    let mut connection = Connection::builder(endpoint, key()).connect().await.unwrap();
    client
        .refer_call(&id, &CallRefer::new("tel:+14155550123"))
        .await
        .unwrap();
    client.hang_up_call(&id).await.unwrap();
    let closed = loop {
        match connection.recv().await.unwrap() {
            ConnectionEvent::Closed(closed) => break closed,
            _ => continue,
        }
    };
    assert!(closed.error.is_some(), "the call's end is the server's doing");

    let other = emulator.ring();
    client.reject_call(&other, &CallReject::BUSY).await.unwrap();
    for id in [&id, &other] {
        let error = client.hang_up_call(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.code(), Some("call_id_not_found"));
        assert!(error.to_string().contains("/hangup with HTTP 404"), "{error}");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_web_call_has_an_answer_and_an_id() {
    let emulator = Emulator::start().await.unwrap();
    let client = client_of(&emulator, key());
    let bare = CallCreate {
        sdp: OFFER.into(),
        ..CallCreate::default()
    };
    for call in [CallCreate::new(OFFER, session()), bare] {
        let created = client.create_call(&call).await.unwrap();
        assert!(created.call_id.starts_with("rtc_") && created.sdp.starts_with("v=0"));
        client.hang_up_call(&created.call_id).await.unwrap();
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    let emulator = Emulator::start().await.unwrap();
    let bad = client_of(&emulator, Credentials::api_key("bad-canary").unwrap());
    let request = ClientSecretRequest::new(session());
    let error = bad.create_client_secret(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!((error.http_status(), error.attempts()), (Some(401), Some(1)));
    assert!(!format!("{error} {error:?} {bad:?}").contains("canary"));

    let client = client_of(&emulator, key());
    let error = client.hang_up_call("../../x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    let error = client
        .create_client_secret(&request.expires_after(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    assert!(error.to_string().contains("seconds"), "{error}");
    emulator.shutdown().await;
}

/// Reads a request to the end of its body.
async fn request_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "a whole request");
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return String::from_utf8(bytes).unwrap();
        }
    }
}

/// A server that gives the n-th request the n-th answer, or nothing if there is none; and what it was asked.
async fn answering(answers: &'static [&'static str]) -> (Server, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&asked);
    let server = Server::start(move |number, mut stream| {
        let requests = Arc::clone(&requests);
        async move {
            let request = request_of(&mut stream).await;
            requests.lock().unwrap().push(request);
            if let Some(answer) = answers.get(number - 1) {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    (server, asked)
}

/// A client whose waits are short.
fn hasty(endpoint: Endpoint, credentials: Credentials) -> HttpClient {
    let mut config = Config::default();
    config.retry.base = Duration::from_millis(1);
    config.retry.throttle_floor = Duration::from_millis(1);
    HttpClient::with_settings(Connection::builder(endpoint, credentials).config(config)).unwrap()
}

async fn secret(client: &HttpClient) -> Result<String, Error> {
    let secret = client
        .create_client_secret(&ClientSecretRequest::new(session()))
        .await?;
    Ok(secret.value.expose().to_owned())
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"value\":\"ek\"}";
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
const BUSY: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after-ms: 2\r\ncontent-length: 0\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Oops\r\nx-request-id: req_7\r\ncontent-length: 31\r\n\r\n{\"error\":{\"message\":\"oh dear\"}}";

#[tokio::test]
async fn what_was_not_done_is_done_again() {
    let (server, _) = answering(&[BUSY, BUSY, GOOD]).await;
    assert_eq!(secret(&hasty(server.endpoint(), key())).await.unwrap(), "ek");
    assert_eq!(server.connects(), 3);

    let (server, _) = answering(&[BUSY, BUSY, BUSY, GOOD]).await;
    let error = secret(&hasty(server.endpoint(), key())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!((server.connects(), error.attempts()), (3, Some(3)));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(2)));

    let (server, _) = answering(&[BROKEN, "", GOOD]).await;
    assert_eq!(secret(&hasty(server.endpoint(), key())).await.unwrap(), "ek");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let accept = CallAccept::from(session());
    let (server, _) = answering(&[BROKEN, GOOD]).await;
    let error = hasty(server.endpoint(), key())
        .accept_call("rtc_1", &accept)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerUnavailable);
    assert_eq!((error.request_id(), server.connects()), (Some("req_7"), 1));
    assert!(error.to_string().contains("oh dear"), "{error}");

    for answer in ["", HALF] {
        let answers: &'static [&'static str] = Vec::leak(vec![answer, GOOD]);
        let (server, _) = answering(answers).await;
        let error = hasty(server.endpoint(), key())
            .create_call(&CallCreate::new(OFFER, session()))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), server.connects()), (ErrorKind::ConnectionLost, 1));
        assert!(error.to_string().contains("not known"), "{error}");
    }
}

#[tokio::test]
async fn a_good_head_is_enough_where_there_is_nothing_to_read() {
    let (server, _) = answering(&[HALF]).await;
    hasty(server.endpoint(), key())
        .accept_call("rtc_1", &CallAccept::from(session()))
        .await
        .unwrap();
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn a_call_that_an_unanswered_attempt_ended_is_hung_up() {
    const GONE: &str = "HTTP/1.1 404 Gone\r\ncontent-length: 0\r\n\r\n";
    for (answers, is_good) in [
        (&["", GONE][..], true),
        (&["", BUSY, GONE], true),
        (&[GONE], false),
        (&[BUSY, GONE], false),
    ] {
        let (server, _) = answering(answers).await;
        let result = hasty(server.endpoint(), key()).hang_up_call("rtc_1").await;
        assert_eq!(result.is_ok(), is_good, "{answers:?}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        assert_eq!(server.connects(), answers.len());
    }
}

/// Answers with a head, and goes on without an end.
async fn endless(head: &'static str) -> Server {
    Server::start(move |_, mut stream| async move {
        request_of(&mut stream).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await
}

#[tokio::test]
async fn a_refusal_that_does_not_end_is_one() {
    let head = "HTTP/1.1 429 Busy\r\nx-request-id: req_9\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n{";
    let server = endless(head).await;
    let client = hasty(server.endpoint(), key()).attempts(1);
    let error = secret(&client).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::RateLimited, Some(429))
    );
    assert_eq!(error.request_id(), Some("req_9"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn what_an_earlier_attempt_may_have_done_is_told_when_time_is_up() {
    struct Slow(std::sync::atomic::AtomicUsize);
    #[async_trait::async_trait]
    impl TokenProvider for Slow {
        async fn token(&self, _: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
            if self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            Ok(Token::new("t"))
        }
    }
    // The first is not answered, the second not sent.
    let (server, _) = answering(&[""]).await;
    let credentials = Credentials::provider(Slow(Default::default()));
    let client = hasty(server.endpoint(), credentials).timeout(Duration::from_secs(2));
    let error = secret(&client).await.unwrap_err();
    assert_eq!((server.connects(), error.attempts()), (1, Some(2)));
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_longer_than_told() {
    let asked = Arc::new(tokio::sync::Notify::new());
    let signal = Arc::clone(&asked);
    let server = Server::start(move |_, mut stream| {
        let signal = Arc::clone(&signal);
        async move {
            request_of(&mut stream).await;
            signal.notify_one();
            std::future::pending::<()>().await;
        }
    })
    .await;
    let client = hasty(server.endpoint(), key()).timeout(Duration::from_secs(2));
    let (error, ()) = tokio::join!(secret(&client), asked.notified());
    let error = error.unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::ConnectionLost, 1));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, asked) =
        answering(&["HTTP/1.1 307 Over There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"])
            .await;
    let error = secret(&hasty(server.endpoint(), key())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RedirectRefused);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_none_is_told() {
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 13\r\nx-request-id: req_1\r\n\r\n<html></html>",
            "cannot be read",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\napim-request-id: req_1\r\n\r\n{}",
            "holds no key",
        ),
        ("SSH-2.0-OpenSSH_9.9 canary\r\n\r\n", "not HTTP"),
    ] {
        let answers: &'static [&'static str] = Vec::leak(vec![answer]);
        let (server, _) = answering(answers).await;
        let error = secret(&hasty(server.endpoint(), key())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBody, "{error}");
        let is_http = answer.starts_with("HTTP");
        assert_eq!(error.request_id(), is_http.then_some("req_1"), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected) && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_read_and_one_without_end_is_not() {
    let (server, _) = answering(&[
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"value\":\r\n5\r\n\"ek\"}\r\n0\r\n\r\n",
    ])
    .await;
    assert_eq!(secret(&hasty(server.endpoint(), key())).await.unwrap(), "ek");

    let server = Server::start(|_, mut stream| async move {
        request_of(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n";
        let mut written = stream.write_all(head).await;
        while written.is_ok() {
            written = stream.write_all(&[b' '; 4096]).await;
        }
    })
    .await;
    let error = secret(&hasty(server.endpoint(), key())).await.unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::InvalidBody, 1));
    assert!(error.to_string().contains("larger"), "{error}");
}

#[tokio::test]
async fn azure_has_its_path_and_its_header() {
    let (server, asked) = answering(&[GOOD, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let url = format!("ws://{}/openai/v1/realtime?model=dep", server.address);
    let endpoint = Endpoint::from_url(&url)
        .unwrap()
        .with_provider(rt_lowlevel::Provider::Azure);
    let client = hasty(endpoint, key());
    secret(&client).await.unwrap();
    client.hang_up_call("rtc_1").await.unwrap();
    let asked = asked.lock().unwrap();
    assert!(
        asked[0].starts_with("POST /openai/v1/realtime/client_secrets HTTP/1.1\r\n"),
        "{}",
        asked[0]
    );
    assert!(asked[0].contains("api-key: sk-canary\r\n") && !asked[0].contains("authorization"));
    assert!(asked[0].contains("content-type: application/json\r\n"));
    assert!(
        asked[1].starts_with("POST /openai/v1/realtime/calls/rtc_1/hangup HTTP/1.1\r\n"),
        "{}",
        asked[1]
    );
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    struct Tokens;
    #[async_trait::async_trait]
    impl TokenProvider for Tokens {
        async fn token(&self, refresh: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
            Ok(Token::new(if refresh { "fresh" } else { "old" }))
        }
    }
    const NO: &str = "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n";
    let (server, asked) = answering(&[NO, GOOD]).await;
    secret(&hasty(server.endpoint(), Credentials::provider(Tokens)))
        .await
        .unwrap();
    {
        let asked = asked.lock().unwrap();
        assert!(asked[0].contains("Bearer old\r\n") && asked[1].contains("Bearer fresh\r\n"));
    }
    // Whatever came before it.
    let (server, asked) = answering(&[BUSY, NO, GOOD]).await;
    secret(&hasty(server.endpoint(), Credentials::provider(Tokens)))
        .await
        .unwrap();
    assert!(asked.lock().unwrap()[2].contains("Bearer fresh\r\n"));
    let (server, _) = answering(&[NO, NO, GOOD]).await;
    let error = secret(&hasty(server.endpoint(), Credentials::provider(Tokens)))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), server.connects()), (ErrorKind::Unauthorized, 2));
}

#[tokio::test]
async fn a_key_does_not_leave_in_the_clear_and_wrong_addresses_are_refused() {
    let endpoint = Endpoint::from_url("http://192.0.2.1/v1/realtime").unwrap();
    // Nor does a key come back in the clear.
    for credentials in [key(), Credentials::none()] {
        let error = secret(&hasty(endpoint.clone(), credentials)).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Insecure, Some(1)));
    }

    for endpoint in [
        Endpoint::azure_preview("r", "d", "v").unwrap(),
        Endpoint::from_url("wss://h/elsewhere").unwrap(),
    ] {
        let error = HttpClient::new(endpoint, key()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }
}
