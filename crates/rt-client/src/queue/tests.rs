//! Tests of the queue: its bound, who is woken when, and the end.

use futures::FutureExt;
use rt_lowlevel::State;

use super::*;
use crate::event::Turn;

fn event(number: usize) -> Event {
    Event::Turn(Turn::ReplyStarted {
        response_id: number.to_string(),
    })
}

fn put(sender: &Sender, events: &mut Vec<Event>) {
    if sender.send(events) {
        sender.wake();
    }
}

fn number(event: &Event) -> usize {
    match event {
        Event::Turn(Turn::ReplyStarted { response_id }) => response_id.parse().expect("a number"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_in_the_readers_hands_counts() {
    let (sender, mut receiver) = queue(4);
    let mut events: Vec<Event> = (0..6).map(event).collect();
    put(&sender, &mut events);
    assert_eq!(events.iter().map(number).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(sender.room(), 0);
    let mut batch = Vec::new();
    assert!(receiver.blocking_recv(&mut batch, &mut Vec::new()));
    assert_eq!(batch.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(sender.room(), 0, "they are not delivered");
    put(&sender, &mut events);
    assert_eq!(events.len(), 2);
    receiver.delivered();
    assert_eq!(sender.room(), 1);
    put(&sender, &mut events);
    assert_eq!(events.len(), 1);
    // Whoever waits goes on at the half.
    assert!(sender.has_room().now_or_never().is_none());
    receiver.delivered();
    assert!(sender.has_room().now_or_never().is_none());
    receiver.delivered();
    assert!(sender.has_room().now_or_never().is_some());
}

#[test]
fn the_end_comes_after_everything() {
    let (sender, mut receiver) = queue(8);
    put(&sender, &mut vec![event(1)]);
    drop(sender);
    let mut batch = Vec::new();
    assert_eq!(receiver.recv(&mut batch).now_or_never(), Some(true));
    assert_eq!(batch.len(), 1);
    batch.clear();
    assert_eq!(receiver.recv(&mut batch).now_or_never(), Some(false));
    assert!(!receiver.blocking_recv(&mut batch, &mut Vec::new()));
}

#[test]
fn without_a_reader_nothing_is_kept() {
    let (sender, receiver) = queue(1);
    let mut events = vec![event(1), event(2)];
    put(&sender, &mut events);
    drop(receiver);
    assert!(sender.has_room().now_or_never().is_some());
    put(&sender, &mut events);
    assert!(events.is_empty());
}

#[test]
fn a_thread_sleeps_on_while_a_burst_may_go_on() {
    let (sender, mut receiver) = queue(2 * TOGETHER);
    let (tell, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut batch = Vec::new();
        while receiver.blocking_recv(&mut batch, &mut Vec::new()) {
            batch.drain(..).for_each(|_| receiver.delivered());
            tell.send(()).expect("somebody listens");
        }
    });
    let asleep = || {
        while !matches!(sender.0.lock().reader, Reader::Asleep) {
            std::thread::yield_now();
        }
    };
    let send = |count: usize| sender.send(&mut (0..count).map(event).collect());
    asleep();
    assert!(!send(BURST - 1), "few are told at once");
    told.recv().expect("it was woken");
    asleep();
    assert!(send(BURST), "more may come");
    assert!(matches!(sender.0.lock().reader, Reader::Asleep));
    assert!(!send(1), "no burst any more");
    told.recv().expect("it was woken");
    asleep();
    assert!(send(TOGETHER - 1));
    assert!(!send(BURST), "they are many");
    told.recv().expect("it was woken");
    asleep();
    assert!(send(TOGETHER - 1));
    let mut rest: Vec<Event> = (0..2 * TOGETHER).map(event).collect();
    assert!(!sender.send(&mut rest), "there is no room for more");
    assert_eq!(rest.len(), TOGETHER - 1);
    told.recv().expect("it was woken");
    drop(sender);
    reader.join().expect("it ends");
}

/// Through a small queue, with both ends waiting again and again.
#[test]
fn threads_pass_everything_in_order() {
    const ALL: usize = 20_000;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (sender, mut receiver) = queue(16);
    let reader = std::thread::spawn(move || {
        let (mut batch, mut delivered, mut seen) = (Vec::new(), Vec::new(), 0);
        while receiver.blocking_recv(&mut batch, &mut delivered) {
            assert!(batch.len() <= 16);
            assert!(delivered.is_empty());
            for event in batch.drain(..) {
                assert_eq!(number(&event), seen);
                seen += 1;
                delivered.push(event);
                receiver.delivered();
            }
        }
        seen
    });
    runtime.block_on(async {
        let mut events = Vec::new();
        for at in (0..ALL).step_by(5) {
            events.extend((at..at + 5).map(event));
            put(&sender, &mut events);
            while !events.is_empty() {
                sender.has_room().await;
                put(&sender, &mut events);
            }
        }
    });
    drop(sender);
    assert_eq!(reader.join().expect("it reads"), ALL);
}

#[test]
fn what_was_delivered_is_freed_by_the_sender_in_a_burst() {
    let (sender, mut receiver) = queue(64);
    let (mut batch, mut delivered) = (Vec::new(), Vec::new());
    for round in 0..3 {
        put(&sender, &mut (0..BURST).map(event).collect());
        assert_eq!(sender.0.lock().spent.len(), 0, "round {round}");
        assert!(receiver.blocking_recv(&mut batch, &mut delivered));
        assert_eq!(sender.0.lock().spent.len(), if round == 0 { 0 } else { BURST });
        delivered.append(&mut batch);
        (0..BURST).for_each(|_| receiver.delivered());
    }
}

#[test]
fn what_was_delivered_waits_for_the_sender_while_a_burst_may_go_on() {
    let (sender, mut receiver) = queue(64);
    let reader = std::thread::spawn(move || {
        let (mut batch, mut delivered) = (Vec::new(), Vec::new());
        while receiver.blocking_recv(&mut batch, &mut delivered) {
            batch.iter().for_each(|_| receiver.delivered());
            delivered.append(&mut batch);
        }
    });
    // A machine that stands still for longer than the pause may miss it, again and again even, but not for ever.
    let start = std::time::Instant::now();
    'again: loop {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it is always freed at once"
        );
        put(&sender, &mut (0..BURST).map(event).collect());
        loop {
            let inner = sender.0.lock();
            match (&inner.reader, inner.waiting.len(), inner.spent.len()) {
                (Reader::Asleep, 0, BURST) => break 'again,
                (Reader::Asleep, 0, 0) => continue 'again,
                _ => drop(inner),
            }
            std::thread::yield_now();
        }
    }
    drop(sender);
    reader.join().expect("it ends");
}

#[test]
fn what_was_delivered_is_freed_when_nothing_comes() {
    let (sender, mut receiver) = queue(64);
    let kept = Arc::new(rt_protocol::ServerEvent::InputAudioBufferCleared(
        Default::default(),
    ));
    let reader = std::thread::spawn(move || {
        let (mut batch, mut delivered) = (Vec::new(), Vec::new());
        while receiver.blocking_recv(&mut batch, &mut delivered) {
            batch.iter().for_each(|_| receiver.delivered());
            delivered.append(&mut batch);
        }
    });
    for count in [1, BURST] {
        put(&sender, &mut vec![Event::Server(Arc::clone(&kept)); count]);
        let start = std::time::Instant::now();
        while Arc::strong_count(&kept) > 1 {
            assert!(start.elapsed() < Duration::from_secs(20), "{count} are kept");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    drop(sender);
    reader.join().expect("it ends");
}

#[tokio::test]
async fn tasks_pass_everything_in_order() {
    let (sender, mut receiver) = queue(3);
    let reader = tokio::spawn(async move {
        let (mut batch, mut seen) = (Vec::new(), 0);
        while receiver.recv(&mut batch).await {
            for event in batch.drain(..) {
                assert_eq!(number(&event), seen);
                seen += 1;
                receiver.delivered();
            }
        }
        seen
    });
    let mut events: Vec<Event> = (0..100).map(event).collect();
    loop {
        put(&sender, &mut events);
        if events.is_empty() {
            break;
        }
        sender.has_room().await;
    }
    drop(sender);
    assert_eq!(reader.await.expect("it reads"), 100);
    let (sender, receiver) = queue(3);
    let waiting = async { sender.has_room().await };
    put(&sender, &mut vec![Event::State(State::Connected); 3]);
    drop(receiver);
    waiting.await;
}
