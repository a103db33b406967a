//! One DTLS association with one authenticated peer.
//!
//! Owns the handshake, the signalled fingerprints and the rule that no key
//! leaves before the certificate has matched one of them. The peer object
//! feeds it datagrams of validated tuples. It knows no addresses.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Fingerprint, Handshake, HandshakeEvent,
    KeyingMaterial, SrtpKeys,
};
use crate::{DtlsError, PeerError, Random, Time};

/// Datagrams kept while the remote fingerprint is unknown: a ClientHello in
/// two fragments and its retransmission.
const MAX_EARLY: usize = 4;
/// Longest of them.
const MAX_EARLY_LEN: usize = 2048;
/// A server begins anew this often when a handshake breaks before the peer
/// showed a certificate, so that one forged record does not end a call.
const MAX_RESTARTS: u8 = 3;

/// What a [`Session`] tells.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The state changed.
    StateChanged(DtlsState),
    /// The keys for SRTP. Comes right before `StateChanged(Connected)`, once.
    SrtpKeys(SrtpKeys),
    /// Decrypted application data.
    ApplicationData(Vec<u8>),
}

impl fmt::Debug for SessionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StateChanged(state) => write!(f, "StateChanged({state:?})"),
            Self::SrtpKeys(keys) => write!(f, "{keys:?}"),
            Self::ApplicationData(data) => write!(f, "ApplicationData({} bytes)", data.len()),
        }
    }
}

/// What is known of an association without its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionSnapshot {
    state: DtlsState,
    remote: Option<Remote>,
}

/// What signalling told about the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remote {
    role: DtlsRole,
    fingerprints: Vec<Fingerprint>,
}

