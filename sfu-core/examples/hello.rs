//! A browser's camera and microphone, sent back to it:
//! `cargo run --example hello`, then open <http://127.0.0.1:8092>.

use axum::{Router, extract::State, response::Html, routing::get};
use sfu_core::{RouterOptions, SdpOptions, Sfu};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let sfu = Sfu::builder().listen(setting("MEDIA", "0.0.0.0:40102").parse()?).build()?;
    let room = sfu.create_router(RouterOptions::default()).await?;
    let app = Router::new()
        .route("/", get(|| async { Html(include_str!("hello.html")) }))
        .route("/offer", axum::routing::post(echo))
        .with_state(room);
    let http = format!("127.0.0.1:{}", setting("PORT", "8092"));
    Ok(axum::serve(tokio::net::TcpListener::bind(http).await?, app).await?)
}

async fn echo(State(room): State<sfu_core::Router>, offer: String) -> Result<String, String> {
    let peer = room.accept_offer(&offer, SdpOptions::default()).await.map_err(|e| e.to_string())?;
    for slot in peer.slots() {
        let own = peer.producers().iter().find(|own| own.kind == slot.kind);
        let producer = own.map(|own| own.producer.id());
        slot.consumer.switch(producer).await.map_err(|e| e.to_string())?;
    }
    Ok(peer.answer().to_owned())
}
