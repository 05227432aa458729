"""Numerals of English news text: digits with separators, number words, magnitudes. All exact decimals."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from ca_etl.enrich.money_words import LETTERS, MAGNITUDES, SMALL_NUMBERS

BLANK: Final = "[ \u00a0\u2007\u2009\u202f]"
# More is no sum of money but a run of digits; with ten decimals it fits decimal(38, 10) without loss.
LIMIT: Final = Decimal(10**18)
DECIMALS: Final = 10

_SPACE_GROUPS: Final = "|".join(f"(?:{space}[0-9]{{3}}){{1,5}}" for space in " \u00a0\u2007\u2009\u202f")
_DIGITS: Final = (
    rf"(?:[0-9]{{1,3}}(?:(?:,[0-9]{{3}}){{1,5}}|{_SPACE_GROUPS})(?![0-9])|[0-9]{{1,15}}(?![0-9]))"
    rf"(?:(?<![0-9,][0-9]{{3}})(?:\.[0-9]{{3}}){{2,4}}(?![.,]?[0-9])|\.[0-9]{{1,{DECIMALS}}}(?![0-9])"
    rf"|,[0-9]{{1,2}}(?![0-9])(?={BLANK}?-?(?:[mb](?:illion|l?n)|tr))|)"
)
LONG: Final = "|".join(sorted((word for word in MAGNITUDES if len(word) > 1), key=len, reverse=True))
_MAGNITUDE: Final = rf"(?:(?:{BLANK}|-)?(?:{LONG})(?![A-Za-z0-9])|[{LETTERS}](?![A-Za-z0-9]))"
# "5 mln. som"; after a sign the full stop may as well end the sentence.
_DOTTED: Final = rf"(?:{BLANK}?(?:mln|bln|trln|mn|bn|trn)\.(?={BLANK}|\Z)|{_MAGNITUDE})"
_WORD: Final = "|".join(
    (*SMALL_NUMBERS, "hundred", "thousand", "million", "billion", "trillion", "half", "a")
)
_FRACTION: Final = (
    rf"(?:{BLANK}?[\u00bc\u00bd\u00be]|{BLANK}(?:[13]/4|1/2)(?=(?:{BLANK}|-)(?:{LONG})(?![A-Za-z0-9])))"
)
# What may part a number from its magnitude: "20-plus billion", "$5 (five) million".
_PARTED: Final = (
    rf"(?:-(?:plus|odd|some|something)|\+|{BLANK}\((?:{_WORD})(?:[ -](?:{_WORD})){{0,5}}\))"
    rf"(?=(?:{BLANK}|-)(?:{LONG})(?![A-Za-z0-9]))"
)
_FIGURE: Final = rf"{_DIGITS}(?:{_FRACTION})?(?:{_PARTED})?"
_PLAIN_TERM: Final = rf"{_FIGURE}(?:{_MAGNITUDE}){{0,2}}"
_TERM: Final = rf"{_FIGURE}(?:{_DOTTED}){{0,2}}"
SPELLED: Final = rf"(?:{_WORD})(?:[ \u00a0-](?:(?:and )?(?:{_WORD}))){{0,9}}"

# Characters that are not seen (Unicode's Cf).
UNSEEN: Final = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
# A left border that no number has: in a word, a longer number ("1'500"), a path, a reference, an exponent, another
# currency's amount.
_BORDER: Final = rf"(?<![\w.,/#\N{{NUMERO SIGN}}+$€£¥=:^])(?<![=] )(?<![0-9]['\u2019{UNSEEN}])"
# Bounded everywhere: each pattern can only look at some hundred characters, so that a line of a million digits
# costs what a million letters cost.
LED: Final = re.compile(
    rf"{BLANK}?(?P<number>{_FIGURE}(?:{_MAGNITUDE}|{BLANK}[{LETTERS}](?![A-Za-z0-9-])){{0,2}})", re.IGNORECASE
)
BARE: Final = re.compile(_PLAIN_TERM, re.IGNORECASE)
# The rest of "$100, 200 and 300 million".
LIST_AFTER: Final = re.compile(
    rf"(?:,{BLANK}{_DIGITS}){{1,5}},?{BLANK}(?:and|or){BLANK}{_DIGITS}{_MAGNITUDE}", re.IGNORECASE
)
_FIGURE_BEFORE: Final = re.compile(
    rf"{_BORDER}(?P<number>{_TERM}(?:{BLANK}{_TERM}){{0,2}})(?:{BLANK}|-|)\Z", re.IGNORECASE
)
_DIGIT: Final = re.compile("[0-9]")
# Short groups before the number: a telephone number, or more groups than a sum of money has.
_IN_A_CHAIN: Final = re.compile(rf"(?<![0-9])[0-9]{{1,3}}{BLANK}\Z")
_FIGURE_REACH: Final = 64
# What a number in digits is made of, read from its end: no number begins further on the left.
_PARTS: Final = sorted(
    {*MAGNITUDES, *SMALL_NUMBERS, *["a", "half", "plus", "odd", "some", "something"]}, key=len, reverse=True
)
_REVERSED: Final = re.compile(
    rf"(?:[0-9.,+()/\u00bc-\u00be \u00a0\u2007\u2009\u202f-]|{'|'.join(part[::-1] for part in _PARTS)}){{0,64}}",
    re.IGNORECASE,
)
_SPELLED_BEFORE: Final = re.compile(rf"{_BORDER}(?P<spelled>{SPELLED})(?:{BLANK}|-|)\Z", re.IGNORECASE)
_SPELLED_REACH: Final = 90
_ONE_TERM: Final = re.compile(
    rf"(?P<digits>{_DIGITS})(?P<fraction>{_FRACTION})?(?:{_PARTED})?(?P<tail>(?:{_DOTTED}|{BLANK}[{LETTERS}]){{0,2}})",
    re.IGNORECASE,
)
# "000" is the end of a longer number.
_ODD_ZERO: Final = re.compile("0[0-9]")
_LETTERS_ALONE: Final = re.compile("[A-Za-z]+")
_COMMA_DECIMAL: Final = re.compile(",[0-9]{1,2}(?![0-9])")
_SEPARATORS: Final = str.maketrans("", "", ", \u00a0\u2007\u2009\u202f")
_FRACTIONS: Final = {
    **dict.fromkeys(("\u00bc", "1/4"), Decimal("0.25")),
    **dict.fromkeys(("\u00bd", "1/2"), Decimal("0.5")),
    **dict.fromkeys(("\u00be", "3/4"), Decimal("0.75")),
}
_NOTHING: Final = Decimal(0)
_ONE: Final = Decimal(1)
_HALF: Final = Decimal("0.5")


class Numeral(NamedTuple):
    """A number in the text. `scale` is the magnitude that it carries itself, 1 without one."""

    start: int
    end: int
    value: Decimal
    scale: Decimal
    spelled: bool = False


def number_before(text: str, end: int) -> Numeral | None:
    """The number directly before `end`, a space or hyphen between them or not; the longest one."""
    extent = _REVERSED.match(text[max(0, end - _FIGURE_REACH) : end][::-1])
    at = end if extent is None else end - extent.end()
    # A search for the digit alone and a match there take a third of the time of a search for the whole.
    while (digit := _DIGIT.search(text, at, end)) is not None:
        at = digit.start() + 1
        match = _FIGURE_BEFORE.match(text, digit.start(), end)
        number = None if match is None else number_in(text, digit.start(), match.end("number"))
        if number is not None:
            return None if _IN_A_CHAIN.search(text, max(0, number.start - 5), number.start) else number
    match = _SPELLED_BEFORE.search(text, max(0, end - _SPELLED_REACH), end)
    return None if match is None else spelled(text, match.start("spelled"), match.end("spelled"))


def number_in(text: str, start: int, end: int) -> Numeral | None:
    """The number that `text[start:end]` writes in digits, with compounds such as "1 million 200 thousand"."""
    written = text[start:end]
    if written.isdigit() and written[0] != "0":
        return Numeral(start, end, Decimal(written), _ONE)
    value = _value_of(written)
    return None if value is None else Numeral(start, end, *value)


@lru_cache(maxsize=1024)
def _value_of(written: str) -> tuple[Decimal, Decimal] | None:
    """The value of a number in digits and the magnitude that it ends in."""
    total, below, scale, at = _NOTHING, LIMIT, _ONE, 0
    while at < len(written):
        term = _ONE_TERM.match(written, at)
        if term is None or (total and below == 1) or _ODD_ZERO.match(term["digits"]):
            return None
        number, scale = _term(term["digits"], term["fraction"], term["tail"])
        if number >= below:
            return None
        total, below, at = total + number, scale, term.end()
        if written[at : at + 1].isspace():
            at += 1
    return (total, scale) if total < LIMIT else None


def _term(digits: str, fraction: str | None, tail: str) -> tuple[Decimal, Decimal]:
    """The value of one term and its magnitude."""
    if not digits.isdigit():
        if digits.count(".") > 1:
            digits = digits.replace(".", "")
        if _COMMA_DECIMAL.search(digits):
            digits = digits.replace(",", ".")
        digits = digits.translate(_SEPARATORS)
    value = Decimal(digits)
    if fraction:
        value += _FRACTIONS[fraction.strip()]
    scale = _ONE
    for word in _LETTERS_ALONE.findall(tail):
        scale *= MAGNITUDES[word.lower()]
    return value * scale if tail else value, scale


def spelled(text: str, start: int, end: int) -> Numeral | None:
    """The number in words at the end of `text[start:end]`, as long as it can be; None when there is none."""
    words = [(word.start(), word[0].lower()) for word in _LETTERS_ALONE.finditer(text, start, end)]
    for first, (at, _) in enumerate(words):
        value = _of_words([word for _, word in words[first:]])
        if value is not None:
            last = MAGNITUDES.get(words[-1][1], _ONE)
            return Numeral(at, end, value, last if last > 100 else _ONE, spelled=True)
    return None


def _of_words(words: list[str]) -> Decimal | None:
    """The value of "two hundred and fifty", "half a million", "two and a half billion", "a million and a half".

    The half after a magnitude is half of that magnitude.
    """
    if len(words) == 1 and words[0] not in SMALL_NUMBERS:
        return None
    if words[0] == "half":
        before, after = [], words[2:] if words[1] == "a" else words[1:]
    else:
        at = next((at for at in range(1, len(words) - 2) if words[at : at + 3] == ["and", "a", "half"]), None)
        if at is None:
            return _sum_of(words)
        before, after = words[:at], words[at + 3 :]
    whole = _sum_of(before)
    unit = MAGNITUDES.get(after[0] if len(after) == 1 else "") if after else MAGNITUDES.get(before[-1])
    if whole is None or unit is None:
        return None
    return (whole + _HALF) * unit if after else whole + _HALF * unit


def _sum_of(words: list[str]) -> Decimal | None:
    """Number words in falling order of size; None for any other row of words."""
    total, below, group = _NOTHING, LIMIT, [*words]
    while group:
        at = next((at for at, word in enumerate(group) if word in MAGNITUDES and word != "hundred"), None)
        value = _below_thousand(group if at is None else group[:at])
        unit = _ONE if at is None else MAGNITUDES[group[at]]
        if value is None or value * unit >= below:
            return None
        total, below = total + value * unit, unit
        group = [] if at is None else group[at + 1 :]
        if group[:1] == ["and"]:
            group = group[1:] or ["and"]
    return total


def _below_thousand(words: list[str]) -> Decimal | None:
    """The value of "seven", "thirty five", "a", "two hundred and fifty"; None for anything else, such as "two and"."""
    if "hundred" in words:
        at = words.index("hundred")
        count, rest = _below_thousand(words[:at]), words[at + 1 :]
        more = _below_thousand(rest[1:] if rest[:1] == ["and"] else rest) if rest else _NOTHING
        if count is None or more is None or "a" in rest or count >= 100:
            return None
        return count * 100 + more
    numbers = [1 if word == "a" else SMALL_NUMBERS.get(word, 0) for word in words]
    if len(numbers) == 2 and numbers[0] >= 20 and 0 < numbers[1] < 10 and "a" not in words:
        return Decimal(sum(numbers))
    return Decimal(numbers[0]) if len(numbers) == 1 and numbers[0] else None
