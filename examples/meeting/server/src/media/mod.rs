//! Media of live meetings.
//!
//! A room says what media should look like; [`Desk`] holds that plan, and one task per meeting makes
//! it so on a [`MediaPlane`]. Plans are replaced, not queued: however fast a meeting changes, the
//! plane is only ever asked for the latest.

mod conductor;
mod desk;
pub mod fake;
mod plane;
mod sdp_session;
mod sfu_plane;

pub use conductor::Report;
pub use desk::Desk;
pub use plane::{Accepted, MediaError, MediaNews, MediaPlane, MediaRoom};
pub use sfu_plane::SfuPlane;
