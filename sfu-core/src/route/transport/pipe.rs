//! What a pipe transport has beside its addresses: who is owed which message.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::Ssrc;

/// Streams of which the other end can still be told that they ended.
const MAX_ENDED: usize = 1_024;
/// How often it is told. Should all of these get lost, it is told again when
/// the other end repeats its demand.
const GOODBYES: u8 = 3;

/// The part of a transport that joins two routers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pipe {
    /// The other end states what it wants, and is sent nothing else.
    pub(crate) demand: bool,
    /// Something is to be told before the next report is due.
    pub(crate) urgent: bool,
    /// Streams that ended, and how often that is still to be told.
    pub(crate) ended: Vec<(Ssrc, u8)>,
    /// When the end of streams is told again.
    pub(crate) ended_due: Option<Time>,
}

impl Pipe {
    pub(crate) fn new(demand: bool) -> Self {
        Self { demand, ..Self::default() }
    }

    /// A stream ended.
    pub(crate) fn end(&mut self, ssrc: Ssrc) {
        self.say_goodbye(ssrc, GOODBYES);
    }

    /// The other end asks for a stream that does not exist any more.
    pub(crate) fn end_again(&mut self, ssrc: Ssrc) {
        if self.ended.iter().all(|(ended, _)| *ended != ssrc) {
            self.say_goodbye(ssrc, 1);
        }
    }

    fn say_goodbye(&mut self, ssrc: Ssrc, times: u8) {
        if self.ended.len() < MAX_ENDED {
            self.ended.push((ssrc, times));
        }
        self.ended_due = Some(Time::ZERO);
        self.urgent = true;
    }
}
