//! Responses that are being stopped, items that are gone, and responses of nobody's conversation.

use rt_protocol::ResponseParams;
use serde_json::json;

use super::fed::Fed;
use crate::engine::{Command, Options, Output};
use crate::reply::ReplyUpdate;

fn session() -> Fed {
    let options = Options {
        sink: true,
        ..Options::default()
    };
    Fed::new(options, true, true)
}

#[test]
fn who_interrupts_what_the_server_stops_is_told_of_one_interruption() {
    let mut fed = session();
    fed.respond(1);
    fed.answered("a");
    fed.audio("a", 500);
    fed.speech(true);
    fed.command(Command::Interrupt);
    fed.command(Command::Interrupt);
    assert_eq!(fed.interruptions().len(), 1);
    assert_eq!(fed.sent("response.cancel"), 0, "the server does it");
    fed.ended("a", "cancelled");
    fed.speech(false);
    fed.created("b");
    fed.audio("b", 500);
    fed.command(Command::Interrupt);
    fed.command(Command::Interrupt);
    assert_eq!((fed.interruptions().len(), fed.sent("response.cancel")), (2, 1));
}

#[test]
fn an_item_the_server_does_not_have_leaves_the_history() {
    let mut fed = session();
    fed.respond(1);
    fed.answered("a");
    let item = json!({"id":"ia","type":"message","role":"assistant","status":"in_progress","content":[]});
    fed.feed(&json!({"type":"conversation.item.added","item":item}));
    fed.audio("a", 500);
    fed.command(Command::Interrupt);
    assert_eq!(fed.engine.history().len(), 1);
    let about = fed.out.iter().find_map(|output| match output {
        Output::Send(event) if event.event_type() == "conversation.item.delete" => event.event_id(),
        _ => None,
    });
    fed.feed(&json!({"type":"error","error":{"type":"invalid_request_error","event_id":about.unwrap(),
        "code":"item_delete_invalid_item_id","message":"Error deleting item: the item with id 'ia' does not exist."}}));
    assert!(fed.engine.history().is_empty());
    assert_eq!(
        fed.count(|output| matches!(output, Output::Event(crate::event::Event::Error(_)))),
        0
    );
}

/// A response of which only the conversation tells whose it is.
fn begins(fed: &mut Fed, id: &str, conversation: Option<&str>) {
    fed.feed(&json!({"type":"response.created","response":{"id":id,"conversation_id":conversation}}));
}

#[test]
fn a_response_of_no_conversation_is_known_without_its_metadata() {
    let mut fed = session();
    let out_of_band = |fed: &mut Fed, reply| {
        let params = Some(Box::new(ResponseParams::new().out_of_band()));
        fed.command(Command::Respond { reply, params });
    };
    out_of_band(&mut fed, 1);
    out_of_band(&mut fed, 2);
    fed.respond(3);
    fed.watch(4);
    for id in ["a", "b"] {
        begins(&mut fed, id, None);
    }
    begins(&mut fed, "c", Some("conv"));
    for id in ["a", "b", "c"] {
        fed.done(id);
    }
    let began: Vec<(u64, &str)> = fed
        .out
        .iter()
        .filter_map(|output| match output {
            Output::Reply(ticket, ReplyUpdate::Began(id)) => Some((*ticket, id.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(began, [(1, "a"), (2, "b"), (3, "c"), (4, "c")]);
    // Somebody else's, on a server that names its conversation.
    begins(&mut fed, "x", None);
    fed.respond(5);
    assert_eq!(fed.sent("response.create"), 4, "it is in nobody's way");
    assert!(fed.ends(5).is_empty());
}

#[test]
fn a_server_that_names_no_conversation_has_one_nevertheless() {
    let mut fed = session();
    begins(&mut fed, "a", None);
    fed.respond(1);
    assert_eq!(fed.sent("response.create"), 0);
    fed.done("a");
    begins(&mut fed, "b", None);
    fed.done("b");
    assert_eq!(fed.ends(1), ["completed"]);
}
