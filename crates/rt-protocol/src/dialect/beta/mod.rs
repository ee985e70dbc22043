//! The beta dialect.
//!
//! Messages are read straight into the GA structs, which have most fields under the same name, so that errors
//! keep their place in the text. The settings that beta has elsewhere are read from the same text by [`Flat`] and
//! then put where GA has them; writing goes the other way. No message becomes a tree.
//!
//! [`Flat`]: flat::Flat

mod client;
mod flat;
mod item;
mod pending;
mod response;
mod server_decode;
mod server_encode;
mod session;
mod settings;
mod wire;

pub(super) use self::client::{decode as decode_client, encode as encode_client};
use self::pending::Pending;
pub(super) use self::server_decode::decode as decode_server;
pub(super) use self::server_encode::encode as encode_server;
use super::BetaVariant;
use crate::Field;

/// What a codec knows of its connection.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    variant: BetaVariant,
    /// The other side said `{"type":"none"}`, so it will understand it.
    none_seen: bool,
    /// What the user of the codec wants.
    temperature_set: Option<f64>,
    /// What the other side said.
    temperature_told: Field<f64>,
    pending: Pending,
}

impl State {
    pub(super) const fn set_variant(&mut self, variant: BetaVariant) {
        self.variant = variant;
    }

    pub(super) const fn set_temperature(&mut self, temperature: f64) {
        self.temperature_set = Some(temperature);
    }

    pub(super) const fn temperature(&self) -> Option<f64> {
        match self.temperature_told {
            Field::Value(temperature) => Some(temperature),
            Field::Absent | Field::Null => self.temperature_set,
        }
    }

    /// The temperature of a session that is reported.
    fn temperature_to_tell(&self) -> Field<f64> {
        self.temperature_told.or(self.temperature_set.into())
    }

    /// Whether "turn detection is off" is written as `{"type":"none"}`.
    const fn off_is_none(&self) -> bool {
        self.none_seen || matches!(self.variant, BetaVariant::AzurePreview)
    }
}
