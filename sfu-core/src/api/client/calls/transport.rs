//! Calls of transports, of what all have and of what only some do.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::json;
use sfu_ice::{SctpConfig, SrtpProfile};

use super::media::Traced;
use super::{Scope, SrtpText, answer, done, target};
use crate::api::client::describe::value;
use crate::api::client::incoming::Answer;
use crate::api::error::{Error, Result};
use crate::api::options::{ConsumeOptions, ConsumePipeOptions, ProduceOptions, SlotOptions};
use crate::api::params::{DtlsParameters, RtpCapabilities, RtpParameters};
use crate::api::transport::TransportHandle;
use crate::route::{PlainRemote, ProducerId, RouterId, TransportId};
use crate::stream::select::Layers;
use crate::wire::MediaKind;

impl Scope {
    /// The transport that the method is called on, of whichever kind.
    pub(super) fn transport(&self) -> Result<TransportHandle> {
        self.target()?.transport().cloned().ok_or_else(Error::unexpected_reply)
    }
}

impl TransportHandle {
    /// Where what is made on it lives.
    pub(super) fn here(&self) -> (RouterId, TransportId) {
        (self.place.router, self.id)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WebRtcRemote {
    dtls_parameters: DtlsParameters,
}

pub(in super::super) async fn connect_webrtc(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, WebRtcTransport);
    let WebRtcRemote { dtls_parameters } = scope.parameters()?;
    transport.connect(dtls_parameters).await?;
    done()
}

pub(in super::super) async fn restart_ice(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, WebRtcTransport);
    scope.no_parameters()?;
    answer(json!({ "iceParameters": value(&transport.restart_ice().await?)? }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DataSettings {
    max_message_size: Option<u32>,
    remote_port: Option<u16>,
    remote_max_message_size: Option<u32>,
}

pub(in super::super) async fn enable_data(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, WebRtcTransport);
    let settings: DataSettings = scope.parameters()?;
    let mut config = SctpConfig::default();
    config.max_message_size = settings.max_message_size.unwrap_or(config.max_message_size);
    config.remote_port = settings.remote_port.unwrap_or(config.remote_port);
    config.remote_max_message_size =
        settings.remote_max_message_size.unwrap_or(config.remote_max_message_size);
    transport.enable_data(config).await?;
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Remote {
    address: Option<SocketAddr>,
    rtcp_address: Option<SocketAddr>,
    srtp_parameters: Option<SrtpText>,
}

impl Remote {
    fn into_remote(self, ours: Option<SrtpProfile>) -> Result<PlainRemote> {
        let srtp = self.srtp_parameters.map(|it| it.master(ours)).transpose()?;
        Ok(PlainRemote { address: self.address, rtcp_address: self.rtcp_address, srtp })
    }
}

pub(in super::super) async fn connect_plain(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, PlainTransport);
    let remote: Remote = scope.parameters()?;
    let ours = transport.srtp_parameters().map(|it| it.profile);
    transport.connect(remote.into_remote(ours)?).await?;
    done()
}

pub(in super::super) async fn connect_pipe(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, PipeTransport);
    let remote: Remote = scope.parameters()?;
    let ours = transport.srtp_parameters().map(|it| it.profile);
    transport.connect(remote.into_remote(ours)?).await?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feed {
    producer: ProducerId,
}

pub(in super::super) async fn send_rtp(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, DirectTransport);
    let Feed { producer } = scope.parameters()?;
    transport.send_rtp_batch(producer, std::mem::take(&mut scope.payloads)).await?;
    done()
}

pub(in super::super) async fn send_rtcp(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, DirectTransport);
    scope.no_parameters()?;
    transport.send_rtcp(scope.payload()?).await?;
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Produce {
    kind: MediaKind,
    rtp_parameters: RtpParameters,
    #[serde(default)]
    paused: bool,
    speaker: Option<ProducerId>,
}

pub(in super::super) async fn produce(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let Produce { kind, rtp_parameters, paused, speaker } = scope.parameters()?;
    let mut options = ProduceOptions::new(kind, rtp_parameters).paused(paused);
    options.speaker = speaker;
    let producer = transport.produce(options).await?;
    let (router, id) = transport.here();
    answer(scope.registry().admit_producer((router, Some(id)), producer, paused)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consume {
    producer: ProducerId,
    rtp_capabilities: RtpCapabilities,
    #[serde(default)]
    paused: bool,
    preferred_layers: Option<Layers>,
    mid: Option<String>,
}

pub(in super::super) async fn consume(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let Consume { producer, rtp_capabilities, paused, preferred_layers, mid } =
        scope.parameters()?;
    let mut options = ConsumeOptions::new(producer, rtp_capabilities).paused(paused);
    options.preferred_layers = preferred_layers;
    options.mid = mid;
    let consumer = transport.consume(options).await?;
    let registry = scope.registry();
    answer(registry.admit_consumer(transport.here(), consumer, Some(producer), paused)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsumePipe {
    producer: ProducerId,
    rtp_capabilities: RtpCapabilities,
    #[serde(default)]
    paused: bool,
}

pub(in super::super) async fn consume_pipe(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let ConsumePipe { producer, rtp_capabilities, paused } = scope.parameters()?;
    let options = ConsumePipeOptions::new(producer, rtp_capabilities).paused(paused);
    let consumer = transport.consume_pipe(options).await?;
    let (router, id) = transport.here();
    let place = (router, Some(id));
    answer(scope.registry().admit_pipe_consumer(place, consumer, producer, paused)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntoPipe {
    producer: ProducerId,
}

pub(in super::super) async fn consume_into_pipe(mut scope: Scope) -> Result<Answer> {
    let transport = target!(scope, PipeTransport);
    let IntoPipe { producer } = scope.parameters()?;
    let consumer = transport.consume(producer).await?;
    let (router, id) = transport.handle().here();
    answer(scope.registry().admit_pipe_consumer((router, Some(id)), consumer, producer, false)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Slot {
    kind: MediaKind,
    rtp_capabilities: RtpCapabilities,
    mid: Option<String>,
    msid: Option<String>,
}

pub(in super::super) async fn consume_slot(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let Slot { kind, rtp_capabilities, mid, msid } = scope.parameters()?;
    let mut options = SlotOptions::new(kind, rtp_capabilities);
    (options.mid, options.msid) = (mid, msid);
    let consumer = transport.consume_slot(options).await?;
    answer(scope.registry().admit_consumer(transport.here(), consumer, None, false)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Available {
    bitrate: Option<u64>,
}

pub(in super::super) async fn set_available_outgoing_bitrate(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let Available { bitrate } = scope.parameters()?;
    transport.set_available_outgoing_bitrate(bitrate).await?;
    done()
}

pub(in super::super) async fn set_max_incoming_bitrate(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let Available { bitrate } = scope.parameters()?;
    transport.set_max_incoming_bitrate(bitrate).await?;
    done()
}

pub(in super::super) async fn enable_trace_event(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let Traced { types } = scope.parameters()?;
    transport.enable_trace_event(&types).await?;
    done()
}

pub(in super::super) async fn stats(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    scope.no_parameters()?;
    answer(value(&transport.stats().await?)?)
}

pub(in super::super) async fn close(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    scope.no_parameters()?;
    transport.close().await?;
    done()
}
