//! What can be wrong with parameters.

use crate::wire::{MediaKind, PayloadType};

/// Why parameters were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrtcError {
    /// A field has a value that it cannot have.
    #[error("{field} (entry {index}): expected {expected}")]
    Invalid {
        /// The field, in its JSON spelling: `codecs[].payloadType`.
        field: &'static str,
        /// Which entry of the list; 0 where the field is not in a list.
        index: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// A codec that the router is to route is not one that it can route.
    #[error("codec {mime_type} is not supported with these parameters")]
    UnsupportedCodec {
        /// The codec's MIME type.
        mime_type: String,
    },
    /// A producer's codec is not among those of the router.
    #[error("{mime_type} with payload type {} is not a codec of the router", .payload_type.0)]
    NotInRouter {
        /// The codec's MIME type.
        mime_type: String,
        /// Its payload type.
        payload_type: PayloadType,
    },
    /// Two sides have no codec of this kind in common.
    #[error("no {kind} codec in common")]
    NoCommonCodec {
        /// Audio or video.
        kind: MediaKind,
    },
    /// No dynamic payload type is left for another codec.
    #[error("no payload type left for codec {mime_type}")]
    NoPayloadType {
        /// The codec's MIME type.
        mime_type: String,
    },
}

impl OrtcError {
    pub(super) const fn invalid(field: &'static str, index: usize, expected: &'static str) -> Self {
        Self::Invalid { field, index, expected }
    }
}
