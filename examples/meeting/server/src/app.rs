//! What requests and sockets share, and the life of the server around it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::warn;

use crate::http::{RateLimits, Rates, TrustedProxies};
use crate::media::MediaPlane;
use crate::meeting::{
    Code, EndReason, Limits, Live, MeetingId, Moment, Refusal, Registry, RoomFacts, Services,
};
use crate::metrics::Metrics;
use crate::store::{ChatWriter, Store, StoredMeeting};

/// How many messages a meeting that comes back to memory is given.
const RECENT_CHAT: usize = 100;

/// How often a large meeting is told what has changed in it.
const NEWS: Duration = Duration::from_millis(250);

/// Bounds of a server, and what stands before it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Live meetings at a time.
    pub meetings: usize,
    /// Of each meeting.
    pub room: Limits,
    /// Of each client address.
    pub rates: Rates,
    /// Whose word is taken for the client's address.
    pub trusted_proxies: TrustedProxies,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            meetings: 1000,
            room: Limits::default(),
            rates: Rates::default(),
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// The server without its listener.
pub struct App {
    /// Meetings and chat that outlive memory.
    pub store: Arc<dyn Store>,
    /// Live meetings.
    pub registry: Registry,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Per-address limits.
    pub limits: RateLimits,
    /// Whose word is taken for the client's address.
    pub trusted_proxies: TrustedProxies,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// The tasks beside the requests.
#[derive(Debug)]
pub struct Background {
    clock: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl App {
    /// Puts a server together and starts its tasks. Must be called within a Tokio runtime.
    pub fn start(
        settings: Settings,
        store: Arc<dyn Store>,
        media: Arc<dyn MediaPlane>,
    ) -> (Arc<Self>, Background) {
        let metrics = Arc::<Metrics>::default();
        let (chat, writer) = ChatWriter::start(Arc::clone(&store), Arc::clone(&metrics));
        let services = Services { media, chat, metrics: Arc::clone(&metrics) };
        let registry = Registry::new(settings.meetings, settings.room, services);
        let limits = RateLimits::new(&settings.rates);
        let app = Arc::new(Self {
            store,
            registry,
            metrics,
            limits,
            trusted_proxies: settings.trusted_proxies,
        });
        let clock = tokio::spawn(tick(Arc::clone(&app)));
        (app, Background { clock, writer })
    }

    /// The live meeting that a path names.
    ///
    /// # Errors
    /// `not_found`.
    pub fn live(&self, meeting_id: &str) -> Result<Arc<Live>, Refusal> {
        let id = meeting_id.parse().map_err(|_| no_meeting())?;
        self.registry.get(id).ok_or_else(no_meeting)
    }

    /// The live meeting that a path names, brought to life from the store if need be.
    ///
    /// # Errors
    /// `not_found`; `unavailable` when the store does not answer or the server is full.
    pub async fn wake(&self, id: MeetingId) -> Result<Arc<Live>, Refusal> {
        if let Some(live) = self.registry.get(id) {
            return Ok(live);
        }
        let StoredMeeting { meeting_id, title, host_key, created_at } = self.stored(id).await?;
        let chat = self.store.chat_before(id, None, RECENT_CHAT).await.unwrap_or_else(|error| {
            self.metrics.store_failed();
            warn!(%error, "a meeting starts without its earlier chat");
            Vec::new()
        });
        self.registry
            .open(RoomFacts { meeting_id, title, host_key, created_at, chat }, Moment::now())
    }

    /// The stored meeting with this id.
    ///
    /// # Errors
    /// `not_found`; `unavailable` when the store does not answer.
    pub async fn stored(&self, id: MeetingId) -> Result<StoredMeeting, Refusal> {
        let meeting = self.store.meeting(id).await.map_err(|error| self.outage(&error))?;
        meeting.ok_or_else(no_meeting)
    }

    /// Counts and logs a failure of the store that a request cannot do without.
    pub fn outage(&self, error: &crate::store::StoreError) -> Refusal {
        self.metrics.store_failed();
        warn!(%error, "the store does not answer");
        Refusal::new(Code::Unavailable, "the database does not answer; try again")
    }

    /// Ends every meeting and gives sockets a moment to say goodbye.
    pub async fn shut_down(&self) {
        self.registry.close(EndReason::Shutdown, Moment::now());
        let goodbye = async {
            while self.metrics.open_sockets() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = timeout(Duration::from_secs(3), goodbye).await;
    }
}

impl Background {
    /// Stops the clock and waits until the chat is stored. Every [`App`] must be dropped before.
    pub async fn finish(self) {
        if timeout(Duration::from_secs(5), self.writer).await.is_err() {
            warn!("some chat messages were not stored in time");
        }
    }

    /// Stops the clock, which holds the [`App`].
    pub async fn stop_clock(&mut self) {
        self.clock.abort();
        let _ = (&mut self.clock).await;
    }
}

/// The error for a meeting that does not exist.
#[must_use]
pub(crate) fn no_meeting() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such meeting")
}

async fn tick(app: Arc<App>) {
    let mut ticks = interval(NEWS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        ticks.tick().await;
        app.registry.tell_news(Moment::now());
        if tick % 4 == 0 {
            app.registry.handle_timeout(Moment::now());
        }
        if tick % 240 == 0 {
            app.limits.forget_idle();
        }
    }
}
