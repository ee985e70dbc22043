//! Commands that were written and that the server is to answer.

use std::collections::VecDeque;

use rt_protocol::server_event::ErrorDetails;

/// Commands that wait for an answer: beyond so many, none is expected for the oldest any more. A server that never
/// answers must not fill the memory.
const MAX_PENDING: usize = 1024;

/// What a command asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Update,
    Create {
        id: String,
        /// The item was not there before.
        fresh: bool,
    },
    Retrieve {
        id: String,
    },
    Delete {
        id: String,
    },
    Truncate {
        id: String,
        content_index: u32,
        audio_end_ms: u64,
    },
    Commit,
    Clear,
    Respond,
    Cancel {
        response_id: Option<String>,
    },
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// None: it is not the user's.
    pub(super) seq: Option<u64>,
    pub(super) event_id: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Commands {
    /// In the order of writing.
    pending: VecDeque<Command>,
}

impl Commands {
    pub(super) fn push(&mut self, command: Command) {
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(command);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn drain(&mut self) -> Vec<Command> {
        self.pending.drain(..).collect()
    }

    /// Takes the oldest one off that this is the answer to.
    pub(super) fn answered(&mut self, by: impl Fn(&Command) -> bool) -> Option<Command> {
        let at = self.pending.iter().position(by)?;
        self.pending.remove(at)
    }

    /// Takes the one off that was refused: by its `event_id`; by the kind of the error where that says what was wrong.
    pub(super) fn refused(&mut self, error: &ErrorDetails) -> Option<Command> {
        if let Some(id) = error.event_id.as_deref() {
            return self.answered(|command| command.event_id.as_deref() == Some(id));
        }
        let code = error.code.as_deref().unwrap_or(&error.kind);
        let param = error.param.as_deref().unwrap_or_default();
        self.answered(|command| match &command.kind {
            Kind::Update => param == "session" || param.starts_with("session."),
            Kind::Create { .. } => code.starts_with("item_create_"),
            Kind::Retrieve { .. } => code.starts_with("item_retrieve_"),
            Kind::Delete { .. } => code.starts_with("item_delete_"),
            Kind::Truncate { .. } => code.starts_with("item_truncate_") || param == "audio_end_ms",
            Kind::Commit => code == "input_audio_buffer_commit_empty",
            Kind::Respond => code == "conversation_already_has_active_response",
            Kind::Cancel { .. } => code == "response_cancel_not_active",
            Kind::Clear | Kind::Close => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Commands {
        let kinds = [
            Kind::Update,
            Kind::Create {
                id: "i".into(),
                fresh: true,
            },
            Kind::Retrieve { id: "i".into() },
            Kind::Delete { id: "i".into() },
            Kind::Truncate {
                id: "i".into(),
                content_index: 0,
                audio_end_ms: 5,
            },
            Kind::Commit,
            Kind::Respond,
            Kind::Cancel { response_id: None },
            Kind::Clear,
            Kind::Close,
        ];
        let mut commands = Commands::default();
        for (seq, kind) in (0..).zip(kinds) {
            commands.push(Command {
                seq: Some(seq),
                event_id: Some(format!("e{seq}")),
                kind,
            });
        }
        commands
    }

    fn refused(json: &str) -> Option<u64> {
        commands()
            .refused(&serde_json::from_str(json).unwrap())
            .and_then(|command| command.seq)
    }

    #[test]
    fn an_error_with_an_id_refuses_that_command_and_no_other() {
        assert_eq!(refused(r#"{"event_id":"e4","code":"x"}"#), Some(4));
        assert_eq!(refused(r#"{"event_id":"other","param":"session.voice"}"#), None);
    }

    #[test]
    fn an_error_without_an_id_refuses_the_oldest_of_its_kind() {
        for (json, seq) in [
            (r#"{"param":"session"}"#, Some(0)),
            (r#"{"param":"session.audio.input"}"#, Some(0)),
            (r#"{"param":"sessions"}"#, None),
            (r#"{"code":"item_create_invalid_item_id"}"#, Some(1)),
            (r#"{"type":"item_create_invalid_item_id"}"#, Some(1)),
            (r#"{"code":"item_retrieve_invalid_item_id"}"#, Some(2)),
            (r#"{"code":"item_delete_invalid_item_id"}"#, Some(3)),
            (r#"{"code":"item_truncate_invalid_item_id"}"#, Some(4)),
            (r#"{"code":"invalid_value","param":"audio_end_ms"}"#, Some(4)),
            (r#"{"code":"input_audio_buffer_commit_empty"}"#, Some(5)),
            (r#"{"code":"conversation_already_has_active_response"}"#, Some(6)),
            (r#"{"code":"response_cancel_not_active"}"#, Some(7)),
            (r#"{"code":"server_error"}"#, None),
            (r#"{}"#, None),
        ] {
            assert_eq!(refused(json), seq, "{json}");
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut commands = Commands::default();
        for seq in 0..=MAX_PENDING as u64 {
            commands.push(Command {
                seq: Some(seq),
                event_id: None,
                kind: Kind::Clear,
            });
        }
        assert_eq!(commands.pending.len(), MAX_PENDING);
        assert_eq!(commands.answered(|_| true).and_then(|it| it.seq), Some(1));
    }

    #[test]
    fn each_is_taken_once() {
        let mut commands = commands();
        let clear = |command: &Command| command.kind == Kind::Clear;
        assert_eq!(commands.answered(clear).and_then(|it| it.seq), Some(8));
        assert_eq!(commands.answered(clear), None);
        assert_eq!(commands.drain().len(), 9);
        assert!(commands.is_empty());
    }
}
