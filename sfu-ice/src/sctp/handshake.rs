//! The beginning and the end of an association that no DTLS stands before
//! (RFC 9260 §5 and §8).
//!
//! Either end may begin, and both at once. Whoever begins is answered by a
//! state cookie and nothing is kept of it, so that only who receives at the
//! peer's address can bring about an association, or have one begin anew in
//! place of another. What follows is the library's, which takes over from what
//! both ends said. As nothing below tells that a peer is gone, it is asked for a
//! sign of life when it has been silent.

use std::collections::VecDeque;
use std::time::Duration;

use subtle::ConstantTimeEq;

use super::SctpConfig;
use super::packet::{
    ABORT, COOKIE_ACK, COOKIE_ECHO, HEARTBEAT, HEARTBEAT_ACK, Head, INIT, INIT_ACK,
    INIT_RECORD_LEN, Init, Ports, packet,
};
use crate::crypto::hmac_sha1;
use crate::{Random, SctpError, Time};

/// How long an answer to INIT or COOKIE ECHO is waited for at first, and at
/// most; each repetition doubles it.
const RTO_INITIAL: Duration = Duration::from_millis(500);
const RTO_MAX: Duration = Duration::from_secs(10);
/// Repetitions until it is given up.
const MAX_RETRIES: u32 = 10;
/// How long a state cookie may be used.
const COOKIE_LIFE: Duration = Duration::from_secs(60);
/// After so much silence a peer is asked for a sign of life, again and again
/// until there has been so much.
const PROBE_AFTER: Duration = Duration::from_secs(15);
const LOST_AFTER: Duration = Duration::from_secs(75);
/// Packets that wait to be sent.
const MAX_OUTGOING: usize = 8;

const TAG_LEN: usize = 4;
const TIME_LEN: usize = 8;
const MAC_LEN: usize = 20;
const COOKIE_LEN: usize = TAG_LEN + INIT_RECORD_LEN + TIME_LEN + MAC_LEN;
/// Cause of an ABORT: the application ended the association (RFC 9260
/// §3.3.10.12).
const USER_INITIATED: [u8; 4] = [0, 12, 0, 4];
/// A heartbeat needs something for the peer to send back (RFC 9260 §3.3.5).
const HEARTBEAT_INFO: [u8; 8] = [0, 1, 0, 8, 0, 0, 0, 0];

/// One end's handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    ports: Ports,
    random: Random,
    /// Key of the state cookies.
    secret: [u8; 32],
    /// What we say of ourselves.
    local: Init,
    /// The same for a peer that begins anew.
    next: Option<Init>,
    phase: Phase,
    outgoing: VecDeque<Vec<u8>>,
}

#[derive(Debug)]
enum Phase {
    /// Waits for either end to begin.
    Idle,
    /// INIT was sent.
    CookieWait(Repeated),
    /// The peer's cookie was sent back.
    CookieEchoed {
        peer: Init,
        cookie: Vec<u8>,
        repeated: Repeated,
    },
    /// There is an association.
    Established {
        peer: Init,
        heard: Time,
        probed: Time,
    },
    Ended,
}

/// When something is sent again.
#[derive(Clone, Copy, Debug)]
struct Repeated {
    due: Time,
    times: u32,
}

impl Repeated {
    fn first(now: Time) -> Self {
        Self { due: now + RTO_INITIAL, times: 0 }
    }

