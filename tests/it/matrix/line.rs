//! F36 to F44, F48: what a bad line does to a session.

use std::time::{Duration, Instant};

use rt_emulator::fault::Action;
use rt_emulator::proxy::Direction;
use rt_emulator::wire::{Cut, Shape};
use rt_emulator::{Emulator, Pacing};
use rt_lowlevel::fate::Fate;
use rt_lowlevel::{Connection, ConnectionEvent, Endpoint, ErrorKind};
use rt_protocol::Pcm16;
use rt_protocol::client_event::{InputAudioBufferCommit, ResponseCreate};

use super::bench::{Bench, Client, MS, brisk, patient, ramp, text_item};
use crate::support::key;

fn quick() -> rt_emulator::Builder {
    Emulator::builder().pacing(Pacing::instant())
}

/// Sends an item and a piece of audio each 20 ms, lets `fault` happen in the middle, and checks that all of it arrived
/// in the end: once, in order, and as the client claims.
async fn send_through(bench: &Bench, client: &Client, fault: impl AsyncFnOnce()) {
    const ITEMS: usize = 40;
    const PIECE: usize = 480;
    client.manual_turns().await;
    let mut receipts = Vec::new();
    let mut fault = Some(fault);
    for n in 0..ITEMS {
        let id = format!("note_{n}");
        receipts.push((
            id.clone(),
            client.handle.send_tracked(text_item(&id)).await.unwrap(),
        ));
        client.append(ramp(n * PIECE, PIECE)).await;
        if n == ITEMS / 2 {
            fault.take().unwrap()().await;
        }
        tokio::time::sleep(20 * MS).await;
    }
    let commit = client
        .handle
        .send_tracked(InputAudioBufferCommit::default())
        .await
        .unwrap();
    assert_eq!(commit.await, Fate::Acknowledged);
    let mut acknowledged = Vec::new();
    for (id, receipt) in receipts {
        if receipt.await.is_acknowledged() {
            acknowledged.push(id);
        }
    }
    let stats = client.settled().await;
    assert_eq!(
        stats.accepted,
        stats.acknowledged + stats.rejected + stats.superseded + stats.discarded
    );
    // Nothing of this is lost with one connection: the items are told to the new session, the audio is sent again.
    assert_eq!(acknowledged.len(), ITEMS, "{stats:?}");
    let last = bench.last_session();
    let ids: Vec<String> = last
        .item_ids()
        .into_iter()
        .filter(|id| id.starts_with("note_"))
        .collect();
    assert_eq!(ids, acknowledged);
    let spoken = last.speech();
    assert!(
        spoken == ramp(0, ITEMS * PIECE).as_bytes(),
        "{} bytes",
        spoken.len()
    );
    let reported: u64 = client.look(|events| {
        let settled = events.iter().filter_map(|event| match event {
            ConnectionEvent::Settled(settled) => Some(settled.count),
            _ => None,
        });
        settled.sum()
    });
    assert_eq!(reported, stats.rejected + stats.superseded + stats.discarded);
}

#[tokio::test]
async fn f36_reset_while_sending() {
    let bench = Bench::start(quick()).await;
    let client = bench.client(patient()).await;
    send_through(&bench, &client, async || {
        assert_eq!(bench.line.cut(Cut::Reset), 1);
    })
    .await;
    assert_eq!(client.retrying(1).await, ErrorKind::ConnectionLost);
    assert!(client.retries() >= 1);
    client.close().await;
}

#[tokio::test]
async fn f37_the_end_of_tls_without_close_notify() {
    let bench = Bench::start(quick().tls()).await;
    let url = format!("{}?model=gpt-realtime", bench.emulator.url());
    let connection = Connection::builder(Endpoint::from_url(&bench.line.url(&url)).unwrap(), key())
        .config(patient())
        .root_certificates(bench.emulator.certificate_pem().unwrap().as_bytes())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let client = Client::of(connection);
    bench.line.cut(Cut::Fin);
    assert_eq!(client.retrying(1).await, ErrorKind::ConnectionLost);
    client.restored(2).await;
    client.close().await;
}

/// A hole opens; it closes when the client has noticed.
async fn falls_into_a_hole(bench: &Bench, client: &Client, directions: &[Direction]) {
    let before = client.retries();
    let start = Instant::now();
    for direction in directions {
        bench.line.shape(*direction, Shape::default().hole());
    }
    assert_eq!(client.retrying(before + 1).await, ErrorKind::PingTimeout);
    // The ping interval and the timeout are 0.6 s together; the rest is for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    bench.line.heal();
}

#[tokio::test]
async fn f38_half_open_and_idle() {
    let bench = Bench::start(quick()).await;
    let client = bench.client(brisk()).await;
    falls_into_a_hole(&bench, &client, &[Direction::Up, Direction::Down]).await;
    client.restored(2).await;
    client.close().await;
}

#[tokio::test]
async fn f39_half_open_while_sending() {
    let bench = Bench::start(quick()).await;
    let client = bench.client(brisk()).await;
    send_through(&bench, &client, async || {
        falls_into_a_hole(&bench, &client, &[Direction::Up, Direction::Down]).await;
    })
    .await;
    client.close().await;
}

