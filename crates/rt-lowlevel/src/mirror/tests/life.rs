//! The life of a conversation: acknowledgements, losses, what is told.

use super::*;

#[test]
fn a_conversation_is_told_in_order() {
    let mut bench = Bench::new();
    assert!(bench.mirror.is_empty());
    bench.server(json!({"type": "session.created", "session": {"type": "realtime", "id": "s", "tools": []}}));
    let update = bench.send(
        json!({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}),
    );
    assert_eq!(
        bench.acks(json!({"type": "session.updated", "session": {"type": "realtime", "instructions": "Be brief.", "tools": []}})),
        [update]
    );
    bench.says("u1", "Hello");
    bench.speaks("a1", &[("Good", 300), (" day.", 300)], true);
    bench.says("u2", "And?");
    assert!(!bench.mirror.is_empty());

    let told = bench.reconnect();
    let settings = serde_json::to_value(&told.plan.steps[0].event).unwrap();
    assert_eq!(told.plan.steps[0].kind, StepKind::Settings);
    assert_eq!(
        settings,
        json!({"type": "session.update", "event_id": "rt_1",
            "session": {"type": "realtime", "instructions": "Be brief.", "tools": []}})
    );
    let creates: Vec<Value> = told.plan.steps[1..]
        .iter()
        .map(|step| {
            let mut event = serde_json::to_value(&step.event).unwrap();
            event.as_object_mut().unwrap().remove("event_id");
            event
        })
        .collect();
    assert_eq!(
        creates,
        [
            json!({"type": "conversation.item.create", "previous_item_id": "root", "item": message("u1", "user", "input_text", "Hello")}),
            json!({"type": "conversation.item.create", "previous_item_id": "u1", "item": message("a1", "assistant", "output_text", "Good day.")}),
            json!({"type": "conversation.item.create", "previous_item_id": "a1", "item": message("u2", "user", "input_text", "And?")}),
        ]
    );
    assert_eq!(told.plan.text_only, 1);
    assert!(told.lost().is_empty() && told.replayed.is_empty());
    assert!(told.lost_session.responses.is_empty() && told.lost_session.fates.is_empty());
    // And again.
    assert_eq!(bench.reconnect().ids(), strings(&["u1", "a1", "u2"]));
}

#[test]
fn commands_are_answered_once_each() {
    let mut bench = Bench::new();
    let create = bench.send(user_text("u1", "a"));
    assert_eq!(
        bench.acks(added(None, message("u1", "user", "input_text", "a"))),
        [create]
    );
    let done = json!({"type": "conversation.item.done", "previous_item_id": null, "item": message("u1", "user", "input_text", "a")});
    assert_eq!(bench.acks(done.clone()), [0u64; 0]);
    let create = bench.send(user_text("u2", "b"));
    assert_eq!(
        bench.acks(
            json!({"type": "conversation.item.created", "previous_item_id": "u1",
        "item": message("u2", "user", "input_text", "b")})
        ),
        [create]
    );
    let create = bench.send(user_text("u3", "c"));
    assert_eq!(
        bench.acks(
            json!({"type": "conversation.item.done", "item": message("u3", "user", "input_text", "c")})
        ),
        [create]
    );

    let retrieve = bench.send(json!({"type": "conversation.item.retrieve", "item_id": "u1"}));
    let delete = bench.send(json!({"type": "conversation.item.delete", "item_id": "u1"}));
    let other =
        json!({"type": "conversation.item.retrieved", "item": message("u2", "user", "input_text", "b")});
    assert_eq!(bench.acks(other), [0u64; 0]);
    assert_eq!(
        bench.acks(
            json!({"type": "conversation.item.retrieved", "item": message("u1", "user", "input_text", "a")})
        ),
        [retrieve]
    );
    assert_eq!(
        bench.acks(json!({"type": "conversation.item.deleted", "item_id": "u2"})),
        [0u64; 0]
    );
    assert_eq!(
        bench.acks(json!({"type": "conversation.item.deleted", "item_id": "u1"})),
        [delete]
    );
    let clear = bench.send(json!({"type": "input_audio_buffer.clear"}));
    assert_eq!(bench.acks(json!({"type": "input_audio_buffer.cleared"})), [clear]);
    assert_eq!(
        bench.acks(json!({"type": "input_audio_buffer.cleared"})),
        [0u64; 0]
    );
    let close = bench.send(json!({"type": "session.close"}));
    assert_eq!(bench.acks(json!({"type": "session.closed"})), [close]);
    // What has no answer is none of the mirror's.
    bench.send(json!({"type": "output_audio_buffer.clear"}));
    bench.send(json!({"type": "future.event"}));
    assert!(bench.mirror.commands.is_empty());
    assert_eq!(
        bench
            .mirror
            .items
            .entries()
            .iter()
            .map(|entry| &*entry.id)
            .collect::<Vec<_>>(),
        ["u3"]
    );
}

