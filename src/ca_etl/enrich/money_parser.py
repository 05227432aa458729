"""Grammar of money: the amount at one currency word, sign or code, and ranges and lists of amounts in one currency.

"$900 to $1.2 billion" and "$100, $200 and $300 million" write the magnitude once, after the last number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from ca_etl.enrich import money_context as context
from ca_etl.enrich import money_vocabulary as vocabulary
from ca_etl.enrich.money_context import HEDGE, describes_change, follows_verb_of_change, lead_before
from ca_etl.enrich.money_vocabulary import INVISIBLE, SPACE, Numeral

_CODE: Final = re.compile(rf"(?<![^\W\d_])(?<![/$])(?<!/ )(?:{'|'.join(vocabulary.CODES)})(?![A-Za-z$])")
_WORD: Final = re.compile(
    rf"(?<=[\s0-9kmbn-])(?:{context.NAMES})(?!\w)(?!-(?!(?:a|an|per)-)\w)", re.IGNORECASE
)
_ADJECTIVE_BACKWARDS: Final = re.compile(
    rf"{SPACE}({'|'.join(re.escape(adjective[::-1]) for adjective, _ in vocabulary.ADJECTIVES)})(?!\w)",
    re.IGNORECASE,
)
_PREFIX_BACKWARDS: Final = re.compile(r"\.S\.U|[^\W\d_]{1,4}(?![^\W\d_]|\.)|(?![^\W\d_])")
_PART_OF: Final = re.compile(
    rf"(?i)(?:quarters?|thirds?|hal(?:ves|f)|fifths?|tenths?|fraction|most|part){SPACE}of{SPACE}\Z"
)
_AFTER_A_NUMBER: Final = re.compile(rf"[A-Za-z0-9%_^]|[.,'\u2019{INVISIBLE}][0-9]")
JOIN: Final = rf"(?:{SPACE}?[-\u2013\u2014]{SPACE}?|{SPACE}(?P<word>to|and|or){SPACE})"
_JOIN: Final = re.compile(JOIN, re.IGNORECASE)
_JOIN_BEFORE: Final = re.compile(rf"{JOIN}\Z", re.IGNORECASE)
_REPEATED: Final = re.compile(rf"{SPACE}?USD(?!\w)|{SPACE}(?:(?:US|U\.S\.){SPACE})?dollars(?!\w)")
_SUM_OF: Final = re.compile(rf"(?i){SPACE}(?:of|total|up)(?!\w)")
# "5 Som Street" is an address.
_NAME_CONTINUES: Final = re.compile(rf"{SPACE}[A-Z]")
_LETTER_AFTER: Final = re.compile(r"\s{0,3}[^\W\d_]")
_CHAIN_AFTER: Final = re.compile(r"[-\u2013](?![^\W\d_])")
_IN_A_CHAIN: Final = re.compile(r"[0-9][-\u2013\u2014]\Z|[A-Za-z]-\Z")


class _Currency(NamedTuple):
    """A currency word, sign or code of the text; `word` is the word in lower case, empty for a sign or code."""

    start: int
    end: int
    code: str
    word: str = ""


def spans_at(text: str, spot: int) -> Numerals:
    """Parse the amounts of money at the currency word, sign or code that begins at `spot`; empty where none is there.

    A change ("rose from 2 to 3 som") gives two amounts. An amount of unclear value has an empty currency.
    """
    sign = text[spot] in vocabulary.SIGNS
    currency = _sign(text, spot) if sign else _code(text, spot) or _word(text, spot)
    if currency is None or context.is_rate(text, currency.end):
        return ()
    # "$5", and the price after it is another amount; "300 KGS 2 times" has its number before.
    before = None if sign else _number_before(text, currency)
    after = None if before or currency.word else _number_after(text, currency)
    if after is not None:
        return _before_its_number(text, currency, after)
    before = _number_before(text, currency) if sign else before
    return () if before is None else _after_its_number(text, currency, before)


# "Australian $5 million" is no amount in dollars of the USA.
_OTHER_DOLLARS: Final = re.compile(
    r"(?:Australian|Canadian|Hong Kong|New Zealand|Singapore(?:an)?|Taiwan(?:ese)?)[\s\u00a0]?$"
)


def _sign(text: str, spot: int) -> _Currency | None:
    if text[spot] == "$" and _OTHER_DOLLARS.search(text, max(0, spot - 20), spot) is not None:
        return None
    prefix = _PREFIX_BACKWARDS.match(vocabulary.backwards(text, spot, 5))
    currencies = vocabulary.DOLLAR_PREFIXES if text[spot] == "$" else {"": vocabulary.SIGNS[text[spot]]}
    currency = currencies.get(prefix[0][::-1]) if prefix else None
    return _Currency(spot - len(prefix[0]), spot + 1, currency) if prefix and currency else None


def _code(text: str, spot: int) -> _Currency | None:
    code = _CODE.match(text, spot)
    if code is None or (text.startswith("/", code.end()) and context.unit_after(text, code.end()) is None):
        return None
    return _Currency(spot, code.end(), vocabulary.CODES[code[0]])


def _word(text: str, spot: int) -> _Currency | None:
    word = _WORD.match(text, spot)
    if word is None or (word[0].istitle() and _NAME_CONTINUES.match(text, word.end())):
        return None
    name = word[0].lower()
    # People are Afghanis with a capital letter, money is not.
    if name.startswith("afghani") and not word[0].islower():
        return None
    adjective = _ADJECTIVE_BACKWARDS.match(vocabulary.backwards(text, spot, 16))
    if adjective is None:
        start, currency = spot, vocabulary.WORDS[name]
    else:
        start = spot - adjective.end()
        currency = vocabulary.ADJECTIVES.get((adjective[1][::-1].lower(), name.removesuffix("s")), "")
    return _Currency(start, word.end(), currency, name) if currency else None


def _number_after(text: str, currency: _Currency) -> Numeral | None:
    led = vocabulary.LED.match(text, currency.end)
    if led is None or _AFTER_A_NUMBER.match(text, led.end()):
        return None
    return vocabulary.number_in(text, led.start("number"), led.end())


def _number_before(text: str, currency: _Currency) -> Numeral | None:
    """The number before a currency where both are an amount: not in "two dollar bonds", "In 2024 tenge deposits"."""
    number = vocabulary.number_before(text, currency.start)
    if number is None or (number.spelled and _PART_OF.search(text, max(0, number.start - 14), number.start)):
        return None
    bare, end = number.scale == 1, currency.end
    if currency.word in {"sum", "sums"} and ((bare and number.value < 100) or _SUM_OF.match(text, end)):
        return None
    hyphen = text[number.end] == "-"
    if currency.word == "dollar" and bare and not hyphen and number.value != 1:
        return None
    counted = bare and number.value <= 20 and context.THINGS.match(text, end)
    return None if counted or (bare and context.is_date(text, number, end)) else number


def _after_its_number(text: str, currency: _Currency, number: Numeral) -> Numerals:
    """The amount whose number is written first, with the low end of its range: "300 to 400 som"."""
    span = context.with_continuation(
        text, Numeral(number.start, currency.end, number.value, number.scale, currency=currency.code)
    )
    if not span.currency or (span.end > currency.end and context.is_rate(text, span.end)):
        return (span._replace(currency=""),)
    join = _JOIN_BEFORE.search(text, max(0, number.start - 5), number.start)
    if join is None:
        return (span,)
    low = vocabulary.number_before(text, join.start())
    if low is not None and context.are_years(text, low, number, span.end):
        return ()
    if low is None or low.end != join.start() or context.is_date(text, low, span.end):
        return () if _IN_A_CHAIN.search(text, max(0, number.start - 2), number.start) else (span,)
    pair = join_numbers(text, low._replace(currency=currency.code), span, join)
    # A chain ("312-555-019 som") or a fall ("2024-25 som") is not an amount.
    if join["word"] is None and text[max(0, low.start - 1) : low.start] in {"-", "\u2013"}:
        pair = ()
    return pair or (() if join[0][0] in DASHES else (span,))


def _before_its_number(text: str, currency: _Currency, number: Numeral) -> Numerals:
    """The amount whose sign or code is written first, with the high end of its range: "$1.2-1.4 million"."""
    repeated = _REPEATED.match(text, number.end) if currency.code == "USD" else None
    end = repeated.end() if repeated else number.end
    span = Numeral(currency.start, end, number.value, number.scale, currency=currency.code)
    span = context.with_continuation(text, span, led=repeated is None)
    if span.currency and context.is_rate(text, span.end, currency.start):
        return ()
    return _with_second(text, span) if span.currency and span.value == number.value else (span,)


def _with_second(text: str, span: Numeral) -> Numerals:
    """The amount `span`, with the number that a dash, "to", "and" or "or" joins to it as a range or change."""
    listed = vocabulary.LIST_AFTER.match(text, span.end)
    if listed is not None and _lacks_magnitude(text, span, listed.end()):
        return ()
    join = _JOIN.match(text, span.end)
    high = vocabulary.BARE.match(text, join.end()) if join is not None else None
    if join is None or high is None:
        return (span,)
    second = vocabulary.number_in(text, high.start(), high.end())
    attached = join[0][0] in DASHES
    chained = _AFTER_A_NUMBER.match(text, high.end()) or (attached and _CHAIN_AFTER.match(text, high.end()))
    if second is None or chained:
        return () if attached else (span,)
    pair = join_numbers(text, span, second._replace(currency=span.currency), join)
    if pair and _is_money(text, span, second, attached=attached, moves=len(pair) > 1):
        return pair
    lost = (attached and not pair) or (second.scale > 1 and _lacks_magnitude(text, span, second.end))
    return () if lost else (span,)


def _lacks_magnitude(text: str, span: Numeral, end: int) -> bool:
    """Whether the magnitude that ends at `end` may be that of `span` too: "$90 to 1 billion", "$3 and 5 million"."""
    bare = span.scale == 1 and span.value < 1000
    return bare and not context.THINGS.match(text, end) and not context.CURRENCY_AFTER.match(text, end)


def _is_money(text: str, first: Numeral, second: Numeral, *, attached: bool, moves: bool) -> bool:
    """Whether the number without a currency after "to", "and" or "or" is money: not in "$200 to 300 families"."""
    if context.CURRENCY_AFTER.match(text, second.end):
        return False
    if attached or not _LETTER_AFTER.match(text, second.end) or context.unit_after(text, second.end):
        return True
    if not moves and context.lead_before(text, first.start) in {"from", "between"}:
        return True
    shared = second.scale > 1 and (moves or first.scale == 1)
    return shared and not context.THINGS.match(text, second.end)


DASHES: Final = frozenset("-\u2013\u2014")
_RANGE_JOIN: Final = re.compile(
    rf"(?P<comma>,?)(?:{JOIN}|(?<=,){SPACE})(?P<near>(?:{HEDGE}|even|perhaps|maybe|possibly){SPACE})?",
    re.IGNORECASE,
)
_JOIN_REACH: Final = 20
# "paid $5 and $20 million was left": two sentences, no list.
_IS_SENTENCE: Final = re.compile(
    rf"{SPACE}(?:is|are|was|were|will|would|has|have|had|went|goes?|came|comes?|remains?|remained)(?!\w)",
    re.IGNORECASE,
)
# Numbers that are further apart share no magnitude: "It cost $5 and $900 million".
_TIMES_APART: Final = 10
# The least magnitude that is shared, and the step to the next one; "3 or 5 hundred dollars" has no signs.
_THOUSAND: Final = 1000
Numerals: TypeAlias = tuple[Numeral, ...]


def join_numbers(text: str, first: Numeral, second: Numeral, join: re.Match[str]) -> Numerals:
    """Join two numbers: one numeral for a range, two for a change, the second alone where the first is unclear.

    The result is empty where the numbers are neither a range nor a change. `join` is the match of the text between the
    numbers: its `word`, or a dash, which always makes a range. After "between", and around a dash without spaces, the
    higher number may come first ("5-3 million").
    """
    word, lead = (join["word"] or "").lower(), lead_before(text, first.start)
    low = _in_units_of(first, second, dashed=not word)
    if word == "to" and lead == "from":
        if low is None:
            return (second,)
        if low.value > second.value or second.high is not None or describes_change(text, first.start):
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
    """The first of two numbers with the magnitude of the second, where they share it; None where that is uncertain.

    "2 to 3 billion" share the magnitude; in "900 to 1.2 billion" the first is 900 million, in "900-1 million"
    (`dashed`) 900,000; "from $500 to $1 million" may mean five hundred dollars.
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


