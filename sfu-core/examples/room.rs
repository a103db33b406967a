//! One room for the peers whose SDP offers are in the files named as
//! arguments: prints their answers; each then receives the others.
//!
//! The README shows this program; `tests/readme.rs` keeps the two alike.

use sfu_core::{RouterOptions, SdpOptions, Sfu};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sfu = Sfu::builder().listen("127.0.0.1:40000".parse()?).build()?;
    let room = sfu.create_router(RouterOptions::default()).await?;
    let mut peers = Vec::new();
    for file in std::env::args().skip(1) {
        let offer = std::fs::read_to_string(file)?;
        peers.push(room.accept_offer(&offer, SdpOptions::default()).await?);
    }
    for (own, peer) in peers.iter().enumerate() {
        let others = peers.iter().enumerate().filter(|(other, _)| *other != own);
        let mut tracks: Vec<_> = others.flat_map(|(_, other)| other.producers()).collect();
        for slot in peer.slots() {
            let Some(at) = tracks.iter().position(|it| it.kind == slot.kind) else { continue };
            slot.consumer.switch(Some(tracks.remove(at).producer.id())).await?;
        }
        println!("{}", peer.answer());
    }
    std::future::pending().await
}
