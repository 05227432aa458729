"""Amounts of money in English news text, as exact decimals with their currency.

What is read: digits with commas or blanks (also no-break and thin ones) between thousands, number words, magnitudes
("million", "mln", "bn", and k, m, b directly at the digits or, in an amount led by a sign, a blank behind them),
with a sign or ISO code before or behind, or the currency's name behind. Of the names, "som" is the Kyrgyz one and
Uzbek only behind "Uzbek"; "sum", "soum" and "so'm" are Uzbek; "manat" is Turkmen unless "Azerbaijani" stands right
before. "a million dollars" and "half a million dollars" are amounts, "tens of millions of dollars" has no figure.

`money_words` says what is left out on purpose. Not read, rather than read wrongly: years, dates, lines of a ticker,
numbers of 10^18 and more or of more than ten decimals, and figures whose separators fit no English form
("1.234.567 som").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from ca_etl.enrich.money_context import changed_directly, changes, hedged, lead_before, unit_behind
from ca_etl.enrich.money_found import found_at
from ca_etl.enrich.money_lists import with_shared, without_doubtful
from ca_etl.enrich.money_numbers import BLANK
from ca_etl.enrich.money_ranges import Found, high_end, in_units_of
from ca_etl.enrich.money_words import CODES, SIGNS, STEMS

# Case folding of ASCII letters alone, as Aho-Corasick in Polars has it.
_SPOTS: Final = re.compile("|".join(map(re.escape, (*SIGNS, *STEMS))), re.IGNORECASE | re.ASCII)
_CODES: Final = re.compile("|".join(CODES))
_JOIN: Final = re.compile(
    rf"{BLANK}?[-\u2013\u2014]{BLANK}?|{BLANK}(?P<word>to|and){BLANK}(?:(?:about|around|over|almost|nearly|some){BLANK})?",
    re.IGNORECASE,
)
_JOIN_REACH: Final = 20
_NEAR: Final = (
    "about|approximately|approx\\.?|around|roughly|some|nearly|almost|over|more than|less than|just over"
    "|just under|up to|at least|close to|an estimated"
)
_EQUAL: Final = "or|i\\.e\\.|that is|equal to|equivalent to|(?:the )?equivalent of|equaling|worth|=|≈|~"
_STATED: Final = re.compile(
    rf"(?:{BLANK}or{BLANK}(?:more|less|so))?(?:"
    rf"{BLANK}?[(\[]{BLANK}?(?:(?:{_EQUAL}|{_NEAR}),?{BLANK}?)*"
    rf"|(?:,{BLANK}|{BLANK}[-\u2013\u2014]{BLANK}|{BLANK})(?:or|i\.e\.|equal to|equivalent to|(?:the )?equivalent of)"
    rf"{BLANK}(?:(?:{_EQUAL}|{_NEAR}){BLANK})*"
    rf"|(?:,{BLANK}|{BLANK}[-\u2013\u2014]{BLANK})(?:{_NEAR}){BLANK})(?:U\.?S\.?{BLANK})?",
    re.IGNORECASE,
)
_STATED_REACH: Final = 60
_CLOSE: Final = re.compile(rf"{BLANK}?[)\]]")


class Amount(NamedTuple):
    """One amount of money; `text[start:end] == amount_text`, offsets in characters.

    `amount` is in whole units of `currency` (ISO 4217) with the magnitude applied; of a range it is the low end and
    `amount_high` the high one. `per` is the unit of a price as it is written ("ton" of "per ton", "month" of
    "a month"; "dollar" makes the amount a rate). `approx`: a word nearby says that the figure is only near or a bound.
    `stated_usd` are the dollars that the text itself gives for an amount in another currency, directly behind it in
    brackets or after words such as "or" or ", about": those dollars belong to this amount and are no amount of their
    own. Dollars that come first, with the local sum in brackets, are two amounts.
    "between 2 and 3 billion som" is a range, "rose from 2 to 3 billion som" two amounts (2 and 3 billion, the first
    with the bare "2" as its text). "5-3 million som" and "between 5 and 3 million som" are ranges, the low end of which
    stands behind; "from 5 to 3 million som" is a change, and two amounts, without a verb too. The members of a list
    share the magnitude of its last ("$3 or $5 million", "$1, $2 and $3 million"); where it is not certain that they do,
    the bare ones are no amounts ("$5 and $2 million").
    """

    start: int
    end: int
    amount_text: str
    amount: Decimal
    currency: str
    amount_high: Decimal | None = None
    per: str | None = None
    approx: bool = False
    stated_usd: Decimal | None = None
    stated_usd_high: Decimal | None = None


def amounts(text: str) -> tuple[Amount, ...]:
    """The amounts of a text, in order and without overlaps; an empty tuple where there are none. Never raises."""
    spots = {match.start() for match in _SPOTS.finditer(text)}
    spots.update(match.start() for match in _CODES.finditer(text))
    return amounts_at(text, sorted(spots))


def amounts_at(text: str, spots: Iterable[int]) -> tuple[Amount, ...]:
    """The amounts of a text of which the places of its currency words, signs and codes are known.

    `spots` are character offsets in rising order; one where nothing stands is not an error and gives nothing.
    """
    singles: list[Found] = []
    for spot in spots:
        for found in found_at(text, spot):
            if not singles or found.start >= singles[-1].end:
                singles.append(found)
    if not singles:
        return ()
    ranges = _ranges(text, with_shared(text, singles))
    return tuple(_told(text, without_doubtful(text, ranges)))


def _ranges(text: str, singles: Sequence[Found]) -> list[Found]:
    """Ranges whose two ends both have their currency: "$500,000 to $1 million"."""
    merged: list[Found] = []
    for found in singles:
        first = merged[-1] if merged else None
        low = None if first is None else _as_low(text, first, found)
        if low is None:
            if first is not None and _from_to(text, first, found):
                meant = in_units_of(first, found)
                merged[-1:] = [] if meant is None else [meant]
            merged.append(found)
        else:
            merged[-1] = merged[-1]._replace(end=found.end, value=low, scale=found.scale, high=found.value)
    return merged


def _from_to(text: str, first: Found, second: Found) -> bool:
    """Whether the two are both ends of a change, "from $3 to $2 billion"."""
    if first.currency != second.currency or first.high is not None or second.start - first.end >= _JOIN_REACH:
        return False
    join = _JOIN.fullmatch(text, first.end, second.start)
    return join is not None and join["word"] == "to" and lead_before(text, first.start) == "from"


def _as_low(text: str, first: Found, second: Found) -> Decimal | None:
    if first.currency != second.currency or first.high is not None or second.high is not None:
        return None
    join = _JOIN.fullmatch(text, first.end, second.start) if second.start - first.end < _JOIN_REACH else None
    if join is None:
        return None
    lead = lead_before(text, first.start)
    if lead == "by" or (lead == "from" and changes(text, first.start)) or changed_directly(text, first.start):
        return None
    if (join["word"] or "").lower() == "and" and lead != "between":
        return None
    return high_end(first, second, dashed=join["word"] is None)


def _told(text: str, found: Sequence[Found]) -> Iterable[Amount]:
    """The amounts with what stands around them; stated dollars go to the amount before."""
    at = 0
    while at < len(found):
        one = found[at]
        dollars = found[at + 1] if at + 1 < len(found) and one.currency != "USD" else None
        unit = unit_behind(text, one.end)
        behind = unit[1] if unit else one.end
        if dollars is not None and not _states(text, behind, dollars, per=unit is not None):
            dollars = None
        if dollars is not None and unit is None:
            close = _CLOSE.match(text, dollars.end)
            unit = unit_behind(text, close.end() if close else dollars.end)
        yield Amount(
            one.start,
            one.end,
            text[one.start : one.end],
            one.value,
            one.currency,
            one.high,
            unit[0] if unit else None,
            hedged(text, one.start, one.end),
            dollars.value if dollars else None,
            dollars.high if dollars else None,
        )
        at += 1 if dollars is None else 2


def _states(text: str, end: int, dollars: Found, *, per: bool) -> bool:
    """Whether these dollars say what the amount that ends at `end` is worth.

    "5 million som ($2 per person)" does not: the dollars are for another quantity.
    """
    if dollars.currency != "USD" or dollars.start - end > _STATED_REACH:
        return False
    if _STATED.fullmatch(text, end, dollars.start) is None:
        return False
    return per or "(" not in text[end : dollars.start] or unit_behind(text, dollars.end) is None
