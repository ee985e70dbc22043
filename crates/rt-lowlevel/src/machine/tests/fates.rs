use super::*;

/// The sums hold at any moment.
fn balanced(bench: &Bench) -> Sums {
    let sums = bench.machine.sums();
    let parts = sums.acknowledged + sums.rejected + sums.superseded + sums.discarded + sums.pending;
    assert_eq!(sums.accepted, parts, "{sums:?}");
    sums
}

fn append(bench: &mut Bench, bytes: usize) -> u64 {
    let text = "a".repeat(bytes * 4 / 3);
    bench
        .machine
        .handle_command(vec![Message::audio(text, bytes)], false)
        .unwrap()
}

fn settled(bench: &mut Bench) -> Vec<(u64, u64, Fate)> {
    let told = bench.events().into_iter().filter_map(|event| match event {
        ConnectionEvent::Settled(settled) => Some(settled),
        _ => None,
    });
    told.map(|settled| (settled.first.as_u64(), settled.last.as_u64(), settled.fate))
        .collect()
}

/// The ping that is due, with what was written before it.
fn ping(bench: &mut Bench) -> [u8; 16] {
    let mut flushed = true;
    loop {
        match bench.transmit(flushed) {
            Transmit::Frame(Frame::Ping(payload)) => return payload,
            Transmit::Frame(_) => flushed = false,
            Transmit::Idle if !flushed => flushed = true,
            other => panic!("no ping: {other:?}"),
        }
    }
}

#[test]
fn the_answer_to_a_ping_proves_what_was_written_before_it() {
    let mut bench = Bench::opened(|_| {});
    append(&mut bench, 960);
    append(&mut bench, 960);
    bench.written();
    bench.advance(Duration::from_millis(999));
    assert_eq!(
        bench.transmit(true),
        Transmit::Idle,
        "a ping each second is enough"
    );
    bench.advance(Duration::from_millis(1));
    let first = ping(&mut bench);
    append(&mut bench, 960);
    bench.written();
    let epoch = bench.epoch();
    assert!(bench.machine.handle_pong(bench.now, epoch, &first));
    let sums = balanced(&bench);
    assert_eq!((sums.acknowledged, sums.pending), (2, 1));
    // One that claims more than was written proves nothing.
    let mut lie = first;
    lie[8..].copy_from_slice(&99u64.to_be_bytes());
    bench.machine.handle_pong(bench.now, epoch, &lie);
    bench.machine.handle_pong(bench.now, epoch, &[]);
    assert_eq!(balanced(&bench).pending, 1);
    bench.advance(seconds(1));
    let second = ping(&mut bench);
    bench.machine.handle_pong(bench.now, epoch, &second);
    assert_eq!(balanced(&bench).pending, 0);
    assert!(
        settled(&mut bench).is_empty(),
        "what is acknowledged needs no event"
    );
}

#[test]
fn pings_are_rare_again_when_all_is_proved() {
    let mut bench = Bench::opened(|_| {});
    append(&mut bench, 960);
    bench.written();
    bench.advance(seconds(1));
    let payload = ping(&mut bench);
    let epoch = bench.epoch();
    bench.machine.handle_pong(bench.now, epoch, &payload);
    bench.advance(Duration::from_millis(4_999));
    assert_eq!(bench.transmit(true), Transmit::Idle);
    bench.advance(Duration::from_millis(1));
    ping(&mut bench);
}

#[test]
fn a_drop_tells_what_is_unconfirmed_and_keeps_what_was_not_written() {
    let mut bench = Bench::opened(|config| config.restore.enabled = false);
    for _ in 0..3 {
        append(&mut bench, 960);
    }
    bench.written();
    let kept = append(&mut bench, 960);
    bench.drop_stream();
    let events = bench.events();
    let at = |wanted: fn(&ConnectionEvent) -> bool| events.iter().position(wanted).unwrap();
    let told = at(|event| matches!(event, ConnectionEvent::Settled(_)));
    assert!(told < at(|event| matches!(event, ConnectionEvent::Retrying(_))));
    let ConnectionEvent::Settled(lost) = &events[told] else {
        panic!()
    };
    assert_eq!((lost.first.as_u64(), lost.last.as_u64(), lost.count), (1, 3, 3));
    assert_eq!(lost.audio, Duration::from_millis(60));
    assert_eq!(lost.fate, Fate::Discarded(DiscardReason::ConnectionLost));
    let sums = balanced(&bench);
    assert_eq!((sums.discarded, sums.pending), (3, 1));
    // A pong that comes too late changes nothing.
    bench.machine.handle_pong(bench.now, 1, &[0xff; 16]);
    assert_eq!(balanced(&bench), sums);

    bench.advance(seconds(1));
    bench.connect();
    bench.created();
    assert_eq!(bench.written().len(), 1);
    bench.drop_stream();
    assert_eq!(settled(&mut bench)[0].0, kept);
}

#[test]
fn after_the_end_every_command_has_a_fate() {
    let mut bench = Bench::opened(|_| {});
    append(&mut bench, 960);
    bench.written();
    let text = "b".to_owned();
    let tracked = bench
        .machine
        .handle_command(vec![Message::control(text)], true)
        .unwrap();
    let at = bench.at();
    bench.machine.handle_close(at);
    bench.advance(seconds(2));
    assert_eq!(
        settled(&mut bench),
        [
            (1, 1, Fate::Discarded(DiscardReason::ConnectionLost)),
            (2, 2, Fate::Discarded(DiscardReason::Unsent)),
        ]
    );
    assert_eq!(
        bench.machine.poll_tracked(),
        Some((tracked, Fate::Discarded(DiscardReason::Unsent)))
    );
    let sums = balanced(&bench);
    assert_eq!((sums.pending, sums.discarded), (0, 2));

    // The peer's close, behind ours, says that it has read all.
    let mut bench = Bench::opened(|_| {});
    append(&mut bench, 960);
    let at = bench.at();
    bench.machine.handle_close(at);
    bench.written();
    bench.close(1000, "");
    bench.drop_stream();
    assert!(settled(&mut bench).is_empty());
    assert_eq!(balanced(&bench).acknowledged, 1);
}

#[test]
fn live_audio_that_is_dropped_has_a_fate() {
    let live = crate::config::AudioPolicy::Live(Duration::from_millis(40));
    let mut bench = Bench::opened(|config| config.limits.audio = live);
    bench.drop_stream();
    for _ in 0..5 {
        append(&mut bench, 960);
    }
    assert!(bench.machine.has_settled());
    let dropped = bench.machine.poll_settled().unwrap();
    assert_eq!((dropped.first.as_u64(), dropped.count), (1, 3));
    assert_eq!(dropped.fate, Fate::Discarded(DiscardReason::Stale));
    assert_eq!(dropped.audio, Duration::from_millis(60));
    assert_eq!(bench.machine.dropped_audio(), bench.machine.discarded_audio());
    balanced(&bench);
}
