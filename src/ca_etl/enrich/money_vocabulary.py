"""Vocabulary of the money grammar: currencies and their spellings, numerals, magnitudes, units, hedges.

Words with another meaning in plain English, or that several states share, are left out on purpose: "pound" without
"British" (a weight), "rupee", "rial" and "franc" without their country, "won", and cents or tyiyn that follow no
amount. A currency whose adjective is not listed ("Transnistrian rubles") is not read. All values are exact decimals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

# "¥" alone is a yen: Chinese amounts come as "yuan", "RMB" or "CNY" in the English press of the region.
SIGNS: Final[Mapping[str, str]] = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₽": "RUB", "₸": "KZT", "₼": "AZN", "₺": "TRY",
    "₾": "GEL", "₹": "INR", "₴": "UAH",
}  # fmt: skip
# Letters before "$"; any other letters there make it an unknown currency.
DOLLAR_PREFIXES: Final[Mapping[str, str]] = {
    "": "USD", "US": "USD", "U": "USD", "U.S.": "USD", "USD": "USD", "A": "AUD", "AU": "AUD", "C": "CAD",
    "CA": "CAD", "HK": "HKD", "NZ": "NZD", "S": "SGD",
}  # fmt: skip
# A currency, its names, and the adjectives that may precede them ("_" is a space). Alone, a name means the currency of
# its first row; after an adjective of another row it is refused.
_CURRENCIES: Final = (
    ("USD", "dollar", "us u.s. american"), ("CAD", "dollar", "canadian"), ("AUD", "dollar", "australian"),
    ("NZD", "dollar", "new_zealand"), ("HKD", "dollar", "hong_kong"), ("SGD", "dollar", "singapore"),
    ("EUR", "euro", ""), ("RUB", "ruble rouble", "russian"), ("BYN", "ruble rouble", "belarusian"),
    ("CNY", "yuan renminbi", "chinese"), ("KZT", "tenge", "kazakh kazakhstani"), ("TJS", "somoni", "tajik tajikistani"),
    ("KGS", "som", "kyrgyz kyrgyzstani"),
    ("UZS", "sum soum som so'm so`m so\u2018m so\u2019m so\u02bbm so\u02bcm", "uzbek uzbekistani"),
    ("TMT", "manat", "turkmen turkmenistani"), ("AZN", "manat", "azerbaijani azerbaijan azeri"),
    ("GEL", "lari", "georgian"), ("TRY", "lira", "turkish"), ("JPY", "yen", "japanese"), ("AFN", "afghani", ""),
    ("UAH", "hryvnia", "ukrainian"), ("AMD", "dram", "armenian"), ("MNT", "tugrik", "mongolian"),
    ("GBP", "pound", "british"), ("INR", "rupee", "indian"), ("PKR", "rupee", "pakistani"),
    ("IRR", "rial", "iranian"), ("CHF", "franc", "swiss"), ("KRW", "", ""), ("AED", "", ""),
)  # fmt: skip
_NOT_ALONE: Final = frozenset(("pound", "rupee", "rial", "franc"))
# Name to currency; an empty one where an adjective has to decide.
WORDS: Final[Mapping[str, str]] = {
    name + plural: "" if name in _NOT_ALONE else currency
    for currency, names, _ in reversed(_CURRENCIES)
    for name in names.split()
    for plural in ("", "s")
}
# Adjective and name in the singular to currency.
ADJECTIVES: Final[Mapping[tuple[str, str], str]] = {
    (adjective.replace("_", " "), name): currency
    for currency, names, adjectives in _CURRENCIES
    for adjective in adjectives.split()
    for name in names.split()
}
CODES: Final[Mapping[str, str]] = {**{currency: currency for currency, *_ in _CURRENCIES}, "RMB": "CNY"}

# The currency words to search for: plurals and longer words ("somoni") begin with a shorter one.
STEMS: Final = tuple(
    word for word in WORDS if not any(word != other and word.startswith(other) for other in WORDS)
)

MAGNITUDES: Final[Mapping[str, Decimal]] = {
    word: Decimal(10**power)
    for power, words in (
        (2, "hundred"), (3, "thousand thousands k"), (5, "lakh lakhs"), (6, "million millions mln mn mm m"),
        (7, "crore crores"), (9, "billion billions bln bn b"), (12, "trillion trillions trln trn tln tn"),
    )
    for word in words.split()
}  # fmt: skip
# One letter is a magnitude directly at the digits ("$5m", "5k tenge"), or a space after them
# in an amount led by a sign or code ("$5 m"). "t" is not one: "$285t" would be tons for one and trillions for another.
LETTERS: Final = "kKmMbB"
_SMALL_UNITS: Final = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
"""
SMALL_NUMBERS: Final[Mapping[str, int]] = dict(
    zip(_SMALL_UNITS.split(), (*range(1, 21), *range(30, 100, 10)), strict=True)
)
# Bounds count as approximate too: the number is not the amount that was paid.
HEDGES: Final = (
    "about", "around", "approximately", "approx.", "approx", "roughly", "nearly", "almost", "some", "over",
    "more than", "less than", "fewer than", "at least", "at most", "up to", "as much as", "as many as",
    "as little as", "close to", "under", "below", "above", "exceeding", "upwards of", "in excess of",
    "an estimated", "estimated at", "circa", "ca.", "~", "≈",
)  # fmt: skip

