"""What all handles have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from ._errors import NotFoundError
from ._loop import Driver, Topic
from ._stream import Stream
from .types import Buffer

if TYPE_CHECKING:
    from types import TracebackType

    from ._sfu import Sfu

H = TypeVar("H", bound="Handle")
S = TypeVar("S")


class Handle:
    """Something in an `Sfu`.

    A handle is a name: that it goes out of scope closes nothing. What it stands for lives until
    `close`, or until what it belongs to is closed. ``async with`` closes it at the end.
    """

    __slots__ = ("__weakref__", "_closed", "_description", "_driver", "_id", "_router")

    _driver: Driver
    _id: str
    _router: str | None
    _description: dict[str, Any] | None
    _closed: bool

    def __init__(self) -> None:
        raise TypeError(
            f"{type(self).__name__} is not made by calling it, but by the methods of what it belongs "
            f"to, or by {type(self).__name__}.attach(sfu, id)"
        )

    @classmethod
    def _of(cls: type[H], driver: Driver, description: dict[str, Any]) -> H:
        """The handle of what was just made."""
        handle = cls._find(driver, description["id"], description.get("router"))
        handle._description = description
        return handle

    @classmethod
    def _find(cls: type[H], driver: Driver, id: str, router: str | None) -> H:
        known = driver.handles.get(id)
        if isinstance(known, cls):
            return known
        handle = cls.__new__(cls)
        handle._driver = driver
        handle._id = id
        handle._router = router
        handle._description = None
        handle._closed = False
        driver.handles[id] = handle
        return handle

    @classmethod
    def attach(cls: type[H], sfu: Sfu | Handle, id: str) -> H:
        """The handle of what has this id: of an event, of a dump, or of a restored router.

        The id is not looked up: the first call raises `NotFoundError` if nothing has it.
        """
        driver = sfu._driver
        if driver is None:
            raise TypeError("attach: expected an Sfu that is started, or something in one")
        if not isinstance(id, str) or not re.fullmatch("[0-9a-fA-F]{1,16}", id):
            raise ValueError(f"id: expected 1 to 16 hexadecimal digits, not {id!r}")
        return cls._find(driver, f"{int(id, 16):016x}", None)

    @property
    def id(self) -> str:
        """Its identity: 16 hexadecimal digits, unique in its `Sfu` and never used again."""
        return self._id

    @property
    def closed(self) -> bool:
        """Whether it is known to be closed."""
        return self._closed

    @property
    def description(self) -> dict[str, Any]:
        """What the call that made it answered, in the names of mediasoup.

        Raises `AttributeError` for a handle that was made by `attach`.
        """
        if self._description is None:
            raise AttributeError(f"not known, because {self!r} was made by attach()")
        return self._description

    def _mark_closed(self) -> None:
        """Notes that it is closed."""
        self._closed = True

    def __repr__(self) -> str:
        state = " closed" if self._closed else ""
        return f"<plenum.{type(self).__name__} {self._id}{state}>"

    async def __aenter__(self: H) -> H:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._closed or self._driver.closed:
            return
        try:
            await self.close()
        except NotFoundError:
            pass

    async def close(self) -> None:
        """Closes it with all that belongs to it. Raises `NotFoundError` if it is closed already."""
        await self._call("close")
        self._closed = True

    async def _call(
        self,
        method: str,
        parameters: dict[str, Any] | None = None,
        payload: Iterable[Buffer] = (),
        *,
        optional: dict[str, Any] | None = None,
    ) -> Any:
        value, _ = await self._call_with_payload(method, parameters, payload, optional)
        return value

    async def _call_with_payload(
        self,
        method: str,
        parameters: dict[str, Any] | None = None,
        payload: Iterable[Buffer] = (),
        optional: dict[str, Any] | None = None,
    ) -> tuple[Any, bytes | None]:
        """Calls a method of this noun; of `optional` only what is not None is sent."""
        name = f"{type(self).__name__}.{method}"
        return await self._driver.call(
            name, int(self._id, 16), joined(parameters, optional), payload
        )

    def _id_of(self, value: Handle | str, name: str, *nouns: type[Handle]) -> str:
        """The id of an argument that is a handle, or an id itself."""
        return id_of(self._driver, value, name, *nouns)

    def _stream(
        self,
        driver: Driver,
        topics: list[Topic],
        capacity: int,
        types: tuple[type, ...] = (),
    ) -> Stream[Any]:
        driver.check()
        if self._closed:
            raise NotFoundError(f"{self!r}: nothing will come any more")
        return Stream(driver, topics, capacity, types)


def joined(parameters: dict[str, Any] | None, optional: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters of a call; of `optional` only what is not None."""
    all = dict(parameters or {})
    for name, value in (optional or {}).items():
        if value is not None:
            all[name] = value
    return all


def id_of(driver: Driver | None, value: Handle | str, name: str, *nouns: type[Handle]) -> str:
    """The id of an argument that is a handle of one of these nouns, or an id itself."""
    if isinstance(value, str):
        return value
    expected = " or ".join(noun.__name__ for noun in nouns)
    if not isinstance(value, nouns):
        raise TypeError(f"{name}: expected a {expected} or its id, not {type(value).__name__}")
    if value._driver is not driver:
        raise NotFoundError(f"{name}: {value!r} belongs to another Sfu")
    return value._id
