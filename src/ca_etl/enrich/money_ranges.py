"""Amounts of one currency beside each other: the ends of a range, a list, and the magnitude that they share.

"$900 to $1.2 billion" and "$100, $200 and $300 million" write the magnitude once, after the last number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from ca_etl.enrich.money_context import changed_directly, changes, lead_before
from ca_etl.enrich.money_numbers import BLANK, Numeral

# A first number that is greater than this many times the second shares no magnitude with it.
_FALL: Final = 10
_MILLION: Final = Decimal(10**6)
_BILLION: Final = Decimal(10**9)
_STEP: Final = 1000
_NEAR: Final = "about|around|almost|nearly|some|over|even|perhaps|maybe|possibly|up to"
_JOIN: Final = re.compile(
    rf"(?:(?P<comma>,?){BLANK}(?P<word>or|and|to){BLANK}|,{BLANK}|{BLANK}?[-\u2013\u2014]{BLANK}?)(?P<near>(?:{_NEAR}){BLANK})?",
    re.IGNORECASE,
)
_JOIN_REACH: Final = 20
# "paid $5 and $20 million was left": two sentences, no list.
_GOES_ON: Final = re.compile(
    rf"{BLANK}(?:is|are|was|were|will|would|has|have|had|went|goes?|came|comes?|remains?|remained)(?!\w)",
    re.IGNORECASE,
)
# A greater second number is as well another matter: "It cost $5 and $900 million".
_RISE: Final = 10
# Nobody writes "3 or 5 hundred dollars" with signs.
_SHARED: Final = 1000


class MoneySpan(NamedTuple):
    """A number with its currency. `scale` is its own magnitude, 1 without; `high` the upper end of a range.

    One without a currency is refused: what it is worth is unsure, and what is written there belongs to it.
    """

    start: int
    end: int
    value: Decimal
    scale: Decimal
    currency: str
    high: Decimal | None = None


def in_units_of(first: MoneySpan, second: MoneySpan | Numeral, *, dashed: bool = False) -> MoneySpan | None:
    """The first of two numbers of which the second alone may have a magnitude, None where it is not certain.

    "2 to 3 billion" share it; "900 to 1.2 billion" is 900 million, and so is "900-1 million" 900,000 (`dashed`);
    "from $500 to $1 million" may mean five hundred dollars.
    """
    if first.scale > 1 or second.scale == 1:
        return first
    whole = first._replace(value=first.value * second.scale, scale=second.scale)
    if whole.value < second.value:
        return whole
    if first.value >= _STEP:
        return first
    if whole.value <= second.value * _FALL:
        return whole
    lower = whole.value / _STEP
    omitted = first.value >= _STEP // 10 and second.scale >= (_MILLION if dashed else _BILLION)
    return whole._replace(value=lower) if omitted and lower < second.value < lower * _FALL else None


def both_ends(
    low: MoneySpan, high: Numeral, *, may_fall: bool, dashed: bool = False
) -> tuple[Decimal, Decimal] | None:
    """The ends of a range, the lower first; `may_fall` lets the higher be written first ("5-3 million")."""
    first = in_units_of(low, high, dashed=dashed)
    if first is None:
        return None
    if first.value < high.value:
        return first.value, high.value
    falls = may_fall and high.scale > 1 and high.value < first.value <= high.value * _FALL
    return (high.value, first.value) if falls else None


def with_ranges(text: str, spans: Sequence[MoneySpan]) -> list[MoneySpan]:
    """`spans` with one for each two that are the ends of a range: "$500,000 to $1 million"."""
    merged: list[MoneySpan] = []
    for span in spans:
        first = merged[-1] if merged else None
        join = None if first is None or first.high is not None else _join(text, first, span)
        word = "" if join is None else (join["word"] or "").lower()
        if first is None or join is None or join[0][0] == "," or (join["near"] and not word):
            merged.append(span)
            continue
        lead = lead_before(text, first.start)
        meant = in_units_of(first, span, dashed=not word)
        rises = meant is not None and span.high is None and meant.value < span.value
        if meant is not None and rises and _is_range(text, first, lead, word):
            merged[-1] = first._replace(end=span.end, value=meant.value, scale=span.scale, high=span.value)
            continue
        if word == "to" and lead == "from":
            merged[-1:] = [] if meant is None else [meant]
        merged.append(span)
    return merged


def _is_range(text: str, first: MoneySpan, lead: str, word: str) -> bool:
    """Whether the joining word makes them a range, and not a change ("fell $2 million to $3 million") or a list."""
    if word == "or" or lead == "by" or (lead == "from" and changes(text, first.start)):
        return False
    return not changed_directly(text, first.start) and (word != "and" or lead == "between")


def with_shared(text: str, spans: Sequence[MoneySpan]) -> list[MoneySpan]:
    """`spans` with the magnitude of each list at all of its members, where it is certain to be theirs."""
    if all(span.scale < _SHARED for span in spans):
        return [*spans]
    scaled: list[MoneySpan] = []
    at = 0
    while at < len(spans):
        *bare, last = spans[at : _last_of_list(text, spans, at) + 1]
        at += len(bare) + 1
        if bare and last.scale >= _SHARED and _is_certain(text, [*bare, last]):
            meant = (in_units_of(span, last) for span in bare)
            scaled.extend(span for span in meant if span is not None)
        else:
            scaled.extend(bare)
        scaled.append(last)
    return scaled


def without_doubtful(text: str, spans: Sequence[MoneySpan]) -> list[MoneySpan]:
    """`spans` without bare numbers that a magnitude further on may belong to."""
    if all(span.scale < _SHARED for span in spans):
        return [*spans]
    kept: list[MoneySpan] = []
    following: MoneySpan | None = None
    shares = False
    for span in reversed(spans):
        if not (
            shares
            and following is not None
            and _is_bare(text, span)
            and _list_join(text, span, following) is not None
        ):
            kept.append(span)
            shares = span.scale >= _SHARED
        following = span
    return kept[::-1]


def _is_bare(text: str, span: MoneySpan) -> bool:
    """Whether it is a number below a thousand without magnitude, its sign or code written before or after it."""
    if span.scale != 1 or span.high is not None or span.value >= 1000:
        return False
    return not (text[span.start].isalnum() and text[span.end - 1].islower())


def _join(text: str, first: MoneySpan, second: MoneySpan) -> re.Match[str] | None:
    """What joins two amounts of one currency."""
    if second.start - first.end >= _JOIN_REACH or first.currency != second.currency:
        return None
    return _JOIN.fullmatch(text, first.end, second.start)


def _list_join(text: str, first: MoneySpan, second: MoneySpan) -> re.Match[str] | None:
    """What joins two members of a list, both of which begin with the number or both with the currency."""
    same_form = text[first.start].isdigit() == text[second.start].isdigit()
    return _join(text, first, second) if same_form else None


def _last_of_list(text: str, spans: Sequence[MoneySpan], at: int) -> int:
    """The last member of the list that begins at `at`, the magnitude of which may be that of all."""
    last = at
    while last + 1 < len(spans) and _is_bare(text, spans[last]):
        join = _list_join(text, spans[last], spans[last + 1])
        if join is None or (join["word"] or "").lower() == "to" or ("," not in join[0] and not join["word"]):
            break
        last += 1
    return last


def _is_certain(text: str, members: Sequence[MoneySpan]) -> bool:
    """Whether a reader takes the members for a list: "or", a rising "and", or commas before either."""
    *commas, join = (_list_join(text, first, second) for first, second in pairwise(members))
    if join is None or not join["word"] or lead_before(text, members[0].start) == "between":
        return False
    if commas:
        return not any(comma is None or comma["word"] for comma in commas)
    first, last = members
    whole = first.value * last.scale
    if join["comma"] or last.value > whole * _RISE:
        return False
    return join["word"].lower() == "or" or (whole < last.value and not _GOES_ON.match(text, last.end))
