//! What a router can route, shared by its handles and those of its transports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Result;
use super::params::ortc::updated_router_capabilities;
use super::params::{RtpCapabilities, RtpCodecCapability};

/// The capabilities of a router, which may be replaced while it lives.
pub(super) struct MediaCodecs(Mutex<State>);

struct State {
    now: Arc<RtpCapabilities>,
    /// All codecs that it ever had, the latest first: their payload types stay
    /// theirs.
    ever: Vec<RtpCodecCapability>,
}

impl MediaCodecs {
    pub(super) fn new(capabilities: RtpCapabilities) -> Self {
        let ever = capabilities.codecs.clone();
        Self(Mutex::new(State { now: Arc::new(capabilities), ever }))
    }

    /// As they are now.
    pub(super) fn capabilities(&self) -> Arc<RtpCapabilities> {
        Arc::clone(&self.lock().now)
    }

    /// Replaces the codecs. Whatever was made with others goes on.
    pub(super) fn update(&self, codecs: &[RtpCodecCapability]) -> Result<Arc<RtpCapabilities>> {
        let mut state = self.lock();
        let now = Arc::new(updated_router_capabilities(codecs, &state.ever)?);
        let mut ever = now.codecs.clone();
        let renumbered = |old: &RtpCodecCapability| {
            now.codecs.iter().any(|it| it.preferred_payload_type == old.preferred_payload_type)
        };
        ever.extend(state.ever.drain(..).filter(|old| !renumbered(old)));
        *state = State { now: Arc::clone(&now), ever };
        Ok(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; the data is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
