//! The ICE-lite agent of one peer (RFC 8445 §2.5, §7.3).
//!
//! Answers authenticated Binding requests, remembers the tuples they came
//! from, sends where the peer nominates, and judges liveness. The peer object
//! calls it with every STUN datagram. It never sends a request, gathers
//! nothing, and nothing that is not authenticated changes its state.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::consent::Consent;
use super::{ConsentConfig, IceCredentials, IceState};
use crate::stun::{Builder, Class, ErrorCode, Message};
use crate::{PeerError, Random, StunError, Time, Tuple};

/// How many tuples an agent remembers. Browsers use a handful; the one that
/// has been silent longest makes room.
pub const MAX_TUPLES: usize = 16;
/// Unsent responses. A host that drains after each batch needs few.
const MAX_RESPONSES: usize = 64;
/// Unpolled events, after which checks are refused until the host polls.
const MAX_EVENTS: usize = 64;
/// A success or error response with IPv6, integrity and fingerprint is 100
/// bytes at most.
const RESPONSE_LEN: usize = 128;

/// What a [`LiteAgent`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IceEvent {
    /// The state changed.
    StateChanged(IceState),
    /// An authenticated check came over a tuple for the first time.
    TupleAdded(Tuple),
    /// Send over this tuple from now on.
    TupleSelected(Tuple),
    /// The tuple is no longer valid: silent for too long, evicted, or removed.
    TupleRemoved(Tuple),
}

/// The agent's routing state as plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IceSnapshot {
    local: Generation,
    previous: Option<Generation>,
    paths: Vec<Path>,
    selected: Option<Tuple>,
    nomination: Option<u32>,
    consent: Consent,
}

/// One set of credentials; a restart begins a new one (RFC 8445 §9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Generation {
    number: u32,
    local: IceCredentials,
    /// What the remote user fragment must be, if signalling told.
    remote_ufrag: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Path {
    tuple: Tuple,
    last_check: Time,
    generation: u32,
}

#[derive(Clone, Copy, Debug)]
struct Response {
    tuple: Tuple,
    bytes: [u8; RESPONSE_LEN],
    len: usize,
}

/// The controlled, lite side of ICE for one peer.
#[derive(Debug)]
pub struct LiteAgent {
    current: Generation,
    previous: Option<Generation>,
    paths: Vec<Path>,
    selected: Option<Tuple>,
    /// The greatest NOMINATION value so far.
    nomination: Option<u32>,
    consent: Consent,
    config: ConsentConfig,
    responses: VecDeque<Response>,
    events: VecDeque<IceEvent>,
}

