//! Events as an asynchronous sequence.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::connection::{Capacity, EventQueue};
use super::sfu::Shared;
use crate::route::{Event, RouterId};

/// What happens from now on, in order. Bounded: who reads too slowly is told
/// by [`Event::Lagged`] how much it missed, and nobody waits for it. In a large
/// room one moment has thousands of events: [`only`](Self::only) leaves out
/// those that nobody would look at.
///
/// ```no_run
/// # async fn run(room: sfu_core::Router) {
/// use sfu_core::Event;
/// let mut events = room.events();
/// while let Some(event) = events.next().await {
///     if let Event::TransportClosed { transport, reason, .. } = event {
///         println!("{transport} is gone: {reason:?}");
///     }
/// }
/// # }
/// ```
pub struct Events {
    queue: Arc<EventQueue>,
    _shared: Arc<Shared>,
}

impl Events {
    pub(crate) fn new(shared: Arc<Shared>, router: Option<RouterId>) -> Self {
        Self { queue: shared.client.subscribe(router, Capacity::default()), _shared: shared }
    }

    /// Passes on only events that `wanted` likes, from now on. Others take no
    /// room, so that they cannot crowd out what is wanted, and are not missed
    /// in [`Event::Lagged`]. `wanted` is called by the shards: it should only
    /// look.
    ///
    /// ```no_run
    /// # fn run(room: sfu_core::Router) {
    /// use sfu_core::Event;
    /// let speakers = room.events().only(|event| matches!(event, Event::SpeakersChanged { .. }));
    /// # }
    /// ```
    #[must_use]
    pub fn only(self, wanted: fn(&Event) -> bool) -> Self {
        self.queue.set_wanted(wanted);
        self
    }

    /// The next event; `None` when the `Sfu` has ended.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next), for hand-written futures and streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_next(context)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
