//! Commands in, completions and events out: what the handles stand on.
//!
//! A call posts a command to its shard and becomes a future; the shard's
//! thread completes it. No runtime is needed: any executor can await.

mod pipe_book;
mod queue;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

pub(crate) use pipe_book::PipeBook;
pub(crate) use queue::{Capacity, EventQueue};

use sfu_ice::Protocol;

use super::error::{Error, ErrorKind, Result};
use crate::engine::{Command, Output, Reply, RequestId};
use crate::host::{LinkEnd, Message, Outbox, PipeListen, PlainListen, Runtime, ShardStats};
use crate::route::{Event, RouterId};

/// The connection of all handles to the shards.
pub(crate) struct Connection {
    runtime: OnceLock<Runtime>,
    outlet: Arc<Outlet>,
    next_request: AtomicU64,
}

/// The half that shards deliver to. It does not own the shards, so that they
/// end when the last handle is gone.
#[derive(Default)]
pub(crate) struct Outlet {
    requests: Mutex<HashMap<RequestId, Request>>,
    subscribers: Mutex<Vec<Weak<EventQueue>>>,
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    pipes: PipeBook,
}

/// Sees every event before those who subscribe to it, and misses none. Called
/// by the shards: it must be quick.
pub(crate) trait Watcher: Send + Sync {
    fn note(&self, event: &Event);
}

