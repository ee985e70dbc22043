//! What falls out of a restore, and how the second session of a rollover is brought up to date.

use std::sync::{Arc, Mutex};

use super::*;

fn bounded(max_items: usize, max_text: usize) -> RestorePolicy {
    RestorePolicy {
        max_items,
        max_text,
        ..RestorePolicy::default()
    }
}

fn with_texts(policy: RestorePolicy, count: usize, len: usize) -> Bench {
    let mut bench = Bench::with(policy);
    for n in 0..count {
        bench.says(&format!("u{n}"), &"x".repeat(len));
    }
    bench
}

#[test]
fn the_oldest_fall_out() {
    let mut bench = with_texts(bounded(3, 1000), 5, 1);
    let told = bench.reconnect();
    assert_eq!(told.ids(), strings(&["u2", "u3", "u4"]));
    assert_eq!(
        told.lost(),
        [("u0", LostReason::Bounds), ("u1", LostReason::Bounds)]
    );
    assert_eq!(told.plan.lost_unlisted, 0);
    assert!(bench.reconnect().lost().is_empty());
    // By their text.
    let mut bench = with_texts(bounded(100, 30), 5, 10);
    assert_eq!(bench.reconnect().ids(), strings(&["u2", "u3", "u4"]));
    let mut bench = with_texts(bounded(100, 29), 5, 10);
    assert_eq!(bench.reconnect().ids(), strings(&["u3", "u4"]));
    // The newest stays, however long it is.
    let mut bench = with_texts(bounded(100, 5), 3, 10);
    assert_eq!(bench.reconnect().ids(), strings(&["u2"]));
    let mut bench = with_texts(bounded(0, 5), 3, 1);
    assert!(bench.reconnect().ids().is_empty());
    // What fits stays.
    let mut bench = with_texts(bounded(5, 50), 5, 10);
    assert!(bench.reconnect().lost().is_empty());
}

#[test]
fn a_pair_falls_out_together() {
    let mut bench = Bench::with(bounded(2, 1000));
    bench.send(json!({"type": "conversation.item.create", "item": {"type": "function_call", "id": "c1", "call_id": "k", "name": "f", "arguments": "{}"}}));
    bench.says("u1", "between");
    bench.send(json!({"type": "conversation.item.create", "item": {"type": "function_call_output", "id": "o1", "call_id": "k", "output": "out"}}));
    let seqs = (1, 3);
    let told = bench.reconnect();
    assert_eq!(told.ids(), strings(&["u1"]));
    assert_eq!(
        told.lost(),
        [("c1", LostReason::Bounds), ("o1", LostReason::Bounds)]
    );
    assert_eq!(
        told.plan.discarded,
        [
            (seqs.0, DiscardReason::NotRestored),
            (seqs.1, DiscardReason::NotRestored)
        ]
    );
}

#[test]
fn a_call_that_runs_does_not_fall_out() {
    let mut bench = Bench::with(bounded(2, 1000));
    bench.server(added(
        None,
        json!({"type": "function_call", "id": "c1", "call_id": "k", "name": "f", "arguments": ""}),
    ));
    bench
        .server(json!({"type": "response.function_call_arguments.done", "item_id": "c1", "arguments": "{}"}));
    for n in 0..5 {
        bench.says(&format!("u{n}"), "x");
    }
    assert_eq!(bench.reconnect().ids(), strings(&["u3", "u4"]));
    let (_, write) = bench.write(json!({"type": "conversation.item.create", "item": {"type": "function_call_output", "id": "o1", "call_id": "k", "output": "out"}}));
    assert!(matches!(write, Write::Instead(events) if events.len() == 2));
}

