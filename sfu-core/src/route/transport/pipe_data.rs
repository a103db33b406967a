//! Data channels through a pipe: SCTP in RTCP, which is protected as all RTCP
//! of the pipe is, and takes the same way.
//!
//! Each end begins an association of its own for what it sends, and answers
//! that of the other end. So neither needs to know who was first.

use sfu_ice::sctp::{Association, ChannelParameters, Message, SctpConfig, SctpEvent, SctpState};
use sfu_ice::{SctpError, Time};

/// Longest message, in bytes: as much as every peer takes.
const MAX_MESSAGE: u32 = 262_144;
/// Bytes that wait for the association to be established at most, each message
/// with the cost of its entry: less than fit into its send buffer afterwards.
const MAX_EARLY: usize = 512 << 10;
const EARLY_COST: usize = 64;
/// Where a chunk that begins an association says its tag, and its type.
const INIT: u8 = 1;

/// Who began an association of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// This end, for its data consumers.
    Near,
    /// The other end; its channels are data producers here.
    Far,
}

/// The associations of a pipe. They do not survive a snapshot.
#[derive(Debug, Default)]
pub(crate) struct PipeData {
    near: Option<Box<Association>>,
    far: Option<Box<Association>>,
    /// What the other end began its association with.
    far_tag: Option<[u8; 4]>,
    /// The other end began anew, which is still to be told.
    begun_anew: bool,
    /// What was sent while the near association was being established, so that
    /// a channel loses nothing at its beginning.
    early: Vec<(u16, Message)>,
    early_bytes: usize,
    /// Where the search for a free stream of ours begins.
    next_stream: u16,
    /// How the last association ended.
    ended: Option<SctpState>,
    /// The state that was told last.
    told: Option<SctpState>,
}

impl PipeData {
    /// Opens a channel to the other end; gives its stream.
    pub(crate) fn open(
        &mut self,
        now: Time,
        stream: Option<u16>,
        parameters: &ChannelParameters,
        negotiated: bool,
    ) -> Result<u16, SctpError> {
        let near = self.near.get_or_insert_with(|| {
            let mut association = Box::new(Association::new(config(true)));
            association.start(now, true);
            association
        });
        let streams = near.config().max_streams;
        let mut open = |stream| match negotiated {
            true => near.open_negotiated(Some(stream), parameters.clone()),
            false => near.open(Some(stream), parameters.clone()),
        };
        if let Some(stream) = stream {
            return open(stream);
        }
        // In turn: one that was closed just now may not be free beyond yet.
        let begin = if self.next_stream < streams { self.next_stream } else { 0 };
        let turn = (begin..streams).step_by(2).chain((0..begin).step_by(2));
        for stream in turn {
            match open(stream) {
                Err(SctpError::StreamInUse) => {}
                opened => {
                    self.next_stream = stream.saturating_add(2);
                    return opened;
                }
            }
        }
        Err(SctpError::NoStreamLeft)
    }

    /// Expects a channel that the other end opened by signalling.
    pub(crate) fn expect(
        &mut self,
        now: Time,
        stream: u16,
        parameters: ChannelParameters,
    ) -> Result<(), SctpError> {
        let far = self.far.get_or_insert_with(|| passive(now));
        far.open_negotiated(Some(stream), parameters).map(drop)
    }

    pub(crate) fn send(&mut self, stream: u16, message: &Message) -> Result<(), SctpError> {
        let near = self.near.as_mut().ok_or(SctpError::NotConnected)?;
        if near.state() != SctpState::Connecting {
            return near.send(stream, message);
        }
        near.channel(stream).ok_or(SctpError::UnknownStream)?;
        let bytes = self.early_bytes + message.payload.len() + EARLY_COST;
        if bytes > MAX_EARLY {
            return Err(SctpError::BufferFull);
        }
        self.early_bytes = bytes;
        self.early.push((stream, message.clone()));
        Ok(())
    }

    /// Sends what waited for the near association, now that it stands or fell.
    fn send_early(&mut self) {
        self.early_bytes = 0;
        for (stream, message) in std::mem::take(&mut self.early) {
            if let Some(near) = &mut self.near {
                // A channel that was closed meanwhile has no use for it.
                let _ = near.send(stream, &message);
            }
        }
    }

    /// The state of both associations as one; none if there was never any.
    pub(crate) fn state(&self) -> Option<SctpState> {
        let both = || [&self.near, &self.far].into_iter().flatten().map(|it| it.state());
        let alive = [SctpState::Connected, SctpState::Connecting];
        alive.into_iter().find(|state| both().any(|it| it == *state)).or(self.ended)
    }

    /// The state, if it is another than was told last.
    pub(crate) fn poll_state(&mut self) -> Option<SctpState> {
        let state = self.state();
        if self.told == state {
            return None;
        }
        self.told = state;
        state
    }

    pub(crate) fn close_channel(&mut self, side: Side, stream: u16) {
        let association = match side {
            Side::Near => &mut self.near,
            Side::Far => &mut self.far,
        };
        if let Some(association) = association {
            // It is closed already if the other end did it.
            let _ = association.close_channel(stream);
        }
    }

    /// Bytes that wait on a channel of ours.
    pub(crate) fn buffered_amount(&self, stream: u16) -> usize {
        let early = self.early.iter().filter(|(on, _)| *on == stream);
        let early: usize = early.map(|(_, message)| message.payload.len()).sum();
        early + self.near.as_ref().map_or(0, |near| near.buffered_amount(stream))
    }

    pub(crate) fn set_low_threshold(
        &mut self,
        stream: u16,
        threshold: Option<usize>,
    ) -> Result<(), SctpError> {
        let near = self.near.as_mut().ok_or(SctpError::NotConnected)?;
        near.set_buffered_amount_low_threshold(stream, threshold)
    }

