//! Joins: a transport is made, ICE finds its path, DTLS agrees on keys.
//!
//! The client's half is done by the same libraries on another thread or
//! outside the measured sections; only the server's CPU time counts.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use sfu_core::api::params::DtlsParameters;
use sfu_core::engine::{Command, Engine, EngineConfig, Output, Reply, RequestId, Run};
use sfu_core::{
    DtlsRemote, DtlsState, DtlsVersion, Event, Router, RouterId, RouterOptions, Sfu, Time, Tuple,
    WebRtcTransportOptions,
};
use sfu_ice::{Certificate, DtlsRole, PeerConfig, Protocol, Random};

use crate::client::Client;
use crate::cpu::{self, OtherThread};
use crate::executor::block_on;
use crate::receivers::ANY;
use crate::report::{Cell, Report, Sample, Table};

/// All clients of one measurement must be in by then.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Args)]
pub(crate) struct Options {
    /// Joins in each measurement.
    #[arg(long, default_value_t = 200)]
    joins: usize,
    /// Clients that join at the same time, through sockets.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// Measurements of each figure; the median is told.
    #[arg(long, default_value_t = 5)]
    repetitions: usize,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    ensure!(options.joins > 0 && options.concurrency > 0, "expected at least one join");
    let mut report = Report::new("handshakes");
    let columns = ["path", "DTLS", "CPU us per join", "joins/s on one core"];
    let mut table =
        Table::new("Joins: transport, ICE, DTLS, SRTP keys; the server's side", &columns);
    for (name, version) in [("1.2", DtlsVersion::V1_2), ("1.3", DtlsVersion::V1_3)] {
        let mut add = |path: &str, costs: &[f64]| -> anyhow::Result<()> {
            let sample = Sample::of(costs)?;
            table.rows.push(vec![
                Cell::Text(path.to_owned()),
                Cell::Text(name.to_owned()),
                Cell::Sample(sample),
                Cell::Number(1e6 / sample.median, 0),
            ]);
            Ok(())
        };
        let repeat = |measure: &dyn Fn() -> anyhow::Result<f64>| {
            (0..options.repetitions).map(|_| measure()).collect::<anyhow::Result<Vec<_>>>()
        };
        add("in memory", &repeat(&|| in_memory(version, options))?)?;
        add("through sockets", &repeat(&|| through_sockets(version, options))?)?;
    }
    report.tables.push(table);
    report.notes = vec![
        format!(
            "Median (range) of {} measurements of {} joins each; {} at a time through sockets.",
            options.repetitions, options.joins, options.concurrency
        ),
        "CPU time of the server's thread, user and kernel; joins per second are its reciprocal."
            .to_owned(),
        "ECDSA P-256 certificates on both sides, X25519 or P-256 as the two agree, aws-lc-rs."
            .to_owned(),
    ];
    Ok(report)
}

/// The engine and its clients on this thread; counts what runs in the engine.
fn in_memory(version: DtlsVersion, options: &Options) -> anyhow::Result<f64> {
    let mut random = Random::from_seed([3; 32]);
    let certificate = Certificate::generate(&mut random)?;
    let mut peer = PeerConfig::new(Certificate::generate(&mut random)?);
    peer.dtls.version = version;
    let now = Time::from_secs(1_000);
    let engine = Engine::new(EngineConfig::default(), peer, [4; 32], now);
    let mut host = Host { engine, now, used: Duration::ZERO, sent: Vec::new() };
    let Reply::Router(router) = host.command(Command::CreateRouter)? else {
        bail!("expected a router")
    };
    host.used = Duration::ZERO;
    for index in 0..options.joins {
        let port = u16::try_from(1_024 + index).context("too many joins")?;
        host.join(router, port, version, &certificate, &mut random)?;
    }
    Ok(host.used.as_nanos() as f64 / 1e3 / options.joins as f64)
}

struct Host {
    engine: Engine,
    now: Time,
    used: Duration,
    sent: Vec<(Tuple, Vec<u8>)>,
}

impl Host {
    fn command(&mut self, command: Command) -> anyhow::Result<Reply> {
        let (used, outputs) = cpu::of(|| {
            self.engine.handle_command(self.now, RequestId(1), command);
            self.engine.take_outputs()
        });
        self.used += used;
        for output in outputs {
            if let Output::Completion(completion) = output {
                return Ok(completion.result?);
            }
        }
        bail!("the engine did not answer")
    }

