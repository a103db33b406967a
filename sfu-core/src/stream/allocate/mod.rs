//! Which layers each consumer of one receiver gets for the bits there are.
//!
//! The router pushes a receiver's streams into an [`Allocator`] (how each is
//! shown as [`Demand`], what its source offers as a [`Ladder`]) together with
//! the state that it keeps for the receiver, a [`Budget`], and reads back a
//! [`Choice`] each. `utility` says what is worth how much, `solve` finds the
//! best sum for a bit rate, `budget` keeps the picture calm. Nothing here knows
//! routers, consumers or packets.

mod allocator;
mod budget;
mod demand;
mod ladder;
mod reason;
mod solve;
mod utility;

pub use allocator::{Allocator, Choice, Request};
pub use budget::Budget;
pub use demand::Demand;
pub use ladder::{Ladder, Rung};
pub use reason::LayersReason;
pub use utility::Utility;
