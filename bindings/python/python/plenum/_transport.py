"""Transports: how media and messages get to a peer, or to this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from ._consumer import Consumer, DataConsumer, PipeConsumer
from ._events import Layers
from ._handle import Handle
from ._producer import DataProducer, Producer
from .types import (
    Buffer,
    DtlsParameters,
    IceParameters,
    LayersDict,
    MediaKind,
    RtpCapabilities,
    RtpParameters,
    SctpParameters,
    SctpStreamParameters,
    SrtpParameters,
    TraceType,
    TransportStats,
    WebRtcTransportParameters,
)


class _Transport(Handle):
    """What every kind of transport can do."""

    __slots__ = ()

    async def produce(
        self,
        *,
        kind: MediaKind,
        rtp_parameters: RtpParameters,
        paused: bool | None = None,
        speaker: Producer | str | None = None,
    ) -> Producer:
        """Takes in what the peer sends.

        `speaker`, of a video producer, is the audio producer of the same person, for slots that
        follow speakers. Raises `InvalidParametersError` that names the field which is wrong.
        """
        voice = None if speaker is None else self._id_of(speaker, "speaker", Producer)
        description = await self._call(
            "produce",
            {"kind": kind, "rtpParameters": rtp_parameters},
            optional={"paused": paused, "speaker": voice},
        )
        return Producer._of(self._driver, description)

    async def enable_trace_event(self, types: Iterable[TraceType] = ()) -> None:
        """Has `TransportTrace` told of these types from now on; none of them is none.

        Transports have ``"bwe"`` alone: bit rates, each time that layers are chosen.
        """
        await self._call("enableTraceEvent", {"types": list(types)})

    async def stats(self) -> TransportStats:
        """Its figures."""
        return cast(TransportStats, await self._call("stats"))

    async def close(self) -> None:
        """Closes it with its producers and consumers."""
        await super().close()

    async def produce_data(
        self,
        *,
        label: str | None = None,
        protocol: str | None = None,
        sctp_stream_parameters: SctpStreamParameters | None = None,
        paused: bool | None = None,
    ) -> DataProducer:
        """Takes in messages: of a channel of the peer that is known by signalling, or of this process.

        Channels that a peer opens itself become data producers without being asked for; see
        `DataChannelOpened`.
        """
        description = await self._call(
            "produceData",
            optional={
                "label": label,
                "protocol": protocol,
                "sctpStreamParameters": sctp_stream_parameters,
                "paused": paused,
            },
        )
        return DataProducer._of(self._driver, description)

    async def consume_data(
        self,
        data_producer: DataProducer | str,
        *,
        ordered: bool | None = None,
        max_packet_life_time: int | None = None,
        max_retransmits: int | None = None,
        negotiated: bool | None = None,
        answer_on: int | None = None,
        paused: bool | None = None,
    ) -> DataConsumer:
        """Sends the messages of a data producer to the peer or, on a direct transport, to this process.

        Order and reliability are the data producer's unless they are given; `max_packet_life_time` is
        in milliseconds. The channel is opened in the channel itself; with `negotiated` it is told to
        the peer by signalling, as it has to be on a plain transport, and `answer_on` is the stream of
        a channel that the peer has opened.
        """
        description = await self._call(
            "consumeData",
            {"dataProducer": self._id_of(data_producer, "data_producer", DataProducer)},
            optional={
                "ordered": ordered,
                "maxPacketLifeTime": max_packet_life_time,
                "maxRetransmits": max_retransmits,
                "negotiated": negotiated,
                "answerOn": answer_on,
                "paused": paused,
            },
        )
        return DataConsumer._of(self._driver, description)


class _ConsumingTransport(_Transport):
    """What every kind of transport but a pipe can do."""

    __slots__ = ()

    async def consume(
        self,
        producer: Producer | str,
        *,
        rtp_capabilities: RtpCapabilities,
        paused: bool | None = None,
        preferred_layers: Layers | LayersDict | None = None,
        mid: str | None = None,
    ) -> Consumer:
        """Sends a producer of the router to the peer.

        `rtp_capabilities` is what the receiver takes, in the router's numbers: mediasoup-client's
        ``rtpCapabilities``; on a direct transport those of the router. `mid` is what its packets carry,
        where the receiver takes that header extension. Raises `IncompatibleError` if it takes none of
        the producer's codecs.
        """
        description = await self._call(
            "consume",
            {
                "producer": self._id_of(producer, "producer", Producer),
                "rtpCapabilities": rtp_capabilities,
            },
            optional={
                "paused": paused,
                "preferredLayers": _layers(preferred_layers),
                "mid": mid,
            },
        )
        return Consumer._of(self._driver, description)

    async def consume_pipe(
        self,
        producer: Producer | str,
        *,
        rtp_capabilities: RtpCapabilities,
        paused: bool | None = None,
    ) -> PipeConsumer:
        """Sends all streams of a producer to the peer, each as it is, whatever the path carries.

        For recorders and other SFUs. Layers of other video are chosen from what is left.
        """
        description = await self._call(
            "consumePipe",
            {
                "producer": self._id_of(producer, "producer", Producer),
                "rtpCapabilities": rtp_capabilities,
            },
            optional={"paused": paused},
        )
        return PipeConsumer._of(self._driver, description)

    async def consume_slot(
        self,
        *,
        kind: MediaKind,
        rtp_capabilities: RtpCapabilities,
        mid: str | None = None,
        msid: str | None = None,
    ) -> Consumer:
        """Makes an empty receive slot.

        It can be pointed at any producer, and re-pointed, with one continuous stream. `mid` is what
        its packets carry, `msid` stream id and track id with a space between them.
        """
        description = await self._call(
            "consumeSlot",
            {"kind": kind, "rtpCapabilities": rtp_capabilities},
            optional={"mid": mid, "msid": msid},
        )
        return Consumer._of(self._driver, description)

    async def set_available_outgoing_bitrate(self, bitrate: int | None) -> None:
        """Says what the path to the peer carries, in bit/s; None (as at first) is without limit.

        Layers of video are chosen to fit into it, after audio.
        """
        await self._call("setAvailableOutgoingBitrate", {"bitrate": bitrate})


class WebRtcTransport(_ConsumingTransport):
    """A transport for browsers: ICE-lite, DTLS, SRTP, and data channels."""

    __slots__ = ()

    @property
    def parameters(self) -> WebRtcTransportParameters:
        """What the peer needs to know to connect, to be sent to it as it is."""
        names = ("id", "iceParameters", "iceCandidates", "dtlsParameters", "sctpParameters")
        given = self.description
        told = {name: given[name] for name in names if given.get(name) is not None}
        return cast(WebRtcTransportParameters, told)

    async def set_max_incoming_bitrate(self, bitrate: int | None) -> None:
        """Asks the peer to send no more than so many bit/s in all; None (as at first) is no limit.

        It is told by REMB once a second, which browsers heed whichever feedback is negotiated.
        """
        await self._call("setMaxIncomingBitrate", {"bitrate": bitrate})

    async def connect(self, *, dtls_parameters: DtlsParameters) -> None:
        """Tells the transport the peer's DTLS parameters; once."""
        await self._call("connect", {"dtlsParameters": dtls_parameters})

    async def restart_ice(self) -> IceParameters:
        """New ICE credentials, for a peer whose network changed.

        Media goes on over the old path until the peer has checked the new one.
        """
        answer = await self._call("restartIce")
        return cast(IceParameters, answer["iceParameters"])

    async def enable_data(
        self,
        *,
        max_message_size: int | None = None,
        remote_port: int | None = None,
        remote_max_message_size: int | None = None,
    ) -> None:
        """Lets data channels be used, if it was made without. To be called before `connect`."""
        await self._call(
            "enableData",
            optional={
                "maxMessageSize": max_message_size,
                "remotePort": remote_port,
                "remoteMaxMessageSize": remote_max_message_size,
            },
        )