    fn join(
        &mut self,
        router: RouterId,
        port: u16,
        version: DtlsVersion,
        certificate: &Certificate,
        random: &mut Random,
    ) -> anyhow::Result<()> {
        let reply = self.command(Command::CreateWebRtcTransport(router))?;
        let Reply::WebRtcTransport { transport, ice, fingerprints } = reply else {
            bail!("expected a transport")
        };
        let fingerprint = certificate.fingerprints().to_vec();
        let remote = DtlsRemote { role: DtlsRole::Client, fingerprints: fingerprint };
        self.command(Command::ConnectWebRtcTransport(transport, remote))?;

        let (server, address) = (([10, 0, 0, 1], 4000).into(), ([10, 0, 0, 2], port).into());
        let path = Tuple::new(Protocol::Udp, server, address);
        let tuple = Tuple::new(Protocol::Udp, address, server);
        let mut client = Client::new(tuple, certificate, version, ice, fingerprints, random)?;
        let mut datagram = Vec::new();
        let mut connected = false;
        for _ in 0..10 {
            self.now += Duration::from_millis(1);
            while client.poll_transmit(self.now, &mut datagram) {
                let Self { engine, now, sent, used } = self;
                *used += cpu::of(|| engine.handle_datagram(*now, path, &mut datagram)).0;
                *used += cpu::of(|| {
                    engine.run(*now, &mut |run: Run<'_>| {
                        sent.extend(run.packets().map(|packet| (run.tuple, packet.to_vec())));
                    });
                })
                .0;
                connected |= engine.take_outputs().into_iter().any(|output| {
                    let Output::Event(event) = output else { return false };
                    matches!(event, Event::TransportStateChanged { dtls: DtlsState::Connected, .. })
                });
                for (to, packet) in sent.drain(..) {
                    if to.remote == address {
                        client.handle_datagram(*now, &packet)?;
                    }
                }
            }
            if connected && client.is_connected() {
                return Ok(());
            }
        }
        bail!("a join did not come to its end")
    }
}

/// A server with one shard; counts its thread.
fn through_sockets(version: DtlsVersion, options: &Options) -> anyhow::Result<f64> {
    let sfu = Sfu::builder().listen(ANY).tcp(false).dtls_version(version).build()?;
    let router = block_on(sfu.create_router(RouterOptions::default()))?;
    // It has carried out a command, so it has its name by now.
    let shard = OtherThread::named("sfu-shard-0")?;
    let mut random = Random::from_seed([5; 32]);
    let certificate = Certificate::generate(&mut random)?;
    let started = Instant::now();
    let before = shard.used()?;
    let mut joining: Vec<Joining> = Vec::new();
    let (mut begun, mut done) = (0, 0);
    while done < options.joins {
        ensure!(started.elapsed() < PATIENCE, "{} joins did not end", joining.len());
        while joining.len() < options.concurrency && begun < options.joins {
            let client = Joining::new(&router, version, &certificate, &mut random);
            joining.push(block_on(client)?);
            begun += 1;
        }
        let now = Time::from_secs(1_000) + started.elapsed();
        let mut idle = true;
        for client in &mut joining {
            idle &= !client.step(now)?;
        }
        let before = joining.len();
        joining.retain(|client| !client.client.is_connected());
        done += before - joining.len();
        if idle {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    let used = shard.used()?.saturating_sub(before);
    Ok(used.as_nanos() as f64 / 1e3 / options.joins as f64)
}

struct Joining {
    socket: UdpSocket,
    client: Client,
    buf: Vec<u8>,
}

impl Joining {
    async fn new(
        router: &Router,
        version: DtlsVersion,
        certificate: &Certificate,
        random: &mut Random,
    ) -> anyhow::Result<Self> {
        let transport = router.create_webrtc_transport(WebRtcTransportOptions::default()).await?;
        let fingerprints = certificate.fingerprints().to_vec();
        transport.connect(DtlsParameters { role: DtlsRole::Client, fingerprints }).await?;
        let parameters = transport.parameters();
        let server = parameters.ice_candidates.first().context("no candidate")?.socket_addr();
        let socket = UdpSocket::bind(ANY)?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        let tuple = Tuple::new(Protocol::Udp, socket.local_addr()?, server);
        let ice = parameters.ice_parameters.credentials();
        let fingerprints = parameters.dtls_parameters.fingerprints.clone();
        let client = Client::new(tuple, certificate, version, ice, fingerprints, random)?;
        Ok(Self { socket, client, buf: vec![0; 2048] })
    }

    /// Sends and receives what there is; whether there was anything.
    fn step(&mut self, now: Time) -> anyhow::Result<bool> {
        let mut active = false;
        let mut datagram = Vec::new();
        while self.client.poll_transmit(now, &mut datagram) {
            self.socket.send(&datagram)?;
            active = true;
        }
        loop {
            match self.socket.recv(&mut self.buf) {
                Ok(len) => self.client.handle_datagram(now, self.buf.get(..len).unwrap_or(&[]))?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(active),
                Err(error) => return Err(error.into()),
            }
            active = true;
        }
    }
}
