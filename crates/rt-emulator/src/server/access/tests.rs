//! Who is admitted where, and who is not.

use super::super::request::tests::request;
use super::*;

fn check(access: &Access, target: &str, headers: &str) -> Result<String, (u16, String)> {
    match judge(access, target, headers) {
        Verdict::Open(opening) => Ok(opening.model),
        Verdict::Refuse(refusal) => Err((refusal.close, refusal.reason)),
        Verdict::Deny(denial) => Err((denial.status, denial.body)),
    }
}

fn judge(access: &Access, target: &str, headers: &str) -> Verdict {
    let request = request(&format!("GET {target} HTTP/1.1\nHost: h\n{headers}"));
    let books = Books {
        secrets: &Secrets::default(),
        calls: &Calls::default(),
        now: 0,
    };
    access.check(&request, &Route::of(&request.path).unwrap(), books)
}

#[test]
fn refuses_as_the_real_server_does() {
    let key = "Authorization: Bearer sk-test";
    let url = "/v1/realtime?model=gpt-realtime";
    for (target, headers, close, reason) in [
        (url, "X: y", 3000, "invalid_request_error"),
        (url, "Authorization: Bearer ", 3000, "invalid_request_error"),
        (url, "Authorization: Basic abc", 3000, "invalid_request_error"),
        (
            url,
            "Authorization: Bearer bad",
            3000,
            "invalid_request_error.invalid_api_key",
        ),
        (
            url,
            "Authorization: Bearer sk-invalid-1",
            3000,
            "invalid_request_error.invalid_api_key",
        ),
        ("/v1/realtime", key, 4000, "invalid_request_error.missing_model"),
        (
            "/v1/realtime?model=gpt-5",
            key,
            4000,
            "invalid_request_error.invalid_model",
        ),
        (
            "/v1/realtime?model=gpt-realtime-whisper",
            key,
            4000,
            "invalid_request_error.invalid_model",
        ),
        (
            "/v1/realtime?intent=chat",
            key,
            4000,
            "invalid_request_error.invalid_intent",
        ),
        (
            url,
            "Authorization: Bearer x\nOpenAI-Beta: realtime=v1",
            4000,
            "invalid_request_error.beta_api_shape_disabled",
        ),
    ] {
        let refused = check(&Access::default(), target, headers).unwrap_err();
        assert_eq!(refused, (close, reason.to_owned()), "{target} {headers}");
    }
}

#[test]
fn admits_the_good() {
    let access = Access::default();
    let url = "/v1/realtime?model=gpt-realtime-2.1-mini";
    assert_eq!(
        check(&access, url, "Authorization: bearer x").unwrap(),
        "gpt-realtime-2.1-mini"
    );
    let browser = "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.ek_1";
    assert!(check(&access, url, browser).is_ok());
    let strict = Access {
        keys: vec!["sk-1".into()],
        models: vec!["mine".into()],
    };
    assert!(check(&strict, "/v1/realtime?model=mine", "Authorization: Bearer sk-1").is_ok());
    assert_eq!(check(&strict, url, browser).unwrap_err().0, 3000);
}

#[test]
fn tells_the_kinds_of_session_apart() {
    let access = Access::default();
    let key = "Authorization: Bearer x";
    let kind = |target: &str| match judge(&access, target, key) {
        Verdict::Open(opening) => Ok(opening.kind),
        Verdict::Refuse(refusal) => Err(refusal.code.unwrap()),
        Verdict::Deny(denial) => panic!("{denial:?}"),
    };
    let invalid = Err("invalid_model".to_owned());
    for (target, wanted) in [
        (
            "/v1/realtime?intent=transcription",
            Ok(SessionKind::Transcription),
        ),
        (
            "/v1/realtime?intent=transcription&model=gpt-realtime",
            invalid.clone(),
        ),
        (
            "/v1/realtime/translations?model=gpt-realtime-translate",
            Ok(SessionKind::Translation),
        ),
        ("/v1/realtime/translations?model=gpt-realtime", invalid.clone()),
        ("/v1/realtime/translations", Err("missing_model".to_owned())),
        ("/v1/realtime?model=gpt-realtime-translate", invalid),
    ] {
        assert_eq!(kind(target), wanted, "{target}");
    }
}

#[test]
fn azure_denies_the_handshake() {
    let access = Access::default();
    let (key, bearer) = ("api-key: x", "Authorization: Bearer x");
    let ga = "/openai/v1/realtime?model=gpt-realtime";
    let preview = "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-realtime";
    for (target, headers, status) in [
        (ga, key, 101),
        (ga, bearer, 101),
        (preview, key, 101),
        ("/openai/v1/realtime?model=gpt-realtime&api-key=x", "X: y", 101),
        ("/openai/v1/realtime?intent=transcription", key, 101),
        (ga, "X: y", 401),
        (ga, "api-key: bad", 401),
        (ga, "api-key: x\nAuthorization: Bearer bad", 101),
        (ga, "Authorization: Bearer invalid", 401),
        (
            "/openai/v1/realtime?model=gpt-realtime&api-version=2025-04-01-preview",
            key,
            401,
        ),
        ("/openai/v1/realtime?model=mine", key, 404),
        ("/openai/v1/realtime", key, 400),
        ("/openai/v1/realtime?intent=x", key, 400),
        ("/openai/v1/realtime?call_id=rtc_1", key, 404),
        ("/openai/realtime?deployment=gpt-realtime", key, 404),
        (
            "/openai/realtime?api-version=2025-04-01-preview&deployment=mine",
            key,
            404,
        ),
        (preview, "api-key: bad", 401),
    ] {
        let given = match judge(&access, target, headers) {
            Verdict::Open(_) => 101,
            Verdict::Deny(denial) => {
                let body: serde_json::Value = serde_json::from_str(&denial.body).unwrap();
                assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string());
                denial.status
            }
            Verdict::Refuse(refusal) => panic!("{refusal:?}"),
        };
        assert_eq!(given, status, "{target} {headers}");
    }
}
