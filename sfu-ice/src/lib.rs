//! Sans-IO connectivity and key agreement for SFUs.
#![forbid(unsafe_code)]

mod addr;
mod random;
mod time;

pub use addr::{Protocol, Tuple, canonical};
pub use random::Random;
pub use time::Time;
