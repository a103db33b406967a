//! A receive slot: what one receiver gets of the producer that the slot
//! follows, in one continuous stream whatever it follows.

use serde::{Deserialize, Serialize};
use sfu_ice::{Random, Time};

use super::assembly::Assembly;
use super::cascade::Leg;
use super::config::{CodecConfig, ConsumerConfig};
use super::error::CommandError;
use super::event::Event;
use super::id::{ConsumerId, RouterId};
use super::layering::Layering;
use super::producer::Producer;
use super::redundancy::Redundancy;
use super::speakers::SpeakerSlot;
use super::trace::TraceTypes;
use crate::stream::allocate::{Choice, Demand, LayersReason};
use crate::stream::recv::ClockRate;
use crate::stream::select::{ActiveStreams, Decision, Layers, PacketMeta, Reason, Selector};
use crate::stream::send::{NackResponder, Rewriter, SendStream, StreamKey};
use crate::wire::codec::Codec;
use crate::wire::rtp::{ExtensionKind, HeaderTemplate, PassThrough};
use crate::wire::{ExtSeq, MediaKind, PayloadType, RtpTime, SeqNo, Ssrc};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Consumer {
    pub(crate) id: ConsumerId,
    /// Key of its transport in the router.
    pub(crate) transport: u32,
    pub(crate) config: ConsumerConfig,
    /// Key of the producer it follows.
    pub(crate) producer: Option<u32>,
    /// It carries one encoding through a pipe, if it is of one.
    pub(crate) leg: Option<Leg>,
    /// Key of the one before, whose packets may still be asked for again.
    pub(crate) previous: Option<u32>,
    pub(crate) paused: bool,
    pub(crate) producer_paused: bool,
    pub(crate) preferred: Layers,
    /// How the receiver shows it, if it said so.
    pub(crate) demand: Option<Demand>,
    /// What was chosen for it; none while its transport is not managed.
    pub(crate) choice: Option<Choice>,
    pub(crate) selector: Selector,
    pub(crate) rewriter: Rewriter,
    pub(crate) send: SendStream,
    pub(crate) responder: NackResponder,
    pub(crate) headers: Headers,
    /// Headers name the MID until the receiver has reported on the stream.
    pub(crate) identity: bool,
    /// What the last event told.
    pub(crate) told: LayersState,
    /// What it follows of who speaks, if that decides.
    pub(crate) speaker: Option<SpeakerSlot>,
    /// The opening of a speaker's gate that it has followed.
    pub(crate) opening: Option<u32>,
    /// The stream and the structure of dependency descriptors that the receiver
    /// was sent last.
    pub(crate) structure: Option<(StreamKey, u32)>,
    /// Packets to which a structure was attached: sent again they have it again.
    pub(crate) attached: [Option<(StreamKey, ExtSeq)>; 4],
    /// Whether its receiver puts spatial layers together.
    pub(crate) assembly: Assembly,
    pub(crate) counters: ConsumerCounters,
    /// What is traced of it.
    #[serde(skip)]
    pub(crate) trace: TraceTypes,
}

/// What an event tells of a consumer's layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayersState {
    current: Option<Layers>,
    target: Option<Layers>,
    reason: LayersReason,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ConsumerCounters {
    pub(crate) nacked: u64,
    pub(crate) nack_missed: u64,
    pub(crate) resent: u64,
    pub(crate) key_frames_asked: u64,
    /// Of these, by FIR.
    pub(crate) firs: u64,
    pub(crate) cached_key_frames: u64,
}

/// The prepared headers of the codec that the slot carries now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Headers {
    /// Serial of the producer and its payload type that these headers are for:
    /// payload types and extension ids are each publisher's own.
    pub(crate) source: Option<(u32, PayloadType)>,
    pub(crate) media: HeaderTemplate,
    pub(crate) resend: Resend,
    pub(crate) pass: PassThrough,
    pub(crate) redundancy: Redundancy,
}

/// How a packet that was lost is sent again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Resend {
    /// Not at all: the receiver did not negotiate NACK.
    Never,
    /// As it was, to the byte: the same SRTP index must not seal two different
    /// packets. So what would differ (send time, transport-wide number, MID,
    /// padding) is left out of every packet of such a stream.
    Again,
    /// On a stream of its own (RFC 4588).
    Rtx(HeaderTemplate),
}

