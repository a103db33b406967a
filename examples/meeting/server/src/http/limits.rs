//! How often one client address may ask.
//!
//! An IPv6 client counts by its /64, because it owns all of that. Addresses that were quiet long
//! enough to have their full burst again are forgotten.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::error::Problem;
use crate::app::App;
use crate::meeting::{Code, Refusal};

/// What is limited separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Every request under `/api`.
    Any,
    /// New meetings.
    Create,
    /// Seats, and with them guesses of links and keys.
    Join,
}

/// A burst, and then one more each `period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: NonZeroU32,
    /// The time after which one more is allowed.
    pub period: Duration,
}

/// The rates of one client address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Of [`Class::Any`].
    pub any: Rate,
    /// Of [`Class::Create`].
    pub create: Rate,
    /// Of [`Class::Join`].
    pub join: Rate,
}

impl Rate {
    /// `burst` at once (at least one) and one more each `period` (at least a nanosecond).
    #[must_use]
    pub fn new(burst: u32, period: Duration) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Self { burst, period: period.max(Duration::from_nanos(1)) }
    }

    fn quota(self) -> Quota {
        // The period is not zero, so that the quota exists.
        Quota::with_period(self.period)
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(self.burst)
    }
}

impl Default for Rates {
    /// A classroom behind one address can join at once.
    fn default() -> Self {
        Self {
            any: Rate::new(300, Duration::from_millis(20)),
            create: Rate::new(30, Duration::from_secs(2)),
            join: Rate::new(120, Duration::from_millis(500)),
        }
    }
}

/// The limiters of all classes.
pub struct RateLimits {
    any: DefaultKeyedRateLimiter<IpAddr>,
    create: DefaultKeyedRateLimiter<IpAddr>,
    join: DefaultKeyedRateLimiter<IpAddr>,
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RateLimits(..)")
    }
}

impl RateLimits {
    /// Limiters that have seen nobody.
    #[must_use]
    pub fn new(rates: &Rates) -> Self {
        Self {
            any: RateLimiter::keyed(rates.any.quota()),
            create: RateLimiter::keyed(rates.create.quota()),
            join: RateLimiter::keyed(rates.join.quota()),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn check(&self, class: Class, client: ClientAddress) -> Result<(), Refusal> {
        let limiter = match class {
            Class::Any => &self.any,
            Class::Create => &self.create,
            Class::Join => &self.join,
        };
        limiter.check_key(&client.0).map_err(|_| {
            Refusal::new(Code::RateLimited, "too many requests from your address; wait a little")
        })
    }

    /// Forgets addresses whose burst is full again.
    pub fn forget_idle(&self) {
        for limiter in [&self.any, &self.create, &self.join] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// The address that a request is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address as limits see it.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                Self(Ipv6Addr::from(network).into())
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = std::convert::Infallible;

    /// Requests without a socket (in-process ones) count under the unspecified address.
    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
        Ok(Self::of(app.trusted_proxies.client(peer, &parts.headers)))
    }
}

pub(super) async fn guard(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    app.limits.check(Class::Any, client)?;
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_use_up_anothers_rate() {
        let rate = Rate::new(2, Duration::from_secs(3600));
        let limits = RateLimits::new(&Rates { create: rate, ..Rates::default() });
        let client = |text: &str| ClientAddress::of(text.parse().unwrap());
        let check = |text: &str| limits.check(Class::Create, client(text)).is_ok();
        assert!(check("192.0.2.1") && check("::ffff:192.0.2.1") && !check("192.0.2.1"));
        assert!(check("192.0.2.2"));
        assert!(check("2001:db8::1") && check("2001:db8::2") && !check("2001:db8::3"));
        assert!(check("2001:db8:0:1::1"));
        assert!(limits.check(Class::Join, client("192.0.2.1")).is_ok());
        limits.forget_idle();
        assert!(!check("192.0.2.1"), "a used-up burst is not forgotten");
    }
}