/// A DTLS association that authenticates its peer by fingerprint.
///
/// ```
/// use sfu_ice::dtls::{Certificate, DtlsConfig, DtlsRole, DtlsState, Session};
/// use sfu_ice::{Random, Time};
/// let mut random = Random::from_seed([1; 32]);
/// let a = Certificate::generate(&mut random)?;
/// let b = Certificate::generate(&mut random)?;
/// let mut client = Session::new(DtlsConfig::new(a.clone()), &mut random);
/// let mut server = Session::new(DtlsConfig::new(b.clone()), &mut random);
/// let now = Time::from_secs(1);
/// client.set_remote(DtlsRole::Server, b.fingerprints().to_vec())?;
/// server.set_remote(DtlsRole::Client, a.fingerprints().to_vec())?;
/// client.begin(now)?;
/// let mut datagram = Vec::new();
/// while client.poll_transmit(&mut datagram) {
///     server.handle_packet(now, &datagram)?;
///     while server.poll_transmit(&mut datagram) {
///         client.handle_packet(now, &datagram)?;
///     }
/// }
/// assert_eq!(client.state(), DtlsState::Connected);
/// assert_eq!(server.state(), DtlsState::Connected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    config: DtlsConfig,
    random: Random,
    state: DtlsState,
    remote: Option<Remote>,
    handshake: Option<Box<dyn Handshake>>,
    early: Vec<Vec<u8>>,
    restarts_left: u8,
    /// The certificate has matched a fingerprint.
    authenticated: bool,
    /// The handshake says that it is complete.
    complete: bool,
    keys: Option<KeyingMaterial>,
    failure: Option<DtlsError>,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// A session that waits for [`set_remote`](Self::set_remote).
    pub fn new(config: DtlsConfig, random: &mut Random) -> Self {
        Self {
            config,
            random: Random::from_seed(random.seed()),
            state: DtlsState::New,
            remote: None,
            handshake: None,
            early: Vec::new(),
            restarts_left: MAX_RESTARTS,
            authenticated: false,
            complete: false,
            keys: None,
            failure: None,
            events: VecDeque::new(),
        }
    }

    /// Tells the peer's role and fingerprints. [`DtlsRole::Auto`] lets the
    /// peer be the client.
    ///
    /// # Errors
    /// [`PeerError::NoFingerprint`], [`PeerError::BadFingerprint`], and
    /// [`PeerError::RemoteDtlsAlreadySet`] if other values were set before:
    /// equal ones may be repeated.
    pub fn set_remote(
        &mut self,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<(), PeerError> {
        if fingerprints.is_empty() {
            return Err(PeerError::NoFingerprint);
        }
        for fingerprint in &fingerprints {
            fingerprint.validate()?;
        }
        let role = if role == DtlsRole::Server { role } else { DtlsRole::Client };
        let remote = Remote { role, fingerprints };
        match &self.remote {
            Some(known) if *known == remote => return Ok(()),
            Some(_) => return Err(PeerError::RemoteDtlsAlreadySet),
            None => {}
        }
        if self.state == DtlsState::Closed {
            return Err(PeerError::Closed);
        }
        self.remote = Some(remote);
        self.enter(DtlsState::Connecting);
        Ok(())
    }

    /// Begins the handshake, now that there is a path to the peer. Does
    /// nothing if it has begun or the remote parameters are missing.
    ///
    /// # Errors
    /// [`PeerError::BackendUnavailable`] or [`PeerError::BadDtlsConfig`]; the
    /// session has failed then.
    pub fn begin(&mut self, now: Time) -> Result<(), PeerError> {
        if self.state != DtlsState::Connecting || self.handshake.is_some() {
            return Ok(());
        }
        self.restart(now)?;
        for datagram in std::mem::take(&mut self.early) {
            // What a kept datagram breaks shows in the state.
            let _ = self.handle_packet(now, &datagram);
        }
        Ok(())
    }

    /// Handles one datagram of the peer.
    ///
    /// # Errors
    /// [`DtlsError::Overflow`] if it came before [`set_remote`](Self::set_remote)
    /// and there is no room for it; [`DtlsError::Handshake`] if the handshake
    /// cannot begin; [`DtlsError::Closed`] if the association is over or is
    /// only known from a snapshot.
    pub fn handle_packet(&mut self, now: Time, datagram: &[u8]) -> Result<(), DtlsError> {
        self.begin(now).map_err(|_| DtlsError::Handshake)?;
        match &mut self.handshake {
            Some(handshake) => {
                handshake.handle_packet(now, datagram);
                self.collect(now);
                Ok(())
            }
            None if self.state == DtlsState::New => {
                if self.early.len() >= MAX_EARLY || datagram.len() > MAX_EARLY_LEN {
                    return Err(DtlsError::Overflow);
                }
                self.early.push(datagram.to_vec());
                Ok(())
            }
            None => Err(DtlsError::Closed),
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Time) {
        if let Some(handshake) = &mut self.handshake {
            handshake.handle_timeout(now);
            self.collect(now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.handshake.as_ref()?.poll_timeout()
    }

    /// Replaces `out` by the next datagram to send, if there is one.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.handshake.as_mut().is_some_and(|handshake| handshake.poll_transmit(out))
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// The state of the association.
    pub fn state(&self) -> DtlsState {
        self.state
    }

    /// Why the state is [`DtlsState::Failed`].
    pub fn failure(&self) -> Option<DtlsError> {
        self.failure
    }

    /// Our role, once it is decided.
    pub fn local_role(&self) -> Option<DtlsRole> {
        Some(if self.is_client()? { DtlsRole::Client } else { DtlsRole::Server })
    }

    /// The version that is spoken, once the handshake is complete.
    pub fn version(&self) -> Option<DtlsVersion> {
        let handshake = self.handshake.as_ref().filter(|_| self.complete)?;
        handshake.version()
    }

    /// Sends application data.
    ///
    /// # Errors
    /// [`DtlsError::NotConnected`] before the handshake is complete,
    /// [`DtlsError::Closed`] after the end.
    pub fn send(&mut self, now: Time, data: &[u8]) -> Result<(), DtlsError> {
        let handshake = match (self.state, &mut self.handshake) {
            (DtlsState::Connected, Some(handshake)) => handshake,
            (DtlsState::New | DtlsState::Connecting, _) => return Err(DtlsError::NotConnected),
            _ => return Err(DtlsError::Closed),
        };
        let sent = handshake.send(now, data);
        self.collect(now);
        sent
    }

    /// Ends the association, with close_notify if it is connected. Poll what
    /// is left to send afterwards.
    pub fn close(&mut self, now: Time) {
        if matches!(self.state, DtlsState::Closed | DtlsState::Failed) {
            return;
        }
        if let Some(handshake) = &mut self.handshake {
            handshake.close(now);
        }
        self.early.clear();
        self.enter(DtlsState::Closed);
    }

    /// What can be known of the association without its keys.
    pub fn snapshot(&self) -> SessionSnapshot {
        SessionSnapshot { state: self.state, remote: self.remote.clone() }
    }

    /// A session as it was. A connected one stays connected but detached: its
    /// record keys are gone, so it refuses every datagram, which media does
    /// not need. One that was connecting begins anew.
    pub fn restore(snapshot: SessionSnapshot, config: DtlsConfig, random: &mut Random) -> Self {
        let SessionSnapshot { state, remote } = snapshot;
        Self { state, remote, ..Self::new(config, random) }
    }

    fn is_client(&self) -> Option<bool> {
        self.remote.as_ref().map(|remote| remote.role == DtlsRole::Server)
    }

    fn restart(&mut self, now: Time) -> Result<(), PeerError> {
        let client = self.is_client().unwrap_or(false);
        match self.config.begin(client, self.random.u64(), now) {
            Ok(mut handshake) => {
                handshake.handle_timeout(now);
                self.handshake = Some(handshake);
                Ok(())
            }
            Err(error) => {
                self.fail(DtlsError::Handshake);
                Err(error)
            }
        }
    }

    /// Takes over what the handshake has to tell.
    fn collect(&mut self, now: Time) {
        while let Some(event) = self.handshake.as_mut().and_then(|handshake| handshake.poll_event())
        {
            match event {
                HandshakeEvent::PeerCertificate(der) => self.authenticate(&der),
                HandshakeEvent::Keys(keys) => self.keys = Some(keys),
                HandshakeEvent::Connected => self.complete = true,
                HandshakeEvent::ApplicationData(data) => {
                    // Only after the state is Connected has the peer been
                    // checked; `settle` runs before the next batch.
                    self.settle();
                    if self.state == DtlsState::Connected {
                        self.events.push_back(SessionEvent::ApplicationData(data));
                    }
                }
                HandshakeEvent::Closed => {
                    self.settle();
                    self.enter(DtlsState::Closed);
                }
                HandshakeEvent::Failed(error) => self.broken(now, error),
            }
        }
        self.settle();
    }

    fn authenticate(&mut self, der: &[u8]) {
        let known = self.remote.as_ref().map_or(&[][..], |remote| &remote.fingerprints[..]);
        if known.iter().any(|fingerprint| fingerprint.matches(der)) {
            self.authenticated = true;
        } else {
            self.fail(DtlsError::FingerprintMismatch);
        }
    }

    /// Announces the connection once the handshake is complete.
    fn settle(&mut self) {
        if !self.complete || self.state != DtlsState::Connecting {
            return;
        }
        if !self.authenticated {
            return self.fail(DtlsError::FingerprintMismatch);
        }
        if let Some(material) = self.keys.take() {
            if !self.config.srtp_profiles.contains(&material.profile) {
                return self.fail(DtlsError::SrtpProfile);
            }
            let client = self.is_client().unwrap_or(false);
            let keys = SrtpKeys::from_keying_material(material.profile, &material.bytes, client);
            match keys {
                Some(keys) => self.events.push_back(SessionEvent::SrtpKeys(keys)),
                None => return self.fail(DtlsError::Handshake),
            }
        }
        self.enter(DtlsState::Connected);
    }

    fn broken(&mut self, now: Time, error: DtlsError) {
        let may_restart = error == DtlsError::Handshake
            && self.is_client() == Some(false)
            && self.state == DtlsState::Connecting
            && !self.authenticated
            && self.restarts_left > 0;
        if may_restart {
            self.restarts_left = self.restarts_left.saturating_sub(1);
            if self.restart(now).is_ok() {
                return;
            }
        }
        self.fail(error);
    }

    fn fail(&mut self, error: DtlsError) {
        if matches!(self.state, DtlsState::Failed | DtlsState::Closed) {
            return;
        }
        self.failure = Some(error);
        self.handshake = None;
        self.keys = None;
        self.early.clear();
        self.enter(DtlsState::Failed);
    }

    fn enter(&mut self, state: DtlsState) {
        if self.state != state {
            self.state = state;
            self.events.push_back(SessionEvent::StateChanged(state));
        }
    }
}