    /// The next time; none if it is to be given up.
    fn again(self, now: Time) -> Option<Self> {
        let times = self.times + 1;
        let wait = RTO_INITIAL.saturating_mul(1 << times.min(8)).min(RTO_MAX);
        (times <= MAX_RETRIES).then_some(Self { due: now + wait, times })
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was all about the handshake.
    Handled,
    /// It is for the association.
    Pass,
    /// Both ends have agreed: the association begins or, if there is one,
    /// begins anew. Then the packet is for it.
    Agreed { local: Init, peer: Init },
}

impl Handshake {
    pub(super) fn new(config: &SctpConfig, window: u32, seed: [u8; 32]) -> Self {
        let mut random = Random::from_seed(seed);
        let secret = random.seed();
        let ports = Ports { local: config.port, remote: config.remote_port };
        let local = Init {
            tag: random.u32().max(1),
            window,
            outbound: config.max_streams,
            inbound: config.max_streams,
            tsn: random.u32().max(1),
            forward_tsn: true,
            reconfig: true,
        };
        let (phase, outgoing) = (Phase::Idle, VecDeque::new());
        Self { ports, random, secret, local, next: None, phase, outgoing }
    }

    /// Whether a packet is SCTP and for us.
    pub(super) fn recognizes(&self, packet: &[u8]) -> bool {
        Head::parse(packet, self.ports).is_ok()
    }

    /// Whether a packet asks for an association.
    pub(super) fn is_asked(&self, packet: &[u8]) -> bool {
        Head::parse(packet, self.ports).is_ok_and(|head| head.kind == INIT)
    }

    /// Asks the peer for an association.
    pub(super) fn begin(&mut self, now: Time) {
        if let Phase::Idle = self.phase {
            self.phase = Phase::CookieWait(Repeated::first(now));
            self.send(0, INIT, &self.local.body(None));
        }
    }

    /// Takes in a packet of the peer.
    ///
    /// # Errors
    /// [`SctpError::Malformed`] if it is none, or for no association of ours;
    /// [`SctpError::NotConnected`], [`SctpError::Closed`].
    pub(super) fn handle(&mut self, now: Time, packet: &[u8]) -> Result<Step, SctpError> {
        let head = Head::parse(packet, self.ports)?;
        if let Phase::Ended = self.phase {
            return Err(SctpError::Closed);
        }
        let ours = head.tag == self.local.tag;
        match head.kind {
            INIT if head.tag == 0 && head.alone => self.handle_init(now, head.body),
            INIT_ACK if ours && head.alone => self.handle_init_ack(now, head.body),
            COOKIE_ECHO => self.handle_cookie(now, head.tag, head.body),
            COOKIE_ACK if ours => Ok(self.handle_cookie_ack(now)),
            INIT | INIT_ACK => Err(SctpError::Malformed),
            _ if !ours => Err(SctpError::Malformed),
            kind => {
                let Phase::Established { heard, .. } = &mut self.phase else {
                    return Err(SctpError::NotConnected);
                };
                *heard = now;
                Ok(if kind == HEARTBEAT_ACK { Step::Handled } else { Step::Pass })
            }
        }
    }

    /// Answers a peer that begins (RFC 9260 §5.1, §5.2.1, §5.2.2).
    fn handle_init(&mut self, now: Time, body: &[u8]) -> Result<Step, SctpError> {
        let (peer, _) = Init::parse(body)?;
        let local = match self.phase {
            Phase::Established { .. } => *self.next.get_or_insert_with(|| Init {
                tag: self.random.u32().max(1),
                tsn: self.random.u32().max(1),
                ..self.local
            }),
            _ => self.local,
        };
        if peer.tag == local.tag {
            return Err(SctpError::Malformed);
        }
        let cookie = self.cookie(now, local.tag, &peer);
        self.send(peer.tag, INIT_ACK, &local.body(Some(&cookie)));
        Ok(Step::Handled)
    }

    fn handle_init_ack(&mut self, now: Time, body: &[u8]) -> Result<Step, SctpError> {
        let (peer, cookie) = Init::parse(body)?;
        let cookie = cookie.ok_or(SctpError::Malformed)?;
        if peer.tag == self.local.tag {
            return Err(SctpError::Malformed);
        }
        // Later ones are answers to repetitions (RFC 9260 §5.2.3).
        if let Phase::CookieWait(_) = self.phase {
            let (cookie, repeated) = (cookie.to_vec(), Repeated::first(now));
            self.send(peer.tag, COOKIE_ECHO, &cookie);
            self.phase = Phase::CookieEchoed { peer, cookie, repeated };
        }
        Ok(Step::Handled)
    }

