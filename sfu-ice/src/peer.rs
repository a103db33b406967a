//! Connectivity and key agreement with one remote, put together.
//!
//! Owns the ICE-lite agent and the DTLS session and routes between them: only
//! a tuple that an authenticated check validated may reach DTLS, and DTLS is
//! sent over the selected tuple. The engine calls it with classified
//! datagrams and time, and polls what to send, when to wake, and what
//! happened. It never sees media.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::dtls::{
    DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Fingerprint, Session, SessionEvent,
    SessionSnapshot, SrtpKeys,
};
use crate::ice::{ConsentConfig, IceCredentials, IceEvent, IceSnapshot, IceState, LiteAgent};
use crate::{Certificate, DtlsError, PeerError, Random, StunError, Time, Tuple};

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
    /// Decrypted DTLS application data.
    ApplicationData(Vec<u8>),
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
}

/// The state of a [`Peer`] as plain data. Holds the ICE passwords, and no
/// DTLS or SRTP key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerSnapshot {
    ice: IceSnapshot,
    dtls: SessionSnapshot,
    stats: PeerStats,
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
    pub fn new(config: PeerConfig, _now: Time, random: &mut Random) -> Result<Self, PeerError> {
        let credentials = IceCredentials::with_prefix(&config.ufrag_prefix, random)?;
        Ok(Self {
            ice: LiteAgent::new(credentials, config.consent),
            dtls: Session::new(config.dtls, random),
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
        let sent = self.dtls.send(now, data);
        self.collect();
        sent
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Time) {
        self.ice.handle_timeout(now);
        if self.dtls.poll_timeout().is_some_and(|at| at <= now) {
            self.dtls.handle_timeout(now);
        }
        self.collect();
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.ice.poll_timeout(), self.dtls.poll_timeout()].into_iter().flatten().min()
    }

    /// Replaces `out` by the next datagram and returns where to send it.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<Tuple> {
        if let Some(tuple) = self.ice.poll_transmit(out) {
            return Some(tuple);
        }
        let tuple = self.ice.selected_tuple().or(self.last_tuple)?;
        self.dtls.poll_transmit(out).then_some(tuple)
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Says goodbye with close_notify and stops answering. Poll what is left
    /// to send afterwards.
    pub fn close(&mut self, now: Time) {
        self.last_tuple = self.ice.selected_tuple().or(self.last_tuple);
        self.dtls.close(now);
        self.ice.close();
        self.collect();
    }

    /// The state as plain data.
    pub fn snapshot(&self) -> PeerSnapshot {
        PeerSnapshot { ice: self.ice.snapshot(), dtls: self.dtls.snapshot(), stats: self.stats }
    }

    /// A peer that goes on where the snapshot was taken: it answers checks and
    /// keeps its tuples. Its DTLS association, if it was connected, is
    /// detached: records are refused and counted, close_notify cannot be sent,
    /// and SRTP keys are the engine's to carry over. No event repeats what the
    /// snapshot already knew.
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
        Ok(Self {
            ice,
            dtls: Session::restore(snapshot.dtls, config.dtls, random),
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
            self.events.push_back(match event {
                SessionEvent::StateChanged(state) => PeerEvent::DtlsStateChanged(state),
                SessionEvent::SrtpKeys(keys) => PeerEvent::SrtpKeys(keys),
                SessionEvent::ApplicationData(data) => PeerEvent::ApplicationData(data),
            });
        }
    }
}

#[cfg(test)]
mod tests;
