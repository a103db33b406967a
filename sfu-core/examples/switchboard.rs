//! One room that another program operates: requests come as lines of JSON on
//! standard input, and each is answered by a line on standard output. The
//! end-to-end tests use it to point browsers' slots at layers and publishers.
//!
//! `cargo run -p sfu-core --example switchboard -- 127.0.0.1:40000`, then
//!
//! ```text
//! {"do": "accept", "offer": "v=0…"}
//! {"do": "switch", "peer": 1, "slot": 0, "publisher": 0}
//! {"do": "prefer", "peer": 1, "slot": 0, "spatial": 2}
//! {"do": "explain", "peer": 1, "slot": 0}
//! ```

use std::io::{BufRead, Write};

use serde::Deserialize;
use serde_json::{Value, json};
use sfu_core::{Consumer, Layers, MediaKind, Router, RouterOptions, SdpOptions, SdpSession, Sfu};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request {
    /// Takes a peer's offer. Peers are counted from 0.
    Accept { offer: String },
    /// Points a peer's n-th video slot at the first video of a publisher.
    Switch { peer: usize, slot: usize, publisher: Option<usize> },
    /// The highest spatial layer that a slot shall get.
    Prefer { peer: usize, slot: usize, spatial: u8 },
    /// What a slot gets and why, with its figures and those of its publisher.
    Explain { peer: usize, slot: usize },
    /// Ends a peer.
    Close { peer: usize },
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).ok_or("expected the address for media, IP:PORT")?;
    let sfu = Sfu::builder().listen(address.parse()?).build()?;
    let room = sfu.create_router(RouterOptions::default()).await?;
    let mut peers = Vec::new();
    // Media has threads of its own: this one may wait for a line.
    for line in std::io::stdin().lock().lines() {
        let answer = match operate(&room, &mut peers, &line?).await {
            Ok(answer) => answer,
            Err(error) => json!({ "error": error.to_string() }),
        };
        writeln!(std::io::stdout(), "{answer}")?;
    }
    Ok(())
}

async fn operate(room: &Router, peers: &mut Vec<SdpSession>, line: &str) -> Result<Value> {
    match serde_json::from_str(line)? {
        Request::Accept { offer } => {
            let peer = room.accept_offer(&offer, SdpOptions::default()).await?;
            let answer = json!({ "peer": peers.len(), "answer": peer.answer() });
            peers.push(peer);
            Ok(answer)
        }
        Request::Switch { peer, slot, publisher } => {
            let producer = match publisher {
                Some(publisher) => Some(camera(peers, publisher)?.producer.id()),
                None => None,
            };
            screen(peers, peer, slot)?.switch(producer).await?;
            Ok(json!({}))
        }
        Request::Prefer { peer, slot, spatial } => {
            let layers = Layers { spatial, temporal: u8::MAX };
            screen(peers, peer, slot)?.set_preferred_layers(layers).await?;
            Ok(json!({}))
        }
        Request::Explain { peer, slot } => {
            let consumer = screen(peers, peer, slot)?;
            let explanation = consumer.explain().await?;
            let followed = peers
                .iter()
                .flat_map(SdpSession::producers)
                .find(|followed| explanation.producer == Some(followed.producer.id()));
            let producer = match followed {
                Some(followed) => Some(followed.producer.stats().await?),
                None => None,
            };
            let stats = consumer.stats().await?;
            Ok(json!({ "explanation": explanation, "consumer": stats, "producer": producer }))
        }
        Request::Close { peer } => {
            find(peers, peer)?.close().await?;
            Ok(json!({}))
        }
    }
}

fn find(peers: &[SdpSession], peer: usize) -> Result<&SdpSession> {
    peers.get(peer).ok_or_else(|| format!("peer {peer}: expected less than {}", peers.len()).into())
}

fn camera(peers: &[SdpSession], peer: usize) -> Result<&sfu_core::SdpProducer> {
    let mut sent = find(peers, peer)?.producers().iter();
    let video = sent.find(|sent| sent.kind == MediaKind::Video);
    video.ok_or_else(|| format!("peer {peer}: expected one that sends video").into())
}

fn screen(peers: &[SdpSession], peer: usize, slot: usize) -> Result<&Consumer> {
    let slots = find(peers, peer)?.slots().iter();
    let found = slots.filter(|slot| slot.kind == MediaKind::Video).nth(slot);
    let found = found.ok_or_else(|| format!("peer {peer}: expected one with video slot {slot}"))?;
    Ok(&found.consumer)
}