    /// A peer sends back what we answered (RFC 9260 §5.1.5, §5.2.4).
    fn handle_cookie(&mut self, now: Time, tag: u32, cookie: &[u8]) -> Result<Step, SctpError> {
        let (told, peer) = self.open_cookie(now, cookie).ok_or(SctpError::Malformed)?;
        if told != tag {
            return Err(SctpError::Malformed);
        }
        let mut again = false;
        match &mut self.phase {
            Phase::Established { peer: known, heard, .. } if tag == self.local.tag => {
                *heard = now;
                again = known.tag == peer.tag;
            }
            Phase::Established { .. } => {
                // It has forgotten the association that there is.
                let next = self.next.take_if(|next| next.tag == tag);
                self.local = next.ok_or(SctpError::Malformed)?;
            }
            _ if tag == self.local.tag => {}
            _ => return Err(SctpError::Malformed),
        }
        self.send(peer.tag, COOKIE_ACK, &[]);
        Ok(if again { Step::Pass } else { self.agree(now, peer) })
    }

    fn handle_cookie_ack(&mut self, now: Time) -> Step {
        match &mut self.phase {
            Phase::CookieEchoed { peer, .. } => {
                let peer = *peer;
                self.agree(now, peer)
            }
            Phase::Established { heard, .. } => {
                *heard = now;
                Step::Pass
            }
            _ => Step::Handled,
        }
    }

    fn agree(&mut self, now: Time, peer: Init) -> Step {
        self.phase = Phase::Established { peer, heard: now, probed: now };
        Step::Agreed { local: self.local, peer }
    }

