//! What is told of input is what became of it.

use rt_protocol::ClientEvent;
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate};
use serde_json::json;

use super::*;
use crate::mirror::{Intent, prepare};

const MS: usize = 48;

/// Sends so much audio as a handle does, in one message for each length.
fn speak(bench: &mut Bench, pieces: &[usize]) -> u64 {
    let messages = pieces.iter().map(|ms| {
        let event = ClientEvent::from(InputAudioBufferAppend::new(vec![1; ms * MS]));
        let (kind, intent) = (Kind::of(&event), Intent::of(&event));
        Message::audio(event.to_json(), ms * MS).of(kind, intent)
    });
    let messages = messages.collect();
    bench.machine.handle_command(messages, false).unwrap()
}

/// The server hears a turn and commits it.
fn hears(bench: &mut Bench, id: &str, from: u64, to: u64) {
    bench.says(&json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": from, "item_id": id}));
    bench.says(&json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": to, "item_id": id}));
    bench.says(&json!({"type": "input_audio_buffer.committed", "item_id": id, "previous_item_id": null}));
}

fn opened() -> Bench {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    bench.says_created();
    bench.events();
    bench
}

/// Loses the session with this close; the next one is there and knows what it is to know.
fn closed_and_back(bench: &mut Bench, code: u16) -> (Vec<ConnectionEvent>, Vec<String>) {
    bench.close(code, "");
    bench.advance(seconds(1));
    bench.connect();
    bench.says_created();
    let mut written = bench.written();
    for text in written.clone() {
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        if event["type"] == "conversation.item.create" {
            let item = &event["item"];
            bench.says(&json!({"type": "conversation.item.added", "item": item}));
            bench.says(&json!({"type": "conversation.item.done", "item": item}));
        }
    }
    written.extend(bench.written());
    assert_eq!(bench.machine.state(), State::Connected);
    (bench.events(), written)
}

fn fates(events: &[ConnectionEvent]) -> Vec<(u64, u64, Fate)> {
    let told = events.iter().filter_map(|event| match event {
        ConnectionEvent::Settled(settled) => Some(settled),
        _ => None,
    });
    told.map(|told| (told.first.as_u64(), told.last.as_u64(), told.fate.clone()))
        .collect()
}

#[test]
fn audio_of_a_turn_that_the_server_committed_was_read() {
    let mut bench = opened();
    for _ in 0..10 {
        speak(&mut bench, &[100]);
    }
    bench.written();
    hears(&mut bench, "u1", 150, 750);
    assert_eq!(bench.machine.sums().acknowledged, 8, "the end is in the eighth");
    let (events, written) = closed_and_back(&mut bench, 1011);
    assert_eq!(fates(&events), []);
    assert_eq!(bench.machine.discarded_audio(), 0);
    // The turn as it was, and what was said after it.
    let appends = |text: &&String| text.contains("input_audio_buffer.append");
    assert_eq!(written.iter().filter(appends).count(), 3);
    let created = written.iter().any(|text| text.contains("\"u1\""));
    assert!(created, "{}", written.len());
    assert_eq!(bench.machine.sums().pending, 2);
}

#[test]
fn audio_that_is_too_large_is_not_counted_as_written() {
    let mut bench = opened();
    speak(&mut bench, &[100]);
    let large = speak(&mut bench, &[500, 500]);
    speak(&mut bench, &[100]);
    bench.written();
    let (events, written) = closed_and_back(&mut bench, 1009);
    assert_eq!(
        fates(&events),
        [(large, large, Fate::Discarded(DiscardReason::TooLarge))]
    );
    assert_eq!(written.len(), 2, "all of it is left out");
    let report = events.iter().find_map(|event| match event {
        ConnectionEvent::Restored(restored) => Some(restored),
        _ => None,
    });
    let report = report.unwrap();
    assert_eq!(report.replayed, Duration::from_millis(200));
    assert_eq!(report.lost_audio, Duration::from_millis(1000));
    // The server counts what it got.
    hears(&mut bench, "u1", 50, 200);
    assert_eq!(bench.machine.sums().pending, 0);
}

/// With an append of two pieces of which only the first has been written, and no room for more audio.
fn half_written() -> (Bench, u64) {
    let full = crate::config::AudioPolicy::Keep(Duration::from_millis(500));
    let mut bench = Bench::opened(|config| config.limits.audio = full);
    let large = speak(&mut bench, &[600, 500]);
    assert!(matches!(bench.transmit(false), Transmit::Frame(Frame::Text(_))));
    assert!(bench.machine.take_room());
    (bench, large)
}

#[test]
fn what_is_not_written_of_audio_that_is_too_large_is_lost_too() {
    let (mut bench, large) = half_written();
    let (events, written) = closed_and_back(&mut bench, 1009);
    assert_eq!(
        fates(&events),
        [(large, large, Fate::Discarded(DiscardReason::TooLarge))]
    );
    assert_eq!(written, [""; 0]);
    let report = events.iter().find_map(|event| match event {
        ConnectionEvent::Restored(restored) => Some(restored),
        _ => None,
    });
    assert_eq!(report.unwrap().lost_audio, Duration::from_millis(1100));
}

#[test]
fn who_waits_for_room_learns_of_what_audio_that_is_too_large_leaves() {
    let (mut bench, _) = half_written();
    let next = || vec![Message::audio("next".to_owned(), 100 * MS)];
    let refused = bench.machine.handle_command(next(), false);
    assert!(matches!(refused, Err(Refused::Full(_))));
    assert!(!bench.machine.take_room());
    bench.close(1009, "");
    assert!(
        bench.machine.take_room(),
        "nothing else will be written before long"
    );
    bench.machine.handle_command(next(), false).unwrap();
}

#[test]
fn a_request_that_is_too_large_is_not_waited_for() {
    let mut bench = opened();
    let mut ids = 0;
    let mut send = |bench: &mut Bench, event: ClientEvent| {
        let mut event = event;
        prepare(&mut event, &mut || {
            ids += 1;
            ids.to_string()
        });
        bench.command(event)
    };
    for event in [
        ClientEvent::from(ResponseCreate::default()),
        ClientEvent::from(InputAudioBufferCommit::default()),
    ] {
        let sent = send(&mut bench, event);
        bench.written();
        assert!(!bench.machine.mirror.is_quiet());
        let (events, written) = closed_and_back(&mut bench, 1009);
        assert_eq!(
            fates(&events),
            [(sent, sent, Fate::Discarded(DiscardReason::TooLarge))]
        );
        assert_eq!(written, [""; 0]);
        assert!(bench.machine.mirror.is_quiet(), "nothing is owed to it");
        // The next outage is one of its own.
        bench.signal(Signal::Other);
        bench.advance(seconds(60));
        bench.events();
    }
}

#[test]
fn a_part_of_an_append_that_grew_stale_takes_the_rest_with_it() {
    let live = crate::config::AudioPolicy::Live(Duration::from_millis(40));
    // All of it waits.
    let mut bench = Bench::opened(|config| config.limits.audio = live);
    bench.drop_stream();
    bench.events();
    let whole = speak(&mut bench, &[20, 20]);
    let next = speak(&mut bench, &[10]);
    assert_eq!(fates(&bench.events()), []);
    let dropped = bench.machine.poll_settled().unwrap();
    assert_eq!((dropped.first.as_u64(), dropped.count), (whole, 1));
    assert_eq!(dropped.audio, Duration::from_millis(40));
    assert_eq!(bench.machine.waiting_audio(), 10 * MS, "{next} is all that waits");
    assert_eq!(bench.machine.dropped_audio(), bench.machine.discarded_audio());
    // A part of it has been written.
    let mut bench = Bench::opened(|config| config.limits.audio = live);
    speak(&mut bench, &[20, 20]);
    assert!(matches!(bench.transmit(false), Transmit::Frame(Frame::Text(_))));
    speak(&mut bench, &[40]);
    let dropped = bench.machine.poll_settled().unwrap();
    assert_eq!(dropped.audio, Duration::from_millis(20));
    assert_eq!(bench.machine.dropped_audio(), bench.machine.discarded_audio());
    assert_eq!(bench.machine.dropped_audio(), 20 * MS as u64);
}
