//! The engine's behaviour in virtual time: simulated publishers and receivers
//! on simulated links around one `Engine`, one behaviour per module.

mod forwarding;
mod keyframes;
mod loss;
mod reports;
#[allow(unreachable_pub)]
mod sim;
mod simulcast;
