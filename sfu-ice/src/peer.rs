//! Connectivity and key agreement with one remote, put together.
//!
//! Owns the ICE-lite agent, the DTLS session and, if data channels were
//! negotiated, the SCTP association, and routes between them: only a tuple that
//! an authenticated check validated may reach DTLS, DTLS is sent over the
//! selected tuple, and SCTP travels in DTLS. The engine calls it with
//! classified datagrams and time, and polls what to send, when to wake, and
//! what happened. It never sees media.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::dtls::{
    DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Fingerprint, Session, SessionEvent,
    SessionSnapshot, SrtpKeys,
};
use crate::ice::{ConsentConfig, IceCredentials, IceEvent, IceSnapshot, IceState, LiteAgent};
use crate::sctp::{
    Association, ChannelParameters, Message, SctpConfig, SctpEvent, SctpState, SctpStats,
};
use crate::{Certificate, DtlsError, PeerError, Random, SctpError, StunError, Time, Tuple};

/// Unpolled events, after which datagrams are refused until the host polls.
const MAX_EVENTS: usize = 256;

/// What a [`Peer`] is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerConfig {
    /// Certificate, versions, SRTP profiles and timers of DTLS.
    pub dtls: DtlsConfig,
    /// How long checks may stay away.
    pub consent: ConsentConfig,
    /// Ice-chars that every local user fragment begins with, for hosts that
    /// route first checks by them. At most 64. Empty by default.
    pub ufrag_prefix: String,
}

impl PeerConfig {
    /// The defaults around a certificate.
    pub fn new(certificate: Certificate) -> Self {
        Self {
            dtls: DtlsConfig::new(certificate),
            consent: ConsentConfig::default(),
            ufrag_prefix: String::new(),
        }
    }
}

/// What a [`Peer`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerEvent {
    /// Connectivity changed. After `Failed`, media must stop until the state is
    /// `Connected` again (RFC 7675 §5.1).
    IceStateChanged(IceState),
    /// Send over this tuple from now on.
    TupleSelected(Tuple),
    /// A tuple became valid.
    TupleAdded(Tuple),
    /// A tuple is no longer valid.
    TupleRemoved(Tuple),
    /// The DTLS association changed.
    DtlsStateChanged(DtlsState),
    /// The keys for SRTP; right before `DtlsStateChanged(Connected)`, once.
    SrtpKeys(SrtpKeys),
    /// Decrypted DTLS application data; not with data channels, for which it
    /// is the transport.
    ApplicationData(Vec<u8>),
    /// What the data channels have to tell.
    Sctp(SctpEvent),
}

/// Counters of a [`Peer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerStats {
    /// STUN datagrams given to the peer.
    pub stun_received: u64,
    /// Of those, refused ones.
    pub stun_refused: u64,
    /// DTLS datagrams given to the peer.
    pub dtls_received: u64,
    /// Of those, ones dropped because no check had validated their tuple.
    pub dtls_from_invalid_tuple: u64,
    /// Of those, ones dropped because there was no room or no association.
    pub dtls_dropped: u64,
    /// Application data given to SCTP that it refused.
    pub sctp_refused: u64,
}

/// The state of a [`Peer`] as plain data. Holds the ICE passwords, and no
/// DTLS or SRTP key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerSnapshot {
    ice: IceSnapshot,
    dtls: SessionSnapshot,
    stats: PeerStats,
    /// Whether there were data channels; their association does not survive.
    sctp: Option<SctpConfig>,
}

/// One remote endpoint: ICE-lite and DTLS-SRTP.
///
/// ```
/// use sfu_ice::{Certificate, Peer, PeerConfig, Random, Time};
/// let mut random = Random::from_seed([1; 32]);
/// let certificate = Certificate::generate(&mut random)?;
/// let peer = Peer::new(PeerConfig::new(certificate), Time::ZERO, &mut random)?;
/// assert!(peer.owns_ufrag(&peer.credentials().ufrag));
/// # Ok::<(), sfu_ice::PeerError>(())
/// ```
#[derive(Debug)]
pub struct Peer {
    ice: LiteAgent,
    dtls: Session,
    /// None without data channels, which then cost nothing.
    sctp: Option<Box<Association>>,
    /// Time of the latest call.
    now: Time,
    ufrag_prefix: String,
    /// Where close_notify goes after ICE has closed.
    last_tuple: Option<Tuple>,
    stats: PeerStats,
    events: VecDeque<PeerEvent>,
}

