//! What a call that made something answers: the thing's description.

use serde::Serialize;
use serde_json::{Value, json};

use super::registry::{Noun, Registry};
use crate::api::consumer::Consumer;
use crate::api::data_consumer::DataConsumer;
use crate::api::data_producer::DataProducer;
use crate::api::error::{Error, ErrorKind, Result};
use crate::api::pipe::{PipeConsumer, PipeTransport};
use crate::api::producer::Producer;
use crate::api::router::Router;
use crate::api::transport::{DirectTransport, PlainTransport, SrtpParameters, WebRtcTransport};
use crate::route::{ProducerId, RouterId, TransportId};

/// A value of ours as JSON.
pub(super) fn value(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(|error| Error::caused(ErrorKind::Internal, error))
}

/// `base` with `more` in it, where that is something.
fn with(mut base: Value, more: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    if let Value::Object(fields) = &mut base {
        let more = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        fields.extend(more);
    }
    base
}

fn srtp(parameters: Option<&SrtpParameters>) -> Result<Option<Value>> {
    parameters.map(|it| value(&super::calls::SrtpText::from(it))).transpose()
}

impl Registry {
    /// Notes a router, and describes it.
    pub(super) fn admit_router(&self, router: Router) -> Result<Value> {
        let described = json!({
            "id": router.id(),
            "shard": router.shard(),
            "rtpCapabilities": value(&*router.rtp_capabilities())?,
        });
        self.add(router.id(), Noun::Router(router));
        Ok(described)
    }

    pub(super) fn admit_webrtc(&self, router: RouterId, it: WebRtcTransport) -> Result<Value> {
        let base = value(it.parameters())?;
        let kind = ("kind", Some(json!("webrtc")));
        self.add(router, Noun::WebRtcTransport(it));
        Ok(with(base, [kind, ("router", Some(json!(router)))]))
    }

    pub(super) fn admit_plain(&self, router: RouterId, it: PlainTransport) -> Result<Value> {
        let described = with(
            json!({ "id": it.id(), "router": router, "kind": "plain" }),
            [
                ("localAddress", Some(json!(it.local_addr()))),
                ("localRtcpAddress", it.local_rtcp_addr().map(|address| json!(address))),
                ("srtpParameters", srtp(it.srtp_parameters())?),
                ("sctpParameters", it.sctp_parameters().map(value).transpose()?),
            ],
        );
        self.add(router, Noun::PlainTransport(it));
        Ok(described)
    }

    pub(super) fn admit_pipe(&self, router: RouterId, it: PipeTransport) -> Result<Value> {
        let described = with(
            json!({ "id": it.id(), "router": router, "kind": "pipe" }),
            [
                ("localAddress", it.local_addr().map(|address| json!(address))),
                ("srtpParameters", srtp(it.srtp_parameters())?),
            ],
        );
        self.add(router, Noun::PipeTransport(it));
        Ok(described)
    }

    pub(super) fn admit_direct(&self, router: RouterId, it: DirectTransport) -> Value {
        let described = json!({ "id": it.id(), "router": router, "kind": "direct" });
        self.add(router, Noun::DirectTransport(it));
        described
    }

    pub(super) fn admit_producer(
        &self,
        (router, transport): (RouterId, Option<TransportId>),
        it: Producer,
        paused: bool,
    ) -> Result<Value> {
        let described = with(
            json!({
                "id": it.id(),
                "router": router,
                "kind": it.kind(),
                "rtpParameters": value(it.rtp_parameters())?,
                "paused": paused,
            }),
            [("transport", transport.map(|id| json!(id)))],
        );
        self.add(router, Noun::Producer(it));
        Ok(described)
    }

    pub(super) fn admit_consumer(
        &self,
        (router, transport): (RouterId, TransportId),
        it: Consumer,
        producer: Option<ProducerId>,
        paused: bool,
    ) -> Result<Value> {
        let described = json!({
            "id": it.id(),
            "router": router,
            "transport": transport,
            "kind": it.kind(),
            "producer": producer,
            "rtpParameters": value(it.rtp_parameters())?,
            "paused": paused,
        });
        self.add(router, Noun::Consumer(it));
        Ok(described)
    }

    pub(super) fn admit_pipe_consumer(
        &self,
        (router, transport): (RouterId, Option<TransportId>),
        it: PipeConsumer,
        producer: ProducerId,
        paused: bool,
    ) -> Result<Value> {
        let described = with(
            json!({
                "id": it.ids().first(),
                "ids": it.ids(),
                "router": router,
                "kind": it.kind(),
                "producer": producer,
                "rtpParameters": value(it.rtp_parameters())?,
                "paused": paused,
            }),
            [("transport", transport.map(|id| json!(id)))],
        );
        self.add(router, Noun::PipeConsumer(it));
        Ok(described)
    }

    pub(super) fn admit_data_producer(
        &self,
        (router, transport): (RouterId, TransportId),
        it: DataProducer,
        paused: bool,
    ) -> Result<Value> {
        let described = with(
            json!({
                "id": it.id(),
                "router": router,
                "transport": transport,
                "label": it.label(),
                "protocol": it.protocol(),
                "paused": paused,
            }),
            [("sctpStreamParameters", it.sctp_stream_parameters().map(|it| json!(it)))],
        );
        self.add(router, Noun::DataProducer(it));
        Ok(described)
    }

    pub(super) fn admit_data_consumer(
        &self,
        (router, transport): (RouterId, TransportId),
        it: DataConsumer,
        paused: bool,
    ) -> Result<Value> {
        let described = with(
            json!({
                "id": it.id(),
                "router": router,
                "transport": transport,
                "dataProducer": it.data_producer(),
                "label": it.label(),
                "protocol": it.protocol(),
                "paused": paused,
            }),
            [("sctpStreamParameters", it.sctp_stream_parameters().map(|it| json!(it)))],
        );
        self.add(router, Noun::DataConsumer(it));
        Ok(described)
    }
}
