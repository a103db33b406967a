//! Handshakes with an implementation that shares no code with ours, over a
//! link in memory and in Tokio's paused, so virtual, time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sfu_ice::dtls::{
    Certificate, DtlsConfig, DtlsRole, DtlsState, Fingerprint, FingerprintAlgorithm, Session,
    SessionEvent, SrtpKeys, SrtpProfile,
};
use sfu_ice::{Random, Time};
use tokio::sync::mpsc;
use tokio::time::Instant;
use webrtc_dtls::config::{ClientAuthType, Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use webrtc_util::{Conn, KeyingMaterialExporter};

const DELAY: Duration = Duration::from_millis(10);
const CM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
const GCM_128: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
const GCM_256: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm;

/// What the link does with a datagram: whatever this returns arrives instead.
type Filter = Box<dyn FnMut(Direction, &[u8]) -> Vec<Vec<u8>> + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToUs,
    FromUs,
}

/// The other implementation's end of the link.
struct Pipe {
    inbound: tokio::sync::Mutex<mpsc::UnboundedReceiver<Vec<u8>>>,
    outbound: mpsc::UnboundedSender<Vec<u8>>,
}

#[async_trait]
impl Conn for Pipe {
    async fn connect(&self, _addr: SocketAddr) -> webrtc_util::Result<()> {
        Ok(())
    }

    async fn recv(&self, buf: &mut [u8]) -> webrtc_util::Result<usize> {
        let datagram = self.inbound.lock().await.recv().await;
        let datagram = datagram.ok_or_else(|| webrtc_util::Error::Other("closed".to_owned()))?;
        buf[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }

    async fn recv_from(&self, buf: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok((self.recv(buf).await?, "127.0.0.1:1".parse().unwrap()))
    }

    async fn send(&self, buf: &[u8]) -> webrtc_util::Result<usize> {
        let _ = self.outbound.send(buf.to_vec());
        Ok(buf.len())
    }

    async fn send_to(&self, buf: &[u8], _target: SocketAddr) -> webrtc_util::Result<usize> {
        self.send(buf).await
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok("127.0.0.1:2".parse().unwrap())
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some("127.0.0.1:1".parse().unwrap())
    }

    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

/// Our session, driven by a task.
struct Ours {
    session: Session,
    events: Vec<SessionEvent>,
    /// Datagrams to give to the session as if they had arrived.
    injected: Vec<Vec<u8>>,
}

struct Scenario {
    filter: Filter,
    offer: Vec<SrtpProtectionProfile>,
    accept: Vec<SrtpProfile>,
    we_are_client: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            filter: Box::new(|_, datagram| vec![datagram.to_vec()]),
            offer: vec![GCM_128, GCM_256, CM],
            accept: SrtpProfile::ALL.to_vec(),
            we_are_client: false,
        }
    }
}

struct Connected {
    ours: Arc<Mutex<Ours>>,
    theirs: DTLSConn,
}

impl Scenario {
    /// Runs the handshake to its end on both sides.
    async fn connect(self) -> Connected {
        let mut random = Random::from_seed([42; 32]);
        let certificate = Certificate::generate(&mut random).unwrap();
        let their_certificate =
            webrtc_dtls::crypto::Certificate::generate_self_signed(vec!["peer".to_owned()])
                .unwrap();
        let fingerprint =
            Fingerprint::of(FingerprintAlgorithm::Sha256, &their_certificate.certificate[0]);
        let mut config = DtlsConfig::new(certificate);
        config.srtp_profiles = self.accept;
        let mut session = Session::new(config, &mut random);
        let role = if self.we_are_client { DtlsRole::Server } else { DtlsRole::Client };
        session.set_remote(role, vec![fingerprint]).unwrap();

        let (to_them, inbound) = mpsc::unbounded_channel();
        let (outbound, from_them) = mpsc::unbounded_channel();
        let ours = Arc::new(Mutex::new(Ours { session, events: Vec::new(), injected: Vec::new() }));
        tokio::spawn(drive(Arc::clone(&ours), self.filter, to_them, from_them));

        let config = Config {
            certificates: vec![their_certificate],
            srtp_protection_profiles: self.offer,
            client_auth: ClientAuthType::RequireAnyClientCert,
            extended_master_secret: ExtendedMasterSecretType::Require,
            insecure_skip_verify: true,
            ..Config::default()
        };
        let pipe = Pipe { inbound: tokio::sync::Mutex::new(inbound), outbound };
        let handshake = DTLSConn::new(Arc::new(pipe), config, !self.we_are_client, None);
        let theirs = tokio::time::timeout(Duration::from_secs(60), handshake)
            .await
            .expect("the other side must not hang")
            .expect("the other side must connect");
        let connected = Connected { ours, theirs };
        connected.wait(|ours| ours.session.state() == DtlsState::Connected).await;
        connected
    }
}

