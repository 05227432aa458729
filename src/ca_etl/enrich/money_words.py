"""The vocabulary of the money grammar: currencies and their spellings, magnitudes, number words, units, hedges.

What is left out is left out on purpose, because plain English uses it for something else or several states
share it: "pound" without "British" (a weight), "rupee", "rial" and "franc" without their country, "won", cents
and tiyin. A currency whose adjective is not listed ("Transnistrian rubles") is not read at all.
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
    **{
        code: code
        for code in (
            "USD", "EUR", "RUB", "CNY", "KGS", "KZT", "TJS", "UZS", "TMT", "GBP", "JPY", "INR", "TRY", "GEL",
            "AZN", "AFN", "PKR", "BYN", "UAH", "AMD", "MNT", "IRR", "CHF", "CAD", "AUD", "HKD", "KRW", "AED",
        )
    },
    "RMB": "CNY",
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
    **{(who, "doll"): "USD" for who in ("us", "u.s.", "american")},
    ("canadian", "doll"): "CAD",
    ("australian", "doll"): "AUD",
    ("new zealand", "doll"): "NZD",
    ("hong kong", "doll"): "HKD",
    ("singapore", "doll"): "SGD",
    ("british", "poun"): "GBP",
    ("swiss", "fran"): "CHF",
    ("indian", "rupe"): "INR",
    ("pakistani", "rupe"): "PKR",
    ("iranian", "rial"): "IRR",
    ("russian", "rubl"): "RUB",
    ("russian", "roub"): "RUB",
    ("belarusian", "rubl"): "BYN",
    ("belarusian", "roub"): "BYN",
    ("chinese", "yuan"): "CNY",
    ("turkish", "lira"): "TRY",
    ("georgian", "lari"): "GEL",
    ("japanese", "yen"): "JPY",
    ("armenian", "dram"): "AMD",
    ("mongolian", "tugr"): "MNT",
    ("ukrainian", "hryv"): "UAH",
    **{(who, word): "KGS" for who in ("kyrgyz", "kyrgyzstani") for word in ("som", "soms")},
    **{(who, "teng"): "KZT" for who in ("kazakh", "kazakhstani")},
    **{(who, "somo"): "TJS" for who in ("tajik", "tajikistani")},
    **{
        (who, word[:4]): "UZS"
        for who in ("uzbek", "uzbekistani")
        for word in (
            "som",
            "soms",
            "sum",
            "sums",
            "soum",
            *(word for word in WORDS if word.startswith("so") and len(word) == 4),
        )
        if word != "somo"
    },
    **{(who, "mana"): "AZN" for who in ("azerbaijani", "azerbaijan", "azeri")},
    **{(who, "mana"): "TMT" for who in ("turkmen", "turkmenistani")},
}

MAGNITUDES: Final[Mapping[str, Decimal]] = {
    **dict.fromkeys(("hundred",), Decimal(100)),
    **dict.fromkeys(("thousand", "thousands", "k"), Decimal(10**3)),
    **dict.fromkeys(("lakh", "lakhs"), Decimal(10**5)),
    **dict.fromkeys(("million", "millions", "mln", "mn", "mm", "m"), Decimal(10**6)),
    **dict.fromkeys(("crore", "crores"), Decimal(10**7)),
    **dict.fromkeys(("billion", "billions", "bln", "bn", "b"), Decimal(10**9)),
    **dict.fromkeys(("trillion", "trillions", "trln", "trn", "tln", "tn"), Decimal(10**12)),
}
# One letter is a magnitude when it stands directly at the digits ("$5m", "5k tenge"), or a blank behind them
# in an amount led by a sign or code ("$5 m"). "t" is none: "$285t" would be tons for one and trillions for another.
LETTERS: Final = "kKmMbB"

SMALL_NUMBERS: Final[Mapping[str, int]] = {
    word: number
    for number, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        start=1,
    )
} | {
    word: 10 * number
    for number, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}

# Bounds count as approximate too: the figure is not the sum that was paid.
HEDGES: Final = (
    "about", "around", "approximately", "approx.", "approx", "roughly", "nearly", "almost", "some", "over",
    "more than", "less than", "fewer than", "at least", "at most", "up to", "as much as", "as many as",
    "as little as", "close to", "under", "below", "above", "exceeding", "upwards of", "in excess of",
    "an estimated", "estimated at", "circa", "ca.", "~", "≈",
)  # fmt: skip

# What may stand behind "a", "an", "each" or "every" as a unit of price. Behind "per" and "/" any word may.
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
