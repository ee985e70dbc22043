//! Events of a client, both ways.

use super::super::WarningReason;
use super::super::encoded::{Encoded, Warnings};
use super::session::{self, About};
use super::wire::write;
use super::{State, item, response};
use crate::client_event::SessionUpdate;
use crate::error::DecodeError;
use crate::{ClientEvent, peek};

/// Writes an event, and tells what it does not say.
pub(in super::super) fn encode(state: &State, event: &ClientEvent) -> Encoded {
    match event {
        ClientEvent::SessionUpdate(event) => {
            let mut warnings = Warnings::of("session");
            let id = event.event_id.clone();
            let json = session::encode(state, About::Update, id, &event.session, &mut warnings);
            if json.is_none() {
                warnings.add("type", WarningReason::NoSuchValue);
            }
            Encoded {
                json,
                warnings: warnings.into_vec(),
            }
        }
        ClientEvent::ResponseCreate(event) => {
            let mut warnings = Warnings::of("response");
            let json = response::encode_create(state, event, &mut warnings);
            Encoded {
                json: Some(json),
                warnings: warnings.into_vec(),
            }
        }
        ClientEvent::ConversationItemCreate(event) => {
            let mut warnings = Warnings::of("");
            let mut event = event.clone();
            let json = item::sent_to_beta(&mut event.item, "item", state, &mut warnings)
                .then(|| write("conversation.item.create", &event));
            Encoded {
                json,
                warnings: warnings.into_vec(),
            }
        }
        ClientEvent::SessionClose(_) | ClientEvent::SessionInputAudioBufferAppend(_) => {
            let mut warnings = Warnings::of("");
            warnings.add("type", WarningReason::NoSuchEvent);
            Encoded {
                json: None,
                warnings: warnings.into_vec(),
            }
        }
        event => Encoded::whole(event.to_json()),
    }
}

/// Reads a message of a client.
pub(in super::super) fn decode(state: &mut State, json: &str) -> Result<ClientEvent, DecodeError> {
    let Some(event_type) = peek::peek_type(json) else {
        return ClientEvent::from_json(json);
    };
    let event_type = event_type.as_ref();
    if matches!(
        event_type.trim(),
        "session.update" | "transcription_session.update"
    ) {
        let message = session::decode(state, event_type, json)?;
        return Ok(SessionUpdate {
            event_id: message.event_id,
            session: message.session,
        }
        .into());
    }
    let mut event = ClientEvent::from_json(json)?;
    match &mut event {
        ClientEvent::ConversationItemCreate(event) => item::to_ga(&mut event.item),
        ClientEvent::ResponseCreate(event) => response::params_to_ga(event, event_type, json)?,
        _ => {}
    }
    Ok(event)
}
