//! STUN and DTLS of one transport.

use sfu_ice::{Time, Tuple};

use super::router::Router;
use super::transport::TransportKind;

impl Router {
    pub(crate) fn handle_stun(&mut self, now: Time, key: u32, tuple: Tuple, datagram: &[u8]) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let TransportKind::WebRtc(webrtc) = &mut transport.kind else {
            transport.counters.refused.stun += 1;
            return;
        };
        if webrtc.peer.handle_stun(now, tuple, datagram).is_err() {
            transport.counters.refused.stun += 1;
        }
    }

    pub(crate) fn handle_dtls(&mut self, now: Time, key: u32, tuple: Tuple, datagram: &[u8]) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let TransportKind::WebRtc(webrtc) = &mut transport.kind else {
            transport.counters.refused.dtls += 1;
            return;
        };
        if webrtc.peer.handle_dtls(now, tuple, datagram).is_err() {
            transport.counters.refused.dtls += 1;
        }
    }
}
