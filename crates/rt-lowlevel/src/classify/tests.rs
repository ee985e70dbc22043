use super::*;
use crate::error::ErrorKind;

fn facts(policy: &RetryPolicy) -> Facts<'_> {
    Facts {
        policy,
        can_refresh: false,
        is_first: true,
    }
}

fn class(failure: &Failure) -> Class {
    verdict(failure, facts(&RetryPolicy::default())).class
}

fn api(code: Option<&str>, kind: Option<&str>) -> ApiError {
    ApiError {
        code: code.map(str::to_owned),
        kind: kind.map(str::to_owned),
        message: None,
    }
}

fn refusal(status: u16) -> Refusal {
    Refusal {
        status,
        is_json: true,
        ..Refusal::default()
    }
}

#[test]
fn statuses() {
    use Class::{Fatal, Once, Retry};
    let table: [(&[u16], Class, Option<ErrorKind>); 11] = [
        (
            &[300, 301, 302, 303, 307, 308],
            Fatal,
            Some(ErrorKind::RedirectRefused),
        ),
        (
            &[400, 405, 406, 409, 410, 411, 413, 414, 415, 422, 426, 431],
            Fatal,
            Some(ErrorKind::Rejected),
        ),
        (&[401], Fatal, Some(ErrorKind::Unauthorized)),
        (&[403], Fatal, Some(ErrorKind::Forbidden)),
        (&[404], Fatal, Some(ErrorKind::NotFound)),
        (
            &[408, 425, 500, 502, 503, 504],
            Retry,
            Some(ErrorKind::ServerUnavailable),
        ),
        (
            &[520, 521, 522, 523, 524, 529],
            Retry,
            Some(ErrorKind::ServerUnavailable),
        ),
        (&[421], Once, Some(ErrorKind::ServerUnavailable)),
        (&[429], Retry, Some(ErrorKind::RateLimited)),
        (&[200, 204], Once, Some(ErrorKind::NotWebSocket)),
        (&[501, 505], Fatal, Some(ErrorKind::Rejected)),
    ];
    for (statuses, expected, kind) in table {
        for status in statuses {
            let failure = Failure::Refused(Box::new(refusal(*status)));
            assert_eq!(class(&failure), expected, "{status}");
            let error = failure.to_error();
            assert_eq!(Some(error.kind()), kind, "{status}");
            assert_eq!(error.http_status(), Some(*status));
            assert_eq!(
                error.is_retryable(),
                expected == Retry || *status == 421,
                "{status}"
            );
        }
    }
}

#[test]
fn statuses_that_depend() {
    let policy = RetryPolicy::default();
    let second = Duration::from_secs(1);
    let check = |refusal: Refusal, can_refresh| {
        verdict(
            &Failure::Refused(Box::new(refusal)),
            Facts {
                can_refresh,
                ..facts(&policy)
            },
        )
    };
    let fresh = check(refusal(401), true);
    assert_eq!(
        (fresh.class, fresh.bucket),
        (Class::Once, Some(Bucket::Unauthorized))
    );

    let edge = check(
        Refusal {
            is_json: false,
            ..refusal(403)
        },
        false,
    );
    assert_eq!((edge.class, edge.bucket), (Class::Retry, Some(Bucket::Edge)));
    let told = check(
        Refusal {
            retry_after: Some(second * 5),
            ..refusal(403)
        },
        false,
    );
    assert_eq!((told.class, told.floor), (Class::Retry, second * 5));

    assert_eq!(check(refusal(429), false).floor, second);
    assert_eq!(
        check(
            Refusal {
                retry_after: Some(second * 3),
                ..refusal(429)
            },
            false
        )
        .floor,
        second * 3
    );
    assert_eq!(
        check(
            Refusal {
                retry_after: Some(second / 4),
                ..refusal(429)
            },
            false
        )
        .floor,
        second
    );
    assert_eq!(
        check(
            Refusal {
                retry_after: Some(second * 7),
                ..refusal(503)
            },
            false
        )
        .floor,
        second * 7
    );
    for quota in [
        api(Some("insufficient_quota"), None),
        api(None, Some("insufficient_quota")),
        api(Some("billing_hard_limit_reached"), Some("x")),
        api(None, Some("monthly_quota_exceeded")),
    ] {
        let refusal = Refusal {
            api: quota,
            retry_after: Some(second),
            ..refusal(429)
        };
        let failure = Failure::Refused(Box::new(refusal.clone()));
        assert_eq!(check(refusal, false).class, Class::Fatal);
        assert_eq!(failure.to_error().kind(), ErrorKind::Quota);
    }
}

