"""Routers: rooms, in which producers meet consumers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar, cast, overload

from ._consumer import DataConsumer, PipeConsumer
from ._contents import RouterContents
from ._events import Event, Rtp
from ._handle import Handle
from ._loop import Topic
from ._observer import ActiveSpeakerObserver, AudioLevelObserver
from ._producer import DataProducer, Producer
from ._sdp import SdpSession
from ._stream import Stream
from ._transport import DirectTransport, PipeTransport, PlainTransport, WebRtcTransport
from .types import (
    ObserverScope,
    RouterDump,
    RtpCapabilities,
    RtpCodecCapability,
    Speakers,
    SrtpProfile,
)

E = TypeVar("E")


class PipedProducer(NamedTuple):
    """What `Router.pipe_to_router` made."""

    #: What goes out of this router.
    pipe_consumer: PipeConsumer
    #: What stands for the producer in the other router.
    producer: Producer


class PipedDataProducer(NamedTuple):
    """What `Router.pipe_data_to_router` made."""

    #: What goes out of this router.
    data_consumer: DataConsumer
    #: What stands for the data producer in the other router.
    data_producer: DataProducer


class Router(Handle):
    """A room: the producers in it can be sent to the consumers in it."""

    __slots__ = ()

    @property
    def shard(self) -> int:
        """The shard that runs it."""
        return cast(int, self.description["shard"])

    @property
    def rtp_capabilities(self) -> RtpCapabilities:
        """What it can route, with its own payload types and extension ids.

        Others after `update_media_codecs`.
        """
        return cast(RtpCapabilities, self.description["rtpCapabilities"])

    async def create_webrtc_transport(
        self,
        *,
        udp: bool | None = None,
        tcp: bool | None = None,
        data_channels: bool | None = None,
        max_message_size: int | None = None,
    ) -> WebRtcTransport:
        """A transport for a browser or another WebRTC endpoint.

        `udp` and `tcp` say which candidates are told to the peer; both by default. `data_channels`
        enables them, for messages of up to `max_message_size` bytes.
        """
        description = await self._call(
            "createWebRtcTransport",
            optional={
                "udp": udp,
                "tcp": tcp,
                "dataChannels": data_channels,
                "maxMessageSize": max_message_size,
            },
        )
        return WebRtcTransport._of(self._driver, description)

    async def create_plain_transport(
        self,
        *,
        listen: str,
        rtcp_mux: bool | None = None,
        comedia: bool | None = None,
        srtp_profile: SrtpProfile | None = None,
        data_channels: bool | None = None,
        max_message_size: int | None = None,
    ) -> PlainTransport:
        """A transport for RTP or SRTP over UDP without ICE, such as GStreamer and FFmpeg speak.

        `listen` is ``"ip:port"``; port 0 is any free one. RTP and RTCP share the port unless
        `rtcp_mux` is false. With `comedia` the peer's address is learnt from its first packet.
        `data_channels` enables SCTP beside RTP, in the clear, for messages of up to
        `max_message_size` bytes on streams that both sides know by signalling.
        """
        description = await self._call(
            "createPlainTransport",
            {"listen": listen},
            optional={
                "rtcpMux": rtcp_mux,
                "comedia": comedia,
                "srtpProfile": srtp_profile,
                "dataChannels": data_channels,
                "maxMessageSize": max_message_size,
            },
        )
        return PlainTransport._of(self._driver, description)

    async def create_pipe_transport(
        self,
        *,
        listen: str,
        srtp_profile: SrtpProfile | None = None,
        rtx: bool | None = None,
        demand: bool | None = None,
    ) -> PipeTransport:
        """A transport to another router, here or on another machine.

        `rtx` sends lost packets again (on by default). With `demand` (on by default) the peer states
        what it wants and is sent nothing until it does; off is for SFUs that are not Plenum.
        """
        description = await self._call(
            "createPipeTransport",
            {"listen": listen},
            optional={"srtpProfile": srtp_profile, "rtx": rtx, "demand": demand},
        )
        return PipeTransport._of(self._driver, description)

    async def create_direct_transport(self) -> DirectTransport:
        """A transport that ends in this process."""
        return DirectTransport._of(self._driver, await self._call("createDirectTransport"))

    async def create_active_speaker_observer(
        self, *, interval_ms: int | None = None, scope: ObserverScope | None = None
    ) -> ActiveSpeakerObserver:
        """An observer that tells who of its producers is the dominant speaker.

        `interval_ms` is the time between decisions, 300 by default. `scope` is ``"added"`` (the
        default), for the producers that are added to it, or ``"router"``, for all of the router.
        """
        description = await self._call(
            "createActiveSpeakerObserver", optional={"intervalMs": interval_ms, "scope": scope}
        )
        return ActiveSpeakerObserver._of(self._driver, description)

    async def create_audio_level_observer(
        self,
        *,
        max_entries: int | None = None,
        threshold: int | None = None,
        interval_ms: int | None = None,
        scope: ObserverScope | None = None,
    ) -> AudioLevelObserver:
        """An observer that tells how loud its producers are.

        It tells of `max_entries` producers at most, of those above `threshold` (dBov, -127 to 0).
        """
        description = await self._call(
            "createAudioLevelObserver",
            optional={
                "maxEntries": max_entries,
                "threshold": threshold,
                "intervalMs": interval_ms,
                "scope": scope,
            },
        )
        return AudioLevelObserver._of(self._driver, description)

    async def pipe_to_router(self, producer: Producer | str, router: Router | str) -> PipedProducer:
        """Brings a producer of this router into another router of the same `Sfu`."""
        answer = await self._call(
            "pipeToRouter",
            {
                "producer": self._id_of(producer, "producer", Producer),
                "router": self._id_of(router, "router", Router),
            },
        )
        return PipedProducer(
            PipeConsumer._of(self._driver, answer["pipeConsumer"]),
            Producer._of(self._driver, answer["producer"]),
        )

    async def pipe_data_to_router(
        self, data_producer: DataProducer | str, router: Router | str
    ) -> PipedDataProducer:
        """Brings a data producer of this router into another router of the same `Sfu`.

        No message that is sent after it is lost on the way.
        """
        answer = await self._call(
            "pipeDataToRouter",
            {
                "dataProducer": self._id_of(data_producer, "data_producer", DataProducer),
                "router": self._id_of(router, "router", Router),
            },
        )
        return PipedDataProducer(
            DataConsumer._of(self._driver, answer["dataConsumer"]),
            DataProducer._of(self._driver, answer["dataProducer"]),
        )

    async def can_consume(
        self, producer: Producer | str, *, rtp_capabilities: RtpCapabilities
    ) -> bool:
        """Whether a receiver with these capabilities can consume this producer."""
        answer = await self._call(
            "canConsume",
            {
                "producer": self._id_of(producer, "producer", Producer),
                "rtpCapabilities": rtp_capabilities,
            },
        )
        return cast(bool, answer["canConsume"])

    async def update_media_codecs(self, codecs: Sequence[RtpCodecCapability]) -> RtpCapabilities:
        """Has it route these codecs from now on, the preferred one first.

        Gives the new `rtp_capabilities`. What was made with others goes on, and a codec that the
        router had before has the payload type that it had then. Raises `InvalidParametersError` for
        codecs that cannot be routed; it keeps those that it has then.
        """
        answer = await self._call("updateMediaCodecs", {"codecs": codecs})
        if self._description is not None:
            self._description["rtpCapabilities"] = answer["rtpCapabilities"]
        return cast(RtpCapabilities, answer["rtpCapabilities"])

    async def speakers(self) -> Speakers:
        """Who speaks now, and who spoke before; see `SpeakersChanged` and `ActiveSpeaker`."""
        return cast(Speakers, await self._call("speakers"))

    async def set_speaker_options(
        self, *, places: int | None = None, hold_ms: int | None = None
    ) -> None:
        """How many speakers are forwarded (0 to 16), and how long the silent keep their place."""
        await self._call("setSpeakerOptions", optional={"places": places, "holdMs": hold_ms})

    async def accept_offer(
        self, offer: str, *, paused: bool | None = None, data: bool | None = None
    ) -> SdpSession:
        """Takes in a peer by its SDP offer (RFC 8829).

        Gives a transport, a producer for each section on which the peer sends, an empty slot for each
        on which it receives, and the answer. With `paused` producers start paused; `data` false
        refuses data channels. Raises `InvalidParametersError` that says which line of the offer is
        wrong; nothing of the peer is left then.
        """
        answer = await self._call(
            "acceptOffer", {"offer": offer}, optional={"paused": paused, "data": data}
        )
        return SdpSession(self._driver, answer)

    async def snapshot(self) -> bytes:
        """The whole state, for `Sfu.restore_router`. The bytes hold secrets."""
        _, payload = await self._call_with_payload("snapshot")
        return payload or b""

    async def dump(self) -> RouterDump:
        """What is in it: ids, for `attach`."""
        return cast(RouterDump, await self._call("dump"))

    async def contents(self) -> RouterContents:
        """Handles of everything in it, for a router that was restored."""
        return RouterContents._of(self._driver, await self._call("contents"))

    @overload
    def events(self, *, capacity: int = ...) -> Stream[Event]: ...
    @overload
    def events(self, *types: type[E], capacity: int = ...) -> Stream[E]: ...
    def events(self, *types: type[Any], capacity: int = 1024) -> Stream[Any]:
        """What happens in this router from this call on, until it is closed.

        Of these types, if any are named; of all but `Rtp` otherwise. What nobody takes in time is
        lost beyond `capacity`, and a `Lagged` in its place says how many.
        """
        topics = topics_of("router", self._id, types)
        return self._stream(self._driver, topics, capacity, types)

    async def close(self) -> None:
        """Closes it with all in it."""
        await super().close()


def topics_of(kind: str, id: str, types: tuple[type, ...]) -> list[Topic]:
    """Where the events of these types come from."""
    if Rtp in types:
        return [(kind, id), (f"{kind} rtp", id)]
    return [(kind, id)]
