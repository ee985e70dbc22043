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

fn shown(incoming: &Incoming<'_>) -> String {
    match incoming {
        Incoming::Text(text) => format!("text {text}"),
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
    assert!(decoder.decode().unwrap().is_none());
    decoder.room();
    assert!(decoder.buffer.capacity() < KEPT, "{}", decoder.buffer.capacity());
    decoder.buffer.extend_from_slice(b"ext!");
    assert_eq!(shown(&decoder.decode().unwrap().unwrap()), "text next!");
}

/// A table of cases in the groups of the Autobahn test suite: bytes, and what is made of them. `!` stands for a violation,
/// `?` for text that is not UTF-8.
fn check(cases: &[(&str, Vec<u8>, &[&str])]) {
    for (name, bytes, expected) in cases {
        for step in [1, 2, 3, bytes.len().max(1)] {
            let all = decoded(bytes, step);
            let short: Vec<&str> = all
                .iter()
                .map(|line| match line.as_str() {
                    line if line.starts_with("Violation") => "!",
                    line if line.starts_with("NotUtf8") => "?",
                    line => line,
                })
                .collect();
            assert_eq!(short, *expected, "{name}, in pieces of {step}");
        }
    }
}

fn frames(frames: &[(u8, &[u8])]) -> Vec<u8> {
    frames
        .iter()
        .flat_map(|(first, payload)| frame(*first, payload))
        .collect()
}

#[test]
fn group_1_messages_of_every_length() {
    for length in [0, 1, 125, 126, 127, 128, 999, 1000] {
        let text = "x".repeat(length);
        check(&[
            ("text", frame(0x81, text.as_bytes()), &[&format!("text {text}")]),
            (
                "binary",
                frame(0x82, text.as_bytes()),
                &[&format!("binary {length}")],
            ),
        ]);
    }
    // A length may be written longer than it needs to be.
    check(&[
        ("16 bits", vec![0x81, 126, 0, 1, b'x'], &["text x"]),
        (
            "64 bits",
            vec![0x81, 127, 0, 0, 0, 0, 0, 0, 0, 1, b'x'],
            &["text x"],
        ),
    ]);
}

#[test]
fn group_2_pings_and_pongs() {
    let full = [0xfe; 125];
    let shown = format!("{full:?}");
    check(&[
        ("2.1", frame(0x89, b""), &["ping []"]),
        ("2.3", frame(0x89, &[0, 0xff, 0xfe]), &["ping [0, 255, 254]"]),
        ("2.4", frame(0x89, &full), &[&format!("ping {shown}")]),
        ("2.5", frame(0x89, &[0; 126]), &["!"]),
        ("2.7", frame(0x8a, b""), &["pong []"]),
        (
            "2.9",
            frames(&[(0x8a, &[1]), (0x89, &[2])]),
            &["pong [1]", "ping [2]"],
        ),
        (
            "2.10",
            frames(&[(0x89, &[1]), (0x89, &[2]), (0x89, &[3])]),
            &["ping [1]", "ping [2]", "ping [3]"],
        ),
    ]);
}

#[test]
fn group_3_and_4_reserved_bits_and_opcodes() {
    for first in [0xc1, 0xa1, 0x91, 0xb1, 0xd1, 0xe1, 0xf1, 0xc9, 0xa2, 0x98] {
        let bytes = frames(&[(0x81, b"before"), (first, b"x"), (0x89, b"")]);
        check(&[("3", bytes, &["text before", "!"])]);
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        let bytes = frames(&[(0x81, b"before"), (0x80 | opcode, b"x"), (0x89, b"")]);
        check(&[("4", bytes, &["text before", "!"])]);
    }
}

#[test]
fn group_5_fragments() {
    check(&[
        ("5.1", frames(&[(0x09, b"a"), (0x80, b"b")]), &["!"]),
        ("5.2", frames(&[(0x0a, b"a"), (0x80, b"b")]), &["!"]),
        ("5.3", frames(&[(0x01, b"a"), (0x80, b"b")]), &["text ab"]),
        (
            "5.6",
            frames(&[(0x01, b"a"), (0x89, &[7]), (0x80, b"b")]),
            &["ping [7]", "text ab"],
        ),
        ("5.9", frames(&[(0x80, b"a"), (0x81, b"b")]), &["!"]),
        ("5.10", frames(&[(0x00, b"a"), (0x81, b"b")]), &["!"]),
        (
            "5.15",
            frames(&[(0x01, b"a"), (0x80, b"b"), (0x00, b"c")]),
            &["text ab", "!"],
        ),
        ("5.18", frames(&[(0x01, b"a"), (0x01, b"b")]), &["!"]),
        (
            "5.19",
            frames(&[
                (0x01, b"a"),
                (0x00, b"b"),
                (0x89, &[1]),
                (0x00, b"c"),
                (0x00, b"d"),
                (0x89, &[2]),
                (0x80, b"e"),
            ]),
            &["ping [1]", "ping [2]", "text abcde"],
        ),
        (
            "empty ones",
            frames(&[(0x01, b""), (0x00, b""), (0x80, b"")]),
            &["text "],
        ),
    ]);
}

#[test]
fn group_6_utf8() {
    let word = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}";
    let bytes = word.as_bytes();
    let (whole, broken): (String, &[u8]) = (format!("text {word}"), &[0xed, 0xa0, 0x80]);
    // At every byte, and byte by byte.
    for at in 0..=bytes.len() {
        check(&[(
            "6.2",
            frames(&[(0x01, &bytes[..at]), (0x80, &bytes[at..])]),
            &[&whole],
        )]);
    }
    let mut single = frame(0x01, b"");
    single.extend(bytes.iter().flat_map(|byte| frame(0x00, &[*byte])));
    check(&[("6.2.4", [single, frame(0x80, b"")].concat(), &[&whole])]);
    check(&[
        ("6.3.1", frame(0x81, &[bytes, broken, b"edited"].concat()), &["?"]),
        // What cannot become UTF-8 any more is not waited for: the ping behind it is never seen.
        (
            "6.4.1",
            frames(&[(0x01, bytes), (0x00, broken), (0x89, b""), (0x80, b"edited")]),
            &["?"],
        ),
        (
            "6.4.2",
            frames(&[(0x01, &[0xf4]), (0x00, &[0x90]), (0x89, b"")]),
            &["?"],
        ),
        ("half a letter", frames(&[(0x01, b"a"), (0x80, &[0xce])]), &["?"]),
        (
            "6.6",
            frame(0x81, &[0xf4, 0x8f, 0xbf, 0xbf]),
            &["text \u{10ffff}"],
        ),
        ("6.12 too long a form", frame(0x81, &[0xc0, 0xaf]), &["?"]),
        ("6.16 a surrogate", frame(0x81, &[0xed, 0xbf, 0xbf]), &["?"]),
        ("beyond Unicode", frame(0x81, &[0xf4, 0x90, 0x80, 0x80]), &["?"]),
        (
            "in binary anything goes",
            frames(&[(0x02, &[0xff]), (0x80, &[0xfe])]),
            &["binary 2"],
        ),
    ]);
}

