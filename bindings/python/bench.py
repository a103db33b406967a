"""Figures of the installed package: `python bench.py`; `--help` tells the options.

Direct RTP packets per second in batches, the latency of events, and what a router that forwards over
UDP costs when it is driven from Python. Not a test: figures depend on the machine.
"""

import argparse
import asyncio
import socket
import statistics
import struct
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


class Load:
    """UDP packets to one source, and a socket for what comes of them."""

    def __init__(self) -> None:
        self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.bind(("127.0.0.1", 0))
        self.address = "%s:%d" % self.sink.getsockname()
        self.stop = threading.Event()

    def feed(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            ready, sent = packets(9, 0, 65536), 0
            while not self.stop.is_set():
                for _ in range(20):
                    peer.sendto(ready[sent & 0xFFFF], (host, int(port)))
                    sent += 1
                time.sleep(0.002)


async def forwarding(sfu: plenum.Sfu, seconds: float) -> float:
    """UDP in, UDP out to ten receivers; gives what a packet costs the shard, in µs."""
    load = Load()
    router = await sfu.create_router()
    source = await router.create_plain_transport(listen="127.0.0.1:0", comedia=True)
    voice = await source.produce(kind="audio", rtp_parameters=opus(9))
    for _ in range(10):
        out = await router.create_plain_transport(listen="127.0.0.1:0")
        await out.connect(address=load.address)
        await out.consume(voice, rtp_capabilities=router.rtp_capabilities)
    feeding = asyncio.create_task(asyncio.to_thread(load.feed, source.local_address))
    await asyncio.sleep(0.5)
    before, begun, worked = await sfu.shard_stats(0), time.perf_counter(), time.thread_time()
    await asyncio.sleep(seconds)
    after, took = await sfu.shard_stats(0), time.perf_counter() - begun
    worked = time.thread_time() - worked
    load.stop.set()
    await feeding
    load.sink.close()
    forwarded = after["sentDatagrams"] - before["sentDatagrams"]
    cost = (after["busyMs"] - before["busyMs"]) * 1000 / forwarded
    print(
        f"forwarding, driven from Python: {forwarded / took:,.0f} packets/s, {cost:.3f} µs of the "
        f"shard each, the loop's thread busy {worked / took:.1%}"
    )
    await router.close()
    return cost


async def forwarding_in_rust(program: str, seconds: float) -> float:
    """The same router, driven from Rust by examples/forwarding.rs."""
    load = Load()
    process = await asyncio.create_subprocess_exec(
        program, load.address, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin and process.stdout
    address = (await process.stdout.readline()).decode().strip()
    feeding = asyncio.create_task(asyncio.to_thread(load.feed, address))

    async def stats() -> tuple[float, float]:
        assert process.stdin and process.stdout
        process.stdin.write(b"\n")
        sent, busy = (await process.stdout.readline()).split()
        return float(sent), float(busy)

    await asyncio.sleep(0.5)
    before = await stats()
    await asyncio.sleep(seconds)
    after = await stats()
    load.stop.set()
    await feeding
    load.sink.close()
    process.stdin.close()
    await process.wait()
    forwarded = after[0] - before[0]
    cost = (after[1] - before[1]) / 1000 / forwarded
    print(
        f"forwarding, driven from Rust: {forwarded / seconds:,.0f} packets/s, {cost:.3f} µs of the "
        "shard each"
    )
    return cost


async def compare(program: str, seconds: float) -> None:
    """Turn and turn about, because other programs come and go; the median of the ratios counts."""
    ratios = []
    for _ in range(7):
        rust = await forwarding_in_rust(program, seconds)
        async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
            ratios.append(rust / await forwarding(sfu, seconds))
    print(f"throughput of a shard against Rust's: {statistics.median(ratios):.3f} (1 is the same)")


async def main(seconds: float, program: str | None) -> None:
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
        for batch in (1, 32, 256):
            await direct_rtp(sfu, seconds, batch)
        await paced_rtp(sfu, seconds)
        await event_latency(sfu, seconds)
    if program is None:
        async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
            await forwarding(sfu, seconds)
    else:
        await compare(program, seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rust", help="target/…/examples/forwarding, to compare with")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.seconds, arguments.rust))
