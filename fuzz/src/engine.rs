//! The whole engine: datagrams from several places, in time, and commands in
//! between.
//!
//! The input is a script of records: one byte that says what happens, one that
//! says how much later than the record before, then, for a datagram, a length
//! of two bytes and the bytes.

use std::time::Duration;

use sfu_core::engine::{Command, Engine, EngineConfig, Output, Reply, RequestId, Run};
use sfu_core::wire::codec::Codec;
use sfu_core::wire::rtcp::Compound;
use sfu_core::wire::rtp::{ExtensionKind, ExtensionMap, RtpView};
use sfu_core::wire::{PayloadType, Rid, Ssrc};
use sfu_core::{
    AudioLevelOptions, CodecConfig, ConsumerConfig, ConsumerId, EncodingConfig, Layers, MediaKind,
    ObserverScope, PlainConfig, PlainRemote, ProducerConfig, ProducerId, RouterId, SpeakerOptions,
    SpeakerSlot, Time, TransportId,
};
use sfu_ice::{Certificate, PacketClass, PeerConfig, Protocol, Random, Tuple, classify};

const MAX_RECORDS: usize = 256;
/// What one script may make the engine send, whatever it says: far more than
/// is forwarded, reported and repeated in its time.
const MAX_SENT: usize = 64 * MAX_RECORDS;

/// Nothing that arrives is a bug contained, what leaves is RTP, RTCP, STUN or
/// DTLS, deadlines move forward, and a snapshot restores to itself.
pub fn engine(data: &[u8]) -> bool {
    let mut world = World::new();
    let mut records = 0;
    let mut rest = data;
    while let Some((&[what, later], tail)) = rest.split_first_chunk() {
        records += 1;
        if records > MAX_RECORDS {
            break;
        }
        rest = tail;
        world.now += Duration::from_millis(u64::from(later));
        if what & 0x80 == 0 {
            let Some((&[l0, l1], tail)) = rest.split_first_chunk() else { break };
            let len = usize::from(u16::from_be_bytes([l0, l1])).min(tail.len());
            let (datagram, tail) = tail.split_at(len);
            rest = tail;
            world.datagram(what, datagram);
        } else {
            world.command(what);
        }
        world.turn();
    }
    world.idle();
    world.snapshot_restores_to_itself();
    let contained = world.engine.counters().contained;
    assert_eq!(contained, 0, "a bug was contained by closing a transport");
    world.sent != 0
}

/// A router with a publisher of camera and microphone, a subscriber of both,
/// and a browser that has not connected yet.
struct World {
    engine: Engine,
    now: Time,
    requests: u64,
    router: RouterId,
    publisher: Tuple,
    subscriber: Tuple,
    browser: Tuple,
    browser_transport: TransportId,
    camera: ProducerId,
    view: ConsumerId,
    microphone: ProducerId,
    /// A slot that follows who speaks.
    ear: ConsumerId,
    sent: usize,
}

