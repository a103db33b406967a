//! Figures and reasons of a router's parts, copied out on request.

use sfu_ice::Time;

use super::router::Router;
use super::stats::{
    ConsumerStats, Explanation, InboundRtpStats, LayerBitrate, ProducerStats, TransportStats,
};
use super::transport::TransportKind;
use crate::stream::recv::LayerMeter;
use crate::stream::select::Reason;
use crate::wire::MediaKind;

impl Router {
    pub(crate) fn transport_stats(&self, key: u32) -> Option<TransportStats> {
        let transport = self.transports.get(key as usize)?;
        let (ice_state, dtls_state) = match &transport.kind {
            TransportKind::WebRtc(webrtc) => (Some(webrtc.ice), Some(webrtc.dtls)),
            _ => (None, None),
        };
        let (sctp_state, sctp) = match &transport.kind {
            TransportKind::WebRtc(webrtc) => (webrtc.peer.sctp_state(), webrtc.peer.sctp_stats()),
            _ => match &transport.sctp {
                Some(sctp) => (Some(sctp.state()), Some(sctp.stats())),
                None => (transport.data.state(), None),
            },
        };
        let rtcp_tuple = match &transport.kind {
            TransportKind::Plain(plain) => plain.rtcp,
            _ => None,
        };
        Some(TransportStats {
            id: transport.id,
            router: self.id,
            kind: transport.kind_name().to_owned(),
            ice_state,
            dtls_state,
            sctp_state,
            sctp,
            srtp_profile: transport.security.profile(),
            tuple: transport.rtp_path(),
            rtcp_tuple,
            packets_received: transport.counters.packets_received,
            bytes_received: transport.counters.bytes_received,
            packets_sent: transport.counters.packets_sent,
            bytes_sent: transport.counters.bytes_sent,
            round_trip_time: transport.rtt.map(|rtt| rtt.as_secs_f64()),
            available_outgoing_bitrate: transport.allocation.budget.available(),
            max_incoming_bitrate: transport.incoming_cap,
            refused: transport.counters.refused,
        })
    }

    pub(crate) fn producer_stats(&mut self, now: Time, key: u32) -> Option<ProducerStats> {
        let producer = self.producers.get(key as usize)?;
        let encodings = producer.streams.iter().map(|stream| InboundRtpStats {
            ssrc: stream.ssrc,
            rid: stream.rid,
            active: stream.recv.is_active(now),
            packets_received: stream.counters.packets,
            packets_lost: stream.counters.lost.into(),
            bytes_received: stream.counters.bytes,
            jitter: stream.recv.jitter().as_secs_f64(),
            bitrate: stream.recv.bits_per_second(now),
            nack_count: stream.counters.nacked,
            retransmitted_packets_received: stream.counters.recovered,
            packets_discarded: stream.counters.discarded,
            pli_count: stream.key_frames.sent,
            fir_count: stream.counters.firs,
            bitrate_by_layer: bitrate_by_layer(producer.config.kind, &stream.layers),
            key_frames_received: stream.counters.key_frames,
            cached_key_frames: stream.cache.hits,
        });
        Some(ProducerStats {
            id: producer.id,
            transport: self.transports.get(producer.transport as usize)?.id,
            kind: producer.config.kind,
            paused: producer.paused,
            encodings: encodings.collect(),
        })
    }

    pub(crate) fn consumer_stats(&self, key: u32) -> Option<ConsumerStats> {
        let consumer = self.consumers.get(key as usize)?;
        let producer = consumer.producer.and_then(|key| self.producers.get(key as usize));
        let report = consumer.send.remote_report();
        Some(ConsumerStats {
            id: consumer.id,
            transport: self.transports.get(consumer.transport as usize)?.id,
            kind: consumer.config.kind,
            producer: producer.map(|producer| producer.id),
            paused: consumer.paused,
            ssrc: consumer.config.ssrc,
            current_layers: consumer.selector.current(),
            packets_sent: consumer.send.packets(),
            bytes_sent: consumer.send.octets(),
            retransmitted_packets_sent: consumer.counters.resent,
            nack_count: consumer.counters.nacked,
            nack_missed: consumer.counters.nack_missed,
            pli_count: consumer.counters.key_frames_asked,
            fir_count: consumer.counters.firs,
            jitter: report.map_or(0.0, |report| consumer.send.seconds(report.jitter)),
            cached_key_frames: consumer.counters.cached_key_frames,
            fraction_lost: report.map_or(0.0, |report| f64::from(report.fraction_lost) / 256.0),
            round_trip_time: consumer.send.rtt().map(|rtt| rtt.as_secs_f64()),
        })
    }

    /// Why a consumer gets what it gets.
    pub(crate) fn explain(&self, now: Time, key: u32) -> Option<Explanation> {
        let consumer = self.consumers.get(key as usize)?;
        let producer = consumer.producer.and_then(|key| self.producers.get(key as usize));
        let active_encodings = producer.map(|producer| {
            producer.streams.iter().map(|stream| stream.recv.is_active(now)).collect()
        });
        let reason = match (producer, consumer.paused, consumer.producer_paused) {
            (None, ..) if consumer.speaker.is_some() => "nobody who could be sent has its rank",
            (None, ..) => "the slot is empty",
            (_, true, _) => "the consumer is paused",
            (_, _, true) => "the producer is paused",
            _ if consumer.choice.is_some() || consumer.assembly.is_limited() => {
                consumer.layers_reason().text()
            }
            _ => match consumer.selector.reason() {
                Reason::Paused => "paused",
                Reason::NoActiveStream => "no encoding of the producer brings packets",
                Reason::OnlyStream => "the producer has one encoding",
                Reason::Preferred => "the preferred layer is alive",
                Reason::HighestActive => "the best living layer below the preferred one",
                Reason::LowestActive => {
                    "nothing at or below the preferred layer is alive: \
                                         the lowest one above"
                }
                Reason::Stabilising => "a better layer has come alive, but not for long enough",
            },
        };
        let allocation = &self.transports.get(consumer.transport as usize)?.allocation;
        Some(Explanation {
            consumer: consumer.id,
            producer: producer.map(|producer| producer.id),
            speaker: consumer.speaker,
            consumer_paused: consumer.paused,
            producer_paused: consumer.producer_paused,
            preferred: Some(consumer.preferred),
            active_encodings: active_encodings.unwrap_or_default(),
            target: consumer.selector.target().map(|layers| layers.spatial),
            current: consumer.selector.current().map(|layers| layers.spatial),
            awaits_key_frame: consumer.awaits_key_frame().is_some(),
            demand: consumer.demand,
            available_bitrate: allocation.budget.available(),
            audio_bitrate: allocation.reserved,
            video_bitrate: allocation.used,
            share: consumer.choice.map_or(0, |choice| choice.bitrate),
            ladder: producer.map_or_else(Vec::new, |p| p.ladder.rungs().to_vec()),
            rule: consumer.layers_reason(),
            reason: reason.to_owned(),
        })
    }
}

fn bitrate_by_layer(kind: MediaKind, meter: &LayerMeter) -> Vec<LayerBitrate> {
    let Some((top, fastest)) = meter.top().filter(|_| kind == MediaKind::Video) else {
        return Vec::new();
    };
    let pairs =
        (0..=top).flat_map(|spatial| (0..=fastest).map(move |temporal| (spatial, temporal)));
    let rate = |(spatial_layer, temporal_layer)| LayerBitrate {
        spatial_layer,
        temporal_layer,
        bitrate: meter.bitrate(spatial_layer, temporal_layer),
    };
    pairs.map(rate).collect()
}