impl Consumer {
    pub(crate) fn new(
        id: ConsumerId,
        transport: u32,
        config: ConsumerConfig,
        random: &mut Random,
    ) -> Self {
        let clock_rate = config.codecs.first().and_then(|codec| ClockRate::new(codec.clock_rate));
        let clock_rate = clock_rate.unwrap_or(ClockRate::VIDEO);
        // A first number in the lower half keeps the wrap away from the start,
        // where a receiver could misjudge it (RFC 3711 §3.3.1).
        let seq = SeqNo((random.u32() & 0x7fff) as u16);
        let rewriter = Rewriter::new(config.kind, clock_rate, seq, RtpTime(random.u32()));
        let preferred = config.preferred_layers.unwrap_or(Layers::MAX);
        let headers = Headers::new(&config, None, config.codecs.first());
        Self {
            id,
            transport,
            producer: None,
            leg: None,
            previous: None,
            paused: config.paused,
            producer_paused: false,
            preferred,
            demand: None,
            choice: None,
            selector: Selector::plain(config.kind),
            rewriter,
            send: SendStream::new(clock_rate),
            responder: NackResponder::new(SeqNo((random.u32() & 0x7fff) as u16)),
            headers,
            identity: true,
            told: LayersState::default(),
            speaker: None,
            opening: None,
            structure: None,
            attached: [None; 4],
            assembly: Assembly::default(),
            counters: ConsumerCounters::default(),
            trace: TraceTypes::default(),
            config,
        }
    }

    /// Whether the receiver can take this producer at all.
    pub(crate) fn check_can_follow(&self, producer: &Producer) -> Result<(), CommandError> {
        if producer.config.kind != self.config.kind {
            return Err(CommandError::KindMismatch {
                consumer: self.config.kind,
                producer: producer.config.kind,
            });
        }
        if producer.config.codecs.iter().any(|codec| self.codec_for(codec).is_some()) {
            Ok(())
        } else {
            Err(CommandError::Incompatible(producer.id))
        }
    }

    /// The receiver's payload format for what the publisher sends in `codec`.
    /// What is inside redundant audio can be sent without the redundancy.
    pub(crate) fn codec_for(&self, codec: &CodecConfig) -> Option<&CodecConfig> {
        let find = |kind| {
            self.config.codecs.iter().find(|ours| {
                ours.codec == kind
                    && ours.variant == codec.variant
                    && ours.clock_rate == codec.clock_rate
            })
        };
        find(codec.codec).or_else(|| find(Codec::Opus).filter(|_| codec.codec == Codec::Red))
    }

    /// Follows `producer`, whose key is `key`, from its next key frame on.
    pub(crate) fn follow(&mut self, now: Time, key: u32, producer: &Producer) {
        self.unfollow();
        self.producer = Some(key);
        self.selector = if producer.streams.len() > 1 && self.leg.is_none() {
            Selector::simulcast()
        } else {
            Selector::plain(self.config.kind)
        };
        self.producer_paused = producer.paused;
        // What was chosen of another producer says nothing about this one.
        self.choice = None;
        self.note_assembly(producer);
        self.apply_layers(now);
        if self.is_silent() {
            self.selector.pause();
        }
        self.update_streams(now, producer);
    }

    /// Follows nobody.
    pub(crate) fn unfollow(&mut self) {
        if let Some(old) = self.producer.take() {
            self.previous = Some(old);
        }
        self.selector.reset();
        self.producer_paused = false;
        self.choice = None;
        self.opening = None;
    }

    pub(crate) fn update_streams(&mut self, now: Time, producer: &Producer) {
        self.selector.set_streams(now, ActiveStreams(producer.active_streams(now)));
    }

    /// Sets the most that is wanted.
    pub(crate) fn set_preferred(&mut self, now: Time, preferred: Layers) {
        self.preferred = preferred;
        self.apply_layers(now);
    }

    /// Sets what was chosen for it, or that nothing is chosen any more.
    pub(crate) fn set_choice(&mut self, now: Time, choice: Option<Choice>) {
        let before = std::mem::replace(&mut self.choice, choice);
        if before.map(|choice| choice.layers) != choice.map(|choice| choice.layers) {
            self.apply_layers(now);
            self.apply_pause();
        }
    }

