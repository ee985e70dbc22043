//! Both sides over a pipe, with a server that is tungstenite.

use futures::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::event::Handshake;

type Peer = WebSocketStream<tokio::io::DuplexStream>;

async fn pair() -> (Reader, Writer, Peer) {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let upgraded = Upgraded {
        stream: Box::new(ours),
        leftover: Vec::new(),
        handshake: Handshake::default(),
    };
    let (reader, writer) = open(upgraded, &Meter::new(), &Limits::default());
    (
        reader,
        writer,
        WebSocketStream::from_raw_socket(theirs, Role::Server, None).await,
    )
}

/// The next text, or else what comes.
async fn read(reader: &mut Reader) -> Result<Result<String, Incoming<'static>>, Failure> {
    loop {
        match reader.next()? {
            None => {}
            Some(Incoming::Text(text)) => return Ok(Ok(text.to_owned())),
            Some(Incoming::Binary(bytes)) => return Ok(Err(Incoming::Binary(bytes))),
            Some(Incoming::Ping(payload)) => return Ok(Err(Incoming::Ping(payload))),
            Some(Incoming::Pong(payload)) => return Ok(Err(Incoming::Pong(payload))),
            Some(Incoming::Close(close)) => return Ok(Err(Incoming::Close(close))),
        }
        reader.fill().await?;
    }
}

#[tokio::test]
async fn messages_of_every_size_go_both_ways() {
    let (mut reader, mut writer, mut peer) = pair().await;
    for length in [0, 1, 125, 126, 20_000, 300_000] {
        let text = "x".repeat(length);
        let send = async {
            write_frame(&mut writer, Frame::Text(text.clone().into()))
                .await
                .unwrap();
            flush(&mut writer).await.unwrap();
        };
        let (received, ()) = tokio::join!(peer.next(), send);
        assert_eq!(received.unwrap().unwrap(), Message::text(text.clone()));
        let (sent, received) = tokio::join!(peer.send(Message::text(text.clone())), read(&mut reader));
        sent.unwrap();
        assert!(matches!(received, Ok(Ok(got)) if got == text));
    }
    assert!(writer.buffer.capacity() <= LARGE);
}

#[tokio::test]
async fn a_connection_at_rest_holds_no_buffers() {
    let (mut reader, mut writer, mut peer) = pair().await;
    let polled = |reader: &mut Reader| {
        let waker = std::task::Waker::noop();
        std::pin::pin!(reader.fill()).poll(&mut Context::from_waker(waker))
    };
    // After a burst, the first read finds out that it is over.
    for length in [20, 5000, 300_000] {
        let text = "x".repeat(length);
        let (sent, received) = tokio::join!(peer.send(Message::text(text.clone())), read(&mut reader));
        sent.unwrap();
        assert!(matches!(received, Ok(Ok(got)) if got == text));
        assert!(matches!(reader.next(), Ok(None)));
        assert!(polled(&mut reader).is_pending());
        assert!(!reader.decoder.has_room(), "{length}");
    }
    // What has begun stays where it is.
    let begun = [0x81, 5, b'h', b'e'];
    peer.get_mut().write_all(&begun).await.unwrap();
    assert!(matches!(polled(&mut reader), Poll::Ready(Ok(false))));
    assert!(matches!(reader.next(), Ok(None)));
    assert!(polled(&mut reader).is_pending());
    assert!(reader.decoder.has_room());
    peer.get_mut().write_all(b"llo").await.unwrap();
    assert!(matches!(read(&mut reader).await, Ok(Ok(text)) if text == "hello"));

    let text = Frame::Text("x".repeat(1500).into());
    write_frame(&mut writer, text).await.unwrap();
    flush(&mut writer).await.unwrap();
    assert_eq!(writer.buffer.capacity(), 0);
}

#[tokio::test]
async fn a_ping_is_answered_by_the_next_flush() {
    let (mut reader, mut writer, mut peer) = pair().await;
    peer.send(Message::Ping(vec![1].into())).await.unwrap();
    peer.send(Message::Ping(vec![2].into())).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(read(&mut reader).await, Ok(Err(Incoming::Ping(_)))));
    }
    flush(&mut writer).await.unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong(vec![2].into()));
}

#[tokio::test]
async fn a_close_is_answered_once_and_nothing_follows_it() {
    let (mut reader, mut writer, mut peer) = pair().await;
    peer.close(None).await.unwrap();
    let Ok(Err(Incoming::Close(close))) = read(&mut reader).await else {
        panic!()
    };
    assert_eq!(close.code, CloseCode::NO_STATUS);
    let text = Frame::Text("late".to_owned().into());
    assert!(matches!(
        write_frame(&mut writer, text).await,
        Err(Failure::Ended(_))
    ));
    let ours = Frame::Close(CloseFrame::new(CloseCode::NORMAL, ""));
    write_frame(&mut writer, ours).await.unwrap();
    flush(&mut writer).await.unwrap();
    // Tungstenite ends its stream once it has the answer, and would fail on a second one.
    assert!(matches!(peer.next().await, Some(Ok(Message::Close(None))) | None));
    drop(peer);
    assert!(matches!(read(&mut reader).await, Err(Failure::Ended(_))));
}

#[tokio::test]
async fn our_close_is_the_last_frame() {
    let (mut reader, mut writer, mut peer) = pair().await;
    peer.send(Message::Ping(vec![7].into())).await.unwrap();
    assert!(matches!(read(&mut reader).await, Ok(Err(Incoming::Ping(_)))));
    let ours = Frame::Close(CloseFrame::new(CloseCode::NORMAL, "done"));
    write_frame(&mut writer, ours).await.unwrap();
    flush(&mut writer).await.unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong(vec![7].into()));
    let Some(Ok(Message::Close(Some(close)))) = peer.next().await else {
        panic!()
    };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1000, "done"));
    let _ = peer.next().await;
    assert!(matches!(read(&mut reader).await, Ok(Err(Incoming::Close(_)))));
    drop(peer);
    assert!(matches!(read(&mut reader).await, Err(Failure::Ended(_))));
    let late = Frame::Text("late".to_owned().into());
    assert!(matches!(
        write_frame(&mut writer, late).await,
        Err(Failure::Ended(_))
    ));
}

#[test]
fn the_answer_to_a_code_that_must_not_be_sent_is_protocol_error() {
    for (code, expected) in [
        (1000, 1000),
        (1011, 1011),
        (1014, 1014),
        (4000, 4000),
        (1005, 1005),
        (1006, 1002),
        (1015, 1002),
        (999, 1002),
        (2000, 1002),
        (5000, 1002),
    ] {
        let answered = answer(&CloseFrame::new(CloseCode::new(code), "why"));
        assert_eq!(answered.code.as_u16(), expected, "{code}");
        assert_eq!(answered.reason, "");
    }
}
