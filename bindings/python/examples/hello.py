"""A browser's camera and microphone, sent back to it: run it, open http://127.0.0.1:8091."""

import os
from pathlib import Path

from aiohttp import web

import plenum


async def hello() -> web.Application:
    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__).with_name("hello.html"))

    async def offer(request: web.Request) -> web.Response:
        peer = await room.accept_offer(await request.text())
        for slot in peer.slots:
            own = next(own.producer for own in peer.producers if own.kind == slot.kind)
            await slot.consumer.switch(own)
        return web.Response(text=peer.answer)

    sfu, app = plenum.Sfu(listen=[os.environ.get("MEDIA", "0.0.0.0:40101")]), web.Application()
    await sfu.start()
    room = await sfu.create_router()
    app.on_cleanup.append(lambda _: sfu.close())
    app.add_routes([web.get("/", page), web.post("/offer", offer)])
    return app


web.run_app(hello(), host="127.0.0.1", port=int(os.environ.get("PORT", "8091")))
