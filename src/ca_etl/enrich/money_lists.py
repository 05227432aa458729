"""Lists of amounts that share the magnitude of their last: "$3 or $5 million", "$100, $200 and $300 million"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ca_etl.enrich.money_context import lead_before
from ca_etl.enrich.money_numbers import BLANK
from ca_etl.enrich.money_ranges import Found, in_units_of

_NEAR: Final = "about|around|almost|nearly|some|over|even|perhaps|maybe|possibly|up to"
_JOIN: Final = re.compile(
    rf"(?:(?P<comma>,?){BLANK}(?P<word>or|and|to){BLANK}|,{BLANK}|{BLANK}?[-\u2013\u2014]{BLANK}?)(?:(?:{_NEAR}){BLANK})?",
    re.IGNORECASE,
)
_JOIN_REACH: Final = 20
# "paid $5 and $20 million was left": two sentences, no list.
_GOES_ON: Final = re.compile(
    rf"{BLANK}(?:is|are|was|were|will|would|has|have|had|went|goes?|came|comes?|remains?|remained)(?!\w)",
    re.IGNORECASE,
)
# A greater second figure is as well another matter: "It cost $5 and $900 million".
_RISE: Final = 10
# Nobody writes "3 or 5 hundred dollars" with signs.
_SHARED: Final = 1000


def with_shared(text: str, found: Sequence[Found]) -> list[Found]:
    """`found` with the magnitude of each list at all of its members, where it is certain to be theirs."""
    told: list[Found] = []
    at = 0
    while at < len(found):
        last = _last_of_list(text, found, at)
        told.extend(_scaled(text, found[at : last + 1]))
        at = last + 1
    return told


def without_doubtful(text: str, found: Sequence[Found]) -> list[Found]:
    """`found` without bare figures that a magnitude further on may belong to."""
    told: list[Found] = []
    behind: Found | None = None
    shares = False
    for one in reversed(found):
        joined = behind is not None and _is_bare(text, one) and _join(text, one, behind) is not None
        if not (joined and shares):
            told.append(one)
            shares = one.scale >= _SHARED
        behind = one
    return told[::-1]


def _is_bare(text: str, one: Found) -> bool:
    """Whether it is a sign or code with a figure below a thousand, and nothing behind."""
    if one.scale != 1 or one.high is not None or one.value >= 1000:
        return False
    return text[one.end - 1].isdigit() and not text[one.start].isdigit()


def _join(text: str, first: Found, second: Found) -> re.Match[str] | None:
    """What joins two amounts of one currency, the second of which begins with it."""
    if first.currency != second.currency or second.start - first.end >= _JOIN_REACH:
        return None
    return None if text[second.start].isdigit() else _JOIN.fullmatch(text, first.end, second.start)


def _last_of_list(text: str, found: Sequence[Found], at: int) -> int:
    """Where the list that begins at `at` ends: `at` itself where none does."""
    last = at
    while last + 1 < len(found) and _is_bare(text, found[last]):
        join = _join(text, found[last], found[last + 1])
        if join is None or (join["word"] or "").lower() == "to" or ("," not in join[0] and not join["word"]):
            break
        last += 1
    shares = found[last].scale >= _SHARED and lead_before(text, found[at].start) != "between"
    return last if shares else at


def _scaled(text: str, members: Sequence[Found]) -> list[Found]:
    *bare, last = members
    if not bare or not _is_certain(text, members):
        return [*members]
    meant = [in_units_of(one, last) for one in bare]
    return [*(one for one in meant if one is not None), last]


def _is_certain(text: str, members: Sequence[Found]) -> bool:
    """Whether a reader takes the members for a list: "or", a rising "and", or commas before either."""
    *commas, join = (_join(text, one, other) for one, other in pairwise(members))
    if join is None or not join["word"]:
        return False
    if commas:
        return not any(comma is None or comma["word"] for comma in commas)
    first, last = members
    whole = first.value * last.scale
    if join["comma"] or last.value > whole * _RISE:
        return False
    return join["word"].lower() == "or" or (whole < last.value and not _GOES_ON.match(text, last.end))
