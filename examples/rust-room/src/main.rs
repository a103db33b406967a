//! Rooms for browsers and other WebRTC clients: everybody sees and hears
//! everybody else.
//!
//! `cargo run -p rust-room`, then open <http://localhost:8091/#any-room> in
//! several windows. A client posts an SDP offer to `/rooms/NAME` and gets the
//! answer. What it receives on are slots: the server points them at the others
//! and re-points them as people come and go, without any negotiation.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use sfu_core::{
    ErrorKind, Event, IceState, MediaKind, Result, Router, RouterOptions, SdpOptions, SdpSession,
    Sfu, TransportId,
};
use tokio::sync::Mutex;

/// A router, and those who are in it.
struct Room {
    router: Router,
    people: Mutex<BTreeMap<TransportId, SdpSession>>,
}

impl Room {
    async fn join(&self, offer: &str) -> Result<String> {
        let session = self.router.accept_offer(offer, SdpOptions::default()).await?;
        let answer = session.answer().to_owned();
        let mut people = self.people.lock().await;
        people.insert(session.transport().id(), session);
        seat(&people).await.map(|()| answer)
    }

    /// Notes who leaves: a page that is closed, or a network that is gone.
    async fn watch(self: Arc<Self>) {
        let mut events = self.router.events();
        while let Some(event) = events.next().await {
            let mut people = self.people.lock().await;
            match event {
                Event::TransportStateChanged { transport, ice: IceState::Disconnected, .. } => {
                    let Some(person) = people.get(&transport) else { continue };
                    // It may have closed by itself; either way it is told.
                    let _ = person.close().await;
                }
                Event::TransportClosed { transport, .. } => {
                    people.remove(&transport);
                    if let Err(error) = seat(&people).await {
                        eprintln!("{error}");
                    }
                }
                _ => {}
            }
        }
    }
}

/// Points everybody's n-th slot of a kind at the n-th of the others.
async fn seat(people: &BTreeMap<TransportId, SdpSession>) -> Result<()> {
    for (own, person) in people {
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let others = people.iter().filter(|(other, _)| *other != own);
            let others = others.flat_map(|(_, other)| other.producers());
            let mut sources = others.filter(|it| it.kind == kind).map(|it| it.producer.id());
            for slot in person.slots().iter().filter(|slot| slot.kind == kind) {
                match slot.consumer.switch(sources.next()).await {
                    // Somebody just left: `watch` seats the others anew.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    other => other?,
                }
            }
        }
    }
    Ok(())
}

/// All rooms, each made when the first person comes.
#[derive(Clone)]
struct Rooms(Sfu, Arc<Mutex<HashMap<String, Arc<Room>>>>);

impl Rooms {
    async fn join(&self, name: String, offer: &str) -> Result<String> {
        let mut rooms = self.1.lock().await;
        let room = match rooms.get(&name) {
            Some(room) => Arc::clone(room),
            None => {
                let router = self.0.create_router(RouterOptions::default()).await?;
                let room = Arc::new(Room { router, people: Mutex::default() });
                tokio::spawn(Arc::clone(&room).watch());
                rooms.insert(name, Arc::clone(&room));
                room
            }
        };
        drop(rooms);
        room.join(offer).await
    }
}

async fn offer(
    State(rooms): State<Rooms>,
    Path(name): Path<String>,
    offer: String,
) -> Result<String, (StatusCode, String)> {
    rooms.join(name, &offer).await.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |n, or: &str| std::env::args().nth(n).unwrap_or_else(|| or.to_owned());
    let sfu = Sfu::builder().listen(argument(1, "0.0.0.0:40101").parse()?).build()?;
    let web = axum::Router::new()
        // The page is the same for the room servers in Rust and in Python.
        .route("/", get(|| async { Html(include_str!("../../python-room/room.html")) }))
        .route("/rooms/{name}", post(offer))
        .with_state(Rooms(sfu, Arc::default()));
    let listener = tokio::net::TcpListener::bind(argument(2, "127.0.0.1:8091")).await?;
    Ok(axum::serve(listener, web).await?)
}
