"""What the calls raise."""

from __future__ import annotations

from typing import ClassVar


class SfuError(Exception):
    """What every call raises when the SFU refuses it.

    There is one subclass for each kind of error, with the kind's stable number, which is the same
    in every language. The message says what was wrong and what was expected.
    """

    #: Stable number of the kind.
    code: int = 0
    #: Name of the kind, such as ``"NotFound"``.
    kind: str = ""
    _kinds: ClassVar[dict[str, type[SfuError]]] = {}

    def __init_subclass__(cls, *, code: int | None = None) -> None:
        if code is not None:
            cls.code = code
            cls.kind = cls.__name__.removesuffix("Error")
            SfuError._kinds[cls.kind] = cls


class InvalidParametersError(SfuError, code=1):
    """An argument, an SDP text or a snapshot is wrong; the message says which and what was expected."""


class NotFoundError(SfuError, code=2):
    """There is no such router, transport, producer or consumer, or it is closed."""


class ClosedError(SfuError, code=3):
    """The `Sfu` is closed."""


class IncompatibleError(SfuError, code=4):
    """The two sides have no codec or profile in common."""


class LimitError(SfuError, code=5):
    """A bound is reached."""


class IoError(SfuError, code=6):
    """The operating system refused, for example a port in use."""


class CryptoError(SfuError, code=7):
    """A key or a certificate is unusable."""


class InternalError(SfuError, code=8):
    """A bug in the library; please report it."""


def error_of(kind: str, code: int, message: str) -> SfuError:
    """The exception of this kind."""
    cls = SfuError._kinds.get(kind, SfuError)
    error = cls(message)
    if cls is SfuError:
        error.kind, error.code = kind, code
    return error