class _AddressedTransport(_Transport):
    """A transport with an address of its own."""

    __slots__ = ()

    @property
    def local_address(self) -> str:
        """Where the peer sends RTP to (and RTCP, if multiplexed): ``"ip:port"``."""
        return cast(str, self.description["localAddress"])

    @property
    def srtp_parameters(self) -> SrtpParameters | None:
        """The key that it protects with, if SRTP is on."""
        return cast("SrtpParameters | None", self.description.get("srtpParameters"))

    async def connect(
        self,
        *,
        address: str | None = None,
        rtcp_address: str | None = None,
        srtp_parameters: SrtpParameters | None = None,
    ) -> None:
        """Tells the transport its peer's address (``"ip:port"``) and key; once."""
        await self._call(
            "connect",
            optional={
                "address": address,
                "rtcpAddress": rtcp_address,
                "srtpParameters": srtp_parameters,
            },
        )


class PlainTransport(_AddressedTransport, _ConsumingTransport):
    """A transport for RTP or SRTP over UDP without ICE, such as GStreamer and FFmpeg speak."""

    __slots__ = ()

    @property
    def local_rtcp_address(self) -> str | None:
        """Where the peer sends RTCP to, if it is not multiplexed."""
        return cast("str | None", self.description.get("localRtcpAddress"))

    @property
    def sctp_parameters(self) -> SctpParameters | None:
        """What the peer needs to know of our SCTP, if data channels are enabled."""
        return cast("SctpParameters | None", self.description.get("sctpParameters"))

    async def set_max_incoming_bitrate(self, bitrate: int | None) -> None:
        """Asks the peer to send no more than so many bit/s in all; None (as at first) is no limit.

        It is told by REMB once a second, which browsers heed whichever feedback is negotiated.
        """
        await self._call("setMaxIncomingBitrate", {"bitrate": bitrate})


