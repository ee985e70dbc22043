use super::*;

const LIMIT: usize = 1000;

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(u8::try_from(short).unwrap()),
        long => {
            bytes.push(126);
            bytes.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

fn shown(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Text(text) => format!("text {}", text.as_str()),
        Incoming::Binary(bytes) => format!("binary {bytes}"),
        Incoming::Ping(payload) => format!("ping {payload:?}"),
        Incoming::Pong(payload) => format!("pong {payload:?}"),
        Incoming::Close(close) => close.to_string(),
    }
}

/// All messages, when the bytes come in pieces of `step`; the failure last, if there is one.
fn decoded(bytes: &[u8], step: usize) -> Vec<String> {
    let mut decoder = Decoder::new(&[], 1024, LIMIT);
    let mut all = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.room().extend_from_slice(piece);
        loop {
            match decoder.decode() {
                Ok(Some(incoming)) => all.push(shown(&incoming)),
                Ok(None) => break,
                Err(failure) => {
                    all.push(format!("{failure:?}"));
                    return all;
                }
            }
        }
    }
    all
}

#[test]
fn f49_however_it_is_cut_it_is_the_same() {
    let long = "x".repeat(300);
    let bytes: Vec<u8> = [
        frame(0x81, b"one"),
        frame(0x01, "tw\u{f6}".as_bytes().split_at(3).0),
        frame(0x89, &[1]),
        frame(0x80, "tw\u{f6}".as_bytes().split_at(3).1),
        frame(0x82, &[0xff]),
        frame(0x8a, &[2]),
        frame(0x81, long.as_bytes()),
        frame(0x81, b""),
        frame(0x88, &[3, 233, b'b']),
        frame(0x81, b"after the end"),
    ]
    .concat();
    let expected = [
        "text one".to_owned(),
        "ping [1]".to_owned(),
        "text tw\u{f6}".to_owned(),
        "binary 1".to_owned(),
        "pong [2]".to_owned(),
        format!("text {long}"),
        "text ".to_owned(),
        "close code 1001 (b)".to_owned(),
    ];
    for step in [1, 2, 3, 7, 64, bytes.len()] {
        assert_eq!(decoded(&bytes, step), expected, "in pieces of {step}");
    }
}

#[test]
fn f53_what_breaks_the_protocol_is_a_violation() {
    let table: [(&str, Vec<u8>); 11] = [
        ("masked", vec![0x81, 0x81, 1, 2, 3, 4, b'x']),
        ("first reserved bit", frame(0xc1, b"x")),
        ("second reserved bit", frame(0xa1, b"x")),
        ("third reserved bit", frame(0x91, b"x")),
        ("reserved data opcode", frame(0x83, b"")),
        ("reserved control opcode", frame(0x8b, b"")),
        ("continuation of nothing", frame(0x80, b"x")),
        (
            "text within binary",
            [frame(0x02, b"x"), frame(0x81, b"y")].concat(),
        ),
        ("fragmented ping", frame(0x09, b"x")),
        ("long ping", frame(0x89, &[0; 126])),
        ("close of one byte", frame(0x88, &[3])),
    ];
    for (name, bytes) in table {
        for step in [1, bytes.len()] {
            let all = decoded(&bytes, step);
            assert_eq!(all.len(), 1, "{name}: {all:?}");
            assert!(all[0].starts_with("Violation"), "{name}: {all:?}");
        }
    }
}

#[test]
fn f53_text_that_is_not_utf8_is_told_apart() {
    for bytes in [
        frame(0x81, &[0xff]),
        // Half a letter.
        frame(0x81, &[0xc3]),
        // The reason of a close.
        frame(0x88, &[3, 232, 0xff]),
    ] {
        for step in [1, bytes.len()] {
            let all = decoded(&bytes, step);
            assert_eq!(all.len(), 1, "{all:?}");
            assert!(all[0].starts_with("NotUtf8"), "{all:?}");
        }
    }
}

#[test]
fn f33_a_reason_longer_than_a_control_frame_is_a_violation() {
    let mut payload = vec![3, 232];
    payload.extend([b'x'; 200]);
    assert!(decoded(&frame(0x88, &payload), 9)[0].starts_with("Violation"));
}

#[test]
fn f50_a_claim_beyond_the_limit_is_refused_before_anything_is_held() {
    let mut huge = vec![0x81, 127];
    huge.extend((1u64 << 62).to_be_bytes());
    let just_over = frame(0x81, &[b'x'; LIMIT + 1]);
    for bytes in [&huge[..], &just_over[..4]] {
        let mut decoder = Decoder::new(&[], 1024, LIMIT);
        decoder.room().extend_from_slice(bytes);
        assert!(matches!(
            decoder.decode(),
            Err(Failure::TooLarge { limit: LIMIT })
        ));
        assert!(decoder.buffer.capacity() < 64 << 10);
    }
    assert_eq!(decoded(&frame(0x81, &[b'x'; LIMIT]), 99).len(), 1);
}

#[test]
fn f50_a_claim_within_the_limit_reserves_no_more_than_comes() {
    let mut decoder = Decoder::new(&[], 1024, 16 << 20);
    let mut bytes = vec![0x81, 127];
    bytes.extend((16u64 << 20).to_be_bytes());
    decoder.room().extend_from_slice(&bytes);
    assert!(decoder.decode().unwrap().is_none());
    decoder.room();
    assert!(
        decoder.buffer.capacity() < 256 << 10,
        "{}",
        decoder.buffer.capacity()
    );
}

#[test]
fn f51_fragments_add_up_to_the_limit_and_no_further() {
    let mut bytes = frame(0x01, b"x");
    for _ in 0..LIMIT - 2 {
        bytes.extend(frame(0x00, b"x"));
    }
    let mut good = bytes.clone();
    good.extend(frame(0x80, b"x"));
    assert_eq!(decoded(&good, 777), [format!("text {}", "x".repeat(LIMIT))]);
    bytes.extend(frame(0x00, b"xx"));
    assert_eq!(decoded(&bytes, 777), ["TooLarge { limit: 1000 }"]);
}

#[test]
fn a_long_message_leaves_no_long_buffer_behind() {
    let mut decoder = Decoder::new(&[], 1024, 16 << 20);
    let mut bytes = vec![0x81, 127];
    bytes.extend((4u64 << 20).to_be_bytes());
    bytes.resize(bytes.len() + (4 << 20), b'x');
    bytes.extend([0x81, 5, b'n']);
    decoder.room().extend_from_slice(&bytes);
    let Some(Incoming::Text(text)) = decoder.decode().unwrap() else {
        panic!()
    };
    assert_eq!(text.len(), 4 << 20);
    drop(text);
    assert!(decoder.decode().unwrap().is_none());
    decoder.room();
    assert!(decoder.buffer.capacity() < KEPT, "{}", decoder.buffer.capacity());
    decoder.buffer.extend_from_slice(b"ext!");
    assert_eq!(shown(&decoder.decode().unwrap().unwrap()), "text next!");
}
