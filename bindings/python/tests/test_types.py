"""Types and style: of the package, of its native half, of the examples and of these tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples"


def check(*command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=HERE, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def strict(*paths: Path) -> None:
    config = str(HERE.parent / "pyproject.toml")
    check("mypy", "--config-file", config, *map(str, paths))


def test_the_installed_package_is_typed() -> None:
    check("mypy", "--config-file", str(HERE.parent / "pyproject.toml"), "-p", "plenum")


def test_the_style_is_one() -> None:
    sources = [HERE.parent, EXAMPLES / "python-room", EXAMPLES / "python-bot"]
    config = ["--config", str(HERE.parent / "pyproject.toml"), "--no-cache"]
    check("ruff", "format", "--check", *config, *map(str, sources))
    check("ruff", "check", *config, *map(str, sources))


def test_the_stubs_are_those_of_the_native_half() -> None:
    check("mypy.stubtest", "plenum._plenum")


def test_the_tests_and_the_benchmark_are_typed() -> None:
    strict(HERE, HERE.parent / "bench.py")


def test_the_examples_are_typed() -> None:
    strict(HERE.parent / "examples" / "hello.py")
    strict(EXAMPLES / "python-room")
    strict(EXAMPLES / "python-bot")
