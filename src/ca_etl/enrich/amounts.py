"""Extraction of amounts of money from English news text, as exact decimals with their currency (ISO 4217).

An amount is a number with a currency sign or ISO code before or after it, or the currency's name after it. The number
has digits with commas or spaces (also no-break and thin ones) between thousands, or number words, and may have a
magnitude ("million", "mln", "bn"; k, m, b directly at the digits or, after a sign or code, a space later). After the
currency a magnitude ("75 USD million"), its code in brackets, or hundredths ("1 som 37 tyiyn") are read too. "som" is
Kyrgyz, and Uzbek only after "Uzbek"; "sum", "soum" and "so'm" are Uzbek; "manat" is Turkmen unless "Azerbaijani" is
directly before it. "a million dollars" is an amount, "tens of millions of dollars" is not.

Ambiguous numbers are skipped rather than read wrongly: years, dates, ticker lines, numbers of 10^18 and more or with
more than ten decimals, separators of no English form ("1.234.567 som"; "85.000 tenge" unless the dollars that the text
states decide), and unclear subunits ("10 manat 50 tyiyn"). `money_vocabulary` lists the words that are not read.

For many texts, Polars finds the currency words in all of them at once (Aho-Corasick), and the grammar runs only there:
news rarely names money, so most of the text is not read in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple

import polars as pl

from ca_etl.enrich.money_context import HEDGE, NOTE, is_hedged, unit_after
from ca_etl.enrich.money_parser import drop_doubtful, merge_ranges, share_magnitudes, spans_at
from ca_etl.enrich.money_vocabulary import CODES, DECIMALS, SIGNS, SPACE, STEMS, Numeral

# Case folding of ASCII letters alone, as Aho-Corasick in Polars has it.
_SPOTS: Final = re.compile(rf"(?=(?ai:{'|'.join(map(re.escape, (*SIGNS, *STEMS)))})|{'|'.join(CODES)})")
_EQUAL: Final = r"(?:or|i\.e\.|equal to|equivalent to|(?:the )?equivalent of)"
_NEAR: Final = rf"(?:{_EQUAL}|that is|which is|equaling|worth|=|(?:just{SPACE})?(?:{HEDGE}))"
_STATED: Final = re.compile(
    rf"{NOTE}?(?:{SPACE}or{SPACE}(?:more|less|so))?(?:"
    rf"{SPACE}?(?P<opened>[(\[]){SPACE}?(?:(?-i:[A-Z]{{3}})[,;:]{SPACE})?(?:{_NEAR},?{SPACE}?){{0,4}}"
    rf"|(?:,|{SPACE}[-\u2013\u2014])?{SPACE}{_EQUAL},?{SPACE}(?:{_NEAR}{SPACE}){{0,4}}"
    rf"|(?:,|{SPACE}[-\u2013\u2014]){SPACE}(?:just{SPACE})?(?:{HEDGE}){SPACE})(?:U\.?S\.?{SPACE})?",
    re.IGNORECASE,
)
_STATED_REACH: Final = 100
_CLOSE: Final = re.compile(rf"{SPACE}?[)\]]")
# "85.000" is 85 or 85,000, and "1.250.000" is of no English form.
_GROUPED: Final = re.compile(
    r"(?<![0-9.,])[1-9][0-9]{0,2}\.[0-9]{3}(?P<more>(?:\.[0-9]{3}){1,3})?(?![0-9.,]?[0-9])"
)
# Currencies of which thousands for a kilowatt-hour or a dollar are impossible, and fuel prices with three decimals.
_DECIMAL_UNITS: Final[Mapping[str, frozenset[str]]] = {
    unit: frozenset(currencies.split())
    for units, currencies in (
        ("kwh|kw.h|kilowatt-hour|kilowatt hour|dollar|euro", "USD EUR GBP CHF KGS KZT TJS TMT AZN GEL CNY RUB BYN"),
        ("gallon|liter|litre|million btu|mmbtu", "USD EUR GBP"),
    )
    for unit in units.split("|")
}  # fmt: skip
# A unit of any other currency has been worth less than a dollar for as long as the site exists.
_ABOVE_A_DOLLAR: Final = frozenset(("USD", "EUR", "GBP", "CHF"))
MAX_SPOTS: Final = 5_000


class Amount(NamedTuple):
    """One amount of money in a text; `text[start:end] == amount_text`, offsets in characters.

    `amount` is in whole units of `currency` (ISO 4217), with the magnitude applied. In a range, `amount` is the low end
    and `amount_high` the high end, else `amount_high` is None. `per` is the unit of a price as written ("ton" in "per
    ton", "month" in "a month"; "dollar" makes the amount a rate). `approx` is True where a word such as "about" or
    "over" makes the number approximate or a bound. `stated_usd` are the dollars that the text gives for an amount in
    another currency, directly after it in brackets or after words such as "or" or ", about"; these dollars are not an
    amount of their own. Dollars that come first, with the local amount in brackets, are two amounts.

    "between 2 and 3 billion som" is a range, "rose from 2 to 3 billion som" two amounts (2 and 3 billion, the first
    with the text "2"). "5-3 million som" and "between 5 and 3 million som" are ranges with the low end last; "from 5 to
    3 million som" is a change and two amounts, also without a verb. The members of a list share its last magnitude ("$3
    or $5 million", "$1, $2 and $3 million"); where that is uncertain, those without a magnitude are not amounts ("$5"
    in "$5 and $2 million").
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
    """Extract the amounts of money from `text`, in order and without overlaps. Never raises."""
    return amounts_at(text, [match.start() for match in _SPOTS.finditer(text)])


