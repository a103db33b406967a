"""The wheel installs and works on a machine without Rust, a compiler and a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import plenum

WHEEL = Path(os.environ["PLENUM_WHEEL"])

PROGRAM = """
import asyncio, plenum

async def main():
    async with plenum.Sfu(listen=["127.0.0.1:0"]) as sfu:
        room = await sfu.create_router()
        direct = await room.create_direct_transport()
        news = await direct.produce_data(label="news")
        reader = await direct.consume_data(news)
        messages = reader.messages()
        await news.send("hello")
        print((await messages.__anext__()).data, plenum.__file__)

asyncio.run(main())
"""


def test_the_wheel_has_what_it_should() -> None:
    assert "-cp310-abi3-" in WHEEL.name and plenum.__version__ in WHEEL.name
    with zipfile.ZipFile(WHEEL) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert {"plenum/py.typed", "plenum/_plenum.pyi", "plenum/types.py"} <= names
    assert not [name for name in names if "test" in name or name.endswith(".rs")]
    assert "Requires-Python: >=3.10" in metadata and "Requires-Dist" not in metadata


def test_it_is_the_installed_package_that_is_tested() -> None:
    assert Path(plenum.__file__).is_relative_to(sys.prefix)


def test_it_installs_without_compiler_and_network(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    # All that this machine has: Python, and what a shell needs.
    for tool in (base, *(Path(str(shutil.which(name))) for name in ("sh", "env", "ls", "cat"))):
        (tools / tool.name).symlink_to(tool)

    def bare(*command: str) -> str:
        environment = {"PATH": str(tools), "HOME": str(tmp_path)}
        # A network of its own, in which not even the loopback interface is up at first.
        lonely = [str(shutil.which("unshare")), "--net", str(shutil.which("sh")), "-c"]
        up = f'{shutil.which("ip")} link set lo up && exec "$@"'
        ended = subprocess.run(
            [*lonely, up, "sh", *command], env=environment, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    for missing in ("cargo", "rustc", "cc", "gcc", "c++", "ld"):
        assert shutil.which(missing, path=str(tools)) is None
    venv = tmp_path / "venv"
    bare(str(base), "-m", "venv", str(venv))
    python = str(venv / "bin" / "python")
    bare(python, "-m", "pip", "install", "--disable-pip-version-check", str(WHEEL))
    said = bare(python, "-I", "-c", PROGRAM).split()
    assert said[0] == "hello" and said[1].startswith(str(venv))
