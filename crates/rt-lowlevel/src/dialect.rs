//! [`Translator`]: between the events of this crate and the dialect of the server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rt_protocol::dialect::{BetaVariant, Codec, Decoded, Dialect, Encoded};
use rt_protocol::{ClientEvent, DecodeError, ServerEvent};

/// Reads and writes messages in the dialect of the server, which follows from the endpoint or from the first message.
///
/// On GA servers it takes no lock: the types are GA's own.
#[derive(Debug)]
pub(crate) struct Translator {
    variant: BetaVariant,
    is_ga: AtomicBool,
    /// One for each connection, as it remembers items; `None` until the dialect is known.
    codec: Mutex<Option<Codec>>,
}

impl Translator {
    pub(crate) fn new(dialect: Option<Dialect>, variant: BetaVariant) -> Self {
        Self {
            variant,
            is_ga: AtomicBool::new(dialect == Some(Dialect::Ga)),
            codec: Mutex::new(dialect.map(|dialect| Codec::new(dialect).with_variant(variant))),
        }
    }

    /// A new connection begins: nothing is known of its items.
    pub(crate) fn begin(&self) {
        let mut codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        *codec = codec
            .as_ref()
            .map(|codec| Codec::new(codec.dialect()).with_variant(self.variant));
    }

    /// The events that a message of the server stands for, in order.
    pub(crate) fn decode(&self, json: &str) -> Result<Decoded, DecodeError> {
        if self.is_ga.load(Ordering::Relaxed) {
            return ServerEvent::from_json(json).map(Decoded::from);
        }
        let mut codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        if codec.is_none()
            && let Some(dialect) = Dialect::detect(json)
        {
            tracing::debug!(?dialect, "dialect of the server");
            self.is_ga.store(dialect == Dialect::Ga, Ordering::Relaxed);
            *codec = Some(Codec::new(dialect).with_variant(self.variant));
        }
        match codec.as_mut() {
            Some(codec) => codec.decode_server(json),
            // What comes before the session is the same in both.
            None => ServerEvent::from_json(json).map(Decoded::from),
        }
    }

    /// The message of an event, and what the server's dialect cannot say of it.
    pub(crate) fn encode(&self, event: &ClientEvent) -> Encoded {
        let mut codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        match codec.as_mut() {
            Some(codec) => codec.encode_client(event),
            None => Codec::new(Dialect::Ga).encode_client(event),
        }
    }
}
