"""The amount at one currency word, sign or code: which currency it is, and the number that belongs to it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ca_etl.enrich import money_context as context
from ca_etl.enrich import money_numbers as numbers
from ca_etl.enrich import money_words as words
from ca_etl.enrich.money_numbers import BLANK, UNSEEN, Numeral
from ca_etl.enrich.money_ranges import DASHES, JOIN, Numerals, joined

_CODE: Final = re.compile(rf"(?<![^\W\d_])(?<![/$])(?<!/ )(?:{'|'.join(words.CODES)})(?![A-Za-z$])")
_WORD: Final = re.compile(
    rf"(?<=[\s0-9kmbn-])(?:{context.NAMES})(?!\w)(?!-(?!(?:a|an|per)-)\w)", re.IGNORECASE
)
_ADJECTIVE_BACKWARDS: Final = re.compile(
    rf"{BLANK}({'|'.join(re.escape(adjective[::-1]) for adjective, _ in words.ADJECTIVES)})(?!\w)",
    re.IGNORECASE,
)
_PREFIX_BACKWARDS: Final = re.compile(r"\.S\.U|[^\W\d_]{1,4}(?![^\W\d_]|\.)|(?![^\W\d_])")
_PART_OF: Final = re.compile(
    rf"(?i)(?:quarters?|thirds?|hal(?:ves|f)|fifths?|tenths?|fraction|most|part){BLANK}of{BLANK}\Z"
)
_AFTER_A_NUMBER: Final = re.compile(rf"[A-Za-z0-9%_^]|[.,'\u2019{UNSEEN}][0-9]")
_JOIN: Final = re.compile(JOIN, re.IGNORECASE)
_JOIN_BEFORE: Final = re.compile(rf"{JOIN}\Z", re.IGNORECASE)
_REPEATED: Final = re.compile(rf"{BLANK}?USD(?!\w)|{BLANK}(?:(?:US|U\.S\.){BLANK})?dollars(?!\w)")
_OTHER_SUM: Final = re.compile(rf"(?i){BLANK}(?:of|total|up)(?!\w)")
# "5 Som Street" is an address.
_NAME_GOES_ON: Final = re.compile(rf"{BLANK}[A-Z]")
_LETTER_AFTER: Final = re.compile(r"\s{0,3}[^\W\d_]")
_CHAIN_AFTER: Final = re.compile(r"[-\u2013](?![^\W\d_])")
_IN_A_CHAIN: Final = re.compile(r"[0-9][-\u2013\u2014]\Z|[A-Za-z]-\Z")


class _Currency(NamedTuple):
    """A currency word, sign or code of the text; `word` is the word in lower case, else nothing."""

    start: int
    end: int
    code: str
    word: str = ""


def spans_at(text: str, spot: int) -> Numerals:
    """The amount of the currency at `spot`, both ends of a change, or nothing.

    One that is refused has no currency: what it is worth is unsure, and what is written there belongs to it.
    """
    sign = text[spot] in words.SIGNS
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
    prefix = _PREFIX_BACKWARDS.match(numbers.backwards(text, spot, 5))
    currencies = words.DOLLAR_PREFIXES if text[spot] == "$" else {"": words.SIGNS[text[spot]]}
    currency = currencies.get(prefix[0][::-1]) if prefix else None
    return _Currency(spot - len(prefix[0]), spot + 1, currency) if prefix and currency else None


def _code(text: str, spot: int) -> _Currency | None:
    code = _CODE.match(text, spot)
    if code is None or (text.startswith("/", code.end()) and context.unit_after(text, code.end()) is None):
        return None
    return _Currency(spot, code.end(), words.CODES[code[0]])


def _word(text: str, spot: int) -> _Currency | None:
    word = _WORD.match(text, spot)
    if word is None or (word[0].istitle() and _NAME_GOES_ON.match(text, word.end())):
        return None
    name = word[0].lower()
    # People are Afghanis with a capital letter, money is not.
    if name.startswith("afghani") and not word[0].islower():
        return None
    adjective = _ADJECTIVE_BACKWARDS.match(numbers.backwards(text, spot, 16))
    if adjective is None:
        start, currency = spot, words.WORDS[name]
    else:
        start = spot - adjective.end()
        currency = words.ADJECTIVES.get((adjective[1][::-1].lower(), name.removesuffix("s")), "")
    return _Currency(start, word.end(), currency, name) if currency else None


def _number_after(text: str, currency: _Currency) -> Numeral | None:
    led = numbers.LED.match(text, currency.end)
    if led is None or _AFTER_A_NUMBER.match(text, led.end()):
        return None
    return numbers.number_in(text, led.start("number"), led.end())


def _number_before(text: str, currency: _Currency) -> Numeral | None:
    """The number before, where it makes an amount: not in "two dollar bonds", "30 sums", "In 2024 tenge deposits"."""
    number = numbers.number_before(text, currency.start)
    if number is None or (number.spelled and _PART_OF.search(text, max(0, number.start - 14), number.start)):
        return None
    bare, end = number.scale == 1, currency.end
    if currency.word in {"sum", "sums"} and ((bare and number.value < 100) or _OTHER_SUM.match(text, end)):
        return None
    hyphen = text[number.end] == "-"
    if currency.word == "dollar" and bare and not hyphen and number.value != 1:
        return None
    counted = bare and number.value <= 20 and context.THINGS.match(text, end)
    return None if counted or (bare and context.is_date(text, number, end)) else number


def _after_its_number(text: str, currency: _Currency, number: Numeral) -> Numerals:
    """The amount whose number is written first, with the low end of its range: "300 to 400 som"."""
    span = context.continued(
        text, Numeral(number.start, currency.end, number.value, number.scale, currency=currency.code)
    )
    if not span.currency or (span.end > currency.end and context.is_rate(text, span.end)):
        return (span._replace(currency=""),)
    join = _JOIN_BEFORE.search(text, max(0, number.start - 5), number.start)
    if join is None:
        return (span,)
    low = numbers.number_before(text, join.start())
    if low is not None and context.are_years(text, low, number, span.end):
        return ()
    if low is None or low.end != join.start() or context.is_date(text, low, span.end):
        return () if _IN_A_CHAIN.search(text, max(0, number.start - 2), number.start) else (span,)
    pair = joined(text, low._replace(currency=currency.code), span, join)
    # A chain ("312-555-019 som") or a fall ("2024-25 som") is not an amount.
    if join["word"] is None and text[max(0, low.start - 1) : low.start] in {"-", "\u2013"}:
        pair = ()
    return pair or (() if join[0][0] in DASHES else (span,))


def _before_its_number(text: str, currency: _Currency, number: Numeral) -> Numerals:
    """The amount whose sign or code is written first, with the high end of its range: "$1.2-1.4 million"."""
    repeated = _REPEATED.match(text, number.end) if currency.code == "USD" else None
    end = repeated.end() if repeated else number.end
    span = Numeral(currency.start, end, number.value, number.scale, currency=currency.code)
    span = context.continued(text, span, led=repeated is None)
    if span.currency and context.is_rate(text, span.end, currency.start):
        return ()
    return _with_second(text, span) if span.currency and span.value == number.value else (span,)


def _with_second(text: str, span: Numeral) -> Numerals:
    """The amount `span` with the number that a dash, "to", "and" or "or" joins to it, or a comma of a list."""
    listed = numbers.LIST_AFTER.match(text, span.end)
    if listed is not None and _lacks_magnitude(text, span, listed.end()):
        return ()
    join = _JOIN.match(text, span.end)
    high = numbers.BARE.match(text, join.end()) if join is not None else None
    if join is None or high is None:
        return (span,)
    second = numbers.number_in(text, high.start(), high.end())
    attached = join[0][0] in DASHES
    chained = _AFTER_A_NUMBER.match(text, high.end()) or (attached and _CHAIN_AFTER.match(text, high.end()))
    if second is None or chained:
        return () if attached else (span,)
    pair = joined(text, span, second._replace(currency=span.currency), join)
    if pair and _is_money(text, span, second, attached=attached, moves=len(pair) > 1):
        return pair
    lost = (attached and not pair) or (second.scale > 1 and _lacks_magnitude(text, span, second.end))
    return () if lost else (span,)


def _lacks_magnitude(text: str, span: Numeral, end: int) -> bool:
    """Whether the magnitude that ends at `end` may be that of `span` too: "$90 to 1 billion", "$3 and 5 million"."""
    bare = span.scale == 1 and span.value < 1000
    return bare and not context.THINGS.match(text, end) and not context.CURRENCY_AFTER.match(text, end)


def _is_money(text: str, first: Numeral, second: Numeral, *, attached: bool, moves: bool) -> bool:
    """Whether the bare number after "to", "and", "or" is money too: not in "$200 to 300 families"."""
    if context.CURRENCY_AFTER.match(text, second.end):
        return False
    if attached or not _LETTER_AFTER.match(text, second.end) or context.unit_after(text, second.end):
        return True
    if not moves and context.lead_before(text, first.start) in {"from", "between"}:
        return True
    shared = second.scale > 1 and (moves or first.scale == 1)
    return shared and not context.THINGS.match(text, second.end)
