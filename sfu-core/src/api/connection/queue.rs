//! A bounded queue of events for one subscriber.
//!
//! Shards push and never wait; when the queue is full, states that a newer one
//! supersedes go first, then the oldest event, and the reader is told how many
//! it lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::route::{ConsumerId, Event, RouterId};

/// How far a subscriber may be behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// In events.
    pub(crate) events: usize,
    /// In bytes of payload in them.
    pub(crate) bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { events: 1024, bytes: 16 << 20 }
    }
}

pub(crate) struct EventQueue {
    /// Only events of this router; none is all of them.
    router: Option<RouterId>,
    capacity: Capacity,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Only events that it likes; none is all of them.
    wanted: Option<fn(&Event) -> bool>,
    events: VecDeque<Event>,
    /// Bytes of payload in them.
    bytes: usize,
    lost: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl State {
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(event.payload_len());
        Some(event)
    }
}

impl EventQueue {
    pub(crate) fn new(router: Option<RouterId>, capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { router, capacity, state: Mutex::default() })
    }

    /// Takes only events that `wanted` likes, also of those that wait already.
    pub(crate) fn set_wanted(&self, wanted: fn(&Event) -> bool) {
        let mut state = self.lock();
        state.wanted = Some(wanted);
        state.events.retain(wanted);
        state.bytes = state.events.iter().map(Event::payload_len).sum();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // If the caller's predicate panics while the lock is held, the queue is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, event: &Event) {
        if self.router.is_some() && self.router != event.router() {
            return;
        }
        let mut state = self.lock();
        if state.wanted.is_some_and(|wanted| !wanted(event)) {
            return;
        }
        if state.events.len() >= self.capacity.events {
            match state.events.iter().position(|old| old.is_superseded_by(event)) {
                Some(position) => {
                    state.events.remove(position);
                }
                None => {
                    state.pop();
                    state.lost += 1;
                }
            }
        }
        let bytes = event.payload_len();
        while state.bytes + bytes > self.capacity.bytes && state.pop().is_some() {
            state.lost += 1;
        }
        state.bytes += bytes;
        state.events.push_back(event.clone());
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Takes packets for `consumer` as long as they are what comes next.
    pub(crate) fn take_packets(&self, consumer: ConsumerId, packets: &mut Vec<Bytes>, most: usize) {
        let mut state = self.lock();
        // What was lost is told before what came after it.
        while packets.len() < most && state.lost == 0 {
            match state.events.front() {
                Some(Event::Rtp { consumer: next, .. }) if *next == consumer => {}
                _ => return,
            }
            if let Some(Event::Rtp { packet, .. }) = state.pop() {
                packets.push(packet);
            }
        }
    }

    /// Whether nothing waits and nothing more will come.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.lock();
        state.closed && state.events.is_empty() && state.lost == 0
    }

    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        if state.lost > 0 {
            return Poll::Ready(Some(Event::Lagged(std::mem::take(&mut state.lost))));
        }
        if let Some(event) = state.pop() {
            return Poll::Ready(Some(event));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(queue: &EventQueue) -> Poll<Option<Event>> {
        queue.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn router_closed(id: u64) -> Event {
        Event::RouterClosed { router: RouterId::from_u64(id).unwrap() }
    }

    #[test]
    fn what_is_not_wanted_takes_no_room() {
        let queue = EventQueue::new(None, Capacity::default());
        queue.push(&router_closed(1));
        queue.push(&router_closed(2));
        queue.set_wanted(|event| event.router() == RouterId::from_u64(2));
        for _ in 0..2 * Capacity::default().events {
            queue.push(&router_closed(3));
        }
        queue.push(&router_closed(2));
        assert_eq!(next(&queue), Poll::Ready(Some(router_closed(2))));
        assert_eq!(next(&queue), Poll::Ready(Some(router_closed(2))));
        assert_eq!(next(&queue), Poll::Pending);
    }

    #[test]
    fn a_slow_reader_is_told_how_many_it_lost() {
        let queue = EventQueue::new(None, Capacity::default());
        for id in 1..=Capacity::default().events as u64 + 3 {
            queue.push(&router_closed(id));
        }
        assert_eq!(next(&queue), Poll::Ready(Some(Event::Lagged(3))));
        assert_eq!(next(&queue), Poll::Ready(Some(router_closed(4))));
    }

    #[test]
    fn long_messages_are_bounded_by_their_bytes() {
        let queue = EventQueue::new(None, Capacity::default());
        let message = |number: u8| Event::Message {
            router: RouterId::from_u64(1).unwrap(),
            consumer: crate::route::DataConsumerId::from_u64(1).unwrap(),
            message: sfu_ice::Message::binary(vec![number; 1 << 20]),
        };
        for number in 0..18 {
            queue.push(&message(number));
        }
        assert_eq!(next(&queue), Poll::Ready(Some(Event::Lagged(2))));
        for number in 2..18 {
            assert_eq!(next(&queue), Poll::Ready(Some(message(number))));
        }
        assert_eq!(next(&queue), Poll::Pending);
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn other_routers_are_filtered_out() {
        let queue = EventQueue::new(RouterId::from_u64(1), Capacity::default());
        queue.push(&router_closed(2));
        queue.push(&router_closed(1));
        assert_eq!(next(&queue), Poll::Ready(Some(router_closed(1))));
        assert_eq!(next(&queue), Poll::Pending);
        queue.close();
        assert_eq!(next(&queue), Poll::Ready(None));
    }
}
