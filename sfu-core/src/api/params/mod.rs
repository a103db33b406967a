//! ORTC-style parameters, serde-compatible with mediasoup-client.