enum Request {
    Waiting(Option<Waker>),
    Ended(Result<Reply>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while these locks are held; the data is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    pub(crate) fn new(start: impl FnOnce(Arc<dyn Outbox>) -> Result<Runtime>) -> Result<Arc<Self>> {
        let outlet = Arc::new(Outlet::default());
        let outbox: Arc<dyn Outbox> = Arc::clone(&outlet) as Arc<dyn Outbox>;
        let runtime = start(outbox)?;
        let next_request = AtomicU64::new(1);
        Ok(Arc::new(Self { runtime: OnceLock::from(runtime), outlet, next_request }))
    }

    pub(crate) fn shards(&self) -> usize {
        self.runtime.get().map_or(0, Runtime::shards)
    }

    pub(crate) fn addresses(&self, shard: usize) -> &[SocketAddr] {
        self.runtime.get().map_or(&[], |runtime| runtime.addresses(shard))
    }

    /// Posts a command to a shard.
    pub(crate) fn submit(&self, shard: usize, command: Command) -> Pending {
        self.post(shard, |request| Message::Command(request, Box::new(command)))
    }

    /// Has a shard open the sockets of a plain transport, and make it.
    pub(crate) fn submit_plain(
        &self,
        shard: usize,
        router: RouterId,
        listen: PlainListen,
    ) -> Pending {
        self.post(shard, |request| Message::CreatePlainTransport {
            request,
            router,
            listen: Box::new(listen),
        })
    }

    /// Has a shard open the socket of a pipe transport, and make it.
    pub(crate) fn submit_pipe(
        &self,
        shard: usize,
        router: RouterId,
        listen: PipeListen,
    ) -> Pending {
        self.post(shard, |request| Message::CreatePipeTransport { request, router, listen })
    }

    /// Has a shard make a pipe transport at one end of a link.
    pub(crate) fn submit_link(&self, shard: usize, router: RouterId, end: LinkEnd) -> Pending {
        let end = Box::new(end);
        self.post(shard, |request| Message::CreateLinkedPipe { request, router, end })
    }

    /// A link between two shards.
    pub(crate) fn link(&self, near: usize, far: usize) -> Result<(LinkEnd, LinkEnd)> {
        self.runtime.get().and_then(|runtime| runtime.link(near, far)).ok_or_else(Error::shut_down)
    }

    /// Which routers are joined.
    pub(crate) fn pipes(&self) -> &PipeBook {
        &self.outlet.pipes
    }

    /// The share of its time that a shard was busy lately, in thousandths.
    pub(crate) fn load(&self, shard: usize) -> u64 {
        self.runtime.get().map_or(0, |runtime| runtime.load(shard))
    }

    /// Asks a shard for its figures.
    pub(crate) async fn shard_stats(&self, shard: usize) -> Result<ShardStats> {
        let into = Arc::new(OnceLock::new());
        let place = Arc::clone(&into);
        self.post(shard, |request| Message::Stats { request, into: place }).await?;
        into.get().copied().ok_or_else(Error::unexpected_reply)
    }

    /// Has a shard listen on one more address.
    pub(crate) async fn listen(
        &self,
        shard: usize,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Result<SocketAddr> {
        let into = Arc::new(OnceLock::new());
        let place = Arc::clone(&into);
        let listen = |request| Message::Listen { request, address, protocol, into: place };
        self.post(shard, listen).await?;
        into.get().copied().ok_or_else(Error::unexpected_reply)
    }

    /// Undoes [`listen`](Self::listen).
    pub(crate) fn unlisten(
        &self,
        shard: usize,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Pending {
        self.post(shard, |request| Message::Unlisten { request, address, protocol })
    }

    fn post(&self, shard: usize, message: impl FnOnce(RequestId) -> Message) -> Pending {
        let request = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        lock(&self.outlet.requests).insert(request, Request::Waiting(None));
        let posted = self.runtime.get().map(|runtime| runtime.post(shard, message(request)));
        if !matches!(posted, Some(Ok(()))) {
            self.outlet.end(request, Err(Error::shut_down()));
        }
        Pending { outlet: Arc::clone(&self.outlet), request }
    }

    pub(crate) fn subscribe(&self, router: Option<RouterId>, behind: Capacity) -> Arc<EventQueue> {
        let queue = EventQueue::new(router, behind);
        let mut subscribers = lock(&self.outlet.subscribers);
        subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        subscribers.push(Arc::downgrade(&queue));
        queue
    }

    /// Has `watcher` see all events, as long as it lives.
    pub(crate) fn watch(&self, watcher: Weak<dyn Watcher>) {
        lock(&self.outlet.watchers).push(watcher);
    }
}

impl Outlet {
    fn end(&self, request: RequestId, result: Result<Reply>) {
        let mut requests = lock(&self.requests);
        // The caller may have given up waiting; then nobody asks.
        let Some(entry) = requests.get_mut(&request) else { return };
        let previous = std::mem::replace(entry, Request::Ended(result));
        drop(requests);
        if let Request::Waiting(Some(waker)) = previous {
            waker.wake();
        }
    }
}

impl Outbox for Outlet {
    fn deliver(&self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Completion(completion) => {
                    self.end(completion.request, completion.result.map_err(Error::from));
                }
                Output::Event(event) => {
                    self.pipes.note(&event);
                    let watchers: Vec<_> =
                        lock(&self.watchers).iter().filter_map(Weak::upgrade).collect();
                    for watcher in watchers {
                        watcher.note(&event);
                    }
                    let queues: Vec<_> =
                        lock(&self.subscribers).iter().filter_map(Weak::upgrade).collect();
                    for queue in queues {
                        queue.push(&event);
                    }
                }
                Output::SocketNeeded(_)
                | Output::SocketReleased(_)
                | Output::LinkReleased(_)
                | Output::ConnectionReleased(_) => {}
            }
        }
    }

    fn refuse(&self, request: RequestId, address: SocketAddr, error: &io::Error) {
        let message = format!("cannot listen on {address}: {error}");
        self.end(request, Err(Error::new(ErrorKind::Io, message)));
    }

    fn stopped(&self) {
        let requests: Vec<RequestId> = lock(&self.requests).keys().copied().collect();
        for request in requests {
            self.end_if_waiting(request);
        }
        // Closing wakes readers, who may subscribe again at once.
        let queues: Vec<_> = lock(&self.subscribers).iter().filter_map(Weak::upgrade).collect();
        for queue in queues {
            queue.close();
        }
    }
}

impl Outlet {
    fn end_if_waiting(&self, request: RequestId) {
        let waiting = matches!(lock(&self.requests).get(&request), Some(Request::Waiting(_)));
        if waiting {
            self.end(request, Err(Error::shut_down()));
        }
    }
}

/// The future of one command. The command is carried out whether or not it is
/// awaited.
#[must_use = "the command is on its way, but its outcome is known only by awaiting it"]
pub(crate) struct Pending {
    outlet: Arc<Outlet>,
    request: RequestId,
}

impl Future for Pending {
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut requests = lock(&self.outlet.requests);
        match requests.remove(&self.request) {
            Some(Request::Ended(result)) => Poll::Ready(result),
            Some(Request::Waiting(_)) => {
                let waker = context.waker().clone();
                requests.insert(self.request, Request::Waiting(Some(waker)));
                Poll::Pending
            }
            None => Poll::Ready(Err(Error::unexpected_reply())),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        lock(&self.outlet.requests).remove(&self.request);
    }
}
