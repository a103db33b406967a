"""An SFU for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import plenum


@pytest.fixture
async def sfu() -> AsyncIterator[plenum.Sfu]:
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
        yield sfu


@pytest.fixture
async def router(sfu: plenum.Sfu) -> plenum.Router:
    return await sfu.create_router()
