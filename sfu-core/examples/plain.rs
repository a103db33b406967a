//! RTP in, RTP out, without SDP or ICE: for GStreamer, ffmpeg and cameras that
//! just send. VP8 (payload type 96, SSRC 1) and Opus (111, SSRC 2) that come in
//! go out to the addresses named as arguments, their RTCP one port above.
//!
//! `cargo run -p sfu-core --example plain -- 127.0.0.1:5004 127.0.0.1:5006`
//!
//! prints as JSON where to send video and audio to, and with which payload type
//! they will arrive.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sfu_core::{
    ConsumeOptions, PlainRemote, PlainTransportOptions, ProduceOptions, Router, RouterOptions, Sfu,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut destination = |what: &str| -> Result<SocketAddr> {
        let text =
            arguments.next().ok_or_else(|| format!("expected where {what} shall go, IP:PORT"))?;
        Ok(text.parse().map_err(|error| format!("{what}: \"{text}\": {error}"))?)
    };
    let (to_video, to_audio) = (destination("video")?, destination("audio")?);
    let sfu = Sfu::builder().listen("127.0.0.1:0".parse()?).build()?;
    let room = sfu.create_router(RouterOptions::default()).await?;
    let vp8 = serde_json::from_value(json!({
        "codecs": [{
            "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90_000,
            "rtcpFeedback": [{ "type": "nack" }, { "type": "nack", "parameter": "pli" }],
        }],
        "encodings": [{ "ssrc": 1 }],
    }))?;
    let opus = serde_json::from_value(json!({
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48_000, "channels": 2,
        }],
        "encodings": [{ "ssrc": 2 }],
    }))?;
    // Video with RTCP on a port of its own, audio with both on one: either will do.
    let video = relay(&room, ProduceOptions::video(vp8), false, to_video).await?;
    let audio = relay(&room, ProduceOptions::audio(opus), true, to_audio).await?;
    println!("{}", json!({ "video": video, "audio": audio }));
    std::future::pending().await
}

async fn relay(
    room: &Router,
    produce: ProduceOptions,
    rtcp_mux: bool,
    to: SocketAddr,
) -> Result<Value> {
    let local = "127.0.0.1:0".parse()?;
    // The sender's address is learnt from its first packet.
    let options = PlainTransportOptions::new(local).comedia(true).rtcp_mux(rtcp_mux);
    let publisher = room.create_plain_transport(options).await?;
    let producer = publisher.produce(produce).await?;

    let options = PlainTransportOptions::new(local).rtcp_mux(false);
    let subscriber = room.create_plain_transport(options).await?;
    let rtcp = SocketAddr::new(to.ip(), to.port().checked_add(1).ok_or("no port for RTCP")?);
    let remote =
        PlainRemote { address: Some(to), rtcp_address: Some(rtcp), ..PlainRemote::default() };
    subscriber.connect(remote).await?;
    let options = ConsumeOptions::new(producer.id(), room.rtp_capabilities());
    let consumer = subscriber.consume(options).await?;
    Ok(json!({
        "rtp": publisher.local_addr(),
        "rtcp": publisher.local_rtcp_addr(),
        "parameters": consumer.rtp_parameters(),
        "report_to": subscriber.local_rtcp_addr(),
    }))
}