    /// Lets time pass; whether the peer is given up.
    pub(super) fn handle_timeout(&mut self, now: Time) -> bool {
        let due = self.poll_timeout().is_some_and(|due| due <= now);
        if !due {
            return false;
        }
        match &mut self.phase {
            Phase::CookieWait(repeated) => {
                let Some(again) = repeated.again(now) else { return true };
                *repeated = again;
                self.send(0, INIT, &self.local.body(None));
            }
            Phase::CookieEchoed { peer, cookie, repeated } => {
                let Some(again) = repeated.again(now) else { return true };
                *repeated = again;
                let (tag, cookie) = (peer.tag, cookie.clone());
                self.send(tag, COOKIE_ECHO, &cookie);
            }
            Phase::Established { peer, heard, probed } => {
                if now.since(*heard) >= LOST_AFTER {
                    return true;
                }
                *probed = now;
                let tag = peer.tag;
                self.send(tag, HEARTBEAT, &HEARTBEAT_INFO);
            }
            Phase::Idle | Phase::Ended => {}
        }
        false
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        match &self.phase {
            Phase::CookieWait(repeated) | Phase::CookieEchoed { repeated, .. } => {
                Some(repeated.due)
            }
            Phase::Established { heard, probed, .. } => Some(*heard.max(probed) + PROBE_AFTER),
            Phase::Idle | Phase::Ended => None,
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Ends it, and tells the peer if there is one.
    pub(super) fn abort(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        if let Phase::CookieEchoed { peer, .. } | Phase::Established { peer, .. } = phase {
            self.send(peer.tag, ABORT, &USER_INITIATED);
        }
    }

    fn send(&mut self, tag: u32, kind: u8, body: &[u8]) {
        // What does not fit counts as lost.
        if self.outgoing.len() < MAX_OUTGOING {
            self.outgoing.push_back(packet(self.ports, tag, kind, body));
        }
    }

    /// What a peer has to show that it receives at its address: our tag, what it
    /// said of itself, and when.
    fn cookie(&self, now: Time, tag: u32, peer: &Init) -> Vec<u8> {
        let mut cookie = Vec::with_capacity(COOKIE_LEN);
        cookie.extend(tag.to_be_bytes());
        cookie.extend(peer.record());
        cookie.extend(now.as_nanos().to_be_bytes());
        // Without a digest nobody gets in.
        let mac = hmac_sha1(&self.secret, &[&cookie]).unwrap_or_default();
        cookie.extend(mac);
        cookie
    }

    fn open_cookie(&self, now: Time, cookie: &[u8]) -> Option<(u32, Init)> {
        let cookie: &[u8; COOKIE_LEN] = cookie.try_into().ok()?;
        let (said, told) = cookie.split_last_chunk::<MAC_LEN>()?;
        let mac = hmac_sha1(&self.secret, &[said])?;
        if !bool::from(mac.ct_eq(told)) {
            return None;
        }
        let (tag, rest) = said.split_first_chunk::<TAG_LEN>()?;
        let (record, at) = rest.split_first_chunk::<INIT_RECORD_LEN>()?;
        let at = Time::from_nanos(u64::from_be_bytes(at.try_into().ok()?));
        let fresh = at <= now && now.since(at) <= COOKIE_LIFE;
        Some((u32::from_be_bytes(*tag), Init::from_record(record)?)).filter(|_| fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> [Handshake; 2] {
        let config = SctpConfig::default();
        [1, 2].map(|seed| Handshake::new(&config, 1 << 20, [seed; 32]))
    }

    fn agreed(step: Result<Step, SctpError>) -> Option<[u32; 2]> {
        match step {
            Ok(Step::Agreed { local, peer }) => Some([local.tag, peer.tag]),
            _ => None,
        }
    }

    /// Carries packets until both are still, those of `b` first; gives with
    /// which tags they came to agree last.
    fn exchange(now: Time, a: &mut Handshake, b: &mut Handshake) -> [Option<[u32; 2]>; 2] {
        let mut tags = [None, None];
        for _ in 0..8 {
            while let Some(packet) = b.poll_transmit() {
                tags[0] = agreed(a.handle(now, &packet)).or(tags[0]);
            }
            while let Some(packet) = a.poll_transmit() {
                tags[1] = agreed(b.handle(now, &packet)).or(tags[1]);
            }
        }
        tags
    }

    fn assert_joined(tags: [Option<[u32; 2]>; 2]) {
        let [Some([a, b]), Some(other)] = tags else { panic!("{tags:?}") };
        assert_eq!(other, [b, a]);
    }

    #[test]
    fn either_end_may_begin_or_both_at_once() {
        let now = Time::from_secs(1);
        for begins in [[true, false], [false, true], [true, true]] {
            let [mut a, mut b] = ends();
            for (end, begins) in [&mut a, &mut b].into_iter().zip(begins) {
                if begins {
                    end.begin(now);
                }
            }
            assert_joined(exchange(now, &mut a, &mut b));
        }
    }

    #[test]
    fn what_crosses_on_its_way_comes_to_one_association() {
        // Whatever of the two beginnings is lost or late.
        let now = Time::from_secs(1);
        for lost in 0..64_u32 {
            let [mut a, mut b] = ends();
            a.begin(now);
            b.begin(now);
            let (mut tags, mut at) = ([None, None], now);
            let mut count = 0;
            for _ in 0..12 {
                let sent = [&mut a, &mut b]
                    .map(|end| std::iter::from_fn(|| end.poll_transmit()).collect::<Vec<_>>());
                for (from, packets) in sent.into_iter().enumerate() {
                    for packet in packets {
                        count += 1;
                        if count <= 6 && lost & (1 << (count - 1)) != 0 {
                            continue;
                        }
                        let to = if from == 0 { &mut b } else { &mut a };
                        tags[1 - from] = agreed(to.handle(at, &packet)).or(tags[1 - from]);
                    }
                }
                at += Duration::from_secs(1);
                assert!(!a.handle_timeout(at) && !b.handle_timeout(at));
            }
            assert_joined(tags);
        }
    }

    #[test]
    fn a_peer_that_has_forgotten_begins_anew_and_nobody_else() {
        let now = Time::from_secs(1);
        let [mut a, mut b] = ends();
        a.begin(now);
        assert_joined(exchange(now, &mut a, &mut b));
        let mut another = Handshake::new(&SctpConfig::default(), 1 << 20, [3; 32]);
        another.begin(now);
        let asked = another.poll_transmit().unwrap();
        // Whoever asks at the peer's address without receiving there gets no
        // further than this.
        assert_eq!(b.handle(now, &asked), Ok(Step::Handled));
        let answer = b.poll_transmit().unwrap();
        assert_eq!(a.handle(now, &answer), Err(SctpError::Malformed));
        a.begin(now);
        let Phase::Established { .. } = b.phase else { panic!("{:?}", b.phase) };
        another.handle(now, &answer).unwrap();
        assert_joined(exchange(now, &mut another, &mut b));
    }

    #[test]
    fn a_cookie_is_taken_once_it_is_ours_and_fresh() {
        let now = Time::from_secs(1);
        let [mut a, mut b] = ends();
        a.begin(now);
        b.handle(now, &a.poll_transmit().unwrap()).unwrap();
        a.handle(now, &b.poll_transmit().unwrap()).unwrap();
        let echo = a.poll_transmit().unwrap();
        let late = now + COOKIE_LIFE + Duration::from_secs(1);
        assert_eq!(b.handle(late, &echo), Err(SctpError::Malformed));
        let [_, mut other] = ends();
        other.secret = [9; 32];
        assert_eq!(other.handle(now, &echo), Err(SctpError::Malformed));
        assert!(agreed(b.handle(now, &echo)).is_some());
        assert_eq!(b.handle(now, &echo), Ok(Step::Pass), "a repetition changes nothing");
    }

    #[test]
    fn silence_is_asked_about_and_ends_it() {
        let mut now = Time::from_secs(1);
        let [mut a, mut b] = ends();
        a.begin(now);
        assert_joined(exchange(now, &mut a, &mut b));
        for _ in 0..10 {
            now = a.poll_timeout().unwrap();
            assert!(!a.handle_timeout(now));
            let probe = a.poll_transmit().unwrap();
            assert_eq!(b.handle(now, &probe), Ok(Step::Pass));
            // What the library answers.
            let tag = a.local.tag;
            let ack = packet(b.ports, tag, HEARTBEAT_ACK, &HEARTBEAT_INFO);
            assert_eq!(a.handle(now, &ack), Ok(Step::Handled));
        }
        let mut probes = 0;
        loop {
            now = a.poll_timeout().unwrap();
            if a.handle_timeout(now) {
                break;
            }
            probes += a.poll_transmit().iter().count();
        }
        assert_eq!(probes, 4);
    }

    #[test]
    fn a_peer_that_does_not_answer_is_given_up() {
        let [mut a, _] = ends();
        a.begin(Time::from_secs(1));
        let mut sent = 0;
        loop {
            sent += std::iter::from_fn(|| a.poll_transmit()).count();
            let due = a.poll_timeout().unwrap();
            if a.handle_timeout(due) {
                break;
            }
        }
        assert_eq!(sent, 11);
    }

    #[test]
    fn any_bytes_are_refused_and_leave_nothing() {
        let now = Time::from_secs(1);
        let [mut a, _] = ends();
        for len in 0..64 {
            assert!(a.handle(now, &vec![0x13; len]).is_err());
        }
        let stray = packet(a.ports, 77, HEARTBEAT, &HEARTBEAT_INFO);
        assert_eq!(a.handle(now, &stray), Err(SctpError::Malformed));
        assert_eq!(a.poll_transmit(), None);
    }
}
