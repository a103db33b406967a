//! The sans-IO machine of one shard: commands and packets in, packets and
//! events out, time as an argument.

mod close;
mod command;
mod data;
mod direct;
mod execute;
mod machine;
mod output;
mod peers;
mod pipe;
mod pipe_data;
mod plain_data;
mod restore;
mod timer;

pub use command::{Command, Completion, Reply, RequestId};
pub use machine::{Engine, EngineConfig, EngineCounters};
pub use output::Output;

pub use crate::route::{
    ConsumerDescription, DataConsumerDescription, DataProducerDescription, ProducerDescription,
    RouterDescription, Sink, TransportAccess, TransportDescription,
};
pub use crate::wire::buf::Run;
