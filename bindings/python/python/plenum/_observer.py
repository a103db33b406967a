"""Observers: who speaks, and how loud."""

from __future__ import annotations

from ._handle import Handle
from ._producer import Producer


class _Observer(Handle):
    __slots__ = ()

    async def add_producer(self, producer: Producer | str) -> None:
        """Listens to an audio producer of the router. Not needed with scope ``"router"``."""
        await self._call("addProducer", {"producer": self._id_of(producer, "producer", Producer)})

    async def remove_producer(self, producer: Producer | str) -> None:
        """Undoes `add_producer`."""
        await self._call(
            "removeProducer", {"producer": self._id_of(producer, "producer", Producer)}
        )

    async def pause(self) -> None:
        """Tells nothing until `resume`."""
        await self._call("pause")

    async def resume(self) -> None:
        """Tells again, from a new interval on."""
        await self._call("resume")

    async def close(self) -> None:
        """Closes it. What it listens to stays."""
        await super().close()


class ActiveSpeakerObserver(_Observer):
    """Tells who of its producers is the dominant speaker, by `ActiveSpeaker` events."""

    __slots__ = ()


class AudioLevelObserver(_Observer):
    """Tells how loud its producers are, by `AudioLevels` and `Silence` events."""

    __slots__ = ()
