//! What happens to the line of a call.

use rt_emulator::proxy::{Direction, FaultProxy};
use rt_emulator::wire::{Cut, Shape};

/// What goes wrong after so many percent of the call.
pub fn disturb(proxy: &FaultProxy, percent: usize) -> &'static str {
    match percent {
        15 => drop(proxy.cut(Cut::Reset)),
        35 => proxy.cut_after(Direction::Down, 5, Cut::Fin),
        50 => proxy.shape(Direction::Down, Shape::default().hole()),
        80 => {
            proxy.refuse(true);
            proxy.cut(Cut::Fin);
        }
        _ => proxy.heal(),
    }
    match percent {
        15 => "reset in mid-sentence",
        35 => "the server's stream ends within a frame",
        50 => "what the server says is swallowed, without an error",
        80 => "cut off, and refused for a while",
        _ => "the line is back",
    }
}
