//! A browser's camera, microphone and data channels, sent back to it by the SFU.
//!
//! `cargo run -p echo`, then open <http://localhost:8090>.

use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Router as Web, extract::State};
use sfu_core::{
    DataConsumeOptions, Error, Event, Events, Router, RouterOptions, SdpOptions, SdpSession, Sfu,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let media = std::env::args().nth(1).unwrap_or_else(|| "0.0.0.0:40100".to_owned());
    let http = std::env::args().nth(2).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let sfu = Sfu::builder().listen(media.parse()?).build()?;
    let room = sfu.create_router(RouterOptions::default()).await?;
    let web = Web::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/offer", post(offer))
        .with_state(room);
    let listener = tokio::net::TcpListener::bind(&http).await?;
    println!("open http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, web).await?)
}

/// Takes an SDP offer, points every receive slot at what the same browser
/// sends, and gives the answer.
async fn offer(State(room): State<Router>, offer: String) -> Result<String, (StatusCode, String)> {
    echo(&room, &offer).await.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

async fn echo(room: &Router, offer: &str) -> Result<String, Error> {
    let events = room.events();
    let peer = room.accept_offer(offer, SdpOptions::default()).await?;
    for slot in peer.slots() {
        let own = peer.producers().iter().find(|own| own.kind == slot.kind);
        slot.consumer.switch(own.map(|own| own.producer.id())).await?;
    }
    let answer = peer.answer().to_owned();
    tokio::spawn(echo_data(peer, events));
    Ok(answer)
}

/// Sends each message back over the channel on which it came.
async fn echo_data(peer: SdpSession, mut events: Events) {
    let own = peer.transport().id();
    while let Some(event) = events.next().await {
        match event {
            Event::DataChannelOpened { transport, producer, stream, .. } if transport == own => {
                let back = DataConsumeOptions::new(producer).answer_on(stream);
                // It fails only if the channel is closed already.
                let _ = peer.transport().consume_data(back).await;
            }
            Event::TransportClosed { transport, .. } if transport == own => return,
            _ => {}
        }
    }
}
