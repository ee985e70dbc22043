//! Bodies of the HTTP side: published examples, fixtures, limits, redaction.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rt_protocol::http::{
    CallAccept, CallCreate, CallRefer, CallReject, ClientSecretRequest, ClientSecretResponse, ErrorBody,
    TranslationSecretRequest, Webhook, call_id,
};
use rt_protocol::session::{TranscriptionSession, TranslationSession};
use rt_protocol::{DecodeError, DecodeErrorKind, RealtimeSession, Session};
use serde_json::{Value, json};

fn fixtures(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(place)
}

/// Numbers are equal by value: the service writes 1 and 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// Reads a body as the type for its schema and writes it again; `None` for a schema that has none.
fn rewritten(schema: &str, json: &str) -> Option<Result<String, DecodeError>> {
    Some(match schema {
        "RealtimeCreateClientSecretRequest" => {
            ClientSecretRequest::from_json(json).map(|body| body.to_json())
        }
        "RealtimeTranslationClientSecretCreateRequest" => {
            TranslationSecretRequest::from_json(json).map(|body| body.to_json())
        }
        "RealtimeCreateClientSecretResponse" | "RealtimeTranslationClientSecretCreateResponse" => {
            ClientSecretResponse::from_json(json).map(|body| body.to_json())
        }
        // A session alone is the body of an accept; the examples of what the server reports have its shape too.
        "RealtimeSessionCreateRequestGA"
        | "RealtimeTranscriptionSessionCreateResponseGA"
        | "RealtimeTranslationSession" => CallAccept::from_json(json).map(|body| {
            assert!(!matches!(body.0, Session::Unknown(_)), "{json}");
            body.to_json()
        }),
        "RealtimeCallRejectRequest" => CallReject::from_json(json).map(|body| body.to_json()),
        "RealtimeCallReferRequest" => CallRefer::from_json(json).map(|body| body.to_json()),
        "WebhookRealtimeCallIncoming" | "WebhookLiveCallIncoming" => Webhook::from_json(json).map(|body| {
            assert!(!matches!(body, Webhook::Unknown(_)), "{json}");
            body.to_json()
        }),
        _ => return None,
    })
}

#[test]
fn published_examples_are_read_and_written_without_loss() {
    let mut count = 0;
    for file in ["protocol/examples.jsonl", "protocol/examples_repaired.jsonl"] {
        let text = std::fs::read_to_string(fixtures(file)).unwrap();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["direction"] != "http" || line["dialect"] != "ga" {
                continue;
            }
            let (schema, message) = (line["schema"].as_str().unwrap(), &line["message"]);
            let written = rewritten(schema, &message.to_string())
                .unwrap_or_else(|| panic!("no type for {schema}"))
                .unwrap();
            let written: Value = serde_json::from_str(&written).unwrap();
            assert!(same(message, &written), "{schema}: {message} became {written}");
            count += 1;
        }
    }
    assert_eq!(count, 17);
}

