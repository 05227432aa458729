from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def cli(data_dir: Path, tmp_path: Path) -> Cli:
    """The command as a user's shell runs it, in a directory of its own."""

    def run(*args: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("ca-etl")), *map(str, args)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=110,
            env={
                **os.environ,
                "CA_ETL_DATA_DIR": str(data_dir),
                "CA_ETL_DEMO_PORT": "0",
                "COLUMNS": "200",
                **environment,
            },
        )

    return run


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page of the standard form with real numbers and prose of our own."""
    cycle = [
        "• KGS/USD = 0.01144 0%",
        "• KZT/USD = 0.00198 -0%",
        "• TJS/USD = 0.10857 -0.18%",
        "• UZS/USD = 0.00008 0%",
        "• TMT/USD = 0.28571 0%",
    ]
    lines = [f"  {line}" for line in cycle * 8]
    body = (
        "05 December 2025\n\nViewing results 1 - 6 of 2\n\n"
        "A Bridge Opens Over the Chu\n\nThe bridge took three summers to build, and it opened on a Friday.\n\n"
        "Apricot Growers Count Their Trees\n\nGrowers in the south counted more trees than last year, they say.\n"
    )
    path = tmp_path / "page.txt"
    path.write_text("\n".join(lines).lstrip() + "\n" + body, encoding="utf-8")
    return path