#[test]
fn f02_a_name_that_does_not_exist_is_tried_again_unless_it_is_to_fail_fast() {
    let error = || Error::new(ErrorKind::Dns, "");
    assert_eq!(
        class(&Failure::Dns {
            not_found: true,
            error: error()
        }),
        Class::Retry
    );
    assert_eq!(
        class(&Failure::Dns {
            not_found: false,
            error: error()
        }),
        Class::Retry
    );
    let strict = RetryPolicy {
        fail_fast: true,
        ..RetryPolicy::default()
    };
    let missing = Failure::Dns {
        not_found: true,
        error: error(),
    };
    assert_eq!(verdict(&missing, facts(&strict)).class, Class::Fatal);
    assert_eq!(
        verdict(
            &missing,
            Facts {
                is_first: false,
                ..facts(&strict)
            }
        )
        .class,
        Class::Retry
    );
}

#[test]
fn f21_a_proxy_that_says_no_is_final_and_one_that_is_down_is_not() {
    let proxy = |refused, retry_after| Failure::Proxy {
        refused,
        error: Error::new(ErrorKind::Proxy, "").with_detail(crate::error::Detail {
            retry_after,
            ..Default::default()
        }),
    };
    let check = |failure| verdict(&failure, facts(&RetryPolicy::default()));
    assert_eq!(check(proxy(true, None)).class, Class::Fatal);
    assert_eq!(check(proxy(false, None)).class, Class::Retry);
    let asked = Duration::from_secs(2);
    assert_eq!(check(proxy(false, Some(asked))).floor, asked);
}

#[test]
fn before_the_upgrade() {
    let error = || Error::new(ErrorKind::Dns, "");
    assert_eq!(class(&Failure::Tcp(error())), Class::Retry);
    assert_eq!(
        class(&Failure::Tls {
            refused: true,
            error: error()
        }),
        Class::Fatal
    );
    assert_eq!(
        class(&Failure::Tls {
            refused: false,
            error: error()
        }),
        Class::Retry
    );
    assert_eq!(class(&Failure::Handshake(error())), Class::Retry);
    assert_eq!(class(&Failure::BadResponse(error())), Class::Fatal);
    assert_eq!(class(&Failure::NotWebSocket(error())), Class::Once);
    assert_eq!(class(&Failure::Insecure(error())), Class::Fatal);
    assert_eq!(class(&Failure::Token(error())), Class::Retry);
    assert_eq!(class(&Failure::NoSession(Duration::ZERO)), Class::Retry);
    assert_eq!(class(&Failure::AttemptTimeout(Duration::ZERO)), Class::Retry);
}

#[test]
fn error_events_match_on_code_or_type() {
    let class = |is_created, code: Option<&str>, kind| event_class(&api(code, kind), is_created);
    for is_created in [false, true] {
        for (names, expected) in [
            (&ACCOUNT_CODES[..], Class::Fatal),
            (
                &SETUP_CODES[..],
                if is_created { Class::Keep } else { Class::Fatal },
            ),
        ] {
            for name in names {
                let kind = Some("invalid_request_error");
                assert_eq!(class(is_created, Some(name), kind), expected, "{name}");
                assert_eq!(class(is_created, None, Some(name)), expected, "{name}");
            }
        }
        let expired = class(is_created, Some("session_expired"), Some("invalid_request_error"));
        assert_eq!(expired, Class::Now);
        for name in [
            "rate_limit_exceeded",
            "inference_rate_limit_exceeded",
            "server_error",
            "conversation_already_has_active_response",
            "response_cancel_not_active",
            "input_audio_buffer_commit_empty",
            "item_create_duplicate_item_id",
            "never_seen_before",
        ] {
            assert_eq!(class(is_created, Some(name), None), Class::Keep, "{name}");
        }
        assert_eq!(class(is_created, None, None), Class::Keep);
    }
}

#[test]
fn close_codes() {
    use Class::{Fatal, Now, Retry};
    let table: [(u16, &str, Class, ErrorKind); 24] = [
        (1000, "", Fatal, ErrorKind::ClosedByServer),
        (
            1001,
            "Your session hit the maximum duration of 60 minutes.",
            Now,
            ErrorKind::SessionExpired,
        ),
        (1001, "", Retry, ErrorKind::ConnectionLost),
        (1001, "going away", Retry, ErrorKind::ConnectionLost),
        (1002, "Protocol violation", Retry, ErrorKind::ClosedByServer),
        (1002, "bad frame", Fatal, ErrorKind::ClosedByServer),
        (1003, "", Fatal, ErrorKind::ClosedByServer),
        (1005, "", Retry, ErrorKind::ConnectionLost),
        (1006, "", Retry, ErrorKind::ConnectionLost),
        (1007, "", Fatal, ErrorKind::ClosedByServer),
        (1008, "", Fatal, ErrorKind::ClosedByServer),
        (1009, "", Fatal, ErrorKind::MessageTooLarge),
        (1010, "", Fatal, ErrorKind::ClosedByServer),
        (1011, "", Retry, ErrorKind::ConnectionLost),
        (1012, "", Retry, ErrorKind::ConnectionLost),
        (1013, "", Retry, ErrorKind::ConnectionLost),
        (1014, "", Retry, ErrorKind::ConnectionLost),
        (
            3000,
            "invalid_request_error.invalid_api_key",
            Fatal,
            ErrorKind::Unauthorized,
        ),
        (3000, "", Fatal, ErrorKind::Unauthorized),
        (3999, "", Fatal, ErrorKind::Rejected),
        (
            4000,
            "invalid_request_error.invalid_model",
            Fatal,
            ErrorKind::NotFound,
        ),
        (
            4000,
            "invalid_request_error.beta_api_shape_disabled",
            Fatal,
            ErrorKind::Rejected,
        ),
        (4999, "", Fatal, ErrorKind::Rejected),
        (5000, "", Retry, ErrorKind::Rejected),
    ];
    for (code, reason, expected, kind) in table {
        let failure = Failure::Close(CloseFrame::new(CloseCode::new(code), reason));
        assert_eq!(class(&failure), expected, "{code} {reason}");
        let error = failure.to_error();
        assert_eq!(error.kind(), kind, "{code} {reason}");
        assert_eq!(error.close_code(), Some(code));
        assert_eq!(error.close_reason(), Some(reason));
    }
}

