//! Commands in, completions and events out, for programs in other languages
//! and for event loops of one's own: what the bindings stand on.
//!
//! A [`Call`] names a [`Method`] of a noun, the noun's id, and parameters as
//! JSON; its outcome comes as a [`Completion`](Incoming::Completion) from
//! [`Client::poll`], as do events. Nothing is ever called from a thread of the
//! library: the descriptor of [`Client::fd`] fits into any event loop, and
//! [`Client::wait`] into a thread of one's own. In Rust the handles
//! ([`Sfu`], [`crate::Router`] and so on) are more convenient; both do the
//! same.
//!
//! ```
//! use sfu_core::client::{Call, Client, ClientOptions, Incoming};
//! use serde_json::json;
//!
//! let options: ClientOptions = serde_json::from_value(json!({ "listen": ["127.0.0.1:0"] }))?;
//! let client = Client::start(options)?;
//! let request = client.submit(Call::new("Sfu.createRouter", 0, json!({}), Vec::new()));
//! let answer = loop {
//!     client.wait(None);
//!     match client.poll() {
//!         Some(Incoming::Completion { request: of, result }) if of == request => break result?,
//!         _ => {}
//!     }
//! };
//! assert_eq!(answer.value["shard"], 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod call;
mod calls;
mod contents;
mod describe;
mod incoming;
mod method;
mod options;
mod registry;
mod tasks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::{Value, json};

pub use call::Call;
pub use incoming::{Answer, EVENTS, Incoming};
pub use method::{METHODS, Method};
pub use options::ClientOptions;

use self::calls::Scope;
use self::calls::router::MediaCodecs;
use self::registry::Registry;
use self::tasks::{Alarm, Tasks};
use super::connection::{Capacity, EventQueue, Watcher};
use super::error::{Error, Result};
use super::sfu::Sfu;
use crate::engine::RequestId;
use crate::host::Notifier;
use crate::route::{Event, RouterId};

/// RTP packets that [`Incoming::Rtp`] has at most.
const PACKETS: usize = 256;

/// What this SFU can route, as JSON: mediasoup's `getSupportedRtpCapabilities`.
///
/// ```
/// let capabilities = sfu_core::client::supported_rtp_capabilities();
/// assert!(capabilities["codecs"].as_array().unwrap().iter().any(|it| it["mimeType"] == "audio/opus"));
/// ```
pub fn supported_rtp_capabilities() -> Value {
    serde_json::to_value(super::params::supported_capabilities()).unwrap_or(Value::Null)
}

/// An [`Sfu`] that is driven by calls, completions and events. See
/// the [module](self).
///
/// It may be used from any thread. When it is dropped, the `Sfu` ends.
pub struct Client {
    inner: Arc<Inner>,
}

/// What calls in progress share with the client.
struct Inner {
    /// `None` once it is closed.
    sfu: Mutex<Option<Sfu>>,
    registry: Arc<Registry>,
    tasks: Tasks,
    events: Arc<EventQueue>,
    notifier: Arc<Notifier>,
    /// Whether [`Incoming::Closed`] was given.
    told_closed: Mutex<bool>,
    /// An event that waits for completions of what happened before it.
    held: Mutex<Option<Incoming>>,
    process: u32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while these locks are held; the data is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn sfu(&self) -> Result<Sfu> {
        lock(&self.sfu).clone().ok_or_else(Error::shut_down)
    }
}

