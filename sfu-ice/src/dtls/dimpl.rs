//! The default DTLS implementation: an adapter to the sans-IO crate `dimpl`.
//!
//! Cookies are off, because ICE has proved the path before the first record.
//! Hello randoms, record nonces and the jitter of timers come from the seed in
//! the configuration. Key exchange and signatures take their randomness from
//! the crypto provider, so the bytes of a handshake differ from run to run
//! while its course in time does not.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Error, Output, ProtocolVersion};

use super::{
    DtlsConfig, DtlsVersion, Handshake, HandshakeEvent, KeyingMaterial, SrtpProfile, client_hello,
};
use crate::{DtlsError, PeerError, Time};

/// Datagrams of one flight that wait to be sent. A flight is 4 at most.
const MAX_DATAGRAMS: usize = 32;
/// Events that wait to be polled, application data included.
const MAX_EVENTS: usize = 64;
/// Retransmissions of one flight. With the doubling timeout the whole
/// handshake's limit comes first.
const MAX_RETRIES: usize = 10;
/// With no timer running, the implementation names a time years away.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// One association. Made when the handshake begins.
#[derive(Debug)]
pub(super) struct DimplHandshake {
    dtls: Dtls,
    /// Both versions are possible until the first ClientHello tells more.
    undecided: Option<Undecided>,
    timeout: Option<Time>,
    datagrams: VecDeque<Vec<u8>>,
    events: VecDeque<HandshakeEvent>,
    scratch: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Connected,
    Closed,
}

/// What a server needs to begin again with DTLS 1.2.
#[derive(Debug)]
struct Undecided {
    config: Arc<Config>,
    certificate: DtlsCertificate,
    profiles: Vec<SrtpProfile>,
}

impl DimplHandshake {
    pub(super) fn new(
        config: &DtlsConfig,
        client: bool,
        seed: u64,
        now: Time,
    ) -> Result<Self, PeerError> {
        let certificate = DtlsCertificate {
            certificate: config.certificate.der().to_vec(),
            private_key: config.certificate.private_key_der().to_vec(),
        };
        let dimpl_config = Config::builder()
            .mtu(config.mtu)
            .use_server_cookie(false)
            .require_client_certificate(true)
            .flight_start_rto(config.retransmit_after)
            .flight_retries(MAX_RETRIES)
            .handshake_timeout(config.timeout)
            .dangerously_set_rng_seed(seed)
            .build()
            .map(Arc::new)
            .map_err(|_| PeerError::BadDtlsConfig)?;
        let undecided = (config.version == DtlsVersion::Auto && !client).then(|| Undecided {
            config: Arc::clone(&dimpl_config),
            certificate: certificate.clone(),
            profiles: config.srtp_profiles.clone(),
        });
        let begin = match config.version {
            DtlsVersion::V1_2 => Dtls::new_12,
            DtlsVersion::V1_3 => Dtls::new_13,
            DtlsVersion::Auto => Dtls::new_auto,
        };
        let mut dtls = begin(dimpl_config, certificate, instant(now));
        dtls.set_active(client);
        Ok(Self {
            dtls,
            undecided,
            timeout: None,
            datagrams: VecDeque::new(),
            events: VecDeque::new(),
            scratch: vec![0; 2048],
            state: State::Handshake,
        })
    }

    /// Chooses DTLS 1.2 unless a whole ClientHello shows that 1.3 is better.
    fn decide(&mut self, now: Time, datagram: &[u8]) {
        let Some(undecided) = self.undecided.take() else { return };
        let offer = client_hello::peek(datagram, &undecided.profiles);
        if !offer.is_some_and(|offer| offer.prefers_dtls13()) {
            self.dtls = Dtls::new_12(undecided.config, undecided.certificate, instant(now));
        }
    }

    /// Runs one step and takes over all that it produced.
    fn run(&mut self, now: Time, step: impl FnOnce(&mut Dtls) -> Result<(), Error>) {
        if self.state == State::Closed {
            return;
        }
        let result = self.dtls.handle_timeout(instant(now)).and_then(|()| step(&mut self.dtls));
        self.drain(now);
        if let Err(error) = result {
            self.fail(&error);
        }
    }

