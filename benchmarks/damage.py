"""Damage done to pages: what archives, proxies and hostile hands do to them. Shared by the fuzz and the bounds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.pages import light_pages

LAYOUTS: Final = Path(__file__).resolve().parents[1] / "tests" / "parse" / "fixtures" / "layouts"
LOOK_ALIKES: Final = str.maketrans("KTSUGacepo", "КТЅUGасеро")  # noqa: RUF001 (Cyrillic on purpose)
STREWN: Final = (
    *(
        "\u00a0",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\x00",
        "\n",
        "\n\n",
        "  ",
        "\u2022",
        "\u0421",
        "\r",
        "\u2028",
    ),
    *(
        "[caption ",
        '[caption id="attachment_1"]',
        "[/caption]",
        "...",
        "<",
        "&#2;",
        "</div>",
        "\ufffd",
        " (TCA) \u2014 ",
    ),
    *(
        "Continue reading\n",
        "View more articles fromX Y\n",
        "By Ann Lee\n",
        "Read more: ",
        "divider\n",
        "Articles\n",
    ),
    *(
        "05 December 2025\n",
        "Viewing results 1 - 6 of 8\n",
        "Our People > A. Writer\n",
        "KGS/USD = 0.01144 0%\n",
    ),
)


def layouts() -> dict[str, str]:
    """One page of each layout, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(LAYOUTS.glob("*.txt"))}


def html_pages() -> list[str]:
    """A few pages of the demo as HTML."""
    return [html.decode() for _, html in light_pages(8)]


def damaged(page: str, chance: random.Random) -> str:
    """`page` with one to twelve injuries: something strewn in, look-alikes, a loss, a line doubled or moved, a cut."""
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(page) + 1)
        how = chance.randrange(7)
        if how < 2:
            page = page[:at] + chance.choice(STREWN) + page[at:]
        elif how == 2:
            page = page[:at] + page[at : at + 20].translate(LOOK_ALIKES) + page[at + 20 :]
        elif how == 3:
            page = page[:at] + page[at + chance.choice((1, 2, 5, 60)) :]
        elif how == 4:
            page = _with_lines_doubled(page, chance)
        elif how == 5:
            begin = chance.randrange(len(page) + 1)
            page = page[:at] + page[begin : begin + chance.choice((5, 100, 1000))] + page[at:]
        elif chance.random() < 0.3:
            page = page[:at]
    return page


def with_bytes_flipped(page: bytes, chance: random.Random) -> bytes:
    """`page` with up to thirty bytes changed."""
    flipped = bytearray(page)
    for _ in range(chance.randint(1, 30) if page else 0):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def cuts(page: bytes) -> Iterator[bytes]:
    """`page` cut at every offset."""
    for end in range(len(page)):
        yield page[:end]


def _with_lines_doubled(page: str, chance: random.Random) -> str:
    lines = page.split("\n")
    at = chance.randrange(len(lines))
    held = lines[at : at + chance.randint(1, 4)]
    to = chance.choice((at, chance.randrange(len(lines))))
    return "\n".join([*lines[:to], *held, *lines[to:]])
