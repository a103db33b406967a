//! RTP (RFC 3550).
