"""A participant without a browser: aiortc's WebRTC stack and the meeting's WebSocket protocol.

Reads one JSON object per line from stdin, {"id", "call", "arguments"}, and answers each on stdout
with {"id", "result"} or {"id", "error"}. Ends when stdin does.
"""

import asyncio
import fractions
import json
import math
import socket
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import numpy
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame
from websockets.asyncio.client import connect

SLOTS = 6
RATE = 48_000
PICTURES = 10


class Loop(asyncio.SelectorEventLoop):
    """Gives datagrams room to wait while this process does not come to run: aiortc asks for a lost
    packet only once, and without it shows nothing for hundreds of packets. Some seconds of them,
    not more: behind a longer queue the answers to the checks of consent come too late, and after
    six of those aioice gives the connection up."""

    async def create_datagram_endpoint(self, *arguments, **options):
        transport, protocol = await super().create_datagram_endpoint(*arguments, **options)
        endpoint = transport.get_extra_info("socket")
        # The number of SO_RCVBUFFORCE, which root of the network may use.
        endpoint.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_RCVBUFFORCE", 33), 1 << 20)
        return transport, protocol


class Camera(MediaStreamTrack):
    """A bar that wanders over a dark picture, ten times a second as the browsers' cameras: this
    process has the smallest share of the machine."""

    kind = "video"

    def __init__(self):
        super().__init__()
        self.began = time.monotonic()
        self.drawn = 0

    async def recv(self):
        await asyncio.sleep(self.began + self.drawn / PICTURES - time.monotonic())
        picture = numpy.full((180, 320, 3), (60, 40, 25), numpy.uint8)
        position = self.drawn * 7 % 300
        picture[:, position : position + 20] = (90, 170, 240)
        frame = VideoFrame.from_ndarray(picture, "bgr24")
        frame.pts, frame.time_base = self.drawn, fractions.Fraction(1, PICTURES)
        # Who comes late leaves pictures out, as a camera does.
        self.drawn = max(self.drawn, int((time.monotonic() - self.began) * PICTURES)) + 1
        return frame