def merge_ranges(text: str, spans: Sequence[Numeral]) -> list[Numeral]:
    """Merge two amounts that are the ends of a range into one amount, in the list `spans`: "$500,000 to $1 million"."""
    merged: list[Numeral] = []
    for span in spans:
        join = _join(text, merged[-1], span) if merged and merged[-1].high is None else None
        pair: Numerals = ()
        if join is not None and not follows_verb_of_change(text, merged[-1].start):
            word = (join["word"] or "").lower()
            listed = join["comma"] or word == "or" or (join["near"] and not word)
            pair = () if listed else join_numbers(text, merged[-1], span, join)
        merged[-1 if pair else len(merged) :] = pair or (span,)
    return merged


def share_magnitudes(text: str, spans: Sequence[Numeral]) -> list[Numeral]:
    """Apply the magnitude after a list of amounts to all members, where that is certain: "$3 or $5 million"."""
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


def drop_doubtful(text: str, spans: Sequence[Numeral]) -> list[Numeral]:
    """Remove amounts that may share the magnitude of a later amount, and are unclear: "$5" in "$5 and $2 million"."""
    kept: list[Numeral] = []
    scaled: Numeral | None = None
    for span in reversed(spans):
        doubtful = scaled is not None and _list_join(text, span, scaled) is not None
        if not doubtful:
            kept.append(span)
        scaled = span if doubtful or span.scale >= _THOUSAND else None
    return kept[::-1]


