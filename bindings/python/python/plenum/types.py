"""The dicts that go in and out, for type checkers.

They are the JSON of mediasoup and of the W3C's statistics, with the same names, so that they can be
passed on to ``mediasoup-client`` and from it as they are. At run time they are plain dicts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, Union

if TYPE_CHECKING:
    from typing_extensions import NotRequired

#: What is taken where bytes are expected.
Buffer = Union[bytes, bytearray, memoryview]

MediaKind = Literal["audio", "video"]
SrtpProfile = Literal["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"]
DtlsVersion = Literal["1.2", "1.3", "auto"]
DtlsRole = Literal["auto", "client", "server"]
IceState = Literal["new", "connected", "disconnected", "failed", "closed"]
DtlsState = Literal["new", "connecting", "connected", "failed", "closed"]
SctpState = Literal["new", "connecting", "connected", "failed", "closed"]
ObserverScope = Literal["added", "router"]
MessageKind = Literal["string", "binary"]
CloseReason = Literal[
    "requested",
    "parent-closed",
    "peer-closed",
    "consent-lost",
    "dtls-failed",
    "association-lost",
    "slow-receiver",
    "origin-closed",
    "internal",
]
LayersReason = Literal[
    "empty",
    "consumer_paused",
    "producer_paused",
    "not_shown",
    "bandwidth",
    "viewport",
    "publisher_does_not_send",
    "hold",
    "preferred",
    "no_descriptor",
    "pinned",
    "best",
]


class RtcpFeedback(TypedDict):
    """One kind of RTCP feedback (RFC 4585 section 4.2)."""

    type: str
    parameter: NotRequired[str]


class RtpCodecCapability(TypedDict):
    """One codec that can be received."""

    kind: MediaKind
    mimeType: str
    clockRate: int
    preferredPayloadType: NotRequired[int]
    channels: NotRequired[int]
    parameters: NotRequired[dict[str, int | str]]
    rtcpFeedback: NotRequired[list[RtcpFeedback]]


class RtpHeaderExtension(TypedDict):
    """One RTP header extension (RFC 8285) that can be used."""

    kind: MediaKind
    uri: str
    preferredId: int
    preferredEncrypt: NotRequired[bool]
    direction: NotRequired[Literal["sendrecv", "sendonly", "recvonly", "inactive"]]


class RtpCapabilities(TypedDict):
    """What an endpoint, or a router, is able to receive."""

    codecs: list[RtpCodecCapability]
    headerExtensions: NotRequired[list[RtpHeaderExtension]]


class RtpCodecParameters(TypedDict):
    """One codec in use."""

    mimeType: str
    payloadType: int
    clockRate: int
    channels: NotRequired[int]
    parameters: NotRequired[dict[str, int | str]]
    rtcpFeedback: NotRequired[list[RtcpFeedback]]


class RtpHeaderExtensionParameters(TypedDict):
    """One header extension in use."""

    uri: str
    id: int
    encrypt: NotRequired[bool]


class RtxParameters(TypedDict):
    """The retransmission stream of an encoding."""

    ssrc: int


class RtpEncodingParameters(TypedDict, total=False):
    """One stream, or one simulcast layer of it."""

    ssrc: int
    rid: str
    codecPayloadType: int
    rtx: RtxParameters
    dtx: bool
    scalabilityMode: str
    maxBitrate: int


class RtcpParameters(TypedDict, total=False):
    """RTCP settings of a producer or consumer."""

    cname: str
    reducedSize: bool


class RtpParameters(TypedDict):
    """The RTP of one producer or consumer."""

    codecs: list[RtpCodecParameters]
    mid: NotRequired[str]
    headerExtensions: NotRequired[list[RtpHeaderExtensionParameters]]
    encodings: NotRequired[list[RtpEncodingParameters]]
    rtcp: NotRequired[RtcpParameters]
    msid: NotRequired[str]


class IceParameters(TypedDict):
    """ICE credentials of one side."""

    usernameFragment: str
    password: str
    iceLite: NotRequired[bool]


class IceCandidate(TypedDict):
    """An address to reach the SFU at."""

    foundation: str
    priority: int
    ip: str
    address: NotRequired[str]
    protocol: Literal["udp", "tcp"]
    port: int
    type: str
    tcpType: NotRequired[str]


class DtlsFingerprint(TypedDict):
    """A digest of a certificate (RFC 8122)."""

    algorithm: str
    value: str


class DtlsParameters(TypedDict):
    """DTLS role and certificate fingerprints of one side."""

    fingerprints: list[DtlsFingerprint]
    role: NotRequired[DtlsRole]


class SctpParameters(TypedDict):
    """SCTP of one side."""

    port: int
    OS: int
    MIS: int
    maxMessageSize: int


class SctpStreamParameters(TypedDict):
    """The data channel of a data producer or a data consumer."""

    streamId: int
    ordered: NotRequired[bool]
    maxPacketLifeTime: NotRequired[int]
    maxRetransmits: NotRequired[int]


class SrtpParameters(TypedDict):
    """Profile and key of one direction of SRTP; the key is master key and salt in base64."""

    profile: SrtpProfile
    keyBase64: str


class WebRtcTransportParameters(TypedDict):
    """What a client needs to connect: what ``device.createSendTransport()`` takes."""

    id: str
    iceParameters: IceParameters
    iceCandidates: list[IceCandidate]
    dtlsParameters: DtlsParameters
    sctpParameters: NotRequired[SctpParameters]


class SpeakerOptions(TypedDict, total=False):
    """How many speakers are forwarded to the consumers that follow them."""

    #: How many at a time, 0 to 16; 3 by default.
    places: int
    #: How long somebody who fell silent keeps the place if nobody else needs it; 800 by default.
    holdMs: int


class Speakers(TypedDict):
    """Who speaks in a router."""

    #: The audio producers that are forwarded, by rank; None is a rank that nobody has.
    places: list[str | None]
    #: Dominant speakers, the present one first: audio producers.
    recent: list[str]


class LayersDict(TypedDict):
    """A pair of layers, as in :class:`plenum.Layers`; 255 is all."""

    spatialLayer: int
    temporalLayer: NotRequired[int]


class TupleDict(TypedDict):
    """Protocol, local address and remote address of one path."""

    protocol: Literal["udp", "tcp"]
    local: str
    remote: str


class TransportDump(TypedDict):
    """What is on a transport: ids."""

    id: str
    kind: Literal["webrtc", "plain", "pipe", "direct"]
    producers: list[str]
    consumers: list[str]
    dataProducers: list[str]
    dataConsumers: list[str]


class ObserverDump(TypedDict):
    """An observer."""

    id: str
    kind: Literal["active-speaker", "audio-level"]


class RouterDump(TypedDict):
    """What is in a router: ids."""

    id: str
    shard: int
    transports: list[TransportDump]
    observers: list[ObserverDump]


class Refused(TypedDict):
    """Input that a transport refused, by reason."""

    stun: int
    dtls: int
    noKeys: int
    srtp: int
    srtcp: int
    rtp: int
    rtcp: int
    sctp: int
    unknownStream: int
    noMemory: int


class SctpStats(TypedDict):
    """Figures of the data channels of a transport."""

    packetsReceived: int
    packetsSent: int
    packetsRefused: int
    messagesReceived: int
    bytesReceived: int
    messagesSent: int
    bytesSent: int
    messagesRefused: int
    channelsOpened: int
    channelsClosed: int


class TransportStats(TypedDict):
    """Figures of a transport. Times are in seconds, bit rates in bit/s."""

    id: str
    router: str
    kind: str
    iceState: IceState | None
    dtlsState: DtlsState | None
    sctpState: SctpState | None
    sctp: SctpStats | None
    srtpProfile: SrtpProfile | None
    tuple: TupleDict | None
    rtcpTuple: TupleDict | None
    packetsReceived: int
    bytesReceived: int
    packetsSent: int
    bytesSent: int
    roundTripTime: float | None
    availableOutgoingBitrate: int | None
    maxIncomingBitrate: int | None
    refused: Refused


class LayerBitrate(TypedDict):
    """What a pair of layers of a stream costs in bit/s, with the layers that it needs."""

    spatialLayer: int
    temporalLayer: int
    bitrate: int


class InboundRtpStats(TypedDict):
    """Figures of one incoming RTP stream: one encoding of a producer."""

    ssrc: int | None
    rid: str | None
    active: bool
    packetsReceived: int
    packetsLost: int
    bytesReceived: int
    jitter: float
    bitrate: int
    nackCount: int
    retransmittedPacketsReceived: int
    packetsDiscarded: int
    pliCount: int
    firCount: int
    bitrateByLayer: list[LayerBitrate]
    keyFramesReceived: int
    cachedKeyFrames: int


class ProducerStats(TypedDict):
    """Figures of a producer; the encoding with the smallest picture comes first."""

    id: str
    transport: str
    kind: MediaKind
    paused: bool
    encodings: list[InboundRtpStats]


class ConsumerStats(TypedDict):
    """Figures of a consumer."""

    id: str
    transport: str
    kind: MediaKind
    producer: str | None
    paused: bool
    ssrc: int
    currentLayers: LayersDict | None
    packetsSent: int
    bytesSent: int
    retransmittedPacketsSent: int
    nackCount: int
    nackMissed: int
    pliCount: int
    firCount: int
    jitter: float
    cachedKeyFrames: int
    fractionLost: float
    roundTripTime: float | None


#: Which of the speakers a consumer follows, and the receiver's own producer, which is never sent
#: back to it.
SpeakerSlot = TypedDict("SpeakerSlot", {"rank": int, "except": Union[str, None]})


class DemandDict(TypedDict):
    """How a receiver shows what a consumer sends."""

    width: int
    height: int
    priority: int
    pinned: bool
    screen: bool


class Rung(TypedDict):
    """One choice of layers of a source, and what it costs in bit/s."""

    layers: LayersDict
    bitrate: int
    width: int
    height: int
    frameRate: float


class Explanation(TypedDict):
    """Why a consumer gets what it gets: the inputs and the rule that decided."""

    consumer: str
    producer: str | None
    speaker: SpeakerSlot | None
    consumerPaused: bool
    producerPaused: bool
    preferred: LayersDict | None
    activeEncodings: list[bool]
    target: int | None
    current: int | None
    awaitsKeyFrame: bool
    demand: DemandDict | None
    availableBitrate: int | None
    audioBitrate: int
    videoBitrate: int
    share: int
    ladder: list[Rung]
    rule: LayersReason
    reason: str


class DataProducerStats(TypedDict):
    """Figures of a data producer."""

    id: str
    transport: str
    label: str
    protocol: str
    paused: bool
    messagesReceived: int
    bytesReceived: int


class DataConsumerStats(TypedDict):
    """Figures of a data consumer."""

    id: str
    transport: str
    producer: str
    label: str
    protocol: str
    paused: bool
    messagesSent: int
    bytesSent: int
    messagesDropped: int
    bufferedAmount: int


class EngineCounters(TypedDict):
    """What a shard refused before it reached a transport."""

    unknownClass: int
    unknownPath: int
    unknownUser: int
    contained: int
    speakersExamined: int


class ShardStats(TypedDict):
    """Operational figures of a shard since it started."""

    turns: int
    turnsWithInput: int
    busyMs: float
    receivedDatagrams: int
    receivedBytes: int
    sentDatagrams: int
    sentBytes: int
    sendCalls: int
    sendErrors: int
    droppedDatagrams: int
    mediaPackets: int
    mediaRuns: int
    linkPacketsSent: int
    linkPacketsReceived: int
    linkPacketsDropped: int
    linkWakeups: int
    engine: EngineCounters


#: What can be traced: of producers all but ``"bwe"``, of consumers all but ``"sr"`` and ``"bwe"``, of
#: transports ``"bwe"`` alone.
TraceType = Literal["rtp", "keyframe", "nack", "pli", "fir", "sr", "bwe"]


class PacketTrace(TypedDict):
    """An RTP packet as it came, or as it was sent."""

    type: Literal["rtp", "keyframe"]
    ssrc: int
    payloadType: int
    sequenceNumber: int
    timestamp: int
    marker: bool
    size: int
    payloadSize: int
    keyFrame: bool
    spatialLayer: int
    temporalLayer: int | None
    retransmission: bool


class NackTrace(TypedDict):
    """A request for lost packets; of a long one the first 256 numbers."""

    type: Literal["nack"]
    ssrc: int
    sequenceNumbers: list[int]


class KeyFrameRequestTrace(TypedDict):
    """A request for a key frame."""

    type: Literal["pli", "fir"]
    ssrc: int


class SenderReportTrace(TypedDict):
    """A sender report of the publisher."""

    type: Literal["sr"]
    ssrc: int
    ntpSeconds: int
    ntpFraction: int
    rtpTimestamp: int
    packetCount: int
    octetCount: int


class BitrateTrace(TypedDict):
    """Bit rates of a transport, in bit/s."""

    type: Literal["bwe"]
    availableBitrate: int | None
    audioBitrate: int
    videoBitrate: int


#: Something that was traced.
Trace = Union[PacketTrace, NackTrace, KeyFrameRequestTrace, SenderReportTrace, BitrateTrace]
