//! The clients that are compared, each used as its documentation says, on a connection that stays open.

mod others;
mod ours;
mod typed;

use std::hint::black_box;

use async_trait::async_trait;
use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use bytes::Bytes;

use self::others::{Adk, ApiRs, Core, Tools};
use self::ours::{RtClient, RtLowlevel};
use self::typed::{AsyncOpenai, OaiRtRs, Raw, Typed};

/// A connected client.
#[async_trait(?Send)]
pub trait Peer {
    fn name(&self) -> &'static str;
    /// Whether it is of this repository, and no peer of it.
    fn is_ours(&self) -> bool {
        self.name().starts_with("rt-") || self.name().starts_with("by hand")
    }
    /// Asks for a burst and takes `messages` audio deltas, down to the bytes. Gives the number of bytes.
    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize>;
    /// Sends every piece and waits until the server has them.
    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()>;
}

/// Ports of the two servers: one for each set of event names.
#[derive(Clone, Copy)]
pub struct Ports {
    pub ga: u16,
    pub beta: u16,
}

/// All clients that can be connected to a server on this machine. One that cannot says why.
pub async fn connect(ports: Ports, read_buffer: Option<usize>) -> Vec<Box<dyn Peer>> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    let mut add = |name: &str, peer: anyhow::Result<Box<dyn Peer>>| match peer {
        Ok(peer) => peers.push(peer),
        Err(error) => eprintln!("{name} is left out: {error:#}"),
    };
    add("rt-lowlevel", RtLowlevel::connect(ports.ga, read_buffer).await);
    add("rt-client", RtClient::connect(ports.ga).await);
    add("raw", Typed::<Raw>::connect(ports.ga).await);
    add("async-openai", Typed::<AsyncOpenai>::connect(ports.ga).await);
    add("oai-rt-rs", Typed::<OaiRtRs>::connect(ports.ga).await);
    add("adk-realtime", Adk::connect(ports.ga).await);
    add("openai-tools", Tools::connect(ports.beta).await);
    add("openai-core", Core::connect(ports.ga).await);
    add("openai-api-rs", ApiRs::connect(ports.beta).await);
    peers
}

fn decoded(base64: &str) -> anyhow::Result<usize> {
    Ok(black_box(BASE64_STANDARD.decode(base64)?).len())
}
