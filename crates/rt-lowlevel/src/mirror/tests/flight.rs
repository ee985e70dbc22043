//! What is in flight when the session is lost, and what comes too late.

use super::*;

#[test]
fn a_response_in_flight_is_settled_once() {
    let mut bench = Bench::new();
    let respond = bench.send(json!({"type": "response.create", "event_id": "mine", "response": {"metadata": {"rt_req": "k", "a": "b"}}}));
    assert_eq!(
        bench.acks(created("resp_a1", &json!({"rt_req": "k", "a": "b"}))),
        [respond]
    );
    assert!(!bench.mirror.is_quiet());
    bench.speaks("a1", &[("aaaa", 400), (" bbbb", 500), (" cccc", 10)], false);
    bench.mirror.played("a1", 0, 21_000);
    let told = bench.reconnect();
    assert_eq!(
        told.lost_session.responses,
        [SettledResponse {
            response_id: Some("resp_a1".into()),
            request_id: Some("mine".into()),
            metadata: [("a".to_owned(), "b".into())].into(),
            out_of_band: false,
            outcome: SettledOutcome::Interrupted,
            items: vec!["a1".into()],
            heard: "aaaa".into(),
            received_ms: 910,
            played_ms: 875,
        }]
    );
    assert_eq!(told.items(), [("a1".to_owned(), "aaaa".to_owned())]);
    assert!(told.replayed.is_empty());
    assert!(!bench.mirror.is_quiet(), "the rest still plays");
    bench.mirror.played("a1", 0, 21_840);
    assert!(bench.mirror.is_quiet());
    assert!(bench.reconnect().lost_session.responses.is_empty());
}

#[test]
fn a_request_without_a_response_is_made_again() {
    let mut bench = Bench::new();
    let respond = bench.send(json!({"type": "response.create", "response": {"instructions": "sing"}}));
    let told = bench.reconnect();
    assert_eq!(told.lost_session.pending, [respond]);
    assert!(told.lost_session.responses.is_empty());
    let ClientEvent::ResponseCreate(again) = &told.replayed[0].event else {
        panic!()
    };
    assert_eq!(
        again.response.value().unwrap().instructions.as_deref(),
        Some("sing")
    );
    assert!(!bench.mirror.is_quiet());
    // And once more, if that session goes too.
    assert_eq!(bench.reconnect().replayed(), ["response.create"]);
    let key =
        json!({"rt_req": again.response.value().unwrap().metadata.value().unwrap()["rt_req"].to_string()});
    assert_eq!(bench.acks(created("r", &key)), [respond]);
    assert!(bench.reconnect().replayed.is_empty());
}