    /// The layers that it is to get if they are there; none if nothing.
    pub(crate) fn wants(&self) -> Option<Layers> {
        if self.producer.is_none() || self.paused {
            return None;
        }
        if let Some(leg) = &self.leg {
            return leg.wants();
        }
        let limit = self.limit();
        let Some(choice) = self.choice else { return Some(limit) };
        let Layers { spatial, temporal } = choice.layers?;
        Some(Layers { spatial: spatial.min(limit.spatial), temporal: temporal.min(limit.temporal) })
    }

    /// Tells what it gets and is to get, if that has changed.
    pub(crate) fn tell_layers(&mut self, router: RouterId, events: &mut Vec<Event>) {
        // A word would make an event for each listener; who speaks is told once.
        if self.speaker.is_some() && self.config.kind == MediaKind::Audio {
            return;
        }
        let state = LayersState {
            current: self.selector.current(),
            target: self.selector.target(),
            reason: self.layers_reason(),
        };
        // What a pipe carries is the choice of those beyond.
        if state == self.told || self.leg.is_some() {
            return;
        }
        self.told = state;
        let LayersState { current, target, reason } = state;
        let consumer = self.id;
        events.push(Event::ConsumerLayersChanged { router, consumer, current, target, reason });
    }

    /// Which rule decided what it is to get.
    pub(crate) fn layers_reason(&self) -> LayersReason {
        if self.producer.is_none() {
            return LayersReason::Empty;
        }
        if self.paused {
            return LayersReason::ConsumerPaused;
        }
        if self.producer_paused {
            return LayersReason::ProducerPaused;
        }
        let Some(wants) = self.wants() else {
            return self.choice.map_or(LayersReason::Empty, |choice| choice.reason);
        };
        let limited = self.assembly.is_limited() && self.preferred.spatial > 0;
        let chosen = match self.choice {
            Some(Choice { reason: LayersReason::Preferred, .. }) | None if limited => {
                LayersReason::NoDescriptor
            }
            Some(choice) => choice.reason,
            None if self.preferred.spatial == u8::MAX => LayersReason::Best,
            None => LayersReason::Preferred,
        };
        match self.selector.reason() {
            Reason::NoActiveStream | Reason::LowestActive => LayersReason::PublisherDoesNotSend,
            Reason::Stabilising => LayersReason::Hold,
            Reason::HighestActive if wants.spatial != u8::MAX => LayersReason::PublisherDoesNotSend,
            _ => chosen,
        }
    }

    pub(crate) fn apply_layers(&mut self, now: Time) {
        let wanted = match &self.leg {
            Some(leg) => leg.wanted,
            None => self.wants(),
        };
        self.selector.set_preferred(now, wanted.unwrap_or_else(|| self.limit()));
    }

    /// Whether nothing shall be sent, whatever comes.
    fn is_silent(&self) -> bool {
        let nothing = match &self.leg {
            Some(leg) => leg.wanted.is_none(),
            None => self.choice.is_some_and(|choice| choice.layers.is_none()),
        };
        self.paused || self.producer_paused || nothing
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.apply_pause();
    }

    pub(crate) fn set_producer_paused(&mut self, now: Time, producer: &Producer) {
        self.producer_paused = producer.paused;
        self.apply_pause();
        self.update_streams(now, producer);
    }

    pub(crate) fn apply_pause(&mut self) {
        if self.is_silent() {
            self.selector.pause();
        } else {
            self.selector.resume();
        }
    }

    /// Whether the receiver must be sent the structure with this packet, which
    /// has none: it has not got the one in force. Takes note of what it gets.
    pub(crate) fn needs_structure(
        &mut self,
        key: StreamKey,
        layering: &Layering,
        meta: &PacketMeta,
    ) -> bool {
        let Some(frame) = meta.dependencies.filter(|frame| layering.is_current(frame)) else {
            return false;
        };
        let in_force = Some((key, layering.version()));
        if self.structure == in_force {
            return false;
        }
        self.structure = in_force;
        if !frame.has_structure {
            self.attached.rotate_right(1);
            self.attached[0] = Some((key, meta.ext));
        }
        !frame.has_structure
    }

