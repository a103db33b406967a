//! The types of events, by number for C and by name for JSON.

use plenum_event_type::*;

/// What an event tells. New types may come with a new version: treat those
/// that you do not know as PLENUM_EVENT_OTHER.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum plenum_event_type {
    /// Nothing: the event was initialised or freed.
    PLENUM_EVENT_NONE = 0,
    /// A call is done: `request`, `result`, and `json` with the answer or
    /// `error` with the message.
    PLENUM_EVENT_COMPLETION = 1,
    /// RTP packets for a consumer of a direct transport: `subject`, `packets`.
    PLENUM_EVENT_RTP = 2,
    /// The SFU is closed; nothing comes after it.
    PLENUM_EVENT_CLOSED = 3,
    /// An event that this version has no number for; `json` has its type.
    PLENUM_EVENT_OTHER = 4,
    /// Events were lost, because they were not taken for too long: `json` says
    /// how many ("count"). Completions are never lost.
    PLENUM_EVENT_LAGGED = 5,
    /// A router is gone, with all in it.
    PLENUM_EVENT_ROUTER_CLOSED = 16,
    /// "ice" or "dtls" of a WebRTC transport changed; `subject` is the transport.
    PLENUM_EVENT_TRANSPORT_STATE_CHANGED = 17,
    /// Media now goes to this path, "tuple", of a transport.
    PLENUM_EVENT_TRANSPORT_TUPLE_SELECTED = 18,
    /// A transport is gone, and "reason" says why.
    PLENUM_EVENT_TRANSPORT_CLOSED = 19,
    /// A producer is gone, and "reason" says why.
    PLENUM_EVENT_PRODUCER_CLOSED = 20,
    /// A consumer is gone, and "reason" says why.
    PLENUM_EVENT_CONSUMER_CLOSED = 21,
    /// What a consumer follows was closed; the slot is empty now.
    PLENUM_EVENT_CONSUMER_PRODUCER_CLOSED = 22,
    /// What is wanted of a video producer changed: "demand", layers or null.
    PLENUM_EVENT_PRODUCER_DEMAND_CHANGED = 23,
    /// A consumer gets other layers, "current", or is to get them, "target".
    PLENUM_EVENT_CONSUMER_LAYERS_CHANGED = 24,
    /// Who is forwarded to the slots that follow speakers: "speakers".
    PLENUM_EVENT_SPEAKERS_CHANGED = 25,
    /// `subject` is the producer of who speaks now; "observer" who tells, null
    /// for the router.
    PLENUM_EVENT_ACTIVE_SPEAKER = 26,
    /// The loudest producers, "volumes"; `subject` is the observer.
    PLENUM_EVENT_AUDIO_LEVELS = 27,
    /// Nobody is loud any more; `subject` is the observer.
    PLENUM_EVENT_SILENCE = 28,
    /// The SCTP "state" of a WebRTC transport or of a pipe changed.
    PLENUM_EVENT_SCTP_STATE_CHANGED = 29,
    /// The other side opened a data channel on the transport `subject`: its
    /// "producer", "stream" and "parameters".
    PLENUM_EVENT_DATA_CHANNEL_OPENED = 30,
    /// A data producer is gone, and "reason" says why.
    PLENUM_EVENT_DATA_PRODUCER_CLOSED = 31,
    /// A data consumer is gone, and "reason" says why.
    PLENUM_EVENT_DATA_CONSUMER_CLOSED = 32,
    /// Less is waiting to be sent to a data consumer than its threshold.
    PLENUM_EVENT_DATA_BUFFERED_AMOUNT_LOW = 33,
    /// A message for a data consumer of a direct transport: `subject`,
    /// `payload`, and "kind", "string" or "binary".
    PLENUM_EVENT_MESSAGE = 34,
    /// RTCP now goes to this path, "tuple", of a plain transport.
    PLENUM_EVENT_TRANSPORT_RTCP_TUPLE_SELECTED = 35,
    /// An RTCP packet for whoever stands behind the direct transport `subject`:
    /// `payload`.
    PLENUM_EVENT_RTCP = 36,
    /// The picture of a producer is to be turned otherwise: "backCamera", "flip"
    /// and "rotation" (degrees, clockwise).
    PLENUM_EVENT_PRODUCER_VIDEO_ORIENTATION_CHANGED = 37,
    /// Something that was to be traced of a transport: "trace", with its "type",
    /// and "timestampMs".
    PLENUM_EVENT_TRANSPORT_TRACE = 38,
    /// Something that was to be traced of a producer.
    PLENUM_EVENT_PRODUCER_TRACE = 39,
    /// Something that was to be traced of a consumer.
    PLENUM_EVENT_CONSUMER_TRACE = 40,
}

