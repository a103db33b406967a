"""Rooms for browsers and other WebRTC clients: everybody sees and hears everybody else.

`python server.py`, then open http://127.0.0.1:8092/#any-room in several windows.

A client posts an SDP offer to /rooms/NAME and gets the answer. What it receives on are slots: the
server points them at the others and re-points them as people come and go, without any negotiation.
"""

import argparse
import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

import plenum


@dataclass
class Room:
    """A router, and those who are in it by the ids of their transports."""

    router: plenum.Router
    people: dict[str, plenum.SdpSession] = field(default_factory=dict)
    seating: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def join(self, offer: str) -> str:
        session = await self.router.accept_offer(offer)
        self.people[session.transport.id] = session
        await self.seat()
        return session.answer

    async def watch(self) -> None:
        """Notes who leaves: a page that is closed, or a network that is gone."""
        async for event in self.router.events(plenum.TransportClosed, plenum.TransportStateChanged):
            match event:
                case plenum.TransportStateChanged(transport=id, ice="disconnected"):
                    if id in self.people:
                        await self.people[id].close()
                case plenum.TransportClosed(transport=id):
                    self.people.pop(id, None)
                    await self.seat()

    async def seat(self) -> None:
        """Points everybody's n-th slot of a kind at the n-th of the others."""
        async with self.seating:
            for person in tuple(self.people.values()):
                others = [other for other in self.people.values() if other is not person]
                for kind in ("audio", "video"):
                    slots = [slot.consumer for slot in person.slots if slot.kind == kind]
                    sources = [p.producer for o in others for p in o.producers if p.kind == kind]
                    for index, slot in enumerate(slots):
                        try:
                            await slot.switch(sources[index] if index < len(sources) else None)
                        except plenum.NotFoundError:
                            pass  # Somebody just left; `watch` seats the others anew.


class Rooms:
    """All rooms, each made when the first person comes."""

    def __init__(self, sfu: plenum.Sfu) -> None:
        self.sfu = sfu
        self.rooms: dict[str, Room] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.opening = asyncio.Lock()

    async def offer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        async with self.opening:
            if name not in self.rooms:
                self.rooms[name] = Room(await self.sfu.create_router())
                self.tasks.append(asyncio.create_task(self.rooms[name].watch()))
        try:
            return web.Response(text=await self.rooms[name].join(await request.text()))
        except plenum.InvalidParametersError as error:
            raise web.HTTPBadRequest(text=str(error)) from error


async def serve(media: str) -> web.Application:
    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__).with_name("room.html"))

    sfu, app = plenum.Sfu(listen=[media]), web.Application()
    await sfu.start()
    app.on_cleanup.append(lambda _: sfu.close())
    app.add_routes([web.get("/", page), web.post("/rooms/{name}", Rooms(sfu).offer)])
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--media", default="0.0.0.0:40102", help="address for media")
    parser.add_argument("--port", type=int, default=8092, help="port of the web server")
    arguments = parser.parse_args()
    web.run_app(serve(arguments.media), host="127.0.0.1", port=arguments.port)
