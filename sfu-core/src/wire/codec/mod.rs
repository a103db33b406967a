//! What a forwarding unit needs to know of a codec payload.
