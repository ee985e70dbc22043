//! Messages of a beta server.

use serde::Deserialize;

use super::super::Decoded;
use super::{State, item, response, session};
use crate::error::DecodeError;
use crate::read::body as read;
use crate::server_event::{
    ConversationItemAdded, ConversationItemCreated, ConversationItemDone, SessionCreated, SessionUpdated,
};
use crate::{ContentPart, Field, Item, ServerEvent, flat, peek};

/// Reads a message.
pub(in super::super) fn decode(state: &mut State, json: &str) -> Result<Decoded, DecodeError> {
    let Some(peek::Peeked { event_type, rest }) = peek::peek(json) else {
        return ServerEvent::from_json(json).map(Decoded::one);
    };
    let event_type = event_type.as_ref();
    let event = match event_type.trim() {
        // The deltas first, and straight into their structs: they are nine tenths of all messages.
        "response.audio.delta" => match flat::delta_event("response.output_audio.delta", rest, json) {
            Some(event) => event,
            None => read(event_type, json).map(ServerEvent::ResponseOutputAudioDelta)?,
        },
        "response.audio_transcript.delta" => {
            match flat::delta_event("response.output_audio_transcript.delta", rest, json) {
                Some(event) => event,
                None => read(event_type, json).map(ServerEvent::ResponseOutputAudioTranscriptDelta)?,
            }
        }
        "response.text.delta" => match flat::delta_event("response.output_text.delta", rest, json) {
            Some(event) => event,
            None => read(event_type, json).map(ServerEvent::ResponseOutputTextDelta)?,
        },
        "response.audio.done" => read(event_type, json).map(ServerEvent::ResponseOutputAudioDone)?,
        "response.audio_transcript.done" => {
            read(event_type, json).map(ServerEvent::ResponseOutputAudioTranscriptDone)?
        }
        "response.text.done" => read(event_type, json).map(ServerEvent::ResponseOutputTextDone)?,
        "session.created" | "transcription_session.created" => {
            let message = session::decode(state, event_type, json)?;
            ServerEvent::SessionCreated(Box::new(SessionCreated {
                event_id: message.event_id.into_value().unwrap_or_default(),
                session: message.session,
            }))
        }
        "session.updated" | "transcription_session.updated" => {
            let message = session::decode(state, event_type, json)?;
            ServerEvent::SessionUpdated(Box::new(SessionUpdated {
                event_id: message.event_id.into_value().unwrap_or_default(),
                session: message.session,
            }))
        }
        _ => return reshape(state, ServerEvent::from_json(json)?, event_type, json),
    };
    Ok(Decoded::one(event))
}

/// What has the same name in both dialects but not always the same content.
fn reshape(
    state: &mut State,
    mut event: ServerEvent,
    event_type: &str,
    json: &str,
) -> Result<Decoded, DecodeError> {
    match &mut event {
        ServerEvent::ConversationItemCreated(created) => {
            return Ok(created_to_ga(state, std::mem::take(&mut **created)));
        }
        ServerEvent::ConversationItemRetrieved(event) => item::to_ga(&mut event.item),
        ServerEvent::ConversationItemDeleted(event) => {
            state.pending.finished(&event.item_id);
        }
        // From a server that speaks a mixture.
        ServerEvent::ConversationItemAdded(event) => item::to_ga(&mut event.item),
        ServerEvent::ConversationItemDone(event) => {
            item::to_ga(&mut event.item);
            state.pending.finished(event.item.id().unwrap_or_default());
        }
        ServerEvent::ResponseOutputItemAdded(event) => {
            item::to_ga(&mut event.item);
            if let Some(id) = event.item.id() {
                state.pending.begun(id, &event.response_id);
            }
        }
        ServerEvent::ResponseOutputItemDone(done) => {
            item::to_ga(&mut done.item);
            if let Some(first) = finished(state, &done.event_id, &done.item) {
                return Ok(Decoded::many(vec![first, event]));
            }
        }
        ServerEvent::ResponseCreated(event) => response::to_ga(&mut event.response, event_type, json)?,
        ServerEvent::ResponseDone(done) => {
            response::to_ga(&mut done.response, event_type, json)?;
            // Items that were cut off without an event of their own.
            let mut events: Vec<_> = response::output(&mut done.response)
                .iter()
                .filter_map(|item| finished(state, &done.event_id, item))
                .collect();
            // Those that the response does not even list are what was last told of them.
            let id = done.response.id.as_deref().unwrap_or_default();
            events.extend(
                state
                    .pending
                    .left_by(id)
                    .into_iter()
                    .map(|(previous_item_id, item)| done_event(&done.event_id, previous_item_id, item)),
            );
            if !events.is_empty() {
                events.push(event);
                return Ok(Decoded::many(events));
            }
        }
        ServerEvent::ResponseContentPartAdded(event) => {
            part_or_content(&mut event.part, event_type, json)?;
        }
        ServerEvent::ResponseContentPartDone(event) => part_or_content(&mut event.part, event_type, json)?,
        _ => {}
    }
    Ok(Decoded::one(event))
}

/// The item is added; it is done at once, unless a response is still making it.
fn created_to_ga(state: &mut State, created: ConversationItemCreated) -> Decoded {
    let ConversationItemCreated {
        event_id,
        previous_item_id,
        mut item,
    } = created;
    item::to_ga(&mut item);
    let id = item.id().unwrap_or_default();
    let is_growing = item::is_growing(&item) || state.pending.contains(id);
    if is_growing {
        state.pending.added(id, &previous_item_id, &item);
    }
    let done = (!is_growing).then(|| ConversationItemDone {
        event_id: event_id.clone(),
        previous_item_id: previous_item_id.clone(),
        item: item.clone(),
    });
    let added = ServerEvent::ConversationItemAdded(Box::new(ConversationItemAdded {
        event_id,
        previous_item_id,
        item,
    }));
    match done {
        Some(done) => Decoded::many(vec![added, ServerEvent::ConversationItemDone(Box::new(done))]),
        None => Decoded::one(added),
    }
}

/// The `conversation.item.done` that beta does not send, if the item is one of the conversation.
fn finished(state: &mut State, event_id: &str, item: &Item) -> Option<ServerEvent> {
    let previous_item_id = state.pending.finished(item.id().unwrap_or_default())?;
    Some(done_event(event_id, previous_item_id, item.clone()))
}

fn done_event(event_id: &str, previous_item_id: Field<String>, item: Item) -> ServerEvent {
    ServerEvent::ConversationItemDone(Box::new(ConversationItemDone {
        event_id: event_id.to_owned(),
        previous_item_id,
        item,
    }))
}

/// The part, which the first preview called `content`.
fn part_or_content(part: &mut ContentPart, event_type: &str, json: &str) -> Result<(), DecodeError> {
    #[derive(Deserialize)]
    struct Old {
        #[serde(default)]
        content: Field<ContentPart>,
    }
    if *part == ContentPart::default() {
        *part = read::<Old>(event_type, json)?
            .content
            .into_value()
            .unwrap_or_default();
    }
    Ok(())
}
