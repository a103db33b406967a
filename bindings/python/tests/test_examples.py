"""The examples, with Chromium and with aiortc, from end to end."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy
import pytest
from playwright.async_api import Browser, Page

from peers import RATE, RECEIVED, Participant, chromium, free_port, program
from rtp import until

ROOT = Path(__file__).parents[3]
HELLO = ROOT / "bindings/python/examples/hello.py"
ROOM = ROOT / "examples/python-room/server.py"
BOT = ROOT / "examples/python-bot/bot.py"

# The libraries of the other side have warnings of their own.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def visit(browser: Browser, url: str) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(url, wait_until="commit")
    await page.wait_for_function("window.pc")
    return page


async def sees_and_hears(page: Page, frames: int, sounds: int) -> None:
    """From now on the page decodes new pictures of so many and gets new sound of so many."""
    before: dict[str, Any] = {"frames": [], "energy": []}

    async def grown() -> bool:
        now = await page.evaluate(RECEIVED)
        nonlocal before
        if len(before["frames"]) < frames or len(before["energy"]) < sounds:
            before = now
            return False
        seen = sum(now["frames"]) >= sum(before["frames"]) + 10 * frames
        return seen and bool(sum(now["energy"]) > sum(before["energy"]))

    await until(f"{frames} pictures and {sounds} sounds go on", grown, 60)


def test_hello_and_the_room_are_short() -> None:
    assert len(HELLO.read_text().splitlines()) <= 30
    assert len(ROOM.read_text().splitlines()) < 100


async def test_hello_gives_camera_and_microphone_back(browser: Browser) -> None:
    port, media = free_port(), free_port()
    async with program(HELLO, port=port, PORT=str(port), MEDIA=f"0.0.0.0:{media}") as url:
        page = await visit(browser, url)
        await sees_and_hears(page, 1, 1)


async def test_people_in_a_room_see_and_hear_each_other(browser: Browser) -> None:
    port, media = free_port(), free_port()
    arguments = ["--media", f"0.0.0.0:{media}", "--port", str(port)]
    async with program(ROOM, *arguments, port=port) as url:
        one = await visit(browser, f"{url}/#here")
        two = await visit(browser, f"{url}/#here")
        elsewhere = await visit(browser, f"{url}/#elsewhere")
        aiortc = Participant()
        await aiortc.join(f"{url}/rooms/here")
        await sees_and_hears(one, 2, 2)
        await sees_and_hears(two, 2, 2)

        async def aiortc_sees_and_hears() -> bool:
            enough = [count for count in aiortc.frames.values() if count > 20]
            return len(enough) == 2 and len([e for e in aiortc.energy.values() if e > 0]) == 2

        await until("aiortc sees and hears both browsers", aiortc_sees_and_hears, 60)
        assert await elsewhere.evaluate(RECEIVED) == {"frames": [], "energy": []}

        # Somebody leaves, and the slots of the others are seated anew.
        await two.close()
        three = await visit(browser, f"{url}/#here")
        await sees_and_hears(three, 2, 2)
        await sees_and_hears(one, 2, 2)
        await aiortc.leave()

        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/rooms/here", data="hello") as response:
                assert response.status == 400 and "v=" in await response.text()


async def levels(url: str) -> list[float]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/levels") as response:
        return sorted((await response.json()).values())


async def test_the_bot_measures_each_speaker_and_answers(browser: Browser) -> None:
    port, media = free_port(), free_port()
    arguments = ["--media", f"0.0.0.0:{media}", "--port", str(port)]
    async with program(BOT, *arguments, port=port) as url:
        # A sine of amplitude a has the power a²/2; aiortc shares it out between two channels.
        loud, quiet = 0.5, 0.05
        expected = [10 * math.log10(a * a / 2 / 2) for a in (quiet, loud)]
        people = [Participant(amplitude=a, video=False, slots=1) for a in (loud, quiet)]
        for person in people:
            await person.join(f"{url}/offer")

        async def measured() -> bool:
            now = await levels(url)
            return len(now) == 2 and all(abs(a - b) < 2 for a, b in zip(now, expected))

        await until(f"the bot measures {expected}", measured)

        async def answered() -> bool:
            return all(sum(map(len, p.sound.values())) > 50 for p in people)

        await until("both hear the bot", answered)
        for person in people:
            (sound,) = person.sound.values()
            tones = {round(pitch(samples) / 50) * 50 for samples in sound}
            # The melody's four tones, as exactly as 20 ms can tell them.
            assert {500, 650, 800, 1050} & tones, tones
            await person.leave()

        page = await visit(browser, url)
        await sees_and_hears(page, 0, 1)
        await until("the browser's level is shown", lambda: levels(url))


def pitch(samples: Any) -> float:
    """The strongest frequency in Hz."""
    padded = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples)), RATE))
    return float(numpy.argmax(padded))