def amounts_at(text: str, spots: Iterable[int]) -> tuple[Amount, ...]:
    """Extract the amounts of money at `spots`, the positions of currency words, signs and codes in `text`.

    `spots` are character offsets in rising order; one without a currency gives no amount. Positions after the first
    `MAX_SPOTS` are ignored, to limit the time that a hostile text takes.
    """
    spans: list[Numeral] = []
    end = 0
    for spot in islice(spots, MAX_SPOTS):
        for span in spans_at(text, spot) if spot >= end else ():
            if span.start >= end:
                spans.append(span)
                end = span.end
    if not spans:
        return ()
    if any(span.currency == "TMT" for span in spans):
        # Below a hundred these may be hundredths of a manat.
        spans = [span for span in spans if span.currency != "KZT" or span.value >= 100]
    ranges = merge_ranges(text, share_magnitudes(text, spans))
    return tuple(_with_context(text, drop_doubtful(text, ranges)))


def _with_context(text: str, spans: Sequence[Numeral]) -> Iterator[Amount]:
    """Turn the numbers of a text into amounts, with price unit, approximation and stated dollars."""
    after = 0
    for span, following in zip(spans, [*spans[1:], None], strict=True):
        if span.start < after:  # "450 tenge per 1 USD", or dollars that are stated
            continue
        unit, after = unit_after(text, span.end) or (None, span.end)
        stated = following is not None and _states(text, span, after, following, per=unit is not None)
        dollars = following if stated else None
        if dollars is not None:
            close = _CLOSE.match(text, dollars.end)
            after = close.end() if close else dollars.end
            unit, after = (unit, after) if unit else unit_after(text, after) or (None, after)
            dollars = None if _is_unsure(text, dollars, unit) else dollars
        meant = _meant(text, span, unit, dollars)
        if meant is None or not span.currency:
            continue
        stated_usd = (dollars.value, dollars.high) if dollars else (None, None)
        near = is_hedged(text, span.start, span.end)
        written = text[span.start : span.end]
        yield Amount(span.start, span.end, written, meant, span.currency, span.high, unit, near, *stated_usd)


def _states(text: str, span: Numeral, end: int, dollars: Numeral, *, per: bool) -> bool:
    """Whether `dollars` state the value of the amount `span`, whose phrase ends at `end`.

    In "5 million som ($2 per person)" they do not: they are for another quantity.
    """
    if dollars.currency != "USD" or span.currency == "USD" or dollars.start - end > _STATED_REACH:
        return False
    stated = _STATED.fullmatch(text, end, dollars.start)
    return stated is not None and (per or not stated["opened"] or unit_after(text, dollars.end) is None)


