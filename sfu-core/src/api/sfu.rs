//! The whole: shards, their ports, and where routers are made.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sfu_ice::{Candidate, Certificate, DtlsVersion, PeerConfig, Protocol, Random, SrtpProfile};

use super::certificate::{Secret, from_pem};
use super::connection::Connection;
use super::error::{Error, ErrorKind, Result};
use super::events::Events;
use super::options::{Placement, RouterOptions};
use super::params::ortc::router_capabilities;
use super::router::Router;
use crate::engine::{Command, EngineConfig, Reply};
use crate::host::{HostConfig, Runtime, ShardStats, StartError};
use crate::route::SpeakerOptions;

/// An SFU: threads, sockets, and the routers that run on them.
///
/// A handle: cheap to clone; the threads end when the last handle of any kind
/// is dropped.
///
/// ```no_run
/// # async fn run() -> sfu_core::Result<()> {
/// use sfu_core::{RouterOptions, Sfu};
/// let sfu = Sfu::builder()
///     .listen("0.0.0.0:40000".parse().unwrap())
///     .announce("203.0.113.7".parse().unwrap())
///     .build()?;
/// let room = sfu.create_router(RouterOptions::default()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sfu {
    inner: Arc<Shared>,
}

/// What all handles share.
pub(crate) struct Shared {
    pub(crate) client: Arc<Connection>,
    candidates: Vec<Vec<Candidate>>,
    random: Mutex<Random>,
    /// Routers on each shard.
    load: Vec<AtomicUsize>,
}

impl Shared {
    pub(crate) fn candidates(&self, shard: usize) -> Vec<Candidate> {
        self.candidates.get(shard).cloned().unwrap_or_default()
    }

    pub(crate) fn random(&self) -> u64 {
        // The generator is whole even if a thread panicked while it held it.
        self.random.lock().unwrap_or_else(PoisonError::into_inner).u64()
    }

    pub(crate) fn random_ssrc(&self) -> crate::wire::Ssrc {
        crate::wire::Ssrc(((self.random() >> 32) as u32).max(1))
    }

    fn no_shard(&self) -> Error {
        let message = format!("shard: expected 0 to {}", self.client.shards().saturating_sub(1));
        Error::new(ErrorKind::InvalidParameters, message)
    }

    fn place(&self, placement: Placement) -> Result<usize> {
        /// Shards whose load differs by less than this, in thousandths, count
        /// as equally busy.
        const BAND: u64 = 100;
        let shards = self.client.shards();
        let load = |shard: &usize| {
            let routers = self.load.get(*shard).map_or(usize::MAX, |n| n.load(Ordering::Relaxed));
            (self.client.load(*shard) / BAND, routers)
        };
        let shard = match placement {
            Placement::LeastBusy => (0..shards).min_by_key(load),
            Placement::Shard(shard) => Some(shard).filter(|shard| *shard < shards),
        };
        let shard = shard.ok_or_else(|| self.no_shard())?;
        if let Some(load) = self.load.get(shard) {
            load.fetch_add(1, Ordering::Relaxed);
        }
        Ok(shard)
    }

    pub(crate) fn router_closed(&self, shard: usize) {
        if let Some(load) = self.load.get(shard) {
            let _ = load.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        }
    }
}

impl Sfu {
    /// Starts with the defaults; see [`SfuBuilder`].
    pub fn builder() -> SfuBuilder {
        SfuBuilder::default()
    }

    /// Makes a router: a room, in which producers meet consumers.
    ///
    /// # Errors
    /// `InvalidParameters` for codecs that cannot be routed, a shard that does
    /// not exist, or too many places of speakers.
    pub async fn create_router(&self, options: RouterOptions) -> Result<Router> {
        let capabilities = router_capabilities(&options.codecs)?;
        let shard = self.inner.place(options.placement)?;
        let Reply::Router(id) = self.inner.client.submit(shard, Command::CreateRouter).await?
        else {
            return Err(Error::unexpected_reply());
        };
        let router = Router::new(Arc::clone(&self.inner), shard, id, capabilities);
        if options.speakers != SpeakerOptions::default()
            && let Err(error) = router.set_speaker_options(options.speakers).await
        {
            // The first error is the one to tell.
            let _ = router.close().await;
            return Err(error);
        }
        Ok(router)
    }

