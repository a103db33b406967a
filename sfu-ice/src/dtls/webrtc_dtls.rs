//! The second DTLS implementation: the `dtls` crate of webrtc-rs behind the
//! same trait.
//!
//! That crate is asynchronous, so its associations live on one thread of
//! their own, `sfu-control`, and exchange datagrams and events with the caller
//! through bounded queues. What they produce appears some time after the call
//! that caused it, hence the short interval of [`Handshake::poll_timeout`].
//! The thread exists only if this backend is used.

use std::collections::VecDeque;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use webrtc_dtls::cipher_suite::CipherSuiteId;
use webrtc_dtls::config::{ClientAuthType, Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::{CryptoPrivateKey, CryptoPrivateKeyKind};
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_util::{Conn, KeyingMaterialExporter};

use super::{
    DtlsConfig, DtlsVersion, Handshake, HandshakeEvent, KeyingMaterial, SrtpProfile, client_hello,
};
use crate::{DtlsError, PeerError, Time};

/// Datagrams and events that wait, per association and direction.
const QUEUE: usize = 64;
/// How soon the caller should look again during the handshake.
const BUSY: Duration = Duration::from_millis(5);
/// And afterwards.
const IDLE: Duration = Duration::from_millis(50);
/// Longest record that is read.
const MAX_RECORD: usize = 16 * 1024;

/// The caller's end of an association on the control thread.
pub(super) struct WebrtcHandshake {
    inbound: mpsc::Sender<Vec<u8>>,
    commands: mpsc::Sender<Command>,
    outbox: Arc<Outbox>,
    connected: bool,
    closed: bool,
    next_look: Time,
}

enum Command {
    Send(Vec<u8>),
    Close,
}

/// What the control thread produced and the caller has not taken.
#[derive(Default)]
struct Outbox {
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    datagrams: VecDeque<Vec<u8>>,
    events: VecDeque<HandshakeEvent>,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        // The queues are whole after every statement, so a panic elsewhere
        // does not spoil them.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn datagram(&self, bytes: &[u8]) {
        let mut queues = self.lock();
        if queues.datagrams.len() < QUEUE {
            queues.datagrams.push_back(bytes.to_vec());
        }
    }

    fn event(&self, event: HandshakeEvent) {
        let mut queues = self.lock();
        let droppable = matches!(event, HandshakeEvent::ApplicationData(_));
        if !droppable || queues.events.len() < QUEUE {
            queues.events.push_back(event);
        }
    }
}

impl WebrtcHandshake {
    pub(super) fn new(config: &DtlsConfig, client: bool, now: Time) -> Result<Self, PeerError> {
        if config.version == DtlsVersion::V1_3 {
            return Err(PeerError::BadDtlsConfig);
        }
        let control = control_thread().ok_or(PeerError::BackendUnavailable)?;
        let outbox = Arc::new(Outbox::default());
        let (inbound, inbound_receiver) = mpsc::channel(QUEUE);
        let (commands, command_receiver) = mpsc::channel(QUEUE);
        let association = Association {
            config: translate(config)?,
            profiles: config.srtp_profiles.clone(),
            client,
            timeout: config.timeout,
            outbox: Arc::clone(&outbox),
            commands: command_receiver,
        };
        control.spawn(association.run(inbound_receiver));
        let next_look = now + BUSY;
        Ok(Self { inbound, commands, outbox, connected: false, closed: false, next_look })
    }
}

impl Handshake for WebrtcHandshake {
    fn handle_packet(&mut self, now: Time, datagram: &[u8]) {
        // A full queue loses the datagram, as the network may.
        let _ = self.inbound.try_send(datagram.to_vec());
        self.next_look = now + BUSY;
    }

    fn handle_timeout(&mut self, now: Time) {
        self.next_look = now + if self.connected { IDLE } else { BUSY };
    }

    fn poll_timeout(&self) -> Option<Time> {
        (!self.closed).then_some(self.next_look)
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(datagram) = self.outbox.lock().datagrams.pop_front() else { return false };
        out.clear();
        out.extend_from_slice(&datagram);
        true
    }

