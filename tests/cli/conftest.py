from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest


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


@pytest.fixture
def on_terminal(environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """What the command writes to a terminal, stdout and stderr together; the terminal has 50 lines."""

    def run(*args: str | Path, columns: int = 200, **more: str) -> str:
        here, there = pty.openpty()
        termios.tcsetwinsize(there, (50, columns))
        command = [str(Path(sys.executable).with_name("ca-etl")), *map(str, args)]
        env = {**environment, "TERM": "xterm-256color", **more}
        for name in ("COLUMNS", "LINES"):
            env.pop(name, None)
        with subprocess.Popen(command, stdin=there, stdout=there, stderr=there, cwd=tmp_path, env=env):
            os.close(there)
            written = b""
            try:
                while data := os.read(here, 65_536):
                    written += data
            except OSError:  # how Linux ends a terminal that no process has open
                pass
        os.close(here)
        return written.decode()

    return run
