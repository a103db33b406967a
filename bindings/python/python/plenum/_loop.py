"""The bridge between an event loop and the queue of the native client.

The loop watches the client's file descriptor and takes what has come, on its own thread, a batch at
a time. No thread of the SFU ever calls into Python.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from . import _events as ev
from ._errors import ClosedError, error_of
from ._plenum import Client
from ._stream import Stream
from .types import Buffer

if TYPE_CHECKING:
    from ._handle import Handle

# Taken at a time; then the loop has its turn, and comes back if there is more.
_BATCH = 512

#: What a stream is subscribed to: a kind of thing, and the id of whose.
Topic = tuple[str, str]


class Driver:
    """One running SFU and the event loop that it belongs to. All handles share it."""

    def __init__(self, client: Client) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._pid = os.getpid()
        self._pending: dict[int, asyncio.Future[tuple[Any, bytes | None]]] = {}
        self._topics: dict[Topic, list[weakref.ref[Stream[Any]]]] = {}
        # A stream that somebody waits for must live, whoever else forgets it.
        self.waiting: set[Stream[Any]] = set()
        # Handles by id, so that each thing has one, which learns that it is closed.
        self.handles: weakref.WeakValueDictionary[str, Handle] = weakref.WeakValueDictionary()
        self._ending = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._fd: int | None = None
        self._pump: _Pump | None = None
        self._watch()

    @classmethod
    async def start(cls, options: dict[str, Any]) -> Driver:
        """Starts an SFU that belongs to the running loop, and does not hold that up meanwhile."""
        return cls(await asyncio.get_running_loop().run_in_executor(None, Client, options))

    # What handles call.

    @property
    def closed(self) -> bool:
        """Whether the SFU is closed, or is just being closed."""
        return self._ending

    async def call(
        self,
        method: str,
        target: int,
        parameters: dict[str, Any],
        payload: Iterable[Buffer] = (),
    ) -> tuple[Any, bytes | None]:
        """Calls a method; gives its value and its payload."""
        self.check()
        request = self._client.submit(method, target, parameters, payload)
        future = self._loop.create_future()
        self._pending[request] = future
        result: tuple[Any, bytes | None] = await future
        return result

    def check_process(self) -> None:
        """Raises an error in a process that was forked from the SFU's."""
        if os.getpid() != self._pid:
            raise ClosedError(
                f"this Sfu belongs to process {self._pid} and cannot be used in process "
                f"{os.getpid()}, which was forked from it: start another one there"
            )

    def check(self) -> None:
        """Raises the error that says why the SFU cannot be used from here."""
        self.check_process()
        if self._ending:
            raise ClosedError("the Sfu is closed")
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "no event loop is running in this thread: an Sfu is used on the loop that started it "
                "(from other threads with asyncio.run_coroutine_threadsafe)"
            ) from None
        if running is not self._loop:
            raise RuntimeError(
                "this Sfu belongs to another event loop: use it on the loop that started it "
                "(from other threads with asyncio.run_coroutine_threadsafe)"
            )

    async def close(self) -> None:
        """Ends the SFU and waits until it has ended. Does nothing the second time."""
        self.check_process()
        if self._loop.is_closed():
            # Nobody is left to be told anything.
            self._ending = True
            self._client.close()
            self._unwatch()
            return
        if not self._ending:
            self.check()
            self._ending = True
            # It waits for the threads of the SFU to end.
            try:
                await self._loop.run_in_executor(None, self._client.close)
            except RuntimeError:
                # At the interpreter's end no thread can be started any more.
                self._client.close()
        await asyncio.shield(self._ended)

    def subscribe(self, topic: Topic, stream: Stream[Any]) -> None:
        """Gives the stream what comes of this topic, for as long as anybody holds the stream."""
        driver = weakref.ref(self)

        def forget(dead: weakref.ref[Stream[Any]]) -> None:
            alive = driver()
            if alive is not None:
                alive._forget(topic, dead)

        self._topics.setdefault(topic, []).append(weakref.ref(stream, forget))

    def unsubscribe(self, topic: Topic, stream: Stream[Any]) -> None:
        """Ends what `subscribe` began."""
        for reference in tuple(self._topics.get(topic, ())):
            if reference() is stream:
                self._forget(topic, reference)

    def _forget(self, topic: Topic, reference: weakref.ref[Stream[Any]]) -> None:
        references = self._topics.get(topic)
        if references is not None and reference in references:
            references.remove(reference)
            if not references:
                self._topics.pop(topic, None)

    # What comes from the client.

    def drain(self) -> None:
        """Takes a batch of what has come."""
        for item in self._client.poll(_BATCH):
            kind = item[0]
            if kind == 2:
                self._event(item[1], item[2])
            elif kind == 3:
                self._rtp(*item[1:])
            elif kind == 0:
                future = self._pending.pop(item[1], None)
                if future is not None and not future.done():
                    future.set_result((item[2], item[3]))
            elif kind == 1:
                future = self._pending.pop(item[1], None)
                if future is not None and not future.done():
                    future.set_exception(error_of(*item[2:]))
            elif kind == 4:
                self._end()

    def _streams(self, topic: Topic) -> list[Stream[Any]]:
        # A copy: whoever gets something may subscribe or close.
        references = self._topics.get(topic)
        if not references:
            return []
        return [
            stream for stream in [reference() for reference in references] if stream is not None
        ]

    def _event(self, value: dict[str, Any], payload: bytes | None) -> None:
        event = ev.event_of(value, payload)
        if event is None:
            return
        if isinstance(event, ev.Lagged):
            for topic in tuple(self._topics):
                for stream in self._streams(topic):
                    stream._lose(event.count)
            return
        for topic in (("sfu", ""), ("router", event.router)):
            for stream in self._streams(topic):
                stream._push(event)
        if isinstance(event, ev.Message):
            for stream in self._streams(("messages", event.consumer)):
                stream._push(event)
        gone = _GONE.get(type(event))
        if gone is not None:
            self._gone(getattr(event, gone))

    def _gone(self, id: str) -> None:
        """What had this id is closed: its handle knows, and its streams end."""
        handle = self.handles.get(id)
        if handle is not None:
            handle._mark_closed()
        for kind in ("router", "packets", "messages"):
            for stream in self._streams((kind, id)):
                stream._end()

    def _rtp(self, router: str, consumer: str, packets: list[bytes]) -> None:
        for stream in self._streams(("packets", consumer)):
            stream._push(packets, len(packets))
        for topic in (("sfu rtp", ""), ("router rtp", router)):
            for stream in self._streams(topic):
                stream._push(ev.Rtp(router, consumer, packets), len(packets))

    def _end(self) -> None:
        self._ending = True
        self._unwatch()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(ClosedError("the Sfu is closed"))
        self._pending.clear()
        for handle in tuple(self.handles.values()):
            handle._mark_closed()
        for topic in tuple(self._topics):
            for stream in self._streams(topic):
                stream._end()
        if not self._ended.done():
            self._ended.set_result(None)

    # How the loop is told that something has come.

    def _watch(self) -> None:
        fd = self._client.fd()
        if fd is not None:
            # A descriptor of our own: the client may go before the loop lets go of it.
            own = os.dup(fd)
            try:
                self._loop.add_reader(own, _drain, weakref.ref(self))
                self._fd = own
                return
            except NotImplementedError:
                os.close(own)
        # Windows' Proactor loop watches no descriptors, and there are none.
        self._pump = _Pump(self, self._loop, self._client)

    def _unwatch(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            _release(self._loop, fd)
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.stop()

    def __del__(
        self,
        # At the interpreter's end the modules may be empty already.
        _getpid: Callable[[], int] = os.getpid,
        _warn: Callable[..., None] = warnings.warn,
    ) -> None:
        # In a child of fork all of it is the parent's, down to the loop's selector.
        if self._pid != _getpid():
            return
        if not self._ending:
            _warn("an Sfu was never closed", ResourceWarning, source=self, stacklevel=2)
        fd, self._fd = self._fd, None
        loop = self._loop
        if fd is not None:
            try:
                # Garbage is collected on any thread.
                loop.call_soon_threadsafe(_release, loop, fd)
            except RuntimeError:
                _release(loop, fd)
        if not self._ending:
            self._client.close()
        if self._pump is not None:
            self._pump.stop()


def _drain(reference: weakref.ref[Driver]) -> None:
    driver = reference()
    if driver is not None:
        driver.drain()


def _release(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    if not loop.is_closed():
        loop.remove_reader(fd)
    with contextlib.suppress(OSError):
        os.close(fd)


_GONE: dict[type, str] = {
    ev.RouterClosed: "router",
    ev.TransportClosed: "transport",
    ev.ProducerClosed: "producer",
    ev.ConsumerClosed: "consumer",
    ev.DataProducerClosed: "producer",
    ev.DataConsumerClosed: "consumer",
}


class _Pump:
    """A thread that waits in the loop's stead."""

    def __init__(self, driver: Driver, loop: asyncio.AbstractEventLoop, client: Client) -> None:
        self._client = client
        self._taken = threading.Event()
        self._stopped = False
        # It must not hold the driver, or that would never be collected.
        self._thread = threading.Thread(
            target=self._run, args=(loop, weakref.ref(driver)), name="plenum-pump", daemon=True
        )
        _PUMPS.add(self)
        self._thread.start()

    def _run(self, loop: asyncio.AbstractEventLoop, driver: weakref.ref[Driver]) -> None:
        while not self._stopped and self._client.wait():
            self._taken.clear()
            try:
                loop.call_soon_threadsafe(self._take, driver)
            except RuntimeError:
                # The loop is closed.
                return
            while not self._taken.wait(1.0):
                if self._stopped or loop.is_closed():
                    return

    def _take(self, driver: weakref.ref[Driver]) -> None:
        try:
            _drain(driver)
        finally:
            self._taken.set()

    def stop(self) -> None:
        """Lets the thread end, once the client is closed."""
        self._stopped = True
        self._taken.set()

    def finish(self) -> None:
        """Ends the client and the thread."""
        with contextlib.suppress(ClosedError):
            self._client.close()
        self.stop()
        self._thread.join(5)


_PUMPS: weakref.WeakSet[_Pump] = weakref.WeakSet()


@atexit.register
def _finish_pumps() -> None:
    """A thread that came back into an interpreter which has ended would bring the process down."""
    for pump in tuple(_PUMPS):
        pump.finish()
