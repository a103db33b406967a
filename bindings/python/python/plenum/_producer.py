"""Producers: sources of media and of messages."""

from __future__ import annotations

from typing import cast

from ._flow import MediaFlow, MessageFlow
from .types import DataProducerStats, ProducerStats


class Producer(MediaFlow):
    """A source of media in a router: what one peer sends on one track."""

    __slots__ = ()

    async def set_speaker(self, speaker: Producer | str | None) -> None:
        """Says whose voice belongs to this picture, for slots that follow speakers.

        `speaker` is the audio producer of the same person; None is nobody's.
        """
        id = None if speaker is None else self._id_of(speaker, "speaker", Producer)
        await self._call("setSpeaker", {"speaker": id})

    async def stats(self) -> ProducerStats:
        """Its figures."""
        return cast(ProducerStats, await self._call("stats"))

    async def close(self) -> None:
        """Closes it; what follows it is empty then."""
        await super().close()


class DataProducer(MessageFlow):
    """A source of messages in a router: a channel on which a peer sends, or this process."""

    __slots__ = ()

    async def stats(self) -> DataProducerStats:
        """Its figures."""
        return cast(DataProducerStats, await self._call("stats"))

    async def close(self) -> None:
        """Closes it with its data consumers, and the peer's channel."""
        await super().close()