    /// Takes up a router where its snapshot left off: same ids, no gap in
    /// sequence numbers, no key frame needed. `options` names the codecs that
    /// the router was made with.
    ///
    /// # Errors
    /// `InvalidParameters` if the snapshot cannot be read or its ids are in
    /// use.
    pub async fn restore_router(&self, snapshot: Bytes, options: RouterOptions) -> Result<Router> {
        let capabilities = router_capabilities(&options.codecs)?;
        let shard = self.inner.place(options.placement)?;
        match self.inner.client.submit(shard, Command::Restore(snapshot)).await? {
            Reply::Router(id) => Ok(Router::new(Arc::clone(&self.inner), shard, id, capabilities)),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Everything that happens, in all routers.
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.inner), None)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.inner.client
    }

    /// Number of shards.
    pub fn shards(&self) -> usize {
        self.inner.client.shards()
    }

    /// Operational figures of a shard since it started: its load, its traffic,
    /// and how well it batches what it sends.
    ///
    /// ```no_run
    /// # async fn run(sfu: &sfu_core::Sfu) -> sfu_core::Result<()> {
    /// for shard in 0..sfu.shards() {
    ///     let stats = sfu.shard_stats(shard).await?;
    ///     println!("shard {shard}: busy {:?}, {} sent", stats.busy, stats.sent_datagrams);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidParameters` for a shard that does not exist.
    pub async fn shard_stats(&self, shard: usize) -> Result<ShardStats> {
        if shard >= self.shards() {
            return Err(self.inner.no_shard());
        }
        self.inner.client.shard_stats(shard).await
    }

    /// Has a shard listen on one more address, for all its WebRTC transports;
    /// port 0 is any free port. Returns the address with its port.
    ///
    /// Transports do not tell it by themselves: whoever asked for it gives the
    /// peer a candidate of it, beside those of the transport or instead.
    ///
    /// ```no_run
    /// # async fn run(sfu: &sfu_core::Sfu) -> sfu_core::Result<()> {
    /// use sfu_core::Protocol;
    /// let behind_the_firewall = "0.0.0.0:443".parse().unwrap();
    /// let address = sfu.listen(0, behind_the_firewall, Protocol::Tcp).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Io` if the address cannot be bound; `InvalidParameters` for a shard
    /// that does not exist.
    pub async fn listen(
        &self,
        shard: usize,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Result<SocketAddr> {
        if shard >= self.shards() {
            return Err(self.inner.no_shard());
        }
        self.inner.client.listen(shard, address, protocol).await
    }

    /// Undoes [`listen`](Self::listen). Peers that use the address lose their
    /// path, until they check another one.
    ///
    /// # Errors
    /// `InvalidParameters` for an address that was not added, or a shard that
    /// does not exist.
    pub async fn unlisten(
        &self,
        shard: usize,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Result<()> {
        if shard >= self.shards() {
            return Err(self.inner.no_shard());
        }
        self.inner.client.unlisten(shard, address, protocol).await.map(drop)
    }

    /// The addresses that a shard listens on from the start.
    pub fn addresses(&self, shard: usize) -> Vec<SocketAddr> {
        self.inner.client.addresses(shard).to_vec()
    }
}

impl std::fmt::Debug for Sfu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sfu").field("shards", &self.shards()).finish_non_exhaustive()
    }
}

/// Settings of an [`Sfu`].
#[derive(Clone, Debug)]
pub struct SfuBuilder {
    listen: Vec<SocketAddr>,
    announce: Vec<IpAddr>,
    tcp: bool,
    shards: usize,
    pin: bool,
    dtls_version: DtlsVersion,
    srtp_profiles: Option<Vec<SrtpProfile>>,
    consent: Option<(Duration, Duration)>,
    certificate: Option<(String, Secret)>,
    engine: EngineConfig,
}

impl Default for SfuBuilder {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            announce: Vec::new(),
            tcp: true,
            shards: 1,
            pin: false,
            dtls_version: DtlsVersion::default(),
            srtp_profiles: None,
            consent: None,
            certificate: None,
            engine: EngineConfig::default(),
        }
    }
}