class Microphone(MediaStreamTrack):
    """A 440 Hz tone, or silence when muted."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.muted = False
        self.began = time.monotonic()
        self.sent = 0

    async def recv(self):
        await asyncio.sleep(self.began + self.sent / RATE - time.monotonic())
        phase = 2 * math.pi * 440 / RATE * (self.sent + numpy.arange(RATE // 50))
        tone = numpy.zeros(RATE // 50) if self.muted else numpy.sin(phase) * 8000
        frame = AudioFrame.from_ndarray(tone.astype(numpy.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = RATE, self.sent
        frame.time_base = fractions.Fraction(1, RATE)
        self.sent += RATE // 50
        return frame


class Participant:
    def __init__(self):
        self.microphone, self.camera = Microphone(), Camera()
        self.people = {}  # participant_id -> Participant of the protocol, as last told
        self.gone = []  # display names of those who left
        self.messages = []
        self.assigned = {}  # mid -> (participant_id, source)
        self.counts = {}  # (participant_id, source) -> {"frames", "energy"}
        self.refusals = []
        self.replies = {}
        self.tasks = []

    async def join(self, meeting_url, name):
        address = urlsplit(meeting_url)
        meeting = address.path.rsplit("/", 1)[-1]
        seat = await asyncio.to_thread(
            post,
            f"http://{address.netloc}/api/meetings/{meeting}/join",
            {"display_name": name, "device_info": {"user_agent": "aiortc"}},
        )
        self.id = seat["participant_id"]
        self.socket = await connect(f"ws://{address.netloc}{seat['signaling_server_url']}")
        joined = self.reply("joined")
        self.start(self.listen())
        self.start(self.heartbeat())
        await self.send(type="join", token=seat["token"])
        await joined
        await self.negotiate()

    async def negotiate(self):
        self.pc = pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        sending = {
            "microphone": pc.addTransceiver(self.microphone, direction="sendonly"),
            "camera": pc.addTransceiver(self.camera, direction="sendonly"),
        }
        receiving = []
        for role, count in (("participant", SLOTS), ("screen", 1)):
            for kind in ("audio", "video"):
                for _ in range(count):
                    slot = pc.addTransceiver(kind, direction="recvonly")
                    slot.setCodecPreferences(formats(kind))
                    receiving.append((role, slot))
        await pc.setLocalDescription(await pc.createOffer())
        answer = self.reply("answer")
        await self.send(
            type="offer",
            offer_id=1,
            sdp=pc.localDescription.sdp,
            tracks=[{"mid": t.mid, "source": source} for source, t in sending.items()],
            slots=[{"mid": t.mid, "kind": t.kind, "role": role} for role, t in receiving],
        )
        answer = await answer
        await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        # aiortc reads the candidates of the last section; in a bundle they are in the first.
        for line in answer["sdp"].splitlines():
            if line.startswith("a=candidate:"):
                candidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
                candidate.sdpMid = sending["microphone"].mid
                await pc.addIceCandidate(candidate)
        for _, transceiver in receiving:
            self.start(self.receive(transceiver))
        await self.view()

    async def receive(self, transceiver):
        """Counts what a slot brings for whoever is on it at that moment."""
        while True:
            try:
                frame = await transceiver.receiver.track.recv()
            except MediaStreamError:
                return
            who = self.assigned.get(transceiver.mid)
            if who is None:
                continue
            count = self.counts.setdefault(who, {"frames": 0, "energy": 0.0})
            if transceiver.kind == "video":
                count["frames"] += 1
            else:
                samples = frame.to_ndarray().astype(numpy.float64) / 32768
                count["energy"] += float((samples**2).mean()) * frame.samples / frame.sample_rate

    async def view(self):
        """Everyone is shown as a small picture, a shared screen as a large one."""
        tiles = []
        for person in self.people.values():
            size = {"participant_id": person["participant_id"]}
            tiles.append(size | {"source": "camera", "width": 320, "height": 180})
            if person["screen_sharing"]:
                tiles.append(size | {"source": "screen", "width": 1280, "height": 720})
        await self.send(type="view", tiles=tiles)

    async def listen(self):
        async for text in self.socket:
            message = json.loads(text)
            kind = message["type"]
            if kind == "joined":
                for person in message["participants"]:
                    self.people[person["participant_id"]] = person
                self.people.pop(self.id, None)
                self.messages += message["chat"]
                self.assign(message["slots"])
            elif kind == "participant_joined":
                person = message["participant"]
                self.people[person["participant_id"]] = person
                await self.view()
            elif kind == "participant_left":
                person = self.people.pop(message["participant_id"], None)
                if person:
                    self.gone.append(person["display_name"])
                await self.view()
            elif kind == "media_state" and message["participant_id"] in self.people:
                self.people[message["participant_id"]].update(message)
                await self.view()
            elif kind == "slots":
                self.assign(message["assignments"])
            elif kind == "chat_broadcast":
                self.messages.append(message)
            elif kind == "error":
                self.refusals.append(message)
                print(message, file=sys.stderr)
            if kind in self.replies:
                self.replies.pop(kind).set_result(message)

    def assign(self, assignments):
        for slot in assignments:
            person = slot["participant_id"]
            self.assigned[slot["mid"]] = (person, slot["source"]) if person else None

    async def heartbeat(self):
        while True:
            await asyncio.sleep(10)
            await self.send(type="ping")

    def reply(self, kind):
        future = asyncio.get_running_loop().create_future()
        self.replies[kind] = future
        return asyncio.wait_for(future, 15)

    async def send(self, **message):
        await self.socket.send(json.dumps(message))

    def start(self, coroutine):
        self.tasks.append(asyncio.ensure_future(coroutine))

    # What the tests ask for.

    async def set_muted(self, muted):
        self.microphone.muted = muted
        await self.send(type="mute", muted=muted)

    async def set_camera(self, enabled):
        await self.send(type="video_toggle", enabled=enabled)

    async def say(self, message):
        await self.send(type="chat", message=message)

    async def state(self):
        received = {}
        for (person, source), count in self.counts.items():
            if person not in self.people:
                continue
            name = self.people[person]["display_name"]
            total = received.setdefault(name, {"frames": 0, "screenFrames": 0, "energy": 0.0})
            total["screenFrames" if source == "screen" else "frames"] += count["frames"]
            if source != "screen_audio":
                total["energy"] += count["energy"]
        return {
            "people": {p["display_name"]: p for p in self.people.values()},
            "gone": self.gone,
            "chat": [m["message"] for m in self.messages],
            "received": received,
            "refusals": self.refusals,
            "connection": self.pc.connectionState,
        }

    async def leave(self):
        await self.send(type="leave")
        for task in self.tasks:
            task.cancel()
        await self.pc.close()
        await self.socket.close()


def formats(kind):
    """What aiortc can receive, but for RTX: it has no way for retransmissions on an SSRC of their
    own as soon as there are several receivers. Without RTX the lost packet itself is sent again."""
    codecs = RTCRtpReceiver.getCapabilities(kind).codecs
    return [codec for codec in codecs if not codec.mimeType.endswith("/rtx")]


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=15) as answer:
        return json.load(answer)


async def main():
    participant = Participant()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    while line := await lines.readline():
        request = json.loads(line)
        try:
            result = await getattr(participant, request["call"])(**request["arguments"])
            answer = {"id": request["id"], "result": result}
        except Exception as error:
            answer = {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


with asyncio.Runner(loop_factory=Loop) as runner:
    runner.run(main())
