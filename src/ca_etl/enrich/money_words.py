"""The vocabulary of the money grammar: currencies and their spellings, magnitudes, number words, units, hedges.

What is left out is left out on purpose, because plain English uses it for something else or several states
share it: "pound" without "British" (a weight), "rupee", "rial" and "franc" without their country, "won", and
cents or tyiyn that follow no amount. A currency whose adjective is not listed ("Transnistrian rubles") is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

# "¥" alone is a yen: Chinese amounts come as "yuan", "RMB" or "CNY" in the English press of the region.
SIGNS: Final[Mapping[str, str]] = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₽": "RUB", "₸": "KZT", "₼": "AZN", "₺": "TRY",
    "₾": "GEL", "₹": "INR", "₴": "UAH",
}  # fmt: skip
# Letters before "$"; any other letters there make it a currency that we do not know.
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
# in an amount led by a sign or code ("$5 m"). "t" is none: "$285t" would be tons for one and trillions for another.
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