impl Peer {
    /// A peer with fresh credentials, waiting for checks.
    ///
    /// # Errors
    /// [`PeerError::BadCredentials`] if the configured prefix is unusable.
    pub fn new(config: PeerConfig, now: Time, random: &mut Random) -> Result<Self, PeerError> {
        let credentials = IceCredentials::with_prefix(&config.ufrag_prefix, random)?;
        Ok(Self {
            ice: LiteAgent::new(credentials, config.consent),
            dtls: Session::new(config.dtls, random),
            sctp: None,
            now,
            ufrag_prefix: config.ufrag_prefix,
            last_tuple: None,
            stats: PeerStats::default(),
            events: VecDeque::new(),
        })
    }

    /// The ICE credentials to signal.
    pub fn credentials(&self) -> &IceCredentials {
        self.ice.credentials()
    }

    /// Restarts ICE and returns the new credentials. Media and DTLS go on; the
    /// old credentials stay valid until the first check made with the new ones.
    pub fn restart_ice(&mut self, random: &mut Random) -> IceCredentials {
        // The prefix was accepted when the peer was made.
        let credentials = IceCredentials::with_prefix(&self.ufrag_prefix, random)
            .unwrap_or_else(|_| IceCredentials::generate(random));
        self.ice.restart(credentials.clone());
        credentials
    }

    /// Tells the remote's DTLS role and the fingerprints of its certificate.
    ///
    /// # Errors
    /// As [`Session::set_remote`] and [`Session::begin`].
    pub fn set_remote_dtls(
        &mut self,
        now: Time,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<(), PeerError> {
        self.now = now;
        self.dtls.set_remote(role, fingerprints)?;
        let begun = if self.ice.selected_tuple().is_some() { self.dtls.begin(now) } else { Ok(()) };
        self.collect();
        begun
    }

    /// Tells the remote's user fragment. Optional: with it, checks whose
    /// USERNAME ends differently are refused. A lite agent sends no checks and
    /// so needs no remote password. Call it after
    /// [`restart_ice`](Self::restart_ice), if both are due.
    ///
    /// # Errors
    /// [`PeerError::BadCredentials`]
    pub fn set_remote_ice(&mut self, ufrag: &str) -> Result<(), PeerError> {
        self.ice.set_remote_ufrag(ufrag)
    }

    /// Whether a check that names this fragment is for this peer.
    pub fn owns_ufrag(&self, ufrag: &str) -> bool {
        self.ice.owns_ufrag(ufrag)
    }

    /// Handles a STUN datagram and queues the response.
    ///
    /// # Errors
    /// [`StunError`] if it was refused.
    pub fn handle_stun(
        &mut self,
        now: Time,
        tuple: Tuple,
        datagram: &[u8],
    ) -> Result<(), StunError> {
        self.now = now;
        self.stats.stun_received = self.stats.stun_received.saturating_add(1);
        if self.events.len() >= MAX_EVENTS {
            return Err(StunError::Overflow);
        }
        let handled = self.ice.handle_datagram(now, tuple, datagram);
        match handled {
            Ok(()) if self.ice.selected_tuple().is_some() => {
                // A failure to begin shows as DtlsStateChanged(Failed).
                let _ = self.dtls.begin(now);
            }
            Ok(()) => {}
            Err(_) => self.stats.stun_refused = self.stats.stun_refused.saturating_add(1),
        }
        self.collect();
        handled
    }

    /// Handles a DTLS datagram.
    ///
    /// # Errors
    /// [`DtlsError::InvalidTuple`] if no authenticated check validated the
    /// tuple; otherwise as [`Session::handle_packet`].
    pub fn handle_dtls(
        &mut self,
        now: Time,
        tuple: Tuple,
        datagram: &[u8],
    ) -> Result<(), DtlsError> {
        self.now = now;
        self.stats.dtls_received = self.stats.dtls_received.saturating_add(1);
        if !self.ice.is_valid_tuple(&tuple) {
            let count = &mut self.stats.dtls_from_invalid_tuple;
            *count = count.saturating_add(1);
            return Err(DtlsError::InvalidTuple);
        }
        let handled = if self.events.len() < MAX_EVENTS {
            self.dtls.handle_packet(now, datagram)
        } else {
            Err(DtlsError::Overflow)
        };
        if handled.is_err() {
            self.stats.dtls_dropped = self.stats.dtls_dropped.saturating_add(1);
        }
        self.collect();
        handled
    }

    /// Whether an authenticated check validated this tuple.
    pub fn is_valid_tuple(&self, tuple: &Tuple) -> bool {
        self.ice.is_valid_tuple(tuple)
    }

    /// Where to send, also while the state is `Disconnected` or `Failed`.
    pub fn selected_tuple(&self) -> Option<Tuple> {
        self.ice.selected_tuple()
    }

    /// All valid tuples, in no order.
    pub fn tuples(&self) -> impl Iterator<Item = Tuple> + '_ {
        self.ice.tuples()
    }

