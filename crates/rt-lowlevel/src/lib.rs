//! Connections to the Realtime APIs: transport, retries, state, restore.
