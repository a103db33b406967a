"""RTP packets, and what to tell a router of them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from plenum.types import RtpParameters

T = TypeVar("T")


def opus(ssrc: int) -> RtpParameters:
    """An Opus stream with audio levels in its header extensions."""
    return {
        "codecs": [
            {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}
        ],
        "headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 1}],
        "encodings": [{"ssrc": ssrc}],
    }


def vp8(*ssrcs: int) -> RtpParameters:
    """A VP8 stream; with several SSRCs a simulcast one."""
    return {
        "codecs": [{"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000}],
        "encodings": [{"ssrc": ssrc} for ssrc in ssrcs],
    }


def packet(
    ssrc: int,
    sequence: int,
    payload: bytes = b"voice",
    *,
    payload_type: int = 111,
    level: int | None = None,
) -> bytes:
    """One packet; `level` is its loudness in -dBov (RFC 6464)."""
    first = 0x80 if level is None else 0x90
    header = struct.pack(
        ">BBHII", first, payload_type, sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, ssrc
    )
    if level is not None:
        header += struct.pack(">HHBBH", 0xBEDE, 1, 0x10, 0x80 | level, 0)
    return header + payload


def payload_of(packet: bytes) -> bytes:
    """What is behind the header of a packet."""
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        at += 4 + 4 * int(struct.unpack_from(">H", packet, at + 2)[0])
    return packet[at:]


def sequence_of(packet: bytes) -> int:
    """The sequence number of a packet."""
    return int(struct.unpack_from(">H", packet, 2)[0])


async def until(what: str, check: Callable[[], Awaitable[T]], seconds: float = 30) -> T:
    """Calls `check` until it gives something truthy, and gives that."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        result = await check()
        if result:
            return result
        assert loop.time() < deadline, f"not within {seconds} s: {what} (last: {result!r})"
        await asyncio.sleep(0.02)


async def first(events: AsyncIterator[T], seconds: float = 30) -> T:
    """The next thing of an iterator."""
    return await asyncio.wait_for(events.__anext__(), seconds)