    /// Forgets a tuple, for example because its TCP connection closed.
    pub fn remove_tuple(&mut self, tuple: &Tuple) {
        self.ice.remove_tuple(tuple);
        self.collect();
    }

    /// The state of connectivity.
    pub fn ice_state(&self) -> IceState {
        self.ice.state()
    }

    /// The state of the DTLS association.
    pub fn dtls_state(&self) -> DtlsState {
        self.dtls.state()
    }

    /// Our DTLS role, once the remote's is known.
    pub fn dtls_role(&self) -> Option<DtlsRole> {
        self.dtls.local_role()
    }

    /// The DTLS version, once connected.
    pub fn dtls_version(&self) -> Option<DtlsVersion> {
        self.dtls.version()
    }

    /// Why DTLS failed.
    pub fn dtls_failure(&self) -> Option<DtlsError> {
        self.dtls.failure()
    }

    /// The counters.
    pub fn stats(&self) -> PeerStats {
        self.stats
    }

    /// Sends application data over DTLS.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn send_application_data(&mut self, now: Time, data: &[u8]) -> Result<(), DtlsError> {
        self.now = now;
        let sent = self.dtls.send(now, data);
        self.collect();
        sent
    }

    /// Lets data channels be used: DTLS application data is SCTP from now on
    /// (RFC 8261). To be called before the peer can have sent any.
    ///
    /// # Errors
    /// [`PeerError::SctpAlreadyEnabled`], unless with the same settings.
    pub fn enable_sctp(&mut self, now: Time, config: SctpConfig) -> Result<(), PeerError> {
        self.now = now;
        match &self.sctp {
            Some(sctp) if *sctp.config() == config => return Ok(()),
            Some(_) => return Err(PeerError::SctpAlreadyEnabled),
            None => {}
        }
        let mut sctp = Box::new(Association::new(config));
        match self.dtls.state() {
            DtlsState::Connected => {
                sctp.start(now, self.dtls.local_role() == Some(DtlsRole::Client));
            }
            DtlsState::Failed | DtlsState::Closed => sctp.close(),
            _ => {}
        }
        self.sctp = Some(sctp);
        self.collect();
        Ok(())
    }

    /// What data channels were enabled with; none without them.
    pub fn sctp_config(&self) -> Option<SctpConfig> {
        self.sctp.as_ref().map(|sctp| *sctp.config())
    }

    /// The state of the SCTP association; none without data channels.
    pub fn sctp_state(&self) -> Option<SctpState> {
        self.sctp.as_ref().map(|sctp| sctp.state())
    }

    /// Counters of the SCTP association; none without data channels.
    pub fn sctp_stats(&self) -> Option<SctpStats> {
        self.sctp.as_ref().map(|sctp| sctp.stats())
    }

    /// What a data channel was opened with.
    pub fn channel(&self, stream: u16) -> Option<&ChannelParameters> {
        self.sctp.as_ref()?.channel(stream)
    }

    /// Opens a data channel, as [`Association::open`] or, with `negotiated`,
    /// [`Association::open_negotiated`], and gives its stream identifier.
    ///
    /// # Errors
    /// As there; [`SctpError::NotConnected`] without data channels.
    pub fn open_channel(
        &mut self,
        now: Time,
        stream: Option<u16>,
        parameters: ChannelParameters,
        negotiated: bool,
    ) -> Result<u16, SctpError> {
        self.now = now;
        let sctp = self.sctp.as_mut().ok_or(SctpError::NotConnected)?;
        if let Some(role) = self.dtls.local_role() {
            sctp.set_dtls_role(role == DtlsRole::Client);
        }
        let opened = if negotiated {
            sctp.open_negotiated(stream, parameters)
        } else {
            sctp.open(stream, parameters)
        };
        self.collect();
        opened
    }

    /// Closes a data channel, as [`Association::close_channel`].
    ///
    /// # Errors
    /// As there; [`SctpError::NotConnected`] without data channels.
    pub fn close_channel(&mut self, now: Time, stream: u16) -> Result<(), SctpError> {
        self.now = now;
        let sctp = self.sctp.as_mut().ok_or(SctpError::NotConnected)?;
        let closed = sctp.close_channel(stream);
        self.collect();
        closed
    }

    /// Sends a message over a data channel, as [`Association::send`].
    ///
    /// # Errors
    /// As there; [`SctpError::NotConnected`] without data channels.
    pub fn send_message(
        &mut self,
        now: Time,
        stream: u16,
        message: &Message,
    ) -> Result<(), SctpError> {
        self.now = now;
        self.sctp.as_mut().ok_or(SctpError::NotConnected)?.send(stream, message)
    }

    /// Bytes on a data channel that wait to be sent or acknowledged.
    pub fn buffered_amount(&self, stream: u16) -> usize {
        self.sctp.as_ref().map_or(0, |sctp| sctp.buffered_amount(stream))
    }

    /// As [`Association::set_buffered_amount_low_threshold`].
    ///
    /// # Errors
    /// As there; [`SctpError::NotConnected`] without data channels.
    pub fn set_buffered_amount_low_threshold(
        &mut self,
        stream: u16,
        threshold: Option<usize>,
    ) -> Result<(), SctpError> {
        let sctp = self.sctp.as_mut().ok_or(SctpError::NotConnected)?;
        sctp.set_buffered_amount_low_threshold(stream, threshold)
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        self.ice.handle_timeout(now);
        if self.dtls.poll_timeout().is_some_and(|at| at <= now) {
            self.dtls.handle_timeout(now);
        }
        if let Some(sctp) = &mut self.sctp
            && sctp.poll_timeout().is_some_and(|at| at <= now)
        {
            sctp.handle_timeout(now);
        }
        self.collect();
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Time> {
        let sctp = self.sctp.as_ref().and_then(|sctp| sctp.poll_timeout());
        [self.ice.poll_timeout(), self.dtls.poll_timeout(), sctp].into_iter().flatten().min()
    }

    /// Replaces `out` by the next datagram and returns where to send it.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<Tuple> {
        if let Some(tuple) = self.ice.poll_transmit(out) {
            return Some(tuple);
        }
        let tuple = self.ice.selected_tuple().or(self.last_tuple)?;
        let sent = self.dtls.poll_transmit(out) || self.transmit_sctp(out);
        sent.then_some(tuple)
    }

    /// Protects the next packet of SCTP, one at a time, so that DTLS has to
    /// hold no more than that.
    fn transmit_sctp(&mut self, out: &mut Vec<u8>) -> bool {
        while let Some(sctp) = &mut self.sctp
            && self.dtls.state() == DtlsState::Connected
            && sctp.poll_transmit(self.now, out)
        {
            let sent = self.dtls.send(self.now, out).is_ok();
            if sent && self.dtls.poll_transmit(out) {
                self.collect();
                return true;
            }
        }
        false
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Whether [`poll_event`](Self::poll_event) has something to give.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// Says goodbye with close_notify and stops answering. Poll what is left
    /// to send afterwards.
    pub fn close(&mut self, now: Time) {
        self.now = now;
        self.last_tuple = self.ice.selected_tuple().or(self.last_tuple);
        self.dtls.close(now);
        self.ice.close();
        self.collect();
    }

    /// The state as plain data.
    pub fn snapshot(&self) -> PeerSnapshot {
        PeerSnapshot {
            ice: self.ice.snapshot(),
            dtls: self.dtls.snapshot(),
            stats: self.stats,
            sctp: self.sctp_config(),
        }
    }

    /// A peer that goes on where the snapshot was taken: it answers checks and
    /// keeps its tuples. Its DTLS association, if it was connected, is
    /// detached: records are refused and counted, close_notify cannot be sent,
    /// and SRTP keys are the engine's to carry over. Data channels need the
    /// association, so those of a connected peer are closed. No event repeats
    /// what the snapshot already knew.
    ///
    /// # Errors
    /// [`PeerError::BadCredentials`] if the snapshot's are unusable.
    pub fn restore(
        snapshot: PeerSnapshot,
        config: PeerConfig,
        now: Time,
        random: &mut Random,
    ) -> Result<Self, PeerError> {
        let ice = LiteAgent::restore(snapshot.ice, config.consent, now);
        ice.credentials().validate()?;
        let dtls = Session::restore(snapshot.dtls, config.dtls, random);
        let sctp = snapshot.sctp.map(|config| {
            let mut sctp = Association::new(config);
            if !matches!(dtls.state(), DtlsState::New | DtlsState::Connecting) {
                sctp.close();
            }
            Box::new(sctp)
        });
        Ok(Self {
            ice,
            dtls,
            sctp,
            now,
            ufrag_prefix: config.ufrag_prefix,
            last_tuple: None,
            stats: snapshot.stats,
            events: VecDeque::new(),
        })
    }

    /// Takes over what ICE and DTLS have to tell, ICE first: keys are of no
    /// use without a tuple.
    fn collect(&mut self) {
        while let Some(event) = self.ice.poll_event() {
            self.events.push_back(match event {
                IceEvent::StateChanged(state) => PeerEvent::IceStateChanged(state),
                IceEvent::TupleAdded(tuple) => PeerEvent::TupleAdded(tuple),
                IceEvent::TupleSelected(tuple) => PeerEvent::TupleSelected(tuple),
                IceEvent::TupleRemoved(tuple) => PeerEvent::TupleRemoved(tuple),
            });
        }
        while let Some(event) = self.dtls.poll_event() {
            let event = match (event, &mut self.sctp) {
                (SessionEvent::StateChanged(state), sctp) => {
                    if let Some(sctp) = sctp {
                        let client = self.dtls.local_role() == Some(DtlsRole::Client);
                        match state {
                            DtlsState::Connected => sctp.start(self.now, client),
                            DtlsState::Closed | DtlsState::Failed => sctp.close(),
                            _ => {}
                        }
                    }
                    PeerEvent::DtlsStateChanged(state)
                }
                (SessionEvent::SrtpKeys(keys), _) => PeerEvent::SrtpKeys(keys),
                (SessionEvent::ApplicationData(data), None) => PeerEvent::ApplicationData(data),
                (SessionEvent::ApplicationData(data), Some(sctp)) => {
                    if sctp.handle_packet(self.now, &data).is_err() {
                        self.stats.sctp_refused = self.stats.sctp_refused.saturating_add(1);
                    }
                    continue;
                }
            };
            self.events.push_back(event);
        }
        if let Some(sctp) = &mut self.sctp {
            let events = std::iter::from_fn(|| sctp.poll_event());
            self.events.extend(events.map(PeerEvent::Sctp));
        }
    }
}

#[cfg(test)]
mod tests;