#[test]
fn one_fixture_per_body() {
    type Rewrite = fn(&str) -> String;
    let bodies: [(&str, Rewrite); 11] = [
        ("calls.accept", |json| {
            CallAccept::from_json(json).unwrap().to_json()
        }),
        ("calls.create", |json| {
            serde_json::to_string(&serde_json::from_str::<CallCreate>(json).unwrap()).unwrap()
        }),
        ("calls.refer", |json| {
            CallRefer::from_json(json).unwrap().to_json()
        }),
        ("calls.reject", |json| {
            CallReject::from_json(json).unwrap().to_json()
        }),
        ("client_secrets.request", |json| {
            ClientSecretRequest::from_json(json).unwrap().to_json()
        }),
        ("client_secrets.response", |json| {
            ClientSecretResponse::from_json(json).unwrap().to_json()
        }),
        ("error", |json| ErrorBody::from_json(json).unwrap().to_json()),
        ("translations.client_secrets.request", |json| {
            TranslationSecretRequest::from_json(json).unwrap().to_json()
        }),
        ("translations.client_secrets.response", |json| {
            ClientSecretResponse::from_json(json).unwrap().to_json()
        }),
        ("webhook.live.call.incoming", |json| {
            Webhook::from_json(json).unwrap().to_json()
        }),
        ("webhook.realtime.call.incoming", |json| {
            Webhook::from_json(json).unwrap().to_json()
        }),
    ];
    let present: BTreeSet<String> = std::fs::read_dir(fixtures("http"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    let known: BTreeSet<String> = bodies.iter().map(|(name, _)| format!("{name}.json")).collect();
    assert_eq!(present, known);
    for (name, rewrite) in bodies {
        let text = std::fs::read_to_string(fixtures(&format!("http/{name}.json"))).unwrap();
        let written: Value = serde_json::from_str(&rewrite(&text)).unwrap();
        assert!(
            same(&serde_json::from_str(&text).unwrap(), &written),
            "{name}: {written}"
        );
    }
}

#[test]
fn what_is_missing_null_or_new_is_no_error() {
    for schema in [
        "RealtimeCreateClientSecretRequest",
        "RealtimeTranslationClientSecretCreateRequest",
        "RealtimeCreateClientSecretResponse",
        "RealtimeCallRejectRequest",
        "RealtimeCallReferRequest",
    ] {
        for json in [
            "{}",
            r#"{"new":1,"expires_after":null,"session":null,"value":null,"expires_at":null,"status_code":null,"target_uri":null}"#,
        ] {
            rewritten(schema, json)
                .unwrap()
                .unwrap_or_else(|error| panic!("{schema} {json}: {error}"));
        }
    }
    let webhook = r#"{"id":"evt_1","type":"live.transport.incoming"}"#;
    assert!(matches!(
        Webhook::from_json(webhook).unwrap(),
        Webhook::Unknown(_)
    ));
    assert_eq!(Webhook::from_json(webhook).unwrap().to_json(), webhook);
    for json in [
        r#"{"type":"realtime.call.incoming"}"#,
        r#"{"type":"live.call.incoming","data":null}"#,
    ] {
        assert!(!matches!(Webhook::from_json(json).unwrap(), Webhook::Unknown(_)));
    }
}

#[test]
fn what_cannot_be_read_names_the_body_and_the_place() {
    let error =
        ClientSecretResponse::from_json("{\n\"value\":\"canary\",\"expires_at\":\"canary\"}").unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Body);
    assert_eq!(
        (error.event_type(), error.line()),
        (Some("client_secrets response"), 2)
    );
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert_eq!(
        Webhook::from_json("<html>").unwrap_err().kind(),
        DecodeErrorKind::NotJson
    );
}

#[test]
fn errors_of_strict_and_other_servers() {
    let error = |json: Value| ErrorBody::from_json(&json.to_string()).unwrap().error;
    let usual = error(
        json!({"error": {"message": "No key.", "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}}),
    );
    assert_eq!(usual.to_string(), "No key. (invalid_api_key)");
    assert!(usual.is("invalid_api_key") && usual.is("invalid_request_error") && !usual.is("server_error"));
    assert!(usual.param.is_null());
    let azure = error(
        json!({"error": {"code": "DeploymentNotFound", "message": "No such deployment.", "innererror": {}}}),
    );
    assert!(azure.is("DeploymentNotFound") && azure.kind.is_absent());
    assert_eq!(
        error(json!({"error": {"message": "m", "code": 401}})).to_string(),
        "m (401)"
    );
    assert_eq!(error(json!({"error": "busy"})).to_string(), "busy");
    assert_eq!(error(json!({"detail": "x"})).to_string(), "no message");
    assert_eq!(error(json!({"error": null})).to_string(), "no message");
    assert!(ErrorBody::from_json("<html>Bad Gateway</html>").is_err());
}

#[test]
fn limits() {
    let secret = |seconds| {
        ClientSecretRequest::new(RealtimeSession::new())
            .expires_after(seconds)
            .check()
    };
    let translation = |seconds| {
        TranslationSecretRequest::new(TranslationSession::to("es").model("m"))
            .expires_after(seconds)
            .check()
    };
    for (seconds, valid) in [(9, false), (10, true), (7_200, true), (7_201, false)] {
        assert_eq!(secret(seconds).is_ok(), valid, "{seconds}");
        assert_eq!(translation(seconds).is_ok(), valid, "{seconds}");
    }
    assert_eq!(
        secret(9).unwrap_err().to_string(),
        "expires_after.seconds is 9: allowed is 10 to 7200"
    );
    assert_eq!(ClientSecretRequest::default().check(), Ok(()));
    assert_eq!(
        ClientSecretRequest::new(TranscriptionSession::new("whisper-1")).check(),
        Ok(())
    );
    for (message, result) in [
        (
            "session.model is missing: allowed is the name of a model",
            TranslationSecretRequest::new(TranslationSession::to("es")).check(),
        ),
        (
            "session.type is translation: allowed is realtime or transcription; translations have a path of their own",
            ClientSecretRequest::new(TranslationSession::to("es")).check(),
        ),
        (
            "session.audio.output.speed is 2: allowed is 0.25 to 1.5",
            ClientSecretRequest::new(RealtimeSession::new().speed(2.0)).check(),
        ),
        (
            "session.audio.output.speed is 2: allowed is 0.25 to 1.5",
            CallAccept::from(RealtimeSession::new().speed(2.0)).check(),
        ),
        (
            "session.type is transcription: allowed is realtime",
            CallAccept(TranscriptionSession::new("whisper-1").into()).check(),
        ),
        (
            "session.type is translation: allowed is realtime",
            CallAccept(TranslationSession::to("es").into()).check(),
        ),
        (
            "sdp is empty: allowed is an SDP offer",
            CallCreate::new("", RealtimeSession::new()).check(),
        ),
        (
            "session.max_output_tokens is 0: allowed is 1 to 4096 or inf",
            CallCreate::new("v=0", RealtimeSession::new().max_output_tokens(0)).check(),
        ),
        (
            "target_uri is another address (18 bytes): allowed is tel: and a number, or sip: and an address",
            CallRefer::new("https://canary.com").check(),
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
    for target in ["tel:+14155550123", "sip:a@example.com", "SIPS:a@example.com"] {
        assert_eq!(CallRefer::new(target).check(), Ok(()), "{target}");
    }
    assert_eq!(CallCreate::new("v=0", RealtimeSession::new()).check(), Ok(()));
    assert_eq!(CallAccept::from(RealtimeSession::new()).check(), Ok(()));
}

#[test]
fn calls() {
    let bare = CallCreate {
        sdp: "v=0".into(),
        ..CallCreate::default()
    };
    assert_eq!(bare.parts().len(), 1);
    assert_eq!(CallReject::BUSY.to_json(), r#"{"status_code":486}"#);
    assert_eq!(CallReject::default().to_json(), "{}");
    for (location, id) in [
        ("/v1/realtime/calls/rtc_1", Some("rtc_1")),
        (
            "https://example.com/openai/v1/realtime/calls/rtc_1/?x=/calls/2#y",
            Some("rtc_1"),
        ),
        ("/v1/realtime/calls/", None),
        ("/v1/realtime/calls/rtc_1/accept", None),
        ("/v1/realtime", None),
        ("", None),
    ] {
        assert_eq!(call_id(location), id, "{location}");
    }
}

#[test]
fn debug_shows_neither_keys_nor_callers() {
    let canary = "canary";
    let secret = json!({"value": canary, "session": {"type": "realtime", "instructions": canary}});
    let webhook = json!({"type": "realtime.call.incoming", "data": {"sip_headers": [{"name": "From", "value": canary}]}});
    let live =
        json!({"type": "live.call.incoming", "data": {"sip_headers": [{"name": "From", "value": canary}]}});
    let other = json!({"type": "new", "data": canary});
    let call = CallCreate::new(canary, RealtimeSession::new().instructions(canary));
    for shown in [
        format!(
            "{:?}",
            ClientSecretResponse::from_json(&secret.to_string()).unwrap()
        ),
        format!("{:?}", Webhook::from_json(&webhook.to_string()).unwrap()),
        format!("{:?}", Webhook::from_json(&live.to_string()).unwrap()),
        format!("{:?}", Webhook::from_json(&other.to_string()).unwrap()),
        format!("{:?}", CallRefer::new(canary)),
        format!("{call:?} {:?}", call.parts()),
        format!(
            "{:?}",
            ClientSecretRequest::new(RealtimeSession::new().instructions(canary))
        ),
    ] {
        assert!(!shown.contains(canary), "{shown}");
    }
}