#[test]
fn memory_is_bounded_without_a_loss() {
    let mut bench = with_texts(bounded(10, 100_000), 1000, 10);
    assert!(bench.mirror.items.len() <= 20);
    let told = bench.reconnect();
    assert_eq!(told.ids().len(), 10);
    assert_eq!(told.ids()[9], "u999");
    assert_eq!(told.plan.lost.len(), 256);
    assert_eq!(told.plan.lost.len() as u64 + told.plan.lost_unlisted, 990);
    let bench = with_texts(bounded(1000, 100), 100, 10);
    assert!(bench.mirror.items.text_len() <= 200);
    // What cannot be told takes room too.
    let mut bench = Bench::with(bounded(10, 100_000));
    for n in 0..1000 {
        bench.speaks(&format!("a{n}"), &[("unheard", 0)], true);
        bench.server(added(None, json!({"type": "function_call", "id": format!("c{n}"), "call_id": format!("k{n}"), "name": "f", "arguments": "", "status": "in_progress"})));
        bench.server(json!({"type": "response.function_call_arguments.done", "item_id": format!("c{n}"), "arguments": "{}"}));
    }
    assert!(bench.mirror.items.len() <= 61, "{}", bench.mirror.items.len());
}

/// What a summarizer was given: its last text, and how many items.
type Given = (Option<String>, usize);

#[test]
fn what_falls_out_can_be_summarized() {
    let calls: Arc<Mutex<Vec<Given>>> = Arc::default();
    let seen = calls.clone();
    let policy = RestorePolicy {
        summarizer: Some(Summarizer::new(move |earlier, items| {
            seen.lock()
                .unwrap()
                .push((earlier.map(str::to_owned), items.len()));
            (items.len() < 100).then(|| format!("{} and {}", earlier.unwrap_or("nothing"), items.len()))
        })),
        anchor: Some("Go on.".into()),
        ..bounded(2, 1000)
    };
    let mut bench = with_texts(policy, 4, 1);
    let told = bench.reconnect();
    assert_eq!(
        told.items(),
        [
            ("rt_summary".to_owned(), "nothing and 2".to_owned()),
            ("u2".to_owned(), "x".to_owned()),
            ("u3".to_owned(), "x".to_owned()),
            ("rt_anchor".to_owned(), "Go on.".to_owned()),
        ]
    );
    assert_eq!(
        told.lost(),
        [("u0", LostReason::Summarized), ("u1", LostReason::Summarized)]
    );
    let roles = |at: usize| serde_json::to_value(&told.plan.steps[at].event).unwrap()["item"]["role"].clone();
    assert_eq!((roles(0), roles(3)), (json!("system"), json!("system")));
    bench.says("u4", "x");
    assert_eq!(bench.reconnect().items()[0].1, "nothing and 2 and 1");
    assert_eq!(
        *calls.lock().unwrap(),
        [(None, 2), (Some("nothing and 2".to_owned()), 1)]
    );
    // It stays when nothing new falls out.
    assert_eq!(bench.reconnect().ids()[0], "rt_summary");
}

#[test]
fn an_anchor_needs_something_to_stand_behind() {
    let mut bench = Bench::with(RestorePolicy {
        anchor: Some("Go on.".into()),
        ..RestorePolicy::default()
    });
    assert!(bench.reconnect().ids().is_empty());
    bench.says("u1", "x");
    let plan = bench.mirror.plan(&Known::default(), Purpose::Prepare);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(bench.reconnect().ids(), strings(&["u1", "rt_anchor"]));
}