impl Connected {
    async fn wait(&self, until: impl Fn(&Ours) -> bool) {
        for _ in 0..10_000 {
            if until(&self.ours.lock().unwrap()) {
                return;
            }
            tokio::time::sleep(DELAY).await;
        }
        panic!("our side does not get there: {:?}", self.ours.lock().unwrap().events);
    }

    fn keys(&self) -> SrtpKeys {
        let ours = self.ours.lock().unwrap();
        let mut keys = ours.events.iter().filter_map(|event| match event {
            SessionEvent::SrtpKeys(keys) => Some(keys.clone()),
            _ => None,
        });
        let first = keys.next().expect("there must be keys");
        assert!(keys.next().is_none(), "keys must come once");
        first
    }

    /// Both sides must have agreed on the profile and on every key.
    async fn assert_keys(&self, profile: SrtpProfile) {
        let keys = self.keys();
        assert_eq!(keys.profile, profile);
        assert_eq!(self.theirs.selected_srtpprotection_profile() as u16, profile.id());
        let state = self.theirs.connection_state().await;
        let len = 2 * (profile.key_len() + profile.salt_len());
        let material = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], len).await.unwrap();
        let we_are_client =
            self.ours.lock().unwrap().session.local_role() == Some(DtlsRole::Client);
        let expected = SrtpKeys::from_keying_material(profile, &material, we_are_client);
        assert_eq!(Some(keys), expected);
    }

    /// Application data must pass both ways.
    async fn assert_alive(&self) {
        self.theirs.write(b"ping", None).await.unwrap();
        let ping = SessionEvent::ApplicationData(b"ping".to_vec());
        self.wait(|ours| ours.events.contains(&ping)).await;
        self.ours.lock().unwrap().session.send(now(), b"pong").unwrap();
        let mut data = [0; 100];
        let len = self.theirs.read(&mut data, Some(Duration::from_secs(5))).await.unwrap();
        assert_eq!(&data[..len], b"pong");
    }
}

/// Tokio's virtual clock as ours.
fn now() -> Time {
    thread_local!(static ORIGIN: Instant = Instant::now());
    Time::from_secs(1) + ORIGIN.with(|origin| origin.elapsed())
}

