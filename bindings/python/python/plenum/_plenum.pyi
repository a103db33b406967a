from collections.abc import Iterable
from typing import Any, Final, final

from .types import Buffer, RtpCapabilities

__all__ = [
    "ERROR_KINDS",
    "EVENTS",
    "METHODS",
    "Client",
    "__version__",
    "supported_rtp_capabilities",
]

__version__: Final[str]
METHODS: Final[list[tuple[str, str, str]]]
EVENTS: Final[list[str]]
ERROR_KINDS: Final[list[tuple[str, int]]]

@final
class Client:
    def __new__(cls, options: dict[str, Any]) -> Client: ...
    def submit(
        self,
        method: str,
        target: int,
        parameters: dict[str, Any],
        payload: Iterable[Buffer] | None = None,
    ) -> int: ...
    def poll(self, most: int) -> list[tuple[Any, ...]]: ...
    def wait(self, timeout: float | None = None) -> bool: ...
    def fd(self) -> int | None: ...
    def close(self) -> None: ...
    def is_closed(self) -> bool: ...

def supported_rtp_capabilities() -> RtpCapabilities: ...
