//! Calls of routers.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sfu_ice::{SctpConfig, SrtpProfile};

use super::{Scope, answer, done, target};
use crate::api::client::describe::value;
use crate::api::client::incoming::Answer;
use crate::api::client::registry::Noun;
use crate::api::error::Result;
use crate::api::options::{PipeTransportOptions, PlainTransportOptions, WebRtcTransportOptions};
use crate::api::params::{RtpCapabilities, RtpCodecCapability};
use crate::api::sdp_session::SdpOptions;
use crate::route::{
    ActiveSpeakerOptions, AudioLevelOptions, DataProducerId, ObserverScope, ProducerId, RouterId,
    SpeakerOptions,
};

/// How many speakers are forwarded; what is not said is the default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SpeakerSettings {
    places: Option<u8>,
    hold_ms: Option<u64>,
}

impl SpeakerSettings {
    pub(super) fn options(&self) -> SpeakerOptions {
        let mut options = SpeakerOptions::default();
        options.places = self.places.unwrap_or(options.places);
        options.hold = self.hold_ms.map_or(options.hold, Duration::from_millis);
        options
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WebRtcSettings {
    udp: Option<bool>,
    tcp: Option<bool>,
    #[serde(default)]
    data_channels: bool,
    max_message_size: Option<u32>,
}

/// SCTP for a peer that takes messages of 262,144 bytes, as browsers do;
/// mediasoup-client tells no other size.
fn sctp_config(max_message_size: Option<u32>) -> SctpConfig {
    let mut config = SctpConfig::default();
    config.max_message_size = max_message_size.unwrap_or(config.max_message_size);
    config.remote_max_message_size = 262_144;
    config
}

pub(in super::super) async fn create_webrtc_transport(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let settings: WebRtcSettings = scope.parameters()?;
    let mut options = WebRtcTransportOptions::default();
    options.udp = settings.udp.unwrap_or(options.udp);
    options.tcp = settings.tcp.unwrap_or(options.tcp);
    if settings.data_channels {
        options = options.sctp(sctp_config(settings.max_message_size));
    }
    let transport = router.create_webrtc_transport(options).await?;
    answer(scope.registry().admit_webrtc(router.id(), transport)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlainSettings {
    listen: SocketAddr,
    rtcp_mux: Option<bool>,
    #[serde(default)]
    comedia: bool,
    srtp_profile: Option<SrtpProfile>,
    #[serde(default)]
    data_channels: bool,
    max_message_size: Option<u32>,
}

pub(in super::super) async fn create_plain_transport(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let settings: PlainSettings = scope.parameters()?;
    let mut options = PlainTransportOptions::new(settings.listen).comedia(settings.comedia);
    options.rtcp_mux = settings.rtcp_mux.unwrap_or(options.rtcp_mux);
    options.srtp = settings.srtp_profile;
    options.sctp = settings.data_channels.then(|| sctp_config(settings.max_message_size));
    let transport = router.create_plain_transport(options).await?;
    answer(scope.registry().admit_plain(router.id(), transport)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PipeSettings {
    listen: SocketAddr,
    srtp_profile: Option<SrtpProfile>,
    rtx: Option<bool>,
    demand: Option<bool>,
}

pub(in super::super) async fn create_pipe_transport(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let settings: PipeSettings = scope.parameters()?;
    let mut options = PipeTransportOptions::new(settings.listen);
    options.srtp = settings.srtp_profile;
    options.rtx = settings.rtx.unwrap_or(options.rtx);
    options.demand = settings.demand.unwrap_or(options.demand);
    let transport = router.create_pipe_transport(options).await?;
    answer(scope.registry().admit_pipe(router.id(), transport)?)
}

pub(in super::super) async fn create_direct_transport(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    scope.no_parameters()?;
    let transport = router.create_direct_transport().await?;
    answer(scope.registry().admit_direct(router.id(), transport))
}

/// What an observer listens to.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Listens {
    #[default]
    Added,
    Router,
}

impl From<Listens> for ObserverScope {
    fn from(listens: Listens) -> Self {
        match listens {
            Listens::Added => Self::Added,
            Listens::Router => Self::Router,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActiveSpeakerSettings {
    interval_ms: Option<u64>,
    #[serde(default)]
    scope: Listens,
}

pub(in super::super) async fn create_active_speaker_observer(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let settings: ActiveSpeakerSettings = scope.parameters()?;
    let mut options = ActiveSpeakerOptions::default().scope(settings.scope.into());
    options.interval = settings.interval_ms.map_or(options.interval, Duration::from_millis);
    let observer = router.create_active_speaker_observer(options).await?;
    let described = json!({ "id": observer.id(), "router": router.id() });
    scope.registry().add(router.id(), Noun::ActiveSpeakerObserver(observer));
    answer(described)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AudioLevelSettings {
    max_entries: Option<u16>,
    threshold: Option<i8>,
    interval_ms: Option<u64>,
    #[serde(default)]
    scope: Listens,
}

pub(in super::super) async fn create_audio_level_observer(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let settings: AudioLevelSettings = scope.parameters()?;
    let mut options = AudioLevelOptions::default().scope(settings.scope.into());
    options.max_entries = settings.max_entries.unwrap_or(options.max_entries);
    options.threshold = settings.threshold.unwrap_or(options.threshold);
    options.interval = settings.interval_ms.map_or(options.interval, Duration::from_millis);
    let observer = router.create_audio_level_observer(options).await?;
    let described = json!({ "id": observer.id(), "router": router.id() });
    scope.registry().add(router.id(), Noun::AudioLevelObserver(observer));
    answer(described)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Piping {
    producer: ProducerId,
    router: RouterId,
}

pub(in super::super) async fn pipe_to_router(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let Piping { producer, router: to } = scope.parameters()?;
    let to = scope.registry().router(to)?;
    let piped = router.pipe_to_router(producer, &to).await?;
    let paused = piped.producer.stats().await?.paused;
    let held = piped.consumer.stats().await?.iter().any(|leg| leg.paused);
    let registry = scope.registry();
    answer(json!({
        "pipeConsumer":
            registry.admit_pipe_consumer((router.id(), None), piped.consumer, producer, held)?,
        "producer": registry.admit_producer((to.id(), None), piped.producer, paused)?,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PipingData {
    data_producer: DataProducerId,
    router: RouterId,
}

pub(in super::super) async fn pipe_data_to_router(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let PipingData { data_producer, router: to } = scope.parameters()?;
    let to = scope.registry().router(to)?;
    let piped = router.pipe_data_to_router(data_producer, &to).await?;
    let paused = (piped.consumer.stats().await?, piped.producer.stats().await?);
    let (near, far) = ((router.id(), paused.0.transport), (to.id(), paused.1.transport));
    let registry = scope.registry();
    answer(json!({
        "dataConsumer": registry.admit_data_consumer(near, piped.consumer, paused.0.paused)?,
        "dataProducer": registry.admit_data_producer(far, piped.producer, paused.1.paused)?,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CanConsume {
    producer: ProducerId,
    rtp_capabilities: RtpCapabilities,
}

pub(in super::super) async fn can_consume(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let CanConsume { producer, rtp_capabilities } = scope.parameters()?;
    answer(json!({ "canConsume": router.can_consume(producer, &rtp_capabilities).await? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct MediaCodecs {
    pub(in super::super) codecs: Vec<RtpCodecCapability>,
}

pub(in super::super) async fn update_media_codecs(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let MediaCodecs { codecs } = scope.parameters()?;
    let capabilities = router.update_media_codecs(&codecs)?;
    answer(json!({ "rtpCapabilities": value(&*capabilities)? }))
}

pub(in super::super) async fn speakers(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    scope.no_parameters()?;
    answer(value(&router.speakers().await?)?)
}

pub(in super::super) async fn set_speaker_options(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let settings: SpeakerSettings = scope.parameters()?;
    router.set_speaker_options(settings.options()).await?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    offer: String,
    paused: Option<bool>,
    data: Option<bool>,
}

pub(in super::super) async fn accept_offer(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    let Offer { offer, paused, data } = scope.parameters()?;
    let mut options = SdpOptions::default();
    options.paused = paused.unwrap_or(options.paused);
    options.data = data.unwrap_or(options.data);
    let paused = options.paused;
    let session = router.accept_offer(&offer, options).await?;
    let (registry, place) = (scope.registry(), (router.id(), session.transport().id()));
    let mut producers = Vec::new();
    for it in session.producers() {
        let of = (place.0, Some(place.1));
        let producer = registry.admit_producer(of, it.producer.clone(), paused)?;
        producers.push(json!({ "mid": it.mid, "producer": producer }));
    }
    let mut slots = Vec::new();
    for it in session.slots() {
        let consumer = registry.admit_consumer(place, it.consumer.clone(), None, false)?;
        slots.push(json!({ "mid": it.mid, "consumer": consumer }));
    }
    answer(json!({
        "transport": registry.admit_webrtc(router.id(), session.transport().clone())?,
        "producers": producers,
        "slots": slots,
        "data": session.data(),
        "answer": session.answer(),
    }))
}

pub(in super::super) async fn snapshot(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    scope.no_parameters()?;
    Ok(Answer { value: serde_json::Value::Null, payload: Some(router.snapshot().await?) })
}

pub(in super::super) async fn dump(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    scope.no_parameters()?;
    answer(value(&router.dump().await?)?)
}

pub(in super::super) async fn contents(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    scope.no_parameters()?;
    answer(scope.registry().admit_contents(&router).await?)
}

pub(in super::super) async fn close(mut scope: Scope) -> Result<Answer> {
    let router = target!(scope, Router);
    scope.no_parameters()?;
    router.close().await?;
    done()
}
