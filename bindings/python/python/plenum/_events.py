"""What happens in an `Sfu`: one dataclass for each type of event, for `match`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from .types import CloseReason, DtlsState, IceState, LayersReason, MessageKind, SctpState, Trace


@dataclass(frozen=True, slots=True)
class Layers:
    """A pair of layers: which of the streams, and which part of its pictures."""

    #: Spatial layer: for simulcast the index of the stream; 0 is the smallest. 255 is all.
    spatial_layer: int
    #: Temporal layer: this one and all below it; 255 is all.
    temporal_layer: int = 255


@dataclass(frozen=True, slots=True)
class Tuple:
    """Protocol (``"udp"`` or ``"tcp"``), local address and remote address of one path."""

    protocol: str
    local: str
    remote: str


@dataclass(frozen=True, slots=True)
class AudioVolume:
    """How loud a producer was: mean level over the interval in dBov, -127 (silence) to 0."""

    producer: str
    volume: int


@dataclass(frozen=True, slots=True)
class ChannelParameters:
    """What a peer opened a data channel with."""

    label: str
    protocol: str
    ordered: bool
    #: ``"Reliable"``, or a dict with ``MaxRetransmits`` or ``MaxPacketLifeTime`` (milliseconds).
    reliability: str | dict[str, int] = "Reliable"
    #: Priority (RFC 8831 section 6.4); 256 is normal.
    priority: int = 256


@dataclass(frozen=True, slots=True)
class RouterClosed:
    """A router is gone, with all in it."""

    router: str


@dataclass(frozen=True, slots=True)
class TransportStateChanged:
    """The ICE or the DTLS state of a WebRTC transport changed."""

    router: str
    transport: str
    ice: IceState
    dtls: DtlsState


@dataclass(frozen=True, slots=True)
class TransportTupleSelected:
    """Media now goes to this path: ICE chose it, or a plain transport learnt its peer's address."""

    router: str
    transport: str
    tuple: Tuple


@dataclass(frozen=True, slots=True)
class TransportRtcpTupleSelected:
    """A plain transport with a port of its own for RTCP learnt where its peer has that."""

    router: str
    transport: str
    tuple: Tuple


@dataclass(frozen=True, slots=True)
class TransportClosed:
    """A transport is gone, with its producers and consumers."""

    router: str
    transport: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class ProducerClosed:
    """A producer is gone."""

    router: str
    producer: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class ConsumerClosed:
    """A consumer is gone."""

    router: str
    consumer: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class ConsumerProducerClosed:
    """What a consumer follows was closed; the slot is empty now."""

    router: str
    consumer: str
    producer: str


@dataclass(frozen=True, slots=True)
class ProducerDemandChanged:
    """What consumers want of a video producer, all together, has changed.

    What is beyond it need not be sent; None if nobody wants anything.
    """

    router: str
    producer: str
    demand: Layers | None


@dataclass(frozen=True, slots=True)
class ConsumerLayersChanged:
    """A consumer now gets other layers, or is to get others, or for another reason."""

    router: str
    consumer: str
    #: What it gets; None is nothing.
    current: Layers | None
    #: What it is to get; None is nothing.
    target: Layers | None
    reason: LayersReason


@dataclass(frozen=True, slots=True)
class SpeakersChanged:
    """Who is forwarded to the slots that follow speakers changed."""

    router: str
    #: Audio producers by rank; None is a rank that nobody has.
    speakers: list[str | None]


@dataclass(frozen=True, slots=True)
class ActiveSpeaker:
    """Another became the dominant speaker."""

    router: str
    #: The observer that tells; None is the router, of all its producers.
    observer: str | None
    #: The audio producer of who speaks.
    producer: str


@dataclass(frozen=True, slots=True)
class AudioLevels:
    """The loudest producers of the last interval, the loudest first."""

    router: str
    observer: str
    volumes: list[AudioVolume]


@dataclass(frozen=True, slots=True)
class Silence:
    """In the last interval nobody was as loud as the threshold, for the first time since."""

    router: str
    observer: str


@dataclass(frozen=True, slots=True)
class Rtp:
    """RTP packets for a consumer of a direct transport, in the clear.

    Comes from `events` only if it is named there; see `Consumer.packets`.
    """

    router: str
    consumer: str
    packets: list[bytes]


@dataclass(frozen=True, slots=True)
class SctpStateChanged:
    """The SCTP state of a WebRTC or plain transport or of a pipe changed."""

    router: str
    transport: str
    state: SctpState


@dataclass(frozen=True, slots=True)
class DataChannelOpened:
    """A peer opened a data channel, which is a data producer now."""

    router: str
    transport: str
    #: The data producer.
    producer: str
    #: The channel's stream identifier, for answers over the same channel.
    stream: int
    parameters: ChannelParameters


