//! A call in its steady state allocates nothing: not for a packet that comes
//! in, is listened to, forwarded, reported on or sent again, nor for the turns
//! between.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;

use sfu_core::engine::{Command, Engine, EngineConfig, Output, Reply, RequestId, Run};
use sfu_core::wire::codec::Codec;
use sfu_core::wire::rtcp::{NtpTime, RtcpWriter, SenderInfo};
use sfu_core::wire::rtp::{ExtensionKind, ExtensionMap};
use sfu_core::wire::srtp::Outbound;
use sfu_core::wire::{PayloadType, RtpTime, SeqNo, Ssrc};
use sfu_core::{
    CodecConfig, ConsumerConfig, Demand, EncodingConfig, MediaKind, PlainConfig, PlainRemote,
    ProducerConfig, RouterId, SpeakerSlot, SrtpMaster, SrtpProfile, Time, TransportId, Tuple,
};
use sfu_ice::{Certificate, PeerConfig, Protocol, Random};

thread_local! {
    /// Of this thread: the test harness allocates in its own.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const VIEWERS: u16 = 40;
/// Fewer with RustCrypto, which crawls in a build without optimisation.
const FORWARDED: u64 = if cfg!(feature = "crypto-aws-lc-rs") { 1_000_000 } else { 20_000 };
const LEN: usize = 700;
const FIRST_SSRC: u32 = 1_000;
const SSRC: Ssrc = Ssrc(0x00c0_ffee);
const VOICE: Ssrc = Ssrc(0x00c0_fff0);

/// One publisher, and viewers that lose packets.
struct Call {
    engine: Engine,
    now: Time,
    router: RouterId,
    publisher: (Tuple, Outbound),
    viewers: Vec<(Tuple, Outbound, Ssrc)>,
    /// The newest number that each viewer was sent.
    newest: [SeqNo; VIEWERS as usize],
    /// Retransmissions.
    again: u64,
    /// Audio packets of slots that follow speakers.
    heard: u64,
    sent: u64,
    seq: SeqNo,
}

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

fn codec(payload_type: u8) -> CodecConfig {
    CodecConfig {
        payload_type: PayloadType(payload_type),
        rtx_payload_type: Some(PayloadType(payload_type + 1)),
        codec: Codec::Vp8,
        clock_rate: 90_000,
        variant: 0,
        nack: true,
        pli: true,
        fir: false,
    }
}

fn opus(payload_type: u8) -> CodecConfig {
    CodecConfig {
        rtx_payload_type: None,
        codec: Codec::Opus,
        clock_rate: 48_000,
        nack: false,
        pli: false,
        ..codec(payload_type)
    }
}

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::default();
    map.insert(ExtensionKind::AudioLevel, 6).unwrap();
    map.insert(ExtensionKind::TransportWideCc, 5).unwrap();
    map.insert(ExtensionKind::AbsSendTime, 3).unwrap();
    map
}

