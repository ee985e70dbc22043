//! What the machine says of itself when it is asked.

use serde_json::json;

use super::*;
use crate::config::AudioPolicy;

#[test]
fn what_waits_is_counted() {
    let mut bench = Bench::opened(|_| {});
    let waiting = |bench: &Bench| (bench.machine.waiting_messages(), bench.machine.waiting_audio());
    assert_eq!(waiting(&bench), (0, 0));
    bench.send("a");
    for bytes in [960, 480] {
        bench
            .machine
            .handle_command(vec![Message::audio("{}".to_owned(), bytes)], false)
            .unwrap();
    }
    assert_eq!(waiting(&bench), (3, 1440));
    assert_eq!(bench.machine.waiting_bytes(), "a{}{}".len());
    bench.written();
    assert_eq!(waiting(&bench), (0, 0));
}

#[test]
fn whether_audio_gives_way_to_newer_audio_follows_from_the_policy() {
    for (policy, gives_way) in [
        (AudioPolicy::Keep(Duration::from_secs(1)), false),
        (AudioPolicy::Live(Duration::from_secs(1)), true),
    ] {
        let bench = Bench::new(|config| config.limits.audio = policy);
        assert_eq!(bench.machine.drops_stale_audio(), gives_way);
    }
}

#[test]
fn whether_it_restores_is_as_configured() {
    for enabled in [false, true] {
        let bench = Bench::new(|config| config.restore.enabled = enabled);
        assert_eq!(bench.machine.restores(), enabled);
    }
}

#[test]
fn whether_there_was_a_session_is_remembered() {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    assert!(!bench.machine.had_session());
    bench.created();
    assert!(bench.machine.had_session());
    bench.drop_stream();
    assert!(bench.machine.had_session());
}

#[test]
fn whether_there_is_something_to_do_or_to_tell() {
    let mut bench = Bench::new(|_| {});
    assert!(bench.machine.has_actions());
    bench.actions();
    assert!(!bench.machine.has_actions());
    assert!(!bench.machine.has_settled());
}

#[test]
fn the_writer_is_woken_by_a_command_only_when_it_may_be_written() {
    let mut bench = Bench::new(|_| {});
    bench.send("a");
    assert!(!bench.machine.take_writer_wake());
    bench.connect();
    bench.created();
    bench.written();
    bench.machine.take_writer_wake();
    bench.send("b");
    assert!(bench.machine.take_writer_wake());
    assert!(!bench.machine.take_writer_wake(), "asking resets it");
    // What woke it before is not forgotten because of a command that cannot be written.
    let at = bench.at();
    bench.machine.handle_ping(at, 1);
    bench.drop_stream();
    bench.send("c");
    assert!(bench.machine.take_writer_wake());
}

#[test]
fn the_messages_of_a_command_are_one() {
    let mut bench = Bench::opened(|_| {});
    let messages = ["a", "b", "c"].map(|text| Message::control(text.to_owned()));
    let number = bench.machine.handle_command(messages.to_vec(), false).unwrap();
    let sums = bench.machine.sums();
    assert_eq!((number, sums.accepted, sums.pending), (1, 1, 1));
    bench.send("d");
    assert_eq!(bench.machine.sums().accepted, 2);
}

fn updated(bench: &mut Bench) {
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
}

#[test]
fn how_far_a_restore_is_and_once_that_it_is_over() {
    let mut bench = Bench::talking();
    let progress = |bench: &mut Bench| {
        let epoch = bench.epoch();
        let progress = bench.machine.take_restore_progress(epoch)?;
        assert!(!progress.prepares);
        assert_eq!(progress.epoch, 2);
        Some((progress.is_done, progress.items, progress.lost))
    };
    assert_eq!(progress(&mut bench), None, "nothing was restored");
    bench.lose_and_connect();
    assert_eq!(progress(&mut bench), None);
    bench.says_created();
    assert_eq!(progress(&mut bench), Some((false, 0, 0)));
    bench.written();
    updated(&mut bench);
    bench.written();
    bench.has_item("a");
    assert_eq!(progress(&mut bench), Some((false, 1, 0)));
    assert_eq!(progress(&mut bench), Some((false, 1, 0)));
    bench.has_item("b");
    assert_eq!(progress(&mut bench), Some((true, 2, 0)));
    assert_eq!(progress(&mut bench), None);
}

