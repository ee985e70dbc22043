//! Tests of the responses.

use serde_json::{Value, json};

use super::*;

fn response(json: Value) -> Response {
    serde_json::from_value(json).unwrap()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that `json!` can stand in the call"
)]
fn request(event_id: &str, params: Value) -> Request {
    let event = json!({"event_id": event_id, "response": params});
    Request {
        seq: None,
        event: serde_json::from_value(event).unwrap(),
    }
}

/// A tape with requests in the conversation, with these marks; and one out of band.
fn tape(marks: &[Option<&str>]) -> Tape {
    let mut tape = Tape::new(0);
    tape.request(request(
        "oob",
        json!({"conversation": "none", "metadata": {"rt_req": "oob"}}),
    ));
    for (n, mark) in marks.iter().enumerate() {
        let metadata = mark.map(|mark| json!({"rt_req": mark}));
        tape.request(request(&format!("e{n}"), json!({"metadata": metadata})));
    }
    tape
}

fn answered(id: &str) -> Option<Answered> {
    Some(Answered {
        event_id: Some(id.to_owned()),
    })
}

#[test]
fn a_mark_finds_its_request() {
    let (mut responses, mut tape) = (Responses::default(), tape(&[Some("a"), Some("b")]));
    let created =
        |key: &str| response(json!({"id": key, "conversation_id": "c", "metadata": {"rt_req": key}}));
    assert_eq!(responses.created(&created("b"), &mut tape), answered("e1"));
    assert_eq!(responses.created(&created("b"), &mut tape), None);
    assert_eq!(responses.created(&created("oob"), &mut tape), answered("oob"));
    assert_eq!(
        responses
            .active()
            .iter()
            .map(|active| active.out_of_band)
            .collect::<Vec<_>>(),
        [false, true]
    );
    assert!(responses.in_conversation());
    // A server that shows marks has another reason when it shows none.
    assert_eq!(
        responses.created(&response(json!({"id": "x", "metadata": null})), &mut tape),
        None
    );
    assert_eq!(responses.created(&created("a"), &mut tape), answered("e0"));
    responses.reset();
    assert!(!responses.is_quiet());
}

#[test]
fn without_marks_the_oldest_is_meant() {
    let (mut responses, mut tape) = (Responses::default(), tape(&[Some("a"), Some("b")]));
    let created = |id: &str| response(json!({"id": id, "conversation_id": "c", "metadata": null}));
    assert_eq!(responses.created(&created("1"), &mut tape), answered("e0"));
    // Unless the server owes an answer of its own.
    responses.expect();
    assert!(responses.is_expected());
    assert_eq!(responses.created(&created("2"), &mut tape), None);
    assert!(!responses.is_expected());
    assert_eq!(responses.created(&created("3"), &mut tape), answered("e1"));
    assert_eq!(
        responses.created(&created("4"), &mut tape),
        None,
        "never the one out of band"
    );
    // Metadata that is not the request's is not its answer.
    let mut tape = tests::tape(&[Some("a")]);
    assert_eq!(
        responses.created(&response(json!({"id": "5", "metadata": {"k": "v"}})), &mut tape),
        None
    );
    let mut own = Tape::new(0);
    own.request(request("own", json!({"metadata": {"k": "v"}})));
    assert_eq!(
        responses.created(&response(json!({"id": "6", "metadata": {"k": "v"}})), &mut own),
        answered("own")
    );
}

#[test]
fn a_response_out_of_band_is_no_answer_to_a_turn() {
    let (mut responses, mut tape) = (Responses::default(), Tape::new(0));
    responses.expect();
    responses.created(&response(json!({"id": "1", "conversation_id": null})), &mut tape);
    assert!(responses.is_expected() && !responses.in_conversation());
    responses.created(&response(json!({"id": "2"})), &mut tape);
    assert!(!responses.is_expected() && responses.in_conversation());
}

#[test]
fn the_end_of_a_response() {
    let (mut responses, mut tape) = (Responses::default(), tape(&[Some("a")]));
    let done = |json: Value| response(json);
    responses.created(&response(json!({"id": "1"})), &mut Tape::new(0));
    responses.created(&response(json!({"id": "2"})), &mut Tape::new(0));
    assert!(responses.knows("1") && !responses.knows("3"));
    assert_eq!(responses.done(&done(json!({})), &mut tape), None);
    assert_eq!(responses.active().len(), 2, "which one?");
    responses.done(&done(json!({"id": "1"})), &mut tape);
    assert!(!responses.knows("1") && responses.knows("2"));
    responses.done(&done(json!({})), &mut tape);
    assert!(responses.is_quiet());
    // One that was never said to begin answers its request.
    assert_eq!(
        responses.done(
            &done(json!({"id": "9", "metadata": {"rt_req": "none"}})),
            &mut tape
        ),
        None
    );
    assert_eq!(
        responses.done(&done(json!({"id": "9", "metadata": {"rt_req": "a"}})), &mut tape),
        answered("e0")
    );
    assert_eq!(responses.done(&done(json!({"id": "9"})), &mut tape), None);
    responses.expect();
    assert!(!responses.is_quiet());
}

#[test]
fn everything_is_bounded_and_listed_once() {
    let mut responses = Responses::default();
    for n in 0..100 {
        responses.created(&response(json!({"id": n.to_string()})), &mut Tape::new(0));
        responses.created(&response(json!({"id": n.to_string()})), &mut Tape::new(0));
    }
    responses.created(&response(json!({})), &mut Tape::new(0));
    assert_eq!(responses.active().len(), MAX_ACTIVE);
    assert!(responses.knows("36") && !responses.knows("35"));
    for n in 0..300 {
        responses.item("99", &n.to_string());
        responses.item("99", &n.to_string());
        responses.item("unknown", "i");
    }
    let active = responses.take_active();
    assert_eq!(active.last().unwrap().items.len(), MAX_ITEMS);
    assert!(active[0].items.is_empty());
    assert!(responses.is_quiet());
}

#[test]
fn what_may_be_repeated() {
    for (params, out_of_band, repeatable) in [
        (json!({}), false, true),
        (json!({"conversation": "auto"}), false, true),
        (json!({"conversation": "none"}), true, false),
        (
            json!({"conversation": "none", "metadata": {"rt_idempotent": "true"}}),
            true,
            true,
        ),
        (
            json!({"conversation": "none", "metadata": {"rt_idempotent": "false"}}),
            true,
            false,
        ),
    ] {
        let request = request("e", params.clone());
        assert_eq!(
            (request.out_of_band(), request.repeatable()),
            (out_of_band, repeatable),
            "{params}"
        );
    }
}