def _join(text: str, first: Numeral, second: Numeral) -> re.Match[str] | None:
    """The match of the text that joins two amounts of one currency; None where nothing joins them."""
    if second.start - first.end >= _JOIN_REACH or first.currency != second.currency:
        return None
    return _RANGE_JOIN.fullmatch(text, first.end, second.start)


def _list_join(text: str, first: Numeral, second: Numeral) -> re.Match[str] | None:
    """The match of the text between an amount and the next amount of its list; None where there is no list.

    The first amount has a sign or code and no magnitude, and is below a thousand. In both amounts the number comes
    first, or in both the currency.
    """
    named = text[first.start].isalnum() and text[first.end - 1].islower()
    if first.scale > 1 or first.value >= _THOUSAND or first.high is not None or named:
        return None
    return _join(text, first, second) if text[first.start].isdigit() == text[second.start].isdigit() else None


def _is_certain(text: str, members: Sequence[Numeral]) -> bool:
    """Whether the members are certainly a list with one magnitude: joined by "or", a rising "and", or commas."""
    *commas, join = (_list_join(text, first, second) for first, second in pairwise(members))
    if join is None or not join["word"] or lead_before(text, members[0].start) == "between":
        return False
    if commas:
        return not any(comma is None or comma["word"] for comma in commas)
    first, last = members
    whole = first.value * last.scale
    if join["comma"] or last.value > whole * _TIMES_APART:
        return False
    return join["word"].lower() == "or" or (whole < last.value and not _IS_SENTENCE.match(text, last.end))