#[tokio::test]
async fn f40_only_one_way_is_dead() {
    let bench = Bench::start(quick()).await;
    let client = bench.client(brisk()).await;
    // The server hears everything, and its answers are lost.
    send_through(&bench, &client, async || {
        falls_into_a_hole(&bench, &client, &[Direction::Down]).await;
    })
    .await;
    client.close().await;
}

#[tokio::test]
async fn f41_no_pongs_but_data() {
    let bench = Bench::start(quick()).await;
    let mut config = brisk();
    config.liveness.ping_timeout = 1500 * MS;
    let client = bench.client(config).await;
    bench.emulator.act(1, Action::IgnorePings);
    let event = r#"{"type":"input_audio_buffer.cleared","event_id":"e"}"#;
    // Four times as long as it takes to give up on somebody who says nothing.
    for _ in 0..160 {
        bench.emulator.act(1, Action::Text(event.to_owned()));
        tokio::time::sleep(40 * MS).await;
    }
    assert_eq!(client.retries(), 0);
    assert_eq!(client.retrying(1).await, ErrorKind::PingTimeout);
    client.close().await;
}

/// Sends so much audio that it fills every buffer on the way.
fn plenty() -> Vec<Pcm16> {
    (0..240).map(|n| ramp(n * 24_000, 24_000)).collect()
}

#[tokio::test]
async fn f43_a_peer_that_stops_reading_for_a_while() {
    let bench = Bench::start(quick()).await;
    let mut config = patient();
    config.liveness.write_stall = 8000 * MS;
    let client = bench.client(config).await;
    client.manual_turns().await;
    bench.emulator.act(1, Action::StallReading(700 * MS));
    for piece in plenty() {
        client.append(piece).await;
    }
    let stats = client.settled().await;
    assert_eq!((stats.discarded, stats.rejected, client.retries()), (0, 0, 0));
    let arrived = bench.journal().input_audio(1);
    assert!(
        arrived == Pcm16::concat(&plenty()).as_bytes(),
        "{} bytes",
        arrived.len()
    );
    client.close().await;
}

#[tokio::test]
async fn f43_a_peer_that_stops_reading_for_good() {
    let bench = Bench::start(quick()).await;
    let mut config = patient();
    config.liveness.write_stall = 400 * MS;
    let client = bench.client(config).await;
    client.manual_turns().await;
    bench.emulator.act(1, Action::StallReading(Duration::MAX));
    let handle = client.handle.clone();
    let sending = tokio::spawn(async move {
        // More than the buffers of two kernels' sockets grow to.
        for piece in [plenty(), plenty(), plenty()].concat() {
            if handle
                .send(rt_protocol::client_event::InputAudioBufferAppend::new(piece))
                .await
                .is_err()
            {
                return;
            }
        }
    });
    assert_eq!(client.retrying(1).await, ErrorKind::WriteStall);
    client.restored(2).await;
    sending.await.unwrap();
    let stats = client.settled().await;
    // What the ring could not hold is told, to the millisecond or more; nothing vanishes.
    let arrived = u64::try_from(bench.journal().input_audio(2).len()).unwrap();
    let reported = u64::try_from(stats.discarded_audio.as_millis()).unwrap() * 48;
    let sent: u64 = 3 * 240 * 48_000;
    assert!(
        arrived + reported + 3 * 48 * 240 >= sent,
        "{arrived} + {reported} of {sent}"
    );
    client.close().await;
}

#[tokio::test]
async fn f44_both_directions_full() {
    let bench = Bench::start(quick()).await;
    let mut config = patient();
    config.liveness.write_stall = 8000 * MS;
    let client = bench.client(config).await;
    client.manual_turns().await;
    // A minute to give back.
    for n in 0..60 {
        client.append(ramp(n * 24_000, 24_000)).await;
    }
    client
        .handle
        .send(InputAudioBufferCommit::default())
        .await
        .unwrap();
    client.server("input_audio_buffer.committed", 1).await;
    for direction in [Direction::Up, Direction::Down] {
        bench.line.stall(direction, 500 * MS);
    }
    client.handle.send(ResponseCreate::default()).await.unwrap();
    for n in 0..120 {
        client.append(ramp(n * 24_000, 24_000)).await;
    }
    client.server("response.done", 1).await;
    client.settled().await;
    assert_eq!(client.retries(), 0);
    assert_eq!(bench.journal().input_audio(1).len(), 180 * 48_000);
    client.close().await;
}

#[tokio::test]
async fn f48_late_and_slow_is_not_dead() {
    let bench = Bench::start(quick()).await;
    let client = bench.client(patient()).await;
    client.manual_turns().await;
    let bad = Shape::default().delay(50 * MS).jitter(100 * MS);
    bench.line.shape(Direction::Up, bad.clone().bandwidth(200_000));
    bench.line.shape(Direction::Down, bad.bandwidth(200_000));
    for n in 0..100 {
        client.append(ramp(n * 480, 480)).await;
        if n % 25 == 0 {
            // As long as a lost segment takes to be sent again.
            bench.line.stall(Direction::Up, 250 * MS);
            bench.line.stall(Direction::Down, 200 * MS);
        }
        tokio::time::sleep(20 * MS).await;
    }
    client
        .handle
        .send(InputAudioBufferCommit::default())
        .await
        .unwrap();
    client.server("input_audio_buffer.committed", 1).await;
    assert_eq!(client.retries(), 0);
    assert!(bench.last_session().speech() == ramp(0, 48_000).as_bytes());
    client.close().await;
}
