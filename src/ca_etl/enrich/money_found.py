"""One amount at one currency word, sign or code: which currency it is, and the number that belongs to it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ca_etl.enrich.money_context import (
    are_years,
    changes,
    counts_things,
    is_date,
    is_rate,
    lead_before,
    unit_behind,
)
from ca_etl.enrich.money_numbers import BARE, BLANK, LED, LIST_BEHIND, UNSEEN, Numeral, figure, number_before
from ca_etl.enrich.money_ranges import Found, both_ends, in_units_of
from ca_etl.enrich.money_words import (
    ADJECTIVES,
    CODES,
    DOLLAR_PREFIXES,
    LOWER_CASE_ONLY,
    MAGNITUDES,
    SIGNS,
    SMALL_NUMBERS,
    WORDS,
)

_WORD: Final = re.compile(
    rf"(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})(?!\w)(?!-(?!(?:a|an|per)-)\w)", re.IGNORECASE
)
_CODE: Final = re.compile(rf"(?:{'|'.join(CODES)})(?![A-Za-z/])")
_ADJECTIVE: Final = re.compile(
    rf"(?<!\w)({'|'.join(sorted({re.escape(who) for who, _ in ADJECTIVES}, key=len, reverse=True))}){BLANK}\Z",
    re.IGNORECASE,
)
_LETTERS_BEFORE: Final = re.compile(r"[A-Za-z]+\Z")
_LAST_WORD: Final = re.compile(r"[A-Za-z]{1,9}\Z")
_ENDS_A_NUMBER: Final = frozenset({*MAGNITUDES, *SMALL_NUMBERS, "half"})
_PART_OF: Final = re.compile(
    rf"(?:quarters?|thirds?|halves|half|fifths?|tenths?|fraction|most|part){BLANK}of{BLANK}\Z", re.IGNORECASE
)
_AFTER_A_FIGURE: Final = re.compile(rf"[A-Za-z0-9%_^]|[.,'\u2019{UNSEEN}][0-9]")
_JOIN_BACK: Final = re.compile(
    rf"(?:{BLANK}?[-\u2013\u2014]{BLANK}?|{BLANK}(?P<word>to|and|or){BLANK})\Z", re.IGNORECASE
)
_JOIN: Final = re.compile(
    rf"(?:{BLANK}?[-\u2013\u2014]{BLANK}?|{BLANK}(?P<word>to|and|or){BLANK})", re.IGNORECASE
)
_REPEATED: Final = re.compile(rf"{BLANK}?USD(?!\w)|{BLANK}(?:(?:US|U\.S\.){BLANK})?dollars(?!\w)")
_NOT_A_SUM: Final = re.compile(rf"{BLANK}(?:of|total|up)(?!\w)", re.IGNORECASE)
# "5 Som Street" is an address.
_NAME_GOES_ON: Final = re.compile(rf"{BLANK}[A-Z]")
_IN_A_CHAIN: Final = re.compile(r"[0-9][-\u2013\u2014]\Z|[A-Za-z]-\Z")


class _Money(NamedTuple):
    start: int
    end: int
    currency: str | None
    word: str


def found_at(text: str, spot: int) -> tuple[Found, ...]:
    """What the currency at `spot` is the currency of: one amount, both ends of a change, or nothing."""
    money = _sign(text, spot) if text[spot] in SIGNS else _code(text, spot) or _word(text, spot)
    if money is None or is_rate(text, money.end):
        return ()
    # "$5", and the price behind it is another amount; "300 KGS 2 times" goes with the number before.
    if text[spot] not in SIGNS and (before := _number_before(text, money)) is not None:
        return _with_low(text, money, before)
    if money.word:
        return ()
    if (behind := _number_behind(text, money)) is not None:
        return _led(text, money, behind)
    before = _number_before(text, money)
    return () if before is None else _with_low(text, money, before)


def _sign(text: str, spot: int) -> _Money | None:
    if text[spot] != "$":
        letter = text[spot - 1 : spot].isalpha()
        return None if letter else _Money(spot, spot + 1, SIGNS[text[spot]], "")
    if text.startswith("U.S.", max(0, spot - 4)) and spot >= 4:
        return _Money(spot - 4, spot + 1, "USD", "")
    letters = _LETTERS_BEFORE.search(text, max(0, spot - 5), spot)
    if letters is None:
        return _Money(spot, spot + 1, "USD", "")
    currency = DOLLAR_PREFIXES.get(letters[0])
    if currency is None or text[letters.start() - 1 : letters.start()] == ".":
        return None
    return _Money(letters.start(), spot + 1, currency, "")


def _code(text: str, spot: int) -> _Money | None:
    code = _CODE.match(text, spot)
    if code is None or (spot and (text[spot - 1].isalpha() or text[spot - 1] in "/$")):
        return None
    return _Money(spot, code.end(), CODES[code[0]], "")


def _word(text: str, spot: int) -> _Money | None:
    before = text[spot - 1 : spot]
    if not before or not (before.isspace() or before == "-" or before.isdigit() or before in "kmbnKMBN"):
        return None
    word = _WORD.match(text, spot)
    if word is None or (word[0].lower() in LOWER_CASE_ONLY and not word[0].islower()):
        return None
    if word[0].istitle() and _NAME_GOES_ON.match(text, word.end()):
        return None
    name = word[0].lower()
    adjective = _ADJECTIVE.search(text, max(0, spot - 16), spot)
    if adjective is None:
        currency = WORDS[name]
        start = spot
    else:
        currency = ADJECTIVES.get((adjective[1].lower(), name[:4]))
        start = adjective.start()
    return None if currency is None else _Money(start, word.end(), currency, name)


def _number_behind(text: str, money: _Money) -> Numeral | None:
    led = LED.match(text, money.end)
    if led is None or _AFTER_A_FIGURE.match(text, led.end()):
        return None
    return figure(text, led.start("figure"), led.end())


def _number_before(text: str, money: _Money) -> Numeral | None:
    if not _may_end_a_number(text, money.start):
        return None
    number = number_before(text, money.start)
    return number if number is not None and _fits(text, money, number) else None


def _may_end_a_number(text: str, end: int) -> bool:
    """The cheap question before the dear one: most words that begin like a currency have no number before."""
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


def _fits(text: str, money: _Money, number: Numeral) -> bool:
    """Whether number and word make an amount: "two dollar bonds", "30 sums", "In 2024 tenge deposits" do not."""
    bare = number.scale == 1
    if number.spelled and _PART_OF.search(text, max(0, number.start - 14), number.start):
        return False
    if money.word in {"sum", "sums"} and ((bare and number.value < 100) or _NOT_A_SUM.match(text, money.end)):
        return False
    hyphen = text[number.end : number.end + 1] == "-"
    if money.word == "dollar" and bare and not hyphen and number.value != 1:
        return False
    if bare and number.value <= 20 and counts_things(text, money.end):
        return False
    return not is_date(text, number, money.end)


def _with_low(text: str, money: _Money, number: Numeral) -> tuple[Found, ...]:
    """The amount before its currency, with the low end of its range: "300 to 400 som"."""
    one = Found(number.start, money.end, number.value, number.scale, money.currency or "")
    join = _JOIN_BACK.search(text, max(0, number.start - 5), number.start)
    if join is None:
        return (one,)
    low = number_before(text, join.start())
    if low is not None and are_years(text, low, number, money.end):
        return ()
    if low is None or low.end != join.start() or is_date(text, low, money.end):
        return () if _IN_A_CHAIN.search(text, max(0, number.start - 2), number.start) else (one,)
    return _ranged(text, one, low, number, join)


def _ranged(text: str, one: Found, low: Numeral, number: Numeral, join: re.Match[str]) -> tuple[Found, ...]:
    """The amount `one`, whose `number` stands behind the number `low`: a range, a change, or another matter."""
    first = Found(low.start, low.end, low.value, low.scale, one.currency)
    lead = lead_before(text, low.start)
    attached = not (join["word"] or join[0][0] == " ")
    ends = both_ends(first, number, may_fall=lead == "between" or attached, dashed=join["word"] is None)
    both = None if ends is None else one._replace(start=low.start, value=ends[0], high=ends[1])
    if join["word"] is None:
        return _dashed(text, join[0], low, one, both)
    word, meant = join["word"].lower(), in_units_of(first, number)
    moves = lead == "from" and word == "to"
    if meant is not None and moves and (meant.value > one.value or changes(text, low.start)):
        return (meant, one)
    if both is None or lead == "by" or (word == "and" and lead != "between"):
        return (one,)
    return (both,)


def _dashed(text: str, join: str, low: Numeral, one: Found, both: Found | None) -> tuple[Found, ...]:
    """A range with a dash. A chain ("312-555-019 som") or a fall ("2024-25 som") is no amount at all."""
    chained = text[max(0, low.start - 1) : low.start] in {"-", "\u2013"}
    if both is not None and not chained:
        return (both,)
    return (one,) if join.startswith(" ") else ()


def _led(text: str, money: _Money, number: Numeral) -> tuple[Found, ...]:
    """The amount behind its sign or code, with the high end of its range: "$1.2-1.4 million"."""
    end = number.end
    if money.currency == "USD" and (repeated := _REPEATED.match(text, end)) is not None:
        end = repeated.end()
    if is_rate(text, end, money.start):
        return ()
    one = Found(money.start, end, number.value, number.scale, money.currency or "")
    if (listed := LIST_BEHIND.match(text, end)) is not None and _lacks_magnitude(text, one, listed.end()):
        return ()
    join = _JOIN.match(text, end)
    high = BARE.match(text, join.end()) if join is not None else None
    if join is None or high is None:
        return (one,)
    top = figure(text, high.start(), high.end())
    attached = join["word"] is None and not join[0].startswith(" ")
    if top is None or _AFTER_A_FIGURE.match(text, high.end()):
        return () if attached else (one,)
    if (
        attached
        and text[top.end : top.end + 1] in {"-", "\u2013"}
        and not text[top.end + 1 : top.end + 2].isalpha()
    ):
        return ()
    word = "" if attached else (join["word"] or "-").lower()
    return _with_high(text, money, one, top, word)


def _with_high(text: str, money: _Money, one: Found, high: Numeral, word: str) -> tuple[Found, ...]:
    """The amount `one` with the bare number behind it: a range, a change, or another matter.

    `word` is what joins them, nothing where it is a dash without blanks.
    """
    lead, first = lead_before(text, money.start), in_units_of(one, high)
    moves = word == "to" and lead == "from" and _is_money(text, high)
    if first is not None and moves and (first.value > high.value or changes(text, money.start)):
        return (first, Found(high.start, high.end, high.value, high.scale, one.currency))
    ends = both_ends(one, high, may_fall=lead == "between" or not word, dashed=word in {"", "-"})
    if ends is not None and _ends_here(text, word, one, high, money):
        return (one._replace(end=high.end, value=ends[0], scale=high.scale, high=ends[1]),)
    lost = (ends is None and not word) or (high.scale > 1 and _lacks_magnitude(text, one, high.end))
    return () if lost else (one,)


def _lacks_magnitude(text: str, one: Found, end: int) -> bool:
    """Whether the magnitude that ends at `end` may be that of `one` too: "$90 to 1 billion", "$3 and 5 million"."""
    bare = one.scale == 1 and one.value < 1000
    return bare and not counts_things(text, end) and not _has_currency(text, end)


def _is_money(text: str, high: Numeral) -> bool:
    """Whether the second figure of "rose from $2 to 3 billion" counts nothing else and has no currency of its own."""
    rest = text[high.end : high.end + 2].lstrip()
    counted = high.scale == 1 and rest[:1].isalpha() and unit_behind(text, high.end) is None
    return not counted and not _has_currency(text, high.end)


def _has_currency(text: str, end: int) -> bool:
    rest = text[end : end + 40].lstrip(" -\u00a0\u2007\u2009\u202f")
    return _WORD.match(rest) is not None or rest[:1] in SIGNS or _CODE.match(rest) is not None


def _ends_here(text: str, word: str, low: Found, high: Numeral, money: _Money) -> bool:
    """Whether the bare number behind "to", "and", "or" is money too: not in "$200 to 300 families"."""
    lead = lead_before(text, money.start)
    if (
        lead == "by"
        or (lead == "from" and changes(text, money.start))
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
    return unit_behind(text, high.end) is not None or (inherits and not counts_things(text, high.end))
