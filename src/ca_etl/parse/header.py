"""The listing header: "Viewing results 1 - 6 of 8"."""

from __future__ import annotations

import re
from typing import Final

from ca_etl.parse.page import Shown

START: Final = "Viewing results"
# WordPress can print the hyphen as an en dash.
_HEADER: Final = re.compile(
    r"Viewing results ([0-9]{1,9}) [-–] ([0-9]{1,9}) of ([0-9]{1,9})"  # noqa: RUF001
)
# Letters that only look Latin, or a figure with something in it.
_LOOSE: Final = re.compile(r"\w{5,8}\s+\w{5,8}\s+[0-9]\S{0,9}\s+\W\s+[0-9]\S{0,9}\s+\w{2}\s+[0-9]\S{0,9}")


def is_header(line: str) -> bool:
    """Whether a squeezed line claims to be the header, well-formed or not."""
    return len(line) <= 80 and (line.startswith(START) or _LOOSE.fullmatch(line) is not None)


def read_header(line: str) -> Shown | None:
    """The figures of a squeezed header line as they stand (the end is not cut to the total), else None."""
    found = _HEADER.fullmatch(line) if len(line) <= 80 else None
    return None if found is None else Shown(int(found[1]), int(found[2]), int(found[3]))