    fn poll_event(&mut self) -> Option<HandshakeEvent> {
        let event = self.outbox.lock().events.pop_front()?;
        match event {
            HandshakeEvent::Connected => self.connected = true,
            HandshakeEvent::Closed | HandshakeEvent::Failed(_) => self.closed = true,
            _ => {}
        }
        Some(event)
    }

    fn version(&self) -> Option<DtlsVersion> {
        Some(DtlsVersion::V1_2)
    }

    fn send(&mut self, _now: Time, data: &[u8]) -> Result<(), DtlsError> {
        if self.closed {
            return Err(DtlsError::Closed);
        }
        if !self.connected {
            return Err(DtlsError::NotConnected);
        }
        self.commands.try_send(Command::Send(data.to_vec())).map_err(|_| DtlsError::Overflow)
    }

    fn close(&mut self, _now: Time) {
        let _ = self.commands.try_send(Command::Close);
        self.closed = true;
    }
}

impl fmt::Debug for WebrtcHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebrtcHandshake")
            .field("connected", &self.connected)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// The control thread's end.
struct Association {
    config: Config,
    profiles: Vec<SrtpProfile>,
    client: bool,
    timeout: Duration,
    outbox: Arc<Outbox>,
    commands: mpsc::Receiver<Command>,
}

impl Association {
    async fn run(mut self, mut inbound: mpsc::Receiver<Vec<u8>>) {
        let first = if self.client {
            None
        } else {
            // The caller may give up before the peer says anything.
            tokio::select! {
                first = inbound.recv() => match first {
                    Some(first) => Some(first),
                    None => return,
                },
                _ = self.commands.recv() => return,
            }
        };
        if let Some(first) = &first {
            self.prefer(first);
        }
        let pipe = Pipe {
            first: Mutex::new(first),
            inbound: tokio::sync::Mutex::new(inbound),
            outbox: Arc::clone(&self.outbox),
        };
        let config = std::mem::take(&mut self.config);
        let handshake = DTLSConn::new(Arc::new(pipe), config, self.client, None);
        let dtls = tokio::select! {
            handshake = tokio::time::timeout(self.timeout, handshake) => match handshake {
                Ok(Ok(dtls)) => dtls,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "dtls failed");
                    return self.outbox.event(HandshakeEvent::Failed(DtlsError::Handshake));
                }
                Err(_) => return self.outbox.event(HandshakeEvent::Failed(DtlsError::Timeout)),
            },
            _ = self.commands.recv() => return,
        };
        self.announce(&dtls).await;
        self.carry(&dtls).await;
    }

    /// The implementation takes the client's order of profiles. Offering it
    /// one profile only makes the order ours.
    fn prefer(&mut self, client_hello: &[u8]) {
        let offer = client_hello::peek(client_hello, &self.profiles);
        if let Some(best) = offer.and_then(|offer| offer.best_allowed) {
            self.config.srtp_protection_profiles = vec![protection_profile(best)];
        }
    }

    async fn announce(&self, dtls: &DTLSConn) {
        let state = dtls.connection_state().await;
        if let Some(der) = state.peer_certificates.first() {
            self.outbox.event(HandshakeEvent::PeerCertificate(der.clone()));
        }
        let profile = SrtpProfile::from_id(dtls.selected_srtpprotection_profile() as u16);
        if let Some(profile) = profile {
            let len = 2 * (profile.key_len() + profile.salt_len());
            match state.export_keying_material("EXTRACTOR-dtls_srtp", &[], len).await {
                Ok(bytes) => {
                    let keys = KeyingMaterial { profile, bytes };
                    self.outbox.event(HandshakeEvent::Keys(keys));
                }
                Err(_) => {
                    return self.outbox.event(HandshakeEvent::Failed(DtlsError::Handshake));
                }
            }
        }
        self.outbox.event(HandshakeEvent::Connected);
    }

    async fn carry(&mut self, dtls: &DTLSConn) {
        let mut record = vec![0; MAX_RECORD];
        loop {
            tokio::select! {
                read = dtls.read(&mut record, None) => match read {
                    Ok(len) => {
                        let data = record.get(..len).unwrap_or(&[]).to_vec();
                        self.outbox.event(HandshakeEvent::ApplicationData(data));
                    }
                    Err(_) => return self.outbox.event(HandshakeEvent::Closed),
                },
                command = self.commands.recv() => match command {
                    Some(Command::Send(data)) => {
                        // Losing it is what datagrams may do.
                        let _ = dtls.write(&data, None).await;
                    }
                    Some(Command::Close) | None => {
                        let _ = dtls.close().await;
                        return;
                    }
                },
            }
        }
    }
}

