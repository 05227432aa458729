"""The layouts of the ticker as data: which pairs a cycle had, and how often a page printed it, on which days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from ca_etl.parse.page import Reject
from ca_etl.records import RejectReason

QUOTE: Final = "USD"


@dataclass(frozen=True, slots=True)
class Cycle:
    """A layout of the ticker, and the days on which it may be seen, both included.

    `bases` are the pairs of a cycle in printed order, `times` how often the text form of a page repeats it.
    """

    bases: tuple[str, ...]
    times: int
    since: date
    until: date


# The cycle came twice in captures of February and March 2024, eight times in all since about April.
# No capture tells the day TMT joined: four pairs until the end of July 2024 at least, five on 7 September.
CYCLES: Final = (
    Cycle(("KGS", "KZT", "TJS", "UZS"), 2, date.min, date(2024, 4, 30)),
    Cycle(("KGS", "KZT", "TJS", "UZS"), 8, date(2024, 3, 1), date(2024, 9, 6)),
    Cycle(("KGS", "KZT", "TJS", "UZS", "TMT"), 8, date(2024, 8, 1), date.max),
)
KNOWN_BASES: Final = frozenset(base for cycle in CYCLES for base in cycle.bases)
ORDER: Final = {base: place for place, base in enumerate(CYCLES[-1].bases)}


def is_known(pair: tuple[str, str]) -> bool:
    """Whether the pair was in some layout of the ticker."""
    return pair[0] in KNOWN_BASES and pair[1] == QUOTE


def cut_short(cycles: int, on: date | None) -> Reject | None:
    """What is lacking in a text that ends with its ticker; None where the day is unknown or nothing is."""
    if on is None or not cycles:
        return None
    times = min(known.times for known in CYCLES if known.since <= on <= known.until)
    if cycles >= times:
        return None
    return Reject(
        RejectReason.TRUNCATED, f"the text ends within the ticker: {cycles} of {times} cycles on {on}", ""
    )
