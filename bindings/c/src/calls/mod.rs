//! One function for each method of each noun, as `sfu_core::client` lists them.

mod active_speaker_observer;
mod audio_level_observer;
mod consumer;
mod data_consumer;
mod data_producer;
mod direct_transport;
mod pipe_consumer;
mod pipe_transport;
mod plain_transport;
mod producer;
mod router;
mod sfu;
mod webrtc_transport;
