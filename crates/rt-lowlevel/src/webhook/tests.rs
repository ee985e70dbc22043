//! The signatures were made with another program:
//!
//! ```python
//! import base64, hashlib, hmac
//! key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
//! base64.b64encode(hmac.new(key, b"msg_1.1614265330." + body, hashlib.sha256).digest())
//! ```

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TIMESTAMP: &str = "1614265330";
const BODY: &[u8] = br#"{"id":"evt_1","type":"realtime.call.incoming","data":{"call_id":"rtc_1"}}"#;
const SIGNATURE: &str = "v1,D7Qpdy4TyEziQ4iVOXOypYBDLu/megeH7e1Zto6Rtrk=";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn secret() -> WebhookSecret {
    WebhookSecret::new(SECRET).unwrap()
}

/// With the headers id, timestamp and signature; an empty one is missing.
fn verified(
    secret: &WebhookSecret,
    headers: [&str; 3],
    body: &[u8],
    now: SystemTime,
) -> Result<Webhook, Error> {
    let header = |name: &str| {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let index = names.iter().position(|own| *own == name).unwrap();
        Some(headers[index]).filter(|value| !value.is_empty())
    };
    secret.verify(body, header, now)
}

fn refused(headers: [&str; 3], body: &[u8], now: SystemTime) -> String {
    let error = verified(&secret(), headers, body, now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSignature);
    assert!(!error.is_retryable());
    error.to_string()
}

#[test]
fn what_the_service_signed_is_read() {
    let good = ["msg_1", TIMESTAMP, SIGNATURE];
    let Webhook::RealtimeCallIncoming(call) = verified(&secret(), good, BODY, at(1_614_265_331)).unwrap()
    else {
        panic!()
    };
    assert_eq!(call.data.call_id, "rtc_1");
    assert_eq!(secret().sign("msg_1", 1_614_265_330, BODY), SIGNATURE);

    // The example of the standard itself: genuine, but about something else.
    let body = br#"{"test": 2432232314}"#;
    let headers = [
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        TIMESTAMP,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ];
    assert!(matches!(
        verified(&secret(), headers, body, at(1_614_265_330)),
        Ok(Webhook::Unknown(_))
    ));

    // A secret without the prefix is the key itself.
    let plain = WebhookSecret::new(" plain secret\n").unwrap();
    let headers = [
        "msg_1",
        TIMESTAMP,
        "v1,r0Nw+mGcl+XktpIWukWDMhE7zMCYzNclrkzNp1QM7d4=",
    ];
    verified(&plain, headers, BODY, at(1_614_265_330)).unwrap();
}

#[test]
fn one_good_signature_of_several_is_enough() {
    let other = "v1,r0Nw+mGcl+XktpIWukWDMhE7zMCYzNclrkzNp1QM7d4=";
    for list in [
        format!("{other} {SIGNATURE}"),
        format!("{SIGNATURE} {other}"),
        format!("v1a,abc {SIGNATURE}"),
        format!("v1,not-base64 nonsense  {SIGNATURE}"),
    ] {
        verified(&secret(), ["msg_1", TIMESTAMP, &list], BODY, at(1_614_265_330)).unwrap();
    }
    let asymmetric = SIGNATURE.replace("v1,", "v1a,");
    for list in [other, &asymmetric, "v1,", "v1", &SIGNATURE[3..]] {
        assert!(refused(["msg_1", TIMESTAMP, list], BODY, at(1_614_265_330)).contains("signature"));
    }
}

#[test]
fn strangers_buy_no_more_than_a_handful_of_comparisons() {
    let now = at(1_614_265_330);
    let other = "v1,r0Nw+mGcl+XktpIWukWDMhE7zMCYzNclrkzNp1QM7d4= ";
    // What cannot be a signature is passed over, however much of it there is.
    let list = format!("{}{}{SIGNATURE}", "v1,AAAA ".repeat(10_000), other.repeat(7));
    verified(&secret(), ["msg_1", TIMESTAMP, &list], BODY, now).unwrap();
    let list = format!("{}{SIGNATURE}", other.repeat(8));
    assert!(refused(["msg_1", TIMESTAMP, &list], BODY, now).contains("signature"));
    // The time alone refuses it: no signature is looked at.
    let late = at(1_614_265_330 + 301);
    assert!(refused(["msg_1", TIMESTAMP, other], BODY, late).contains("time"));
}

#[test]
fn what_was_changed_on_the_way_is_refused() {
    let now = at(1_614_265_330);
    let other = WebhookSecret::new("whsec_AAKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let error = verified(&other, ["msg_1", TIMESTAMP, SIGNATURE], BODY, now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSignature);
    for at in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[at] ^= 1;
        refused(["msg_1", TIMESTAMP, SIGNATURE], &body, now);
    }
    refused(["msg_1", TIMESTAMP, SIGNATURE], &BODY[1..], now);
    refused(["msg_2", TIMESTAMP, SIGNATURE], BODY, now);
    refused(["msg_1", "1614265331", SIGNATURE], BODY, now);
    // The parts may not be shifted either.
    refused(["msg_1.1614265330", "", SIGNATURE], BODY, now);
}

#[test]
fn what_was_sent_long_ago_is_refused() {
    let good = ["msg_1", TIMESTAMP, SIGNATURE];
    for seconds in [1_614_265_330 - 300, 1_614_265_330, 1_614_265_330 + 300] {
        verified(&secret(), good, BODY, at(seconds)).unwrap();
    }
    for seconds in [0, 1_614_265_330 - 301, 1_614_265_330 + 301] {
        assert!(refused(good, BODY, at(seconds)).contains("time"));
    }
    let patient = secret().tolerance(Duration::from_secs(400));
    verified(&patient, good, BODY, at(1_614_265_330 + 400)).unwrap();
}

#[test]
fn what_is_missing_is_named() {
    let now = at(1_614_265_330);
    assert!(refused(["", TIMESTAMP, SIGNATURE], BODY, now).contains("webhook-id"));
    assert!(refused(["msg_1", "", SIGNATURE], BODY, now).contains("webhook-timestamp"));
    assert!(refused(["msg_1", TIMESTAMP, ""], BODY, now).contains("webhook-signature"));
    assert!(refused(["msg_1", "soon", SIGNATURE], BODY, now).contains("seconds"));
}

#[test]
fn a_genuine_body_that_cannot_be_read_is_another_error() {
    for body in [&b"\xff"[..], b"[]", b"canary", b""] {
        let signature = secret().sign("m", 1, body);
        let error = verified(&secret(), ["m", "1", &signature], body, at(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBody);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn secrets_are_checked_and_not_shown() {
    for bad in ["", "  ", "whsec_", "whsec_canary!"] {
        let error = WebhookSecret::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(format!("{:?}", secret()), "WebhookSecret(redacted)");
}
