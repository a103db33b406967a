//! Why a command was refused.

use std::net::SocketAddr;

use sfu_ice::SctpError;

use super::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
};
use crate::wire::{MediaKind, Mid, Ssrc};

/// A refusal. The engine's state is as it was before the command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No such router; it may have been closed.
    #[error("router {0} does not exist or is closed")]
    RouterNotFound(RouterId),
    /// No such transport; it may have been closed.
    #[error("transport {0} does not exist or is closed")]
    TransportNotFound(TransportId),
    /// No such producer in this router; it may have been closed.
    #[error("producer {0} does not exist in this router or is closed")]
    ProducerNotFound(ProducerId),
    /// No such consumer; it may have been closed.
    #[error("consumer {0} does not exist or is closed")]
    ConsumerNotFound(ConsumerId),
    /// No such observer; it may have been closed.
    #[error("observer {0} does not exist or is closed")]
    RtpObserverNotFound(RtpObserverId),
    /// No such data producer in this router; it may have been closed.
    #[error("data producer {0} does not exist in this router or is closed")]
    DataProducerNotFound(DataProducerId),
    /// No such data consumer; it may have been closed.
    #[error("data consumer {0} does not exist or is closed")]
    DataConsumerNotFound(DataConsumerId),
    /// The command is for another kind of transport.
    #[error("transport {transport} is a {is} transport, but the call needs a {needs} transport")]
    WrongTransportKind {
        /// The transport.
        transport: TransportId,
        /// What it is.
        is: &'static str,
        /// What the command needs.
        needs: &'static str,
    },
    /// The producer is of another transport.
    #[error("producer {producer} is not of transport {transport}")]
    WrongTransport {
        /// The transport that was named.
        transport: TransportId,
        /// The producer.
        producer: ProducerId,
    },
    /// `connect` was called a second time.
    #[error("transport {0} is connected already")]
    AlreadyConnected(TransportId),
    /// The transport's parameters cannot be used.
    #[error("transport parameters: {0}")]
    Transport(String),
    /// The data channel cannot be opened or used.
    #[error("data channel on transport {transport}: {error}")]
    Data {
        /// The transport.
        transport: TransportId,
        /// Why.
        error: SctpError,
    },
    /// The keys do not fit the SRTP profile.
    #[error("SRTP key: {0}")]
    SrtpKey(String),
    /// The SSRC is in use on this transport.
    #[error("SSRC {0} is in use on this transport")]
    SsrcInUse(Ssrc),
    /// The MID (with its RIDs) is in use on this transport.
    #[error("MID {0} is in use by another producer of this transport")]
    MidInUse(Mid),
    /// Producer without codecs or encodings, or with too many.
    #[error("{what}: expected {expected}")]
    InvalidParameters {
        /// What was wrong.
        what: &'static str,
        /// What would have been right.
        expected: &'static str,
    },
    /// Audio where video is expected, or the other way round.
    #[error("the consumer is for {consumer}, but the producer is {producer}")]
    KindMismatch {
        /// Kind of the consumer.
        consumer: MediaKind,
        /// Kind of the producer.
        producer: MediaKind,
    },
    /// The receiver takes none of the producer's codecs.
    #[error("the receiver has none of the codecs of producer {0}")]
    Incompatible(ProducerId),
    /// A bound is reached.
    #[error("limit reached: at most {limit} {what}")]
    Limit {
        /// What there are too many of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The local address is used by another transport.
    #[error("address {0} is used by another transport")]
    AddressInUse(SocketAddr),
    /// What goes through a pipe stays with its producer.
    #[error("consumer {0} is part of a pipe and cannot be pointed at another producer")]
    Piped(ConsumerId),
    /// A bug in the library was contained; please report it.
    #[error("a bug in the library was contained")]
    Contained,
    /// The snapshot cannot be read, or its ids are in use here.
    #[error("snapshot: {0}")]
    Snapshot(String),
}
