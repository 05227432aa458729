from __future__ import annotations

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