async fn drive(
    ours: Arc<Mutex<Ours>>,
    mut filter: Filter,
    to_them: mpsc::UnboundedSender<Vec<u8>>,
    mut from_them: mpsc::UnboundedReceiver<Vec<u8>>,
) {
    ours.lock().unwrap().session.begin(now()).unwrap();
    loop {
        {
            let mut ours = ours.lock().unwrap();
            for datagram in std::mem::take(&mut ours.injected) {
                let _ = ours.session.handle_packet(now(), &datagram);
            }
            ours.session.handle_timeout(now());
            while let Some(event) = ours.session.poll_event() {
                ours.events.push(event);
            }
            let mut datagram = Vec::new();
            while ours.session.poll_transmit(&mut datagram) {
                for datagram in filter(Direction::FromUs, &datagram) {
                    let _ = to_them.send(datagram);
                }
            }
        }
        tokio::select! {
            datagram = from_them.recv() => {
                let Some(datagram) = datagram else { return };
                let arrived = filter(Direction::ToUs, &datagram);
                let mut ours = ours.lock().unwrap();
                for datagram in arrived {
                    let _ = ours.session.handle_packet(now(), &datagram);
                }
            }
            () = tokio::time::sleep(DELAY) => {}
        }
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

/// The content types of the records in a datagram.
fn content_types(mut datagram: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let Some((header, rest)) = datagram.split_at_checked(13) {
        types.push(header[0]);
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        datagram = rest.get(len..).unwrap_or(&[]);
    }
    types
}

fn lossy(seed: u8, percent: u32) -> Filter {
    let mut random = Random::from_seed([seed; 32]);
    Box::new(
        move |_, datagram| {
            if random.u32() % 100 < percent { vec![] } else { vec![datagram.to_vec()] }
        },
    )
}

#[test]
fn a_client_connects_and_shares_every_key() {
    run(async {
        let connected = Scenario::default().connect().await;
        connected.assert_keys(SrtpProfile::AeadAes256Gcm).await;
        connected.assert_alive().await;
    });
}

#[test]
fn gcm_is_chosen_whenever_it_is_offered() {
    run(async {
        for (offer, expected) in [
            (vec![CM, GCM_128], SrtpProfile::AeadAes128Gcm),
            (vec![CM, GCM_256], SrtpProfile::AeadAes256Gcm),
            (vec![GCM_128], SrtpProfile::AeadAes128Gcm),
            (vec![CM], SrtpProfile::AesCm128HmacSha1_80),
        ] {
            let connected = Scenario { offer, ..Scenario::default() }.connect().await;
            connected.assert_keys(expected).await;
        }
    });
}

#[test]
fn we_connect_as_client_too() {
    run(async {
        let scenario = Scenario { we_are_client: true, ..Scenario::default() };
        let connected = scenario.connect().await;
        let profile = connected.keys().profile;
        connected.assert_keys(profile).await;
        connected.assert_alive().await;
    });
}

#[test]
fn ten_percent_loss_is_survived() {
    run(async {
        for seed in 0..20 {
            let scenario = Scenario { filter: lossy(seed, 10), ..Scenario::default() };
            let connected = scenario.connect().await;
            connected.assert_keys(SrtpProfile::AeadAes256Gcm).await;
        }
    });
}

#[test]
fn a_lost_last_flight_is_sent_again() {
    run(async {
        let mut dropped = 0;
        let count = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&count);
        let filter: Filter = Box::new(move |direction, datagram| {
            // The server's ChangeCipherSpec and Finished.
            let last = direction == Direction::FromUs && content_types(datagram).contains(&20);
            if last && dropped < 2 {
                dropped += 1;
                *seen.lock().unwrap() = dropped;
                return vec![];
            }
            vec![datagram.to_vec()]
        });
        let connected = Scenario { filter, ..Scenario::default() }.connect().await;
        assert_eq!(*count.lock().unwrap(), 2);
        connected.assert_keys(SrtpProfile::AeadAes256Gcm).await;
        connected.assert_alive().await;
    });
}

/// Cuts a ClientHello of one record into two fragments (RFC 6347 §4.2.3) and
/// renumbers the plaintext records after it.
fn fragmenting(one_datagram: bool, cuts: &Arc<Mutex<u32>>) -> Filter {
    let cuts = Arc::clone(cuts);
    let mut shift = 0u8;
    Box::new(move |direction, datagram| {
        if direction == Direction::FromUs {
            return vec![datagram.to_vec()];
        }
        let mut out: Vec<Vec<u8>> = Vec::new();
        let mut rest = datagram;
        while let Some((header, after)) = rest.split_at_checked(13) {
            let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
            let (body, tail) = after.split_at(len);
            rest = tail;
            let mut header = header.to_vec();
            let plaintext = header[3..5] == [0, 0];
            if plaintext {
                header[10] += shift;
            }
            if plaintext && header[0] == 22 && body[0] == 1 {
                let (front, back) = body[12..].split_at((len - 12) / 2);
                out.push(fragment(&header, body, 0, front));
                *cuts.lock().unwrap() += 1;
                shift += 1;
                header[10] += 1;
                out.push(fragment(&header, body, front.len(), back));
            } else {
                out.push([&header[..], body].concat());
            }
        }
        if one_datagram { vec![out.concat()] } else { out }
    })
}

fn fragment(header: &[u8], message: &[u8], offset: usize, part: &[u8]) -> Vec<u8> {
    let u24 = |value: usize| (value as u32).to_be_bytes()[1..].to_vec();
    let mut record = header[..11].to_vec();
    record.extend(((part.len() + 12) as u16).to_be_bytes());
    record.extend(&message[..6]);
    record.extend(u24(offset));
    record.extend(u24(part.len()));
    record.extend(part);
    record
}

#[test]
fn a_client_hello_in_two_fragments_is_put_together() {
    run(async {
        for one_datagram in [true, false] {
            let cuts = Arc::default();
            let filter = fragmenting(one_datagram, &cuts);
            let connected = Scenario { filter, ..Scenario::default() }.connect().await;
            assert!(*cuts.lock().unwrap() > 0);
            connected.assert_keys(SrtpProfile::AeadAes256Gcm).await;
        }
    });
}

#[test]
fn fragments_in_the_wrong_order_are_put_together() {
    run(async {
        let cuts = Arc::default();
        let mut cut = fragmenting(false, &cuts);
        let filter: Filter = Box::new(move |direction, datagram| {
            let mut datagrams = cut(direction, datagram);
            datagrams.reverse();
            datagrams
        });
        let connected = Scenario { filter, ..Scenario::default() }.connect().await;
        assert!(*cuts.lock().unwrap() > 0);
        connected.assert_keys(SrtpProfile::AeadAes256Gcm).await;
    });
}

#[test]
fn a_forged_plaintext_alert_after_the_handshake_is_ignored() {
    run(async {
        let connected = Scenario::default().connect().await;
        // handshake_failure, and close_notify, in epoch 0 without a MAC.
        for alert in [[2, 40], [1, 0]] {
            let mut record = vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2];
            record.extend(alert);
            connected.ours.lock().unwrap().injected.push(record);
        }
        connected.wait(|ours| ours.injected.is_empty()).await;
        assert_eq!(connected.ours.lock().unwrap().session.state(), DtlsState::Connected);
        connected.assert_alive().await;
    });
}

