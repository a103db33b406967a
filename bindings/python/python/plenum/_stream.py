"""Bounded queues that are read with ``async for``."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from ._events import Lagged

if TYPE_CHECKING:
    from ._loop import Driver, Topic

T = TypeVar("T")


class Stream(Generic[T]):
    """What comes from an `Sfu`, for ``async for``.

    It collects from the moment it is made, until `close` or until what it is about is closed, which
    ends the loop. It holds a bounded number of things; what finds no room is left out, and a
    `Lagged` in its place says how many.
    """

    def __init__(
        self,
        driver: Driver,
        topics: list[Topic],
        capacity: int,
        types: tuple[type, ...] = (),
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity: expected 1 or more, not {capacity}")
        self._driver = driver
        self._loop = asyncio.get_running_loop()
        self._topics = topics
        self._capacity = capacity
        self._types = types
        self._items: deque[tuple[T | Lagged, int]] = deque()
        self._size = 0
        self._lost = 0
        self._over = False
        self._waiter: asyncio.Future[None] | None = None
        for topic in topics:
            driver.subscribe(topic, self)

    # What the driver calls.

    def _push(self, item: T, weight: int = 1) -> None:
        """Adds an item, which counts as so many."""
        if self._over or (self._types and not isinstance(item, self._types)):
            return
        if self._size and self._size + weight > self._capacity:
            self._lose(weight)
            return
        if self._lost:
            self._items.append((Lagged(self._lost), 0))
            self._lost = 0
        self._items.append((item, weight))
        self._size += weight
        self._wake()

    def _lose(self, count: int) -> None:
        """Notes that so many were lost at this place."""
        if not self._over:
            self._lost += count
            self._wake()

    def _end(self) -> None:
        """Nothing more will come; what has come can still be read."""
        self._over = True
        for topic in self._topics:
            self._driver.unsubscribe(topic, self)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What its reader calls.

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T | Lagged:
        while True:
            if self._items:
                item, weight = self._items.popleft()
                self._size -= weight
                return item
            if self._lost:
                lagged, self._lost = Lagged(self._lost), 0
                return lagged
            if self._over:
                raise StopAsyncIteration
            await self._wait()

    async def _wait(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("this iterator belongs to another event loop")
        if self._waiter is not None:
            raise RuntimeError(
                "another task waits for this iterator already: make one for each task"
            )
        self._driver.check_process()
        self._waiter = self._loop.create_future()
        self._driver.waiting.add(self)
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._driver.waiting.discard(self)

    def close(self) -> None:
        """Ends it: what was not read is dropped, and a loop over it ends."""
        self._end()
        self._items.clear()
        self._size = self._lost = 0

    async def aclose(self) -> None:
        """As `close`, for ``contextlib.aclosing``."""
        self.close()
