"""Amounts of one currency beside each other: the ends of a range, a list, and the magnitude that they share.

"$900 to $1.2 billion" and "$100, $200 and $300 million" write the magnitude once, after the last number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from ca_etl.enrich.money_context import HEDGE, changed_directly, changes, lead_before
from ca_etl.enrich.money_numbers import BLANK, Numeral

DASHES: Final = frozenset("-\u2013\u2014")
JOIN: Final = rf"(?:{BLANK}?[-\u2013\u2014]{BLANK}?|{BLANK}(?P<word>to|and|or){BLANK})"
_RANGE_JOIN: Final = re.compile(
    rf"(?P<comma>,?)(?:{JOIN}|(?<=,){BLANK})(?P<near>(?:{HEDGE}|even|perhaps|maybe|possibly){BLANK})?",
    re.IGNORECASE,
)
_JOIN_REACH: Final = 20
# "paid $5 and $20 million was left": two sentences, no list.
_GOES_ON: Final = re.compile(
    rf"{BLANK}(?:is|are|was|were|will|would|has|have|had|went|goes?|came|comes?|remains?|remained)(?!\w)",
    re.IGNORECASE,
)
# Numbers that are further apart share no magnitude: "It cost $5 and $900 million".
_TIMES_APART: Final = 10
# The least magnitude that is shared, and the step to the next one; "3 or 5 hundred dollars" has no signs.
_THOUSAND: Final = 1000
Numerals: TypeAlias = tuple[Numeral, ...]


def joined(text: str, first: Numeral, second: Numeral, join: re.Match[str]) -> Numerals:
    """The range or the change of two numbers, or the second alone where the first is unsure; else nothing.

    `join` is between them, with its `word` unless it is a dash, which always makes a range. After "between", and on
    both sides of a dash without spaces, the higher number may be written first ("5-3 million").
    """
    word, lead = (join["word"] or "").lower(), lead_before(text, first.start)
    low = _in_units_of(first, second, dashed=not word)
    if word == "to" and lead == "from":
        if low is None:
            return (second,)
        if low.value > second.value or second.high is not None or changes(text, first.start):
            return (low, second)
    listed = word and (lead == "by" or (word == "and" and lead != "between"))
    if low is None or low.value == second.value or second.high is not None or listed:
        return ()
    if low.value < second.value:
        return (second._replace(start=first.start, value=low.value, high=second.value),)
    may_fall = second.scale > 1 and (lead == "between" or join[0][0] in DASHES)
    if not may_fall or low.value > second.value * _TIMES_APART:
        return ()
    return (second._replace(start=first.start, high=low.value),)


def _in_units_of(first: Numeral, second: Numeral, *, dashed: bool = False) -> Numeral | None:
    """The first of two numbers of which the second alone may have a magnitude, None where it is not certain.

    "2 to 3 billion" share it; "900 to 1.2 billion" is 900 million, and so is "900-1 million" 900,000 (`dashed`);
    "from $500 to $1 million" may mean five hundred dollars.
    """
    if first.scale > 1 or second.scale == 1:
        return first
    whole = first._replace(value=first.value * second.scale, scale=second.scale)
    if whole.value < second.value:
        return whole
    if first.value >= _THOUSAND:
        return first
    if whole.value <= second.value * _TIMES_APART:
        return whole
    lower = whole.value / _THOUSAND
    omitted = first.value >= 100 and second.scale >= (10**6 if dashed else 10**9)
    return whole._replace(value=lower) if omitted and lower < second.value < lower * _TIMES_APART else None


def with_ranges(text: str, spans: Sequence[Numeral]) -> list[Numeral]:
    """`spans` with one for each two that are the ends of a range: "$500,000 to $1 million"."""
    merged: list[Numeral] = []
    for span in spans:
        join = _join(text, merged[-1], span) if merged and merged[-1].high is None else None
        pair: Numerals = ()
        if join is not None and not changed_directly(text, merged[-1].start):
            word = (join["word"] or "").lower()
            listed = join["comma"] or word == "or" or (join["near"] and not word)
            pair = () if listed else joined(text, merged[-1], span, join)
        merged[-1 if pair else len(merged) :] = pair or (span,)
    return merged


def with_shared(text: str, spans: Sequence[Numeral]) -> list[Numeral]:
    """`spans` with the magnitude of each list at all of its members, where it is certain to be theirs."""
    scaled: list[Numeral] = []
    members: list[Numeral] = []
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        members.append(span)
        join = _list_join(text, span, following) if following else None
        if join and ((join["word"] or "").lower() in {"or", "and"} or (join["comma"] and not join["word"])):
            continue
        if len(members) > 1 and span.scale >= _THOUSAND and _is_certain(text, members):
            members = [meant for member in members if (meant := _in_units_of(member, span))]
        scaled += members
        members = []
    return scaled


def without_doubtful(text: str, spans: Sequence[Numeral]) -> list[Numeral]:
    """`spans` without bare numbers that a magnitude further on may belong to."""
    kept: list[Numeral] = []
    scaled: Numeral | None = None
    for span in reversed(spans):
        doubtful = scaled is not None and _list_join(text, span, scaled) is not None
        if not doubtful:
            kept.append(span)
        scaled = span if doubtful or span.scale >= _THOUSAND else None
    return kept[::-1]


def _join(text: str, first: Numeral, second: Numeral) -> re.Match[str] | None:
    """What joins two amounts of one currency."""
    if second.start - first.end >= _JOIN_REACH or first.currency != second.currency:
        return None
    return _RANGE_JOIN.fullmatch(text, first.end, second.start)


def _list_join(text: str, first: Numeral, second: Numeral) -> re.Match[str] | None:
    """What joins a bare number to the next of its list, where both begin with the number or both with the currency.

    Bare is a number below a thousand without magnitude, with a sign or code before or after it.
    """
    named = text[first.start].isalnum() and text[first.end - 1].islower()
    if first.scale > 1 or first.value >= _THOUSAND or first.high is not None or named:
        return None
    return _join(text, first, second) if text[first.start].isdigit() == text[second.start].isdigit() else None


def _is_certain(text: str, members: Sequence[Numeral]) -> bool:
    """Whether a reader takes the members for a list: "or", a rising "and", or commas before either."""
    *commas, join = (_list_join(text, first, second) for first, second in pairwise(members))
    if join is None or not join["word"] or lead_before(text, members[0].start) == "between":
        return False
    if commas:
        return not any(comma is None or comma["word"] for comma in commas)
    first, last = members
    whole = first.value * last.scale
    if join["comma"] or last.value > whole * _TIMES_APART:
        return False
    return join["word"].lower() == "or" or (whole < last.value and not _GOES_ON.match(text, last.end))
