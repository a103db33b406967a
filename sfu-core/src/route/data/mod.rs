//! Messages: who sends them, who gets them, and what becomes of a receiver
//! that is too slow.
//!
//! A data producer is a channel on which a peer sends, or a source in this
//! process; a data consumer is a channel to a peer, or an event in this
//! process, that follows one data producer. Driven by the engine, apart from
//! the path of media. A message is never queued here: what waits, waits in
//! the send buffer of the receiver's association, which is bounded.

mod config;
mod deliver;
mod routes;
mod stats;

pub use config::{DataConsumerConfig, DataProducerConfig, DataStream};
pub(crate) use deliver::Delivered;
pub(crate) use routes::{DataConsumer, DataProducer, DataRoutes};
pub use stats::{DataConsumerStats, DataProducerStats};
