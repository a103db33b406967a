//! One SCTP association with the data channels in it.
//!
//! Adapts the sans-IO crate `sctp-proto` to the poll shape of this crate, opens
//! and closes channels on top of it, and bounds what waits in either direction.
//! The peer object feeds it decrypted application data and protects what it
//! sends. Verification tags and first sequence numbers come from the library's
//! own generator, so the bytes of a run differ while its course does not.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use sctp_proto::{
    AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier as Ppid, ReliabilityType, ServerConfig, StreamEvent, Transmit,
    TransportConfig,
};

use super::channel::{Channel, ChannelState, MESSAGE_COST};
use super::clock::Clock;
use super::screen::Screen;
use super::{
    ChannelParameters, Dcep, MAX_LABEL, Message, MessageKind, Reliability, SctpConfig, SctpEvent,
    SctpState, SctpStats,
};
use crate::{SctpError, Time};
use plain::Plain;

/// Bytes of user data in one packet: with the headers of SCTP and DTLS, and
/// the padding that bundling adds, within a path of 1,200 bytes.
const MAX_PAYLOAD: u32 = 1104;
/// Events that wait to be polled, after which packets are refused.
const MAX_EVENTS: usize = 256;
/// Resets of the peer that it has not let us answer yet.
const MAX_OPEN_RESETS: u32 = 1024;
/// Repetitions of a packet that sets up the association or resets a stream.
const MAX_CONTROL_RETRIES: usize = 10;
/// What stands for an empty message, which SCTP cannot carry (RFC 8831 §6.6).
const EMPTY: &[u8] = &[0];
/// Timers, in milliseconds: peers are near, and calls are interactive.
const RTO_INITIAL: u64 = 500;
const RTO_MIN: u64 = 400;
const RTO_MAX: u64 = 10_000;
/// SCTP over DTLS has no addresses; the library wants one.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// An SCTP association over an authenticated, message-preserving path.
///
/// ```
/// use sfu_ice::sctp::Association;
/// use sfu_ice::{ChannelParameters, Message, SctpConfig, SctpEvent, Time};
/// let now = Time::from_secs(1);
/// let mut active = SctpConfig::default();
/// active.active = true;
/// let mut browser = Association::new(active);
/// let mut server = Association::new(SctpConfig::default());
/// browser.start(now, true);
/// server.start(now, false);
/// let chat = browser.open(None, ChannelParameters::new("chat"))?;
/// let mut packet = Vec::new();
/// for _ in 0..8 {
///     while browser.poll_transmit(now, &mut packet) {
///         server.handle_packet(now, &packet)?;
///     }
///     while server.poll_transmit(now, &mut packet) {
///         browser.handle_packet(now, &packet)?;
///     }
/// }
/// browser.send(chat, &Message::text("hello"))?;
/// assert!(browser.poll_transmit(now, &mut packet));
/// server.handle_packet(now, &packet)?;
/// let events: Vec<SctpEvent> = std::iter::from_fn(|| server.poll_event()).collect();
/// let hello = SctpEvent::Message { stream: chat, message: Message::text("hello") };
/// assert!(events.contains(&hello));
/// # Ok::<(), sfu_ice::SctpError>(())
/// ```
#[derive(Debug)]
pub struct Association {
    config: SctpConfig,
    clock: Clock,
    endpoint: Endpoint,
    inner: Option<(AssociationHandle, sctp_proto::Association)>,
    state: SctpState,
    /// Streams that we open have even identifiers (RFC 8832 §6).
    even: bool,
    channels: BTreeMap<u16, Channel>,
    /// Channels on which something waits.
    busy: Vec<u16>,
    /// What waits takes up so much of the send buffer.
    cost: usize,
    /// Streams that the peer reset and whose own reset is under way.
    open_resets: u32,
    screen: Screen,
    /// What there is more without DTLS.
    plain: Option<Box<Plain>>,
    /// The library may have something to send.
    pending: bool,
    outgoing: VecDeque<Bytes>,
    events: VecDeque<SctpEvent>,
    stats: SctpStats,
}

