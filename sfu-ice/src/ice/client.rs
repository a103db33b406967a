//! The smallest controlling ICE agent: one path, aggressive nomination.
//!
//! For tests and load generators that connect to a [`LiteAgent`] whose address
//! they know. It gathers nothing and checks a single tuple, so it is no full
//! ICE agent.
//!
//! [`LiteAgent`]: super::LiteAgent

use std::collections::VecDeque;
use std::time::Duration;

use super::IceCredentials;
use crate::stun::{Builder, Class, ErrorCode, Message, TransactionId};
use crate::{Random, StunError, Time, Tuple};

/// First retransmission of an unanswered check (RFC 8445 §14.3 allows 500 ms;
/// a test client on a good network wants less).
const RETRY: Duration = Duration::from_millis(200);
/// Consent checks while connected (RFC 7675 §5.1).
const KEEPALIVE: Duration = Duration::from_secs(2);
/// Checks in flight that a response may still answer.
const MAX_IN_FLIGHT: usize = 8;
/// The priority of a peer-reflexive UDP candidate (RFC 8445 §5.1.2.1).
const PRIORITY: u32 = (110 << 24) | (65535 << 8) | 255;

/// Sends authenticated Binding requests with USE-CANDIDATE over one tuple and
/// checks the responses.
///
/// ```
/// use sfu_ice::ice::{Checker, ConsentConfig, IceCredentials, IceState, LiteAgent};
/// use sfu_ice::{Protocol, Random, Time, Tuple};
/// let mut random = Random::from_seed([1; 32]);
/// let now = Time::from_secs(1);
/// let server = IceCredentials::generate(&mut random);
/// let mut agent = LiteAgent::new(server.clone(), ConsentConfig::default());
///
/// let (a, b) = ("10.0.0.1:1000".parse()?, "10.0.0.2:2000".parse()?);
/// let mut checker = Checker::new(Tuple::new(Protocol::Udp, b, a), server, &mut random);
/// let mut packet = Vec::new();
/// assert!(checker.poll_transmit(now, &mut packet));
/// agent.handle_datagram(now, Tuple::new(Protocol::Udp, a, b), &packet)?;
/// agent.poll_transmit(&mut packet);
/// checker.handle_datagram(now, &packet)?;
/// assert!(checker.is_connected(now));
/// assert_eq!(agent.state(), IceState::Connected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Checker {
    tuple: Tuple,
    local: IceCredentials,
    remote: IceCredentials,
    tie_breaker: u64,
    random: Random,
    in_flight: VecDeque<TransactionId>,
    next_check: Time,
    last_response: Option<Time>,
    nominate: bool,
}

impl Checker {
    /// A checker for `tuple` against the agent that owns `remote`.
    pub fn new(tuple: Tuple, remote: IceCredentials, random: &mut Random) -> Self {
        Self {
            tuple,
            local: IceCredentials::generate(random),
            remote,
            tie_breaker: random.u64(),
            random: Random::from_seed(random.seed()),
            in_flight: VecDeque::new(),
            next_check: Time::ZERO,
            last_response: None,
            nominate: true,
        }
    }

    /// Whether checks carry USE-CANDIDATE. They do unless told otherwise.
    pub fn set_nominate(&mut self, nominate: bool) {
        self.nominate = nominate;
    }

    /// The credentials to signal to the other side.
    pub fn credentials(&self) -> &IceCredentials {
        &self.local
    }

    /// The tuple that is checked.
    pub fn tuple(&self) -> Tuple {
        self.tuple
    }

    /// Takes new remote credentials, as after an ICE restart, or moves to
    /// another tuple, as after a change of network. Checks begin at once.
    pub fn restart(&mut self, tuple: Tuple, remote: IceCredentials) {
        self.tuple = tuple;
        self.remote = remote;
        self.in_flight.clear();
        self.next_check = Time::ZERO;
        self.last_response = None;
    }

    /// Whether a response came within the last 30 s.
    pub fn is_connected(&self, now: Time) -> bool {
        self.last_response.is_some_and(|at| now.since(at) < Duration::from_secs(30))
    }

    /// When [`poll_transmit`](Self::poll_transmit) has a check to send.
    pub fn poll_timeout(&self) -> Time {
        self.next_check
    }

    /// Writes a check into `out` if one is due.
    pub fn poll_transmit(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        if now < self.next_check {
            return false;
        }
        let mut id = TransactionId::default();
        self.random.fill(&mut id.0);
        let mut builder = Builder::new(Class::Request, id);
        builder
            .username(&self.remote.ufrag, &self.local.ufrag)
            .ice_controlling(self.tie_breaker)
            .priority(PRIORITY);
        if self.nominate {
            builder.use_candidate();
        }
        let Ok(request) = builder.finish(Some(&self.remote.password)) else { return false };
        out.clear();
        out.extend_from_slice(request);
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            self.in_flight.pop_front();
        }
        self.in_flight.push_back(id);
        self.next_check = now + if self.is_connected(now) { KEEPALIVE } else { RETRY };
        true
    }

    /// Handles a response.
    ///
    /// # Errors
    /// [`StunError`] if it is not an authentic success response to a check in
    /// flight; [`StunError::RoleConflict`] for an authentic 487.
    pub fn handle_datagram(&mut self, now: Time, datagram: &[u8]) -> Result<(), StunError> {
        let message = Message::parse(datagram)?;
        let id = message.transaction_id();
        if !message.is_binding() || !self.in_flight.contains(&id) {
            return Err(StunError::Unexpected);
        }
        if !message.has_integrity(&self.remote.password) {
            return Err(StunError::BadIntegrity);
        }
        self.in_flight.retain(|other| *other != id);
        match (message.class(), message.error_code()) {
            (Class::Success, _) => {
                message.mapped_address().ok_or(StunError::MissingAttribute)?;
                if self.last_response.is_none() {
                    self.next_check = now + KEEPALIVE;
                }
                self.last_response = Some(now);
                Ok(())
            }
            (Class::Error, Some(ErrorCode::RoleConflict)) => Err(StunError::RoleConflict),
            _ => Err(StunError::Unexpected),
        }
    }
}
