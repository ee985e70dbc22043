//! Calls stay with their outputs.

use super::*;

fn call(id: &str, call_id: &str, arguments: &str, status: &str) -> Value {
    json!({"type": "function_call", "id": id, "call_id": call_id, "name": "f", "arguments": arguments, "status": status})
}

fn output(id: &str, call_id: &str) -> Value {
    json!({"type": "conversation.item.create", "item": {"type": "function_call_output", "id": id, "call_id": call_id, "output": "out"}})
}

/// The model calls; with whole arguments or not.
fn calls(bench: &mut Bench, id: &str, call_id: &str, whole: bool) {
    let previous = bench.mirror.items.entries().last().map(|entry| entry.id.clone());
    bench.server(added(previous.as_deref(), call(id, call_id, "", "in_progress")));
    if whole {
        bench.server(json!({"type": "response.function_call_arguments.done", "item_id": id, "call_id": call_id, "arguments": "{}"}));
    }
}

fn created_ids(write: Write) -> Vec<(String, String)> {
    match write {
        Write::Instead(events) => events.iter().filter_map(told_item).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_and_its_output_are_told_together() {
    let mut bench = Bench::new();
    bench.says("u1", "go");
    calls(&mut bench, "c1", "call_1", true);
    assert!(!bench.mirror.is_quiet(), "a tool runs");
    bench.send(output("o1", "call_1"));
    bench.server(added(Some("c1"), output("o1", "call_1")["item"].clone()));
    assert!(bench.mirror.is_quiet());
    let told = bench.reconnect();
    assert_eq!(
        told.items()[1..],
        [
            ("c1".to_owned(), "call_1:{}".to_owned()),
            ("o1".to_owned(), "call_1:out".to_owned())
        ]
    );
    let step = serde_json::to_value(&told.plan.steps[1].event).unwrap();
    assert!(step["item"].get("status").is_none());
}

#[test]
fn a_call_whose_tool_runs_is_told_with_its_output() {
    let mut bench = Bench::new();
    bench.says("u1", "go");
    calls(&mut bench, "c1", "call_1", true);
    bench.says("u2", "hurry");
    let told = bench.reconnect();
    assert_eq!(told.ids(), strings(&["u1", "u2"]));
    assert!(told.lost().is_empty(), "it is not lost");
    assert!(!bench.mirror.is_quiet());
    let (seq, write) = bench.write(output("o1", "call_1"));
    let Write::Instead(events) = write else { panic!() };
    assert_eq!(events.len(), 2);
    let ClientEvent::ConversationItemCreate(first) = &events[0] else {
        panic!()
    };
    assert_eq!(first.previous_item_id.as_deref(), Some("u1"), "where it was");
    assert_eq!(
        events.iter().filter_map(told_item).collect::<Vec<_>>(),
        [
            ("c1".to_owned(), "call_1:{}".to_owned()),
            ("o1".to_owned(), "call_1:out".to_owned())
        ]
    );
    // The echo of the call is not the user's.
    let echo = bench.server(added(Some("u1"), call("c1", "call_1", "{}", "completed")));
    assert_eq!((echo.hidden, echo.settled), (true, vec![]));
    let done = bench
        .server(json!({"type": "conversation.item.done", "item": call("c1", "call_1", "{}", "completed")}));
    assert!(done.hidden);
    let of_output = bench.server(added(Some("u2"), output("o1", "call_1")["item"].clone()));
    assert_eq!(
        (of_output.hidden, of_output.settled),
        (false, vec![(seq, Verdict::Acknowledged)])
    );
    assert!(bench.mirror.is_quiet());
    // From now on as any pair.
    assert_eq!(bench.reconnect().ids(), strings(&["u1", "c1", "u2", "o1"]));
}

#[test]
fn an_output_that_was_not_answered_is_told_with_its_call() {
    let mut bench = Bench::new();
    calls(&mut bench, "c1", "call_1", true);
    let seq = bench.send(output("o1", "call_1"));
    let told = bench.reconnect();
    assert_eq!(told.ids(), strings(&["c1", "o1"]));
    assert_eq!(told.lost_session.pending, [seq]);
    assert_eq!(told.plan.steps[1].seq, Some(seq));
    // The same when the call had been told with it.
    let mut bench = Bench::new();
    calls(&mut bench, "c1", "call_1", true);
    bench.reconnect();
    bench.write(output("o1", "call_1"));
    assert_eq!(bench.reconnect().ids(), strings(&["c1", "o1"]));
    assert_eq!(bench.reconnect().ids(), strings(&["c1", "o1"]));
}

#[test]
fn a_call_that_was_not_whole_is_gone() {
    let mut bench = Bench::new();
    calls(&mut bench, "c1", "call_1", false);
    let told = bench.reconnect();
    assert!(told.ids().is_empty());
    assert_eq!(told.lost(), [("c1", LostReason::Incomplete)]);
    assert!(matches!(
        bench.stale(output("o1", "call_1")),
        Write::Nothing(Fate::Discarded(DiscardReason::CallGone))
    ));
    assert!(bench.mirror.items.get("o1").is_none());
    // One that ended early too, but not one that ended.
    for (status, whole) in [("incomplete", false), ("in_progress", false), ("completed", true)] {
        let mut bench = Bench::new();
        calls(&mut bench, "c1", "call_1", false);
        bench.server(
            json!({"type": "response.output_item.done", "item": call("c1", "call_1", "{\"a\":1}", status)}),
        );
        assert_eq!(
            bench.mirror.items.get("c1").unwrap().call().unwrap().whole,
            whole,
            "{status}"
        );
        if whole {
            assert_eq!(created_ids_after_loss(&mut bench)[0].1, "call_1:{\"a\":1}");
        }
    }
}

fn created_ids_after_loss(bench: &mut Bench) -> Vec<(String, String)> {
    bench.reconnect();
    let (_, write) = bench.write(output("o1", "call_1"));
    created_ids(write)
}

#[test]
fn an_output_without_a_call_is_not_told() {
    let mut bench = Bench::new();
    let seq = bench.send(output("o1", "call_9"));
    let told = bench.reconnect();
    assert!(told.ids().is_empty());
    assert_eq!(told.lost(), [("o1", LostReason::NoCall)]);
    assert_eq!(told.plan.discarded, [(seq, DiscardReason::NotRestored)]);
    // What is not known is the server's to judge.
    assert!(matches!(bench.write(output("o2", "call_8")).1, Write::AsIs));
}

#[test]
fn a_pair_of_which_one_is_refused_is_taken_back() {
    for refused in ["c1", "o1"] {
        let mut bench = Bench::new();
        calls(&mut bench, "c1", "call_1", true);
        bench.send(output("o1", "call_1"));
        bench.mirror.lost();
        let mut known = Known::default();
        for step in bench.mirror.plan(&known, Purpose::Restore).steps {
            match &step.kind {
                StepKind::Create { id } if id == refused => known.rejected(&step, "bad"),
                _ => known.acknowledged(&step),
            }
        }
        let plan = bench.mirror.plan(&known, Purpose::Restore);
        let other = if refused == "c1" { "o1" } else { "c1" };
        assert_eq!(plan.steps.len(), 1, "{refused}");
        assert_eq!(plan.steps[0].kind, StepKind::Delete { id: other.into() });
        assert_eq!(plan.lost.len(), 2);
        known.acknowledged(&plan.steps[0]);
        assert!(bench.mirror.plan(&known, Purpose::Restore).steps.is_empty());
        bench.mirror.attach(&known);
        assert_eq!(bench.mirror.items.len(), 0);
    }
}

#[test]
fn long_ids_of_calls_are_shortened_everywhere() {
    let long = format!("call_{}", "x".repeat(40));
    let short = super::super::calls::short(&long);
    let mut bench = Bench::new();
    calls(&mut bench, "c1", &long, true);
    bench.send(output("o1", &long));
    calls(&mut bench, "c2", &format!("{long}2"), true);
    let told = bench.reconnect();
    assert_eq!(told.items()[0].1, format!("{short}:{{}}"));
    assert_eq!(told.items()[1].1, format!("{short}:out"));
    // A second output of a call the session knows by its short id.
    let (_, write) = bench.write(output("o9", &long));
    assert_eq!(created_ids(write), [("o9".to_owned(), format!("{short}:out"))]);
    assert_eq!(bench.mirror.items.get("o9").unwrap().call_id(), Some(&*long));
    // And of one that was still running.
    let second = super::super::calls::short(&format!("{long}2"));
    let (_, write) = bench.write(output("o2", &format!("{long}2")));
    assert_eq!(
        created_ids(write),
        [
            ("c2".to_owned(), format!("{second}:{{}}")),
            ("o2".to_owned(), format!("{second}:out"))
        ]
    );
    assert_eq!(bench.reconnect().ids(), strings(&["c1", "o1", "c2", "o9", "o2"]));
    // On the session that made the call it stays as it is.
    let mut bench = Bench::new();
    calls(&mut bench, "c1", &long, true);
    bench.send(output("o1", &long));
}

#[test]
fn a_call_that_the_client_tells_is_whole() {
    let mut bench = Bench::new();
    let (seq, write) = bench.write(json!({"type": "conversation.item.create", "item": {"type": "function_call", "id": "c1", "call_id": "k", "name": "f", "arguments": "{}"}}));
    assert!(matches!(write, Write::AsIs));
    // Unanswered, and without an output: it is kept for that.
    let lost = bench.mirror.lost();
    assert_eq!(
        (lost.fates, lost.pending),
        (vec![(seq, Fate::Superseded)], vec![])
    );
    assert!(bench.restore().ids().is_empty());
    let (_, write) = bench.write(output("o1", "k"));
    assert_eq!(created_ids(write).len(), 2);
}

#[test]
fn a_call_that_cannot_be_told_takes_its_output_along() {
    let mut bench = Bench::new();
    calls(&mut bench, "c1", "k", true);
    bench.reconnect();
    let (seq, write) = bench.write(output("o1", "k"));
    let Write::Instead(events) = write else { panic!() };
    let refused = bench.server(error(events[0].event_id().unwrap(), "item_create_bad"));
    assert_eq!((refused.hidden, refused.settled), (true, vec![]));
    assert!(bench.mirror.items.get("c1").is_none());
    assert_eq!(
        bench.rejects(error(events[1].event_id().unwrap(), "item_create_no_call")),
        [seq]
    );
    assert_eq!(bench.mirror.items.len(), 0);
}

#[test]
fn tools_of_servers_and_unknown_items() {
    let mut bench = Bench::new();
    bench.server(added(
        None,
        json!({"type": "mcp_list_tools", "id": "l", "server_label": "s", "tools": []}),
    ));
    bench.server(added(
        Some("l"),
        json!({"type": "mcp_call", "id": "m1", "server_label": "s", "name": "n", "arguments": "{}"}),
    ));
    bench.server(json!({"type": "conversation.item.done", "item": {"type": "mcp_call", "id": "m1", "server_label": "s", "name": "n", "arguments": "{}", "output": "x"}}));
    bench.server(added(Some("m1"), json!({"type": "mcp_call", "id": "m2", "server_label": "s", "name": "n", "arguments": "{}", "error": {"type": "e"}})));
    bench.server(added(
        Some("m2"),
        json!({"type": "mcp_call", "id": "m3", "server_label": "s", "name": "n", "arguments": "{}"}),
    ));
    bench.server(added(Some("m3"), json!({"type": "mcp_approval_request", "id": "q", "server_label": "s", "name": "n", "arguments": "{}"})));
    bench.server(added(Some("q"), json!({"type": "future", "id": "f"})));
    let told = bench.reconnect();
    assert_eq!(told.ids(), strings(&["m1", "m2"]));
    assert_eq!(
        told.lost(),
        [
            ("m3", LostReason::Incomplete),
            ("q", LostReason::Unsupported),
            ("f", LostReason::Unsupported)
        ]
    );
}
