"""Wrong use raises a clear error; it never crashes, hangs or leaks."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from typing import Any

import pytest

import plenum
from plenum import _plenum
from rtp import first, opus, packet


async def test_wrong_types_are_refused(sfu: plenum.Sfu, router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
    any_direct: Any = direct
    any_sfu: Any = sfu
    any_router: Any = router
    with pytest.raises(plenum.InvalidParametersError, match="codecs"):
        await any_sfu.create_router(codecs=[{"kind": "smell"}])
    with pytest.raises(plenum.InvalidParametersError, match="mimeType"):
        await any_direct.produce(kind="audio", rtp_parameters={"codecs": [{"payloadType": 1}]})
    with pytest.raises(plenum.InvalidParametersError):
        await any_direct.produce(kind="smell", rtp_parameters=opus(2))
    with pytest.raises(plenum.InvalidParametersError, match="udp"):
        await any_router.create_webrtc_transport(udp="yes")
    with pytest.raises(TypeError, match="not a value of JSON"):
        await any_router.create_webrtc_transport(udp=object())
    with pytest.raises(TypeError, match="unexpected keyword"):
        await any_router.create_webrtc_transport(ufp=True)
    with pytest.raises(TypeError, match="producer: expected a Producer or its id, not int"):
        await any_direct.send_rtp(5, [])
    with pytest.raises(
        TypeError, match="producer: expected a Producer or its id, not DirectTransport"
    ):
        await any_direct.send_rtp(direct, [])
    with pytest.raises(TypeError, match=r"payload 1: expected bytes.*not int"):
        await any_direct.send_rtp(producer, [packet(1, 1), 5])
    with pytest.raises(TypeError, match="not one bytes"):
        await any_direct.send_rtp(producer, packet(1, 1))
    with pytest.raises(TypeError, match="itera"):
        await any_direct.send_rtp(producer, 5)
    with pytest.raises(plenum.InvalidParametersError):
        await direct.consume("not an id", rtp_capabilities=router.rtp_capabilities)
    with pytest.raises(plenum.InvalidParametersError):
        await router.accept_offer("hello")
    with pytest.raises(TypeError, match="attach"):
        plenum.Producer()
    with pytest.raises(ValueError, match="hexadecimal"):
        plenum.Producer.attach(sfu, "xyz")
    attached = plenum.Producer.attach(sfu, "00000000000000ff")
    with pytest.raises(AttributeError, match="attach"):
        attached.kind  # noqa: B018
    # An attached handle of something known is the same one.
    assert plenum.Producer.attach(sfu, producer.id) is producer


async def test_wrong_packets_are_refused_by_index(router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
    with pytest.raises(plenum.InvalidParametersError, match="1"):
        await direct.send_rtp(producer, [packet(1, 1), bytes(5000)])


async def test_wrong_settings_are_refused() -> None:
    any_sfu: Any = plenum.Sfu
    with pytest.raises(TypeError, match="listen"):
        any_sfu(listen="0.0.0.0:1")
    with pytest.raises(plenum.InvalidParametersError):
        async with plenum.Sfu(listen=["nowhere"]):
            pass
    with pytest.raises(plenum.InvalidParametersError):
        async with plenum.Sfu(listen=[]):
            pass
    with pytest.raises(plenum.InvalidParametersError):
        async with any_sfu(listen=["127.0.0.1:0"], dtls_version="9"):
            pass
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
        taken = await sfu.addresses()
        with pytest.raises(plenum.IoError):
            async with plenum.Sfu(listen=taken):
                pass
        with pytest.raises(RuntimeError, match="started before"):
            await sfu.start()
    idle = plenum.Sfu(listen=["127.0.0.1:0"])
    with pytest.raises(plenum.ClosedError, match="not started"):
        await idle.create_router()
    await idle.close()


async def test_closed_handles_raise(sfu: plenum.Sfu, router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
    consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
    await direct.close()
    for call in (direct.close, producer.pause, consumer.stats, consumer.close):
        with pytest.raises(plenum.NotFoundError):
            await call()
    with pytest.raises(plenum.NotFoundError):
        consumer.packets()
    async with await router.create_direct_transport() as inner:
        await inner.close()
    await router.close()
    with pytest.raises(plenum.NotFoundError):
        await router.create_direct_transport()


async def test_a_closed_sfu_raises_and_ends_everything() -> None:
    sfu = plenum.Sfu(listen=["127.0.0.1:0"])
    async with sfu:
        router = await sfu.create_router()
        events = router.events()
        reader = asyncio.create_task(first(events))
        calls = [asyncio.create_task(router.dump()) for _ in range(50)]
        await asyncio.sleep(0)
    assert sfu.closed and router.closed
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, (dict, plenum.ClosedError)) for one in outcomes)
    with pytest.raises(StopAsyncIteration):
        while True:
            await reader
            reader = asyncio.create_task(first(events))
    await sfu.close()
    for call in (sfu.create_router, router.dump, router.close):
        with pytest.raises(plenum.ClosedError):
            await call()
    with pytest.raises(plenum.ClosedError):
        sfu.events()
    async with router:
        pass


async def test_ids_of_another_sfu_are_refused(sfu: plenum.Sfu, router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as other:
        theirs = await (await other.create_router()).create_direct_transport()
        producer = await theirs.produce(kind="audio", rtp_parameters=opus(1))
        with pytest.raises(plenum.NotFoundError, match="belongs to another Sfu"):
            await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
        with pytest.raises(plenum.NotFoundError):
            await direct.consume(producer.id, rtp_capabilities=router.rtp_capabilities)
        with pytest.raises(plenum.NotFoundError):
            await plenum.Producer.attach(sfu, producer.id).pause()


async def test_an_id_of_another_noun_is_refused(sfu: plenum.Sfu, router: plenum.Router) -> None:
    direct = await router.create_direct_transport()
    with pytest.raises(
        plenum.InvalidParametersError, match=r"expected a Producer.*DirectTransport"
    ):
        await plenum.Producer.attach(sfu, direct.id).pause()


async def test_calls_from_other_threads_and_loops_raise(router: plenum.Router) -> None:
    caught: list[BaseException] = []

    def another_loop() -> None:
        try:
            asyncio.run(router.dump())
        except RuntimeError as error:
            caught.append(error)

    def no_loop() -> None:
        try:
            router.events()
        except RuntimeError as error:
            caught.append(error)

    for target in (another_loop, no_loop):
        thread = threading.Thread(target=target)
        thread.start()
        await asyncio.to_thread(thread.join)
    assert "another event loop" in str(caught[0])
    assert "no event loop is running" in str(caught[1])

    # The way that the errors name.
    loop = asyncio.get_running_loop()
    future = asyncio.run_coroutine_threadsafe
    dumps = await asyncio.gather(
        *[asyncio.to_thread(lambda: future(router.dump(), loop).result(10)) for _ in range(8)]
    )
    assert all(dump["id"] == router.id for dump in dumps)


def test_many_threads_may_share_the_native_client() -> None:
    client = _plenum.Client({"listen": ["127.0.0.1:0"]})
    wanted = 8 * 200

    def call() -> None:
        for _ in range(200):
            client.submit("Sfu.shards", 0, {})

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    done: set[int] = set()
    while len(done) < wanted:
        assert client.wait(30)
        done |= {item[1] for item in client.poll(100)}
    for thread in threads:
        thread.join()
    client.submit("Sfu.noSuchMethod", 0, {})
    assert client.wait(30)
    ((kind, _, error, code, message),) = client.poll(10)
    assert (kind, error, code) == (1, "InvalidParameters", 1) and "noSuchMethod" in message
    with pytest.raises(ValueError, match="timeout"):
        client.wait(-1)
    with pytest.raises(TypeError):
        client.submit("Sfu.shards", 0, {1: object()})  # type: ignore[dict-item]
    client.close()
    while client.poll(10) != [(4,)]:
        assert client.wait(30)
    assert client.is_closed() and not client.wait(30)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_a_child_of_fork_is_refused(sfu: plenum.Sfu, router: plenum.Router) -> None:
    descriptors = [str(fd) for fd in range(3, 64) if os.path.exists(f"/proc/self/fd/{fd}")]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # No assertion here: nothing of the test may run on in the child.
        said = []
        for attempt in (lambda: router.events(), lambda: sfu._driver._client.fd()):  # type: ignore[union-attr]
            try:
                attempt()
                said.append("no error")
            except plenum.ClosedError as error:
                said.append(str(error))
        coroutine = sfu.close()
        try:
            coroutine.send(None)
        except plenum.ClosedError as error:
            said.append(str(error))
        # To let go of all of it must neither wait for threads nor touch descriptors.
        sfu._driver._client = None  # type: ignore[union-attr]
        sfu._driver.__del__()  # type: ignore[union-attr]
        gc.collect()
        said.append(str(all(os.path.exists(f"/proc/self/fd/{fd}") for fd in descriptors)))
        os.write(write, "\n".join(said).encode())
        os._exit(0)
    os.close(write)
    said = (await asyncio.to_thread(os.read, read, 65536)).decode().split("\n")
    os.close(read)
    assert os.waitpid(child, 0)[1] == 0
    assert len(said) == 4, said
    assert all("forked from it" in line for line in said[:3]), said
    assert said[3] == "True"
    # The parent goes on as before.
    assert (await router.dump())["id"] == router.id


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in an interpreter of its own, with all warnings shown."""
    return subprocess.run(
        [sys.executable, "-X", "dev", *options, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_interpreter_may_end_with_an_open_sfu() -> None:
    ended = run(
        """
        import asyncio, plenum
        async def main():
            global sfu, router, events
            sfu = plenum.Sfu(listen=["127.0.0.1:0"])
            await sfu.start()
            router = await sfu.create_router()
            events = router.events()
            cycle = [sfu, router]
            cycle.append(cycle)
        asyncio.run(main())
        print("ended")
        """
    )
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr
    assert "Traceback" not in ended.stderr.replace("ResourceWarning", ""), ended.stderr


def test_the_interpreter_may_end_in_the_middle() -> None:
    ended = run(
        """
        import asyncio, sys, plenum
        async def main():
            async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
                router = await sfu.create_router()
                calls = [asyncio.ensure_future(router.dump()) for _ in range(100)]
                await asyncio.sleep(0)
                sys.exit(7)
        asyncio.run(main())
        """
    )
    assert ended.returncode == 7, ended.stderr


def test_a_thread_may_outlive_the_main_program() -> None:
    ended = run(
        """
        import asyncio, threading, time, plenum
        async def main():
            sfu = plenum.Sfu(listen=["127.0.0.1:0"])
            await sfu.start()
            router = await sfu.create_router()
            while True:
                await router.dump()
        threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
        time.sleep(1)
        print("ended")
        """
    )
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr


def test_the_event_loop_may_be_closed_under_it() -> None:
    loop = asyncio.new_event_loop()
    sfu = plenum.Sfu(listen=["127.0.0.1:0"])

    async def start() -> plenum.Router:
        await sfu.start()
        return await sfu.create_router()

    router = loop.run_until_complete(start())
    loop.close()
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(router.dump())
    # It can still be ended, from anywhere.
    asyncio.run(sfu.close())
    assert sfu.closed
    with pytest.raises(plenum.ClosedError):
        asyncio.run(router.dump())


def test_a_forgotten_sfu_ends_and_warns() -> None:
    async def forget() -> weakref.ref[Any]:
        sfu = plenum.Sfu(listen=["127.0.0.1:0"])
        await sfu.start()
        router = await sfu.create_router()
        cycle: list[Any] = [sfu, router, router.events()]
        cycle.append(cycle)
        return weakref.ref(sfu._driver)

    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))
        reference = await forget()
        with pytest.warns(ResourceWarning, match="never closed"):
            gc.collect()
        assert reference() is None
        while len(os.listdir("/proc/self/fd")) > before:
            await asyncio.sleep(0.01)

    asyncio.run(main())


