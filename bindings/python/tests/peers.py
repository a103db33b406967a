"""Those who come into the examples: Chromium, and aiortc as a client without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame
from playwright.async_api import Browser, async_playwright

from rtp import until

RATE = 48_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
#: Pictures and sound of each receiver of a page that gets something.
RECEIVED = """async () => {
  const all = [...(await window.pc.getStats()).values()];
  const of = (kind, field) => all
    .filter((s) => s.type === 'inbound-rtp' && s.kind === kind)
    .map((s) => s[field] ?? 0)
    .filter((value) => value > 0);
  return { frames: of('video', 'framesDecoded'), energy: of('audio', 'totalAudioEnergy') };
}"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def program(path: Path, *arguments: str, port: int, **environment: str) -> AsyncIterator[str]:
    """Runs a server until it is no longer needed; gives its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(path),
        *arguments,
        env={**os.environ, **environment},
    )
    url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        assert process.returncode is None, f"{path.name} ended with {process.returncode}"
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return True
        return False

    try:
        await until(f"{path.name} answers", answers)
        yield url
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 20) in (0, -signal.SIGINT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium with a fake camera and microphone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--headless=new", *FLAGS],
            # A silenced element would report no audio energy.
            ignore_default_args=["--mute-audio"],
        )
        try:
            yield browser
        finally:
            await browser.close()


class Tone(MediaStreamTrack):
    """A sine of 440 Hz with this amplitude, 0 to 1."""

    kind = "audio"

    def __init__(self, amplitude: float) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.began = time.monotonic()
        self.sent = 0

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(self.began + self.sent / RATE - time.monotonic())
        phase = 2 * numpy.pi * 440 / RATE * (self.sent + numpy.arange(RATE // 50))
        tone = (numpy.sin(phase) * self.amplitude * 32767).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(tone.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = RATE, self.sent
        frame.time_base = fractions.Fraction(1, RATE)
        self.sent += RATE // 50
        return frame


def formats(kind: str) -> list[Any]:
    """What aiortc can receive, but for RTX, which it drops if it has several receivers."""
    capabilities = RTCRtpReceiver.getCapabilities(kind)
    assert capabilities is not None
    return [codec for codec in capabilities.codecs if not codec.mimeType.endswith("/rtx")]


class Participant:
    """aiortc in a room, with a tone for a voice, and what it receives."""

    def __init__(self, *, amplitude: float = 0.25, video: bool = True, slots: int = 2) -> None:
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.tone = Tone(amplitude)
        self.frames: dict[str, int] = {}
        self.energy: dict[str, float] = {}
        self.sound: dict[str, list[Any]] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.first = self.pc.addTransceiver(self.tone, direction="sendonly")
        if video:
            self.pc.addTransceiver(VideoStreamTrack(), direction="sendonly")
        kinds = ("audio", "video") if video else ("audio",)
        self.receiving = [
            self.pc.addTransceiver(kind, direction="recvonly")
            for _ in range(slots)
            for kind in kinds
        ]
        for slot in self.receiving:
            slot.setCodecPreferences(formats(slot.kind))

    async def join(self, url: str) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        async with aiohttp.ClientSession() as session:
            async with session.post(url, data=self.pc.localDescription.sdp) as response:
                answer = await response.text()
                assert response.status == 200, answer
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        # aiortc reads the candidates of the last section; in a bundle they are in the first.
        for line in answer.splitlines():
            if line.startswith("a=candidate:"):
                candidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
                candidate.sdpMid = self.first.mid
                await self.pc.addIceCandidate(candidate)
        self.tasks += [asyncio.create_task(self.receive(one)) for one in self.receiving]

    async def receive(self, transceiver: Any) -> None:
        mid = transceiver.mid
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await transceiver.receiver.track.recv()
                if transceiver.kind == "video":
                    self.frames[mid] = self.frames.get(mid, 0) + 1
                    continue
                samples = frame.to_ndarray().astype(numpy.float64).reshape(-1, 2)[:, 0] / 32768
                energy = float((samples**2).mean())
                self.energy[mid] = self.energy.get(mid, 0.0) + energy
                if energy > 1e-4:
                    self.sound.setdefault(mid, []).append(samples)

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.pc.close()
