"""What producers and consumers have in common: media or messages that flow, and can be held up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ._handle import Handle
from .types import Buffer, MediaKind, RtpParameters, SctpStreamParameters, TraceType


class Flow(Handle):
    """Something that can be paused."""

    __slots__ = ()

    async def pause(self) -> None:
        """Lets nothing through until `resume`. What comes meanwhile is not sent later."""
        await self._call("pause")

    async def resume(self) -> None:
        """Lets through again; video from the next key frame on, which is asked for."""
        await self._call("resume")


class MediaFlow(Flow):
    """Audio or video: one track, or one receiver's copy of it."""

    __slots__ = ()

    @property
    def kind(self) -> MediaKind:
        """``"audio"`` or ``"video"``."""
        return cast(MediaKind, self.description["kind"])

    @property
    def rtp_parameters(self) -> RtpParameters:
        """Of a producer what the peer sends; of a consumer what the receiver is sent, for its side
        of the negotiation; of a pipe's consumer what `PipeTransport.produce` takes at its other end.
        """
        return cast(RtpParameters, self.description["rtpParameters"])

    async def enable_trace_event(self, types: Iterable[TraceType] = ()) -> None:
        """Has `ProducerTrace` or `ConsumerTrace` told of these types from now on; none of them is
        none.

        For debugging: each packet is an event, and who reads too slowly loses some.
        """
        await self._call("enableTraceEvent", {"types": list(types)})


class MessageFlow(Flow):
    """Messages of a data channel, or of this process."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """Its label."""
        return cast(str, self.description["label"])

    @property
    def protocol(self) -> str:
        """Its subprotocol."""
        return cast(str, self.description["protocol"])

    @property
    def sctp_stream_parameters(self) -> SctpStreamParameters | None:
        """The peer's channel, for its side of the negotiation; None on a direct transport."""
        return cast("SctpStreamParameters | None", self.description.get("sctpStreamParameters"))

    async def send(self, data: str | Buffer) -> None:
        """Sends a message, text or bytes: to all who follow a data producer, which has to be of a
        direct transport, or to the one receiver of a data consumer.
        """
        text = isinstance(data, str)
        payload = data.encode() if isinstance(data, str) else data
        await self._call("send", {"text": text}, [payload])
