"""Plenum: a WebRTC SFU inside your asyncio program.

::

    import plenum

    async with plenum.Sfu(listen=["0.0.0.0:40000"]) as sfu:
        room = await sfu.create_router()
        session = await room.accept_offer(offer)   # an SDP offer of a browser
        ...                                        # session.answer is for the browser

An `Sfu` has routers (rooms); a router has transports; a transport has producers (what a peer sends)
and consumers (what a peer gets). Closing one closes all that is in it; dropping a handle closes
nothing. What happens is told by events: ``async for event in room.events(): match event: ...``.

Arguments that are dicts have mediasoup's names, so that they come from ``mediasoup-client`` and go to
it as they are; `plenum.types` has them for type checkers. What is refused raises a subclass of
`SfuError` with the error's ``code``.
"""

from . import types
from ._consumer import Consumer, DataConsumer, PipeConsumer
from ._contents import RouterContents
from ._errors import (
    ClosedError,
    CryptoError,
    IncompatibleError,
    InternalError,
    InvalidParametersError,
    IoError,
    LimitError,
    NotFoundError,
    SfuError,
)
from ._events import (
    ActiveSpeaker,
    AudioLevels,
    AudioVolume,
    ChannelParameters,
    ConsumerClosed,
    ConsumerLayersChanged,
    ConsumerProducerClosed,
    ConsumerTrace,
    DataBufferedAmountLow,
    DataChannelOpened,
    DataConsumerClosed,
    DataProducerClosed,
    Event,
    Lagged,
    Layers,
    Message,
    ProducerClosed,
    ProducerDemandChanged,
    ProducerTrace,
    ProducerVideoOrientationChanged,
    RouterClosed,
    Rtcp,
    Rtp,
    SctpStateChanged,
    Silence,
    SpeakersChanged,
    TransportClosed,
    TransportRtcpTupleSelected,
    TransportStateChanged,
    TransportTrace,
    TransportTupleSelected,
    Tuple,
)
from ._observer import ActiveSpeakerObserver, AudioLevelObserver
from ._plenum import __version__, supported_rtp_capabilities
from ._producer import DataProducer, Producer
from ._router import PipedDataProducer, PipedProducer, Router
from ._sdp import SdpProducer, SdpSession, SdpSlot
from ._sfu import Sfu
from ._stream import Stream
from ._transport import DirectTransport, PipeTransport, PlainTransport, WebRtcTransport

__all__ = [
    "ActiveSpeaker",
    "ActiveSpeakerObserver",
    "AudioLevelObserver",
    "AudioLevels",
    "AudioVolume",
    "ChannelParameters",
    "ClosedError",
    "Consumer",
    "ConsumerClosed",
    "ConsumerLayersChanged",
    "ConsumerProducerClosed",
    "ConsumerTrace",
    "CryptoError",
    "DataBufferedAmountLow",
    "DataChannelOpened",
    "DataConsumer",
    "DataConsumerClosed",
    "DataProducer",
    "DataProducerClosed",
    "DirectTransport",
    "Event",
    "IncompatibleError",
    "InternalError",
    "InvalidParametersError",
    "IoError",
    "Lagged",
    "Layers",
    "LimitError",
    "Message",
    "NotFoundError",
    "PipeConsumer",
    "PipeTransport",
    "PipedDataProducer",
    "PipedProducer",
    "PlainTransport",
    "Producer",
    "ProducerClosed",
    "ProducerDemandChanged",
    "ProducerTrace",
    "ProducerVideoOrientationChanged",
    "Router",
    "RouterClosed",
    "RouterContents",
    "Rtcp",
    "Rtp",
    "SctpStateChanged",
    "SdpProducer",
    "SdpSession",
    "SdpSlot",
    "Sfu",
    "SfuError",
    "Silence",
    "SpeakersChanged",
    "Stream",
    "TransportClosed",
    "TransportRtcpTupleSelected",
    "TransportStateChanged",
    "TransportTrace",
    "TransportTupleSelected",
    "Tuple",
    "WebRtcTransport",
    "__version__",
    "supported_rtp_capabilities",
    "types",
]