@dataclass(frozen=True, slots=True)
class DataProducerClosed:
    """A data producer is gone."""

    router: str
    producer: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class DataConsumerClosed:
    """A data consumer is gone."""

    router: str
    consumer: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class DataBufferedAmountLow:
    """What waits on a data consumer's channel fell to its threshold."""

    router: str
    consumer: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message for a data consumer of a direct transport."""

    router: str
    consumer: str
    kind: MessageKind
    payload: bytes

    @property
    def data(self) -> str | bytes:
        """The text of a message of kind ``"string"``, the bytes of another."""
        if self.kind == "string":
            return self.payload.decode("utf-8", "replace")
        return self.payload


@dataclass(frozen=True, slots=True)
class Rtcp:
    """An RTCP packet for whoever stands behind a direct transport: what a peer would be sent."""

    router: str
    transport: str
    #: The compound packet, in the clear.
    packet: bytes


@dataclass(frozen=True, slots=True)
class ProducerVideoOrientationChanged:
    """A video publisher tells that its picture is to be turned otherwise, or tells it first."""

    router: str
    producer: str
    #: The picture comes from the camera on the back of the device.
    back_camera: bool
    #: The picture is mirrored horizontally.
    flip: bool
    #: Degrees by which a receiver turns it clockwise: 0, 90, 180 or 270.
    rotation: int


@dataclass(frozen=True, slots=True)
class TransportTrace:
    """Something that was to be traced of a transport; see `enable_trace_event`."""

    router: str
    transport: str
    #: When, in milliseconds since the UNIX epoch.
    timestamp_ms: int
    trace: Trace


@dataclass(frozen=True, slots=True)
class ProducerTrace:
    """Something that was to be traced of a producer: packets that came, requests that were sent."""

    router: str
    producer: str
    #: When, in milliseconds since the UNIX epoch.
    timestamp_ms: int
    trace: Trace


@dataclass(frozen=True, slots=True)
class ConsumerTrace:
    """Something that was to be traced of a consumer: packets that were sent, requests that came."""

    router: str
    consumer: str
    #: When, in milliseconds since the UNIX epoch.
    timestamp_ms: int
    trace: Trace


@dataclass(frozen=True, slots=True)
class Lagged:
    """Events or packets were lost because nobody took them in time."""

    #: How many.
    count: int


Event = Union[
    RouterClosed,
    TransportStateChanged,
    TransportTupleSelected,
    TransportRtcpTupleSelected,
    TransportClosed,
    ProducerClosed,
    ConsumerClosed,
    ConsumerProducerClosed,
    ProducerDemandChanged,
    ConsumerLayersChanged,
    SpeakersChanged,
    ActiveSpeaker,
    AudioLevels,
    Silence,
    Rtp,
    SctpStateChanged,
    DataChannelOpened,
    DataProducerClosed,
    DataConsumerClosed,
    DataBufferedAmountLow,
    Message,
    Rtcp,
    ProducerVideoOrientationChanged,
    TransportTrace,
    ProducerTrace,
    ConsumerTrace,
    Lagged,
]

#: Every class of event.
EVENT_CLASSES: tuple[type, ...] = Event.__args__  # type: ignore[attr-defined]


def snake_case(name: str) -> str:
    """``spatialLayer`` as ``spatial_layer``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def type_name(cls: type) -> str:
    """The value of ``type`` in the event's JSON: ``RouterClosed`` is ``router-closed``."""
    return snake_case(cls.__name__).replace("_", "-")


def _build(cls: type, value: dict[str, Any]) -> Any:
    """A dataclass from its JSON; fields that this version does not know are left out."""
    known = _FIELDS[cls]
    return cls(**{known[name]: content for name, content in value.items() if name in known})


def _fields(cls: type) -> dict[str, str]:
    """JSON name to field name."""
    names = [field.name for field in dataclasses.fields(cls)]
    return {re.sub("_(.)", lambda found: found[1].upper(), name): name for name in names}


_VALUES: tuple[type, ...] = (Layers, Tuple, AudioVolume, ChannelParameters)
_FIELDS = {cls: _fields(cls) for cls in (*EVENT_CLASSES, *_VALUES)}


def layers(value: dict[str, Any] | None) -> Layers | None:
    """Layers from their JSON."""
    return None if value is None else _build(Layers, value)


_NESTED: dict[type, dict[str, Callable[[Any], Any]]] = {
    TransportRtcpTupleSelected: {"tuple": lambda value: _build(Tuple, value)},
    TransportTupleSelected: {"tuple": lambda value: _build(Tuple, value)},
    ProducerDemandChanged: {"demand": layers},
    ConsumerLayersChanged: {"current": layers, "target": layers},
    AudioLevels: {"volumes": lambda value: [_build(AudioVolume, item) for item in value]},
    DataChannelOpened: {"parameters": lambda value: _build(ChannelParameters, value)},
}
_CLASSES = {type_name(cls): cls for cls in EVENT_CLASSES}


def event_of(value: dict[str, Any], payload: bytes | None) -> Event | None:
    """The event of this JSON; None for one that this version does not know."""
    cls = _CLASSES.get(value.pop("type"))
    if cls is None:
        return None
    for name, convert in _NESTED.get(cls, {}).items():
        value[name] = convert(value.get(name))
    if payload is not None:
        value["packet" if cls is Rtcp else "payload"] = payload
    event: Event = _build(cls, value)
    return event
