//! The past of a stream, told in a hurry: from its last key frame to the
//! present, for a receiver that starts late.

use super::{Newest, Offsets, Refused, Rewriter, Rewritten, Source, Step, wrap_u32};
use crate::stream::select::PacketMeta;
use crate::stream::send::StreamKey;
use crate::wire::{ExtSeq, RtpTime};

/// A stream's past that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Ingress timestamp of the newest frame.
    live: RtpTime,
    /// Its egress timestamp.
    to: RtpTime,
}

impl Rewriter {
    /// Follows `source` from a key frame of its past on: `packet` is its first
    /// packet, `live` the newest packet of the stream, `pictures` how many there
    /// are from one to the other, at most.
    ///
    /// The past is told in a hurry: its frames come a tick apart just before
    /// `live`, so that a receiver decodes them at once and shows the present.
    /// Pass the packets in between, in order and up to `live`, to
    /// [`forward_history`](Self::forward_history) or [`skip`](Self::skip).
    pub fn switch_to_history(
        &mut self,
        source: StreamKey,
        packet: &PacketMeta,
        live: &PacketMeta,
        pictures: u16,
    ) -> (History, Result<Rewritten, Refused>) {
        self.source = Some(Source::new(source, packet, None));
        let step = match self.newest {
            None => Step { timestamp: self.first_timestamp, ahead: 0 },
            Some(newest) => Step::at_least(&newest, 1, 1),
        };
        let room = i64::from(pictures) + 1;
        let live_step = match self.newest {
            None => Step { timestamp: step.timestamp.offset(wrap_u32(room)), ahead: 0 },
            Some(newest) => Step::at_least(&newest, self.ideal(&newest, live), room),
        };
        let is_live = packet.timestamp == live.timestamp;
        let step = if is_live { live_step.timestamp } else { step.timestamp };
        self.start(source, packet, Step { timestamp: step, ahead: live_step.ahead });
        let history = History { live: live.timestamp, to: live_step.timestamp };
        (history, self.send(packet))
    }

    /// The header values of a packet of the past that is to be sent.
    ///
    /// # Errors
    /// [`Refused::NotFollowed`] if it has no place.
    pub fn forward_history(
        &mut self,
        source: StreamKey,
        packet: &PacketMeta,
        history: &History,
    ) -> Result<Rewritten, Refused> {
        let Some(now) = self.source.filter(|now| now.key == source) else {
            return Err(Refused::NotFollowed);
        };
        if packet.ext <= now.highest {
            return self.send_late(source, packet);
        }
        if let (Some(newest), Some(offsets)) = (self.newest, self.map.offsets())
            && packet.timestamp != now.timestamp
        {
            let is_live = packet.timestamp == history.live;
            let to = if is_live { history.to } else { newest.timestamp.offset(1) };
            let timestamp = to.0.wrapping_sub(packet.timestamp.0);
            self.map.renew(packet.ext, Offsets { timestamp, ..offsets });
        }
        self.send(packet)
    }

    /// The past ends here, after `live`: what follows gets its timestamp by the
    /// time of capture.
    pub fn end_history(&mut self, source: StreamKey, live: &PacketMeta, history: &History) {
        let Some(now) = self.source.filter(|now| now.key == source) else { return };
        let Some(offsets) = self.map.offsets() else { return };
        let timestamp = history.to.0.wrapping_sub(history.live.0);
        if offsets.timestamp != timestamp {
            let after = ExtSeq(now.highest.max(live.ext).0.saturating_add(1));
            self.map.renew(after, Offsets { timestamp, ..offsets });
        }
        // The next switch measures from the present, whatever was sent of it.
        let PacketMeta { arrival, capture, .. } = *live;
        self.newest = Some(Newest { timestamp: history.to, arrival, capture });
    }
}
