//! Tests of steps and their answers.

use serde_json::{Value, json};

use super::*;

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that `json!` can stand in the call"
)]
fn server(event: Value) -> ServerEvent {
    ServerEvent::from_json(&event.to_string()).unwrap()
}

fn create(id: &str, after: Option<&str>) -> Step {
    Step::create(Item::user_text("t").with_id(id), after, None, format!("e_{id}"))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that `json!` can stand in the call"
)]
fn error(event_id: Value, code: &str, param: &str) -> Value {
    json!({"type": "error", "error": {"type": "invalid_request_error", "code": code, "param": param, "event_id": event_id}})
}

#[test]
fn what_answers_a_step() {
    let settings = Step::settings(Session::default(), "e_s".into());
    let (create, delete) = (create("i", None), Step::delete("i", "e_d".into()));
    let done = |step: &Step, event: Value| step.answered_by(&server(event)) == Some(StepAnswer::Done);
    for kind in ["added", "created", "done"] {
        let event = |id: &str| json!({"type": format!("conversation.item.{kind}"), "item": {"type": "message", "id": id}});
        assert!(done(&create, event("i")), "{kind}");
        assert!(
            !done(&create, event("j")) && !done(&delete, event("i")) && !done(&settings, event("i")),
            "{kind}"
        );
    }
    let updated = json!({"type": "session.updated", "session": {"type": "realtime"}});
    assert!(done(&settings, updated.clone()) && !done(&create, updated));
    let deleted = |id: &str| json!({"type": "conversation.item.deleted", "item_id": id});
    assert!(done(&delete, deleted("i")) && !done(&delete, deleted("j")) && !done(&create, deleted("i")));
    assert!(!done(&create, json!({"type": "rate_limits.updated"})));
}

#[test]
fn what_refuses_a_step() {
    let settings = Step::settings(Session::default(), "e_s".into());
    let (create, delete) = (create("i", None), Step::delete("i", "e_d".into()));
    let rejected = |code: &str| Some(StepAnswer::Rejected(code.to_owned()));
    for (step, event, answer) in [
        (&create, error(json!("e_i"), "bad", ""), rejected("bad")),
        (
            &create,
            error(json!("e_i"), DUPLICATE_ITEM, ""),
            Some(StepAnswer::Done),
        ),
        (&create, error(json!("e_j"), "bad", ""), None),
        (&create, error(json!(null), "bad", "session.voice"), None),
        (
            &delete,
            error(json!("e_d"), "item_delete_invalid_item_id", ""),
            Some(StepAnswer::Done),
        ),
        (&delete, error(json!("e_d"), "bad", ""), rejected("bad")),
        (
            &settings,
            error(json!("e_s"), DUPLICATE_ITEM, ""),
            rejected(DUPLICATE_ITEM),
        ),
        (
            &settings,
            error(json!(null), "bad", "session.voice"),
            rejected("bad"),
        ),
        (&settings, error(json!(null), "bad", "session"), rejected("bad")),
        (&settings, error(json!(null), "bad", "sessions"), None),
        (&settings, error(json!("e_x"), "bad", "session.voice"), None),
    ] {
        assert_eq!(step.answered_by(&server(event.clone())), answer, "{event}");
    }
    let untyped = json!({"type": "error", "error": {"type": "server_error", "event_id": "e_i"}});
    assert_eq!(create.answered_by(&server(untyped)), rejected("server_error"));
}

#[test]
fn those_behind_a_refused_item_are_not_to_blame() {
    let mut known = Known::default();
    known.rejected(&create("a", None), "bad");
    known.rejected(&create("b", Some("a")), "bad");
    known.rejected(&create("c", Some("b")), "bad");
    assert_eq!(known.rejected.keys().collect::<Vec<_>>(), ["a"]);
    // Next round.
    known.rejected(&create("b", None), "bad");
    known.rejected(&create("c", Some("b")), "bad");
    assert!(known.rejected.contains_key("b") && !known.rejected.contains_key("c"));
    known.acknowledged(&create("c", None));
    known.rejected(&create("d", Some("c")), "bad");
    assert_eq!(known.rejected.len(), 3);
    assert_eq!(known.items(), 1);
    // What is there and was an orphan once does not excuse others.
    known.rejected(&create("x", Some("a")), "bad");
    known.rejected(&create("x", Some("c")), "bad");
    known.rejected(&create("y", Some("x")), "bad");
    assert!(known.rejected.contains_key("x") && !known.rejected.contains_key("y"));
}

#[test]
fn deleted_or_not_an_item_is_not_counted_on() {
    let mut known = Known::default();
    known.acknowledged(&create("a", None));
    known.acknowledged(&create("b", None));
    known.acknowledged(&Step::delete("a", String::new()));
    known.rejected(&Step::delete("b", String::new()), "bad");
    assert_eq!(known.items(), 0);
    let settings = Step::settings(Session::default(), String::new());
    known.acknowledged(&settings);
    assert!(known.settings_done && known.settings == Some(settings.fingerprint));
    known.rejected(&settings, "bad");
    assert!(!known.settings_done && known.settings == Some(settings.fingerprint));
}

#[test]
fn fingerprints_tell_contents_apart() {
    assert_eq!(fingerprint(&"a"), fingerprint(&"a"));
    assert_ne!(fingerprint(&"a"), fingerprint(&"b"));
}
