//! SCTP without DTLS, as it goes beside RTP in plain UDP.
//!
//! The association begins by its own handshake, and may begin anew when the
//! peer's program does. Channels are known to both sides by signalling alone, and
//! the two directions of a stream have nothing to do with each other. So to close
//! a channel sends nothing: sequence numbers go on, and whoever uses the stream
//! next fits in. Only the peer may reset what it sends, to which the library
//! answers by a reset of our direction; what is sent meanwhile is held.

use std::collections::VecDeque;

use super::super::channel::{Channel, ChannelState, MESSAGE_COST};
use super::super::clock::Clock;
use super::super::handshake::{Handshake, Step};
use super::super::packet::Init;
use super::super::{ChannelParameters, MAX_LABEL, Message, SctpConfig, SctpEvent, SctpState};
use super::{Association, NOWHERE, client_config, endpoint, receive_buffer};
use crate::{SctpError, Time};

/// What an association has without DTLS.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) handshake: Handshake,
    /// Messages on streams whose reset is under way.
    held: VecDeque<(u16, Message)>,
    held_cost: usize,
    /// The streams that the peer takes are those below.
    outbound: u16,
    /// Where the search for a free stream begins.
    next: u16,
}

impl Plain {
    pub(super) fn end(&mut self) {
        self.handshake.abort();
        self.held.clear();
        self.held_cost = 0;
    }
}

impl Association {
    /// An association that no DTLS stands before, as
    /// [`start`](Self::start) or the peer begins it. Both may at once, whatever
    /// [`SctpConfig::active`] says. Tags, first numbers and the secret of its
    /// state cookies follow from `seed`.
    ///
    /// Channels come by [`open_negotiated`](Self::open_negotiated), for what is
    /// sent to the peer, and by [`expect`](Self::expect), for what it sends. They
    /// outlive a peer that begins anew.
    pub fn plain(config: SctpConfig, seed: [u8; 32]) -> Self {
        let handshake = Handshake::new(&config, receive_buffer(&config), seed);
        let (held, held_cost) = (VecDeque::new(), 0);
        let plain = Plain { handshake, held, held_cost, outbound: config.max_streams, next: 0 };
        Self { plain: Some(Box::new(plain)), ..Self::new(config) }
    }

    /// Whether a packet is SCTP, for the ports of this association, and intact.
    /// Without DTLS alone.
    pub fn recognizes(&self, packet: &[u8]) -> bool {
        self.plain.as_ref().is_some_and(|plain| plain.handshake.recognizes(packet))
    }

    /// Hears what the peer sends on a stream, of which it is known by signalling.
    /// Without DTLS alone.
    ///
    /// # Errors
    /// [`SctpError::Closed`], [`SctpError::StreamInUse`],
    /// [`SctpError::NoStreamLeft`], [`SctpError::LabelTooLong`].
    pub fn expect(&mut self, stream: u16, parameters: ChannelParameters) -> Result<(), SctpError> {
        if matches!(self.state, SctpState::Closed | SctpState::Failed) {
            return Err(SctpError::Closed);
        }
        if parameters.label.len() > MAX_LABEL || parameters.protocol.len() > MAX_LABEL {
            return Err(SctpError::LabelTooLong);
        }
        if stream >= self.config.max_streams {
            return Err(SctpError::NoStreamLeft);
        }
        let channel = self.channels.entry(stream).or_insert_with(|| unused(parameters));
        if channel.incoming {
            return Err(SctpError::StreamInUse);
        }
        channel.incoming = true;
        Ok(())
    }

    /// Undoes [`expect`](Self::expect): what comes on the stream is refused.
    ///
    /// # Errors
    /// [`SctpError::UnknownStream`]
    pub fn stop_expecting(&mut self, stream: u16) -> Result<(), SctpError> {
        let channel = self.channels.get_mut(&stream).filter(|channel| channel.incoming);
        channel.ok_or(SctpError::UnknownStream)?.incoming = false;
        self.tidy(stream);
        Ok(())
    }

    /// As `add`, for what is sent to the peer.
    pub(super) fn open_outgoing(
        &mut self,
        stream: Option<u16>,
        parameters: ChannelParameters,
    ) -> Result<u16, SctpError> {
        let outbound = self.plain.as_ref().map_or(0, |plain| plain.outbound);
        let sends = |stream: &u16| self.channels.get(stream).is_some_and(|it| it.outgoing);
        let stream = match stream {
            Some(stream) if stream >= outbound => return Err(SctpError::NoStreamLeft),
            Some(stream) if sends(&stream) => return Err(SctpError::StreamInUse),
            Some(stream) => stream,
            None => self.free_outgoing(outbound).ok_or(SctpError::NoStreamLeft)?,
        };
        let channel = self.channels.entry(stream).or_insert_with(|| unused(parameters.clone()));
        channel.parameters = parameters;
        channel.outgoing = true;
        if self.state == SctpState::Connected {
            self.begin(stream);
        }
        Ok(stream)
    }

    /// A stream that nobody sends on, and that nobody uses if there is one: in
    /// turn, as one that was closed just now may not be free beyond yet.
    fn free_outgoing(&mut self, outbound: u16) -> Option<u16> {
        let plain = self.plain.as_mut()?;
        let begin = if plain.next < outbound { plain.next } else { 0 };
        let channels = &self.channels;
        let mut turn = (begin..outbound).chain(0..begin);
        let free = turn.clone().find(|stream| !channels.contains_key(stream)).or_else(|| {
            turn.find(|stream| channels.get(stream).is_none_or(|channel| !channel.outgoing))
        })?;
        plain.next = free.saturating_add(1);
        Some(free)
    }

