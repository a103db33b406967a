//! STUN, DTLS and plain SCTP of one transport.

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

    /// Whether what is neither RTP nor RTCP is SCTP on a transport.
    pub(crate) fn has_plain_sctp(&self, key: u32) -> bool {
        self.transports.get(key as usize).is_some_and(|transport| transport.sctp.is_some())
    }

    /// Takes in an SCTP packet of a plain transport's peer. As nothing protects
    /// it, it counts for as much as an RTP packet in the clear, also where RTP is
    /// protected.
    pub(crate) fn handle_sctp(&mut self, now: Time, key: u32, tuple: Tuple, datagram: &[u8]) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let admitted = transport.admits(&tuple, false);
        let (TransportKind::Plain(plain), Some(sctp)) = (&mut transport.kind, &mut transport.sctp)
        else {
            return;
        };
        // Only what is certainly SCTP teaches an address.
        if !admitted || (plain.rtp.is_none() && !sctp.recognizes(datagram)) {
            transport.counters.refused.sctp += 1;
            return;
        }
        transport.counters.packets_received += 1;
        transport.counters.bytes_received += datagram.len() as u64;
        let learnt = plain.learn_rtp(tuple);
        if sctp.handle_packet(now, datagram).is_err() {
            transport.counters.refused.sctp += 1;
        }
        if learnt {
            self.transport_ready(now, key);
        }
    }
}
