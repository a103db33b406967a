//! Lets people in: the blocking half of a join, on a few threads.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use sfu_ice::Time;

use super::clock::Clock;
use super::http;
use super::signaling::Signaling;

/// Somebody with a seat and a socket.
pub(crate) struct Arrival {
    pub(crate) index: usize,
    pub(crate) local: IpAddr,
    pub(crate) signaling: Signaling,
    /// When the join began.
    pub(crate) began: Time,
    /// Bytes of the REST join, both ways.
    pub(crate) rest_bytes: u64,
}

/// Where and how people arrive.
#[derive(Clone, Debug)]
pub(crate) struct Doorway {
    pub(crate) server: SocketAddr,
    pub(crate) meeting: String,
    pub(crate) people: usize,
    pub(crate) publishers: usize,
    /// At most so many a second; all at once if `None`.
    pub(crate) per_second: Option<f64>,
    pub(crate) doors: usize,
}

/// Opens the doors. `enter` gets everybody who came in, or why somebody did not.
pub(crate) fn open(
    doorway: Doorway,
    clock: Clock,
    enter: impl Fn(usize, anyhow::Result<Arrival>) + Send + Sync + 'static,
) -> Vec<JoinHandle<()>> {
    let (next, doorway) = (Arc::new(AtomicUsize::new(0)), Arc::new(doorway));
    let enter = Arc::new(enter);
    let opened = Instant::now();
    let door = |_| {
        let (next, doorway, enter) = (Arc::clone(&next), Arc::clone(&doorway), Arc::clone(&enter));
        std::thread::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= doorway.people {
                    return;
                }
                if let Some(rate) = doorway.per_second {
                    let due = opened + Duration::from_secs_f64(index as f64 / rate);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                enter(index, doorway.join(index, clock));
            }
        })
    };
    (0..doorway.doors.max(1)).map(door).collect()
}

impl Doorway {
    fn join(&self, index: usize, clock: Clock) -> anyhow::Result<Arrival> {
        let began = clock.now();
        let local = address(self.server.ip(), index);
        let path = format!("/api/meetings/{}/join", self.meeting);
        let body = json!({ "display_name": format!("Person {index}") });
        let answer = http::post(local, self.server, &path, &body)?;
        let seat = answer.expect(200)?;
        let text = |name: &str| seat[name].as_str().with_context(|| format!("no {name}"));
        let mut signaling = Signaling::open(local, self.server, text("signaling_server_url")?)?;
        let publishes = index < self.publishers;
        signaling.send(&json!({
            "type": "join",
            "token": text("token")?,
            "audio_enabled": publishes,
            "video_enabled": publishes,
        }))?;
        Ok(Arrival { index, local, signaling, began, rest_bytes: answer.bytes })
    }
}

/// The address that participant `index` has. Servers limit what one address may
/// ask for; on loopback each participant has an own one, as people at home do.
pub(crate) fn address(server: IpAddr, index: usize) -> IpAddr {
    match server {
        IpAddr::V4(v4) if v4.is_loopback() => {
            let [_, _, high, low] = (index as u32 + 1).to_be_bytes();
            Ipv4Addr::new(127, 77, high, low).into()
        }
        IpAddr::V6(v6) if v6.is_loopback() => v6.into(),
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}