# Hundredth parts, by the currencies that have them; one without a currency is always refused. The spellings of
# tyiyn are those of the Kyrgyz, Kazakh and Uzbek one. "tenge" is one only after manats.
SUBUNITS: Final[Mapping[str, frozenset[str]]] = {
    word + plural: frozenset(currencies.split())
    for words, currencies in (
        ("tyiyn tyyn tyin tiyin tiyn tiin", "KGS KZT UZS"), ("tenge tenne teňňe", "TMT"), ("diram", "TJS"),
        ("qapik qepik qəpik gapik gepik", "AZN"), ("cent eurocent ¢", "USD EUR CAD AUD NZD HKD SGD"),
        ("kopeck kopek copeck kopeyka kopeika kopiyka kopiika", "RUB BYN UAH"), ("pence penny", "GBP"),
        ("fen", "CNY"), ("paisa paise", "INR PKR"), ("kurus kuruş", "TRY"), ("tetri", "GEL"), ("luma", "AMD"),
        ("rappen centime", "CHF"), ("fil", "AED"), ("jiao dirham", ""),
    )
    for word in words.split()
    for plural in ("", "s")
}  # fmt: skip

# What may follow "a", "an", "each" or "every" as a unit of price. After "per" and "/" any word may.
UNITS: Final = """
    second minute hour day night week month quarter season semester year ton tonne kilogram kilo kg gram ounce liter
    litre gallon barrel bushel sack bag bottle box piece unit hectare acre kilometer kilometre meter metre mile head
    person student child family household seat ticket ride trip visit room kilowatt-hour kwh dollar euro share animal
    sheep cow shift
"""
ADVERBS: Final[Mapping[str, str]] = {
    "daily": "day", "weekly": "week", "monthly": "month", "annually": "year", "yearly": "year",
}  # fmt: skip


SPACE: Final = "[ \u00a0\u2007\u2009\u202f]"
# A greater number is a run of digits, not an amount; with ten decimals a smaller one fits decimal(38, 10) exactly.
LIMIT: Final = Decimal(10**18)
DECIMALS: Final = 10

