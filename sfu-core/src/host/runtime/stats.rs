//! What a shard counts about its own work.
//!
//! The shard's thread is the only writer; a message asks it for a copy, so
//! that counting costs no atomics and no locks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::EngineCounters;

/// Operational figures of one shard since it started, as
/// [`Sfu::shard_stats`](crate::Sfu::shard_stats) tells them. All of them only
/// grow: a rate is the difference of two copies.
///
/// ```
/// use sfu_core::ShardStats;
/// let mut stats = ShardStats::default();
/// assert_eq!(stats.mean_run_length(), None);
/// (stats.media_packets, stats.media_runs) = (30, 4);
/// assert_eq!(stats.mean_run_length(), Some(7.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShardStats {
    /// Turns of the shard's loop.
    pub turns: u64,
    /// Of these, turns that took in a datagram.
    pub turns_with_input: u64,
    /// Time spent in turns, which is all but the time asleep. Includes time
    /// that the system gave to other threads in the middle of a turn.
    pub busy: Duration,
    /// UDP datagrams received.
    pub received_datagrams: u64,
    /// Their bytes, without UDP and IP headers.
    pub received_bytes: u64,
    /// UDP datagrams that the kernel took.
    pub sent_datagrams: u64,
    /// Their bytes, without UDP and IP headers.
    pub sent_bytes: u64,
    /// System calls that sent them, each up to 64 datagrams.
    pub send_calls: u64,
    /// Send calls that the kernel refused for good.
    pub send_errors: u64,
    /// Datagrams dropped because the kernel took no more and the backlog was
    /// full.
    pub dropped_datagrams: u64,
    /// RTP packets that the engine put out, retransmissions included.
    pub media_packets: u64,
    /// Runs in which it put them out: packets to one destination that one
    /// segmented send can take. Runs of nothing but RTCP do not count.
    pub media_runs: u64,
    /// Packets handed to other shards, RTP and RTCP, for routers that are
    /// joined by pipes.
    pub link_packets_sent: u64,
    /// Packets that came from other shards.
    pub link_packets_received: u64,
    /// Packets for other shards that were dropped because their ring was full.
    pub link_packets_dropped: u64,
    /// How often another shard slept and had to be woken for them.
    pub link_wakeups: u64,
    /// What the engine refused before it reached a transport.
    pub engine: EngineCounters,
}

impl ShardStats {
    /// Mean number of RTP packets in a run, the figure that decides what a
    /// forwarded packet costs. `None` before the first.
    pub fn mean_run_length(&self) -> Option<f64> {
        (self.media_runs > 0).then(|| self.media_packets as f64 / self.media_runs as f64)
    }

    /// What happened since `earlier`, an older copy from the same shard.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let engine = EngineCounters {
            unknown_class: self.engine.unknown_class.saturating_sub(earlier.engine.unknown_class),
            unknown_path: self.engine.unknown_path.saturating_sub(earlier.engine.unknown_path),
            unknown_user: self.engine.unknown_user.saturating_sub(earlier.engine.unknown_user),
            contained: self.engine.contained.saturating_sub(earlier.engine.contained),
            speakers_examined: (self.engine.speakers_examined)
                .saturating_sub(earlier.engine.speakers_examined),
        };
        Self {
            turns: self.turns.saturating_sub(earlier.turns),
            turns_with_input: self.turns_with_input.saturating_sub(earlier.turns_with_input),
            busy: self.busy.saturating_sub(earlier.busy),
            received_datagrams: self.received_datagrams.saturating_sub(earlier.received_datagrams),
            received_bytes: self.received_bytes.saturating_sub(earlier.received_bytes),
            sent_datagrams: self.sent_datagrams.saturating_sub(earlier.sent_datagrams),
            sent_bytes: self.sent_bytes.saturating_sub(earlier.sent_bytes),
            send_calls: self.send_calls.saturating_sub(earlier.send_calls),
            send_errors: self.send_errors.saturating_sub(earlier.send_errors),
            dropped_datagrams: self.dropped_datagrams.saturating_sub(earlier.dropped_datagrams),
            media_packets: self.media_packets.saturating_sub(earlier.media_packets),
            media_runs: self.media_runs.saturating_sub(earlier.media_runs),
            link_packets_sent: self.link_packets_sent.saturating_sub(earlier.link_packets_sent),
            link_packets_received: self
                .link_packets_received
                .saturating_sub(earlier.link_packets_received),
            link_packets_dropped: self
                .link_packets_dropped
                .saturating_sub(earlier.link_packets_dropped),
            link_wakeups: self.link_wakeups.saturating_sub(earlier.link_wakeups),
            engine,
        }
    }
}
