//! A room in a bare engine: one publisher, many subscribers, no sockets.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use sfu_core::engine::{Command, Engine, EngineConfig, Output, Reply, RequestId, Sink};
use sfu_core::wire::codec::Codec;
use sfu_core::wire::rtp::{ExtensionKind, ExtensionMap};
use sfu_core::wire::{PayloadType, Ssrc};
use sfu_core::{
    CodecConfig, ConsumerConfig, EncodingConfig, MediaKind, PlainConfig, PlainRemote,
    ProducerConfig, RouterId, SrtpMaster, SrtpProfile, Time, TransportId, Tuple,
};
use sfu_ice::{Certificate, PeerConfig, Protocol, Random};

use crate::publisher::{
    ABS_SEND_TIME_ID, PACKET_LEN, PAYLOAD_TYPE, Publisher, SSRC, TRANSPORT_CC_ID,
};

/// From one frame to the next.
const INTERVAL: Duration = Duration::from_millis(5);

pub(crate) struct Room {
    engine: Engine,
    router: RouterId,
    now: Time,
    publisher: Publisher,
    /// The path that the publisher's packets come by.
    path: Tuple,
    next_request: u64,
}

impl Room {
    /// Everybody talks to us at `local`'s address; each transport has a port of
    /// its own. The subscribers' packets go to `subscribers`.
    pub(crate) fn new(
        profile: SrtpProfile,
        local: SocketAddr,
        subscribers: &[SocketAddr],
    ) -> anyhow::Result<Self> {
        let now = Time::from_secs(1_000);
        let mut random = Random::from_seed([7; 32]);
        let peer = PeerConfig::new(Certificate::generate(&mut random)?);
        let engine = Engine::new(EngineConfig::default(), peer, [8; 32], now);
        let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
        let remote = SocketAddr::new(local.ip(), 9);
        let mut room = Self {
            engine,
            router: RouterId::from_u64(1).context("an id")?,
            now,
            publisher: Publisher::new(profile, &key, &salt)?,
            path: Tuple::new(Protocol::Udp, SocketAddr::new(local.ip(), 1), remote),
            next_request: 0,
        };
        let Reply::Router(router) = room.command(Command::CreateRouter)? else {
            bail!("expected a router")
        };
        room.router = router;
        let transport = room.transport(profile, room.path)?;
        let produce = Command::Produce(transport, producer());
        let Reply::Producer(producer) = room.command(produce)? else {
            bail!("expected a producer")
        };
        for (index, &subscriber) in subscribers.iter().enumerate() {
            let port = u16::try_from(index + 10)?;
            let local = SocketAddr::new(local.ip(), port);
            let transport =
                room.transport(profile, Tuple::new(Protocol::Udp, local, subscriber))?;
            let ssrc = u32::try_from(1_000 + 2 * index)?;
            let config = ConsumerConfig { producer: Some(producer), ..consumer(ssrc) };
            room.command(Command::Consume(transport, config))?;
        }
        // The key frame, from which on everything is forwarded.
        let mut frame = room.frame(1)?;
        room.take_in(&mut frame, &mut |_: sfu_core::engine::Run<'_>| {});
        Ok(room)
    }

    fn command(&mut self, command: Command) -> anyhow::Result<Reply> {
        self.next_request += 1;
        self.engine.handle_command(self.now, RequestId(self.next_request), command);
        for output in self.engine.take_outputs() {
            if let Output::Completion(completion) = output {
                return Ok(completion.result?);
            }
        }
        bail!("the engine did not answer")
    }

    fn transport(&mut self, profile: SrtpProfile, path: Tuple) -> anyhow::Result<TransportId> {
        let config = PlainConfig {
            local: path.local,
            local_rtcp: None,
            comedia: false,
            srtp: Some(profile),
        };
        let reply = self.command(Command::CreatePlainTransport(self.router, config))?;
        let Reply::PlainTransport { transport, .. } = reply else { bail!("expected a transport") };
        let master =
            SrtpMaster { key: vec![1; profile.key_len()], salt: vec![2; profile.salt_len()] };
        let remote =
            PlainRemote { address: Some(path.remote), rtcp_address: None, srtp: Some(master) };
        self.command(Command::ConnectPlainTransport(transport, remote))?;
        Ok(transport)
    }

    /// What the publisher sends next.
    pub(crate) fn frame(&mut self, packets: usize) -> anyhow::Result<Vec<u8>> {
        self.publisher.frame(packets)
    }

    /// One turn of the engine, in which a frame comes in and goes out.
    pub(crate) fn take_in(&mut self, frame: &mut [u8], sink: &mut dyn Sink) {
        self.now += INTERVAL;
        for packet in frame.chunks_exact_mut(PACKET_LEN) {
            self.engine.handle_datagram(self.now, self.path, packet);
        }
        self.engine.run(self.now, sink);
        // Nobody reads them, but they must not pile up.
        drop(self.engine.take_outputs());
    }
}

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::default();
    for (kind, id) in [
        (ExtensionKind::AbsSendTime, ABS_SEND_TIME_ID),
        (ExtensionKind::TransportWideCc, TRANSPORT_CC_ID),
    ] {
        // Two small ids that differ are always accepted.
        let _ = map.insert(kind, id);
    }
    map
}

fn vp8() -> CodecConfig {
    CodecConfig {
        payload_type: PayloadType(PAYLOAD_TYPE),
        rtx_payload_type: Some(PayloadType(PAYLOAD_TYPE + 1)),
        codec: Codec::Vp8,
        clock_rate: 90_000,
        variant: 0,
        nack: true,
        pli: true,
        fir: false,
    }
}

fn producer() -> ProducerConfig {
    ProducerConfig {
        kind: MediaKind::Video,
        mid: None,
        codecs: vec![vp8()],
        encodings: vec![EncodingConfig { ssrc: Some(SSRC), rtx_ssrc: None, rid: None }],
        extensions: extensions(),
        paused: false,
        speaker: None,
        consumable: String::new(),
        parameters: String::new(),
    }
}

fn consumer(ssrc: u32) -> ConsumerConfig {
    ConsumerConfig {
        kind: MediaKind::Video,
        mid: None,
        codecs: vec![vp8()],
        extensions: extensions(),
        ssrc: Ssrc(ssrc),
        rtx_ssrc: Some(Ssrc(ssrc + 1)),
        cname: "bench".to_owned(),
        producer: None,
        preferred_layers: None,
        paused: false,
        parameters: String::new(),
    }
}