impl LiteAgent {
    /// An agent that waits for checks made with `credentials`.
    pub fn new(credentials: IceCredentials, config: ConsentConfig) -> Self {
        Self {
            current: Generation { number: 0, local: credentials, remote_ufrag: None },
            previous: None,
            paths: Vec::new(),
            selected: None,
            nomination: None,
            consent: Consent::default(),
            config,
            responses: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The credentials to signal.
    pub fn credentials(&self) -> &IceCredentials {
        &self.current.local
    }

    /// Whether checks that name this fragment are for this agent. During a
    /// restart the previous fragment still is.
    pub fn owns_ufrag(&self, ufrag: &str) -> bool {
        self.generation(ufrag).is_some()
    }

    /// Restarts ICE (RFC 8445 §9). Checks with the old credentials are
    /// answered until the first one with the new credentials arrives; media
    /// goes on over the selected tuple meanwhile.
    pub fn restart(&mut self, credentials: IceCredentials) {
        let number = self.current.number.wrapping_add(1);
        let next = Generation { number, local: credentials, remote_ufrag: None };
        let old = std::mem::replace(&mut self.current, next);
        // After a second restart before the first took effect, the peer still
        // uses the credentials from before both.
        self.previous.get_or_insert(old);
    }

    /// As [`restart`](Self::restart) with generated credentials, which are
    /// returned.
    pub fn restart_with(&mut self, random: &mut Random) -> &IceCredentials {
        self.restart(IceCredentials::generate(random));
        self.credentials()
    }

    /// Tells the remote user fragment of the current credentials. Checks whose
    /// USERNAME ends otherwise are refused from now on.
    ///
    /// # Errors
    /// [`PeerError::BadCredentials`] if it is not 4 to 256 ice-chars.
    pub fn set_remote_ufrag(&mut self, ufrag: &str) -> Result<(), PeerError> {
        let chars = ufrag.bytes().all(super::credentials::is_ice_char);
        if !chars || !(4..=256).contains(&ufrag.len()) {
            return Err(PeerError::BadCredentials);
        }
        self.current.remote_ufrag = Some(ufrag.to_owned());
        Ok(())
    }

    /// Handles one STUN datagram. A request from the peer queues a response.
    ///
    /// # Errors
    /// [`StunError`] if the datagram was refused. Some refusals queue an error
    /// response; none changes the agent's state.
    pub fn handle_datagram(
        &mut self,
        now: Time,
        tuple: Tuple,
        datagram: &[u8],
    ) -> Result<(), StunError> {
        let message = Message::parse(datagram)?;
        if !message.is_binding() || self.state() == IceState::Closed {
            return Err(StunError::Unexpected);
        }
        match message.class() {
            Class::Request => {}
            // RFC 8445 §11: a keepalive. It wants nothing and proves nothing.
            Class::Indication => return Ok(()),
            Class::Success | Class::Error => return Err(StunError::Unexpected),
        }
        match self.authenticate(&message) {
            Ok(generation) => self.handle_check(now, tuple, &message, generation),
            Err((error, code)) => {
                // RFC 8489 §9.1.3: without integrity, there is no key for it.
                // Half the room stays for authentic requests.
                if self.responses.len() < MAX_RESPONSES / 2 {
                    self.respond_error(tuple, &message, code, None);
                }
                Err(error)
            }
        }
    }

    /// Forgets a tuple, for example because its TCP connection closed.
    pub fn remove_tuple(&mut self, tuple: &Tuple) {
        let before = self.paths.len();
        self.paths.retain(|path| path.tuple != *tuple);
        if self.paths.len() != before {
            self.removed(*tuple);
        }
    }

    /// Lets time pass: expires tuples and updates the state.
    pub fn handle_timeout(&mut self, now: Time) {
        if let Some(state) = self.consent.update(now, &self.config) {
            self.event(IceEvent::StateChanged(state));
        }
        let failed_after = self.config.failed_after;
        while let Some(index) = self.paths.iter().position(|path| {
            Some(path.tuple) != self.selected && now.since(path.last_check) >= failed_after
        }) {
            let path = self.paths.swap_remove(index);
            self.removed(path.tuple);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Time> {
        let idle = self
            .paths
            .iter()
            .filter(|path| Some(path.tuple) != self.selected)
            .map(|path| path.last_check + self.config.failed_after)
            .min();
        [self.consent.deadline(&self.config), idle].into_iter().flatten().min()
    }

    /// Writes the next response into `out` and returns where to send it.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<Tuple> {
        let response = self.responses.pop_front()?;
        out.clear();
        out.extend_from_slice(response.bytes.get(..response.len)?);
        Some(response.tuple)
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    /// The state of the peer's connectivity.
    pub fn state(&self) -> IceState {
        self.consent.state()
    }

    /// When the last authenticated check arrived; the origin if none has.
    pub fn last_check(&self) -> Time {
        self.consent.last_check()
    }

    /// Where to send. It outlives silence, so that the answer to a late check
    /// finds its way; whether media may still go there is what
    /// [`state`](Self::state) says.
    pub fn selected_tuple(&self) -> Option<Tuple> {
        self.selected
    }

    /// Whether an authenticated check came over this tuple and it has not been
    /// removed since.
    pub fn is_valid_tuple(&self, tuple: &Tuple) -> bool {
        self.paths.iter().any(|path| path.tuple == *tuple)
    }

    /// All valid tuples, in no order.
    pub fn tuples(&self) -> impl Iterator<Item = Tuple> + '_ {
        self.paths.iter().map(|path| path.tuple)
    }

    /// Stops answering. Every tuple becomes invalid.
    pub fn close(&mut self) {
        let Some(state) = self.consent.close() else { return };
        self.selected = None;
        self.responses.clear();
        for path in std::mem::take(&mut self.paths) {
            self.event(IceEvent::TupleRemoved(path.tuple));
        }
        self.event(IceEvent::StateChanged(state));
    }

    /// The routing state as plain data.
    pub fn snapshot(&self) -> IceSnapshot {
        IceSnapshot {
            local: self.current.clone(),
            previous: self.previous.clone(),
            paths: self.paths.clone(),
            selected: self.selected,
            nomination: self.nomination,
            consent: self.consent,
        }
    }

    /// An agent that goes on where the snapshot was taken. Silence before
    /// `now` is forgiven: the peer gets a full period to be heard.
    pub fn restore(snapshot: IceSnapshot, config: ConsentConfig, now: Time) -> Self {
        let IceSnapshot { local, previous, mut paths, selected, nomination, mut consent } =
            snapshot;
        paths.truncate(MAX_TUPLES);
        for path in &mut paths {
            path.last_check = now;
        }
        consent.rebase(now);
        let selected = selected.filter(|tuple| paths.iter().any(|path| path.tuple == *tuple));
        Self {
            current: local,
            previous,
            paths,
            selected,
            nomination,
            consent,
            config,
            responses: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The number of the generation that a request was made for.
    fn authenticate(&self, message: &Message<'_>) -> Result<u32, (StunError, ErrorCode)> {
        let missing = (StunError::MissingAttribute, ErrorCode::BadRequest);
        let unknown = (StunError::UnknownUsername, ErrorCode::Unauthenticated);
        let (ours, theirs) = message.username().ok_or(missing)?;
        if !message.is_protected() {
            return Err(missing);
        }
        let generation = self.generation(ours).ok_or(unknown)?;
        if !message.has_integrity(&generation.local.password) {
            return Err((StunError::BadIntegrity, ErrorCode::Unauthenticated));
        }
        match &generation.remote_ufrag {
            Some(expected) if expected != theirs => Err(unknown),
            _ => Ok(generation.number),
        }
    }

    fn generation(&self, ufrag: &str) -> Option<&Generation> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|generation| generation.local.ufrag == ufrag)
    }

    /// An authenticated request.
    fn handle_check(
        &mut self,
        now: Time,
        tuple: Tuple,
        message: &Message<'_>,
        generation: u32,
    ) -> Result<(), StunError> {
        let refused = if message.unknown_attribute().is_some() {
            Some((StunError::UnknownAttribute, ErrorCode::UnknownAttribute))
        } else if message.ice_controlled().is_some() {
            // RFC 8445 §6.1.1: a lite agent is never controlling opposite a
            // full one, so the tie-breakers need no comparison.
            Some((StunError::RoleConflict, ErrorCode::RoleConflict))
        } else if message.priority().is_none() {
            Some((StunError::MissingAttribute, ErrorCode::BadRequest))
        } else {
            None
        };
        if let Some((error, code)) = refused {
            self.respond_error(tuple, message, code, Some(generation));
            return Err(error);
        }
        if self.responses.len() >= MAX_RESPONSES || self.events.len() >= MAX_EVENTS {
            return Err(StunError::Overflow);
        }
        self.respond_success(tuple, message, generation);
        self.adopt(generation);
        let silent = self.selected_is_silent(now);
        self.touch(now, tuple, generation);
        if let Some(state) = self.consent.refresh(now) {
            self.event(IceEvent::StateChanged(state));
        }
        if self.is_nominated(message) || silent {
            self.select(tuple);
        }
        Ok(())
    }

    /// The first check on new credentials ends the old ones.
    fn adopt(&mut self, generation: u32) {
        if generation == self.current.number && self.previous.take().is_some() {
            self.nomination = None;
        }
    }

    fn touch(&mut self, now: Time, tuple: Tuple, generation: u32) {
        if let Some(path) = self.paths.iter_mut().find(|path| path.tuple == tuple) {
            path.last_check = now;
            path.generation = generation;
            return;
        }
        if self.paths.len() >= MAX_TUPLES {
            self.evict();
        }
        self.paths.push(Path { tuple, last_check: now, generation });
        self.event(IceEvent::TupleAdded(tuple));
    }

    fn evict(&mut self) {
        let silent = self
            .paths
            .iter()
            .enumerate()
            .filter(|(_, path)| Some(path.tuple) != self.selected)
            .min_by_key(|(_, path)| path.last_check)
            .map(|(index, _)| index);
        if let Some(index) = silent {
            let path = self.paths.swap_remove(index);
            self.removed(path.tuple);
        }
    }

    /// USE-CANDIDATE (RFC 8445 §7.3.1.5) or a NOMINATION not below the last.
    /// The last nomination wins, because a browser that changes its network
    /// nominates again.
    fn is_nominated(&mut self, message: &Message<'_>) -> bool {
        let Some(value) = message.nomination() else { return message.use_candidate() };
        let newer = self.nomination.is_none_or(|greatest| value >= greatest);
        if newer {
            self.nomination = Some(value);
        }
        newer
    }

    /// Before the first nomination any valid tuple may carry data (RFC 8445
    /// §12.1); so may one that still lives when the selected one does not.
    fn selected_is_silent(&self, now: Time) -> bool {
        let selected = self.paths.iter().find(|path| Some(path.tuple) == self.selected);
        selected.is_none_or(|path| now.since(path.last_check) >= self.config.disconnected_after)
    }

    fn select(&mut self, tuple: Tuple) {
        if self.selected != Some(tuple) {
            self.selected = Some(tuple);
            self.event(IceEvent::TupleSelected(tuple));
        }
    }

    /// After a path was taken out of the list.
    fn removed(&mut self, tuple: Tuple) {
        self.event(IceEvent::TupleRemoved(tuple));
        if self.selected == Some(tuple) {
            self.selected = None;
            if let Some(next) = self.paths.iter().max_by_key(|path| path.last_check) {
                self.select(next.tuple);
            }
        }
    }

    fn respond_success(&mut self, tuple: Tuple, message: &Message<'_>, generation: u32) {
        let mut builder = Builder::new(Class::Success, message.transaction_id());
        builder.xor_mapped_address(tuple.remote);
        self.respond(tuple, builder, Some(generation));
    }

    fn respond_error(
        &mut self,
        tuple: Tuple,
        message: &Message<'_>,
        code: ErrorCode,
        generation: Option<u32>,
    ) {
        let mut builder = Builder::new(Class::Error, message.transaction_id());
        builder.error_code(code);
        if let (ErrorCode::UnknownAttribute, Some(kind)) = (code, message.unknown_attribute()) {
            builder.unknown_attribute(kind);
        }
        self.respond(tuple, builder, generation);
    }

    fn respond(&mut self, tuple: Tuple, mut builder: Builder, generation: Option<u32>) {
        let password = generation.and_then(|number| {
            [Some(&self.current), self.previous.as_ref()]
                .into_iter()
                .flatten()
                .find(|generation| generation.number == number)
                .map(|generation| generation.local.password.as_str())
        });
        let Ok(written) = builder.finish(password) else { return };
        let mut response = Response { tuple, bytes: [0; RESPONSE_LEN], len: written.len() };
        let Some(room) = response.bytes.get_mut(..written.len()) else { return };
        room.copy_from_slice(written);
        if self.responses.len() < MAX_RESPONSES {
            self.responses.push_back(response);
        }
    }

    fn event(&mut self, event: IceEvent) {
        self.events.push_back(event);
    }
}

#[cfg(test)]
mod tests;