async def test_handles_may_be_collected_in_any_order(sfu: plenum.Sfu) -> None:
    for order in range(6):
        router = await sfu.create_router()
        direct = await router.create_direct_transport()
        producer = await direct.produce(kind="audio", rtp_parameters=opus(1))
        consumer = await direct.consume(producer, rtp_capabilities=router.rtp_capabilities)
        stream = consumer.packets()
        held: list[Any] = [router, direct, producer, consumer, stream, router.events()]
        ids = (router.id, direct.id, producer.id, consumer.id)
        del router, direct, producer, consumer, stream
        while held:
            held.pop(order % len(held))
            gc.collect()
        # A handle is a name: what it stood for is still there.
        again = plenum.Router.attach(sfu, ids[0])
        (transport,) = (await again.dump())["transports"]
        assert (transport["id"], transport["producers"], transport["consumers"]) == (
            ids[1],
            [ids[2]],
            [ids[3]],
        )
        await again.close()


async def test_a_cancelled_call_leaves_nothing_behind(router: plenum.Router) -> None:
    tasks = [asyncio.create_task(router.dump()) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await router.dump())["id"] == router.id
    assert not router._driver._pending


async def test_a_loop_without_descriptors_is_served_by_a_thread() -> None:
    """Windows' Proactor loop cannot watch descriptors; neither can this one."""

    def main() -> None:
        class Loop(asyncio.SelectorEventLoop):
            # The loop's own wake-up pipe is watched by another method.
            def add_reader(self, *_: Any) -> None:  # type: ignore[override]
                raise NotImplementedError

        loop = Loop()
        try:
            loop.run_until_complete(use())
        finally:
            loop.close()

    async def use() -> None:
        async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
            assert any(t.name == "plenum-pump" for t in threading.enumerate())
            router = await sfu.create_router()
            events = router.events()
            for _ in range(200):
                await (await router.create_direct_transport()).close()
            for _ in range(200):
                assert isinstance(await first(events), plenum.TransportClosed)
        forgotten = plenum.Sfu(listen=["127.0.0.1:0"])
        await forgotten.start()
        await forgotten.create_router()
        with pytest.warns(ResourceWarning, match="never closed"):
            del forgotten
            gc.collect()
        for thread in threading.enumerate():
            if thread.name == "plenum-pump":
                await asyncio.to_thread(thread.join, 10)
                assert not thread.is_alive()

    await asyncio.to_thread(main)


def test_the_interpreter_may_end_while_the_thread_waits() -> None:
    ended = run(
        """
        import asyncio, plenum
        class Loop(asyncio.SelectorEventLoop):
            def add_reader(self, *_):
                raise NotImplementedError
        async def main():
            global sfu
            sfu = plenum.Sfu(listen=["127.0.0.1:0"])
            await sfu.start()
            await sfu.create_router()
        loop = Loop()
        loop.run_until_complete(main())
        print("ended")
        """
    )
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr
