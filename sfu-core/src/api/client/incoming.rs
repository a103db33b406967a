//! What comes back: completions and events.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::api::error::Result;
use crate::engine::RequestId;
use crate::route::{ConsumerId, Event, RouterId};

/// What a call answers.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct Answer {
    /// An object, or null where there is nothing to tell.
    pub value: Value,
    /// The bytes of a snapshot.
    pub payload: Option<Bytes>,
}

/// What [`Client::poll`](super::Client::poll) gives.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Incoming {
    /// The end of a call.
    Completion {
        /// The number that [`Client::submit`](super::Client::submit) gave it.
        request: RequestId,
        /// How it went.
        result: Result<Answer>,
    },
    /// Something happened: an [`Event`] in its JSON form, with its
    /// [`type`](EVENTS).
    Event {
        /// The event.
        event: Value,
        /// Of a `message`: what was sent; of `rtcp`: the packet.
        payload: Option<Bytes>,
    },
    /// Packets for a consumer of a direct transport, in the clear.
    Rtp {
        /// The consumer's router.
        router: RouterId,
        /// The consumer.
        consumer: ConsumerId,
        /// At least one, at most 256.
        packets: Vec<Bytes>,
    },
    /// The client was closed; nothing comes any more.
    Closed,
}

/// The values of `type` in the JSON form of [`Event`]. `rtp` comes as
/// [`Incoming::Rtp`].
pub const EVENTS: &[&str] = &[
    "router-closed",
    "transport-state-changed",
    "transport-tuple-selected",
    "transport-rtcp-tuple-selected",
    "transport-closed",
    "producer-closed",
    "consumer-closed",
    "consumer-producer-closed",
    "producer-demand-changed",
    "consumer-layers-changed",
    "speakers-changed",
    "active-speaker",
    "audio-levels",
    "silence",
    "rtp",
    "rtcp",
    "producer-video-orientation-changed",
    "transport-trace",
    "producer-trace",
    "consumer-trace",
    "sctp-state-changed",
    "data-channel-opened",
    "data-producer-closed",
    "data-consumer-closed",
    "data-buffered-amount-low",
    "message",
    "lagged",
];

impl Incoming {
    pub(super) fn event(event: Event) -> Self {
        match event {
            Event::Lagged(count) => {
                Self::Event { event: json!({ "type": "lagged", "count": count }), payload: None }
            }
            Event::Message { router, consumer, message } => {
                let event = json!({
                    "type": "message",
                    "router": router,
                    "consumer": consumer,
                    "kind": message.kind,
                });
                Self::Event { event, payload: Some(message.payload) }
            }
            Event::Rtcp { router, transport, packet } => {
                let event = json!({ "type": "rtcp", "router": router, "transport": transport });
                Self::Event { event, payload: Some(packet) }
            }
            // Every other event is plain data with text keys.
            event => {
                let event = serde_json::to_value(&event).unwrap_or_default();
                Self::Event { event, payload: None }
            }
        }
    }
}
