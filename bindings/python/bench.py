"""Figures of the installed package: `python bench.py [SECONDS]`.

Direct RTP packets per second in batches, the latency of events, and what a router that forwards over
UDP costs when it is driven from Python. Not a test: figures depend on the machine.
"""

import asyncio
import socket
import statistics
import struct
import sys
import threading
import time

import plenum
from plenum.types import RtpParameters

PAYLOAD = bytes(160)


def opus(ssrc: int) -> RtpParameters:
    return {
        "codecs": [
            {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}
        ],
        "encodings": [{"ssrc": ssrc}],
    }


def packets(ssrc: int, first: int, count: int) -> list[bytes]:
    head = struct.Struct(">BBHII")
    return [
        head.pack(0x80, 111, (first + i) & 0xFFFF, (first + i) * 960 & 0xFFFFFFFF, ssrc) + PAYLOAD
        for i in range(count)
    ]


async def direct_rtp(sfu: plenum.Sfu, seconds: float, batch: int) -> None:
    """How many packets a second go into a router, and through it and back."""
    for listening in (False, True):
        router = await sfu.create_router()
        direct = await router.create_direct_transport()
        producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
        got = lost = 0

        async def count(stream: "plenum.Stream[list[bytes]]") -> None:
            nonlocal got, lost
            async for some in stream:
                if isinstance(some, plenum.Lagged):
                    lost += some.count
                else:
                    got += len(some)

        if listening:
            capabilities = router.rtp_capabilities
            consumer = await direct.consume(producer, rtp_capabilities=capabilities)
            reader = asyncio.create_task(count(consumer.packets(capacity=65536)))
        ready = [packets(1, first, batch) for first in range(0, 65536, batch)]
        sent, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            await direct.send_rtp(producer, ready[sent // batch % len(ready)])
            sent += batch
        took = time.perf_counter() - begun
        if listening:
            await asyncio.sleep(0.3)
            await router.close()
            await reader
            back = f", {got / took:,.0f}/s came back, {lost} lost"
        else:
            await router.close()
            back = ""
        print(f"direct RTP, batches of {batch}: {sent / took:,.0f} packets/s{back}")


async def paced_rtp(sfu: plenum.Sfu, seconds: float) -> None:
    """100,000 packets a second through a router and back: whether all arrive, and at what cost."""
    router = await sfu.create_router()
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
    stream = consumer.packets(capacity=65536)
    got = lost = 0

    async def count() -> None:
        nonlocal got, lost
        async for some in stream:
            if isinstance(some, plenum.Lagged):
                lost += some.count
            else:
                got += len(some)

    reader = asyncio.create_task(count())
    rate, every = 100_000, 0.002
    batch = int(rate * every)
    ready = [packets(1, first, batch) for first in range(0, 64000, batch)]
    sent, begun, worked = 0, time.perf_counter(), time.thread_time()
    while sent < rate * seconds:
        await direct.send_rtp(producer, ready[sent // batch % len(ready)])
        sent += batch
        await asyncio.sleep(max(0.0, begun + sent / rate - time.perf_counter()))
    took, worked = time.perf_counter() - begun, time.thread_time() - worked
    await asyncio.sleep(0.3)
    await router.close()
    await reader
    print(
        f"paced RTP: {sent / took:,.0f} packets/s sent, {got:,} of {sent:,} came back, {lost} lost, "
        f"Python's thread busy {worked / took:.0%}"
    )


async def event_latency(sfu: plenum.Sfu, seconds: float) -> None:
    """Time from the moment a message is sent to the moment a coroutine has its event."""
    router = await sfu.create_router()
    direct = await router.create_direct_transport()
    news = await direct.produce_data()
    messages = (await direct.consume_data(news)).messages()
    times: list[float] = []

    async def send() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            await news.send(struct.pack(">d", time.perf_counter()))
            await asyncio.sleep(0.001)
        await news.close()

    sending = asyncio.create_task(send())
    async for message in messages:
        if isinstance(message, plenum.Message):
            (at,) = struct.unpack(">d", message.payload)
            times.append((time.perf_counter() - at) * 1000)
    await sending
    await router.close()
    centiles = statistics.quantiles(times, n=1000)
    print(
        f"event latency over {len(times)} events: median {centiles[499]:.2f} ms, "
        f"p99 {centiles[989]:.2f} ms, p99.9 {centiles[998]:.2f} ms"
    )


async def forwarding(sfu: plenum.Sfu, seconds: float) -> None:
    """UDP in, UDP out to ten receivers: no packet passes through Python."""
    router = await sfu.create_router()
    source = await router.create_plain_transport(listen="127.0.0.1:0", comedia=True)
    voice = await source.produce(kind="audio", rtp_parameters=opus(9))
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    outs = []
    for _ in range(10):
        out = await router.create_plain_transport(listen="127.0.0.1:0")
        await out.connect(address="%s:%d" % sink.getsockname())
        outs.append(await out.consume(voice, rtp_capabilities=router.rtp_capabilities))
    host, port = source.local_address.rsplit(":", 1)
    stop = threading.Event()

    def feed() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            ready, sent = packets(9, 0, 65536), 0
            while not stop.is_set():
                for _ in range(20):
                    peer.sendto(ready[sent & 0xFFFF], (host, int(port)))
                    sent += 1
                time.sleep(0.002)

    feeding = asyncio.create_task(asyncio.to_thread(feed))
    await asyncio.sleep(0.5)
    before, begun, worked = await sfu.shard_stats(0), time.perf_counter(), time.thread_time()
    await asyncio.sleep(seconds)
    after, took = await sfu.shard_stats(0), time.perf_counter() - begun
    worked = time.thread_time() - worked
    stop.set()
    await feeding
    sink.close()
    forwarded = after["sentDatagrams"] - before["sentDatagrams"]
    busy = (after["busyMs"] - before["busyMs"]) / 1000
    print(
        f"forwarding over UDP: {forwarded / took:,.0f} packets/s, {busy / forwarded * 1e6:.2f} µs of "
        f"the shard each, the loop's thread busy {worked / took:.1%}"
    )
    await router.close()


async def main(seconds: float) -> None:
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
        for batch in (1, 32, 256):
            await direct_rtp(sfu, seconds, batch)
        await paced_rtp(sfu, seconds)
        await event_latency(sfu, seconds)
        await forwarding(sfu, seconds)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