impl Call {
    fn new() -> Self {
        let mut random = Random::from_seed([1; 32]);
        let peer = PeerConfig::new(Certificate::generate(&mut random).unwrap());
        let now = Time::from_secs(100);
        let mut config = EngineConfig::default();
        config.packet_memory = 16 << 20;
        let mut engine = Engine::new(config, peer, [2; 32], now);
        let Reply::Router(router) = command(&mut engine, now, Command::CreateRouter) else {
            panic!()
        };
        let (publisher, transport) = connect(&mut engine, now, router, 0);
        let encoding = EncodingConfig { ssrc: Some(SSRC), ..EncodingConfig::default() };
        let config = ProducerConfig {
            kind: MediaKind::Video,
            mid: None,
            codecs: vec![codec(96)],
            encodings: vec![encoding],
            extensions: extensions(),
            paused: false,
            speaker: None,
            consumable: String::new(),
            parameters: String::new(),
        };
        let reply = command(&mut engine, now, Command::Produce(transport, config.clone()));
        let Reply::Producer(producer) = reply else { panic!() };
        let config = ProducerConfig {
            kind: MediaKind::Audio,
            codecs: vec![opus(111)],
            encodings: vec![EncodingConfig { ssrc: Some(VOICE), ..EncodingConfig::default() }],
            ..config
        };
        let Reply::Producer(_) = command(&mut engine, now, Command::Produce(transport, config))
        else {
            panic!()
        };
        let mut viewers = Vec::new();
        for at in 1..=VIEWERS {
            let ((tuple, outbound), transport) = connect(&mut engine, now, router, at);
            let ssrc = Ssrc(FIRST_SSRC + 2 * u32::from(at - 1));
            let config = ConsumerConfig {
                kind: MediaKind::Video,
                mid: None,
                codecs: vec![codec(100)],
                extensions: extensions(),
                ssrc,
                rtx_ssrc: Some(Ssrc(ssrc.0 + 1)),
                cname: "slot".to_owned(),
                producer: Some(producer),
                preferred_layers: None,
                paused: false,
                parameters: String::new(),
            };
            let consume = Command::Consume(transport, config.clone());
            let Reply::Consumer(view) = command(&mut engine, now, consume) else { panic!() };
            // Layers are chosen for each viewer, five times a second.
            command(&mut engine, now, Command::SetDemand(view, Demand::shown(1_280, 720)));
            let carries = Some(1_000_000_000);
            command(&mut engine, now, Command::SetAvailableOutgoingBitrate(transport, carries));
            let config = ConsumerConfig {
                kind: MediaKind::Audio,
                codecs: vec![opus(109)],
                ssrc: Ssrc(ssrc.0 + 1_000),
                rtx_ssrc: None,
                producer: None,
                ..config
            };
            let consume = Command::Consume(transport, config);
            let Reply::Consumer(ear) = command(&mut engine, now, consume) else { panic!() };
            command(&mut engine, now, Command::FollowSpeaker(ear, SpeakerSlot::new(0)));
            viewers.push((tuple, outbound, ssrc));
        }
        let newest = [SeqNo(0); VIEWERS as usize];
        Self {
            engine,
            now,
            router,
            publisher,
            viewers,
            newest,
            again: 0,
            heard: 0,
            sent: 0,
            seq: SeqNo(1),
        }
    }

    /// A millisecond: a packet of the publisher, now and then a hole, a report,
    /// a NACK.
    fn millisecond(&mut self, buffer: &mut [u8]) {
        let Self { engine, publisher, viewers, seq, .. } = self;
        let at = self.now.as_millis();
        let frame = seq.0 / 4;
        let mut header = [0; 27];
        header[..2].copy_from_slice(&[0x90, 96 | (u8::from(seq.0 % 4 == 3) << 7)]);
        header[2..4].copy_from_slice(&seq.0.to_be_bytes());
        header[4..8].copy_from_slice(&(at as u32 / 4 * 360).to_be_bytes());
        header[8..12].copy_from_slice(&SSRC.0.to_be_bytes());
        header[12..16].copy_from_slice(&[0xbe, 0xde, 0, 1]);
        header[16] = 0x51;
        header[17..19].copy_from_slice(&seq.0.to_be_bytes());
        // VP8: start of a frame or not, picture id, TL0PICIDX, layer; each
        // thousandth frame is a key frame.
        let [high, low] = frame.to_be_bytes();
        let start = if seq.0 % 4 == 0 { 0x90 } else { 0x80 };
        header[20..26].copy_from_slice(&[start, 0xe0, 0x80 | high, low, low, 0]);
        header[26] = u8::from(frame % 1_000 != 0);
        // Packets that never come, but those in front of a key frame.
        if seq.0 % 97 != 50 {
            buffer[..27].copy_from_slice(&header);
            let len = publisher.1.protect_rtp(buffer, LEN).unwrap();
            engine.handle_datagram(self.now, publisher.0, &mut buffer[..len]);
        }
        *seq = seq.next();
        if at.is_multiple_of(20) {
            // Somebody who speaks, with the gaps of speech.
            let number = (at / 20) as u16;
            let level = if number % 11 < 9 { 30 } else { 75 };
            let mut packet = [0; 20];
            packet[..2].copy_from_slice(&[0x90, 111]);
            packet[2..4].copy_from_slice(&number.to_be_bytes());
            packet[4..8].copy_from_slice(&(at as u32 * 48).to_be_bytes());
            packet[8..12].copy_from_slice(&VOICE.0.to_be_bytes());
            packet[12..].copy_from_slice(&[0xbe, 0xde, 0, 1, 0x60, level, 0, 0]);
            buffer[..20].copy_from_slice(&packet);
            let len = publisher.1.protect_rtp(buffer, 100).unwrap();
            engine.handle_datagram(self.now, publisher.0, &mut buffer[..len]);
        }
        if at.is_multiple_of(1_000) {
            let ntp = NtpTime::from_duration(std::time::Duration::from_millis(at));
            let info = SenderInfo { ntp, rtp: RtpTime(at as u32 * 90), packets: 1, octets: 1 };
            let mut writer = RtcpWriter::compound(&mut buffer[..600], SSRC, "publisher");
            writer.sender_report(SSRC, &info, &[]).unwrap();
            let len = writer.finish();
            let len = publisher.1.protect_rtcp(buffer, len).unwrap();
            engine.handle_datagram(self.now, publisher.0, &mut buffer[..len]);
        }
        if at.is_multiple_of(5) {
            let viewer = (at / 5) as usize % viewers.len();
            let (tuple, outbound, ssrc) = &mut viewers[viewer];
            let mut writer = RtcpWriter::compound(&mut buffer[..600], *ssrc, "viewer");
            let newest = self.newest[viewer].0;
            let lost = [SeqNo(newest.wrapping_sub(40)), SeqNo(newest.wrapping_sub(3))];
            writer.nack(*ssrc, *ssrc, lost).unwrap();
            let len = writer.finish();
            let len = outbound.protect_rtcp(buffer, len).unwrap();
            engine.handle_datagram(self.now, *tuple, &mut buffer[..len]);
        }
        self.turn();
    }

