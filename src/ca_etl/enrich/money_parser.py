"""The amount at one currency word, sign or code: which currency it is, and the number that belongs to it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

from ca_etl.enrich import money_context as context
from ca_etl.enrich import money_numbers as numbers
from ca_etl.enrich import money_words as words
from ca_etl.enrich.money_numbers import BLANK, UNSEEN, Numeral
from ca_etl.enrich.money_ranges import MoneySpan, both_ends, in_units_of

_WORD: Final = re.compile(
    rf"(?:{'|'.join(sorted(words.WORDS, key=len, reverse=True))})(?!\w)(?!-(?!(?:a|an|per)-)\w)",
    re.IGNORECASE,
)
_CODE: Final = re.compile(rf"(?:{'|'.join(words.CODES)})(?![A-Za-z$])")
_ADJECTIVE: Final = re.compile(
    rf"(?<!\w)({'|'.join(sorted({re.escape(who) for who, _ in words.ADJECTIVES}, key=len, reverse=True))}){BLANK}\Z",
    re.IGNORECASE,
)
_ADJECTIVE_ENDS: Final = frozenset(who[-2:] for who, _ in words.ADJECTIVES)
_LETTERS_BEFORE: Final = re.compile(r"[A-Za-z]+\Z")
_LAST_WORD: Final = re.compile(r"[A-Za-z]{1,9}\Z")
_ENDS_A_NUMBER: Final = frozenset({*words.MAGNITUDES, *words.SMALL_NUMBERS, "half"})
_PART_OF: Final = re.compile(
    rf"(?i)(?:quarters?|thirds?|hal(?:ves|f)|fifths?|tenths?|fraction|most|part){BLANK}of{BLANK}\Z"
)
_AFTER_A_NUMBER: Final = re.compile(rf"[A-Za-z0-9%_^]|[.,'\u2019{UNSEEN}][0-9]")
_JOIN_BEFORE: Final = re.compile(
    rf"(?i)(?:{BLANK}?[-\u2013\u2014]{BLANK}?|{BLANK}(?P<word>to|and|or){BLANK})\Z"
)
_JOIN: Final = re.compile(rf"(?i)(?:{BLANK}?[-\u2013\u2014]{BLANK}?|{BLANK}(?P<word>to|and|or){BLANK})")
_REPEATED: Final = re.compile(rf"{BLANK}?USD(?!\w)|{BLANK}(?:(?:US|U\.S\.){BLANK})?dollars(?!\w)")
_OTHER_SUM: Final = re.compile(rf"(?i){BLANK}(?:of|total|up)(?!\w)")
# "5 Som Street" is an address.
_NAME_GOES_ON: Final = re.compile(rf"{BLANK}[A-Z]")
_BEFORE_A_RANGE: Final = frozenset(" ,-\u00a0\u2007\u2009\u202f\u2013\u2014")
_IN_A_CHAIN: Final = re.compile(r"[0-9][-\u2013\u2014]\Z|[A-Za-z]-\Z")


Spans: TypeAlias = tuple[MoneySpan, ...]


class _Currency(NamedTuple):
    """A currency word, sign or code of the text; `word` is the word in lower case, else nothing."""

    start: int
    end: int
    code: str
    word: str


def spans_at(text: str, spot: int) -> Spans:
    """The amount of the currency at `spot`, both ends of a change, or nothing."""
    currency = _sign(text, spot) if text[spot] in words.SIGNS else _code(text, spot) or _word(text, spot)
    if currency is None or context.is_rate(text, currency.end):
        return ()
    # "$5", and the price after it is another amount; "300 KGS 2 times" has its number before.
    if text[spot] not in words.SIGNS and (before := _number_before(text, currency)) is not None:
        return _after_its_number(text, currency, before)
    if currency.word:
        return ()
    if (after := _number_after(text, currency)) is not None:
        return _before_its_number(text, currency, after)
    before = _number_before(text, currency)
    return () if before is None else _after_its_number(text, currency, before)


def _sign(text: str, spot: int) -> _Currency | None:
    if text[spot] != "$":
        letter = text[spot - 1 : spot].isalpha()
        return None if letter else _Currency(spot, spot + 1, words.SIGNS[text[spot]], "")
    if text.startswith("U.S.", max(0, spot - 4)) and spot >= 4:
        return _Currency(spot - 4, spot + 1, "USD", "")
    letters = (
        _LETTERS_BEFORE.search(text, max(0, spot - 5), spot) if text[spot - 1 : spot].isalpha() else None
    )
    if letters is None:
        return _Currency(spot, spot + 1, "USD", "")
    currency = words.DOLLAR_PREFIXES.get(letters[0])
    if currency is None or text[letters.start() - 1 : letters.start()] == ".":
        return None
    return _Currency(letters.start(), spot + 1, currency, "")


def _code(text: str, spot: int) -> _Currency | None:
    code = _CODE.match(text, spot)
    if code is None or (spot and (text[spot - 1].isalpha() or text[spot - 1] in "/$")):
        return None
    if text[max(0, spot - 2) : spot] == "/ ":
        return None
    if text[code.end() : code.end() + 1] == "/" and context.unit_after(text, code.end()) is None:
        return None
    return _Currency(spot, code.end(), words.CODES[code[0]], "")


def _word(text: str, spot: int) -> _Currency | None:
    before = text[spot - 1 : spot]
    if not before or not (before.isspace() or before == "-" or before.isdigit() or before in "kmbnKMBN"):
        return None
    word = _WORD.match(text, spot)
    if word is None or (word[0].lower() in words.LOWER_CASE_ONLY and not word[0].islower()):
        return None
    if word[0].istitle() and _NAME_GOES_ON.match(text, word.end()):
        return None
    name = word[0].lower()
    described = text[max(0, spot - 3) : spot - 1].lower() in _ADJECTIVE_ENDS
    adjective = _ADJECTIVE.search(text, max(0, spot - 16), spot) if described else None
    if adjective is None:
        currency = words.WORDS[name]
        start = spot
    else:
        currency = words.ADJECTIVES.get((adjective[1].lower(), name[:4]))
        start = adjective.start()
    return None if currency is None else _Currency(start, word.end(), currency, name)


def _number_after(text: str, currency: _Currency) -> Numeral | None:
    led = numbers.LED.match(text, currency.end)
    if led is None or _AFTER_A_NUMBER.match(text, led.end()):
        return None
    return numbers.number_in(text, led.start("number"), led.end())


def _number_before(text: str, currency: _Currency) -> Numeral | None:
    if not _may_end_a_number(text, currency.start):
        return None
    number = numbers.number_before(text, currency.start)
    return number if number is not None and _fits(text, currency, number) else None


def _may_end_a_number(text: str, end: int) -> bool:
    """A cheap check before the expensive one: most words that start like a currency have no number before."""
    if end and (text[end - 1].isspace() or text[end - 1] == "-"):
        end -= 1
    if end and text[end - 1] == ".":
        end -= 1
    if not end:
        return False
    if text[end - 1].isdigit():
        return True
    word = _LAST_WORD.search(text, max(0, end - 9), end)
    return word is not None and word[0].lower() in _ENDS_A_NUMBER


def _fits(text: str, currency: _Currency, number: Numeral) -> bool:
    """Whether number and word make an amount: "two dollar bonds", "30 sums", "In 2024 tenge deposits" do not."""
    bare = number.scale == 1
    if number.spelled and _PART_OF.search(text, max(0, number.start - 14), number.start):
        return False
    if currency.word in {"sum", "sums"} and (
        (bare and number.value < 100) or _OTHER_SUM.match(text, currency.end)
    ):
        return False
    hyphen = text[number.end : number.end + 1] == "-"
    if currency.word == "dollar" and bare and not hyphen and number.value != 1:
        return False
    if bare and number.value <= 20 and context.counts_things(text, currency.end):
        return False
    return not (bare and context.is_date(text, number, currency.end))


def _after_its_number(text: str, currency: _Currency, number: Numeral) -> Spans:
    """The amount whose number is written first, with the low end of its range: "300 to 400 som"."""
    end, meant = context.continued(text, currency.end, currency.code, number)
    if meant is None or (end > currency.end and context.is_rate(text, end)):
        return (MoneySpan(number.start, end, number.value, number.scale, ""),)
    number = meant
    span = MoneySpan(number.start, end, number.value, number.scale, currency.code)
    join = _JOIN_BEFORE.search(text, max(0, number.start - 5), number.start)
    if join is None:
        return (span,)
    low = numbers.number_before(text, join.start())
    if low is not None and context.are_years(text, low, number, end):
        return ()
    if low is None or low.end != join.start() or context.is_date(text, low, end):
        return () if _IN_A_CHAIN.search(text, max(0, number.start - 2), number.start) else (span,)
    return _ranged(text, span, low, number, join)


def _ranged(text: str, span: MoneySpan, low: Numeral, number: Numeral, join: re.Match[str]) -> Spans:
    """The amount `span`, whose `number` follows the number `low`: a range, a change, or another matter."""
    first = MoneySpan(low.start, low.end, low.value, low.scale, span.currency)
    lead = context.lead_before(text, low.start)
    attached = not (join["word"] or join[0][0] == " ")
    ends = both_ends(first, number, may_fall=lead == "between" or attached, dashed=join["word"] is None)
    both = None if ends is None else span._replace(start=low.start, value=ends[0], high=ends[1])
    if join["word"] is None:
        return _dashed(text, join[0], low, span, both)
    word, meant = join["word"].lower(), in_units_of(first, number)
    moves = lead == "from" and word == "to"
    if meant is not None and moves and (meant.value > span.value or context.changes(text, low.start)):
        return (meant, span)
    if both is None or lead == "by" or (word == "and" and lead != "between"):
        return (span,)
    return (both,)


def _dashed(text: str, join: str, low: Numeral, span: MoneySpan, both: MoneySpan | None) -> Spans:
    """A range with a dash. A chain ("312-555-019 som") or a fall ("2024-25 som") is not an amount."""
    chained = text[max(0, low.start - 1) : low.start] in {"-", "\u2013"}
    if both is not None and not chained:
        return (both,)
    return (span,) if join.startswith(" ") else ()


def _before_its_number(text: str, currency: _Currency, number: Numeral) -> Spans:
    """The amount whose sign or code is written first, with the high end of its range: "$1.2-1.4 million"."""
    end = number.end
    if currency.code == "USD" and (repeated := _REPEATED.match(text, end)) is not None:
        end = repeated.end()
    end, meant = context.continued(text, end, currency.code, number)
    if meant is None:
        return (MoneySpan(currency.start, end, number.value, number.scale, ""),)
    if context.is_rate(text, end, currency.start):
        return ()
    span = MoneySpan(currency.start, end, meant.value, meant.scale, currency.code)
    if meant is not number or text[end : end + 1] not in _BEFORE_A_RANGE:
        return (span,)
    return _with_second(text, currency, span)


def _with_second(text: str, currency: _Currency, span: MoneySpan) -> Spans:
    """The amount `span` with the number that a dash, "to", "and" or "or" joins to it, or a comma of a list."""
    end = span.end
    listed = numbers.LIST_AFTER.match(text, end) if text[end] == "," else None
    if listed is not None and _lacks_magnitude(text, span, listed.end()):
        return ()
    join = None if text[end] == "," else _JOIN.match(text, end)
    high = numbers.BARE.match(text, join.end()) if join is not None else None
    if join is None or high is None:
        return (span,)
    top = numbers.number_in(text, high.start(), high.end())
    attached = join["word"] is None and not join[0].startswith(" ")
    if top is None or _AFTER_A_NUMBER.match(text, high.end()):
        return () if attached else (span,)
    chained = text[top.end : top.end + 1] in {"-", "\u2013"} and not text[top.end + 1 : top.end + 2].isalpha()
    if attached and chained:
        return ()
    word = "" if attached else (join["word"] or "-").lower()
    return _with_high(text, currency, span, top, word)


def _with_high(text: str, currency: _Currency, span: MoneySpan, high: Numeral, word: str) -> Spans:
    """The amount `span` with the bare number after it: a range, a change, or another matter.

    `word` is what joins them, nothing where it is a dash without spaces.
    """
    lead, first = context.lead_before(text, currency.start), in_units_of(span, high)
    moves = word == "to" and lead == "from" and _is_money(text, high)
    if first is not None and moves and (first.value > high.value or context.changes(text, currency.start)):
        return (first, MoneySpan(high.start, high.end, high.value, high.scale, span.currency))
    ends = both_ends(span, high, may_fall=lead == "between" or not word, dashed=word in {"", "-"})
    if ends is not None and _ends_here(text, word, span, high, currency):
        return (span._replace(end=high.end, value=ends[0], scale=high.scale, high=ends[1]),)
    lost = (ends is None and not word) or (high.scale > 1 and _lacks_magnitude(text, span, high.end))
    return () if lost else (span,)


def _lacks_magnitude(text: str, span: MoneySpan, end: int) -> bool:
    """Whether the magnitude that ends at `end` may be that of `span` too: "$90 to 1 billion", "$3 and 5 million"."""
    bare = span.scale == 1 and span.value < 1000
    return bare and not context.counts_things(text, end) and not _has_currency(text, end)


def _is_money(text: str, high: Numeral) -> bool:
    """Whether the second number of "rose from $2 to 3 billion" counts nothing else and has no currency of its own."""
    rest = text[high.end : high.end + 2].lstrip()
    counted = high.scale == 1 and rest[:1].isalpha() and context.unit_after(text, high.end) is None
    return not counted and not _has_currency(text, high.end)


def _has_currency(text: str, end: int) -> bool:
    rest = text[end : end + 40].lstrip(" -\u00a0\u2007\u2009\u202f")
    return _WORD.match(rest) is not None or rest[:1] in words.SIGNS or _CODE.match(rest) is not None


def _ends_here(text: str, word: str, low: MoneySpan, high: Numeral, currency: _Currency) -> bool:
    """Whether the bare number after "to", "and", "or" is money too: not in "$200 to 300 families"."""
    lead = context.lead_before(text, currency.start)
    if (
        lead == "by"
        or (lead == "from" and context.changes(text, currency.start))
        or (word == "and" and lead != "between")
    ):
        return False
    rest = text[high.end : high.end + 40].lstrip()
    named = _has_currency(text, high.end)
    if named or not word:
        return not named
    if not rest or not rest[0].isalpha() or lead in {"from", "between"}:
        return True
    inherits = high.scale > 1 and low.scale == 1
    return context.unit_after(text, high.end) is not None or (
        inherits and not context.counts_things(text, high.end)
    )