impl Association {
    /// An association that waits for [`start`](Self::start).
    pub fn new(config: SctpConfig) -> Self {
        let receive_buffer = receive_buffer(&config);
        let mut endpoint = endpoint(&config);
        if config.active {
            endpoint.reject_new_associations();
        }
        Self {
            config,
            clock: Clock::starting(Time::ZERO),
            endpoint,
            inner: None,
            state: SctpState::New,
            even: config.active,
            channels: BTreeMap::new(),
            busy: Vec::new(),
            cost: 0,
            open_resets: 0,
            screen: Screen::new(config.max_streams, receive_buffer),
            plain: None,
            pending: false,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            stats: SctpStats::default(),
        }
    }

    /// Tells our role in DTLS as soon as it is known: it decides which streams
    /// [`open`](Self::open) takes. Until then an active side counts as the
    /// client.
    pub fn set_dtls_role(&mut self, client: bool) {
        if self.state == SctpState::New {
            self.even = client;
        }
    }

    /// Begins, now that DTLS is connected or, without it, the peer's address is
    /// known. `dtls_client` is our role there: it decides which stream
    /// identifiers are ours to open.
    pub fn start(&mut self, now: Time, dtls_client: bool) {
        if self.state != SctpState::New {
            return;
        }
        self.even = dtls_client;
        if let Some(plain) = &mut self.plain {
            plain.handshake.begin(now);
        } else if self.config.active {
            let client = client_config(&self.config);
            let Ok(inner) = self.endpoint.connect(client, NOWHERE) else {
                return self.end(SctpState::Failed);
            };
            self.inner = Some(inner);
            self.pending = true;
        }
        self.clock = Clock::starting(now);
        self.enter(SctpState::Connecting);
    }

    /// The settings.
    pub fn config(&self) -> &SctpConfig {
        &self.config
    }

    /// The state.
    pub fn state(&self) -> SctpState {
        self.state
    }

    /// The counters.
    pub fn stats(&self) -> SctpStats {
        self.stats
    }

    /// Opens a channel and gives its stream identifier: `stream`, or if that is
    /// none, the lowest free one of ours. The peer is told by
    /// DATA_CHANNEL_OPEN, as soon as the association is established.
    ///
    /// # Errors
    /// [`SctpError::Closed`], [`SctpError::StreamInUse`],
    /// [`SctpError::NoStreamLeft`], [`SctpError::LabelTooLong`].
    pub fn open(
        &mut self,
        stream: Option<u16>,
        parameters: ChannelParameters,
    ) -> Result<u16, SctpError> {
        self.add(stream, parameters, false)
    }