#[test]
fn errors_refuse_commands_and_undo_them() {
    let mut bench = Bench::new();
    bench.speaks("a1", &[("aaaa", 1000)], true);
    let (create, _) = bench.write(json!({"type": "conversation.item.create", "event_id": "e1", "item": {"type": "message", "id": "u1", "role": "user", "content": []}}));
    assert_eq!(
        bench.rejects(error("e1", "item_create_invalid_item_id")),
        [create]
    );
    assert!(bench.mirror.items.get("u1").is_none());
    assert_eq!(
        bench.rejects(error("e1", "item_create_invalid_item_id")),
        [0u64; 0]
    );

    let (update, _) = bench.write(json!({"type": "session.update", "event_id": "e2", "session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}));
    assert!(!bench.mirror.settings.derived().vad);
    assert_eq!(bench.rejects(error("e2", "unknown_parameter")), [update]);
    assert!(bench.mirror.settings.derived().vad);

    let (truncate, _) = bench.write(json!({"type": "conversation.item.truncate", "event_id": "e3", "item_id": "a1", "content_index": 0, "audio_end_ms": 500}));
    assert_eq!(bench.rejects(error("e3", "invalid_value")), [truncate]);
    let (commit, _) = bench.write(json!({"type": "input_audio_buffer.commit", "event_id": "e4"}));
    assert_eq!(
        bench.rejects(error("e4", "input_audio_buffer_commit_empty")),
        [commit]
    );
    let (respond, _) = bench.write(json!({"type": "response.create", "event_id": "e5"}));
    assert_eq!(
        bench.rejects(error("e5", "conversation_already_has_active_response")),
        [respond]
    );
    let (cancel, _) = bench.write(json!({"type": "response.cancel", "event_id": "e6"}));
    assert_eq!(bench.rejects(error("e6", "response_cancel_not_active")), [cancel]);
    assert!(bench.mirror.is_quiet());
    // Nothing of it comes back.
    let told = bench.reconnect();
    assert_eq!(told.items(), [("a1".to_owned(), "aaaa".to_owned())]);
    assert!(told.replayed.is_empty() && told.lost_session.fates.is_empty());
}

#[test]
fn an_item_that_is_there_already_counts_as_done() {
    let mut bench = Bench::new();
    let (create, _) = bench.write(json!({"type": "conversation.item.create", "event_id": "e1", "item": {"type": "message", "id": "u1", "role": "user", "content": []}}));
    assert_eq!(bench.acks(error("e1", "item_create_duplicate_item_id")), [create]);
    assert!(bench.mirror.items.get("u1").unwrap().on_session);
    let (again, _) = bench.write(json!({"type": "conversation.item.create", "event_id": "e2", "item": {"type": "message", "id": "u1", "role": "user", "content": []}}));
    assert_eq!(bench.mirror.items.len(), 1);
    // Refusing the second does not take the first away.
    assert_eq!(bench.rejects(error("e2", "item_create_other")), [again]);
    assert_eq!(bench.mirror.items.len(), 1);
}

#[test]
fn order_follows_the_server() {
    let ids = |bench: &Bench| {
        bench
            .mirror
            .items
            .entries()
            .iter()
            .map(|entry| entry.id.clone())
            .collect::<Vec<_>>()
    };
    let mut bench = Bench::new();
    bench.says("u1", "1");
    // Ours is written at the end, but the server had a turn before it.
    bench.send(user_text("u3", "3"));
    bench.server(committed("u2", Some("u1")));
    assert_eq!(ids(&bench), ["u1", "u2", "u3"], "before what is on its way");
    bench.server(added(Some("u2"), message("u3", "user", "input_text", "3")));
    assert_eq!(ids(&bench), ["u1", "u2", "u3"]);
    bench.send(json!({"type": "conversation.item.create", "previous_item_id": "root", "item": message("s", "system", "input_text", "0")}));
    bench.server(added(None, message("s", "system", "input_text", "0")));
    bench.send(json!({"type": "conversation.item.create", "previous_item_id": "u1", "item": message("m", "user", "input_text", "1.5")}));
    bench.server(added(Some("u1"), message("m", "user", "input_text", "1.5")));
    assert_eq!(ids(&bench), ["s", "u1", "m", "u2", "u3"]);
    // The server has the last word.
    bench.send(user_text("x", "x"));
    bench.server(added(Some("s"), message("x", "user", "input_text", "x")));
    assert_eq!(ids(&bench), ["s", "x", "u1", "m", "u2", "u3"]);
    // Without a place, and behind what is not known, it is the end.
    bench.server(json!({"type": "conversation.item.added", "item": message("y", "user", "input_text", "y")}));
    bench.server(added(
        Some("never heard of"),
        message("z", "user", "input_text", "z"),
    ));
    assert_eq!(ids(&bench), ["s", "x", "u1", "m", "u2", "u3", "y", "z"]);
    // An item without an id is no item.
    bench.server(added(
        None,
        json!({"type": "message", "role": "user", "content": []}),
    ));
    assert_eq!(ids(&bench).len(), 8);
}

#[test]
fn unanswered_commands_have_their_fates() {
    let mut bench = Bench::new();
    bench.says("u1", "1");
    bench.says("u2", "2");
    bench.speaks("a1", &[("aaaa bbbb", 900)], true);
    let update =
        bench.send(json!({"type": "session.update", "session": {"type": "realtime", "instructions": "x"}}));
    let create = bench.send(user_text("u3", "3"));
    let retrieve = bench.send(json!({"type": "conversation.item.retrieve", "item_id": "u1"}));
    let delete = bench.send(json!({"type": "conversation.item.delete", "item_id": "u1"}));
    let truncate = bench.send(json!({"type": "conversation.item.truncate", "item_id": "a1", "content_index": 0, "audio_end_ms": 500}));
    let append = bench.append(vec![0; 960]);
    let commit = bench.send(json!({"type": "input_audio_buffer.commit"}));
    let respond = bench.send(json!({"type": "response.create"}));
    let clear = bench.send(json!({"type": "input_audio_buffer.clear"}));
    let close = bench.send(json!({"type": "session.close"}));
    let discarded = Fate::Discarded(DiscardReason::ConnectionLost);
    let told = bench.reconnect();
    assert_eq!(
        told.lost_session.fates,
        [
            (update, Fate::Superseded),
            (retrieve, discarded),
            (delete, Fate::Superseded),
            (truncate, Fate::Superseded),
            (clear, Fate::Superseded),
            (close, discarded),
        ]
    );
    assert_eq!(told.lost_session.pending, [create, append, commit, respond]);
    let seqs: Vec<_> = told.plan.steps.iter().filter_map(|step| step.seq).collect();
    assert_eq!(seqs, [create]);
    assert_eq!(
        told.items()[1..],
        [
            ("a1".to_owned(), "aaaa".to_owned()),
            ("u3".to_owned(), "3".to_owned())
        ]
    );
    assert_eq!(told.items()[0].0, "u2");
    assert_eq!(
        told.replayed(),
        [
            "input_audio_buffer.append",
            "input_audio_buffer.commit",
            "response.create"
        ]
    );
    let replayed: Vec<_> = told
        .replayed
        .iter()
        .map(|replay| (replay.seq, replay.audio_ms))
        .collect();
    assert_eq!(
        replayed,
        [(Some(append), 20), (Some(commit), 0), (Some(respond), 0)]
    );
    assert_eq!(
        serde_json::to_value(&told.plan.steps[0].event).unwrap()["session"]["instructions"],
        "x"
    );
    // On the new session they are answered as on any.
    assert_eq!(bench.acks(committed("u4", Some("u3"))), [commit]);
    let key = bench
        .mirror
        .tape
        .requests()
        .next()
        .unwrap()
        .key()
        .unwrap()
        .to_owned();
    assert_eq!(bench.acks(created("r", &json!({"rt_req": key}))), [respond]);
}

#[test]
fn losing_it_again_changes_nothing() {
    let mut bench = Bench::new();
    bench.says("u1", "1");
    let create = bench.send(user_text("u2", "2"));
    let append = bench.append(vec![0; 480]);
    let first = bench.mirror.lost();
    let snapshot = bench.mirror.snapshot();
    // Lost while nothing, and while half of it, was told.
    let second = bench.mirror.lost();
    assert_eq!(
        (&first.pending, &second.pending),
        (&vec![create, append], &vec![create, append])
    );
    assert!(second.fates.is_empty());
    let mut known = Known::default();
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    known.acknowledged(&plan.steps[0]);
    assert_eq!(bench.mirror.lost().pending, [create, append]);
    assert_eq!(bench.mirror.snapshot(), snapshot);
    assert_eq!(bench.restore().ids(), strings(&["u1", "u2"]));
    assert_eq!(bench.mirror.lost().pending, [append]);
}

#[test]
fn refused_settings_are_offered_smaller_and_then_not_at_all() {
    let mut bench = Bench::new();
    bench.server(json!({"type": "session.created", "session": {"type": "realtime", "tools": []}}));
    bench.mirror.lost();
    let (seq, event) = bench
        .prepared(json!({"type": "session.update", "session": {"type": "realtime", "instructions": "bad"}}));
    bench.mirror.absorb(seq, &Intent::of(&event));
    let mut known = Known::default();
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    known.rejected(&plan.steps[0], "invalid_value");
    assert!(
        bench.mirror.plan(&known, Purpose::Restore).steps.is_empty(),
        "not the same again"
    );
    assert_eq!(bench.mirror.settings_rejected(), [seq]);
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    assert_eq!(
        serde_json::to_value(&plan.steps[0].event).unwrap()["session"],
        json!({"type": "realtime", "tools": []})
    );
    known.rejected(&plan.steps[0], "invalid_value");
    assert_eq!(bench.mirror.settings_rejected(), [0u64; 0]);
    assert!(bench.mirror.plan(&known, Purpose::Restore).steps.is_empty());
}

#[test]
fn nothing_is_restored_if_the_policy_says_so() {
    let mut bench = Bench::with(RestorePolicy {
        enabled: false,
        ..RestorePolicy::default()
    });
    bench.says("u1", "1");
    let update =
        bench.send(json!({"type": "session.update", "session": {"type": "realtime", "instructions": "x"}}));
    let create = bench.send(user_text("u2", "2"));
    bench.append(vec![0; 960]);
    let commit = bench.send(json!({"type": "input_audio_buffer.commit"}));
    let respond = bench.send(json!({"type": "response.create"}));
    let lost = bench.mirror.lost();
    let discarded = Fate::Discarded(DiscardReason::ConnectionLost);
    assert_eq!(
        lost.fates,
        [update, create, commit, respond].map(|seq| (seq, discarded))
    );
    assert!(lost.pending.is_empty());
    assert_eq!(lost.lost_audio_ms, 0);
    assert!(bench.mirror.is_empty());
    let told = bench.restore();
    assert!(told.plan.steps.is_empty() && told.replayed.is_empty());
    bench.says("u3", "3");
    assert!(
        bench
            .mirror
            .plan(&Known::default(), Purpose::Restore)
            .steps
            .is_empty()
    );
}

#[test]
fn a_translation_keeps_its_settings_and_a_second_of_input() {
    let mut bench = Bench::of(RestorePolicy::default(), SessionKind::Translation);
    assert_eq!(bench.mirror.kind(), SessionKind::Translation);
    let update =
        rt_protocol::client_event::SessionUpdate::new(rt_protocol::session::TranslationSession::to("es"));
    bench.mirror.write(1, Intent::of(&update.into()), false);
    bench.server(json!({"type": "session.updated", "session": {"type": "translation"}}));
    for seq in 2..20 {
        let event = rt_protocol::client_event::SessionInputAudioBufferAppend::new(vec![0; 9600]);
        bench.mirror.write(seq, Intent::of(&event.into()), false);
    }
    bench.mirror.confirmed(19);
    let told = bench.reconnect();
    assert_eq!(told.lost_session.pending, [15, 16, 17, 18, 19]);
    assert_eq!(told.plan.steps.len(), 1);
    assert_eq!(
        serde_json::to_value(&told.plan.steps[0].event).unwrap()["session"],
        json!({"audio": {"output": {"language": "es"}}})
    );
    assert_eq!(told.replayed(), ["session.input_audio_buffer.append"; 5]);
}

#[test]
fn debug_shows_no_content() {
    let mut bench = Bench::with(RestorePolicy {
        anchor: Some("canary".into()),
        summarizer: Some(Summarizer::new(|_, _| Some("canary".into()))),
        max_items: 1,
        ..RestorePolicy::default()
    });
    bench.send(json!({"type": "session.update", "session": {"type": "realtime", "instructions": "canary"}}));
    for n in 0..5 {
        bench.says(&format!("u{n}"), "canary");
    }
    bench.speaks("a", &[("canary", 100)], false);
    bench.append(b"canary".to_vec());
    bench.send(json!({"type": "response.create", "response": {"instructions": "canary"}}));
    let snapshot = bench.mirror.snapshot();
    let lost = bench.mirror.lost();
    let plan = bench.mirror.plan(&Known::default(), Purpose::Restore);
    for shown in [
        format!("{:?}", bench.mirror),
        format!("{snapshot:?} {lost:?} {plan:?}"),
        format!("{:?}", bench.mirror.replay()),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
        assert!(!shown.contains("99, 97, 110"), "{shown}");
    }
    assert_eq!(format!("{:?}", Summarizer::new(|_, _| None)), "Summarizer");
}
