"""Producers: sources of media and of messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from ._handle import Handle
from .types import (
    Buffer,
    DataProducerStats,
    MediaKind,
    ProducerStats,
    RtpParameters,
    SctpStreamParameters,
    TraceType,
)


class Producer(Handle):
    """A source of media in a router: what one peer sends on one track."""

    __slots__ = ()

    @property
    def kind(self) -> MediaKind:
        """``"audio"`` or ``"video"``."""
        return cast(MediaKind, self.description["kind"])

    @property
    def rtp_parameters(self) -> RtpParameters:
        """What the peer sends."""
        return cast(RtpParameters, self.description["rtpParameters"])

    async def pause(self) -> None:
        """Forwards nothing of it until `resume`."""
        await self._call("pause")

    async def resume(self) -> None:
        """Forwards again; video from the next key frame on, which is asked for."""
        await self._call("resume")

    async def set_speaker(self, speaker: Producer | str | None) -> None:
        """Says whose voice belongs to this picture, for slots that follow speakers.

        `speaker` is the audio producer of the same person; None is nobody's.
        """
        id = None if speaker is None else self._id_of(speaker, "speaker", Producer)
        await self._call("setSpeaker", {"speaker": id})

    async def enable_trace_event(self, types: Iterable[TraceType] = ()) -> None:
        """Has `ProducerTrace` told of these types from now on; none of them is none.

        For debugging: each packet is an event, and who reads too slowly loses some.
        """
        await self._call("enableTraceEvent", {"types": list(types)})

    async def stats(self) -> ProducerStats:
        """Its figures."""
        return cast(ProducerStats, await self._call("stats"))

    async def close(self) -> None:
        """Closes it; what follows it is empty then."""
        await super().close()


class DataProducer(Handle):
    """A source of messages in a router: a channel on which a peer sends, or this process."""

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
        """The peer's channel; None on a direct transport."""
        return cast("SctpStreamParameters | None", self.description.get("sctpStreamParameters"))

    async def send(self, data: str | Buffer) -> None:
        """Sends a message, text or bytes, to all who follow it. Only on direct transports."""
        await send(self, data)

    async def pause(self) -> None:
        """Forwards nothing of it until `resume`."""
        await self._call("pause")

    async def resume(self) -> None:
        """Forwards again."""
        await self._call("resume")

    async def stats(self) -> DataProducerStats:
        """Its figures."""
        return cast(DataProducerStats, await self._call("stats"))

    async def close(self) -> None:
        """Closes it with its data consumers, and the peer's channel."""
        await super().close()


async def send(handle: Handle, data: Any) -> None:
    """Sends one message from a data producer or to a data consumer."""
    text = isinstance(data, str)
    payload = data.encode() if text else data
    await handle._call("send", {"text": text}, [payload])
