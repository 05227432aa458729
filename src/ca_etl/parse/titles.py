"""Whether a paragraph of the text form reads like a title."""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 220
MAX_WORDS: Final = 32
# Blanks that a title has at least where section headings (2 to 15 words) look the same; few are as long.
SECTION_WORDS: Final = 4
_ABBREVIATION_END: Final = re.compile(r"(?:\b[A-Z]\.){2,}$")
_OPENS: Final = re.compile(r"[\"'“‘«(#$€]{0,2}[^\W_a-z]")  # noqa: RUF001 (curly quotes are printed so)


def is_title_like(paragraph: str) -> bool:
    """Whether `paragraph` (squeezed) could be a title: short, opening like one, with no sentence's end.

    A section heading inside a full article can look the same.
    """
    if not 3 <= len(paragraph) <= MAX_CHARS or _OPENS.match(paragraph) is None:
        return False
    if paragraph.count(" ") >= MAX_WORDS:
        return False
    last = paragraph[-1]
    if last in ",;:…" or paragraph.endswith(("...", ".”", '."')):
        return False
    return last != "." or _ABBREVIATION_END.search(paragraph) is not None