#[test]
fn a_restore_is_over_too_when_the_last_of_it_cannot_be_written() {
    let mut bench = Bench::talking();
    let call = json!({"type": "mcp_call", "id": "tool", "server_label": "s", "name": "n", "arguments": "{}",
        "output": "done"});
    bench.says(&json!({"type": "conversation.item.added", "previous_item_id": "b", "item": call}));
    bench.says(&json!({"type": "conversation.item.done", "item": call}));
    bench.lose_and_connect();
    bench.says_created();
    // What this server speaks has no word for it.
    bench.machine.translator = Arc::new(Translator::new(Some(Dialect::Beta), BetaVariant::default()));
    bench.written();
    updated(&mut bench);
    for id in ["a", "b"] {
        assert!(matches!(bench.transmit(false), Transmit::Frame(_)), "{id}");
        bench.has_item(id);
    }
    assert_eq!(bench.machine.state(), State::Reconnecting);
    assert!(matches!(bench.transmit(false), Transmit::Idle));
    assert_eq!(bench.machine.state(), State::Connected);
    let epoch = bench.epoch();
    let progress = bench.machine.take_restore_progress(epoch).unwrap();
    assert_eq!((progress.is_done, progress.items, progress.lost), (true, 2, 1));
    assert_eq!(bench.machine.take_restore_progress(epoch), None);
}

#[test]
fn an_item_that_is_text_by_now_cannot_be_truncated() {
    let mut bench = Bench::talking();
    assert!(bench.machine.truncate_allowed("a"));
    bench.lose_and_connect();
    bench.says_created();
    bench.written();
    bench.says(&json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.written();
    bench.has_item("a");
    bench.has_item("b");
    assert!(!bench.machine.truncate_allowed("a"));
    assert!(bench.machine.truncate_allowed("later"));
}

#[test]
fn what_was_played_is_what_was_heard() {
    let mut bench = Bench::opened(|_| {});
    bench.says(
        &json!({"type": "response.created", "response": {"id": "r", "status": "in_progress",
        "conversation_id": "c"}}),
    );
    let item =
        json!({"type": "message", "id": "i", "role": "assistant", "status": "in_progress", "content": []});
    bench.says(&json!({"type": "response.output_item.added", "response_id": "r", "item": item}));
    bench.says(&json!({"type": "conversation.item.added", "previous_item_id": null, "item": item}));
    let audio = rt_protocol::AudioBytes::from(vec![0; 48 * 400]);
    bench.says(
        &json!({"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "content_index": 0,
        "delta": audio}),
    );
    let at = bench.at();
    bench.machine.handle_played(at, "i", 0, 24 * 150);
    bench.drop_stream();
    let told = bench.events().into_iter().find_map(|event| match event {
        ConnectionEvent::Interrupted(response) => Some((response.received_ms, response.played_ms)),
        _ => None,
    });
    assert_eq!(told, Some((400, 150)));
}

#[test]
fn sessions_are_of_the_kind_that_was_asked_for() {
    for kind in [SessionKind::Transcription, SessionKind::Translation] {
        let translator = Arc::new(Translator::new(Some(Dialect::Ga), BetaVariant::default()));
        let machine = Machine::new(Config::default(), false).for_sessions(kind, Arc::clone(&translator));
        assert_eq!(machine.snapshot().kind(), kind);
        assert!(Arc::ptr_eq(&machine.translator, &translator));
    }
}
