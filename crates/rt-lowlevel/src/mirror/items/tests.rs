//! Tests of the items.

use rt_protocol::AudioBytes;
use rt_protocol::item::{Message, Phase};
use serde_json::json;

use super::*;

fn item(json: serde_json::Value) -> Item {
    serde_json::from_value(json).unwrap()
}

fn entry(id: &str, on_session: bool) -> Entry {
    let mut entry = Entry::new(id, Body::Other(Item::default()));
    entry.on_session = on_session;
    entry
}

fn ids(items: &Items) -> Vec<&str> {
    items.entries().iter().map(|entry| &*entry.id).collect()
}

#[test]
fn places_of_client_and_server() {
    let value = Field::Value("x".to_owned());
    assert_eq!(Place::asked(&Field::Value("root".to_owned())), Place::First);
    assert_eq!(Place::asked(&value), Place::After("x"));
    assert_eq!(Place::asked(&Field::Null), Place::Last);
    assert_eq!(Place::asked(&Field::Absent), Place::Last);
    assert_eq!(Place::told(&value), Place::After("x"));
    assert_eq!(Place::told(&Field::Null), Place::First);
    assert_eq!(Place::told(&Field::Absent), Place::Last);
}

#[test]
fn what_the_session_does_not_know_stays_with_the_item_before_it() {
    let mut items = Items::default();
    // The first item of a session that knows none yet comes after what is held back.
    items.insert(entry("held", false), Place::Last);
    items.insert(entry("a", true), Place::First);
    assert_eq!(ids(&items), ["held", "a"]);
    items.insert(entry("held2", false), Place::Last);
    items.insert(entry("b", true), Place::After("a"));
    assert_eq!(ids(&items), ["held", "a", "held2", "b"]);
    items.insert(entry("c", true), Place::First);
    assert_eq!(ids(&items), ["held", "c", "a", "held2", "b"]);
    assert_eq!(items.known_before(4), Some("a"));
    assert_eq!(items.known_before(1), None);
    items.settle("b", Place::First);
    assert_eq!(ids(&items), ["held", "b", "c", "a", "held2"]);
    items.settle("b", Place::First);
    items.settle("b", Place::Last);
    items.settle("b", Place::After("nothing known"));
    items.settle("nothing known", Place::First);
    assert_eq!(ids(&items), ["held", "b", "c", "a", "held2"]);
    items.settle("b", Place::After("a"));
    assert_eq!(ids(&items), ["held", "c", "a", "held2", "b"]);
    items.settle("b", Place::After("a"));
    assert_eq!(ids(&items), ["held", "c", "a", "held2", "b"]);
}

#[test]
fn the_one_found_last_is_found_at_once_and_the_others_too() {
    let mut items = Items::restored((0..5).map(|n| entry(&n.to_string(), true)).collect());
    for id in ["3", "0", "0", "4", "1"] {
        assert_eq!(
            items.get_mut(id).map(|entry| entry.id.clone()).as_deref(),
            Some(id)
        );
        assert_eq!(
            items
                .position(id)
                .map(|at| items.entries()[at].id.clone())
                .as_deref(),
            Some(id)
        );
    }
    assert!(items.get_mut("9").is_none());
    items.get_mut("4");
    items.remove("0");
    assert_eq!(items.position("4"), Some(3));
    assert_eq!(items.position("3"), Some(2));
    items.retain(|entry| entry.id == "1");
    assert_eq!((items.position("1"), items.position("4")), (Some(0), None));
}

#[test]
fn parts_are_bounded() {
    let mut spoken = Spoken::default();
    assert!(spoken.part(63).is_some());
    assert!(spoken.part(64).is_none());
    assert!(spoken.part(u32::MAX).is_none());
    assert_eq!(spoken.parts.len(), 64);
}

