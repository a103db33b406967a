"""The whole: threads, sockets, and the routers that run on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from ._errors import ClosedError
from ._events import Event
from ._handle import joined
from ._loop import Driver
from ._router import Router, topics_of
from ._stream import Stream
from .types import (
    Buffer,
    DtlsVersion,
    RtpCodecCapability,
    ShardStats,
    SpeakerOptions,
    SrtpProfile,
)

if TYPE_CHECKING:
    from types import TracebackType

E = TypeVar("E")


class Sfu:
    """An SFU in this process: threads, sockets, and the routers that run on them.

    ::

        async with plenum.Sfu(listen=["0.0.0.0:40000"], announce=["203.0.113.7"]) as sfu:
            room = await sfu.create_router()

    It belongs to the event loop on which it is started, by ``async with`` or by `start`.

    :param listen: addresses for media, ``"ip:port"``; port 0 is any free one
    :param announce: addresses to tell peers instead, for machines behind a NAT
    :param tcp: whether it takes TCP on the same addresses as well; on by default
    :param shards: threads that route; 1 by default
    :param pin_threads: whether each of them stays on one CPU
    :param dtls_version: ``"1.2"`` (the default), ``"1.3"`` or ``"auto"``
    :param certificate: the certificate that peers are shown, as PEM; by default one is made
    :param private_key: its key, as PEM: an EC key on P-256 that is not encrypted
    :param srtp_profiles: the profiles that are taken, the preferred one first
    :param disconnected_after_ms: without ICE checks a peer counts as disconnected after so long
    :param failed_after_ms: and is closed after so long
    :param max_transports: bound on each router, as are `max_producers` and `max_consumers`
    :param packet_memory: bytes that each shard keeps for packets
    :param event_capacity: events that wait for the loop; beyond it they are lost and `Lagged` is told
    """

    def __init__(
        self,
        *,
        listen: Sequence[str],
        announce: Sequence[str] | None = None,
        tcp: bool | None = None,
        shards: int | None = None,
        pin_threads: bool | None = None,
        dtls_version: DtlsVersion | None = None,
        certificate: str | None = None,
        private_key: str | None = None,
        srtp_profiles: Sequence[SrtpProfile] | None = None,
        disconnected_after_ms: int | None = None,
        failed_after_ms: int | None = None,
        max_transports: int | None = None,
        max_producers: int | None = None,
        max_consumers: int | None = None,
        packet_memory: int | None = None,
        event_capacity: int | None = None,
    ) -> None:
        if isinstance(listen, str):
            raise TypeError("listen: expected a list of addresses, not one")
        self._options = joined(
            {"listen": list(listen)},
            {
                "announce": None if announce is None else list(announce),
                "tcp": tcp,
                "shards": shards,
                "pinThreads": pin_threads,
                "dtlsVersion": dtls_version,
                "certificate": certificate,
                "privateKey": private_key,
                "srtpProfiles": None if srtp_profiles is None else list(srtp_profiles),
                "disconnectedAfterMs": disconnected_after_ms,
                "failedAfterMs": failed_after_ms,
                "maxTransports": max_transports,
                "maxProducers": max_producers,
                "maxConsumers": max_consumers,
                "packetMemory": packet_memory,
                "eventCapacity": event_capacity,
            },
        )
        self._begun = False
        self._driver: Driver | None = None

    async def start(self) -> None:
        """Starts it on the running event loop. ``async with`` does it by itself.

        Raises `IoError` if an address cannot be bound, `InvalidParametersError` if a setting is wrong.
        """
        if self._begun:
            raise RuntimeError("the Sfu was started before")
        self._begun = True
        try:
            self._driver = await Driver.start(self._options)
        finally:
            self._begun = self._driver is not None

    async def close(self) -> None:
        """Ends it with all in it, and waits for its end. Does nothing the second time.

        Calls that are not done then raise `ClosedError`, and iterators end.
        """
        if self._driver is not None:
            await self._driver.close()

    async def __aenter__(self) -> Sfu:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._driver is not None and self._driver.closed

    def _started(self) -> Driver:
        if self._driver is None:
            raise ClosedError("the Sfu is not started: use `async with`, or call start()")
        return self._driver

    async def _call(
        self,
        method: str,
        parameters: dict[str, Any] | None = None,
        payload: Sequence[Buffer] = (),
        *,
        optional: dict[str, Any] | None = None,
    ) -> Any:
        driver = self._started()
        value, _ = await driver.call(f"Sfu.{method}", 0, joined(parameters, optional), payload)
        return value

    async def create_router(
        self,
        *,
        codecs: Sequence[RtpCodecCapability] | None = None,
        shard: int | None = None,
        speakers: SpeakerOptions | None = None,
    ) -> Router:
        """Makes a router: a room, in which producers meet consumers.

        `codecs` are those that it routes, the preferred one first, as mediasoup's ``mediaCodecs``;
        Opus, VP8 and H.264 by default. It runs on the shard that is least busy, or on `shard`.
        """
        description = await self._call(
            "createRouter",
            optional={
                "codecs": None if codecs is None else list(codecs),
                "shard": shard,
                "speakers": speakers,
            },
        )
        return Router._of(self._started(), description)

    async def restore_router(
        self,
        snapshot: Buffer,
        *,
        codecs: Sequence[RtpCodecCapability] | None = None,
        shard: int | None = None,
    ) -> Router:
        """Takes up a router where its `Router.snapshot` left off: same ids, no gap in sequence numbers.

        `codecs` are those that the router was made with. The handles of what is in it are given by
        `Router.contents`.
        """
        description = await self._call(
            "restoreRouter",
            payload=[snapshot],
            optional={"codecs": None if codecs is None else list(codecs), "shard": shard},
        )
        return Router._of(self._started(), description)

    async def shards(self) -> int:
        """Number of shards."""
        return cast(int, (await self._call("shards"))["shards"])

    async def shard_stats(self, shard: int) -> ShardStats:
        """Operational figures of a shard since it started."""
        return cast(ShardStats, await self._call("shardStats", {"shard": shard}))

    async def addresses(self, shard: int = 0) -> list[str]:
        """The addresses that a shard listens on: ``"ip:port"``."""
        return cast("list[str]", (await self._call("addresses", {"shard": shard}))["addresses"])

    async def listen(
        self, address: str, *, protocol: Literal["udp", "tcp"], shard: int | None = None
    ) -> str:
        """Listens on one more address; gives it, with the port that it got if the port was 0.

        Transports that are made from now on tell it to their peers.
        """
        answer = await self._call(
            "listen", {"address": address, "protocol": protocol}, optional={"shard": shard}
        )
        return cast(str, answer["address"])

    async def unlisten(
        self, address: str, *, protocol: Literal["udp", "tcp"], shard: int | None = None
    ) -> None:
        """Listens no longer on an address that `listen` added."""
        await self._call(
            "unlisten", {"address": address, "protocol": protocol}, optional={"shard": shard}
        )

    @overload
    def events(self, *, capacity: int = ...) -> Stream[Event]: ...
    @overload
    def events(self, *types: type[E], capacity: int = ...) -> Stream[E]: ...
    def events(self, *types: type[Any], capacity: int = 4096) -> Stream[Any]:
        """What happens in all routers from this call on, until the `Sfu` is closed.

        Of these types, if any are named; of all but `Rtp` otherwise. What nobody takes in time is
        lost beyond `capacity`, and a `Lagged` in its place says how many.
        """
        driver = self._started()
        driver.check()
        return Stream(driver, topics_of("sfu", "", types), capacity, types)

    def __repr__(self) -> str:
        if self._driver is None:
            return "<plenum.Sfu not started>"
        return "<plenum.Sfu closed>" if self.closed else "<plenum.Sfu>"
