//! Lines of both sides come in the order of the conversation, whenever their text becomes known.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rt_protocol::ServerEvent;
use serde_json::json;

use crate::engine::{Engine, Options, Output};
use crate::event::Event;
use crate::history::HistoryState;
use crate::transcript::Line;

fn feed(engine: &mut Engine, now: Duration, event: &serde_json::Value) -> Vec<Line> {
    let event = ServerEvent::from_json(&event.to_string()).unwrap();
    engine.server(now, &Arc::new(event));
    lines(engine)
}

fn lines(engine: &mut Engine) -> Vec<Line> {
    let lines = engine.take().into_iter().filter_map(|output| match output {
        Output::Event(Event::Line(line)) => Some(line),
        _ => None,
    });
    lines.collect()
}

fn session() -> Engine {
    let mut engine = Engine::new(Options::default());
    let session = json!({"type":"session.created","event_id":"e","session":{"type":"realtime","audio":{"input":{
        "transcription":{"model":"m"},"turn_detection":{"type":"server_vad"}}}}});
    feed(&mut engine, Duration::ZERO, &session);
    engine
}

/// The events of turn `n`, each with its rank: those of one side keep their order, the transcription comes when it likes.
fn turn(n: usize) -> (Vec<serde_json::Value>, serde_json::Value) {
    let (user, model, response) = (format!("u{n}"), format!("a{n}"), format!("r{n}"));
    let before = if n == 0 {
        json!(null)
    } else {
        json!(format!("a{}", n - 1))
    };
    let item = |status: &str, content: serde_json::Value| json!({"id":model,"type":"message","role":"assistant","status":status,"content":content});
    let main = vec![
        json!({"type":"input_audio_buffer.committed","item_id":user,"previous_item_id":before}),
        json!({"type":"conversation.item.added","previous_item_id":before,
            "item":{"id":user,"type":"message","role":"user","content":[{"type":"input_audio","transcript":null}]}}),
        json!({"type":"response.created","response":{"id":response}}),
        json!({"type":"conversation.item.added","previous_item_id":user,"item":item("in_progress", json!([]))}),
        json!({"type":"response.output_audio_transcript.delta","response_id":response,"item_id":model,"delta":"answer "}),
        json!({"type":"response.output_audio_transcript.done","response_id":response,"item_id":model,
            "transcript":format!("answer {n}")}),
        json!({"type":"conversation.item.done","previous_item_id":user,
            "item":item("completed", json!([{"type":"output_audio","transcript":format!("answer {n}")}]))}),
        json!({"type":"response.done","response":{"id":response,"status":"completed","output":[]}}),
    ];
    let heard = json!({"type":"conversation.item.input_audio_transcription.completed","item_id":user,
        "content_index":0,"transcript":format!("question {n}")});
    (main, heard)
}

proptest! {
    #[test]
    fn lines_are_in_order_however_late_the_transcription(
        lateness in prop::collection::vec(1_usize..30, 1..5),
    ) {
        let mut engine = session();
        let mut all = Vec::new();
        let mut order = Vec::new();
        for (n, late) in lateness.iter().enumerate() {
            let (main, heard) = turn(n);
            order.extend(main.into_iter().enumerate().map(|(at, event)| (n * 8 + at, event)));
            // Not before its own turn is committed.
            order.push((n * 8 + late, heard));
        }
        order.sort_by_key(|(at, _)| *at);
        for (at, event) in order {
            all.extend(feed(&mut engine, Duration::from_millis(10 * at as u64), &event));
        }
        let told: Vec<String> = all.iter().map(|line| line.text.to_string()).collect();
        let expected: Vec<String> = (0..lateness.len())
            .flat_map(|n| [format!("question {n}"), format!("answer {n}")])
            .collect();
        prop_assert_eq!(told, expected);
        prop_assert!(all.iter().all(|line| !line.late));
        let ids: Vec<&str> = engine.history().iter().map(|item| item.id.as_str()).collect();
        let expected: Vec<String> = (0..lateness.len()).flat_map(|n| [format!("u{n}"), format!("a{n}")]).collect();
        prop_assert_eq!(ids, expected);
        prop_assert!(engine.history().iter().all(|item| item.state == HistoryState::Final));
    }
}

#[test]
fn a_line_is_not_waited_for_for_ever() {
    let mut engine = session();
    let (main, heard) = turn(0);
    let mut told = Vec::new();
    for event in main {
        told.extend(feed(&mut engine, Duration::ZERO, &event));
    }
    assert!(told.is_empty());
    assert_eq!(engine.history()[0].state, HistoryState::Pending);
    let due = engine.deadline().expect("somebody waits");
    engine.handle_timeout(due);
    let told = lines(&mut engine);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].text, "answer 0");
    // Late, and told as such.
    let told = feed(&mut engine, due, &heard);
    assert_eq!((told[0].text.as_ref(), told[0].late), ("question 0", true));
}
