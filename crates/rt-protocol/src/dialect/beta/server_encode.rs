//! Events of a server, as a beta server says them.

use super::super::encoded::Warnings;
use super::session::{self, About};
use super::wire::write;
use super::{State, item, response};
use crate::ServerEvent;
use crate::server_event::{ConversationItemCreated, ConversationItemRetrieved};

/// Writes an event; `None` if beta has none like it.
pub(in super::super) fn encode(state: &State, event: &ServerEvent) -> Option<String> {
    // Nobody is warned: a server tells what it has, as far as the dialect goes.
    let mut unheard = Warnings::of("session");
    Some(match event {
        ServerEvent::ResponseOutputAudioDelta(event) => write("response.audio.delta", event),
        ServerEvent::ResponseOutputAudioDone(event) => write("response.audio.done", event),
        ServerEvent::ResponseOutputAudioTranscriptDelta(event) => {
            write("response.audio_transcript.delta", event)
        }
        ServerEvent::ResponseOutputAudioTranscriptDone(event) => {
            write("response.audio_transcript.done", event)
        }
        ServerEvent::ResponseOutputTextDelta(event) => write("response.text.delta", event),
        ServerEvent::ResponseOutputTextDone(event) => write("response.text.done", event),

        ServerEvent::SessionCreated(event) => {
            let id = event.event_id.as_str().into();
            return session::encode(state, About::Created, id, &event.session, &mut unheard);
        }
        ServerEvent::SessionUpdated(event) => {
            let id = event.event_id.as_str().into();
            return session::encode(state, About::Updated, id, &event.session, &mut unheard);
        }
        ServerEvent::ConversationItemAdded(event) => created(&ConversationItemCreated {
            event_id: event.event_id.clone(),
            previous_item_id: event.previous_item_id.clone(),
            item: event.item.clone(),
        }),
        ServerEvent::ConversationItemCreated(event) => created(event),
        ServerEvent::ConversationItemRetrieved(event) => {
            let mut event: ConversationItemRetrieved = (**event).clone();
            item::to_beta(&mut event.item);
            write("conversation.item.retrieved", &event)
        }
        ServerEvent::ResponseOutputItemAdded(event) => {
            let mut event = event.clone();
            item::to_beta(&mut event.item);
            write("response.output_item.added", &event)
        }
        ServerEvent::ResponseOutputItemDone(event) => {
            let mut event = event.clone();
            item::to_beta(&mut event.item);
            write("response.output_item.done", &event)
        }
        ServerEvent::ResponseCreated(event) => {
            response::encode("response.created", &event.event_id, &event.response)
        }
        ServerEvent::ResponseDone(event) => {
            response::encode("response.done", &event.event_id, &event.response)
        }

        event if is_only_ga(event, state) => return None,
        event => event.to_json(),
    })
}

fn created(event: &ConversationItemCreated) -> String {
    let mut event = event.clone();
    item::to_beta(&mut event.item);
    write("conversation.item.created", &event)
}

/// Events that beta has not.
fn is_only_ga(event: &ServerEvent, state: &State) -> bool {
    use super::BetaVariant::VoiceLive;
    match event {
        ServerEvent::ConversationItemDone(_)
        | ServerEvent::ConversationItemInputAudioTranscriptionSegment(_)
        | ServerEvent::InputAudioBufferTimeoutTriggered(_)
        | ServerEvent::InputAudioBufferDtmfEventReceived(_)
        | ServerEvent::SessionClosed(_)
        | ServerEvent::SessionInputTranscriptDelta(_)
        | ServerEvent::SessionOutputTranscriptDelta(_)
        | ServerEvent::SessionOutputAudioDelta(_) => true,
        ServerEvent::McpListToolsInProgress(_)
        | ServerEvent::McpListToolsCompleted(_)
        | ServerEvent::McpListToolsFailed(_)
        | ServerEvent::ResponseMcpCallArgumentsDelta(_)
        | ServerEvent::ResponseMcpCallArgumentsDone(_)
        | ServerEvent::ResponseMcpCallInProgress(_)
        | ServerEvent::ResponseMcpCallCompleted(_)
        | ServerEvent::ResponseMcpCallFailed(_) => state.variant != VoiceLive,
        _ => false,
    }
}