def _is_unsure(text: str, span: Numeral, unit: str | None) -> bool:
    """Whether a full stop in the number of `span` can separate thousands or decimals: "85.000 tenge"."""
    if text.find(".", span.start, span.end) < 0:
        return False
    grouped = _GROUPED.search(text, span.start, span.end)
    if grouped is None or grouped["more"]:
        return grouped is not None
    decimals = unit is not None and span.currency in _DECIMAL_UNITS.get(unit.lower(), ())
    return span.scale == 1 and not decimals


def _meant(text: str, span: Numeral, unit: str | None, dollars: Numeral | None) -> Decimal | None:
    """The value of an amount, None where it is ambiguous; "85.000 tenge (about $165)" can only be 85,000."""
    if not _is_unsure(text, span, unit):
        return span.value
    if dollars is None or span.high or dollars.high or span.scale > 1 or span.currency in _ABOVE_A_DOLLAR:
        return None
    if span.value >= 1000:
        return span.value if span.value > dollars.value else None
    thousands = (span.value * 1000).to_integral_value()
    return thousands if span.value < dollars.value < thousands else None


# Wide enough for every amount that the grammar reads: below 10^18, with at most ten decimals.
MONEY: Final = pl.Decimal(38, DECIMALS)
# Column, field of an amount, type.
_COLUMNS: Final[tuple[tuple[str, str, pl.DataType | type[pl.DataType]], ...]] = (
    ("text_start", "start", pl.UInt32), ("text_end", "end", pl.UInt32), ("amount_text", "amount_text", pl.String),
    ("amount", "amount", MONEY), ("amount_high", "amount_high", MONEY), ("currency", "currency", pl.String),
    ("per", "per", pl.String), ("is_approximate", "approx", pl.Boolean), ("stated_usd", "stated_usd", MONEY),
    ("stated_usd_high", "stated_usd_high", MONEY),
)  # fmt: skip


def amount_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """Extract the amounts of money from many texts: one row per amount, in the order of the texts.

    `texts` has the columns text_id and text; a null text has no amounts. The result has text_id, text_start, text_end
    (characters), amount_text, amount, amount_high, currency, per, is_approximate, stated_usd and stated_usd_high; see
    `amounts.Amount`.
    Raises `polars.exceptions.ColumnNotFoundError` where a column of `texts` is missing.
    """
    ids: list[object] = []
    amounts: list[Amount] = []
    for text_id, text, spots in _with_spots(texts):
        amounts += amounts_at(text, _characters(text, spots))
        ids += [text_id] * (len(amounts) - len(ids))
    columns = {name: pl.Series(map(attrgetter(field), amounts), dtype=kind) for name, field, kind in _COLUMNS}
    return pl.DataFrame({"text_id": pl.Series(ids, dtype=texts.schema["text_id"]), **columns})


def _with_spots(texts: pl.DataFrame) -> Iterator[tuple[object, str, Sequence[int]]]:
    """The texts with a currency word, sign or code, and the byte offsets of these, in rising order."""
    text = pl.col("text").str
    words, codes = [*SIGNS, *STEMS], [*CODES]
    # "Leftmost" is the same for codes of equal length, and twenty times as fast as without it.
    spots = pl.concat_list(
        text.find_many(words, ascii_case_insensitive=True), text.find_many(codes, leftmost=True)
    )
    candidates = texts.select("text_id", "text", spots=spots.list.unique().list.sort()).filter(
        pl.col("spots").list.len() > 0
    )
    yield from candidates.iter_rows()


def _characters(text: str, spots: Sequence[int]) -> Sequence[int]:
    """Convert the byte offsets `spots` in `text` to character offsets."""
    if text.isascii():
        return spots
    raw, at, characters, offsets = text.encode(), 0, 0, []
    for spot in spots:
        characters += len(raw[at:spot].decode())
        at = spot
        offsets.append(characters)
    return offsets
