"""Everything in a router, as handles: for one that was restored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._consumer import Consumer, DataConsumer, PipeConsumer
from ._loop import Driver
from ._observer import ActiveSpeakerObserver, AudioLevelObserver
from ._producer import DataProducer, Producer
from ._transport import DirectTransport, PipeTransport, PlainTransport, WebRtcTransport

Transport = WebRtcTransport | PlainTransport | PipeTransport | DirectTransport
Observer = ActiveSpeakerObserver | AudioLevelObserver

_TRANSPORTS: dict[str, type[Transport]] = {
    "webrtc": WebRtcTransport,
    "plain": PlainTransport,
    "pipe": PipeTransport,
    "direct": DirectTransport,
}
_OBSERVERS: dict[str, type[Observer]] = {
    "active-speaker": ActiveSpeakerObserver,
    "audio-level": AudioLevelObserver,
}


@dataclass(frozen=True, slots=True)
class RouterContents:
    """Everything in a router, of all transports, as `Router.contents` gives it."""

    transports: list[Transport]
    producers: list[Producer]
    consumers: list[Consumer]
    pipe_consumers: list[PipeConsumer]
    data_producers: list[DataProducer]
    data_consumers: list[DataConsumer]
    observers: list[Observer]

    @classmethod
    def _of(cls, driver: Driver, described: dict[str, Any]) -> RouterContents:
        return cls(
            [_TRANSPORTS[it["kind"]]._of(driver, it) for it in described["transports"]],
            [Producer._of(driver, it) for it in described["producers"]],
            [Consumer._of(driver, it) for it in described["consumers"]],
            [PipeConsumer._of(driver, it) for it in described["pipeConsumers"]],
            [DataProducer._of(driver, it) for it in described["dataProducers"]],
            [DataConsumer._of(driver, it) for it in described["dataConsumers"]],
            [_OBSERVERS[it["kind"]]._of(driver, it) for it in described["observers"]],
        )
