"""One peer by one offer: its transport, its producers and its receive slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._consumer import Consumer
from ._producer import Producer
from ._transport import WebRtcTransport
from .types import MediaKind

if TYPE_CHECKING:
    from types import TracebackType

    from ._loop import Driver


@dataclass(frozen=True, slots=True)
class SdpProducer:
    """A section on which the peer sends."""

    #: The section's MID.
    mid: str
    kind: MediaKind
    #: What the peer sends on it.
    producer: Producer


@dataclass(frozen=True, slots=True)
class SdpSlot:
    """A section on which the peer receives."""

    #: The section's MID.
    mid: str
    kind: MediaKind
    #: The slot, which follows nobody at first.
    consumer: Consumer


class SdpSession:
    """A peer that was accepted by its offer; see `Router.accept_offer`. ``async with`` closes it."""

    __slots__ = ("_answer", "_data", "_producers", "_slots", "_transport")

    def __init__(self, driver: Driver, answer: dict[str, Any]) -> None:
        self._transport = WebRtcTransport._of(driver, answer["transport"])
        self._answer: str = answer["answer"]
        self._data: str | None = answer.get("data")
        self._producers = [
            SdpProducer(
                entry["mid"], entry["producer"]["kind"], Producer._of(driver, entry["producer"])
            )
            for entry in answer["producers"]
        ]
        self._slots = [
            SdpSlot(
                entry["mid"], entry["consumer"]["kind"], Consumer._of(driver, entry["consumer"])
            )
            for entry in answer["slots"]
        ]

    @property
    def answer(self) -> str:
        """The answer, for the peer."""
        return self._answer

    @property
    def transport(self) -> WebRtcTransport:
        """The peer's transport."""
        return self._transport

    @property
    def producers(self) -> list[SdpProducer]:
        """One for each section on which the peer sends, in the order of the offer."""
        return self._producers

    @property
    def slots(self) -> list[SdpSlot]:
        """One for each section on which the peer receives, in the order of the offer."""
        return self._slots

    @property
    def data(self) -> str | None:
        """The MID of the section for data channels, if there is one; see `DataChannelOpened`."""
        return self._data

    async def close(self) -> None:
        """Closes the transport with all that is on it."""
        await self._transport.close()

    async def __aenter__(self) -> SdpSession:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<plenum.SdpSession on {self._transport!r}>"
