"""Consumers: what one receiver gets."""

from __future__ import annotations

from typing import cast

from ._events import Message
from ._flow import MediaFlow, MessageFlow
from ._producer import Producer
from ._stream import Stream
from .types import ConsumerStats, DataConsumerStats, Explanation


class Consumer(MediaFlow):
    """What one receiver gets of a producer, or of one after the other (a slot)."""

    __slots__ = ()

    async def switch(self, producer: Producer | str | None) -> None:
        """Points it at another producer of the router, or at none.

        The stream to the receiver goes on without a gap; video from the next key frame of what it
        follows now, which is asked for. Raises `IncompatibleError` if the receiver takes none of the
        producer's codecs, or if one is audio and the other video.
        """
        id = None if producer is None else self._id_of(producer, "producer", Producer)
        await self._call("switch", {"producer": id})

    async def follow_speaker(self, *, rank: int, except_: Producer | str | None = None) -> None:
        """Has it follow whoever speaks, until `switch`.

        `rank` 0 is the first place (audio) or the dominant speaker (video). `except_` is the audio or
        the video producer of the receiver itself, who is never sent back to it.
        """
        own = None if except_ is None else self._id_of(except_, "except_", Producer)
        await self._call("followSpeaker", {"rank": rank}, optional={"except": own})

    async def set_preferred_layers(
        self, *, spatial_layer: int, temporal_layer: int | None = None
    ) -> None:
        """Says the most that is wanted of a producer with layers; 0 is the smallest picture.

        A lower layer is sent while the wanted one is not there. Without `temporal_layer` all are.
        """
        await self._call(
            "setPreferredLayers",
            {"spatialLayer": spatial_layer},
            optional={"temporalLayer": temporal_layer},
        )

    async def set_demand(
        self,
        *,
        width: int,
        height: int,
        priority: int | None = None,
        pinned: bool | None = None,
        screen: bool | None = None,
    ) -> None:
        """Says how the receiver shows it: how large in device pixels, how important, or not at all.

        Width and height 0 is not shown. `priority` is its weight against the receiver's other
        streams, 1 (the default) to 255; what is `pinned` counts for four times its weight; `screen`
        keeps its resolution and gives up frame rate first. From the first such word on, layers are
        chosen for all video consumers of the transport so that the sum is worth most to the viewer.
        """
        await self._call(
            "setDemand",
            {"width": width, "height": height},
            optional={"priority": priority, "pinned": pinned, "screen": screen},
        )

    async def request_key_frame(self) -> None:
        """Asks the publisher for a key frame. Requests for the same stream are coalesced."""
        await self._call("requestKeyFrame")

    async def stats(self) -> ConsumerStats:
        """Its figures."""
        return cast(ConsumerStats, await self._call("stats"))

    async def explain(self) -> Explanation:
        """Why it gets what it gets: the inputs and the rule that decided."""
        return cast(Explanation, await self._call("explain"))

    def packets(self, *, capacity: int = 8192) -> Stream[list[bytes]]:
        """The RTP packets of a consumer on a direct transport, in the clear, in batches.

        Packets are collected from this call on (start the consumer paused to miss none), at most
        `capacity` of them; what finds no room is lost, and a `Lagged` in its place says how many.
        """
        return self._stream(self._driver, [("packets", self._id)], capacity)

    async def close(self) -> None:
        """Closes it."""
        await super().close()


class PipeConsumer(MediaFlow):
    """All streams of one producer as they are, through a pipe to another router or to a peer."""

    __slots__ = ()

    @property
    def ids(self) -> list[str]:
        """The consumer of each of its streams; the first is `id`."""
        return cast("list[str]", self.description["ids"])

    async def request_key_frame(self) -> None:
        """Asks the publisher for a key frame of each stream."""
        await self._call("requestKeyFrame")

    async def stats(self) -> list[ConsumerStats]:
        """Figures of each of its streams."""
        return cast("list[ConsumerStats]", await self._call("stats"))

    def packets(self, *, capacity: int = 8192) -> Stream[list[bytes]]:
        """The RTP packets of all its streams, on a direct transport, in the clear, in batches.

        A batch is of one stream, which its SSRC names. Otherwise as `Consumer.packets`.
        """
        return self._stream(self._driver, [("packets", id) for id in self.ids], capacity)

    async def close(self) -> None:
        """Closes it, and what stands for it at the other end of a pipe."""
        await super().close()


class DataConsumer(MessageFlow):
    """What one receiver gets of a data producer.

    What waits for a receiver is bounded. When there is no room left, messages of a channel that may
    lose some are left out and counted; a reliable channel is closed, and `DataConsumerClosed` tells
    ``"slow-receiver"``.
    """

    __slots__ = ()

    async def set_buffered_amount_low_threshold(self, bytes: int | None) -> None:
        """Has `DataBufferedAmountLow` told whenever what waits to be sent falls to so many bytes.

        None is never.
        """
        await self._call("setBufferedAmountLowThreshold", {"bytes": bytes})

    async def stats(self) -> DataConsumerStats:
        """Its figures."""
        return cast(DataConsumerStats, await self._call("stats"))

    def messages(self, *, capacity: int = 1024) -> Stream[Message]:
        """The messages of a data consumer on a direct transport.

        They are collected from this call on (start the data consumer paused to miss none), at most
        `capacity` of them; what finds no room is lost, and a `Lagged` in its place says how many.
        """
        return self._stream(self._driver, [("messages", self._id)], capacity)

    async def close(self) -> None:
        """Closes it, and its channel."""
        await super().close()