    /// Whether packets of this encoding of its producer concern it.
    pub(crate) fn listens_to(&self, stream: u8) -> bool {
        self.leg.is_none_or(|leg| leg.stream == stream)
    }

    /// The encoding that the selector's layer `spatial` is of.
    pub(crate) fn encoding(&self, spatial: u8) -> u8 {
        self.leg.map_or(spatial, |leg| leg.stream)
    }

    /// The stream of its producer whose next key frame it waits for. A video
    /// slot that does not know yet which stream is alive asks for the smallest.
    pub(crate) fn awaits_key_frame(&self) -> Option<u8> {
        if self.config.kind == MediaKind::Audio {
            return None;
        }
        self.selector.needs_key_frame().map(|stream| self.encoding(stream))
    }

    /// What becomes of a packet of what it follows. The rewriter learns which
    /// layer ends the pictures from here on.
    pub(crate) fn decide(&mut self, packet: &PacketMeta) -> Decision {
        let decision = self.selector.decide(packet);
        self.rewriter.set_top(self.selector.top());
        decision
    }

    /// Prepares the headers for packets of this payload type of the publisher;
    /// whether the receiver takes that format.
    pub(crate) fn prepare(&mut self, producer: &Producer, source: PayloadType) -> bool {
        let key = Some((producer.serial, source));
        if self.headers.source == key {
            return true;
        }
        let Some((_, codec)) = producer.codec(source) else { return false };
        let Some(ours) = self.codec_for(codec).cloned() else { return false };
        self.headers = Headers::new(&self.config, key, Some(&ours));
        let theirs = &producer.config.codecs;
        self.headers.redundancy = Redundancy::new(codec, theirs, &ours, &self.config.codecs);
        let mut receives = self.config.extensions;
        if matches!(self.headers.resend, Resend::Again) {
            // It is written for the receiver, and may come out differently.
            receives.remove(ExtensionKind::DependencyDescriptor);
        }
        self.headers.pass = PassThrough::new(&producer.config.extensions, &receives);
        true
    }
}

impl Headers {
    fn new(
        config: &ConsumerConfig,
        source: Option<(u32, PayloadType)>,
        codec: Option<&CodecConfig>,
    ) -> Self {
        let rtx = config.rtx_ssrc.zip(codec.and_then(|codec| codec.rtx_payload_type));
        let again = rtx.is_none() && codec.is_some_and(|codec| codec.nack);
        let mut extensions = config.extensions;
        if again {
            extensions.remove(ExtensionKind::Mid);
            extensions.remove(ExtensionKind::AbsSendTime);
            extensions.remove(ExtensionKind::TransportWideCc);
        }
        let template = |ssrc: Ssrc, payload_type: PayloadType| {
            let mut template = HeaderTemplate::new(ssrc, payload_type, &extensions);
            if extensions.id_of(ExtensionKind::DependencyDescriptor).is_some() {
                // A descriptor with a structure is too long for the short form;
                // whoever knows the extension reads both.
                template = template.allow_mixed();
            }
            match config.mid {
                Some(mid) => template.with_mid(mid),
                None => template,
            }
        };
        let payload_type = codec.map_or(PayloadType(0), |codec| codec.payload_type);
        let resend = match rtx {
            Some((ssrc, payload_type)) => Resend::Rtx(template(ssrc, payload_type)),
            None if again => Resend::Again,
            None => Resend::Never,
        };
        Self {
            source,
            media: template(config.ssrc, payload_type),
            resend,
            pass: PassThrough::default(),
            redundancy: Redundancy::default(),
        }
    }
}

/// Names a producer's stream for a rewriter. Unique for the life of a router.
pub(crate) fn stream_key(producer: &Producer, stream: u8) -> StreamKey {
    StreamKey((producer.serial << 3) | u32::from(stream & 7))
}

/// The stream that a key names, if it is one of `producer`'s.
pub(crate) fn stream_of_key(producer: &Producer, key: StreamKey) -> Option<u8> {
    (key.0 >> 3 == producer.serial & (u32::MAX >> 3)).then_some((key.0 & 7) as u8)
}
