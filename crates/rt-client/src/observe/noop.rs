//! What is left without the feature.

use crate::event::Event;

#[inline(always)]
pub(crate) fn event(_event: &Event) {}
