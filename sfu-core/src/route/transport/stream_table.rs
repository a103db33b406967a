//! Which incoming SSRC belongs to which stream of which producer.
//!
//! An SSRC is known from signalling, or bound once by the MID, RID or payload
//! type of the first authenticated packet that carries it (RFC 8843 §9.2).
//! After that a packet costs one search in a sorted list.

use serde::{Deserialize, Serialize};

use crate::route::config::ProducerConfig;
use crate::wire::rtp::Extensions;
use crate::wire::{PayloadType, Ssrc};

/// SSRCs that a peer may bind.
const MAX_BINDINGS: usize = 64;
/// SSRCs that the other end of a pipe may bind, which brings a whole room.
const MAX_PIPED_BINDINGS: usize = 8_192;

/// One stream of one producer, or the retransmissions of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRef {
    /// Key of the producer in its router.
    pub(crate) producer: u32,
    /// Index of the encoding.
    pub(crate) stream: u8,
    /// Whether the SSRC carries retransmissions.
    pub(crate) repair: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamTable {
    /// By SSRC, ascending.
    bindings: Vec<(Ssrc, StreamRef)>,
    /// Whether it is a pipe's.
    piped: bool,
}

impl StreamTable {
    /// The table of a pipe.
    pub(crate) fn piped() -> Self {
        Self { bindings: Vec::new(), piped: true }
    }

    pub(crate) fn find(&self, ssrc: Ssrc) -> Option<StreamRef> {
        let at = self.bindings.binary_search_by_key(&ssrc, |(bound, _)| *bound).ok()?;
        self.bindings.get(at).map(|(_, stream)| *stream)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bindings.len() >= if self.piped { MAX_PIPED_BINDINGS } else { MAX_BINDINGS }
    }

    /// Binds `ssrc`; what was bound to the same stream before is forgotten,
    /// since a sender that starts anew changes its SSRC.
    pub(crate) fn bind(&mut self, ssrc: Ssrc, stream: StreamRef) {
        self.bindings.retain(|(bound, to)| *bound != ssrc && *to != stream);
        if !self.is_full() {
            let at = self.bindings.partition_point(|(bound, _)| *bound < ssrc);
            self.bindings.insert(at, (ssrc, stream));
        }
    }

    /// Forgets everything of a producer.
    pub(crate) fn remove_producer(&mut self, producer: u32) {
        self.bindings.retain(|(_, stream)| stream.producer != producer);
    }
}

/// The stream of `producer` that a packet with these marks belongs to.
pub(crate) fn match_stream(
    key: u32,
    producer: &ProducerConfig,
    payload_type: PayloadType,
    extensions: &Extensions,
) -> Option<StreamRef> {
    let of_media = producer.codecs.iter().any(|codec| codec.payload_type == payload_type);
    let of_repair =
        producer.codecs.iter().any(|codec| codec.rtx_payload_type == Some(payload_type));
    if !of_media && !of_repair {
        return None;
    }
    if let (Some(wanted), Some(mid)) = (producer.mid, extensions.mid)
        && wanted != mid
    {
        return None;
    }
    let rid = if of_repair { extensions.repaired_rid.or(extensions.rid) } else { extensions.rid };
    let position = match rid {
        Some(rid) => producer.encodings.iter().position(|encoding| encoding.rid == Some(rid))?,
        // Without a RID only a lone encoding that expects none can be meant,
        // and only if the MID says so or the encoding's SSRC was not told.
        None => match producer.encodings.as_slice() {
            [only] if only.rid.is_none() && (extensions.mid.is_some() || only.ssrc.is_none()) => 0,
            _ => return None,
        },
    };
    let stream = u8::try_from(position).ok()?;
    Some(StreamRef { producer: key, stream, repair: of_repair })
}
