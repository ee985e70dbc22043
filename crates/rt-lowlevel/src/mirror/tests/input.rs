//! The user's voice: turns, transcripts, what is said again.

use super::*;

const MS: usize = 48;

fn manual(bench: &mut Bench) {
    bench.server(json!({"type": "session.created", "session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}));
}

/// A turn that the server hears and commits.
fn hears(bench: &mut Bench, id: &str, from: u64, to: u64) {
    let previous = bench.mirror.items.entries().last().map(|entry| entry.id.clone());
    bench.server(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": from, "item_id": id}));
    bench.server(json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": to, "item_id": id}));
    bench.server(committed(id, previous.as_deref()));
    let item = json!({"type": "message", "id": id, "role": "user", "status": "completed", "content": [{"type": "input_audio", "transcript": null}]});
    bench.server(added(previous.as_deref(), item.clone()));
    bench.server(json!({"type": "conversation.item.done", "previous_item_id": previous, "item": item}));
}

fn answered(bench: &mut Bench) {
    bench.server(created("r", &json!(null)));
    bench.server(json!({"type": "response.done", "response": {"id": "r", "status": "completed"}}));
}

#[test]
fn a_turn_is_told_as_its_transcript_else_as_audio_else_it_is_lost() {
    let mut bench = Bench::with(RestorePolicy {
        media: 500 * MS,
        ..RestorePolicy::default()
    });
    bench.append(vec![1; 2000 * MS]);
    hears(&mut bench, "u1", 100, 500);
    hears(&mut bench, "u2", 600, 1000);
    hears(&mut bench, "u3", 1100, 1500);
    answered(&mut bench);
    // The first one's audio made room for the others; then a transcript comes for the second.
    bench.server(transcript("u2", "two"));
    let told = bench.reconnect();
    assert_eq!(
        told.items(),
        [
            ("u2".to_owned(), "two".to_owned()),
            ("u3".to_owned(), format!("<{} bytes>", 400 * MS))
        ]
    );
    assert_eq!(told.lost(), [("u1", LostReason::NoTranscript)]);
    assert_eq!(told.plan.text_only, 1);
    // What was said after the last turn is said again.
    assert_eq!(
        told.replayed.iter().map(|replay| replay.audio_ms).sum::<u64>(),
        500
    );
    // What is lost is reported once.
    assert!(bench.reconnect().lost().is_empty());
}

#[test]
fn an_empty_transcript_is_none() {
    let mut bench = Bench::new();
    bench.append(vec![1; 1000 * MS]);
    hears(&mut bench, "u1", 0, 500);
    bench.server(transcript("u1", " "));
    answered(&mut bench);
    assert_eq!(bench.reconnect().items()[0].1, format!("<{} bytes>", 500 * MS));
    bench.server(json!({"type": "conversation.item.input_audio_transcription.failed", "item_id": "u1", "content_index": 0, "error": {}}));
    assert_eq!(bench.reconnect().items()[0].1, format!("<{} bytes>", 500 * MS));
}

#[test]
fn audio_of_another_format_cannot_be_told() {
    let mut bench = Bench::new();
    bench.append(vec![1; 1000 * MS]);
    hears(&mut bench, "u1", 0, 500);
    answered(&mut bench);
    bench.send(json!({"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}}));
    let told = bench.reconnect();
    assert_eq!(told.lost(), [("u1", LostReason::NoTranscript)]);
    assert_eq!(told.lost_session.lost_audio_ms, 500);
    assert!(told.replayed.is_empty());
}

#[test]
fn messages_with_audio_and_images() {
    let mut bench = Bench::new();
    bench.send(json!({"type": "conversation.item.create", "item": {"type": "message", "id": "u1", "role": "user", "content": [
        {"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_audio", "audio": "AAAA"}]}}));
    bench.send(json!({"type": "conversation.item.create", "item": {"type": "message", "id": "s1", "role": "system", "content": [{"type": "input_text", "text": "sys"}]}}));
    bench.send(json!({"type": "conversation.item.create", "item": {"type": "message", "id": "a1", "role": "assistant", "content": [{"type": "output_text", "text": "ass"}]}}));
    bench.send(json!({"type": "conversation.item.create", "item": {"type": "message", "id": "e1", "role": "user", "content": []}}));
    let told = bench.reconnect();
    assert_eq!(
        told.items()
            .into_iter()
            .map(|(_, content)| content)
            .collect::<Vec<_>>(),
        ["see|<image>|<3 bytes>", "sys", "ass", ""]
    );
    assert_eq!(told.plan.text_only, 0);
    bench.server(json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": "u1", "content_index": 2, "transcript": "said"}));
    let told = bench.reconnect();
    assert_eq!(told.items()[0].1, "see|<image>|said");
    assert_eq!(told.plan.text_only, 1);
    // A transcript may come with the item.
    let mut bench = Bench::new();
    bench.server(added(None, json!({"type": "message", "id": "u2", "role": "user", "content": [{"type": "input_audio", "transcript": null}]})));
    bench.server(json!({"type": "conversation.item.done", "item": {"type": "message", "id": "u2", "role": "user", "content": [{"type": "input_audio", "transcript": "late"}]}}));
    assert_eq!(bench.reconnect().items()[0].1, "late");
}

#[test]
fn an_open_turn_and_what_follows_is_said_again() {
    let mut bench = Bench::new();
    let first = bench.append(vec![1; 300 * MS]);
    bench
        .server(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 100, "item_id": "u1"}));
    assert!(!bench.mirror.is_quiet());
    let second = bench.append(vec![2; 300 * MS]);
    let told = bench.reconnect();
    assert_eq!(told.lost_session.pending, [first, second]);
    assert_eq!(
        told.replayed.iter().map(|replay| replay.seq).collect::<Vec<_>>(),
        [Some(first), Some(second)]
    );
    // The new session counts from there.
    hears(&mut bench, "u1", 100, 450);
    assert_eq!(bench.mirror.items.get("u1").unwrap().body, {
        let pieces = vec![vec![1; 200 * MS].into(), vec![2; 150 * MS].into()];
        items::Body::Message(items::Given::turn(pieces, clock::Format::Pcm, false))
    });
}

#[test]
fn a_commit_that_was_answered_is_not_made_again() {
    let mut bench = Bench::new();
    manual(&mut bench);
    bench.append(vec![1; 100 * MS]);
    let commit = bench.send(json!({"type": "input_audio_buffer.commit"}));
    let rest = bench.append(vec![2; 100 * MS]);
    assert!(!bench.mirror.is_quiet());
    assert_eq!(bench.acks(committed("u1", None)), [commit]);
    let told = bench.reconnect();
    assert_eq!(told.items(), [("u1".to_owned(), format!("<{} bytes>", 100 * MS))]);
    assert_eq!(told.lost_session.pending, [rest]);
    assert_eq!(told.replayed(), ["input_audio_buffer.append"]);
}

#[test]
fn an_answer_that_the_server_owes_is_asked_for() {
    let mut bench = Bench::new();
    bench.append(vec![1; 1000 * MS]);
    hears(&mut bench, "u1", 0, 500);
    assert!(!bench.mirror.is_quiet());
    let told = bench.reconnect();
    assert_eq!(told.replayed(), ["response.create", "input_audio_buffer.append"]);
    assert_eq!(told.replayed[0].seq, None);
    assert!(told.replayed[0].event.event_id().is_some());
    // Its answer settles it.
    let ClientEvent::ResponseCreate(create) = &told.replayed[0].event else {
        panic!()
    };
    let key = create.response.value().unwrap().metadata.value().unwrap()["rt_req"].to_string();
    assert_eq!(bench.acks(created("r", &json!({"rt_req": key}))), [0u64; 0]);
    assert!(bench.mirror.commands.is_empty());
    bench.server(json!({"type": "response.done", "response": {"id": "r"}}));
    assert!(bench.mirror.is_quiet());

    // Not if it began, if the client asks anyway, if the turn is not told, or if the server was not to answer.
    let replayed = |change: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::with(RestorePolicy {
            media: 0,
            ..RestorePolicy::default()
        });
        bench.append(vec![1; 500 * MS]);
        change(&mut bench);
        bench
            .reconnect()
            .replayed()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let heard = |bench: &mut Bench| {
        hears(bench, "u1", 0, 500);
        bench.server(transcript("u1", "hello"));
    };
    assert_eq!(replayed(&heard), ["response.create"]);
    assert!(
        replayed(&|bench| {
            heard(bench);
            bench.server(created("r", &json!(null)));
        })
        .is_empty()
    );
    assert_eq!(
        replayed(&|bench| {
            heard(bench);
            bench.send(json!({"type": "response.create"}));
        }),
        ["response.create"]
    );
    let beside = |bench: &mut Bench| {
        heard(bench);
        bench.send(json!({"type": "response.create", "response": {"conversation": "none", "metadata": {"rt_idempotent": "true"}}}));
    };
    assert_eq!(replayed(&beside), ["response.create", "response.create"]);
    assert!(replayed(&|bench| hears(bench, "u1", 0, 500)).is_empty());
    let silent = json!({"type": "session.created", "session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": false}}}}});
    assert!(
        replayed(&|bench| {
            bench.server(silent.clone());
            heard(bench);
        })
        .is_empty()
    );
}

#[test]
fn at_a_quiet_point_silence_is_not_said_again() {
    let mut bench = Bench::new();
    bench.append(vec![0; 500 * MS]);
    assert!(bench.mirror.is_quiet());
    assert!(bench.mirror.hand_over().pending.is_empty());
    assert!(bench.restore().replayed.is_empty());
    // A turn is.
    let append = bench.append(vec![0; 500 * MS]);
    bench
        .server(json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 100, "item_id": "u1"}));
    assert_eq!(bench.mirror.hand_over().pending, [append]);
    // As is everything when the client commits.
    let mut bench = Bench::new();
    manual(&mut bench);
    let append = bench.append(vec![0; 500 * MS]);
    assert_eq!(bench.mirror.hand_over().pending, [append]);
}

#[test]
fn speech_that_does_not_fit_is_reported() {
    let policy = || RestorePolicy {
        input_audio: std::time::Duration::from_millis(100),
        ..RestorePolicy::default()
    };
    let mut bench = Bench::with(policy());
    manual(&mut bench);
    bench.append(vec![0; 250 * MS]);
    assert_eq!(bench.mirror.lost().lost_audio_ms, 150);
    assert_eq!(bench.mirror.lost().lost_audio_ms, 0);
    let mut bench = Bench::with(policy());
    bench.append(vec![0; 250 * MS]);
    assert_eq!(bench.mirror.lost().lost_audio_ms, 0, "silence");
}

#[test]
fn silence_that_was_read_is_let_go() {
    let mut bench = Bench::new();
    let seqs: Vec<u64> = (0..10).map(|_| bench.append(vec![0; 1000 * MS])).collect();
    bench.mirror.confirmed(seqs[7]);
    assert_eq!(bench.mirror.lost().pending, seqs[3..]);
}

#[test]
fn silence_may_become_a_turn() {
    let mut bench = Bench::new();
    bench.append(vec![0; 6000 * MS]);
    bench.server(json!({"type": "input_audio_buffer.timeout_triggered", "audio_start_ms": 0, "audio_end_ms": 5000, "item_id": "u1"}));
    bench.server(committed("u1", None));
    answered(&mut bench);
    let told = bench.reconnect();
    assert_eq!(told.items()[0].1, format!("<{} bytes>", 5000 * MS));
    assert_eq!(told.replayed[0].audio_ms, 1000);
}

#[test]
fn a_transcription_says_again_what_was_not_written_down() {
    for by_client in [true, false] {
        let mut bench = Bench::of(RestorePolicy::default(), SessionKind::Transcription);
        let detection = if by_client {
            json!(null)
        } else {
            json!({"type": "server_vad"})
        };
        bench.send(json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input": {"turn_detection": detection}}}}));
        bench.server(json!({"type": "session.updated", "session": {"type": "transcription"}}));
        for (n, id) in (0..).zip(["u1", "u2", "u3"]) {
            bench.append(vec![n; 200 * MS]);
            if by_client {
                bench.send(json!({"type": "input_audio_buffer.commit"}));
                let previous = bench.mirror.items.entries().last().map(|entry| entry.id.clone());
                bench.server(committed(id, previous.as_deref()));
            } else {
                hears(&mut bench, id, u64::from(n) * 200, u64::from(n) * 200 + 200);
            }
        }
        bench.append(vec![9; 100 * MS]);
        bench.server(transcript("u2", "two"));
        let told = bench.reconnect();
        assert_eq!(told.plan.steps.len(), 1, "settings only");
        assert!(told.lost().is_empty());
        let said: Vec<(&str, u64)> = told
            .replayed
            .iter()
            .map(|replay| (replay.event.event_type(), replay.audio_ms))
            .collect();
        let append = |ms| ("input_audio_buffer.append", ms);
        let commit = ("input_audio_buffer.commit", 0);
        if by_client {
            assert_eq!(said, [append(200), commit, append(200), commit, append(100)]);
        } else {
            assert_eq!(said, [append(200), append(200), append(100)]);
        }
        let first = |replay: &Replay| match &replay.event {
            ClientEvent::InputAudioBufferAppend(append) => Some(append.audio.as_bytes()[0]),
            _ => None,
        };
        assert_eq!(
            told.replayed.iter().filter_map(first).collect::<Vec<_>>(),
            [0, 2, 9]
        );
        // Not a second time.
        assert_eq!(bench.mirror.items.len(), 0);
        let again = bench
            .reconnect()
            .replayed
            .iter()
            .map(|replay| replay.audio_ms)
            .sum::<u64>();
        assert_eq!(again, 500);
    }
}

#[test]
fn a_transcription_reports_what_it_did_not_keep() {
    let mut bench = Bench::of(
        RestorePolicy {
            media: 0,
            ..RestorePolicy::default()
        },
        SessionKind::Transcription,
    );
    bench.append(vec![0; 200 * MS]);
    hears(&mut bench, "u1", 0, 200);
    let create = bench.send(user_text("x", "not here"));
    let told = bench.reconnect();
    assert_eq!(
        told.lost(),
        [("u1", LostReason::NoTranscript), ("x", LostReason::NoTranscript)]
    );
    assert_eq!(told.plan.discarded, [(create, DiscardReason::NotRestored)]);
    // What failed is over.
    bench.append(vec![0; 200 * MS]);
    hears(&mut bench, "u2", 0, 200);
    bench.server(json!({"type": "conversation.item.input_audio_transcription.failed", "item_id": "u2", "content_index": 0, "error": {}}));
    assert!(bench.reconnect().lost().is_empty());
}

#[test]
fn it_is_not_quiet_while_a_transcript_is_due() {
    let transcribing = json!({"type": "session.created", "session": {"type": "realtime", "audio": {"input": {"transcription": {"model": "m"}, "turn_detection": null}}}});
    let committed_turn = |session: Option<&Value>| {
        let mut bench = Bench::new();
        match session {
            Some(session) => drop(bench.server(session.clone())),
            None => manual(&mut bench),
        }
        bench.append(vec![1; 100 * MS]);
        bench.send(json!({"type": "input_audio_buffer.commit"}));
        bench.server(committed("u1", None));
        bench
    };
    assert!(committed_turn(None).mirror.is_quiet(), "none will come");
    let mut bench = committed_turn(Some(&transcribing));
    assert!(!bench.mirror.is_quiet());
    bench.server(transcript("u1", "hello"));
    assert!(bench.mirror.is_quiet());
    // No transcript is one too.
    let mut bench = committed_turn(Some(&transcribing));
    bench.server(json!({"type": "conversation.item.input_audio_transcription.failed", "item_id": "u1", "content_index": 0, "error": {}}));
    assert!(bench.mirror.is_quiet());
    // A turn that was told again is not written down by the new session.
    let mut bench = committed_turn(Some(&transcribing));
    bench.reconnect();
    assert!(bench.mirror.is_quiet());
}