/// An event as the client names it: its number here, and the field with the
/// id of what it is about.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) number: plenum_event_type,
    pub(crate) subject: &'static str,
}

const fn known(name: &'static str, number: plenum_event_type, subject: &'static str) -> Known {
    Known { name, number, subject }
}

const KNOWN: [Known; 26] = [
    known("lagged", PLENUM_EVENT_LAGGED, ""),
    known("router-closed", PLENUM_EVENT_ROUTER_CLOSED, "router"),
    known("transport-state-changed", PLENUM_EVENT_TRANSPORT_STATE_CHANGED, "transport"),
    known("transport-tuple-selected", PLENUM_EVENT_TRANSPORT_TUPLE_SELECTED, "transport"),
    known("transport-rtcp-tuple-selected", PLENUM_EVENT_TRANSPORT_RTCP_TUPLE_SELECTED, "transport"),
    known("transport-closed", PLENUM_EVENT_TRANSPORT_CLOSED, "transport"),
    known("producer-closed", PLENUM_EVENT_PRODUCER_CLOSED, "producer"),
    known("consumer-closed", PLENUM_EVENT_CONSUMER_CLOSED, "consumer"),
    known("consumer-producer-closed", PLENUM_EVENT_CONSUMER_PRODUCER_CLOSED, "consumer"),
    known("producer-demand-changed", PLENUM_EVENT_PRODUCER_DEMAND_CHANGED, "producer"),
    known("consumer-layers-changed", PLENUM_EVENT_CONSUMER_LAYERS_CHANGED, "consumer"),
    known("speakers-changed", PLENUM_EVENT_SPEAKERS_CHANGED, "router"),
    known("active-speaker", PLENUM_EVENT_ACTIVE_SPEAKER, "producer"),
    known("audio-levels", PLENUM_EVENT_AUDIO_LEVELS, "observer"),
    known("silence", PLENUM_EVENT_SILENCE, "observer"),
    known("sctp-state-changed", PLENUM_EVENT_SCTP_STATE_CHANGED, "transport"),
    known("data-channel-opened", PLENUM_EVENT_DATA_CHANNEL_OPENED, "transport"),
    known("data-producer-closed", PLENUM_EVENT_DATA_PRODUCER_CLOSED, "producer"),
    known("data-consumer-closed", PLENUM_EVENT_DATA_CONSUMER_CLOSED, "consumer"),
    known("data-buffered-amount-low", PLENUM_EVENT_DATA_BUFFERED_AMOUNT_LOW, "consumer"),
    known("message", PLENUM_EVENT_MESSAGE, "consumer"),
    known("rtcp", PLENUM_EVENT_RTCP, "transport"),
    known(
        "producer-video-orientation-changed",
        PLENUM_EVENT_PRODUCER_VIDEO_ORIENTATION_CHANGED,
        "producer",
    ),
    known("transport-trace", PLENUM_EVENT_TRANSPORT_TRACE, "transport"),
    known("producer-trace", PLENUM_EVENT_PRODUCER_TRACE, "producer"),
    known("consumer-trace", PLENUM_EVENT_CONSUMER_TRACE, "consumer"),
];

/// The number of an event by its name.
pub(crate) fn by_name(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_the_client_has_a_number() {
        for name in sfu_core::client::EVENTS {
            assert!(*name == "rtp" || by_name(name).is_some(), "{name} has none");
        }
        for known in &KNOWN {
            assert!(sfu_core::client::EVENTS.contains(&known.name), "{} is none", known.name);
        }
    }

    #[test]
    fn names_and_numbers_are_the_same_words() {
        for known in &KNOWN {
            let words = known.name.replace('-', "_").to_uppercase();
            assert_eq!(format!("{:?}", known.number), format!("PLENUM_EVENT_{words}"));
        }
    }
}