#[test]
fn out_of_band_responses_are_repeated_only_if_they_may_be() {
    let mut bench = Bench::new();
    let oob = |event_id: &str, marks: Value| json!({"type": "response.create", "event_id": event_id, "response": {"conversation": "none", "metadata": marks}});
    let plain = bench.send(oob("plain", json!({"rt_req": "1"})));
    let marked = bench.send(oob("marked", json!({"rt_req": "2", "rt_idempotent": "true"})));
    let wrong = bench.send(oob("wrong", json!({"rt_req": "3", "rt_idempotent": "yes"})));
    bench.send(oob("plain2", json!({"rt_req": "4"})));
    bench.send(oob("marked2", json!({"rt_req": "5", "rt_idempotent": "true"})));
    for (id, key) in [("r4", "4"), ("r5", "5")] {
        bench.server(json!({"type": "response.created", "response": {"id": id, "conversation_id": null, "metadata": {"rt_req": key}}}));
    }
    let lost = bench.mirror.lost();
    let discarded = Fate::Discarded(DiscardReason::OutOfBand);
    assert_eq!(lost.fates, [(plain, discarded), (wrong, discarded)]);
    assert_eq!(lost.pending, [marked]);
    let outcomes: Vec<_> = lost
        .responses
        .iter()
        .map(|settled| {
            (
                settled.request_id.as_deref().unwrap(),
                settled.response_id.as_deref(),
                settled.outcome,
                settled.out_of_band,
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("plain2", Some("r4"), SettledOutcome::Failed, true),
            ("marked2", Some("r5"), SettledOutcome::Repeated, true),
            ("plain", None, SettledOutcome::Failed, true),
            ("wrong", None, SettledOutcome::Failed, true),
        ]
    );
    let told = bench.restore();
    let again: Vec<_> = told
        .replayed
        .iter()
        .map(|replay| (replay.seq, replay.event.event_id().unwrap()))
        .collect();
    assert_eq!(again, [(Some(marked), "marked"), (None, "marked2")]);
}

#[test]
fn a_cancel_that_was_not_answered_stops_what_it_was_for() {
    let mut bench = Bench::new();
    let respond = bench.send(json!({"type": "response.create"}));
    let cancel = bench.send(json!({"type": "response.cancel"}));
    let lost = bench.mirror.lost();
    assert_eq!(
        lost.fates,
        [(respond, Fate::Superseded), (cancel, Fate::Superseded)]
    );
    assert!(bench.restore().replayed.is_empty());
    // One for a response that ended leaves the next request alone.
    bench.server(created("r", &json!(null)));
    let cancel = bench.send(json!({"type": "response.cancel"}));
    let respond = bench.send(json!({"type": "response.create"}));
    let lost = bench.mirror.lost();
    assert_eq!(
        (lost.fates, lost.pending),
        (vec![(cancel, Fate::Superseded)], vec![respond])
    );
    // One that names a response, too.
    bench.restore();
    bench.send(json!({"type": "response.cancel", "response_id": "r"}));
    assert_eq!(bench.mirror.lost().pending, [respond]);
}

#[test]
fn a_cancel_is_answered_by_the_end_it_caused() {
    let mut bench = Bench::new();
    let done = |status: &str, reason: Option<&str>| {
        let details = reason.map(|reason| json!({"type": status, "reason": reason}));
        json!({"type": "response.done", "response": {"id": "r", "status": status, "status_details": details}})
    };
    for (status, reason, answered) in [
        ("completed", None, false),
        ("in_progress", None, false),
        ("cancelled", Some("turn_detected"), false),
        ("cancelled", Some("client_cancelled"), true),
        ("cancelled", None, true),
        ("incomplete", Some("max_output_tokens"), true),
        ("failed", None, true),
    ] {
        bench.server(created("r", &json!(null)));
        let cancel = bench.send(json!({"type": "response.cancel", "event_id": "c"}));
        let acks = bench.acks(done(status, reason));
        assert_eq!(
            acks,
            if answered { vec![cancel] } else { vec![] },
            "{status} {reason:?}"
        );
        if !answered {
            assert_eq!(bench.rejects(error("c", "response_cancel_not_active")), [cancel]);
        }
    }
    // Only by the end of the one it names.
    bench.send(json!({"type": "response.cancel", "response_id": "other", "event_id": "c"}));
    assert_eq!(bench.acks(done("cancelled", None)), [0u64; 0]);
    let named = bench.send(json!({"type": "response.cancel", "response_id": "r"}));
    assert_eq!(bench.acks(done("cancelled", None)), [named]);
}

#[test]
fn what_comes_too_late_is_not_written() {
    let mut bench = Bench::new();
    bench.says("u1", "1");
    bench.speaks("a1", &[("aaaa bbbb", 900)], true);
    let late = |write: &Write| matches!(write, Write::Nothing(Fate::Superseded));
    bench.reconnect();
    let truncate = json!({"type": "conversation.item.truncate", "item_id": "a1", "content_index": 0, "audio_end_ms": 500});
    assert!(!bench.mirror.truncate_allowed("a1"));
    assert!(bench.mirror.truncate_allowed("other"));
    assert!(late(&bench.stale(truncate.clone())));
    assert!(
        late(&bench.write(truncate.clone()).1),
        "the session has it as text"
    );
    assert!(late(&bench.stale(
        json!({"type": "conversation.item.truncate", "item_id": "gone", "audio_end_ms": 5})
    )));
    assert!(late(&bench.stale(
        json!({"type": "conversation.item.delete", "item_id": "gone"})
    )));
    assert!(late(&bench.stale(json!({"type": "response.cancel"}))));
    assert!(late(
        &bench.stale(json!({"type": "response.cancel", "response_id": "gone"}))
    ));
    assert!(bench.mirror.commands.is_empty());
    // The cut holds for the next session.
    assert_eq!(bench.reconnect().items()[1].1, "aaaa");

    // These still have something to act on.
    bench.send(json!({"type": "response.create", "response": {"metadata": {"rt_req": "k"}}}));
    assert!(matches!(
        bench.stale(json!({"type": "response.cancel"})),
        Write::AsIs
    ));
    bench.server(created("r", &json!({"rt_req": "k"})));
    assert!(matches!(
        bench.stale(json!({"type": "response.cancel"})),
        Write::AsIs
    ));
    assert!(matches!(
        bench.stale(json!({"type": "response.cancel", "response_id": "r"})),
        Write::AsIs
    ));
    assert!(matches!(
        bench.stale(json!({"type": "conversation.item.delete", "item_id": "u1"})),
        Write::AsIs
    ));
    // A response the server began by itself is not what was to be cancelled.
    let mut bench = Bench::new();
    bench.server(created("r", &json!(null)));
    assert!(late(&bench.stale(json!({"type": "response.cancel"}))));
    // Not late, and not known: the server decides.
    assert!(matches!(
        bench
            .write(json!({"type": "conversation.item.delete", "item_id": "gone"}))
            .1,
        Write::AsIs
    ));
    assert!(matches!(
        bench.write(json!({"type": "response.cancel"})).1,
        Write::AsIs
    ));
    assert!(matches!(bench.write(truncate).1, Write::AsIs));
}

#[test]
fn a_place_that_is_gone_becomes_the_end() {
    let mut bench = Bench::new();
    bench.says("u1", "1");
    bench.reconnect();
    let create = |previous: &str| json!({"type": "conversation.item.create", "previous_item_id": previous, "item": {"type": "message", "role": "user", "content": []}});
    let Write::Instead(events) = bench.stale(create("gone")) else {
        panic!()
    };
    let ClientEvent::ConversationItemCreate(create_event) = &events[0] else {
        panic!()
    };
    assert_eq!(events.len(), 1);
    assert!(create_event.previous_item_id.is_absent());
    for previous in ["u1", "root"] {
        assert!(matches!(bench.stale(create(previous)), Write::AsIs), "{previous}");
    }
    // Behind one that is itself on its way.
    let (_, event) = bench.prepared(create("u1"));
    let id = match &event {
        ClientEvent::ConversationItemCreate(create) => create.item.id().unwrap().to_owned(),
        _ => panic!(),
    };
    bench.mirror.write(99, Intent::of(&event), true);
    assert!(matches!(bench.stale(create(&id)), Write::AsIs));
    assert!(
        matches!(bench.write(create("gone")).1, Write::AsIs),
        "not late: the server decides"
    );
}

#[test]
fn what_waits_is_taken_into_the_plan() {
    let mut bench = Bench::new();
    bench.says("u1", "1");
    bench.speaks("a1", &[("aaaa bbbb", 900)], true);
    bench.mirror.lost();
    let mut absorb = |event: Value| {
        let (seq, event) = bench.prepared(event);
        bench.mirror.absorb(seq, &Intent::of(&event))
    };
    assert!(absorb(
        json!({"type": "session.update", "session": {"type": "realtime", "instructions": "x"}})
    ));
    assert!(absorb(
        json!({"type": "conversation.item.delete", "item_id": "u1"})
    ));
    assert!(absorb(
        json!({"type": "conversation.item.truncate", "item_id": "a1", "content_index": 0, "audio_end_ms": 500})
    ));
    assert!(!absorb(
        json!({"type": "conversation.item.delete", "item_id": "u1"})
    ));
    assert!(!absorb(
        json!({"type": "conversation.item.truncate", "item_id": "u1", "content_index": 0, "audio_end_ms": 500})
    ));
    assert!(!absorb(json!({"type": "response.create"})));
    assert!(!absorb(json!({"type": "future"})));
    let told = bench.restore();
    assert_eq!(told.items(), [("a1".to_owned(), "aaaa".to_owned())]);
    assert_eq!(
        serde_json::to_value(&told.plan.steps[0].event).unwrap()["session"]["instructions"],
        "x"
    );
}