    fn drain(&mut self, now: Time) {
        loop {
            match self.dtls.poll_output(&mut self.scratch) {
                // Datagrams may be lost anyway, so a caller that does not poll
                // loses the rest.
                Output::Packet(packet) if self.datagrams.len() < MAX_DATAGRAMS => {
                    self.datagrams.push_back(packet.to_vec());
                }
                Output::Timeout(at) => {
                    self.timeout = time(at).filter(|at| at.since(now) < NEVER);
                    break;
                }
                Output::BufferTooSmall { needed } => {
                    if needed <= self.scratch.len() {
                        break;
                    }
                    self.scratch.resize(needed, 0);
                }
                Output::Connected => {
                    self.state = State::Connected;
                    self.events.push_back(HandshakeEvent::Connected);
                }
                Output::PeerCert(der) => {
                    let der = der.to_vec();
                    self.events.push_back(HandshakeEvent::PeerCertificate(der));
                }
                Output::KeyingMaterial(material, profile) => {
                    if let Some(profile) = srtp_profile(profile) {
                        let keys = KeyingMaterial { profile, bytes: material.to_vec() };
                        self.events.push_back(HandshakeEvent::Keys(keys));
                    }
                }
                Output::ApplicationData(data) if self.events.len() < MAX_EVENTS => {
                    let data = data.to_vec();
                    self.events.push_back(HandshakeEvent::ApplicationData(data));
                }
                Output::CloseNotify => {
                    self.state = State::Closed;
                    self.events.push_back(HandshakeEvent::Closed);
                }
                _ => {}
            }
        }
        if self.state == State::Closed {
            self.timeout = None;
        }
    }

    /// Every error of the implementation ends the association.
    fn fail(&mut self, error: &Error) {
        tracing::debug!(?error, "dtls failed");
        self.state = State::Closed;
        self.timeout = None;
        let error = match error {
            Error::Timeout(_) => DtlsError::Timeout,
            Error::ConnectionClosed => DtlsError::Closed,
            _ => DtlsError::Handshake,
        };
        self.events.push_back(HandshakeEvent::Failed(error));
    }
}

impl Handshake for DimplHandshake {
    fn handle_packet(&mut self, now: Time, datagram: &[u8]) {
        self.decide(now, datagram);
        self.run(now, |dtls| dtls.handle_packet(datagram));
    }

    fn handle_timeout(&mut self, now: Time) {
        self.run(now, |_| Ok(()));
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.timeout
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(datagram) = self.datagrams.pop_front() else { return false };
        out.clear();
        out.extend_from_slice(&datagram);
        true
    }

    fn poll_event(&mut self) -> Option<HandshakeEvent> {
        self.events.pop_front()
    }

    fn version(&self) -> Option<DtlsVersion> {
        match self.dtls.protocol_version()? {
            ProtocolVersion::DTLS1_2 => Some(DtlsVersion::V1_2),
            ProtocolVersion::DTLS1_3 => Some(DtlsVersion::V1_3),
            _ => None,
        }
    }

    fn send(&mut self, now: Time, data: &[u8]) -> Result<(), DtlsError> {
        match self.state {
            State::Handshake => return Err(DtlsError::NotConnected),
            State::Closed => return Err(DtlsError::Closed),
            State::Connected => {}
        }
        self.run(now, |dtls| dtls.send_application_data(data).map(drop));
        if self.state == State::Connected { Ok(()) } else { Err(DtlsError::Closed) }
    }

    fn close(&mut self, now: Time) {
        self.run(now, Dtls::close);
        self.state = State::Closed;
        self.timeout = None;
    }
}

fn srtp_profile(profile: dimpl::SrtpProfile) -> Option<SrtpProfile> {
    match profile {
        dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(SrtpProfile::AeadAes128Gcm),
        dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(SrtpProfile::AeadAes256Gcm),
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(SrtpProfile::AesCm128HmacSha1_80),
        _ => None,
    }
}

/// The implementation counts in `Instant`, which has no constructor but the
/// clock. The clock is read once per process and only differences to that
/// reading are used, so it decides nothing.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

fn instant(time: Time) -> Instant {
    let origin = origin();
    origin.checked_add(time.since(Time::ZERO)).unwrap_or(origin)
}

/// The time of an instant, `None` if it is before the origin.
fn time(instant: Instant) -> Option<Time> {
    let since = instant.checked_duration_since(origin())?;
    Some(Time::ZERO + since)
}