#[test]
fn a_replayed_handshake_after_the_end_is_ignored() {
    run(async {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let filter: Filter = Box::new(move |direction, datagram| {
            if direction == Direction::ToUs {
                record.lock().unwrap().push(datagram.to_vec());
            }
            vec![datagram.to_vec()]
        });
        let connected = Scenario { filter, ..Scenario::default() }.connect().await;
        connected.assert_alive().await;
        let replay = seen.lock().unwrap().clone();
        connected.ours.lock().unwrap().injected = replay;
        connected.wait(|ours| ours.injected.is_empty()).await;
        connected.assert_keys(SrtpProfile::AeadAes256Gcm).await;
        assert_eq!(connected.ours.lock().unwrap().session.state(), DtlsState::Connected);
    });
}

#[test]
fn close_notify_passes_both_ways() {
    run(async {
        let connected = Scenario::default().connect().await;
        connected.theirs.close().await.unwrap();
        connected.wait(|ours| ours.session.state() == DtlsState::Closed).await;

        let connected = Scenario::default().connect().await;
        connected.ours.lock().unwrap().session.close(now());
        let mut data = [0; 10];
        let read = connected.theirs.read(&mut data, Some(Duration::from_secs(5))).await;
        assert!(!matches!(read, Ok(_) | Err(webrtc_dtls::Error::ErrDeadlineExceeded)), "{read:?}");
    });
}