#[test]
fn refused_items_are_listed_and_those_behind_them_come_again() {
    let mut bench = with_texts(RestorePolicy::default(), 4, 1);
    let pending = bench.send(user_text("u4", "x"));
    bench.mirror.lost();
    let mut known = Known::default();
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    known.acknowledged(&plan.steps[0]);
    known.rejected(&plan.steps[1], "bad_item");
    for step in &plan.steps[2..] {
        // The server did not know the one before.
        known.rejected(step, "item_create_invalid_previous_item_id");
    }
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    let told: Vec<_> = plan
        .steps
        .iter()
        .map(|step| serde_json::to_value(&step.event).unwrap())
        .collect();
    let places: Vec<_> = told
        .iter()
        .map(|event| {
            (
                event["previous_item_id"].as_str().unwrap(),
                event["item"]["id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [("u0", "u2"), ("u2", "u3"), ("u3", "u4")]);
    assert_eq!(
        plan.lost,
        [LostItem::new("u1", LostReason::Rejected("bad_item".into()))]
    );
    known.acknowledged(&plan.steps[0]);
    known.acknowledged(&plan.steps[1]);
    // This one is refused for itself: its command with it.
    known.rejected(&plan.steps[2], "bad_item");
    assert_eq!(plan.steps[2].seq, Some(pending));
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    assert!(plan.steps.is_empty() && plan.discarded.is_empty());
    assert_eq!(plan.lost.len(), 2);
    assert_eq!(known.items(), 3);
    bench.mirror.attach(&known);
    assert_eq!(bench.reconnect().ids(), strings(&["u0", "u2", "u3"]));
}

#[test]
fn a_second_session_is_brought_up_to_date() {
    let mut bench = with_texts(RestorePolicy::default(), 2, 1);
    bench.speaks("a1", &[("aaaa", 500), (" bbbb", 500)], false);
    bench.says("u2", "late");
    let mut known = Known::default();
    let apply = |known: &mut Known, plan: &Plan| -> Vec<String> {
        plan.steps
            .iter()
            .map(|step| {
                known.acknowledged(step);
                match &step.kind {
                    StepKind::Settings => "settings".to_owned(),
                    StepKind::Create { id } => format!("+{id}"),
                    StepKind::Delete { id } => format!("-{id}"),
                }
            })
            .collect()
    };
    // Up to what may still change.
    let plan = bench.mirror.plan(&known, Purpose::Prepare);
    assert_eq!(apply(&mut known, &plan), ["+u0", "+u1"]);
    assert!(bench.mirror.plan(&known, Purpose::Prepare).steps.is_empty());
    // The user deletes one on the first session.
    bench.send(json!({"type": "conversation.item.delete", "item_id": "u0"}));
    bench.server(json!({"type": "conversation.item.deleted", "item_id": "u0"}));
    let plan = bench.mirror.plan(&known, Purpose::Prepare);
    assert_eq!(apply(&mut known, &plan), ["-u0"]);
    bench.server(json!({"type": "response.done", "response": {"id": "resp_a1", "status": "completed", "output": [
        {"type": "message", "id": "a1", "role": "assistant", "content": [{"type": "output_audio", "transcript": "aaaa bbbb"}]}]}}));
    let plan = bench.mirror.plan(&known, Purpose::Prepare);
    assert_eq!(apply(&mut known, &plan), ["+a1", "+u2"]);
    // It is cut afterwards.
    bench.send(json!({"type": "conversation.item.truncate", "item_id": "a1", "content_index": 0, "audio_end_ms": 500}));
    assert!(!bench.mirror.is_quiet());
    bench.server(json!({"type": "conversation.item.truncated", "item_id": "a1", "content_index": 0, "audio_end_ms": 500}));
    assert!(bench.mirror.is_quiet());
    bench.mirror.hand_over();
    let plan = bench.mirror.plan(&known, Purpose::Restore);
    assert_eq!(plan.steps.len(), 2);
    let ClientEvent::ConversationItemCreate(again) = &plan.steps[1].event else {
        panic!()
    };
    assert_eq!(
        (again.previous_item_id.as_deref(), told_item(&plan.steps[1].event)),
        (Some("u1"), Some(("a1".into(), "aaaa".into())))
    );
    assert_eq!(apply(&mut known, &plan), ["-a1", "+a1"]);
    assert!(bench.mirror.plan(&known, Purpose::Restore).steps.is_empty());
    bench.mirror.attach(&known);
    assert_eq!(bench.reconnect().ids(), strings(&["u1", "a1", "u2"]));
}

#[test]
fn what_is_prepared_waits_for_transcripts_tools_and_playback() {
    let prepared = |bench: &mut Bench| {
        let plan = bench.mirror.plan(&Known::default(), Purpose::Prepare);
        plan.steps
            .iter()
            .filter_map(|step| told_item(&step.event))
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    let mut bench = Bench::new();
    bench.server(json!({"type": "session.created", "session": {"type": "realtime", "audio": {"input": {"transcription": {"model": "m"}}}}}));
    bench.append(vec![0; 48_000]);
    bench.server(json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 500, "item_id": "u1"}));
    bench.server(committed("u1", None));
    assert!(prepared(&mut bench).is_empty());
    bench.server(json!({"type": "conversation.item.input_audio_transcription.failed", "item_id": "u1", "content_index": 0, "error": {}}));
    assert_eq!(prepared(&mut bench), ["u1"]);
    bench.server(added(
        Some("u1"),
        json!({"type": "function_call", "id": "c1", "call_id": "k", "name": "f", "arguments": ""}),
    ));
    bench.says("u2", "x");
    assert_eq!(prepared(&mut bench), ["u1"], "the arguments are not whole");
    bench
        .server(json!({"type": "response.function_call_arguments.done", "item_id": "c1", "arguments": "{}"}));
    assert_eq!(prepared(&mut bench), ["u1", "u2"], "a tool runs");
    bench.speaks("a1", &[("aaaa", 500)], true);
    assert_eq!(prepared(&mut bench), ["u1", "u2", "a1"]);
    bench.mirror.played("a1", 0, 11_999);
    assert_eq!(prepared(&mut bench), ["u1", "u2"], "it plays");
    assert!(!bench.mirror.is_quiet());
    bench.mirror.played("a1", 0, 12_000);
    assert_eq!(prepared(&mut bench), ["u1", "u2", "a1"]);
    // Without transcription no transcript is waited for.
    bench.server(json!({"type": "session.updated", "session": {"type": "realtime"}}));
    bench.server(committed("u3", Some("a1")));
    bench.server(added(Some("u3"), message("u4", "user", "input_text", "x")));
    assert_eq!(prepared(&mut bench), ["u1", "u2", "a1", "u3", "u4"]);
}

#[test]
fn a_summarizer_that_panics_has_nothing_to_say() {
    let policy = RestorePolicy {
        summarizer: Some(Summarizer::new(|_, _| {
            panic!("a summarizer that panics, as the test wants it to")
        })),
        ..bounded(2, 1000)
    };
    let told = with_texts(policy, 4, 1).reconnect();
    assert_eq!(told.ids(), ["u2", "u3"]);
    assert_eq!(
        told.lost(),
        [("u0", LostReason::Bounds), ("u1", LostReason::Bounds)]
    );
}

#[test]
fn what_cannot_be_told_is_kept_up_to_twice_the_bound() {
    let mut bench = Bench::with(bounded(2, 1000));
    let ids = |bench: &Bench| {
        let entries = bench.mirror.items.entries().iter();
        entries.map(|entry| entry.id.clone()).collect::<Vec<_>>()
    };
    for n in 0..4 {
        bench.speaks(&format!("a{n}"), &[("unheard", 0)], true);
    }
    assert_eq!(ids(&bench), strings(&["a0", "a1", "a2", "a3"]));
    bench.speaks("a4", &[("unheard", 0)], true);
    assert_eq!(ids(&bench), strings(&["a1", "a2", "a3", "a4"]));
}

#[test]
fn a_summary_that_a_second_session_has_is_not_told_again() {
    let mut bench = with_texts(
        RestorePolicy {
            summarizer: Some(Summarizer::new(|_, _| Some("summary".to_owned()))),
            ..bounded(2, 1000)
        },
        5,
        1,
    );
    let mut known = Known::default();
    for steps in [3, 0] {
        let plan = bench.mirror.plan(&known, Purpose::Prepare);
        assert_eq!(plan.steps.len(), steps, "{:?}", plan.steps);
        for step in &plan.steps {
            known.acknowledged(step);
        }
    }
    assert_eq!(known.items(), 3);
}

#[test]
fn a_call_that_has_its_output_is_prepared() {
    let mut bench = Bench::new();
    bench.server(added(
        None,
        json!({"type": "function_call", "id": "c1", "call_id": "k", "name": "f", "arguments": ""}),
    ));
    bench
        .server(json!({"type": "response.function_call_arguments.done", "item_id": "c1", "arguments": "{}"}));
    let output = json!({"type": "function_call_output", "id": "o1", "call_id": "k", "output": "out"});
    bench.send(json!({"type": "conversation.item.create", "item": output}));
    bench.server(added(Some("c1"), output));
    let plan = bench.mirror.plan(&Known::default(), Purpose::Prepare);
    let ids: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| told_item(&step.event))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(ids, ["c1", "o1"]);
}
