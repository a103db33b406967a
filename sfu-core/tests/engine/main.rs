//! The engine's behaviour in virtual time: simulated publishers and receivers
//! on simulated links around one `Engine`, one behaviour per module.

mod all_encodings;
mod allocation;
mod data;
mod dd;
mod direct_transport;
mod forwarding;
mod hostile;
mod hostile_layers;
mod ice_restart;
mod keyframe_cache;
mod keyframes;
mod lifecycle;
mod loss;
mod pipe_data;
mod pipes;
mod plain_sctp;
mod plain_transport;
mod red;
mod reports;
mod saving;
#[allow(unreachable_pub)]
mod sim;
mod simulcast;
mod slots;
mod snapshot;
mod speakers;
mod svc;
mod switching;
mod trace;
mod webrtc;