#[test]
fn close_codes_that_depend() {
    let policy = RetryPolicy {
        reopen_after_normal_close: true,
        retry_close_codes: vec![4008, 1008],
        ..RetryPolicy::default()
    };
    let check = |code| {
        verdict(
            &Failure::Close(CloseFrame::new(CloseCode::new(code), "")),
            facts(&policy),
        )
    };
    assert_eq!(check(1000).class, Class::Retry);
    assert_eq!(check(4008).class, Class::Retry);
    assert_eq!(
        check(1008).class,
        Class::Fatal,
        "only application codes are configurable"
    );
    assert_eq!(check(4009).class, Class::Fatal);
    assert_eq!(check(1013).floor, policy.throttle_floor);
    for code in [999, 1004, 1006, 1014, 1015, 1016, 2999, 5000] {
        assert_eq!(
            (check(code).class, check(code).bucket),
            (Class::Retry, Some(Bucket::Violation)),
            "{code}"
        );
    }
    for code in [1001, 1005, 1011, 1012, 1013] {
        assert_eq!(
            (check(code).class, check(code).bucket),
            (Class::Retry, None),
            "{code}"
        );
    }
    let rewritten = Failure::Close(CloseFrame::new(CloseCode::PROTOCOL, REWRITTEN));
    assert_eq!(
        verdict(&rewritten, facts(&policy)).bucket,
        Some(Bucket::Violation)
    );
}

#[test]
fn while_open() {
    let error = || Error::new(ErrorKind::ConnectionLost, "");
    assert_eq!(class(&Failure::Ended(error())), Class::Retry);
    assert_eq!(class(&Failure::PingTimeout(Duration::ZERO)), Class::Retry);
    assert_eq!(class(&Failure::WriteStall(Duration::ZERO)), Class::Retry);
    assert_eq!(class(&Failure::Expired), Class::Now);
    assert_eq!(class(&Failure::TooLarge { limit: 1 }), Class::Fatal);
    assert_eq!(class(&Failure::Event(api(None, None))), Class::Fatal);
    let violation = verdict(&Failure::Violation(String::new()), facts(&RetryPolicy::default()));
    assert_eq!(
        (violation.class, violation.bucket),
        (Class::Retry, Some(Bucket::Violation))
    );
}

#[test]
fn what_a_server_says_about_a_key_is_not_repeated() {
    let said = ApiError {
        code: Some("invalid_api_key".to_owned()),
        kind: None,
        message: Some("Incorrect API key provided: canary".to_owned()),
    };
    let unauthorized = Refusal {
        api: said.clone(),
        ..refusal(401)
    };
    for failure in [Failure::Event(said), Failure::Refused(Box::new(unauthorized))] {
        let error = failure.to_error();
        assert!(!format!("{error} {error:?}").contains("canary"));
        assert_eq!(error.code(), Some("invalid_api_key"));
    }
    let close = CloseFrame::new(CloseCode::UNAUTHORIZED, "invalid_request_error: key canary");
    let failure = Failure::Close(close);
    let error = failure.to_error();
    assert!(
        !format!("{error} {error:?} {failure:?}").contains("canary"),
        "{error:?}"
    );
    assert!(format!("{error:?}").contains("3000"), "{error:?}");
    assert_eq!(error.close_reason(), Some("invalid_request_error: key canary"));
    let helpful = ApiError {
        message: Some("no such\ndeployment".to_owned()),
        ..api(None, None)
    };
    let error = Failure::Refused(Box::new(Refusal {
        api: helpful,
        ..refusal(404)
    }))
    .to_error();
    assert!(
        error.to_string().contains("(server: no such deployment)"),
        "{error}"
    );
    assert!(error.to_string().contains("5 minutes"), "{error}");
}