    /// As [`open`](Self::open), for a channel that the peer is told of by other
    /// means: nothing is sent for it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_negotiated(
        &mut self,
        stream: Option<u16>,
        parameters: ChannelParameters,
    ) -> Result<u16, SctpError> {
        self.add(stream, parameters, true)
    }

    /// What a channel was opened with.
    pub fn channel(&self, stream: u16) -> Option<&ChannelParameters> {
        let channel = self.channels.get(&stream)?;
        (channel.state != ChannelState::Closing).then_some(&channel.parameters)
    }

    /// Closes a channel by resetting its stream (RFC 8831 §6.7), once what
    /// waits on it is delivered. It may be used again when
    /// [`SctpEvent::ChannelClosed`] comes.
    ///
    /// # Errors
    /// [`SctpError::UnknownStream`]
    pub fn close_channel(&mut self, stream: u16) -> Result<(), SctpError> {
        if self.plain.is_some() {
            return self.close_outgoing(stream);
        }
        let channel = self.channels.get_mut(&stream).ok_or(SctpError::UnknownStream)?;
        if channel.state == ChannelState::Closing {
            return Err(SctpError::UnknownStream);
        }
        if channel.state == ChannelState::Waiting {
            self.forget(stream);
            return Ok(());
        }
        channel.state = ChannelState::Closing;
        self.reset(stream);
        self.collect();
        Ok(())
    }

    /// Sends a message. It may be delivered up to the channel's reliability.
    ///
    /// # Errors
    /// [`SctpError::UnknownStream`], [`SctpError::NotOpen`],
    /// [`SctpError::MessageTooLong`]; [`SctpError::BufferFull`] if the peer
    /// does not keep up, in which case the message is not queued.
    pub fn send(&mut self, stream: u16, message: &Message) -> Result<(), SctpError> {
        let channel = self.channels.get(&stream).ok_or(SctpError::UnknownStream)?;
        let held = self.is_held(channel);
        if !(channel.is_writable() || held)
            || !channel.outgoing
            || self.state != SctpState::Connected
        {
            return Err(SctpError::NotOpen);
        }
        let len = message.payload.len();
        let limit = self.config.remote_max_message_size as usize;
        if limit != 0 && len > limit {
            return Err(SctpError::MessageTooLong);
        }
        let used = self.cost + self.held_cost();
        let free = (self.config.send_buffer as usize).saturating_sub(used);
        if len + MESSAGE_COST > free {
            return Err(SctpError::BufferFull);
        }
        if held {
            self.hold(stream, message);
            return Ok(());
        }
        let ppid = match (message.kind, len) {
            (MessageKind::String, 0) => Ppid::StringEmpty,
            (MessageKind::String, _) => Ppid::String,
            (MessageKind::Binary, 0) => Ppid::BinaryEmpty,
            (MessageKind::Binary, _) => Ppid::Binary,
        };
        let empty = Bytes::from_static(EMPTY);
        let payload = if len == 0 { &empty } else { &message.payload };
        if !self.write(stream, payload, ppid) {
            return Err(SctpError::NotOpen);
        }
        self.stats.messages_sent = self.stats.messages_sent.saturating_add(1);
        self.stats.bytes_sent = self.stats.bytes_sent.saturating_add(len as u64);
        Ok(())
    }

    /// Bytes on a channel that wait to be sent or acknowledged.
    pub fn buffered_amount(&self, stream: u16) -> usize {
        self.channels.get(&stream).map_or(0, Channel::buffered)
    }

    /// Has [`SctpEvent::BufferedAmountLow`] told whenever what waits on a
    /// channel falls to this many bytes; none is never.
    ///
    /// # Errors
    /// [`SctpError::UnknownStream`]
    pub fn set_buffered_amount_low_threshold(
        &mut self,
        stream: u16,
        threshold: Option<usize>,
    ) -> Result<(), SctpError> {
        let channel = self.channels.get_mut(&stream).ok_or(SctpError::UnknownStream)?;
        channel.low_threshold = threshold;
        Ok(())
    }

    /// Handles one packet of the peer, decrypted.
    ///
    /// # Errors
    /// [`SctpError::Malformed`], [`SctpError::Overload`] and
    /// [`SctpError::Overflow`] if it was dropped, [`SctpError::Violation`] if
    /// the association ended by it, [`SctpError::NotConnected`] and
    /// [`SctpError::Closed`] if there is none.
    pub fn handle_packet(&mut self, now: Time, packet: &[u8]) -> Result<(), SctpError> {
        self.stats.packets_received = self.stats.packets_received.saturating_add(1);
        let handled = self.take_in(now, packet);
        if handled.is_err() {
            self.stats.packets_refused = self.stats.packets_refused.saturating_add(1);
        }
        handled
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Time) {
        if let Some((_, inner)) = &mut self.inner {
            inner.handle_timeout(self.clock.instant(now));
            self.pending = true;
            self.collect();
        }
        self.watch_peer(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Time> {
        let inner = self.inner.as_ref().and_then(|(_, inner)| inner.poll_timeout());
        let inner = inner.map(|at| self.clock.deadline(at));
        let peer = self.plain.as_ref().and_then(|plain| plain.handshake.poll_timeout());
        [inner, peer].into_iter().flatten().min()
    }

    /// Replaces `out` by the next packet to send, if there is one.
    pub fn poll_transmit(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        if let Some(packet) = self.plain.as_mut().and_then(|plain| plain.handshake.poll_transmit())
        {
            self.stats.packets_sent = self.stats.packets_sent.saturating_add(1);
            *out = packet;
            return true;
        }
        if self.outgoing.is_empty() && self.pending {
            self.gather(now);
        }
        let Some(packet) = self.outgoing.pop_front() else { return false };
        self.screen.observe(&packet);
        self.stats.packets_sent = self.stats.packets_sent.saturating_add(1);
        out.clear();
        out.extend_from_slice(&packet);
        true
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }

    /// Ends the association. Over DTLS that is without a word, as DTLS tells the
    /// peer.
    pub fn close(&mut self) {
        self.end(SctpState::Closed);
    }

    fn add(
        &mut self,
        stream: Option<u16>,
        parameters: ChannelParameters,
        negotiated: bool,
    ) -> Result<u16, SctpError> {
        if matches!(self.state, SctpState::Closed | SctpState::Failed) {
            return Err(SctpError::Closed);
        }
        if parameters.label.len() > MAX_LABEL || parameters.protocol.len() > MAX_LABEL {
            return Err(SctpError::LabelTooLong);
        }
        if self.plain.is_some() {
            return self.open_outgoing(stream, parameters);
        }
        let stream = match stream {
            Some(stream) if stream >= self.config.max_streams => {
                return Err(SctpError::NoStreamLeft);
            }
            Some(stream) if self.channels.contains_key(&stream) => {
                return Err(SctpError::StreamInUse);
            }
            Some(stream) => stream,
            None => self.free_stream().ok_or(SctpError::NoStreamLeft)?,
        };
        let channel = Channel::new(parameters, negotiated, ChannelState::Waiting);
        self.channels.insert(stream, channel);
        if self.state == SctpState::Connected {
            self.begin(stream);
        }
        Ok(stream)
    }

    fn free_stream(&self) -> Option<u16> {
        let first = u16::from(!self.even);
        (first..self.config.max_streams).step_by(2).find(|id| !self.channels.contains_key(id))
    }

    /// Makes a waiting channel's stream, and tells the peer.
    fn begin(&mut self, stream: u16) {
        let Some((_, inner)) = &mut self.inner else { return };
        // It exists already if the peer was faster.
        let exists =
            inner.stream(stream).is_ok() || inner.open_stream(stream, Ppid::Binary).is_ok();
        if !exists && self.plain.is_some() {
            // It waits until the stream's reset is complete.
            return;
        }
        let Some(channel) = self.channels.get_mut(&stream).filter(|_| exists) else {
            // The stream's reset is not complete: as if the peer had closed it.
            self.forget(stream);
            self.events.push_back(SctpEvent::ChannelClosed { stream });
            return;
        };
        let parameters = channel.parameters.clone();
        if channel.negotiated {
            self.opened(stream, false);
        } else {
            channel.state = ChannelState::Opening;
            // Until the peer has answered, messages must not overtake the
            // opening one (RFC 8832 §6).
            self.set_reliability(stream, &parameters, true);
            self.write(stream, &Dcep::Open(parameters).write().into(), Ppid::Dcep);
        }
    }

    /// Both sides know the channel.
    fn opened(&mut self, stream: u16, by_peer: bool) {
        let Some(channel) = self.channels.get_mut(&stream) else { return };
        channel.state = ChannelState::Open;
        let parameters = channel.parameters.clone();
        self.set_reliability(stream, &parameters, parameters.ordered);
        self.stats.channels_opened = self.stats.channels_opened.saturating_add(1);
        self.events.push_back(SctpEvent::ChannelOpened { stream, parameters, by_peer });
    }

    fn set_reliability(&mut self, stream: u16, parameters: &ChannelParameters, ordered: bool) {
        let (kind, value) = match parameters.reliability {
            Reliability::Reliable => (ReliabilityType::Reliable, 0),
            Reliability::MaxRetransmits(count) => (ReliabilityType::Rexmit, count),
            Reliability::MaxPacketLifeTime(millis) => (ReliabilityType::Timed, millis),
        };
        if let Some((_, inner)) = &mut self.inner
            && let Ok(mut stream) = inner.stream(stream)
        {
            let _ = stream.set_reliability_params(!ordered, kind, value);
        }
    }

    /// Hands a message to the library; whether it took it.
    fn write(&mut self, stream: u16, payload: &Bytes, ppid: Ppid) -> bool {
        let Some((_, inner)) = &mut self.inner else { return false };
        let written = inner.stream(stream).and_then(|mut s| s.write_sctp(payload, ppid));
        if written.is_err() {
            return false;
        }
        self.pending = true;
        if let Some(channel) = self.channels.get_mut(&stream) {
            if channel.cost() == 0 {
                self.busy.push(stream);
            }
            channel.queued(payload.len());
            self.cost += payload.len() + MESSAGE_COST;
        }
        true
    }

    fn reset(&mut self, stream: u16) {
        if let Some((_, inner)) = &mut self.inner
            && let Ok(mut stream) = inner.stream(stream)
        {
            let _ = stream.close();
            self.pending = true;
        }
    }

    fn take_in(&mut self, now: Time, packet: &[u8]) -> Result<(), SctpError> {
        match self.state {
            SctpState::New if self.plain.is_none() => return Err(SctpError::NotConnected),
            SctpState::Closed | SctpState::Failed => return Err(SctpError::Closed),
            _ if self.events.len() >= MAX_EVENTS => return Err(SctpError::Overflow),
            _ => {}
        }
        if !self.is_for_association(now, packet)? {
            return Ok(());
        }
        if let Err(error) = self.screen.admit(now, packet) {
            if error == SctpError::Violation {
                self.end(SctpState::Failed);
            }
            return Err(error);
        }
        let now_instant = self.clock.instant(now);
        let packet = Bytes::copy_from_slice(packet);
        let handled = self.endpoint.handle(now_instant, NOWHERE, None, None, packet);
        match (handled, &mut self.inner) {
            (Some((_, DatagramEvent::AssociationEvent(event))), Some((_, inner))) => {
                inner.handle_event(event);
            }
            (Some((handle, DatagramEvent::NewAssociation(new))), inner @ None) => {
                *inner = Some((handle, new));
                // One association for each DTLS connection (RFC 8261 §6.1).
                self.endpoint.reject_new_associations();
            }
            _ => return Err(SctpError::Malformed),
        }
        self.pending = true;
        self.collect();
        Ok(())
    }

    /// Takes over what the library has to tell.
    fn collect(&mut self) {
        while let Some(event) = self.inner.as_mut().and_then(|(_, inner)| inner.poll()) {
            match event {
                Event::Connected => self.connected(),
                Event::HandshakeFailed { .. } | Event::AssociationLost { .. } => {
                    // What it still has to say is why.
                    self.gather_last_words();
                    let state = self.lost_as();
                    return self.end(state);
                }
                Event::Stream(event) => self.handle_stream_event(&event),
                _ => {}
            }
        }
        self.settle();
    }

    fn connected(&mut self) {
        self.enter(SctpState::Connected);
        let waiting = self.channels.iter().filter(|(_, channel)| channel.outgoing);
        let waiting: Vec<u16> = waiting.map(|(stream, _)| *stream).collect();
        for stream in waiting {
            self.begin(stream);
            self.release(stream);
        }
    }

    fn handle_stream_event(&mut self, event: &StreamEvent) {
        match *event {
            StreamEvent::Opened { .. } => {
                // The library keeps a list of them until they are accepted.
                if let Some((_, inner)) = &mut self.inner {
                    let _ = inner.accept_stream();
                }
            }
            StreamEvent::Readable { id } => self.read(id),
            StreamEvent::Finished { id } => {
                self.read(id);
                self.open_resets += 1;
                if self.open_resets > MAX_OPEN_RESETS {
                    return self.end(SctpState::Failed);
                }
                if self.plain.is_some() {
                    self.incoming_ended(id);
                } else if self.channels.contains_key(&id) {
                    self.forget(id);
                    self.stats.channels_closed = self.stats.channels_closed.saturating_add(1);
                    self.events.push_back(SctpEvent::ChannelClosed { stream: id });
                }
            }
            StreamEvent::ResetComplete { id } => {
                self.open_resets = self.open_resets.saturating_sub(1);
                self.outgoing_reset(id, true);
            }
            StreamEvent::ResetFailed { id, .. } => {
                self.open_resets = self.open_resets.saturating_sub(1);
                self.outgoing_reset(id, false);
            }
            _ => {}
        }
    }

    fn read(&mut self, stream: u16) {
        while let Some((_, inner)) = &mut self.inner
            && let Ok(mut open) = inner.stream(stream)
            && let Ok(Some(mut chunks)) = open.read_sctp()
        {
            self.screen.delivered(chunks.chunks.len());
            let ppid = chunks.ppi;
            let payload = chunks.next(chunks.len()).map(|chunk| chunk.bytes).unwrap_or_default();
            let handled = match ppid {
                Ppid::String | Ppid::Binary | Ppid::StringEmpty | Ppid::BinaryEmpty => {
                    self.handle_message(stream, ppid, payload)
                }
                // Without DTLS channels are known by signalling alone.
                Ppid::Dcep => self.plain.is_none() && self.handle_dcep(stream, &payload),
                Ppid::Unknown => false,
            };
            if !handled {
                self.stats.messages_refused = self.stats.messages_refused.saturating_add(1);
            }
        }
    }

    fn handle_message(&mut self, stream: u16, ppid: Ppid, payload: Bytes) -> bool {
        let plain = self.plain.is_some();
        let open = |channel: &Channel| {
            if plain { channel.incoming } else { channel.is_writable() }
        };
        if !self.channels.get(&stream).is_some_and(open) {
            return false;
        }
        let kind = match ppid {
            Ppid::String | Ppid::StringEmpty => MessageKind::String,
            _ => MessageKind::Binary,
        };
        let payload = match ppid {
            Ppid::StringEmpty | Ppid::BinaryEmpty => Bytes::new(),
            _ => payload,
        };
        self.stats.messages_received = self.stats.messages_received.saturating_add(1);
        let len = payload.len() as u64;
        self.stats.bytes_received = self.stats.bytes_received.saturating_add(len);
        let message = Message { kind, payload };
        self.events.push_back(SctpEvent::Message { stream, message });
        true
    }

    fn handle_dcep(&mut self, stream: u16, payload: &[u8]) -> bool {
        match Dcep::parse(payload) {
            Ok(Dcep::Ack) => {
                let opening = self
                    .channels
                    .get(&stream)
                    .is_some_and(|channel| channel.state == ChannelState::Opening);
                if opening {
                    self.opened(stream, false);
                }
                opening
            }
            // RFC 8832 §6: a stream that is in use, or that is ours to open,
            // is an error of the peer, and the stream is reset.
            Ok(Dcep::Open(parameters))
                if !self.channels.contains_key(&stream)
                    && stream.is_multiple_of(2) != self.even =>
            {
                let channel = Channel::new(parameters, false, ChannelState::Open);
                self.channels.insert(stream, channel);
                self.write(stream, &Dcep::Ack.write().into(), Ppid::Dcep);
                self.opened(stream, true);
                true
            }
            Ok(Dcep::Open(_)) if self.channels.contains_key(&stream) => false,
            _ => {
                self.reset(stream);
                false
            }
        }
    }

    /// Brings the books of what waits up to date.
    fn settle(&mut self) {
        let mut busy = std::mem::take(&mut self.busy);
        busy.retain(|id| {
            let Some(channel) = self.channels.get_mut(id) else { return false };
            let waits = self.inner.as_mut().and_then(|(_, inner)| {
                inner.stream(*id).and_then(|stream| stream.buffered_amount()).ok()
            });
            if channel.settle(waits.unwrap_or(0)) && channel.outgoing {
                self.events.push_back(SctpEvent::BufferedAmountLow { stream: *id });
            }
            let busy = channel.cost() > 0;
            if !(busy || channel.incoming || channel.outgoing) {
                self.channels.remove(id);
            }
            busy
        });
        self.busy = busy;
        let waiting = self.busy.iter().filter_map(|id| self.channels.get(id));
        self.cost = waiting.map(Channel::cost).sum();
    }

    fn gather(&mut self, now: Time) {
        let instant = self.clock.instant(now);
        self.pending = false;
        if let Some((_, inner)) = &mut self.inner {
            while let Some(transmit) = inner.poll_transmit(instant) {
                queue(&mut self.outgoing, transmit);
            }
        }
        while let Some(transmit) = self.endpoint.poll_transmit() {
            queue(&mut self.outgoing, transmit);
        }
        // Sending can end a message's life.
        self.collect();
    }

    fn gather_last_words(&mut self) {
        let instant = self.clock.instant(Time::ZERO);
        if let Some((_, inner)) = &mut self.inner
            && let Some(transmit) = inner.poll_transmit(instant)
        {
            queue(&mut self.outgoing, transmit);
        }
    }

    fn forget(&mut self, stream: u16) {
        self.channels.remove(&stream);
        self.busy.retain(|busy| *busy != stream);
    }

    fn end(&mut self, state: SctpState) {
        if matches!(self.state, SctpState::Closed | SctpState::Failed) {
            return;
        }
        if let Some(plain) = &mut self.plain {
            plain.end();
        }
        self.inner = None;
        self.channels.clear();
        self.busy.clear();
        self.cost = 0;
        self.pending = false;
        self.enter(state);
    }

    fn enter(&mut self, state: SctpState) {
        if self.state != state {
            self.state = state;
            self.events.push_back(SctpEvent::StateChanged(state));
        }
    }
}

fn endpoint(config: &SctpConfig) -> Endpoint {
    let mut settings = EndpointConfig::new();
    settings.max_payload_size(MAX_PAYLOAD);
    let mut server = ServerConfig::new();
    server.transport = Arc::new(transport_config(config, receive_buffer(config)));
    Endpoint::new(Arc::new(settings), Some(Arc::new(server)))
}

fn client_config(config: &SctpConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.transport = Arc::new(transport_config(config, receive_buffer(config)));
    client
}

fn queue(outgoing: &mut VecDeque<Bytes>, transmit: Transmit) {
    if let Payload::RawEncode(packets) = transmit.payload {
        outgoing.extend(packets);
    }
}

fn receive_buffer(config: &SctpConfig) -> u32 {
    config.receive_buffer.max(config.max_message_size.saturating_mul(2))
}

fn transport_config(config: &SctpConfig, receive_buffer: u32) -> TransportConfig {
    let remote = match config.remote_max_message_size {
        0 => u32::MAX,
        // DATA_CHANNEL_OPEN has to fit whatever the peer says.
        limit => limit.max(2 * MAX_LABEL as u32 + 64),
    };
    TransportConfig::default()
        .with_max_receive_buffer_size(receive_buffer)
        .with_max_receive_message_size(config.max_message_size)
        .with_max_send_message_size(remote)
        .with_max_num_inbound_streams(config.max_streams)
        .with_max_num_outbound_streams(config.max_streams)
        .with_max_init_retransmits(Some(MAX_CONTROL_RETRIES))
        .with_max_data_retransmits(None)
        .with_rto_initial_ms(RTO_INITIAL)
        .with_rto_min_ms(RTO_MIN)
        .with_rto_max_ms(RTO_MAX)
        .with_local_port(config.port)
        .with_remote_port(config.remote_port)
}

mod plain;
#[cfg(test)]
mod tests;
