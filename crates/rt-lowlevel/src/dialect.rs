//! [`Translator`]: between the events of this crate and the dialect of the server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rt_protocol::dialect::{BetaVariant, Codec, Decoded, Dialect, Encoded};
use rt_protocol::{ClientEvent, DecodeError, ServerEvent};

/// The codec of one connection, as it remembers items; `None` until the dialect is known.
pub(crate) type LinkCodec = Arc<Mutex<Option<Codec>>>;

/// Reads and writes messages in the dialect of the server, which follows from the endpoint or from the first message.
///
/// On GA servers it takes no lock to read: the types are GA's own.
#[derive(Debug)]
pub(crate) struct Translator {
    variant: BetaVariant,
    is_ga: AtomicBool,
    /// Of the latest connection.
    latest: Mutex<LinkCodec>,
}

impl Translator {
    pub(crate) fn new(dialect: Option<Dialect>, variant: BetaVariant) -> Self {
        let codec = dialect.map(|dialect| Codec::new(dialect).with_variant(variant));
        Self {
            variant,
            is_ga: AtomicBool::new(dialect == Some(Dialect::Ga)),
            latest: Mutex::new(Arc::new(Mutex::new(codec))),
        }
    }

    fn latest(&self) -> LinkCodec {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new connection begins: nothing is known of its items. What is written from here on is written for it.
    pub(crate) fn begin(&self) -> LinkCodec {
        let dialect = locked(&self.latest()).as_ref().map(Codec::dialect);
        let codec = dialect.map(|dialect| Codec::new(dialect).with_variant(self.variant));
        let codec = Arc::new(Mutex::new(codec));
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&codec);
        codec
    }

    /// The event that a message of the server stands for, if the server speaks GA: it is always one.
    pub(crate) fn decode_ga(&self, json: &str) -> Option<Result<ServerEvent, DecodeError>> {
        self.is_ga
            .load(Ordering::Relaxed)
            .then(|| ServerEvent::from_json(json))
    }

    /// The events that a message of the server stands for, in order.
    pub(crate) fn decode(&self, codec: &LinkCodec, json: &str) -> Result<Decoded, DecodeError> {
        if let Some(event) = self.decode_ga(json) {
            return event.map(Decoded::from);
        }
        let mut codec = locked(codec);
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
        match locked(&self.latest()).as_mut() {
            Some(codec) => codec.encode_client(event),
            None => Codec::new(Dialect::Ga).encode_client(event),
        }
    }
}

fn locked(codec: &LinkCodec) -> std::sync::MutexGuard<'_, Option<Codec>> {
    codec.lock().unwrap_or_else(PoisonError::into_inner)
}