impl World {
    fn new() -> Self {
        let certificate = CERTIFICATE.with(Clone::clone);
        let mut config = EngineConfig::default();
        config.packet_memory = 1 << 20;
        let now = Time::from_secs(1);
        let mut engine = Engine::new(config, PeerConfig::new(certificate), [7; 32], now);
        let mut requests = 0;
        let mut ask = |engine: &mut Engine, command| {
            reply(engine, now, &mut requests, command).expect("the setting is sound")
        };
        let Reply::Router(router) = ask(&mut engine, Command::CreateRouter) else { unreachable!() };
        let (publisher, publishing) = (path(5_000), plain(path(5_000)));
        let (subscriber, subscribing) = (path(5_002), plain(path(5_002)));
        let mut transports = Vec::new();
        for (tuple, config) in [(publisher, publishing), (subscriber, subscribing)] {
            let Reply::PlainTransport { transport, .. } =
                ask(&mut engine, Command::CreatePlainTransport(router, config))
            else {
                unreachable!()
            };
            let remote =
                PlainRemote { address: Some(tuple.remote), rtcp_address: None, srtp: None };
            ask(&mut engine, Command::ConnectPlainTransport(transport, remote));
            transports.push(transport);
        }
        let Reply::WebRtcTransport { transport: browser_transport, .. } =
            ask(&mut engine, Command::CreateWebRtcTransport(router))
        else {
            unreachable!()
        };
        let mut ids = Vec::new();
        for (kind, ssrc) in [(MediaKind::Video, 20), (MediaKind::Audio, 30)] {
            let produce = Command::Produce(transports[0], producer(kind));
            let Reply::Producer(producer) = ask(&mut engine, produce) else { unreachable!() };
            let consume = Command::Consume(transports[1], consumer(kind, ssrc, producer));
            let Reply::Consumer(consumer) = ask(&mut engine, consume) else { unreachable!() };
            ids.push((producer, consumer));
        }
        let (camera, view) = ids[0];
        let (microphone, _) = ids[1];
        let consume = Command::Consume(transports[1], consumer(MediaKind::Audio, 40, microphone));
        let Reply::Consumer(ear) = ask(&mut engine, consume) else { unreachable!() };
        ask(&mut engine, Command::FollowSpeaker(ear, SpeakerSlot::new(0)));
        let browser = path(5_004);
        let sent = 0;
        Self {
            engine,
            now,
            requests,
            router,
            publisher,
            subscriber,
            browser,
            browser_transport,
            camera,
            view,
            microphone,
            ear,
            sent,
        }
    }

    fn datagram(&mut self, what: u8, datagram: &[u8]) {
        let tuple = match what & 3 {
            0 | 1 => self.publisher,
            2 => self.subscriber,
            _ => self.browser,
        };
        self.engine.handle_datagram(self.now, tuple, &mut datagram.to_vec());
    }

    fn command(&mut self, what: u8) {
        let (camera, view) = (self.camera, self.view);
        let layer = Layers { spatial: what & 3, temporal: what >> 4 & 3 };
        let command = match what & 0x0f {
            0 => Command::PauseProducer(camera),
            1 => Command::ResumeProducer(camera),
            2 => Command::PauseConsumer(view),
            3 => Command::ResumeConsumer(view),
            4 => Command::SwitchConsumer(view, None),
            5 => Command::SwitchConsumer(view, Some(camera)),
            6..=9 => Command::SetPreferredLayers(view, layer),
            10 => Command::RequestKeyFrame(view),
            11 => Command::Explain(view),
            12 => Command::ConsumerStats(view),
            13 => Command::ProducerStats(camera),
            14 => Command::RestartIce(self.browser_transport),
            _ => self.about_speakers(what >> 4 & 7),
        };
        self.requests += 1;
        self.engine.handle_command(self.now, RequestId(self.requests), command);
    }

    fn about_speakers(&self, what: u8) -> Command {
        let (camera, microphone, ear) = (self.camera, self.microphone, self.ear);
        let places = |places| SpeakerOptions::default().places(places);
        match what {
            0 => Command::FollowSpeaker(ear, SpeakerSlot::new(0)),
            1 => Command::FollowSpeaker(self.view, SpeakerSlot::new(0).except(microphone)),
            2 => Command::SetProducerSpeaker(camera, Some(microphone)),
            3 => Command::SetSpeakerOptions(self.router, places(0)),
            4 => Command::SetSpeakerOptions(self.router, places(2)),
            5 => Command::PauseProducer(microphone),
            6 => Command::ResumeProducer(microphone),
            _ => {
                let options = AudioLevelOptions::default().scope(ObserverScope::Router);
                Command::CreateAudioLevelObserver(self.router, options)
            }
        }
    }