/// The path to the peer as the implementation sees it.
struct Pipe {
    /// The datagram that was looked into before the handshake began.
    first: Mutex<Option<Vec<u8>>>,
    inbound: tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>,
    outbox: Arc<Outbox>,
}

#[async_trait]
impl Conn for Pipe {
    async fn connect(&self, _addr: SocketAddr) -> webrtc_util::Result<()> {
        Ok(())
    }

    async fn recv(&self, buf: &mut [u8]) -> webrtc_util::Result<usize> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let datagram = match first {
            Some(first) => first,
            None => self
                .inbound
                .lock()
                .await
                .recv()
                .await
                .ok_or_else(|| webrtc_util::Error::Other("closed".to_owned()))?,
        };
        let room = buf.get_mut(..datagram.len()).ok_or(webrtc_util::Error::ErrBufferShort)?;
        room.copy_from_slice(&datagram);
        Ok(datagram.len())
    }

    async fn recv_from(&self, buf: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok((self.recv(buf).await?, nowhere()))
    }

    async fn send(&self, buf: &[u8]) -> webrtc_util::Result<usize> {
        self.outbox.datagram(buf);
        Ok(buf.len())
    }

    async fn send_to(&self, buf: &[u8], _target: SocketAddr) -> webrtc_util::Result<usize> {
        self.send(buf).await
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(nowhere())
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(nowhere())
    }

    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

fn nowhere() -> SocketAddr {
    SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)
}

fn translate(config: &DtlsConfig) -> Result<Config, PeerError> {
    let key = ring::signature::EcdsaKeyPair::from_pkcs8(
        &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        config.certificate.private_key_der(),
        &ring::rand::SystemRandom::new(),
    )
    .map_err(|_| PeerError::BadCertificate)?;
    let certificate = webrtc_dtls::crypto::Certificate {
        certificate: vec![config.certificate.der().to_vec().into()],
        private_key: CryptoPrivateKey {
            kind: CryptoPrivateKeyKind::Ecdsa256(key),
            serialized_der: config.certificate.private_key_der().to_vec(),
        },
    };
    Ok(Config {
        certificates: vec![certificate],
        // The suite that RFC 8827 §6.5 requires of everyone.
        cipher_suites: vec![CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256],
        srtp_protection_profiles: config
            .srtp_profiles
            .iter()
            .map(|profile| protection_profile(*profile))
            .collect(),
        client_auth: ClientAuthType::RequireAnyClientCert,
        extended_master_secret: ExtendedMasterSecretType::Require,
        flight_interval: config.retransmit_after,
        // The session checks the fingerprint; there is no chain to verify.
        insecure_skip_verify: true,
        mtu: config.mtu,
        ..Config::default()
    })
}

fn protection_profile(profile: SrtpProfile) -> SrtpProtectionProfile {
    SrtpProtectionProfile::from(profile.id())
}

/// Starts the thread at the first call. `None` if the system refuses one.
fn control_thread() -> Option<&'static Handle> {
    static CONTROL: OnceLock<Option<Handle>> = OnceLock::new();
    CONTROL
        .get_or_init(|| {
            // The implementation asks rustls for a process-wide provider and
            // needs one to be chosen when several are compiled in.
            if rustls::crypto::CryptoProvider::get_default().is_none() {
                let _ = rustls::crypto::ring::default_provider().install_default();
            }
            let runtime = Builder::new_current_thread().enable_time().build().ok()?;
            let handle = runtime.handle().clone();
            std::thread::Builder::new()
                .name("sfu-control".to_owned())
                .spawn(move || runtime.block_on(std::future::pending::<()>()))
                .ok()?;
            Some(handle)
        })
        .as_ref()
}
