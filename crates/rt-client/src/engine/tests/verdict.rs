//! What the server had to refuse.

use proptest::prelude::*;

use super::world::{Came, World};

/// Each conflict at the server is with a response it began by itself while a request was on its way, which no client can
/// know. Nothing else is refused, but for cancels that came when the response was over, and none of it becomes a failure.
pub(super) fn no_conflict_of_our_own(world: &World) -> Result<(), TestCaseError> {
    let (mut conflicts, mut refused) = (0, Vec::new());
    for error in &world.errors {
        if error.starts_with("conversation_already_has_active_response") {
            conflicts += 1;
        } else if !error.starts_with("response_cancel_not_active") {
            refused.push(error);
        }
    }
    prop_assert!(conflicts <= world.unasked, "{:?}", world.errors);
    prop_assert!(refused.is_empty(), "{:?}", refused);
    prop_assert!(world.reported.is_empty(), "{:?}", world.reported);
    let mut ends = world.came.values().flatten();
    prop_assert!(
        !ends.any(|came| *came == Came::Nothing(crate::ErrorKind::Refused)),
        "{:?}",
        world.came
    );
    Ok(())
}