    fn turn(&mut self) {
        let Self { sent, again, heard, newest, .. } = self;
        self.engine.run(self.now, &mut |run: Run<'_>| {
            *sent += run.count as u64;
            for packet in run.packets().filter(|packet| packet[1] & 0x7f == 100) {
                let ssrc = u32::from_be_bytes(packet[8..12].try_into().unwrap());
                let viewer = (ssrc - FIRST_SSRC) as usize / 2;
                newest[viewer] = SeqNo(u16::from_be_bytes([packet[2], packet[3]]));
            }
            *heard += run.packets().filter(|packet| packet[1] & 0x7f == 109).count() as u64;
            *again += run.packets().filter(|packet| packet[1] & 0x7f == 101).count() as u64;
        });
        assert!(self.engine.poll_timeout().is_some_and(|due| due > self.now));
        for output in self.engine.take_outputs() {
            assert!(matches!(output, Output::Event(_)), "{output:?}");
        }
        self.now += std::time::Duration::from_millis(1);
    }
}

fn command(engine: &mut Engine, now: Time, command: Command) -> Reply {
    engine.handle_command(now, RequestId(1), command);
    let outputs = engine.take_outputs().into_iter();
    let mut replies = outputs.filter_map(|output| match output {
        Output::Completion(done) => Some(done.result.unwrap()),
        _ => None,
    });
    replies.next().unwrap()
}

/// A plain SRTP transport and its peer's end.
fn connect(
    engine: &mut Engine,
    now: Time,
    router: RouterId,
    at: u16,
) -> ((Tuple, Outbound), TransportId) {
    let profile = SrtpProfile::AeadAes128Gcm;
    let (local, remote) = (address(1, 10_000 + at), address(2, 20_000 + at));
    let config = PlainConfig { local, local_rtcp: None, comedia: false, srtp: Some(profile) };
    let reply = command(engine, now, Command::CreatePlainTransport(router, config));
    let Reply::PlainTransport { transport, .. } = reply else { panic!() };
    let key =
        SrtpMaster { key: vec![at as u8; profile.key_len()], salt: vec![7; profile.salt_len()] };
    let outbound = Outbound::new(profile, &key.key, &key.salt).unwrap();
    let remote_parameters =
        PlainRemote { address: Some(remote), rtcp_address: None, srtp: Some(key) };
    command(engine, now, Command::ConnectPlainTransport(transport, remote_parameters));
    ((Tuple::new(Protocol::Udp, local, remote), outbound), transport)
}

#[test]
fn a_million_forwarded_packets_allocate_nothing() {
    let mut call = Call::new();
    let mut buffer = vec![0; 2_048];
    // Until every table has its size and a key frame has let the viewers in.
    let warm_up = if cfg!(feature = "crypto-aws-lc-rs") { 10_000 } else { 4_200 };
    for _ in 0..warm_up {
        call.millisecond(&mut buffer);
    }
    let (sent, allocations) = (call.sent, ALLOCATIONS.get());
    assert!(sent > 100_000 || warm_up < 10_000, "{sent} packets sent");
    while call.sent - sent < FORWARDED {
        call.millisecond(&mut buffer);
    }
    let allocated = ALLOCATIONS.get() - allocations;
    assert!(call.again > FORWARDED / 1_000, "{} retransmissions", call.again);
    assert!(call.heard > FORWARDED / 50, "{} audio packets", call.heard);
    assert_eq!(allocated, 0, "allocations for {} packets", call.sent - sent);
    let close = Command::CloseRouter(call.router);
    command(&mut call.engine, call.now, close);
}
