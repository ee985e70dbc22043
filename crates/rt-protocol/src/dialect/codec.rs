//! [`Codec`]: one connection's translation between its dialect and the GA types.

use super::beta::{self, State};
use super::{Decoded, Dialect, Encoded};
use crate::{ClientEvent, DecodeError, ServerEvent};

/// Which of the servers that speak beta it is. They differ in a few places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BetaVariant {
    /// As OpenAI had it: turn detection is switched off by `null`.
    #[default]
    OpenAi,
    /// Azure OpenAI with `api-version`: turn detection is switched off by `{"type":"none"}`, and a function in
    /// `tool_choice` is nested.
    AzurePreview,
    /// Azure Voice Live: has MCP tools and items, images, and a sample rate for the input.
    VoiceLive,
}

/// Translates the messages of one connection. In the GA dialect it passes everything straight through.
///
/// It keeps little: the ids of items under way (at most 64), the temperature, and how the other side says that
/// turn detection is off. Clients use [`decode_server`](Self::decode_server) and
/// [`encode_client`](Self::encode_client); servers and tests the other two. Use a new one for a new connection.
#[derive(Debug, Clone)]
pub struct Codec {
    dialect: Dialect,
    state: State,
}

impl Codec {
    /// A codec for a new connection.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            state: State::default(),
        }
    }

    /// For a given kind of beta server. It makes no difference in the GA dialect.
    #[must_use]
    pub fn with_variant(mut self, variant: BetaVariant) -> Self {
        self.state.set_variant(variant);
        self
    }

    /// The sampling temperature, 0.6 to 1.2, which beta has and GA has not: a client's codec writes it into every
    /// `session.update`, a server's into the sessions that it reports. It is not checked here: a server refuses what is beyond.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.state.set_temperature(temperature);
        self
    }

    /// The dialect.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The temperature of the session: what the other side said last, else what was set here.
    #[must_use]
    pub const fn temperature(&self) -> Option<f64> {
        self.state.temperature()
    }

    /// Reads a server's message. One message becomes one event, or two where beta says at once what GA says in
    /// two steps; such events have the `event_id` of the message.
    ///
    /// # Errors
    /// As [`ServerEvent::from_json`]. Type, place and text are those of the message as it came.
    pub fn decode_server(&mut self, json: &str) -> Result<Decoded, DecodeError> {
        match self.dialect {
            Dialect::Ga => ServerEvent::from_json(json).map(Decoded::one),
            Dialect::Beta => beta::decode_server(&mut self.state, json),
        }
    }

    /// Writes a client's event. What the dialect cannot express is left out, with a warning for each.
    pub fn encode_client(&mut self, event: &ClientEvent) -> Encoded {
        match self.dialect {
            Dialect::Ga => Encoded::whole(event.to_json()),
            Dialect::Beta => beta::encode_client(&self.state, event),
        }
    }

    /// Writes a server's event; `None` if the dialect has no such event. What the dialect cannot express is left out.
    pub fn encode_server(&mut self, event: &ServerEvent) -> Option<String> {
        match self.dialect {
            Dialect::Ga => Some(event.to_json()),
            Dialect::Beta => beta::encode_server(&self.state, event),
        }
    }

    /// Reads a client's message.
    ///
    /// # Errors
    /// As [`ClientEvent::from_json`]. Type, place and text are those of the message as it came.
    pub fn decode_client(&mut self, json: &str) -> Result<ClientEvent, DecodeError> {
        match self.dialect {
            Dialect::Ga => ClientEvent::from_json(json),
            Dialect::Beta => beta::decode_client(&mut self.state, json),
        }
    }
}
