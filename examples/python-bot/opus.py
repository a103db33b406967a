"""Opus in RTP packets, to samples and back, by PyAV."""

import random
import struct
from fractions import Fraction
from typing import Any

import av
import numpy
from numpy.typing import NDArray

RATE = 48_000
#: Samples of a packet: 20 ms.
FRAME = RATE // 50


class Decoder:
    """Opus packets of one source to samples."""

    def __init__(self) -> None:
        self.codec = av.CodecContext.create("opus", "r")
        self.codec.sample_rate = RATE

    def decode(self, packet: bytes) -> NDArray[numpy.float32]:
        """The samples of an RTP packet, -1 to 1; none of an empty one."""
        payload = payload_of(packet)
        if not payload:
            return numpy.zeros(0, numpy.float32)
        frames = self.codec.decode(av.Packet(payload))
        return numpy.concatenate([mono(frame.to_ndarray()) for frame in frames])


class Encoder:
    """Samples to the RTP packets of one source."""

    def __init__(self, payload_type: int, ssrc: int) -> None:
        self.codec = av.CodecContext.create("libopus", "w")
        self.codec.sample_rate = RATE
        self.codec.layout = "mono"
        self.codec.format = "s16"
        self.codec.bit_rate = 32_000
        self.codec.time_base = Fraction(1, RATE)
        self.payload_type, self.ssrc = payload_type, ssrc
        self.sequence, self.samples = random.getrandbits(15), 0

    def encode(self, samples: NDArray[numpy.float32]) -> list[bytes]:
        """The packets of `FRAME` samples, -1 to 1."""
        pcm = (samples * 32767).astype(numpy.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.samples, Fraction(1, RATE)
        packets = [self.packet(bytes(packet)) for packet in self.codec.encode(frame)]
        self.samples += FRAME
        return packets

    def packet(self, payload: bytes) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFFFF
        timestamp = self.samples & 0xFFFFFFFF
        header = struct.pack(">BBHII", 0x80, self.payload_type, self.sequence, timestamp, self.ssrc)
        return header + payload


def payload_of(packet: bytes) -> bytes:
    """What is behind the header of an RTP packet (RFC 3550 section 5.1)."""
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        at += 4 + 4 * int(struct.unpack_from(">H", packet, at + 2)[0])
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[at:end]


def mono(samples: NDArray[Any]) -> NDArray[numpy.float32]:
    """The mean of the channels, which PyAV gives as rows."""
    return numpy.asarray(samples.mean(axis=0), numpy.float32)


def level(samples: NDArray[numpy.float32]) -> float:
    """How loud it is in dBov: 0 is the loudest there is, -127 is silence."""
    power = float(numpy.mean(samples.astype(numpy.float64) ** 2)) if len(samples) else 0.0
    return max(-127.0, 10 * numpy.log10(power)) if power else -127.0
