//! The smallest program: a browser's camera and microphone, sent back to it.
//! `cargo run -p echo --bin hello`, then open <http://localhost:8090>.
use axum::{Router, extract::State, response::Html, routing::get, routing::post};
use sfu_core::{RouterOptions, SdpOptions, Sfu};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |n, or: &str| std::env::args().nth(n).unwrap_or_else(|| or.to_owned());
    let sfu = Sfu::builder().listen(argument(1, "0.0.0.0:40100").parse()?).build()?;
    let room = sfu.create_router(RouterOptions::default()).await?;
    let web = Router::new()
        .route("/", get(|| async { Html(include_str!("../page.html")) }))
        .route("/offer", post(echo))
        .with_state(room);
    let listener = tokio::net::TcpListener::bind(argument(2, "127.0.0.1:8090")).await?;
    Ok(axum::serve(listener, web).await?)
}

async fn echo(State(room): State<sfu_core::Router>, offer: String) -> Result<String, String> {
    let peer = room.accept_offer(&offer, SdpOptions::default()).await.map_err(|e| e.to_string())?;
    for slot in peer.slots() {
        let own = peer.producers().iter().find(|own| own.kind == slot.kind);
        let own = own.map(|own| own.producer.id());
        slot.consumer.switch(own).await.map_err(|e| e.to_string())?;
    }
    Ok(peer.answer().to_owned())
}