    pub(super) fn close_outgoing(&mut self, stream: u16) -> Result<(), SctpError> {
        let channel = self.channels.get_mut(&stream).filter(|channel| channel.outgoing);
        let channel = channel.ok_or(SctpError::UnknownStream)?;
        channel.outgoing = false;
        channel.low_threshold = None;
        self.let_go(stream);
        self.tidy(stream);
        Ok(())
    }

    /// Forgets a channel of neither direction, once nothing waits on it.
    fn tidy(&mut self, stream: u16) {
        let used = |it: &Channel| it.incoming || it.outgoing || it.cost() > 0;
        if !self.channels.get(&stream).is_some_and(used) {
            self.forget(stream);
        }
    }

    /// Deals with the beginning and the end of the association; whether the
    /// packet holds more than that.
    pub(super) fn is_for_association(
        &mut self,
        now: Time,
        packet: &[u8],
    ) -> Result<bool, SctpError> {
        let Some(plain) = &mut self.plain else { return Ok(true) };
        let asked = self.state == SctpState::New && plain.handshake.is_asked(packet);
        let step = plain.handshake.handle(now, packet)?;
        if asked {
            self.enter(SctpState::Connecting);
        }
        match step {
            Step::Handled => Ok(false),
            Step::Pass => Ok(true),
            Step::Agreed { local, peer } => self.adopt(now, &local, &peer).map(|()| true),
        }
    }

    /// Both ends have agreed: the association begins, or begins anew.
    fn adopt(&mut self, now: Time, local: &Init, peer: &Init) -> Result<(), SctpError> {
        let client = client_config(&self.config);
        let client = client.with_snap(local.chunk().into(), peer.chunk().into());
        let mut endpoint = endpoint(&self.config);
        let Ok(inner) = endpoint.connect(client, NOWHERE) else {
            self.end(SctpState::Failed);
            return Err(SctpError::Violation);
        };
        (self.endpoint, self.inner) = (endpoint, Some(inner));
        self.clock = Clock::starting(now);
        self.screen.begin(peer.tsn);
        self.outgoing.clear();
        self.busy.clear();
        (self.cost, self.open_resets) = (0, 0);
        let outbound = self.config.max_streams.min(peer.inbound);
        if let Some(plain) = &mut self.plain {
            plain.outbound = outbound;
        }
        let Self { channels, events, .. } = self;
        channels.retain(|stream, channel| {
            channel.begin_anew();
            if channel.outgoing && *stream >= outbound {
                channel.outgoing = false;
                events.push_back(SctpEvent::ChannelClosed { stream: *stream });
            }
            channel.incoming || channel.outgoing
        });
        self.pending = true;
        self.collect();
        Ok(())
    }

    /// How an association ended that the peer or the library has ended.
    pub(super) fn lost_as(&self) -> SctpState {
        if self.plain.is_some() { SctpState::Closed } else { SctpState::Failed }
    }

    /// Asks a silent peer for a sign of life, and gives it up if there is none.
    pub(super) fn watch_peer(&mut self, now: Time) {
        if let Some(plain) = &mut self.plain
            && plain.handshake.handle_timeout(now)
        {
            self.end(SctpState::Failed);
        }
    }

    /// The peer has reset what it sends on a stream.
    pub(super) fn incoming_ended(&mut self, stream: u16) {
        let Some(channel) = self.channels.get_mut(&stream) else { return };
        if std::mem::take(&mut channel.incoming) {
            self.events.push_back(SctpEvent::IncomingClosed { stream });
        }
        channel.state = ChannelState::Waiting;
        self.tidy(stream);
    }

    /// The reset of what we send on a stream is over.
    pub(super) fn outgoing_reset(&mut self, stream: u16, complete: bool) {
        let waits = |it: &Channel| it.outgoing && it.state == ChannelState::Waiting;
        if self.plain.is_none() || !self.channels.get(&stream).is_some_and(waits) {
            return;
        }
        if complete {
            self.begin(stream);
            self.release(stream);
        } else if self.close_outgoing(stream).is_ok() {
            self.events.push_back(SctpEvent::ChannelClosed { stream });
        }
    }

    /// Whether messages on a channel wait for a reset.
    pub(super) fn is_held(&self, channel: &Channel) -> bool {
        self.plain.is_some() && channel.state == ChannelState::Waiting
    }

    pub(super) fn held_cost(&self) -> usize {
        self.plain.as_ref().map_or(0, |plain| plain.held_cost)
    }

    pub(super) fn hold(&mut self, stream: u16, message: &Message) {
        if let Some(plain) = &mut self.plain {
            plain.held_cost += message.payload.len() + MESSAGE_COST;
            plain.held.push_back((stream, message.clone()));
        }
    }

    /// Sends what was held on a stream.
    pub(super) fn release(&mut self, stream: u16) {
        for message in self.let_go(stream) {
            // It was room for before.
            let _ = self.send(stream, &message);
        }
    }

    fn let_go(&mut self, stream: u16) -> Vec<Message> {
        let Some(plain) = self.plain.as_mut().filter(|plain| !plain.held.is_empty()) else {
            return Vec::new();
        };
        let (mut gone, mut kept) = (Vec::new(), VecDeque::new());
        for (on, message) in plain.held.drain(..) {
            if on == stream {
                plain.held_cost -= message.payload.len() + MESSAGE_COST;
                gone.push(message);
            } else {
                kept.push_back((on, message));
            }
        }
        plain.held = kept;
        gone
    }
}

/// A channel of neither direction.
fn unused(parameters: ChannelParameters) -> Channel {
    let mut channel = Channel::new(parameters, true, ChannelState::Waiting);
    (channel.incoming, channel.outgoing) = (false, false);
    channel
}

#[cfg(test)]
mod tests;
