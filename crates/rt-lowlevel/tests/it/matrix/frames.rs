//! Frames of a server that means no good, or has a bad line.

use std::time::Duration;

use rt_lowlevel::{ConnectionEvent, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// A frame of a server. `first` is the first byte: 0x81 is a whole text.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(u8::try_from(short).unwrap()),
        medium @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// A greeting server that hands over the raw stream after it.
async fn raw<F>(script: impl Fn(usize, TcpStream) -> F + Send + Sync + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    Server::sessions(move |number, ws| script(number, ws.0.into_inner())).await
}

async fn read_to_end(mut stream: TcpStream) {
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

#[tokio::test]
async fn f49_a_session_in_slices_of_one_byte_is_the_same_session() {
    let server = raw(|_, mut stream| async move {
        let long = format!(r#"{{"type":"long","x":"{}"}}"#, "\u{e9}\u{1f600}".repeat(100));
        let texts = [NEWS, r#"{"type":"b"}"#, &long];
        let mut bytes: Vec<u8> = texts
            .iter()
            .flat_map(|text| frame(0x81, text.as_bytes()))
            .collect();
        bytes.extend(frame(0x01, br#"{"type":"#));
        bytes.extend(frame(0x89, b"ping"));
        bytes.extend(frame(0x80, br#""parts"}"#));
        bytes.extend(frame(0x88, &[0x0f, 0xa0]));
        for byte in bytes {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        read_to_end(stream).await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let events = all(&mut connection).await;
    assert_eq!(
        names(&events),
        [
            "opened 1",
            "session.created",
            "input_audio_buffer.cleared",
            "b",
            "long",
            "parts",
            "closed"
        ]
    );
    assert_eq!(cause(&events).close_code(), Some(4000));
}

#[tokio::test]
async fn f50_a_frame_that_claims_too_much_is_final() {
    for claim in [1u64 << 62, u64::MAX, (16 << 20) + 1] {
        let server = raw(move |_, mut stream| async move {
            let mut bytes = vec![0x81, 127];
            bytes.extend(claim.to_be_bytes());
            stream.write_all(&bytes).await.unwrap();
            read_to_end(stream).await;
        })
        .await;
        let mut connection = within(server.builder().connect()).await.unwrap();
        let events = all(&mut connection).await;
        assert_eq!(
            (cause(&events).kind(), server.connects()),
            (ErrorKind::MessageTooLarge, 1)
        );
        assert!(cause(&events).to_string().contains("16777216"));
    }
}

#[tokio::test]
async fn f50_a_body_that_never_comes_is_a_dead_peer() {
    let server = raw(|number, mut stream| async move {
        if number == 1 {
            let mut bytes = vec![0x81, 127];
            bytes.extend((16u64 << 20).to_be_bytes());
            stream.write_all(&bytes).await.unwrap();
        }
        read_to_end(stream).await;
    })
    .await;
    let mut config = quick();
    config.liveness.ping_interval = Duration::from_millis(50);
    config.liveness.ping_timeout = Duration::from_millis(100);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    for expected in ["opened 1", "session.created"] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
    let ConnectionEvent::Retrying(retrying) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::PingTimeout);
}

#[tokio::test]
async fn f51_a_message_in_fragments_is_stopped_at_the_limit() {
    let (sender, mut written) = tokio::sync::mpsc::unbounded_channel();
    let server = raw(move |_, mut stream| {
        let sender = sender.clone();
        async move {
            let piece = vec![b'x'; 1 << 20];
            let mut sent = 0;
            for index in 0..64 {
                let first = if index == 0 { 0x01 } else { 0x00 };
                if stream.write_all(&frame(first, &piece)).await.is_err() {
                    break;
                }
                sent += 1;
            }
            let _ = sender.send(sent);
            read_to_end(stream).await;
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let events = all(&mut connection).await;
    assert_eq!(
        (cause(&events).kind(), server.connects()),
        (ErrorKind::MessageTooLarge, 1)
    );
    // Nobody read the rest; the kernel's buffers hold a part of it.
    assert!(within(written.recv()).await.unwrap() <= 64);
}

#[tokio::test]
async fn f51_a_message_of_200_000_fragments_is_a_message() {
    const COUNT: usize = 200_000;
    let server = raw(|_, mut stream| async move {
        let mut bytes = frame(0x01, br#"{"type":"many","x":""#);
        for _ in 0..COUNT {
            bytes.extend(frame(0x00, b"x"));
        }
        bytes.extend(frame(0x80, br#""}"#));
        bytes.extend(frame(0x81, NEWS.as_bytes()));
        stream.write_all(&bytes).await.unwrap();
        read_to_end(stream).await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    for expected in [
        "opened 1",
        "session.created",
        "many",
        "input_audio_buffer.cleared",
    ] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
}

#[tokio::test]
async fn f52_a_flood_of_pings_ends_the_connection() {
    let server = raw(|number, stream| async move {
        let (mut reader, mut writer) = stream.into_split();
        let reading = tokio::spawn(async move {
            let mut seen = Vec::new();
            let _ = reader.read_to_end(&mut seen).await;
        });
        if number == 1 {
            let pings = frame(0x89, &[7; 100]).repeat(1000);
            for _ in 0..100 {
                if writer.write_all(&pings).await.is_err() {
                    break;
                }
            }
        }
        let _ = reading.await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    for expected in ["opened 1", "session.created"] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
    let ConnectionEvent::Retrying(retrying) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::Protocol);
    assert!(retrying.cause.to_string().contains("pings"));
    assert_eq!(name(&next(&mut connection).await), "opened 2");
}