#[test]
fn an_item_of_the_model_starts_with_what_it_has() {
    let made = |json| Entry::made("i", &item(json), Format::Pcm).body;
    let Body::Spoken(spoken) = made(
        json!({"type": "message", "role": "assistant", "phase": "commentary",
        "content": [{"type": "output_text", "text": "written"}, {"type": "output_audio", "transcript": "said"}]}),
    ) else {
        panic!()
    };
    assert_eq!(
        spoken.parts.iter().map(Part::spoken).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(spoken.parts.iter().map(Part::text_len).sum::<usize>(), 11);
    assert_eq!(spoken.phase, Field::Value(Phase::Commentary));
    assert!(!spoken.whole && spoken.spoken());
    assert!(matches!(
        made(json!({"type": "message", "role": "user", "content": []})),
        Body::Message(_)
    ));
    assert!(matches!(made(json!({"type": "function_call", "name": "f"})), Body::Call(call) if !call.whole));
}

#[test]
fn a_message_of_the_model_ends_with_its_item() {
    let mut pace = Pace::default();
    let mut items = Items::default();
    items.added(
        &item(json!({"type": "message", "id": "i", "role": "assistant", "content": []})),
        Place::Last,
        Format::Pcm,
    );
    items.part("i", 0).unwrap().push_transcript("said");
    items.part("i", 0).unwrap().push_audio(96, Format::Pcm);
    let done = |status: &str| {
        item(
            json!({"type": "message", "id": "i", "role": "assistant", "status": status, "phase": "final_answer",
        "content": [{"type": "output_audio", "transcript": "said it"}]}),
        )
    };
    items.done(&done("completed"), &mut pace);
    assert!(items.spoken("i").unwrap().whole);
    assert_eq!(items.spoken("i").unwrap().phase, Field::Value(Phase::FinalAnswer));
    assert_eq!(items.text_len(), 7);
    let learned = pace;
    assert_ne!(learned, Pace::default());
    // Once.
    items.done(&done("completed"), &mut pace);
    assert_eq!(pace, learned);
    // What was cut off teaches nothing.
    items.added(
        &item(json!({"type": "message", "id": "j", "role": "assistant", "content": []})),
        Place::Last,
        Format::Pcm,
    );
    items.part("j", 0).unwrap().push_transcript("said");
    items.part("j", 0).unwrap().push_audio(96, Format::Pcm);
    let mut cut = done("incomplete");
    cut.set_id("j");
    items.done(&cut, &mut pace);
    assert_eq!(pace, learned);
    assert!(items.spoken("j").unwrap().whole);
    // A phase stays if the end does not name it.
    items.done(
        &item(json!({"type": "message", "id": "unknown", "role": "assistant", "content": []})),
        &mut pace,
    );
}

#[test]
fn arguments_come_from_the_item_only_while_they_are_not_whole() {
    let mut items = Items::default();
    let call = |arguments: &str| {
        item(json!({"type": "function_call", "id": "i", "call_id": "k", "name": "f", "arguments": arguments}))
    };
    items.added(&call(""), Place::Last, Format::Pcm);
    assert!(!items.has_open_call());
    items.done(&call("first"), &mut Pace::default());
    assert!(items.has_open_call());
    items.done(&call("second"), &mut Pace::default());
    assert_eq!(items.entries()[0].call().unwrap().call.arguments, "first");
    assert_eq!(items.call("k"), Some(0));
    assert_eq!(items.call("other"), None);
    assert!(!items.has_output("k"));
    items.added(
        &item(json!({"type": "function_call_output", "id": "o", "call_id": "k", "output": "x"})),
        Place::Last,
        Format::Pcm,
    );
    assert!(items.has_output("k") && !items.has_open_call());
    assert_eq!(items.call("k"), Some(0), "not the output");
    // A call without an id can have no output.
    items.added(
        &item(json!({"type": "function_call", "id": "n", "name": "f"})),
        Place::Last,
        Format::Pcm,
    );
    items.done(
        &item(json!({"type": "function_call", "id": "n", "name": "f"})),
        &mut Pace::default(),
    );
    assert!(items.has_open_call());
}

#[test]
fn text_is_counted_in_every_kind() {
    for (json, len) in [
        (
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "ab"}, {"type": "input_audio", "transcript": "c"}]}),
            3,
        ),
        (
            json!({"type": "function_call", "name": "ab", "arguments": "cde"}),
            5,
        ),
        (
            json!({"type": "function_call_output", "call_id": "k", "output": "ab"}),
            2,
        ),
        (json!({"type": "future"}), 17),
    ] {
        assert_eq!(
            Entry::given("i", &item(json.clone()), Format::Pcm).text_len(),
            len,
            "{json}"
        );
    }
}

#[test]
fn the_oldest_media_go_first() {
    let message = |id: &str, bytes: usize| {
        let audio = AudioBytes::from(vec![0; bytes]);
        Entry::given(id, &Message::user().audio(audio).text("t").into(), Format::Pcm)
    };
    let held = |items: &Items| -> Vec<usize> {
        items
            .entries()
            .iter()
            .map(|entry| match &entry.body {
                Body::Message(given) => given.media(),
                _ => 0,
            })
            .collect()
    };
    let image = Entry::given("i", &Item::user_image("data:1234"), Format::Pcm);
    let turn = Entry::new(
        "t",
        Body::Message(Given::turn(
            vec![vec![0; 6].into(), vec![0; 4].into()],
            Format::Pcm,
            false,
        )),
    );
    let mut items = Items::restored(vec![
        image,
        turn,
        entry("o", true),
        message("a", 10),
        message("b", 10),
    ]);
    assert_eq!(held(&items), [9, 10, 0, 10, 10]);
    items.bound_media(39);
    assert_eq!(held(&items), [9, 10, 0, 10, 10]);
    items.bound_media(38);
    assert_eq!(held(&items), [0, 10, 0, 10, 10]);
    items.bound_media(20);
    assert_eq!(held(&items), [0, 0, 0, 10, 10]);
    items.bound_media(0);
    assert_eq!(held(&items), [0; 5]);
}

#[test]
fn a_transcript_takes_the_place_of_the_audio() {
    let turn = || {
        Entry::new(
            "t",
            Body::Message(Given::turn(vec![vec![0; 6].into()], Format::Pcm, false)),
        )
    };
    let mut items = Items::restored(vec![turn()]);
    let given = |items: &Items| match &items.entries()[0].body {
        Body::Message(given) => given.clone(),
        _ => panic!(),
    };
    items.transcribed("t", 0, None);
    assert!(given(&items).settled && given(&items).media() == 6);
    let mut items = Items::restored(vec![turn()]);
    items.transcribed("t", 5, Some("elsewhere"));
    assert!(given(&items).settled && given(&items).media() == 6);
    items.transcribed("t", 0, Some("said"));
    assert_eq!(given(&items).media(), 0);
    assert_eq!(
        given(&items).message.content[0].transcript.as_deref(),
        Some("said")
    );
    let Body::Message(given) = &items.get_mut("t").unwrap().body else {
        panic!()
    };
    assert_eq!(given.turn.capacity(), 0, "nor room for audio");
    items.transcribed("unknown", 0, Some("said"));
}

#[test]
fn a_session_that_is_gone_knows_nothing() {
    let mut known = entry("i", true);
    known.retold = true;
    known.created_by = Some(1);
    let mut items = Items::restored(vec![known]);
    items.lost();
    assert!(!items.entries()[0].on_session && !items.entries()[0].retold);
    assert_eq!(items.entries()[0].created_by, Some(1));
}
