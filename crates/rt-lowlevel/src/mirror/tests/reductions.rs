//! Server events that tell a part, and which command each answers.

use super::*;

/// A response under way, with an item that has nothing in it yet.
fn speaking(bench: &mut Bench) {
    bench.server(created("r", &json!(null)));
    bench.server(added(
        None,
        json!({"type": "message", "id": "a", "role": "assistant", "status": "in_progress", "content": []}),
    ));
}

fn part(kind: &str, key: &str, text: &str) -> Value {
    json!({"type": kind, "response_id": "r", "item_id": "a", "content_index": 0, key: text})
}

#[test]
fn text_is_told_as_it_came_and_counts_as_read() {
    let mut bench = Bench::new();
    speaking(&mut bench);
    for delta in ["What is ", "written"] {
        bench.server(part("response.output_text.delta", "delta", delta));
    }
    let told = bench.reconnect();
    assert_eq!(told.items(), [("a".to_owned(), "What is written".to_owned())]);
    assert_eq!(told.plan.text_only, 0, "there was no audio");
}

#[test]
fn the_whole_text_wins_over_its_deltas() {
    let mut bench = Bench::new();
    speaking(&mut bench);
    bench.server(part("response.output_text.delta", "delta", "What"));
    bench.server(part("response.output_text.done", "text", "What is written"));
    assert_eq!(bench.reconnect().items()[0].1, "What is written");

    let mut bench = Bench::new();
    speaking(&mut bench);
    bench.audio("r", "a", 400);
    bench.server(part(
        "response.output_audio_transcript.done",
        "transcript",
        "What is said",
    ));
    bench.server(
        json!({"type": "conversation.item.done", "item": {"type": "message", "id": "a",
        "role": "assistant", "status": "completed", "content": []}}),
    );
    let told = bench.reconnect();
    assert_eq!(told.items()[0].1, "What is said");
    assert_eq!(told.plan.text_only, 1);
}

#[test]
fn why_speech_is_lost() {
    // Text, and no audio to it.
    let mut bench = Bench::new();
    bench.speaks("a", &[("unheard", 0)], false);
    assert_eq!(bench.reconnect().lost(), [("a", LostReason::NotHeard)]);
    // Nothing at all, and more to come.
    let mut bench = Bench::new();
    speaking(&mut bench);
    assert_eq!(bench.reconnect().lost(), [("a", LostReason::Incomplete)]);
    // Audio whose text has not come.
    let mut bench = Bench::new();
    speaking(&mut bench);
    bench.audio("r", "a", 400);
    assert_eq!(bench.reconnect().lost(), [("a", LostReason::Incomplete)]);
    // Nothing at all, and that is all.
    let mut bench = Bench::new();
    bench.speaks("a", &[], true);
    assert_eq!(bench.reconnect().lost(), [("a", LostReason::NotHeard)]);
}

#[test]
fn every_reason_has_words() {
    let reasons = [
        LostReason::Bounds,
        LostReason::Summarized,
        LostReason::NoTranscript,
        LostReason::NotHeard,
        LostReason::Incomplete,
        LostReason::NoCall,
        LostReason::Unsupported,
        LostReason::Rejected("odd".to_owned()),
    ];
    let texts: std::collections::HashSet<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), reasons.len(), "each its own: {texts:?}");
    assert!(texts.iter().all(|text| text.len() > 10));
    assert!(texts.contains("refused by the server: odd"));
}

#[test]
fn a_truncation_is_answered_by_its_own_content() {
    let mut bench = Bench::new();
    bench.speaks("a", &[("aaaa", 400)], true);
    bench.speaks("b", &[("bbbb", 400)], true);
    let cut = |id: &str, index: u32| json!({"type": "conversation.item.truncate", "item_id": id, "content_index": index, "audio_end_ms": 100});
    let done = |id: &str, index: u32| json!({"type": "conversation.item.truncated", "item_id": id, "content_index": index, "audio_end_ms": 100});
    let first = bench.send(cut("a", 0));
    let second = bench.send(cut("a", 1));
    let third = bench.send(cut("b", 1));
    assert_eq!(bench.acks(done("c", 0)), [0u64; 0]);
    assert_eq!(bench.acks(done("b", 1)), [third]);
    assert_eq!(bench.acks(done("a", 1)), [second]);
    assert_eq!(bench.acks(done("a", 0)), [first]);
}

#[test]
fn a_response_answers_the_request_that_it_names() {
    let mut bench = Bench::new();
    let ask = |key: &str| {
        json!({"type": "response.create", "event_id": key, "response": {"conversation": "none",
            "metadata": {"rt_req": key}}})
    };
    let first = bench.send(ask("one"));
    let second = bench.send(ask("two"));
    assert_eq!(bench.acks(created("r2", &json!({"rt_req": "two"}))), [second]);
    assert_eq!(bench.acks(created("r1", &json!({"rt_req": "one"}))), [first]);
}

#[test]
fn a_turn_is_an_item_once_and_only_if_it_has_an_id() {
    let mut bench = Bench::new();
    bench.append(vec![1; 48 * 300]);
    bench.server(committed("", None));
    assert_eq!(bench.mirror.items.len(), 0);
    bench.append(vec![1; 48 * 300]);
    let item = json!({"type": "message", "id": "u", "role": "user", "content": [{"type": "input_audio", "transcript": null}]});
    bench.server(added(None, item));
    bench.server(committed("u", None));
    bench.server(committed("u", None));
    assert_eq!(bench.mirror.items.len(), 1);
}

#[test]
fn so_many_calls_that_are_gone_are_remembered() {
    let mut gone = VecDeque::new();
    for n in 0..MAX_GONE + 2 {
        bounded_push(&mut gone, n.to_string());
    }
    assert_eq!(gone.len(), MAX_GONE);
    assert_eq!(gone[0], "2", "the oldest are forgotten");
}

#[test]
fn the_phase_of_what_is_said_is_the_last_that_was_told() {
    let phase = |json: Value| -> Value {
        let mut bench = Bench::new();
        bench.server(created("r", &json!(null)));
        bench.server(added(
            None,
            json!({"type": "message", "id": "a", "role": "assistant",
            "phase": "commentary", "content": []}),
        ));
        bench.server(part("response.output_text.delta", "delta", "text"));
        bench.server(json!({"type": "conversation.item.done", "item": json}));
        let told = bench.reconnect();
        serde_json::to_value(&told.plan.steps[0].event).unwrap()["item"]["phase"].clone()
    };
    let done = |phase: Option<&str>| {
        let mut item = json!({"type": "message", "id": "a", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "text"}]});
        if let Some(phase) = phase {
            item["phase"] = phase.into();
        }
        item
    };
    assert_eq!(phase(done(Some("final_answer"))), json!("final_answer"));
    assert_eq!(phase(done(None)), json!(null));
}