_SPACE_GROUPS: Final = "|".join(f"(?:{space}[0-9]{{3}}){{1,5}}" for space in " \u00a0\u2007\u2009\u202f")
_DIGITS: Final = (
    rf"(?:[0-9]{{1,3}}(?:(?:,[0-9]{{3}}){{1,5}}|{_SPACE_GROUPS})(?![0-9])|[0-9]{{1,15}}(?![0-9]))"
    rf"(?:(?<![0-9,][0-9]{{3}})(?:\.[0-9]{{3}}){{2,4}}(?![.,]?[0-9])|\.[0-9]{{1,{DECIMALS}}}(?![0-9])"
    rf"|(?<!,[0-9]{{3}}),[0-9]{{1,2}}(?![0-9])(?={SPACE}?-?(?:[mb](?:illion|l?n)|tr))|)"
)
LONG: Final = "|".join(sorted((word for word in MAGNITUDES if len(word) > 1), key=len, reverse=True))
_MAGNITUDE: Final = rf"(?:(?:{SPACE}|-)?(?:{LONG})(?![A-Za-z0-9])|[{LETTERS}](?![A-Za-z0-9]))"
# "5 mln. som"; after a sign the full stop may as well end the sentence.
_DOTTED: Final = rf"(?:{SPACE}?(?:mln|bln|trln|mn|bn|trn)\.(?={SPACE}|\Z)|{_MAGNITUDE})"
_WORD: Final = f"{'|'.join(SMALL_NUMBERS)}|hundred|thousand|million|billion|trillion|half|a"
_FRACTION: Final = (
    rf"(?:{SPACE}?[\u00bc\u00bd\u00be]|{SPACE}(?:[13]/4|1/2)(?=(?:{SPACE}|-)(?:{LONG})(?![A-Za-z0-9])))"
)
# What may separate a number from its magnitude: "20-plus billion", "$5 (five) million".
_SEPARATED: Final = (
    rf"(?:-(?:plus|odd|some|something)|\+|{SPACE}\((?:{_WORD})(?:[ -](?:{_WORD})){{0,5}}\))"
    rf"(?=(?:{SPACE}|-)(?:{LONG})(?![A-Za-z0-9]))"
)
_FIGURE: Final = rf"{_DIGITS}(?:{_FRACTION})?(?:{_SEPARATED})?"
_TERM: Final = rf"{_FIGURE}(?:{_DOTTED}){{0,2}}"
SPELLED: Final = rf"(?:{_WORD})(?:[ \u00a0-](?:(?:and )?(?:{_WORD}))){{0,9}}"
# Invisible characters (Unicode's Cf).
INVISIBLE: Final = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
# A left border that no number has: in a word, a longer number ("1'500"), a path, a reference, an exponent, another
# currency's amount.
_BORDER: Final = rf"(?<![\w.,/#\N{{NUMERO SIGN}}+$€£¥=:^])(?<![=] )(?<![0-9]['\u2019{INVISIBLE}])"
# Bounded everywhere: each pattern reads at most some hundred characters, so that a line of a million digits
# costs what a million letters cost.
LED: Final = re.compile(
    rf"{SPACE}?(?P<number>{_FIGURE}(?:{_MAGNITUDE}|{SPACE}[{LETTERS}](?![A-Za-z0-9-])){{0,2}})", re.IGNORECASE
)
BARE: Final = re.compile(rf"{_FIGURE}(?:{_MAGNITUDE}){{0,2}}", re.IGNORECASE)
# The rest of "$100, 200 and 300 million".
LIST_AFTER: Final = re.compile(
    rf"(?:,{SPACE}{_DIGITS}){{1,5}},?{SPACE}(?:and|or){SPACE}{_DIGITS}{_MAGNITUDE}", re.IGNORECASE
)
_FIGURE_BEFORE: Final = re.compile(
    rf"{_BORDER}(?P<number>{_TERM}(?:{SPACE}{_TERM}){{0,2}})(?:{SPACE}|-|)\Z", re.IGNORECASE
)
_DIGITS_IN: Final = re.compile("[0-9]+")
# Short groups before the number: a telephone number, or more groups than an amount has.
_IN_A_CHAIN: Final = re.compile(rf"(?<![0-9])[0-9]{{1,3}}{SPACE}\Z")
_FIGURE_REACH: Final = 64
# "and" and the words, all from their last letter to their first.
_SPELLED_BACKWARDS: Final = re.compile(
    rf"(?:{SPACE}|-)?(?:{_WORD[::-1]})(?:(?: dna)?[ \u00a0-](?:{_WORD[::-1]})){{0,9}}", re.IGNORECASE
)
_AT_BORDER: Final = re.compile(_BORDER)
_SPELLED_REACH: Final = 90
_ONE_TERM: Final = re.compile(
    rf"(?P<digits>{_DIGITS})(?P<fraction>{_FRACTION})?(?:{_SEPARATED})?(?P<tail>(?:{_DOTTED}|{SPACE}[{LETTERS}]){{0,2}})",
    re.IGNORECASE,
)
# "000" is the end of a longer number.
_LEADING_ZERO: Final = re.compile("0[0-9]")
_LETTERS_ALONE: Final = re.compile("[A-Za-z]+")
_COMMA_DECIMAL: Final = re.compile(",(?=[0-9]{1,2}(?![0-9]))")
_SEPARATORS: Final = str.maketrans("", "", ", \u00a0\u2007\u2009\u202f")
_FRACTIONS: Final = {
    written: Decimal(quarters) / 4
    for quarters, written in enumerate(("", "\u00bc|1/4", "\u00bd|1/2", "\u00be|3/4"))
    for written in written.split("|")
}
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_HALF: Final = Decimal("0.5")
_AND_A_HALF: Final = "and a half"
_SMALL: Final = [*SMALL_NUMBERS.items()]
_BELOW_HUNDRED: Final = {word: Decimal(number) for word, number in _SMALL} | {
    f"{ten} {one}": Decimal(tens + ones) for ten, tens in _SMALL[19:] for one, ones in _SMALL[:9]
}
_COUNTS: Final = {**_BELOW_HUNDRED, "a": _ONE, "half": _HALF, "half a": _HALF}


