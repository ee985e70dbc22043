//! What is left without the feature: types of no size, and functions that do nothing.

use std::time::Instant;

use rt_protocol::{DecodeError, ServerEvent};

use super::Waiting;
use crate::classify::Failure;
use crate::event::ConnectionEvent;

#[derive(Debug)]
pub(crate) struct Phase;

#[inline(always)]
pub(crate) fn phase(_name: &'static str) -> Phase {
    Phase
}

#[derive(Debug)]
pub(crate) struct Attempt;

impl Attempt {
    #[inline(always)]
    pub(crate) fn begin() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn finish<T>(self, _result: &Result<T, Failure>) {}
}

#[derive(Debug)]
pub(crate) struct Timeline;

impl Timeline {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn event(&mut self, _now: Instant, _event: &ConnectionEvent) {}

    #[inline(always)]
    pub(crate) fn queue(&mut self, _now: &Waiting) {}
}

#[derive(Debug)]
pub(crate) struct Queued;

impl Queued {
    #[inline(always)]
    pub(crate) fn now() -> Self {
        Self
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Wire;

impl Wire {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn sent(&self, _json: &[u8]) {}

    #[inline(always)]
    pub(crate) fn received(&self, _event: Result<&ServerEvent, &DecodeError>, _bytes: usize) {}

    #[inline(always)]
    pub(crate) fn ping(&self, _payload: &[u8]) {}

    #[inline(always)]
    pub(crate) fn pong(&self, _payload: &[u8]) {}
}
