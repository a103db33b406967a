//! One peer by one offer: its transport, its producers and its receive slots.

use sfu_ice::SctpConfig;

use super::consumer::Consumer;
use super::error::{Error, ErrorKind, Result};
use super::options::{ProduceOptions, WebRtcTransportOptions};
use super::params::SctpParameters;
use super::producer::Producer;
use super::router::Router;
use super::sdp::{AnswerBuilder, LocalTransport, RemoteOffer, SdpError};
use super::transport::WebRtcTransport;
use crate::wire::MediaKind;

/// Options of [`Router::accept_offer`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SdpOptions {
    /// Producers start paused. Off by default.
    pub paused: bool,
    /// Data channels are accepted, if they are offered. On by default.
    pub data: bool,
}

impl Default for SdpOptions {
    fn default() -> Self {
        Self { paused: false, data: true }
    }
}

/// A peer that was accepted by its offer.
///
/// ```no_run
/// # async fn run(room: sfu_core::Router, offer: String) -> sfu_core::Result<()> {
/// let session = room.accept_offer(&offer, sfu_core::SdpOptions::default()).await?;
/// // An echo: each slot gets what the peer itself sends.
/// for slot in session.slots() {
///     let own = session.producers().iter().find(|producer| producer.kind == slot.kind);
///     slot.consumer.switch(own.map(|own| own.producer.id())).await?;
/// }
/// println!("{}", session.answer());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SdpSession {
    transport: WebRtcTransport,
    producers: Vec<SdpProducer>,
    slots: Vec<SdpSlot>,
    data: Option<String>,
    answer: String,
}

/// A section on which the peer sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SdpProducer {
    /// The section's MID.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the peer sends on it.
    pub producer: Producer,
}

/// A section on which the peer receives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SdpSlot {
    /// The section's MID.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// The slot, which follows nobody at first.
    pub consumer: Consumer,
}

impl SdpSession {
    /// The answer, for the peer.
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// The peer's transport.
    pub fn transport(&self) -> &WebRtcTransport {
        &self.transport
    }

    /// One for each section on which the peer sends, in the order of the offer.
    pub fn producers(&self) -> &[SdpProducer] {
        &self.producers
    }

    /// One for each section on which the peer receives, in the order of the
    /// offer.
    pub fn slots(&self) -> &[SdpSlot] {
        &self.slots
    }

    /// The MID of the section for data channels, if there is one. What the peer
    /// opens is told by [`Event::DataChannelOpened`](crate::Event::DataChannelOpened).
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// Closes the transport with all that is on it.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.transport.close().await
    }
}

impl Router {
    /// Takes in a peer by its SDP offer (RFC 8829): a transport, a producer for
    /// each section on which the peer sends, an empty slot for each on which
    /// it receives, and the answer.
    ///
    /// # Errors
    /// `InvalidParameters` says which line of the offer is wrong and what was
    /// expected; `NotFound` if the router is closed; `Limit` if it is full.
    /// Nothing of the peer is left then.
    pub async fn accept_offer(&self, offer: &str, options: SdpOptions) -> Result<SdpSession> {
        let offer = RemoteOffer::parse(offer)?;
        let transport = self.create_webrtc_transport(WebRtcTransportOptions::default()).await?;
        match build(self, &offer, &options, &transport).await {
            Ok(session) => Ok(session),
            Err(error) => {
                // The first error is the one to tell.
                let _ = transport.close().await;
                Err(error)
            }
        }
    }
}

async fn build(
    router: &Router,
    offer: &RemoteOffer,
    options: &SdpOptions,
    transport: &WebRtcTransport,
) -> Result<SdpSession> {
    let capabilities = router.rtp_capabilities();
    let negotiation = offer.negotiate(&capabilities);
    let handle = &transport.handle;
    let mut answer = AnswerBuilder::new(offer, &capabilities);
    let mut producers = Vec::with_capacity(negotiation.producers.len());
    for offered in &negotiation.producers {
        let produce =
            ProduceOptions::new(offered.kind, offered.parameters.clone()).paused(options.paused);
        let producer = transport.produce(produce).await?;
        answer.producer(offered.section, &offered.parameters)?;
        producers.push(SdpProducer { mid: offered.mid.clone(), kind: offered.kind, producer });
    }
    let mut slots = Vec::with_capacity(negotiation.slots.len());
    let mut sent = Vec::with_capacity(negotiation.slots.len());
    let mut counts = [0usize; 2];
    for offered in &negotiation.slots {
        // The n-th audio and the n-th video slot are one stream, so that the
        // receiver plays them in sync.
        let place = match offered.kind {
            MediaKind::Audio => 0,
            MediaKind::Video => 1,
        };
        let index = counts.get(place).copied().unwrap_or(0);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
        let msid = format!("slot-{index} {}-{index}", offered.kind);
        let ids = handle.egress_ids(None, Some(msid));
        let parameters = offered.parameters(&capabilities, ids)?;
        let consumer = handle.consume_with(offered.kind, parameters.clone()).await?;
        slots.push(SdpSlot { mid: offered.mid.clone(), kind: offered.kind, consumer });
        sent.push((offered.section, parameters));
    }
    for (section, parameters) in &sent {
        answer.slot(*section, parameters)?;
    }
    let data = offer.data().filter(|_| options.data);
    if let Some(data) = &data {
        let mut config = SctpConfig::default();
        config.remote_port = data.port;
        config.remote_max_message_size = data.max_message_size;
        transport.enable_data(config).await?;
        answer.data(SctpParameters::from(&config));
    }
    transport.connect(offer.remote_dtls().clone()).await?;
    let local = transport.parameters();
    let local = LocalTransport {
        ice: local.ice_parameters.clone(),
        candidates: local.ice_candidates.clone(),
        fingerprints: local.dtls_parameters.fingerprints.clone(),
    };
    let answer = answer.build(&local, handle.random());
    let data = data.map(|data| data.mid);
    Ok(SdpSession { transport: transport.clone(), producers, slots, data, answer })
}

impl From<SdpError> for Error {
    fn from(error: SdpError) -> Self {
        Self::caused(ErrorKind::InvalidParameters, error)
    }
}
