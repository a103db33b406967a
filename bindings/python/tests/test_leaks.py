"""What is closed is gone: memory, descriptors and threads."""

from __future__ import annotations

import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor

import plenum
from rtp import first, opus, packet


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def counts() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


async def sfu_cycle() -> None:
    async with plenum.Sfu(listen=["127.0.0.1:0"], packet_memory=1 << 20) as sfu:
        router = await sfu.create_router()
        await router.create_webrtc_transport()


async def test_a_thousand_sfus_leave_nothing_behind() -> None:
    # The loop's threads for what blocks come and stay as they are needed; here one is enough.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
    for _ in range(100):
        await sfu_cycle()
    gc.collect()
    before, things = resident(), counts()
    for _ in range(900):
        await sfu_cycle()
    gc.collect()
    assert counts() == things
    assert resident() - before < 900 * 4096, "less than a page for each"


async def router_cycle(sfu: plenum.Sfu) -> None:
    async with await sfu.create_router() as router:
        events = router.events()
        direct = await router.create_direct_transport()
        producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
        consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
        packets = consumer.packets()
        await direct.send_rtp(producer, [packet(1, i) for i in range(20)])
        await first(packets)
        news = await direct.produce_data()
        await direct.consume_data(news)
        await news.send("hello")
        await consumer.stats()
        await producer.close()
        await first(events)


async def test_a_thousand_routers_leave_nothing_behind(sfu: plenum.Sfu) -> None:
    driver = sfu._driver
    assert driver is not None
    for _ in range(200):
        await router_cycle(sfu)
    gc.collect()
    before, things = resident(), counts()
    for _ in range(1000):
        await router_cycle(sfu)
    gc.collect()
    assert counts() == things
    assert resident() - before < 1000 * 2048
    assert not driver._pending and not driver._topics and not driver.waiting
    assert len(driver.handles) == 0
