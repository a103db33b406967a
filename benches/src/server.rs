//! The whole server: an `Sfu` with one shard, a publisher and subscribers that
//! reach it by SRTP over loopback.

use std::net::SocketAddr;

use sfu_core::api::params::RtpParameters;
use sfu_core::{
    ConsumeOptions, PlainRemote, PlainTransport, PlainTransportOptions, ProduceOptions, Router,
    RouterOptions, Sfu, ShardStats, SrtpMaster, SrtpProfile,
};

use crate::cpu::OtherThread;
use crate::executor::block_on;
use crate::publisher::{
    ABS_SEND_TIME_ID, PACKET_LEN, PAYLOAD_TYPE, Publisher, SSRC, TRANSPORT_CC_ID,
};
use crate::receivers::{ANY, Receivers};
use crate::senders::Segmented;

pub(crate) struct Server {
    sfu: Sfu,
    /// The thread that does all the work.
    pub(crate) shard: OtherThread,
    publisher: Publisher,
    camera: Segmented,
    to: SocketAddr,
}

impl Server {
    pub(crate) fn new(profile: SrtpProfile, receivers: &Receivers) -> anyhow::Result<Self> {
        let sfu = Sfu::builder().listen(ANY).tcp(false).build()?;
        let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
        let publisher = Publisher::new(profile, &key, &salt)?;
        let camera = Segmented::new()?;
        let master = SrtpMaster { key, salt };
        let to = block_on(async {
            let room = sfu.create_router(RouterOptions::default()).await?;
            let source = transport(&room, profile, camera.local_addr()?, &master).await?;
            let producer = source.produce(ProduceOptions::video(parameters()?)).await?;
            for &address in &receivers.addresses {
                let transport = transport(&room, profile, address, &master).await?;
                let capabilities = room.rtp_capabilities();
                transport.consume(ConsumeOptions::new(producer.id(), capabilities)).await?;
            }
            anyhow::Ok(source.local_addr())
        })?;
        // It has carried out commands, so it has its name by now.
        let shard = OtherThread::named("sfu-shard-0")?;
        let mut server = Self { sfu, shard, publisher, camera, to };
        // The key frame, from which on everything is forwarded.
        let frame = server.frame(1)?;
        server.forward(&frame, receivers)?;
        Ok(server)
    }

    /// What the publisher sends next.
    pub(crate) fn frame(&mut self, packets: usize) -> anyhow::Result<Vec<u8>> {
        self.publisher.frame(packets)
    }

    /// Sends a frame, all of it in one go, and waits until everybody has it.
    pub(crate) fn forward(&self, frame: &[u8], receivers: &Receivers) -> anyhow::Result<()> {
        self.camera.send(self.to, frame, PACKET_LEN)?;
        receivers.drain(frame.len() / PACKET_LEN)
    }

    pub(crate) fn stats(&self) -> anyhow::Result<ShardStats> {
        Ok(block_on(self.sfu.shard_stats(0))?)
    }
}

async fn transport(
    room: &Router,
    profile: SrtpProfile,
    peer: SocketAddr,
    master: &SrtpMaster,
) -> anyhow::Result<PlainTransport> {
    let options = PlainTransportOptions::new(ANY).srtp(profile);
    let transport = room.create_plain_transport(options).await?;
    let srtp = Some(master.clone());
    transport.connect(PlainRemote { address: Some(peer), rtcp_address: None, srtp }).await?;
    Ok(transport)
}

fn parameters() -> anyhow::Result<RtpParameters> {
    let extensions = [
        ("http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", ABS_SEND_TIME_ID),
        (
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            TRANSPORT_CC_ID,
        ),
    ];
    let extensions = extensions.map(|(uri, id)| serde_json::json!({ "uri": uri, "id": id }));
    let feedback = [("nack", ""), ("nack", "pli"), ("transport-cc", "")];
    let feedback = feedback
        .map(|(kind, parameter)| serde_json::json!({ "type": kind, "parameter": parameter }));
    Ok(serde_json::from_value(serde_json::json!({
        "codecs": [{
            "mimeType": "video/VP8",
            "payloadType": PAYLOAD_TYPE,
            "clockRate": 90_000,
            "rtcpFeedback": feedback,
        }],
        "headerExtensions": extensions,
        "encodings": [{ "ssrc": SSRC }],
    }))?)
}