impl Client {
    /// Binds the ports and starts the threads.
    ///
    /// # Errors
    /// As [`SfuBuilder::build`](crate::SfuBuilder::build).
    pub fn start(options: ClientOptions) -> Result<Self> {
        let capacity = Capacity { events: options.event_capacity.max(1), bytes: 64 << 20 };
        let sfu = options.builder()?.build()?;
        let registry = Arc::new(Registry::new());
        let connection = sfu.connection();
        let watcher: std::sync::Weak<dyn Watcher> = Arc::downgrade(&registry) as _;
        connection.watch(watcher);
        let events = connection.subscribe(None, capacity);
        let notifier = Arc::new(Notifier::default());
        let tasks = Tasks::new(Arc::clone(&notifier));
        let inner = Inner {
            sfu: Mutex::new(Some(sfu)),
            registry,
            tasks,
            events,
            notifier,
            told_closed: Mutex::new(false),
            held: Mutex::new(None),
            process: std::process::id(),
        };
        // The queue tells of an event only once somebody has looked.
        inner.notifier.raise();
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Starts a call. It is on its way when this returns, in the order of the
    /// calls, and its outcome comes from [`poll`](Self::poll), be it refused or
    /// not. 65,536 calls may be outstanding; more are refused with `Limit`.
    pub fn submit(&self, call: Call) -> RequestId {
        let inner = &self.inner;
        let request = inner.tasks.next_request();
        let Call { method, target, parameters, payloads } = call;
        let method = match method {
            Ok(method) => method,
            Err(error) => {
                inner.tasks.finish(request, Err(error));
                return request;
            }
        };
        if method.is("Sfu", "close") {
            self.close();
            inner.tasks.finish(request, Ok(Answer::default()));
            return request;
        }
        if self.is_closed() {
            inner.tasks.finish(request, Err(Error::shut_down()));
            return request;
        }
        let scope = Scope { inner: Arc::clone(inner), method, target, parameters, payloads };
        inner.tasks.spawn(request, (method.run)(scope));
        request
    }

    /// What `Router.updateMediaCodecs` does, at once: calls that were started
    /// before have the former codecs, and later ones these. Gives the new
    /// capabilities.
    ///
    /// # Errors
    /// As [`Router::update_media_codecs`](crate::Router::update_media_codecs);
    /// `NotFound` for a router that is closed, `Closed` if the `Sfu` is.
    pub fn update_media_codecs(&self, router: RouterId, codecs: &Value) -> Result<Value> {
        if self.is_closed() {
            return Err(Error::shut_down());
        }
        let router = self.inner.registry.router(router)?;
        let parameters = json!({ "codecs": codecs });
        let MediaCodecs { codecs } = calls::parse("Router.updateMediaCodecs", parameters)?;
        describe::value(&*router.update_media_codecs(&codecs)?)
    }

    /// What came next, or `None` if there is nothing now. A completion comes
    /// before the events that happened after it.
    pub fn poll(&self) -> Option<Incoming> {
        if let Some(incoming) = self.take() {
            return Some(incoming);
        }
        if *lock(&self.inner.told_closed) {
            // The flag stays up: every thread that waits shall see the end.
            return None;
        }
        // From here on whoever has something to tell raises the flag again.
        self.inner.notifier.lower();
        let incoming = self.take()?;
        self.inner.notifier.raise();
        Some(incoming)
    }

    fn take(&self) -> Option<Incoming> {
        let inner = &self.inner;
        if let Some(completion) = self.take_completion() {
            return Some(completion);
        }
        let event = lock(&inner.held).take().or_else(|| self.take_event())?;
        // A completion may have come between the two looks, before the event.
        let Some(completion) = self.take_completion() else { return Some(event) };
        *lock(&inner.held) = Some(event);
        inner.notifier.raise();
        Some(completion)
    }

    fn take_completion(&self) -> Option<Incoming> {
        self.inner.tasks.run();
        let (request, result) = self.inner.tasks.take_finished()?;
        Some(Incoming::Completion { request, result })
    }

    fn take_event(&self) -> Option<Incoming> {
        let inner = &self.inner;
        let alarm = Waker::from(Alarm::new(&inner.notifier));
        match inner.events.poll_next(&mut Context::from_waker(&alarm)) {
            Poll::Ready(Some(Event::Rtp { router, consumer, packet })) => {
                let mut packets = vec![packet];
                inner.events.take_packets(consumer, &mut packets, PACKETS);
                Some(Incoming::Rtp { router, consumer, packets })
            }
            Poll::Ready(Some(event)) => Some(Incoming::event(event)),
            Poll::Ready(None) => {
                let told = std::mem::replace(&mut *lock(&inner.told_closed), true);
                (!told).then_some(Incoming::Closed)
            }
            Poll::Pending => None,
        }
    }

    /// Blocks this thread until [`poll`](Self::poll) may give something.
    /// `false` if `timeout` has passed, or if the client is closed and
    /// everything was given.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        if *lock(&self.inner.told_closed) && self.inner.events.is_over() {
            return false;
        }
        self.inner.notifier.wait(timeout)
    }

    /// Blocks this thread until one call has ended, and takes its completion;
    /// everything else stays for [`poll`](Self::poll). `None` if `timeout` has
    /// passed. A call that is not outstanding, because it never was or its
    /// completion was taken before, is `NotFound`.
    pub fn wait_for(
        &self,
        request: RequestId,
        timeout: Option<Duration>,
    ) -> Option<Result<Answer>> {
        self.inner.tasks.wait_for(request, timeout)
    }

    /// A descriptor that is readable while [`poll`](Self::poll) may give
    /// something, for `epoll` and the like. It belongs to the client, and is
    /// never to be read. `None` if the system has no descriptor left.
    #[cfg(unix)]
    pub fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.inner.notifier.fd()
    }

    /// Ends the `Sfu` with everything in it. Outstanding calls complete with
    /// `Closed`; [`Incoming::Closed`] comes last.
    pub fn close(&self) {
        let Some(sfu) = lock(&self.inner.sfu).take() else { return };
        self.inner.tasks.abort();
        self.inner.registry.clear();
        // The last handle: joins the shards, which close the event queue.
        drop(sfu);
        self.inner.events.close();
        self.inner.notifier.raise();
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        lock(&self.inner.sfu).is_none()
    }

    /// Whether this process is a fork of the one that started the client. No
    /// other method may be called then: the threads stayed behind, and a lock
    /// may never be freed.
    pub fn is_forked(&self) -> bool {
        self.inner.process != std::process::id()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if !self.is_forked() {
            self.close();
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