    /// Takes in a packet of the association that `side` began.
    pub(crate) fn handle_packet(
        &mut self,
        now: Time,
        side: Side,
        packet: &[u8],
    ) -> Result<(), SctpError> {
        if side == Side::Near {
            let near = self.near.as_mut().ok_or(SctpError::NotConnected)?;
            return near.handle_packet(now, packet);
        }
        // An INIT is alone in its packet (RFC 9260 §3.3.2).
        let begun = (packet.get(12) == Some(&INIT))
            .then(|| packet.get(16..20).and_then(|tag| tag.first_chunk::<4>().copied()))
            .flatten();
        if begun.is_some() && self.far_tag.is_some() && begun != self.far_tag {
            // Another process has taken its place, and knows nothing of before.
            self.far = None;
            self.begun_anew = true;
        }
        self.far_tag = begun.or(self.far_tag);
        let far = self.far.get_or_insert_with(|| passive(now));
        far.handle_packet(now, packet)
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        for association in [&mut self.near, &mut self.far].into_iter().flatten() {
            if association.poll_timeout().is_some_and(|due| due <= now) {
                association.handle_timeout(now);
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let both = [&self.near, &self.far].into_iter().flatten();
        both.filter_map(|association| association.poll_timeout()).min()
    }

    /// Replaces `out` by the next packet to send; gives whose association it
    /// belongs to.
    pub(crate) fn poll_transmit(&mut self, now: Time, out: &mut Vec<u8>) -> Option<Side> {
        let mut sent = |association: &mut Option<Box<Association>>| {
            association.as_mut().is_some_and(|association| association.poll_transmit(now, out))
        };
        if sent(&mut self.near) {
            return Some(Side::Near);
        }
        sent(&mut self.far).then_some(Side::Far)
    }

    pub(crate) fn poll_event(&mut self) -> Option<(Side, SctpEvent)> {
        if std::mem::take(&mut self.begun_anew) {
            return Some((Side::Far, SctpEvent::StateChanged(SctpState::Closed)));
        }
        let near = self.near.as_mut().and_then(|near| near.poll_event());
        let event = near.map(|event| (Side::Near, event)).or_else(|| {
            let event = self.far.as_mut().and_then(|far| far.poll_event());
            event.map(|event| (Side::Far, event))
        })?;
        // What has failed makes room for another attempt.
        if let SctpEvent::StateChanged(state @ (SctpState::Failed | SctpState::Closed)) = event.1 {
            self.ended = Some(state);
            match event.0 {
                Side::Near => self.near = None,
                Side::Far => self.far = None,
            }
        }
        if let (Side::Near, SctpEvent::StateChanged(_)) = &event
            && self.near.as_ref().is_none_or(|near| near.state() != SctpState::Connecting)
        {
            self.send_early();
        }
        Some(event)
    }
}

fn passive(now: Time) -> Box<Association> {
    let mut association = Box::new(Association::new(config(false)));
    association.start(now, false);
    association
}

fn config(active: bool) -> SctpConfig {
    let mut config = SctpConfig::default();
    config.active = active;
    config.max_message_size = MAX_MESSAGE;
    config.remote_max_message_size = MAX_MESSAGE;
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries packets to and fro until both are still; gives what each tells.
    fn exchange(now: Time, ends: [&mut PipeData; 2]) -> [Vec<(Side, SctpEvent)>; 2] {
        let [a, b] = ends;
        let (mut told, mut packet) = ([Vec::new(), Vec::new()], Vec::new());
        for _ in 0..50 {
            for turn in 0..2 {
                let (from, to) = if turn == 0 { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
                while let Some(side) = from.poll_transmit(now, &mut packet) {
                    let side = if side == Side::Near { Side::Far } else { Side::Near };
                    let _ = to.handle_packet(now, side, &packet);
                }
            }
            told[0].extend(std::iter::from_fn(|| a.poll_event()));
            told[1].extend(std::iter::from_fn(|| b.poll_event()));
        }
        told
    }

    #[test]
    fn an_end_that_begins_anew_ends_what_was_before() {
        let now = Time::from_secs(1);
        let (mut first, mut other) = (PipeData::default(), PipeData::default());
        first.open(now, None, &ChannelParameters::new("one"), false).unwrap();
        let [_, told] = exchange(now, [&mut first, &mut other]);
        let opened = |(side, event): &(Side, SctpEvent), label: &str| {
            let SctpEvent::ChannelOpened { parameters, .. } = event else { return false };
            *side == Side::Far && parameters.label == label
        };
        assert!(told.iter().any(|told| opened(told, "one")));
        let over = (Side::Far, SctpEvent::StateChanged(SctpState::Closed));
        assert!(!told.contains(&over));
        // Its process ends, and the next one knows of nothing.
        let mut second = PipeData::default();
        second.open(now, None, &ChannelParameters::new("two"), false).unwrap();
        let [_, told] = exchange(now, [&mut second, &mut other]);
        let over = told.iter().position(|told| *told == over).expect("the end of the first");
        assert!(told.iter().skip(over).any(|told| opened(told, "two")), "{told:?}");
    }

    #[test]
    fn packets_of_no_association_are_refused_and_leave_nothing() {
        let now = Time::from_secs(1);
        let mut end = PipeData::default();
        for packet in [&[][..], &[0; 12], &[0xff; 40], &[1; 200]] {
            end.handle_packet(now, Side::Near, packet).unwrap_err();
            assert!(end.handle_packet(now, Side::Far, packet).is_err());
        }
        assert_eq!(end.buffered_amount(0), 0);
        assert_eq!(end.send(0, &Message::text("x")), Err(SctpError::NotConnected));
    }
}
