//! The HTTP endpoints: ephemeral keys and calls.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use common::{KEY, SOON, connect, fast};
use rt_emulator::Emulator;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as WsError;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        found.unwrap_or_default()
    }

    /// Status, code and param of an error.
    fn error(&self) -> (u16, Value, Value) {
        let error = &self.json()["error"];
        assert!(error["message"].is_string() && error["type"] == "invalid_request_error");
        (self.status, error["code"].clone(), error["param"].clone())
    }
}

async fn request(emulator: &Emulator, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    let head = format!("{head}\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = stream.write_all(body).await;
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    timeout(SOON, reading).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn post(emulator: &Emulator, path: &str, body: &Value) -> Answer {
    let head = format!("POST {path} HTTP/1.1\r\nAuthorization: Bearer x\r\nContent-Type: application/json");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    request(emulator, &head, body.as_bytes()).await
}

async fn first_event(emulator: &Emulator, target: &str, key: &str) -> Value {
    let bearer = String::leak(format!("Bearer {key}"));
    let mut client = connect(emulator, target, &[("authorization", bearer)])
        .await
        .unwrap();
    client.event().await
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn an_ephemeral_key_opens_its_session() {
    let emulator = fast().key("x").start().await.unwrap();
    let path = "/v1/realtime/client_secrets";
    let body = json!({"expires_after": {"anchor": "created_at", "seconds": 30}, "session":
        {"type": "realtime", "model": "gpt-realtime", "instructions": "Be kind.", "audio": {"output": {"voice": "marin"}}}});
    let answer = post(&emulator, path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let given = answer.json();
    let key = given["value"].as_str().unwrap();
    assert!(key.starts_with("ek_"));
    let expires_at = given["expires_at"].as_u64().unwrap();
    assert!((now() + 28..=now() + 30).contains(&expires_at));
    let session = &given["session"];
    assert_eq!(session["object"], "realtime.session");
    assert_eq!(
        (&session["model"], &session["instructions"]),
        (&json!("gpt-realtime"), &json!("Be kind."))
    );
    for nothing in ["tracing", "prompt", "include"] {
        assert!(session.as_object().unwrap()[nothing].is_null(), "{nothing}");
    }
    assert!(session["audio"]["input"].as_object().unwrap()["transcription"].is_null());

    // The key is good, though only "x" was said to be, and brings its session along.
    let created = first_event(&emulator, "/v1/realtime?model=gpt-realtime-2", key).await;
    assert_eq!(created["session"]["model"], "gpt-realtime-2");
    assert_eq!(created["session"]["instructions"], "Be kind.");
    assert_eq!(created["session"]["audio"]["output"]["voice"], "marin");
    let created = first_event(&emulator, "/v1/realtime", key).await;
    assert_eq!(created["session"]["model"], "gpt-realtime");
    let refused = first_event(&emulator, "/v1/realtime?model=gpt-realtime", "ek_other").await;
    assert_eq!(refused["error"]["code"], "invalid_api_key");

    let answer = post(&emulator, path, &json!({"session": {"type": "transcription"}})).await;
    assert_eq!(
        answer.json()["session"]["object"],
        "realtime.transcription_session"
    );
    let key = answer.json()["value"].as_str().unwrap().to_owned();
    let created = first_event(&emulator, "/v1/realtime?intent=transcription", &key).await;
    assert_eq!(created["session"]["type"], "transcription");
    assert_eq!(post(&emulator, path, &Value::Null).await.status, 200);
    assert_eq!(
        post(&emulator, "/openai/v1/realtime/client_secrets", &json!({}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_key_for_a_translation() {
    let emulator = fast().start().await.unwrap();
    let path = "/v1/realtime/translations/client_secrets";
    let session = json!({"model": "gpt-realtime-translate", "audio": {"input":
        {"transcription": {"model": "gpt-realtime-whisper"}, "noise_reduction": null}, "output": {"language": "es"}}});
    let answer = post(&emulator, path, &json!({"session": session})).await;
    let given = answer.json();
    let id = given["session"]["id"].clone();
    assert_eq!(
        given["session"],
        json!({"id": id, "type": "translation", "expires_at": given["expires_at"],
            "model": "gpt-realtime-translate", "audio": session["audio"]})
    );
    let key = given["value"].as_str().unwrap();
    let created = first_event(
        &emulator,
        "/v1/realtime/translations?model=gpt-realtime-translate",
        key,
    )
    .await;
    assert_eq!(created["session"]["audio"]["output"]["language"], "es");
    assert_eq!(
        post(&emulator, path, &json!({"session": {}})).await.error(),
        (400, json!("invalid_value"), json!("session.model"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told() {
    let emulator = fast().start().await.unwrap();
    let path = "/v1/realtime/client_secrets";
    let seconds = |seconds: u64| json!({"expires_after": {"seconds": seconds}});
    for (body, code, param) in [
        (seconds(9), "integer_below_min_value", "expires_after.seconds"),
        (seconds(7201), "integer_above_max_value", "expires_after.seconds"),
        (
            json!({"expires_after": {"anchor": "now"}}),
            "invalid_value",
            "expires_after.anchor",
        ),
        (
            json!({"session": {"model": "x"}}),
            "missing_required_parameter",
            "session.type",
        ),
        (
            json!({"session": {"type": "translation"}}),
            "invalid_value",
            "session.type",
        ),
        (
            json!({"session": {"type": "realtime", "voice": "x"}}),
            "unknown_parameter",
            "session.voice",
        ),
        (json!({"model": "x"}), "unknown_parameter", "model"),
    ] {
        let answer = post(&emulator, path, &body).await;
        assert_eq!(answer.error(), (400, json!(code), json!(param)), "{body}");
    }
    for seconds_allowed in [10, 7200] {
        assert_eq!(post(&emulator, path, &seconds(seconds_allowed)).await.status, 200);
    }
    let head = |auth: &str| format!("POST {path} HTTP/1.1\r\n{auth}");
    let good = "Authorization: Bearer x";
    let error = request(&emulator, &head(good), b"{").await.error();
    assert_eq!(error, (400, json!("invalid_json"), Value::Null));
    let error = request(&emulator, &head(good), b"\xff").await.error();
    assert_eq!(error.0, 400);
    let error = request(&emulator, &head("Authorization: Bearer bad"), b"{}")
        .await
        .error();
    assert_eq!(error, (401, json!("invalid_api_key"), Value::Null));
    assert_eq!(request(&emulator, &head("X: y"), b"{}").await.error().0, 401);
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(request(&emulator, &head(good), &large).await.error().0, 413);
    let get = format!("GET {path} HTTP/1.1\r\n{good}");
    let answer = request(&emulator, &get, b"").await;
    assert_eq!((answer.error().0, answer.header("allow")), (405, "POST"));
    // Azure has a body of its own.
    let azure = "POST /openai/v1/realtime/client_secrets HTTP/1.1\r\napi-key: bad";
    let answer = request(&emulator, azure, b"{}").await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (401, &json!("401"))
    );
}

async fn dial(emulator: &Emulator, base: &str) -> String {
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"sdp\"\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"session\"\r\nContent-Type: application/json\r\n\r\n\
         {{\"type\":\"realtime\",\"model\":\"gpt-realtime-2\",\"instructions\":\"Listen.\"}}\r\n--b--\r\n"
    );
    let head = format!(
        "POST {base}/calls HTTP/1.1\r\nAuthorization: Bearer x\r\nContent-Type: multipart/form-data; boundary=b"
    );
    let answer = request(emulator, &head, form.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (201, "application/sdp"),
        "{}",
        answer.body
    );
    assert!(answer.body.starts_with("v=0\r\n") && answer.body.ends_with("\r\n"));
    let location = answer.header("location").to_owned();
    assert!(location.starts_with(&format!("{base}/calls/rtc_")), "{location}");
    rt_protocol::http::call_id(&location).unwrap().to_owned()
}

#[tokio::test]
async fn a_call_is_made_listened_to_and_ended() {
    let emulator = fast().start().await.unwrap();
    for base in ["/v1/realtime", "/openai/v1/realtime"] {
        let id = dial(&emulator, base).await;
        let created = first_event(&emulator, &format!("{base}?call_id={id}"), "x").await;
        assert_eq!(created["session"]["model"], "gpt-realtime-2");
        assert_eq!(created["session"]["instructions"], "Listen.");
        let to = |verb: &str| format!("{base}/calls/{id}/{verb}");
        let answer = post(
            &emulator,
            &to("refer"),
            &json!({"target_uri": "tel:+14155550123"}),
        )
        .await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        let error = post(&emulator, &to("refer"), &json!({"target_uri": "mailto:x"}))
            .await
            .error();
        assert_eq!(error, (400, json!("invalid_value"), json!("target_uri")));
        let answer = post(&emulator, &to("hangup"), &Value::Null).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(post(&emulator, &to("hangup"), &Value::Null).await.status, 404);
        let gone = connect(&emulator, &format!("{base}?call_id={id}"), &[KEY])
            .await
            .unwrap_err();
        assert!(matches!(gone, WsError::Http(answer) if answer.status() == 404));
    }
}

#[tokio::test]
async fn an_incoming_call_is_taken_or_turned_down() {
    let emulator = fast().start().await.unwrap();
    let (taken, refused) = (emulator.ring(), emulator.ring());
    let sideband = format!("/v1/realtime?call_id={taken}");
    assert!(connect(&emulator, &sideband, &[KEY]).await.is_err(), "it rings");
    let accept = format!("/v1/realtime/calls/{taken}/accept");
    let error = post(&emulator, &accept, &json!({"model": "gpt-realtime"}))
        .await
        .error();
    assert_eq!(error, (400, json!("missing_required_parameter"), json!("type")));
    let session = json!({"type": "realtime", "model": "gpt-realtime", "instructions": "Answer."});
    assert_eq!(post(&emulator, &accept, &session).await.status, 200);
    let created = first_event(&emulator, &sideband, "x").await;
    assert_eq!(created["session"]["instructions"], "Answer.");
    let mut client = connect(&emulator, &sideband, &[KEY]).await.unwrap();
    client
        .send(json!({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}))
        .await;
    client.until("session.updated").await;
    drop(client);
    let created = first_event(&emulator, &sideband, "x").await;
    assert_eq!(created["session"]["instructions"], "Be brief.");
    let secret = json!({"session": {"type": "realtime", "model": "gpt-realtime"}});
    let secret = post(&emulator, "/v1/realtime/client_secrets", &secret)
        .await
        .json();
    let ephemeral = first_event(&emulator, &sideband, secret["value"].as_str().unwrap()).await;
    assert_eq!(ephemeral["error"]["code"], "invalid_api_key");

    let reject = format!("/v1/realtime/calls/{refused}/reject");
    assert_eq!(
        post(&emulator, &reject, &json!({"status_code": 7}))
            .await
            .error()
            .0,
        400
    );
    assert_eq!(
        post(&emulator, &reject, &json!({"status_code": 486}))
            .await
            .status,
        200
    );
    assert_eq!(post(&emulator, &reject, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_bare_offer_takes_its_session_from_the_key() {
    let emulator = fast().start().await.unwrap();
    let body =
        json!({"session": {"type": "realtime", "model": "gpt-realtime", "instructions": "Of the key."}});
    let key = post(&emulator, "/v1/realtime/client_secrets", &body).await.json();
    let head = |kind: &str| {
        let key = key["value"].as_str().unwrap();
        format!("POST /v1/realtime/calls HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}")
    };
    let answer = request(&emulator, &head("application/sdp"), OFFER.as_bytes()).await;
    assert_eq!(answer.status, 201);
    let id = rt_protocol::http::call_id(answer.header("location")).unwrap();
    let created = first_event(&emulator, &format!("/v1/realtime?call_id={id}"), "x").await;
    assert_eq!(created["session"]["instructions"], "Of the key.");

    let error = request(&emulator, &head("application/sdp"), b"hello")
        .await
        .error();
    assert_eq!(error, (400, json!("invalid_offer"), json!("sdp")));
    let error = request(&emulator, &head("text/plain"), OFFER.as_bytes())
        .await
        .error();
    assert_eq!(error.0, 415);
    let error = request(&emulator, &head("multipart/form-data; boundary=b"), b"--b--")
        .await
        .error();
    assert_eq!(error, (400, json!("missing_required_parameter"), json!("sdp")));
    let error = request(&emulator, &head("multipart/form-data"), b"--b--")
        .await
        .error();
    assert_eq!(error.0, 400);
}
