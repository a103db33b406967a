//! SDP offer/answer (RFC 8829 subset) on top of the parameters.