#[test]
fn group_7_closes() {
    let close = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
    let after = |mut bytes: Vec<u8>| {
        bytes.extend(frames(&[(0x89, b""), (0x81, b"late")]));
        bytes
    };
    let longest = "x".repeat(123);
    check(&[
        ("7.1.2", after(frame(0x88, b"")), &["close frame without a code"]),
        (
            "7.1.5 within a message",
            after(frames(&[(0x01, b"a"), (0x88, &[3, 232])])),
            &["close code 1000"],
        ),
        ("7.3.2", frame(0x88, &[3]), &["!"]),
        ("7.3.4", close(1000, b"Hello"), &["close code 1000 (Hello)"]),
        (
            "7.3.5",
            close(1000, longest.as_bytes()),
            &[&format!("close code 1000 ({longest})")],
        ),
        ("7.3.6", close(1000, &[b'x'; 124]), &["!"]),
        ("7.5.1", close(1000, &[0xce, 0xba, 0xed, 0xa0, 0x80]), &["?"]),
    ]);
    // Whatever the code, it is handed on as it came; what follows from it is decided elsewhere.
    for code in [
        0, 999, 1000, 1001, 1004, 1006, 1011, 1014, 1016, 2999, 3000, 4999, 5000, 65_535,
    ] {
        assert_eq!(decoded(&close(code, b""), 99), [format!("close code {code}")]);
    }
}

#[test]
fn random_frames_are_what_tungstenite_makes_of_them() {
    let mut dice = fastrand::Rng::with_seed(7);
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..dice.usize(1..8) {
            // Mostly frames that may be; now and then any at all.
            let first = match dice.u8(..12) {
                0 => dice.u8(..),
                1 => 0x88,
                2 | 3 => 0x89,
                4 => 0x01,
                5 => 0x02,
                6 | 7 => 0x00,
                8 => 0x80,
                9 => 0x82,
                _ => 0x81,
            };
            let letters: String = (0..dice.usize(..40)).map(|_| dice.char(..)).collect();
            let from = dice.usize(..=letters.len().min(2));
            let payload = match first {
                0x88 => [&dice.u16(990..1020).to_be_bytes()[..], b"why"].concat(),
                _ if dice.u8(..6) == 0 => letters.as_bytes()[from..].to_vec(),
                _ => letters.into_bytes(),
            };
            bytes.extend(frame(first, &payload));
        }
        if dice.u8(..10) == 0 {
            bytes.truncate(dice.usize(..bytes.len()));
        }
        compare::compare(&bytes, dice.usize(1..64));
    }
}

#[test]
fn a_close_that_says_the_code_for_none_is_told_from_one_without() {
    for payload in [
        &[][..],
        &[0x03, 0xed],
        &[0x03, 0xed, b'x'],
        &[0x03, 0xe8],
        &[0x03, 0xee],
    ] {
        compare::compare(&frame(0x88, payload), 3);
    }
}

#[test]
fn f51_a_message_of_many_fragments_is_moved_a_few_times_only() {
    const COUNT: usize = 200_000;
    let mut decoder = Decoder::new(&[], 8192, 16 << 20);
    let mut bytes = frame(0x01, b"\"");
    bytes.extend(frame(0x00, b"x").repeat(COUNT));
    let (mut moves, mut held, mut checked) = (0, 0, 0);
    for block in bytes.chunks(8192) {
        decoder.room().extend_from_slice(block);
        assert!(decoder.decode().unwrap().is_none());
        let fragments = decoder.fragments.as_ref().unwrap();
        moves += usize::from(fragments.bytes.capacity() != held);
        held = fragments.bytes.capacity();
        // No byte is looked at again when the next one comes.
        assert_eq!(fragments.checked, fragments.bytes.len());
        assert!(fragments.checked > checked);
        checked = fragments.checked;
    }
    assert_eq!(checked, COUNT + 1);
    assert!(moves <= 20, "moved {moves} times");
    assert!(held <= 4 * COUNT, "{held} bytes are held");
    assert!(decoder.buffer.capacity() <= 64 << 10);
}
