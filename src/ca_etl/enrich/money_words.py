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
    "": "USD", "US": "USD", "U": "USD", "USD": "USD", "A": "AUD", "AU": "AUD", "C": "CAD", "CA": "CAD",
    "HK": "HKD", "NZ": "NZD", "S": "SGD",
}  # fmt: skip
CODES: Final[Mapping[str, str]] = {
    code: "CNY" if code == "RMB" else code
    for code in (
        "USD", "EUR", "RUB", "CNY", "KGS", "KZT", "TJS", "UZS", "TMT", "GBP", "JPY", "INR", "TRY", "GEL", "RMB",
        "AZN", "AFN", "PKR", "BYN", "UAH", "AMD", "MNT", "IRR", "CHF", "CAD", "AUD", "HKD", "KRW", "AED",
    )
}  # fmt: skip

# Spelling to currency. None: only with an adjective of ADJECTIVES.
WORDS: Final[Mapping[str, str | None]] = {
    **dict.fromkeys(("dollar", "dollars"), "USD"),
    **dict.fromkeys(("euro", "euros"), "EUR"),
    **dict.fromkeys(("ruble", "rubles", "rouble", "roubles"), "RUB"),
    **dict.fromkeys(("yuan", "yuans", "renminbi"), "CNY"),
    **dict.fromkeys(("tenge", "tenges"), "KZT"),
    **dict.fromkeys(("som", "soms"), "KGS"),
    **dict.fromkeys(("sum", "sums", "soum", "soums"), "UZS"),
    **{f"so{mark}m{plural}": "UZS" for plural in ("", "s") for mark in "'`\u2018\u2019\u02bb\u02bc"},
    **dict.fromkeys(("somoni", "somonis"), "TJS"),
    **dict.fromkeys(("manat", "manats"), "TMT"),
    **dict.fromkeys(("lari", "laris"), "GEL"),
    **dict.fromkeys(("lira", "liras"), "TRY"),
    "yen": "JPY",
    **dict.fromkeys(("afghani", "afghanis"), "AFN"),
    **dict.fromkeys(("hryvnia", "hryvnias"), "UAH"),
    **dict.fromkeys(("dram", "drams"), "AMD"),
    **dict.fromkeys(("tugrik", "tugriks"), "MNT"),
    **dict.fromkeys(("pound", "pounds", "rupee", "rupees", "rial", "rials", "franc", "francs"), None),
}
# People are Afghanis with a capital letter, money is not.
LOWER_CASE_ONLY: Final = frozenset({"afghani", "afghanis"})

# The first letters of the currency words, for finding the places worth a look; the plural and the longer
# words ("somoni") are found through the shorter ones.
STEMS: Final = tuple(
    word for word in WORDS if not any(word != other and word.startswith(other) for other in WORDS)
)

# (adjective, first four letters of the word) to currency; an adjective that fits no row forbids the amount.
ADJECTIVES: Final[Mapping[tuple[str, str], str]] = {
    (who, word): currency
    for adjectives, words, currency in (
        ("us|u.s.|american", "doll", "USD"), ("canadian", "doll", "CAD"), ("australian", "doll", "AUD"),
        ("new zealand", "doll", "NZD"), ("hong kong", "doll", "HKD"), ("singapore", "doll", "SGD"),
        ("british", "poun", "GBP"), ("swiss", "fran", "CHF"), ("indian", "rupe", "INR"),
        ("pakistani", "rupe", "PKR"), ("iranian", "rial", "IRR"), ("russian", "rubl|roub", "RUB"),
        ("belarusian", "rubl|roub", "BYN"), ("chinese", "yuan", "CNY"), ("turkish", "lira", "TRY"),
        ("georgian", "lari", "GEL"), ("japanese", "yen", "JPY"), ("armenian", "dram", "AMD"),
        ("mongolian", "tugr", "MNT"), ("ukrainian", "hryv", "UAH"), ("kyrgyz|kyrgyzstani", "som|soms", "KGS"),
        ("kazakh|kazakhstani", "teng", "KZT"), ("tajik|tajikistani", "somo", "TJS"),
        ("uzbek|uzbekistani", "som|soms|sum|sums|soum|so'm|so`m|so\u2018m|so\u2019m|so\u02bbm|so\u02bcm", "UZS"),
        ("azerbaijani|azerbaijan|azeri", "mana", "AZN"), ("turkmen|turkmenistani", "mana", "TMT"),
    )
    for who in adjectives.split("|")
    for word in words.split("|")
}  # fmt: skip

MAGNITUDES: Final[Mapping[str, Decimal]] = {
    "hundred": Decimal(100),
    **dict.fromkeys(("thousand", "thousands", "k"), Decimal(10**3)),
    **dict.fromkeys(("lakh", "lakhs"), Decimal(10**5)),
    **dict.fromkeys(("million", "millions", "mln", "mn", "mm", "m"), Decimal(10**6)),
    **dict.fromkeys(("crore", "crores"), Decimal(10**7)),
    **dict.fromkeys(("billion", "billions", "bln", "bn", "b"), Decimal(10**9)),
    **dict.fromkeys(("trillion", "trillions", "trln", "trn", "tln", "tn"), Decimal(10**12)),
}
# One letter is a magnitude directly at the digits ("$5m", "5k tenge"), or a space after them
# in an amount led by a sign or code ("$5 m"). "t" is none: "$285t" would be tons for one and trillions for another.
LETTERS: Final = "kKmMbB"

_TO_NINETEEN: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL_NUMBERS: Final[Mapping[str, int]] = {
    **{word: number for number, word in enumerate(_TO_NINETEEN.split(), start=1)},
    **{word: 10 * number for number, word in enumerate(_TENS.split(), start=2)},
}

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
    word: frozenset(currencies.split())
    for words, currencies in (
        ("tyiyn tyyn tyin tiyin tiyn tiin", "KGS KZT UZS"), ("tenge tenne teňňe", "TMT"), ("diram", "TJS"),
        ("qapik qepik qəpik gapik gepik", "AZN"), ("cent eurocent ¢", "USD EUR CAD AUD NZD HKD SGD"),
        ("kopeck kopek copeck kopeyka kopeika kopiyka kopiika", "RUB BYN UAH"), ("pence penny", "GBP"),
        ("fen", "CNY"), ("paisa paise", "INR PKR"), ("kurus kuruş", "TRY"), ("tetri", "GEL"), ("luma", "AMD"),
        ("rappen centime", "CHF"), ("fils", "AED"), ("jiao dirham", ""),
    )
    for word in words.split()
}  # fmt: skip

# What may follow "a", "an", "each" or "every" as a unit of price. After "per" and "/" any word may.
UNITS: Final = (
    "second", "minute", "hour", "day", "night", "week", "month", "quarter", "season", "semester", "year",
    "ton", "tonne", "kilogram", "kilo", "kg", "gram", "ounce", "liter", "litre", "gallon", "barrel", "bushel",
    "sack", "bag", "bottle", "box", "piece", "unit", "hectare", "acre", "kilometer", "kilometre", "meter", "metre",
    "mile", "head", "person", "student", "child", "family", "household", "seat", "ticket", "ride", "trip", "visit",
    "room", "square meter", "square metre", "cubic meter", "cubic metre", "kilowatt-hour", "kwh", "dollar",
    "euro", "share", "animal", "sheep", "cow", "shift",
)  # fmt: skip
ADVERBS: Final[Mapping[str, str]] = {
    "daily": "day", "weekly": "week", "monthly": "month", "annually": "year", "yearly": "year",
}  # fmt: skip
