//! Datagrams on their way, by the time of their arrival.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use sfu_core::{Layers, Time, Tuple};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Engine(Tuple),
    Client(usize),
    /// No datagram but news: what is wanted of a source.
    Publisher {
        client: usize,
        source: usize,
        demand: Option<Layers>,
    },
}

/// Buffers that held a datagram and wait for the next, for a whole world.
#[derive(Clone, Debug, Default)]
pub struct Buffers(Rc<RefCell<Vec<Vec<u8>>>>);

impl Buffers {
    /// An empty one.
    pub fn take(&self) -> Vec<u8> {
        self.0.borrow_mut().pop().unwrap_or_default()
    }

    /// One that holds `bytes`.
    pub fn copy(&self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.take();
        buffer.extend_from_slice(bytes);
        buffer
    }

    pub fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.0.borrow_mut().push(buffer);
    }
}

/// What is on its way. Those that arrive at the same time come in the order in
/// which they were sent.
#[derive(Default)]
pub struct Network {
    /// Time of arrival, order of sending, and place of each, in one number.
    order: BinaryHeap<Reverse<u128>>,
    /// Datagrams stay in their places while the order is sorted.
    places: Vec<Option<(Target, Vec<u8>)>>,
    free: Vec<usize>,
    sent: u64,
}

impl Network {
    pub fn send(&mut self, at: Time, target: Target, bytes: Vec<u8>) {
        let datagram = Some((target, bytes));
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place] = datagram;
                place
            }
            None => {
                self.places.push(datagram);
                self.places.len() - 1
            }
        };
        self.sent += 1;
        let order = u128::from(self.sent) << 32 | place as u128;
        self.order.push(Reverse(u128::from(at.as_nanos()) << 64 | order));
    }

    /// Sends it as often as it arrives.
    pub fn send_all(&mut self, times: [Option<Time>; 2], target: Target, bytes: Vec<u8>) {
        let [first, second] = times;
        match (first, second) {
            (Some(at), None) | (None, Some(at)) => self.send(at, target, bytes),
            (Some(first), Some(second)) => {
                self.send(first, target, bytes.clone());
                self.send(second, target, bytes);
            }
            (None, None) => {}
        }
    }

    /// When the next one arrives.
    pub fn next(&self) -> Option<Time> {
        self.order.peek().map(|Reverse(order)| Time::from_nanos((order >> 64) as u64))
    }

    /// The next one, if it has arrived by `now`.
    pub fn receive(&mut self, now: Time) -> Option<(Target, Vec<u8>)> {
        self.next().filter(|at| *at <= now)?;
        let Reverse(order) = self.order.pop()?;
        let place = (order as u32) as usize;
        self.free.push(place);
        self.places[place].take()
    }
}