class PipeTransport(_AddressedTransport):
    """A transport to another router, here or on another machine, for cascades."""

    __slots__ = ()

    async def consume(self, producer: Producer | str) -> PipeConsumer:
        """Sends all streams of a producer to the other router, as they are."""
        description = await self._call(
            "consume", {"producer": self._id_of(producer, "producer", Producer)}
        )
        return PipeConsumer._of(self._driver, description)


class DirectTransport(_ConsumingTransport):
    """A transport that ends in this process: RTP and messages in and out as bytes."""

    __slots__ = ()

    async def send_rtp(self, producer: Producer | str, packets: Iterable[Buffer]) -> None:
        """Feeds RTP packets, in the clear, to a producer of this transport.

        A batch is one call, which is much cheaper than a call for each packet. The error for a batch
        names the first packet that was refused; those before it were taken.
        """
        if isinstance(packets, (bytes, bytearray, memoryview, str)):
            kind = type(packets).__name__
            raise TypeError(f"packets: expected an iterable of packets, not one {kind}")
        await self._call(
            "sendRtp", {"producer": self._id_of(producer, "producer", Producer)}, packets
        )

    async def send_rtcp(self, packet: Buffer) -> None:
        """Takes in a compound RTCP packet, in the clear: what a peer would send.

        Requests for lost packets and key frames of consumers of this transport are heeded, and so are
        reports. What a peer would be sent comes by `Rtcp`.
        """
        await self._call("sendRtcp", {}, [packet])


def _layers(layers: Any) -> Any:
    if isinstance(layers, Layers):
        return {"spatialLayer": layers.spatial_layer, "temporalLayer": layers.temporal_layer}
    return layers


TRANSPORTS: dict[str, type[Handle]] = {
    "webrtc": WebRtcTransport,
    "plain": PlainTransport,
    "pipe": PipeTransport,
    "direct": DirectTransport,
}
