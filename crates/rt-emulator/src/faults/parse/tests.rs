use std::time::Duration;

use crate::fault::{Action, BadFrame, Trigger};
use crate::wire::{Cut, Shape};
use crate::{ErrorKind, Fault, Script};

const FULL: &str = r#"
faults:
  - refuse: true
  - {connection: 2, no_answer: true}
  - {connection: 2, bad_accept: true}
  - {connection: 2, no_session: true}
  - {connection: 2, answer: "SSH-2.0-OpenSSH\r\n"}
  - connection: 3
    http: 429
    headers: {Retry-After: "2"}
    body: slow down
    body_after: 50ms
  - {connection: 4, error: {code: insufficient_quota, close: 4000}}
  - {connection: 5, refuse_item: item_7}
  - {when: {sent: response.output_audio.delta, count: 3}, then: reset}
  - {when: {received: response.create}, then: {close: 1011, reason: oops}}
  - {when: {upgraded: true}, then: {drip: 10, every: 20ms}}
  - {when: {sent_messages: 1}, then: {frame: one_byte_close}}
  - {when: {received_messages: 2}, then: {cut_sending: 7, with: reset}}
  - {when: {after: 2s}, then: {raw: "81 02 7b7D"}}
  - {when: {after: 2s}, then: {delay: 50ms, jitter: 100ms, bandwidth: 64000}}
  - {when: {after: 2s}, then: {fragments: 5, size: 2}}
  - {when: {after: 2s}, then: {stall_reading: 9s}}
"#;

#[test]
fn reads_every_fault() {
    let script = Script::from_yaml(FULL).unwrap();
    let all: Vec<_> = script
        .faults
        .iter()
        .map(|spec| (spec.connection, spec.fault.clone()))
        .collect();
    let after = Trigger::After(Duration::from_secs(2));
    let expected = [
        (None, Fault::Refuse),
        (Some(2), Fault::NoAnswer),
        (Some(2), Fault::BadAccept),
        (Some(2), Fault::no_session()),
        (Some(2), Fault::Answer(b"SSH-2.0-OpenSSH\r\n".to_vec())),
        (
            Some(3),
            Fault::status(429)
                .header("Retry-After", "2")
                .body("slow down")
                .body_after(Duration::from_millis(50)),
        ),
        (
            Some(4),
            Fault::Error {
                error_type: "invalid_request_error".into(),
                code: Some("insufficient_quota".into()),
                message: String::new(),
                close: 4000,
                reason: "invalid_request_error.insufficient_quota".into(),
            },
        ),
        (Some(5), Fault::refuse_item("item_7")),
        (
            None,
            Fault::at(Trigger::sent("response.output_audio.delta", 3), Action::Reset),
        ),
        (
            None,
            Fault::at(
                Trigger::received("response.create", 1),
                Action::close(1011, "oops"),
            ),
        ),
        (
            None,
            Fault::at(
                Trigger::Upgraded,
                Action::Shape(Shape::default().drip(10, Duration::from_millis(20))),
            ),
        ),
        (
            None,
            Fault::at(Trigger::SentMessages(1), Action::Frame(BadFrame::OneByteClose)),
        ),
        (
            None,
            Fault::at(
                Trigger::ReceivedMessages(2),
                Action::CutSending {
                    after: 7,
                    how: Cut::Reset,
                },
            ),
        ),
        (
            None,
            Fault::at(after.clone(), Action::Raw(b"\x81\x02{}".to_vec())),
        ),
        (
            None,
            Fault::at(
                after.clone(),
                Action::Shape(
                    Shape::default()
                        .delay(Duration::from_millis(50))
                        .jitter(Duration::from_millis(100))
                        .bandwidth(64_000),
                ),
            ),
        ),
        (
            None,
            Fault::at(after.clone(), Action::Fragments { count: 5, size: 2 }),
        ),
        (
            None,
            Fault::at(after, Action::StallReading(Duration::from_secs(9))),
        ),
    ];
    assert_eq!(all, expected);
}

#[test]
fn every_word_and_every_frame_is_read() {
    for word in [
        "reset",
        "hang_up",
        "close_without_code",
        "expire",
        "stall",
        "silence",
        "ignore_pings",
        "repeat",
        "swap",
    ] {
        let text = format!("faults:\n  - {{when: {{after: 1s}}, then: {word}}}\n");
        assert_eq!(Script::from_yaml(&text).unwrap().faults.len(), 1, "{word}");
    }
    for frame in [
        "garbage",
        "masked",
        "rsv",
        "reserved_opcode",
        "bad_utf8",
        "continuation",
        "interleaved",
        "fragmented_ping",
        "long_ping",
        "one_byte_close",
        "bad_utf8_close",
        "long_close",
    ] {
        let text = format!("faults:\n  - {{when: {{after: 1s}}, then: {{frame: {frame}}}}}\n");
        assert_eq!(Script::from_yaml(&text).unwrap().faults.len(), 1, "{frame}");
    }
}

#[test]
fn errors_name_line_and_field() {
    for (fault, words) in [
        ("{}", "exactly one of `refuse`"),
        ("{refuse: true, no_answer: true}", "exactly one of `refuse`"),
        ("{refuse: false}", "`refuse` can only be true"),
        ("{connection: 0, refuse: true}", "counts from 1"),
        ("{http: 99}", "99 is no HTTP status"),
        ("{body: x, refuse: true}", "belong to `http`"),
        ("{refuse: true, then: reset}", "`then` belongs to `when`"),
        ("{when: {after: 1s}}", "`when` needs a `then`"),
        ("{when: {}, then: reset}", "exactly one of `upgraded`"),
        ("{when: {after: 1s, count: 2}, then: reset}", "`count` belongs to"),
        ("{when: {after: soon}, then: reset}", "200ms or 1.5s"),
        ("{when: {after: 1s}, then: explode}", "unknown variant `explode`"),
        ("{when: {after: 1s}, then: 7}", "or a mapping"),
        ("{when: {after: 1s}, then: {}}", "exactly one of `close`"),
        (
            "{when: {after: 1s}, then: {close: 1000, text: x}}",
            "exactly one of `close`",
        ),
        ("{when: {after: 1s}, then: {drip: 2}}", "`drip` needs an `every`"),
        ("{when: {after: 1s}, then: {slice: 0}}", "1 at least"),
        ("{when: {after: 1s}, then: {raw: 8g}}", "hexadecimal"),
        (
            "{when: {after: 1s}, then: {frame: round}}",
            "unknown variant `round`",
        ),
        (
            "{when: {after: 1s}, then: {explode: 1}}",
            "unknown field `explode`",
        ),
        ("{error: {code: x}}", "missing field `close`"),
        ("{refuze: true}", "unknown field `refuze`"),
    ] {
        let error = Script::from_yaml(&format!("hear: x\nfaults:\n  - {fault}\n")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Script);
        let message = error.to_string();
        assert!(message.contains(words), "{fault}: {message}");
        assert!(message.contains("line 3"), "{fault}: {message}");
    }
}
