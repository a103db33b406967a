//! A bot that listens: it measures how loud each person in a room is, and
//! answers with a melody.
//!
//! `cargo run -p rust-bot`, then open <http://localhost:8094> and speak.
//! `/levels` tells what the bot measures. The bot is in the process of the
//! SFU: RTP comes to it and goes from it as bytes, by a direct transport. The
//! room speaks G.711, so that there is a codec in here that fits on a page.

mod g711;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router as Web};
use sfu_core::api::params::{RtpParameters, supported_capabilities};
use sfu_core::wire::rtp::RtpView;
use sfu_core::{
    ConsumeOptions, ConsumerId, DirectTransport, Event, MediaKind, ProduceOptions, Producer,
    ProducerId, Result, Router, RouterOptions, SdpOptions, Sfu,
};
use tokio::sync::Notify;

/// Somebody louder than this, in dBov, speaks.
const LOUD: f64 = -45.0;
/// The tones of an answer in Hz.
const MELODY: [f64; 4] = [523.25, 659.25, 783.99, 1046.5];
/// Packets of 20 ms for each tone.
const PACKETS: usize = 10;

/// Hears everybody in a router, and is heard by everybody.
struct Bot {
    room: Router,
    transport: DirectTransport,
    voice: Producer,
    /// Whose voice each consumer of the bot brings.
    ears: Mutex<HashMap<ConsumerId, ProducerId>>,
    levels: Mutex<BTreeMap<String, f64>>,
    spoken: Notify,
}

impl Bot {
    async fn join(room: Router) -> Result<Arc<Self>> {
        let transport = room.create_direct_transport().await?;
        let parameters: RtpParameters = serde_json::from_value(serde_json::json!({
            "codecs": [{ "mimeType": "audio/PCMU", "payloadType": 0, "clockRate": 8000 }],
            "encodings": [{ "ssrc": 1 }],
        }))
        .unwrap_or_default();
        let voice = transport.produce(ProduceOptions::audio(parameters)).await?;
        let (ears, levels, spoken) = (Mutex::default(), Mutex::default(), Notify::new());
        let bot = Arc::new(Self { room, transport, voice, ears, levels, spoken });
        tokio::spawn(Arc::clone(&bot).listen());
        tokio::spawn(Arc::clone(&bot).speak());
        Ok(bot)
    }

    /// Takes in a person, who hears the bot on every audio slot.
    async fn meet(&self, offer: &str) -> Result<String> {
        let person = self.room.accept_offer(offer, SdpOptions::default()).await?;
        for slot in person.slots().iter().filter(|slot| slot.kind == MediaKind::Audio) {
            slot.consumer.switch(Some(self.voice.id())).await?;
        }
        for own in person.producers().iter().filter(|own| own.kind == MediaKind::Audio) {
            let capabilities = self.room.rtp_capabilities();
            let options = ConsumeOptions::new(own.producer.id(), capabilities);
            let ear = self.transport.consume(options).await?;
            lock(&self.ears).insert(ear.id(), own.producer.id());
        }
        Ok(person.answer().to_owned())
    }

    /// Measures every packet that comes.
    async fn listen(self: Arc<Self>) {
        let heard = |event: &Event| {
            matches!(event, Event::Rtp { .. } | Event::ConsumerProducerClosed { .. })
        };
        let mut events = self.room.events().only(heard);
        while let Some(event) = events.next().await {
            match event {
                Event::Rtp { consumer, packet, .. } => {
                    let who = lock(&self.ears).get(&consumer).copied();
                    let (Some(who), Ok(view)) = (who, RtpView::parse(&packet)) else { continue };
                    let level = g711::level(view.payload());
                    lock(&self.levels).insert(who.to_string(), level);
                    if level > LOUD {
                        self.spoken.notify_one();
                    }
                }
                Event::ConsumerProducerClosed { consumer, producer, .. } => {
                    lock(&self.ears).remove(&consumer);
                    lock(&self.levels).remove(&producer.to_string());
                }
                Event::Lagged(count) => eprintln!("{count} packets came too fast"),
                _ => {}
            }
        }
    }

    /// Plays the melody whenever somebody has spoken, and nothing otherwise.
    async fn speak(self: Arc<Self>) {
        let (mut seq, mut time, mut phase) = (0_u16, 0_u32, 0.0_f64);
        loop {
            self.spoken.notified().await;
            let mut beat = tokio::time::interval(Duration::from_millis(20));
            for tone in MELODY.iter().flat_map(|tone| std::iter::repeat_n(tone, PACKETS)) {
                beat.tick().await;
                let mut packet = vec![0x80, 0];
                packet.extend(seq.to_be_bytes());
                packet.extend(time.to_be_bytes());
                packet.extend(1_u32.to_be_bytes());
                packet.extend((0..160).map(|_| {
                    phase += std::f64::consts::TAU * tone / 8_000.0;
                    g711::encode((phase.sin() * 9_000.0) as i16)
                }));
                (seq, time) = (seq.wrapping_add(1), time.wrapping_add(160));
                if let Err(error) = self.transport.send_rtp(self.voice.id(), packet.into()).await {
                    return eprintln!("{error}");
                }
            }
            // What was said meanwhile is answered already.
            let _ = tokio::time::timeout(Duration::ZERO, self.spoken.notified()).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn offer(State(bot): State<Arc<Bot>>, offer: String) -> Result<String, (StatusCode, String)> {
    bot.meet(&offer).await.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

async fn levels(State(bot): State<Arc<Bot>>) -> Json<BTreeMap<String, f64>> {
    Json(lock(&bot.levels).clone())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |n, or: &str| std::env::args().nth(n).unwrap_or_else(|| or.to_owned());
    let sfu = Sfu::builder().listen(argument(1, "0.0.0.0:40104").parse()?).build()?;
    let codecs = supported_capabilities().codecs.into_iter();
    let pcmu = codecs.filter(|codec| codec.mime_type == "audio/PCMU").collect();
    let bot = Bot::join(sfu.create_router(RouterOptions::default().codecs(pcmu)).await?).await?;
    let web = Web::new()
        // The page is the same for the bots in Rust and in Python.
        .route("/", get(|| async { Html(include_str!("../../python-bot/bot.html")) }))
        .route("/levels", get(levels))
        .route("/offer", post(offer))
        .with_state(bot);
    let listener = tokio::net::TcpListener::bind(argument(2, "127.0.0.1:8094")).await?;
    Ok(axum::serve(listener, web).await?)
}