impl SfuBuilder {
    /// Listens on this address, by UDP and (see [`tcp`](Self::tcp)) by TCP. May
    /// be called several times, for several interfaces or both IP versions.
    /// Shard n listens on the port plus n; port 0 is any free port.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen.push(address);
        self
    }

    /// Tells peers to reach us at this address. May be called several times.
    /// Without it the addresses listened on are told, and for a wildcard the
    /// address of the default route.
    #[must_use]
    pub fn announce(mut self, address: IpAddr) -> Self {
        self.announce.push(address);
        self
    }

    /// Whether the ports also take ICE-TCP (RFC 6544), for peers behind
    /// firewalls that stop UDP. On by default.
    #[must_use]
    pub fn tcp(mut self, tcp: bool) -> Self {
        self.tcp = tcp;
        self
    }

    /// Number of shards, each a thread with its own ports. 1 by default.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// Pins each shard's thread to a core. Off by default.
    #[must_use]
    pub fn pin_threads(mut self, pin: bool) -> Self {
        self.pin = pin;
        self
    }

    /// The DTLS version that is served. 1.2 by default, as it lets the server
    /// choose the SRTP profile.
    #[must_use]
    pub fn dtls_version(mut self, version: DtlsVersion) -> Self {
        self.dtls_version = version;
        self
    }

    /// SRTP profiles, the preferred one first.
    #[must_use]
    pub fn srtp_profiles(mut self, profiles: Vec<SrtpProfile>) -> Self {
        self.srtp_profiles = Some(profiles);
        self
    }

    /// How long a peer may be silent before it counts as disconnected, and
    /// before its transport is closed (RFC 7675).
    #[must_use]
    pub fn consent(mut self, disconnected_after: Duration, failed_after: Duration) -> Self {
        self.consent = Some((disconnected_after, failed_after));
        self
    }

    /// Shows peers this certificate, instead of one that is made at each start:
    /// X.509 and its private key, both as PEM. The key is an EC key on P-256, in
    /// PKCS#8 or in the older form of OpenSSL, and not encrypted. Peers know
    /// certificates by their fingerprint; nobody looks at the rest of it.
    #[must_use]
    pub fn certificate(
        mut self,
        certificate: impl Into<String>,
        private_key: impl Into<String>,
    ) -> Self {
        self.certificate = Some((certificate.into(), Secret::from(private_key.into())));
        self
    }

    /// Settings of the engines.
    #[must_use]
    pub fn engine(mut self, engine: EngineConfig) -> Self {
        self.engine = engine;
        self
    }

    /// Binds the ports and starts the threads.
    ///
    /// # Errors
    /// `InvalidParameters` without an address to listen on, or for a certificate
    /// or a key that is no PEM; `Incompatible` for a key of another kind; `Io` if
    /// a port cannot be bound; `Crypto` if no certificate can be made, or if it
    /// is not that of the key.
    pub fn build(self) -> Result<Sfu> {
        let invalid = |message: &str| Err(Error::new(ErrorKind::InvalidParameters, message));
        if self.listen.is_empty() {
            return invalid("listen: expected at least one address, such as 0.0.0.0:40000");
        }
        if self.shards == 0 || self.shards > 256 {
            return invalid("shards: expected 1 to 256");
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| {
            Error::new(ErrorKind::Io, format!("the system gave no random bytes: {error}"))
        })?;
        let mut random = Random::from_seed(seed);
        let certificate = match &self.certificate {
            Some((certificate, private_key)) => from_pem(certificate, private_key)?,
            None => Certificate::generate(&mut random)
                .map_err(|error| Error::caused(ErrorKind::Crypto, error))?,
        };
        let mut peer = PeerConfig::new(certificate);
        peer.dtls.version = self.dtls_version;
        if let Some(profiles) = self.srtp_profiles {
            peer.dtls.srtp_profiles = profiles;
        }
        if let Some((disconnected, failed)) = self.consent {
            peer.consent = sfu_ice::ConsentConfig::new(disconnected, failed);
        }
        let config = HostConfig {
            listen: self.listen,
            tcp: self.tcp,
            shards: self.shards,
            pin: self.pin,
            engine: self.engine,
            peer,
        };
        let client =
            Connection::new(|outbox| Runtime::start(&config, &outbox).map_err(Error::from))?;
        let candidates = (0..client.shards())
            .map(|shard| candidates(client.addresses(shard), &self.announce, self.tcp))
            .collect();
        let load = (0..client.shards()).map(|_| AtomicUsize::new(0)).collect();
        let random = Mutex::new(random);
        Ok(Sfu { inner: Arc::new(Shared { client, candidates, random, load }) })
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        let kind = match error {
            StartError::PortRange(_) => ErrorKind::InvalidParameters,
            _ => ErrorKind::Io,
        };
        // The cause is part of the message, for callers that print only that.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self::new(kind, format!("{error}{}", cause.unwrap_or_default()))
    }
}

/// The candidates of a shard that is bound to `bound`.
fn candidates(bound: &[SocketAddr], announce: &[IpAddr], tcp: bool) -> Vec<Candidate> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for local in bound {
        let same_family = |ip: &&IpAddr| ip.is_ipv4() == local.is_ipv4();
        let mut announced: Vec<IpAddr> = announce.iter().filter(same_family).copied().collect();
        if announce.is_empty() {
            announced.push(if local.ip().is_unspecified() { route(*local) } else { local.ip() });
        }
        for ip in announced {
            let address = SocketAddr::new(ip, local.port());
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    let protocols: &[Protocol] =
        if tcp { &[Protocol::Udp, Protocol::Tcp] } else { &[Protocol::Udp] };
    let mut candidates = Vec::new();
    for &protocol in protocols {
        for (index, address) in addresses.iter().enumerate() {
            let preference = u16::try_from(index).map_or(0, |index| u16::MAX - index);
            candidates.push(Candidate::host(protocol, *address, preference));
        }
    }
    candidates
}

/// The address that the default route leaves by; loopback where there is none.
/// Connecting a UDP socket sends nothing.
fn route(local: SocketAddr) -> IpAddr {
    let (any, far) =
        if local.is_ipv4() { ("0.0.0.0:0", "192.0.2.1:9") } else { ("[::]:0", "[2001:db8::1]:9") };
    let address = UdpSocket::bind(any).and_then(|socket| {
        socket.connect(far)?;
        socket.local_addr()
    });
    let loopback = if local.is_ipv4() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)
    };
    address.map_or(loopback, |address| address.ip())
}
