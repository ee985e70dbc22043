//! Azure's addresses, keys and errors.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{KEY, connect, fast};
use rt_emulator::journal::What;
use rt_emulator::{Emulator, Fault};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error as WsError;

const GA: &str = "/openai/v1/realtime?model=gpt-realtime";
const API_KEY: (&str, &str) = ("api-key", "x");

/// The status, the body and a header of a handshake that fails.
async fn denied(
    emulator: &Emulator,
    target: &str,
    headers: &[(&'static str, &'static str)],
) -> (u16, Value, Option<String>) {
    match connect(emulator, target, headers).await {
        Err(WsError::Http(answer)) => {
            let retry = answer.headers().get("retry-after");
            let retry = retry.map(|value| value.to_str().unwrap().to_owned());
            let body = serde_json::from_slice(answer.body().as_ref().unwrap()).unwrap();
            (answer.status().as_u16(), body, retry)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_with_either_kind_of_key() {
    let emulator = fast().start().await.unwrap();
    assert!(emulator.azure_url().ends_with("/openai/v1/realtime"));
    for header in [API_KEY, KEY] {
        let mut client = connect(&emulator, GA, &[header]).await.unwrap();
        let created = client.event().await;
        assert_eq!(created["type"], "session.created");
        assert_eq!(
            (&created["session"]["type"], &created["session"]["model"]),
            (&json!("realtime"), &json!("gpt-realtime"))
        );
        client.send(json!({"type": "response.create"})).await;
        client.until("response.done").await;
    }
    let mut client = connect(&emulator, "/openai/v1/realtime?intent=transcription", &[API_KEY])
        .await
        .unwrap();
    assert_eq!(client.event().await["session"]["type"], "transcription");
}

#[tokio::test]
async fn what_is_wrong_is_the_status_of_the_handshake() {
    let emulator = fast().model("my-deployment").start().await.unwrap();
    for (target, headers, status, code) in [
        (GA, vec![], 401, "401"),
        (GA, vec![("api-key", "bad")], 401, "401"),
        (GA, vec![("authorization", "Bearer invalid")], 401, "401"),
        (
            "/openai/v1/realtime?model=gpt-realtime&api-version=2025-04-01-preview",
            vec![API_KEY],
            401,
            "401",
        ),
        (
            "/openai/v1/realtime?model=other",
            vec![API_KEY],
            404,
            "DeploymentNotFound",
        ),
        (
            "/openai/realtime?api-version=2025-04-01-preview&deployment=other",
            vec![API_KEY],
            404,
            "DeploymentNotFound",
        ),
        (
            "/openai/realtime?deployment=gpt-realtime",
            vec![API_KEY],
            404,
            "404",
        ),
    ] {
        let (given, body, _) = denied(&emulator, target, &headers).await;
        assert_eq!(
            (given, &body["error"]["code"]),
            (status, &json!(code)),
            "{target}"
        );
        assert!(body["error"]["message"].is_string());
    }
    let answered = emulator.journal().entries();
    assert!(
        answered
            .iter()
            .all(|entry| entry.what != What::Answered { status: 101 })
    );
    let mut client = connect(&emulator, "/openai/v1/realtime?model=my-deployment", &[API_KEY])
        .await
        .unwrap();
    assert_eq!(client.event().await["session"]["model"], "my-deployment");
}

#[tokio::test]
async fn throttled_by_a_fault() {
    let emulator = fast()
        .fault(1, Fault::azure(429).header("Retry-After", "2"))
        .start()
        .await
        .unwrap();
    let (status, body, retry) = denied(&emulator, GA, &[API_KEY]).await;
    assert_eq!((status, retry.as_deref()), (429, Some("2")));
    assert_eq!(body["error"]["code"], "429");
    connect(&emulator, GA, &[API_KEY]).await.unwrap();
}