class Numeral(NamedTuple):
    """A number at `text[start:end]` as an exact decimal, with its currency (ISO 4217, empty where it is unknown).

    `scale` is the magnitude written with it ("million" is 1000000), 1 without one. `high` is the upper end of a range,
    None for a single number. `spelled` is True for a number in words.
    """

    start: int
    end: int
    value: Decimal
    scale: Decimal
    spelled: bool = False
    currency: str = ""
    high: Decimal | None = None


def backwards(text: str, end: int, reach: int) -> str:
    """The last `reach` characters of `text` before `end`, in reverse order.

    A pattern is matched faster in them than searched for in all text before `end`.
    """
    return text[max(0, end - reach) : end][::-1]


def number_before(text: str, end: int) -> Numeral | None:
    """The longest number, in digits or words, that ends at `end` or at a space or hyphen before; None without one."""
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
    """Parse `text[start:end]` as a number in digits, such as "1 million 200 thousand"; None for other text."""
    value = _value_of(text[start:end])
    return None if value is None else Numeral(start, end, *value)


@lru_cache(maxsize=1024)
def _value_of(written: str) -> tuple[Decimal, Decimal] | None:
    """The value of a number in digits, and the magnitude that it ends in (1 without one); None for no number."""
    total, below, scale, at = _ZERO, LIMIT, _ONE, 0
    while at < len(written):
        term = _ONE_TERM.match(written, at)
        if term is None or (total and below == 1) or _LEADING_ZERO.match(term["digits"]):
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
    """The longest number in words ("half a million") that `text[start:end]` ends in; None without a number."""
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
    more: Decimal | None = _ZERO
    if rest == _AND_A_HALF:
        more = _HALF * scale
    elif rest:
        more = _of_words(rest.removeprefix("and "))
    if whole is None or more is None or more >= scale or rest.startswith("half"):
        return None
    whole += _HALF if count.endswith(_AND_A_HALF) else _ZERO
    is_number = whole < (100 if scale == 100 else 10_000) and not (whole % 1 and more)
    return whole * scale + more if is_number else None
