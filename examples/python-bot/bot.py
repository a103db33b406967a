"""A bot that listens: it measures how loud each person in a room is, and answers with a melody.

`python bot.py`, then open http://127.0.0.1:8093 and speak. /levels tells what the bot measures.
The bot is in the process of the SFU: RTP comes to it and goes from it as bytes, by a direct
transport. Everything else in here is the room that it is in.
"""

import argparse
import asyncio
import random
from collections.abc import Coroutine
from pathlib import Path

import numpy
from aiohttp import web

import plenum
from opus import FRAME, RATE, Decoder, Encoder, level

#: Somebody louder than this (dBov) speaks.
LOUD = -45.0
#: The tones of an answer in Hz, each a fifth of a second long.
MELODY = (523.25, 659.25, 783.99, 1046.5)
NOTE = RATE // 5


class Bot:
    """Hears everybody in a router, and is heard by everybody."""

    def __init__(self, router: plenum.Router) -> None:
        self.router = router
        #: Producer to how loud it was lately.
        self.levels: dict[str, float] = {}
        self.spoken = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    async def join(self) -> None:
        """Comes into the room. Its voice is `producer`."""
        self.transport = await self.router.create_direct_transport()
        codecs = self.router.rtp_capabilities["codecs"]
        opus = next(codec for codec in codecs if codec["mimeType"].lower() == "audio/opus")
        payload_type, ssrc = opus["preferredPayloadType"], random.getrandbits(31) | 1
        self.producer = await self.transport.produce(
            kind="audio",
            rtp_parameters={
                "codecs": [
                    {
                        "mimeType": "audio/opus",
                        "payloadType": payload_type,
                        "clockRate": RATE,
                        "channels": 2,
                    }
                ],
                "encodings": [{"ssrc": ssrc}],
            },
        )
        self.start(self.speak(Encoder(payload_type, ssrc)))

    def start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def hear(self, voice: plenum.Producer) -> None:
        """Listens to somebody until the end."""
        capabilities = self.router.rtp_capabilities
        ear = await self.transport.consume(voice, rtp_capabilities=capabilities)
        self.start(self.listen(voice.id, ear))

    async def listen(self, who: str, ear: plenum.Consumer) -> None:
        decoder = Decoder()
        async for batch in ear.packets():
            match batch:
                case plenum.Lagged(count):
                    print(f"{count} packets came too fast")
                case packets:
                    samples = numpy.concatenate([decoder.decode(packet) for packet in packets])
                    self.levels[who] = level(samples)
                    if self.levels[who] > LOUD:
                        self.spoken.set()
            if ear.closed:
                break
        self.levels.pop(who, None)

    async def speak(self, encoder: Encoder) -> None:
        """Says the melody whenever somebody has spoken, and nothing otherwise."""
        clock = asyncio.get_running_loop().time
        while True:
            await self.spoken.wait()
            self.spoken.clear()
            begun = clock()
            for start in range(0, NOTE * len(MELODY), FRAME):
                tone = MELODY[start // NOTE]
                phase = 2 * numpy.pi * tone / RATE * (start + numpy.arange(FRAME))
                packets = encoder.encode((0.3 * numpy.sin(phase)).astype(numpy.float32))
                await self.transport.send_rtp(self.producer, packets)
                await asyncio.sleep(begun + (start + FRAME) / RATE - clock())


async def serve(media: str) -> web.Application:
    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__).with_name("bot.html"))

    async def offer(request: web.Request) -> web.Response:
        """Takes in a person, who hears the bot on every audio slot."""
        person = await room.accept_offer(await request.text())
        for slot in person.slots:
            if slot.kind == "audio":
                await slot.consumer.switch(bot.producer)
        for own in person.producers:
            if own.kind == "audio":
                await bot.hear(own.producer)
        return web.Response(text=person.answer)

    async def levels(_: web.Request) -> web.Response:
        return web.json_response(bot.levels)

    sfu, app = plenum.Sfu(listen=[media]), web.Application()
    await sfu.start()
    room = await sfu.create_router()
    bot = Bot(room)
    await bot.join()

    async def end(_: web.Application) -> None:
        for task in tuple(bot.tasks):
            task.cancel()
        await sfu.close()

    app.on_cleanup.append(end)
    app.add_routes([web.get("/", page), web.get("/levels", levels), web.post("/offer", offer)])
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--media", default="0.0.0.0:40103", help="address for media")
    parser.add_argument("--port", type=int, default=8093, help="port of the web server")
    arguments = parser.parse_args()
    web.run_app(serve(arguments.media), host="127.0.0.1", port=arguments.port)
