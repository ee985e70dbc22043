//! A model that writes although it should speak.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::{Value, json};

use crate::engine::{Command, Engine, Options, Output};
use crate::event::{Event, Turn};
use crate::reply::{ReplyStatus, ReplyUpdate};

struct Session {
    engine: Engine,
    asked: Vec<ClientEvent>,
    deleted: Vec<String>,
    repeated: usize,
    again: usize,
    ended: Vec<ReplyStatus>,
}

impl Session {
    fn new(repeat_written: bool, modality: &str) -> Self {
        let mut engine = Engine::new(Options {
            repeat_written,
            ..Options::default()
        });
        engine.opened(Duration::ZERO, false);
        let mut session = Self {
            engine,
            asked: Vec::new(),
            deleted: Vec::new(),
            repeated: 0,
            again: 0,
            ended: Vec::new(),
        };
        session.feed(
            &json!({"type":"session.updated","session":{"type":"realtime","output_modalities":[modality]}}),
        );
        session
    }

    fn feed(&mut self, event: &Value) {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        self.engine.server(Duration::ZERO, &Arc::new(event));
        self.take();
    }

    fn take(&mut self) {
        for output in self.engine.take() {
            match output {
                Output::Send(event @ ClientEvent::ResponseCreate(_)) => self.asked.push(event),
                Output::Send(ClientEvent::ConversationItemDelete(delete)) => {
                    self.deleted.push(delete.item_id)
                }
                Output::Event(Event::Turn(Turn::ReplyRepeated { .. })) => self.repeated += 1,
                Output::Reply(_, ReplyUpdate::Again) => self.again += 1,
                Output::Reply(_, ReplyUpdate::Ended(status)) => self.ended.push(status),
                _ => {}
            }
        }
    }

    fn ask(&mut self) {
        self.engine.command(
            Duration::ZERO,
            Command::Respond {
                reply: 1,
                params: None,
            },
        );
        self.take();
    }

    /// The server answers what was asked last.
    fn answer(&mut self, id: &str, kind: &str, status: &str) {
        let key = self
            .asked
            .last()
            .and_then(ClientEvent::event_id)
            .unwrap()
            .to_owned();
        let metadata = json!({"rt_req": key});
        self.feed(&json!({"type":"response.created","response":{"id":id,"metadata":metadata}}));
        let item = json!({"id":format!("item_{id}"),"type":"message","role":"assistant","status":status,
            "content":[{"type":kind,"text":"Well.","transcript":"Well."}]});
        self.feed(&json!({"type":"response.done","response":
            {"id":id,"status":status,"metadata":metadata,"output":[item]}}));
    }
}

#[test]
fn pain_17_after_a_restore_the_model_only_writes() {
    let mut session = Session::new(true, "audio");
    session.ask();
    session.answer("r1", "output_text", "completed");
    assert_eq!((session.repeated, session.again), (1, 1));
    assert_eq!(session.deleted, ["item_r1"]);
    assert!(session.ended.is_empty(), "its handle waits for the spoken reply");
    assert_eq!(session.asked.len(), 2);
    assert!(
        session.asked[1]
            .to_json()
            .contains(r#""output_modalities":["audio"]"#)
    );
    // It insists: then that is the reply.
    session.answer("r2", "output_text", "completed");
    assert_eq!((session.repeated, session.asked.len()), (1, 2));
    assert_eq!(session.ended, [ReplyStatus::Completed]);
    // Once it has spoken it is worth another try.
    session.ask();
    session.answer("r3", "output_audio", "completed");
    session.ask();
    session.answer("r4", "output_text", "completed");
    assert_eq!((session.repeated, session.asked.len()), (2, 5));
}

#[test]
fn text_that_is_wanted_or_cut_is_left_alone() {
    for (on, modality, status) in [
        (false, "audio", "completed"),
        (true, "text", "completed"),
        (true, "audio", "incomplete"),
    ] {
        let mut session = Session::new(on, modality);
        session.ask();
        session.answer("r1", "output_text", status);
        assert_eq!((session.repeated, session.asked.len()), (0, 1));
        assert_eq!(session.ended.len(), 1);
        assert!(session.deleted.is_empty());
    }
}

#[test]
fn a_repeated_reply_is_asked_for_as_the_first_one_was_and_for_all_who_wait() {
    let mut session = Session::new(true, "audio");
    let params = rt_protocol::ResponseParams::new()
        .instructions("Be brief.")
        .metadata([("mine", "kept")]);
    session.engine.command(
        Duration::ZERO,
        Command::Respond {
            reply: 1,
            params: Some(Box::new(params)),
        },
    );
    session
        .engine
        .command(Duration::ZERO, Command::Watch { reply: 2 });
    // Another request waits, and goes behind the repeat: that is the answer to what came before.
    session.engine.command(
        Duration::ZERO,
        Command::Respond {
            reply: 3,
            params: None,
        },
    );
    session.take();
    session.answer("r1", "output_text", "completed");
    assert_eq!((session.again, session.asked.len()), (2, 2));
    let repeat = session.asked.last().unwrap().to_json();
    for kept in [
        "Be brief.",
        r#""mine":"kept""#,
        r#""output_modalities":["audio"]"#,
    ] {
        assert!(repeat.contains(kept), "{repeat}");
    }
    session.answer("r2", "output_audio", "completed");
    assert_eq!(session.ended.len(), 2, "both who waited for the first one");
    assert_eq!(session.asked.len(), 3);
    session.answer("r3", "output_audio", "completed");
    assert_eq!(session.ended.len(), 3);
}
