//! Requests that come as events of the application's own, and keep the ids these have.

use std::time::Duration;

use rt_protocol::{ClientEvent, ResponseParams};

use super::{Origin, Responses, Slot, Step, Wish};
use crate::engine::ids::Ids;

impl Responses {
    /// The application's own `response.create`, under its event id if it has one.
    pub(crate) fn request_as(
        &mut self,
        event_id: Option<String>,
        ids: &mut Ids,
        params: Option<Box<ResponseParams>>,
        now: Duration,
    ) {
        let wish = Wish {
            origin: Origin::Manual,
            params,
            tickets: Vec::new(),
            needs: None,
        };
        match (self.accept(ids, wish), &self.stopped) {
            (Some(mut request), _) => {
                request.key = event_id.unwrap_or(request.key);
                self.place(request, now);
            }
            // Nobody waits for it who could be told.
            (None, Some(error)) => self.steps.push(Step::Report(error.clone())),
            (None, None) => {}
        }
    }

    /// The cancel that was just wanted has this event id.
    pub(crate) fn name_cancel(&mut self, event_id: String) {
        if let Slot::Active {
            cancelling: Some((_, known)),
            ..
        } = &mut self.slot
            && let Some(Step::Send(event @ ClientEvent::ResponseCancel(_))) = self.steps.last_mut()
            && event.event_id() == Some(known)
        {
            *event = event.clone().with_event_id(event_id.as_str());
            *known = event_id;
        }
    }
}
