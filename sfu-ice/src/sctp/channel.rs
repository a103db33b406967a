//! The books of one data channel: its state, and what waits on it.

use std::collections::VecDeque;

use super::ChannelParameters;

/// What a message costs in the send buffer beside its bytes.
pub(super) const MESSAGE_COST: usize = 128;

/// Where a channel is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelState {
    /// Waits for the association.
    Waiting,
    /// We asked for it and wait for the answer; messages may go already.
    Opening,
    /// Both sides know it.
    Open,
    /// We reset our side and wait for the peer to reset its own.
    Closing,
}

/// One data channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) parameters: ChannelParameters,
    /// Known to both sides by other means than DATA_CHANNEL_OPEN.
    pub(super) negotiated: bool,
    /// What the peer sends on the stream is heard. Over DTLS a channel has both
    /// directions.
    pub(super) incoming: bool,
    /// We send on the stream.
    pub(super) outgoing: bool,
    pub(super) state: ChannelState,
    pub(super) low_threshold: Option<usize>,
    /// Lengths of messages that wait, the oldest first.
    lengths: VecDeque<u32>,
    /// Bytes that wait.
    buffered: usize,
    /// Bytes of the oldest message that are settled already.
    settled: usize,
}

impl Channel {
    pub(super) fn new(
        parameters: ChannelParameters,
        negotiated: bool,
        state: ChannelState,
    ) -> Self {
        Self {
            parameters,
            negotiated,
            incoming: true,
            outgoing: true,
            state,
            low_threshold: None,
            lengths: VecDeque::new(),
            buffered: 0,
            settled: 0,
        }
    }

    /// Whether messages may be sent.
    pub(super) fn is_writable(&self) -> bool {
        matches!(self.state, ChannelState::Opening | ChannelState::Open)
    }

    /// Bytes that wait to be sent or acknowledged.
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    /// What it takes up in the send buffer.
    pub(super) fn cost(&self) -> usize {
        self.buffered + self.lengths.len() * MESSAGE_COST
    }

    /// Takes note of a message that was handed over.
    pub(super) fn queued(&mut self, len: usize) {
        self.lengths.push_back(u32::try_from(len).unwrap_or(u32::MAX));
        self.buffered = self.buffered.saturating_add(len);
    }

    /// Takes note of how much waits by now; gives whether that fell to the
    /// threshold.
    pub(super) fn settle(&mut self, buffered: usize) -> bool {
        let before = self.buffered;
        self.settled += before.saturating_sub(buffered);
        self.buffered = buffered;
        while let Some(len) = self.lengths.front().map(|len| *len as usize)
            && (len <= self.settled || buffered == 0)
        {
            self.settled = self.settled.saturating_sub(len);
            self.lengths.pop_front();
        }
        if buffered == 0 {
            self.settled = 0;
        }
        self.low_threshold.is_some_and(|low| before > low && buffered <= low)
    }

    /// Waits for another association; what waited for this one is lost with it.
    pub(super) fn begin_anew(&mut self) {
        self.state = ChannelState::Waiting;
        self.lengths.clear();
        (self.buffered, self.settled) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel::new(ChannelParameters::new("x"), false, ChannelState::Open)
    }

    #[test]
    fn the_cost_of_messages_ends_with_them() {
        let mut channel = channel();
        for len in [10, 20, 30] {
            channel.queued(len);
        }
        assert_eq!(channel.cost(), 60 + 3 * MESSAGE_COST);
        channel.settle(45);
        assert_eq!(channel.cost(), 45 + 2 * MESSAGE_COST);
        channel.settle(5);
        assert_eq!(channel.cost(), 5 + MESSAGE_COST);
        channel.settle(0);
        assert_eq!(channel.cost(), 0);
    }

    #[test]
    fn the_threshold_is_told_when_it_is_crossed_downwards() {
        let mut channel = channel();
        channel.low_threshold = Some(25);
        channel.queued(20);
        assert!(!channel.settle(20));
        channel.queued(30);
        assert!(!channel.settle(26));
        assert!(channel.settle(25));
        assert!(!channel.settle(0));
    }
}