    fn turn(&mut self) {
        let sent = &mut self.sent;
        let mut sink = |run: Run<'_>| {
            for packet in run.packets() {
                *sent += 1;
                assert_sound(packet);
            }
        };
        self.engine.run(self.now, &mut sink);
        assert!(self.sent <= MAX_SENT, "{} packets", self.sent);
        drop(self.engine.take_outputs());
    }

    /// Two seconds in which nothing arrives: each deadline is met in one turn.
    fn idle(&mut self) {
        let end = self.now + Duration::from_secs(2);
        let mut turns = 0;
        while let Some(deadline) = self.engine.poll_timeout().filter(|deadline| *deadline < end) {
            self.now = self.now.max(deadline);
            self.turn();
            turns += 1;
            assert!(turns < 5_000, "the deadline stands still at {deadline:?}");
        }
    }

    fn snapshot_restores_to_itself(&mut self) {
        let ask = Command::Snapshot(self.router);
        let Some(Reply::Snapshot(first)) =
            reply(&mut self.engine, self.now, &mut self.requests, ask)
        else {
            panic!("no snapshot of a router that exists")
        };
        let certificate = CERTIFICATE.with(Clone::clone);
        let config = PeerConfig::new(certificate);
        let mut other = Engine::new(EngineConfig::default(), config, [8; 32], self.now);
        let restored = reply(&mut other, self.now, &mut 0, Command::Restore(first));
        assert!(matches!(restored, Some(Reply::Router(router)) if router == self.router));
    }
}

thread_local! {
    /// Made once: a key pair for each input would take most of the time.
    static CERTIFICATE: Certificate = {
        Certificate::generate(&mut Random::from_seed([9; 32])).expect("a certificate")
    };
}

fn reply(engine: &mut Engine, now: Time, requests: &mut u64, command: Command) -> Option<Reply> {
    *requests += 1;
    engine.handle_command(now, RequestId(*requests), command);
    engine.run(now, &mut |_: Run<'_>| {});
    engine.take_outputs().into_iter().find_map(|output| match output {
        Output::Completion(done) if done.request.0 == *requests => done.result.ok(),
        _ => None,
    })
}

fn assert_sound(packet: &[u8]) {
    match classify(packet) {
        PacketClass::Rtp => assert!(RtpView::parse(packet).is_ok()),
        PacketClass::Rtcp => assert!(Compound::parse(packet).is_ok()),
        PacketClass::Stun | PacketClass::Dtls => {}
        other => panic!("an engine does not send {other:?}: {packet:02x?}"),
    }
}

fn path(port: u16) -> Tuple {
    let local = ([192, 0, 2, 1], 40_000 + port).into();
    Tuple::new(Protocol::Udp, local, ([198, 51, 100, 1], port).into())
}

fn plain(tuple: Tuple) -> PlainConfig {
    PlainConfig { local: tuple.local, local_rtcp: None, comedia: false, srtp: None }
}

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::default();
    for (id, kind) in (1..).zip(ExtensionKind::ALL) {
        map.insert(kind, id).expect("ids are unique");
    }
    map
}

fn codecs(kind: MediaKind) -> Vec<CodecConfig> {
    let codec = |payload_type, codec, clock_rate| CodecConfig {
        payload_type: PayloadType(payload_type),
        rtx_payload_type: (kind == MediaKind::Video).then_some(PayloadType(payload_type + 1)),
        codec,
        clock_rate,
        variant: 0,
        nack: true,
        pli: true,
        fir: true,
    };
    match kind {
        MediaKind::Audio => vec![codec(111, Codec::Opus, 48_000)],
        _ => vec![codec(96, Codec::Vp8, 90_000), codec(102, Codec::H264, 90_000)],
    }
}

fn producer(kind: MediaKind) -> ProducerConfig {
    let encodings = match kind {
        MediaKind::Audio => vec![EncodingConfig { ssrc: Some(Ssrc(3)), ..Default::default() }],
        _ => {
            ["q", "h"].map(|rid| EncodingConfig { rid: Rid::new(rid), ..Default::default() }).into()
        }
    };
    ProducerConfig {
        kind,
        mid: None,
        codecs: codecs(kind),
        encodings,
        extensions: extensions(),
        paused: false,
        speaker: None,
        consumable: String::new(),
        parameters: String::new(),
    }
}

fn consumer(kind: MediaKind, ssrc: u32, producer: ProducerId) -> ConsumerConfig {
    ConsumerConfig {
        kind,
        mid: None,
        codecs: codecs(kind),
        extensions: extensions(),
        ssrc: Ssrc(ssrc),
        rtx_ssrc: (kind == MediaKind::Video).then_some(Ssrc(ssrc + 1)),
        cname: "plenum".into(),
        producer: Some(producer),
        preferred_layers: None,
        paused: false,
        parameters: String::new(),
    }
}
