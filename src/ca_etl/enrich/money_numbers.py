"""Numerals of English news text: digits with separators, number words, magnitudes. All exact decimals."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from ca_etl.enrich.money_words import LETTERS, MAGNITUDES, SMALL_NUMBERS

BLANK: Final = "[ \u00a0\u2007\u2009\u202f]"
# A greater number is a run of digits, not an amount; with ten decimals a smaller one fits decimal(38, 10) exactly.
LIMIT: Final = Decimal(10**18)
DECIMALS: Final = 10

_SPACE_GROUPS: Final = "|".join(f"(?:{space}[0-9]{{3}}){{1,5}}" for space in " \u00a0\u2007\u2009\u202f")
_DIGITS: Final = (
    rf"(?:[0-9]{{1,3}}(?:(?:,[0-9]{{3}}){{1,5}}|{_SPACE_GROUPS})(?![0-9])|[0-9]{{1,15}}(?![0-9]))"
    rf"(?:(?<![0-9,][0-9]{{3}})(?:\.[0-9]{{3}}){{2,4}}(?![.,]?[0-9])|\.[0-9]{{1,{DECIMALS}}}(?![0-9])"
    rf"|(?<!,[0-9]{{3}}),[0-9]{{1,2}}(?![0-9])(?={BLANK}?-?(?:[mb](?:illion|l?n)|tr))|)"
)
LONG: Final = "|".join(sorted((word for word in MAGNITUDES if len(word) > 1), key=len, reverse=True))
_MAGNITUDE: Final = rf"(?:(?:{BLANK}|-)?(?:{LONG})(?![A-Za-z0-9])|[{LETTERS}](?![A-Za-z0-9]))"
# "5 mln. som"; after a sign the full stop may as well end the sentence.
_DOTTED: Final = rf"(?:{BLANK}?(?:mln|bln|trln|mn|bn|trn)\.(?={BLANK}|\Z)|{_MAGNITUDE})"
_WORD: Final = f"{'|'.join(SMALL_NUMBERS)}|hundred|thousand|million|billion|trillion|half|a"
_FRACTION: Final = (
    rf"(?:{BLANK}?[\u00bc\u00bd\u00be]|{BLANK}(?:[13]/4|1/2)(?=(?:{BLANK}|-)(?:{LONG})(?![A-Za-z0-9])))"
)
# What may part a number from its magnitude: "20-plus billion", "$5 (five) million".
_PARTED: Final = (
    rf"(?:-(?:plus|odd|some|something)|\+|{BLANK}\((?:{_WORD})(?:[ -](?:{_WORD})){{0,5}}\))"
    rf"(?=(?:{BLANK}|-)(?:{LONG})(?![A-Za-z0-9]))"
)
_FIGURE: Final = rf"{_DIGITS}(?:{_FRACTION})?(?:{_PARTED})?"
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
BARE: Final = re.compile(rf"{_FIGURE}(?:{_MAGNITUDE}){{0,2}}", re.IGNORECASE)
# The rest of "$100, 200 and 300 million".
LIST_AFTER: Final = re.compile(
    rf"(?:,{BLANK}{_DIGITS}){{1,5}},?{BLANK}(?:and|or){BLANK}{_DIGITS}{_MAGNITUDE}", re.IGNORECASE
)
_FIGURE_BEFORE: Final = re.compile(
    rf"{_BORDER}(?P<number>{_TERM}(?:{BLANK}{_TERM}){{0,2}})(?:{BLANK}|-|)\Z", re.IGNORECASE
)
_DIGITS_IN: Final = re.compile("[0-9]+")
# Short groups before the number: a telephone number, or more groups than an amount has.
_IN_A_CHAIN: Final = re.compile(rf"(?<![0-9])[0-9]{{1,3}}{BLANK}\Z")
_FIGURE_REACH: Final = 64
# "and" and the words, all from their last letter to their first.
_SPELLED_BACKWARDS: Final = re.compile(
    rf"(?:{BLANK}|-)?(?:{_WORD[::-1]})(?:(?: dna)?[ \u00a0-](?:{_WORD[::-1]})){{0,9}}", re.IGNORECASE
)
_AT_BORDER: Final = re.compile(_BORDER)
_SPELLED_REACH: Final = 90
_ONE_TERM: Final = re.compile(
    rf"(?P<digits>{_DIGITS})(?P<fraction>{_FRACTION})?(?:{_PARTED})?(?P<tail>(?:{_DOTTED}|{BLANK}[{LETTERS}]){{0,2}})",
    re.IGNORECASE,
)
# "000" is the end of a longer number.
_ODD_ZERO: Final = re.compile("0[0-9]")
_LETTERS_ALONE: Final = re.compile("[A-Za-z]+")
_COMMA_DECIMAL: Final = re.compile(",(?=[0-9]{1,2}(?![0-9]))")
_SEPARATORS: Final = str.maketrans("", "", ", \u00a0\u2007\u2009\u202f")
_FRACTIONS: Final = {
    written: Decimal(quarters) / 4
    for quarters, written in enumerate(("", "\u00bc|1/4", "\u00bd|1/2", "\u00be|3/4"))
    for written in written.split("|")
}
_NOTHING: Final = Decimal(0)
_ONE: Final = Decimal(1)
_HALF: Final = Decimal("0.5")
_AND_A_HALF: Final = "and a half"
_SMALL: Final = [*SMALL_NUMBERS.items()]
_BELOW_HUNDRED: Final = {word: Decimal(number) for word, number in _SMALL} | {
    f"{ten} {one}": Decimal(tens + ones) for ten, tens in _SMALL[19:] for one, ones in _SMALL[:9]
}
_COUNTS: Final = {**_BELOW_HUNDRED, "a": _ONE, "half": _HALF, "half a": _HALF}


class Numeral(NamedTuple):
    """A number of the text, and its currency once that is known.

    `scale` is the magnitude that it has itself, 1 without one; `high` is the upper end of a range.
    """

    start: int
    end: int
    value: Decimal
    scale: Decimal
    spelled: bool = False
    currency: str = ""
    high: Decimal | None = None


def backwards(text: str, end: int, reach: int) -> str:
    """The text before `end`, from its last character to its first: a match is faster than a search up to `end`."""
    return text[max(0, end - reach) : end][::-1]


def number_before(text: str, end: int) -> Numeral | None:
    """The number directly before `end`, a space or hyphen between them or not; the longest one."""
    for digits in _DIGITS_IN.finditer(text, max(0, end - _FIGURE_REACH), end):
        match = _FIGURE_BEFORE.match(text, digits.start(), end)
        number = None if match is None else number_in(text, digits.start(), match.end("number"))
        if number is not None:
            return None if _IN_A_CHAIN.search(text, max(0, number.start - 5), number.start) else number
    words = _SPELLED_BACKWARDS.match(backwards(text, end, _SPELLED_REACH))
    if words is None or _AT_BORDER.match(text, end - words.end()) is None:
        return None
    return spelled(text, end - words.end(), end)


def number_in(text: str, start: int, end: int) -> Numeral | None:
    """The number that `text[start:end]` writes in digits, with compounds such as "1 million 200 thousand"."""
    value = _value_of(text[start:end])
    return None if value is None else Numeral(start, end, *value)


@lru_cache(maxsize=1024)
def _value_of(written: str) -> tuple[Decimal, Decimal] | None:
    """The value of a number in digits and the magnitude that it ends in."""
    total, below, scale, at = _NOTHING, LIMIT, _ONE, 0
    while at < len(written):
        term = _ONE_TERM.match(written, at)
        if term is None or (total and below == 1) or _ODD_ZERO.match(term["digits"]):
            return None
        digits = _COMMA_DECIMAL.sub(".", term["digits"]).translate(_SEPARATORS)
        number = Decimal(digits.replace(".", "") if digits.count(".") > 1 else digits)
        number += _FRACTIONS[(term["fraction"] or "").strip()]
        magnitudes = (MAGNITUDES[word.lower()] for word in _LETTERS_ALONE.findall(term["tail"]))
        scale = math.prod(magnitudes, start=_ONE)
        if number * scale >= below:
            return None
        total, below, at = total + number * scale, scale, term.end()
        if written[at : at + 1].isspace():
            at += 1
    return (total, scale) if total < LIMIT else None


def spelled(text: str, start: int, end: int) -> Numeral | None:
    """The number in words at the end of `text[start:end]`, as long as it can be; None when there is none."""
    matches = list(_LETTERS_ALONE.finditer(text, start, end))
    words = [word[0].lower() for word in matches]
    for first, word in enumerate(matches):
        value = _of_words(" ".join(words[first:]))
        if value is not None:
            last = MAGNITUDES.get(words[-1], _ONE)
            return Numeral(word.start(), matches[-1].end(), value, last if last > 100 else _ONE, spelled=True)
    return None


def _of_words(words: str) -> Decimal | None:
    """The value of "two hundred and fifty", "half a million", "two and a half billion", "a million and a half".

    The half after a magnitude is half of that magnitude.
    """
    scale, word = max((MAGNITUDES.get(word, _ONE), word) for word in words.split() or [""])
    if scale == 1:
        return _BELOW_HUNDRED.get(words)
    count, _, rest = (part.strip() for part in words.partition(word))
    whole = _COUNTS.get(count) or _of_words(count.removesuffix(_AND_A_HALF).rstrip())
    more: Decimal | None = _NOTHING
    if rest == _AND_A_HALF:
        more = _HALF * scale
    elif rest:
        more = _of_words(rest.removeprefix("and "))
    if whole is None or more is None or more >= scale or rest.startswith("half"):
        return None
    whole += _HALF if count.endswith(_AND_A_HALF) else _NOTHING
    is_number = whole < (100 if scale == 100 else 10_000) and not (whole % 1 and more)
    return whole * scale + more if is_number else None
