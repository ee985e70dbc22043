//! Voice sessions over the Realtime APIs: callbacks, events, turns.
