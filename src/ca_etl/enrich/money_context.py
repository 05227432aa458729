"""Recognition of the text around an amount: hedges, price units, verbs of change, magnitudes and subunits after it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from ca_etl.enrich import money_vocabulary as words
from ca_etl.enrich.money_vocabulary import LONG, SPACE, SPELLED, Numeral, backwards, spelled


def _any_of(phrases: Iterable[str]) -> str:
    """An expression for any of `phrases`, with any kind of space between their words."""
    return "|".join(re.escape(phrase).replace(r"\ ", SPACE) for phrase in phrases)


HEDGE: Final = _any_of(words.HEDGES)
# "the", "an", "a", "only" or "just" after a hedge, all from their last letter to their first.
_HEDGE_BACKWARDS: Final = re.compile(
    rf"(?i){SPACE}?(?:(?:eht|na?|a|ylno|tsuj){SPACE})?(?:{_any_of(hedge[::-1] for hedge in words.HEDGES)})(?!\w)"
)
_HEDGE_AFTER: Final = re.compile(rf"(?i)\+|-(?:plus|odd)(?!\w)|{SPACE}or{SPACE}(?:more|less|so)(?!\w)")
_HEDGE_WITHIN: Final = re.compile(r"[0-9](?:-(?:plus|odd|some)|\+)", re.IGNORECASE)
_SIGNS: Final = "".join(words.SIGNS)
NAMES: Final = "|".join(sorted(words.WORDS, key=len, reverse=True))
_CURRENCY: Final = rf"(?:[{_SIGNS}]|(?:{'|'.join(words.CODES)})(?![A-Za-z])|(?i:{NAMES})(?!\w))"
CURRENCY_AFTER: Final = re.compile(
    rf"(?:{SPACE}|-){{0,3}}(?:{_CURRENCY}|(?i:{'|'.join(words.SUBUNITS)})(?!\w))"
)
# A remark in brackets, without a number, or the mark of a note.
NOTE: Final = (
    rf"(?:{SPACE}?(?:[(\[][^()\[\]0-9\n{_SIGNS}]{{1,40}}[)\]]|\[[0-9]{{1,2}}\]|[*\u2020\u2021]{{1,3}}))"
)
_UNIT: Final = "|".join(sorted(words.UNITS.split(), key=len, reverse=True))
_COUNT: Final = (
    rf"(?:(?:[0-9][0-9,]{{0,9}}{SPACE}(?:(?:thousand|million|billion){SPACE})?|(?:a{SPACE})?(?:hundred|thousand|million|billion){SPACE})"
    rf"(?!(?:and|or|in|of|for|to|by|on|at|is|was|were|from|as|with|this|last|than|while|but){SPACE}))?"
)
_KIND: Final = rf"(?:(?:square|cubic|metric|troy|standard|sq|cu)\.?{SPACE}|(?:sq|cu)\.)?"
# "m3" is a unit, "m4" a road; "kW.h" and "ton-km" are one unit each.
_NAME: Final = (
    r"[A-Za-z]{1,20}(?:(?<=m)[23\u00b2\u00b3]|(?<=[kmgtKMGT]W)[.\u00b7\u22c5*-]h|(?<=watt)[ -]hours?"
    r"|-(?:hours?|km|kilomet(?:er|re)s?|miles?))?"
)
_PER: Final = re.compile(
    rf"{NOTE}?(?:{SPACE}?/{SPACE}?(?P<slash>{_COUNT}{_KIND}{_NAME}(?:/{_NAME})?)(?!\w)"
    rf"|(?:{SPACE}|-)per(?:{SPACE}|-)(?:one{SPACE})?(?:U\.?S\.?{SPACE}(?=dollar))?(?P<per>{_COUNT}{_KIND}{_NAME})"
    rf"|(?:{SPACE}|-)(?:an?|(?:for{SPACE})?(?:each|every))(?:{SPACE}|-)(?P<every>{_COUNT}{_KIND}(?:{_UNIT}))"
    rf"(?![\w-])(?!{SPACE}(?:ago|earlier|before|later|old)\b)"
    rf"|{SPACE}(?:to|against){SPACE}the{SPACE}(?:U\.?S\.?{SPACE})?(?P<rate>dollar|euro)(?!\w)"
    rf"|{SPACE}(?P<adverb>{'|'.join(words.ADVERBS)})(?!\w))",
    re.IGNORECASE,
)
_LEAD: Final = re.compile(rf"(?i)(?<!\w)(from|between|by){SPACE}(?:(?:{HEDGE}){SPACE}?)?\Z")
_CHANGE: Final = re.compile(
    r"\b(?:rose|rise[sn]?|rising|rais(?:e[sd]?|ing)|increas(?:e[sd]?|ing)|gr[eo]w(?:s|n|ing)?|climb(?:s|ed|ing)?"
    r"|jump(?:s|ed|ing)?|soar(?:s|ed|ing)?|fell|falls?|fallen|falling|drop(?:s|ped|ping)?|declin(?:e[sd]?|ing)"
    r"|decreas(?:e[sd]?|ing)|reduc(?:e[sd]?|ing|tion)|cut(?:s|ting)?|lower(?:s|ed|ing)?|lift(?:s|ed|ing)?"
    r"|shr[aiu]nk|slid|sank|surg(?:e[sd]?|ing)|went|gone?|doubled|tripled|quadrupled|halved|chang(?:e[sd]?|ing)"
    r"|up|down)\b",
    re.IGNORECASE,
)
_CHANGE_REACH: Final = 120
_MONTHS: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan\\.|Feb\\.|Mar\\.|Apr\\.|Aug\\.|Sept\\.|Sep\\.|Oct\\.|Nov\\.|Dec\\."
)
_DAY_OF: Final = re.compile(rf"(?<!\w)(?:{_MONTHS}){SPACE}\Z")
_IN_A_YEAR: Final = re.compile(
    rf"(?<!\w)(?:in|since|during|early|late|mid|year|spring|summer|autumn|fall|winter|{_MONTHS})(?:{SPACE}|-)\Z",
    re.IGNORECASE,
)
_BY_A_YEAR: Final = re.compile(rf"(?i)(?<!\w)(?:by|before|after|until|till|the|this|its|their){SPACE}\Z")
_YEAR: Final = re.compile("(?:19|20)[0-9]{2}")
_WORD_OR_NUMBER: Final = re.compile(rf"{SPACE}[A-Za-z0-9]")
_COUNTED: Final = (
    "people|residents|citizens|families|households|farmers|children|students|pupils|pensioners|migrants|workers|women"
    "|men|users|customers|voters|viewers|tons|tonnes|hectares|barrels|liters|litres|subscribers|tourists|visitors"
)
# After a currency these are counted, and so is the number before it: "two dollar bonds".
THINGS: Final = re.compile(
    rf"{SPACE}(?:bonds?|accounts?|loans?|deposits?|tranches?|swaps?|transfers?|markets?|issues?|savings|zones?|{_COUNTED})(?!\w)",
    re.IGNORECASE,
)
_EQUALS_BEFORE: Final = re.compile(rf"(?<!\()={SPACE}?\Z")
# "450 tenge/dollar" is a rate, "$5/pound" a price; "1 USD/tenge" is a pair.
_PAIR: Final = re.compile(
    rf"{SPACE}?(?:=|/{SPACE}?(?![{_SIGNS}][0-9]|(?i:dollar|euro|pounds?)(?!\w))[0-9.,]{{0,12}}{SPACE}?{_CURRENCY})"
)
# No amount continues before these; the words save time.
_ENDS: Final = re.compile(
    r"[.;:!?\n\u201d%]|\Z|[ -](?:in|for|to|of|on|per|from|at|is|was|by|or|an?|will) ", re.IGNORECASE
)
_CODE_AFTER: Final = re.compile(
    rf"{SPACE}?(?P<bracket>[(\[](?:in{SPACE})?)?(?P<code>[A-Z]{{3}})(?(bracket)(?:(?P<close>[)\]])|(?=[,;:]))|(?![A-Za-z0-9/])(?!{SPACE}?[0-9]))"
)
_OTHER_DOLLARS: Final = re.compile(
    rf"{SPACE}\(?(?:Canadian|Australian|Singaporean|Jamaican|Namibian|Liberian)(?!\w)"
)
# Words for magnitudes that are not read, and letters that may be one.
_UNREAD: Final = "mio|mlns|mrds?|mlrd|milliards?|mill?|mils|bils?|thous?|ths|thsd|tys"
_MAGNITUDE_AFTER: Final = re.compile(
    rf"{NOTE}?(?:(?:{SPACE}|-){{0,2}}(?P<open>\((?P<in>in{SPACE})?)?(?P<word>{LONG}|hundreds|{_UNREAD})(?![A-Za-z0-9])(?(open)(?P<close>\))?)(?P<of>{SPACE}of(?!\w))?"
    rf"|(?<=[{_SIGNS}])(?P<letter>[kmb])(?![A-Za-z0-9])|{SPACE}(?P<unsure>[kmbt])(?![\w'\u2019-]))",
    re.IGNORECASE,
)
_COMPOUND: Final = r"-(?!(?:an?|per)-|(?:plus|odd)(?!\w))[A-Za-z]"
_COMPOUND_AFTER: Final = re.compile(rf"[A-Za-z]|{_COMPOUND}", re.IGNORECASE)
_NOT_OF_MONEY: Final = re.compile(
    rf"{_COMPOUND}|{SPACE}(?:{_COUNTED})(?!\w)|(?:{SPACE}|-){_CURRENCY}", re.IGNORECASE
)
_SMALLER_NUMBER: Final = re.compile(rf"(?i){SPACE}[0-9][0-9.,]{{0,9}}(?:{SPACE}|-)?(?P<word>{LONG})(?!\w)")
_SUBUNIT_AFTER: Final = re.compile(
    rf"{NOTE}?(?P<join>(?P<comma>,?){SPACE}{{0,2}}(?P<word>(?:and|plus|with|&){SPACE})?|{SPACE}?[-\u2013\u2014/]{SPACE}?)(?=[\w\u00a2])"
    rf"(?P<near>(?:{HEDGE}){SPACE})?(?:(?P<digits>[0-9][0-9.,]{{0,9}})|(?P<spelled>{SPELLED})(?![A-Za-z]))?"
    rf"(?:{SPACE}|-)?(?:US{SPACE}|euro[ -])?(?P<unit>[^\W\d_]{{2,10}}|\u00a2)(?!\w)",
    re.IGNORECASE,
)
_MANATS: Final = frozenset(("TMT", "AZN"))
# Not "/ 100", which gives 10.5 for 10 manat 50 tenge: the digits of the print are kept.
_HUNDREDTH: Final = Decimal("0.01")
_HUNDREDTHS: Final = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2})?")
_MORE: Final = re.compile(
    rf"(?i){SPACE}(?:more|less|higher|lower|cheaper|dearer|above|below|up|down|extra|off)(?!\w)"
)
_SMALL: Final = "|".join(words.SMALL_NUMBERS)
# "12 rubles 50" and "12 rubles and a half".
_LOOSE_PART: Final = re.compile(
    rf"{SPACE}(?:[0-9]{{1,2}}|(?:{_SMALL})(?:-(?:{_SMALL}))?)(?=[.,;:!?)](?:\s|\Z)|\Z|\n|{SPACE}per{SPACE}|{SPACE}?/|{SPACE}an?{SPACE}(?:{_UNIT})(?!\w))"
    rf"|{SPACE}(?:and|with){SPACE}(?:an?|one){SPACE}(?:half|quarter)(?![\w-])(?!{SPACE}of(?!\w))"
    rf"|{SPACE}?[\u00bc-\u00be]",
    re.IGNORECASE,
)


def is_hedged(text: str, start: int, end: int) -> bool:
    """Whether a word at the amount `text[start:end]` ("about", "or more") makes it approximate or a bound."""
    before = _HEDGE_BACKWARDS.match(backwards(text, start, 24))
    return bool(before or _HEDGE_AFTER.match(text, end) or _HEDGE_WITHIN.search(text, start, end))


def unit_after(text: str, end: int) -> tuple[str, int] | None:
    """The price unit after an amount that ends at `end` ("ton" in "per ton"), and where the unit ends.

    None where no unit follows the amount.
    """
    phrase = _PER.match(text, end)
    if phrase is None or phrase.lastgroup is None:
        return None
    unit = phrase[phrase.lastgroup]
    return words.ADVERBS.get(unit.lower(), unit), phrase.end()


def lead_before(text: str, start: int) -> str:
    """The word "from", "between" or "by" directly before an amount that begins at `start`, else an empty text."""
    lead = _LEAD.search(text, max(0, start - 30), start)
    return lead[1].lower() if lead else ""


def describes_change(text: str, start: int) -> bool:
    """Whether a verb of change ("rose") precedes `start` in its sentence, so that "from 2 to 3 som" is two amounts."""
    before = text[max(0, start - _CHANGE_REACH) : start]
    sentence = before[max(before.rfind(". "), before.rfind("\n"), before.rfind("; ")) + 1 :]
    return _CHANGE.search(sentence) is not None


def follows_verb_of_change(text: str, start: int) -> bool:
    """Whether the word directly before `start` is a verb of change, as in "fell $2 million to $30 million"."""
    words = text[max(0, start - 20) : start].split()
    return bool(words) and _CHANGE.fullmatch(words[-1]) is not None


def is_date(text: str, number: Numeral, end: int) -> bool:
    """Whether `number` is a year ("In 2024 tenge deposits grew") or a day of a month, and not an amount of money.

    `end` is the end of the currency word after the number.
    """
    written = text[number.start : number.end]
    before = max(0, number.start - 12)
    if written.isdigit() and len(written) <= 2:
        return _DAY_OF.search(text, before, number.start) is not None
    if _YEAR.fullmatch(written) is None:
        return False
    if _IN_A_YEAR.search(text, before, number.start):
        return True
    # "the 2000 som fine": a round amount rather than a year.
    by = None if written == "2000" else _BY_A_YEAR.search(text, before, number.start)
    return bool(by and _WORD_OR_NUMBER.match(text, end) and unit_after(text, end) is None)


def are_years(text: str, first: Numeral, second: Numeral, end: int) -> bool:
    """Whether both numbers are years ("from 2022 to 2025 tenge loans grew"), and not amounts of money.

    `end` is the end of the currency word after the numbers.
    """
    written = (text[number.start : number.end] for number in (first, second))
    return all(map(_YEAR.fullmatch, written)) and unit_after(text, end) is None


def is_rate(text: str, end: int, start: int | None = None) -> bool:
    """Whether an amount that ends at `end` is part of an exchange rate: "1 USD = 87.45 KGS", "KGS/USD = 0.01144".

    Where `start`, the start of the amount, is given, an equals sign before the amount makes it a rate, too.
    """
    if start is not None and _EQUALS_BEFORE.search(text, max(0, start - 3), start):
        return True
    return _PAIR.match(text, end) is not None


def with_continuation(text: str, number: Numeral, *, led: bool = False) -> Numeral:
    """Extend an amount of money by what follows its currency: a code, a magnitude ("million") or a subunit ("cents").

    `led` is True where the currency is before the number. Where the text after the amount changes the value in an
    unclear way, the result has an empty currency.
    """
    end = number.end
    if _ENDS.match(text, end):
        return number
    code = _CODE_AFTER.match(text, end)
    named = words.CODES.get(code["code"], code["code"]) if code else number.currency
    if code is not None and named == number.currency:
        end = code.end() if code["close"] or not code["bracket"] else end
        number = number._replace(end=end)
    elif code is not None and (named in words.CODES or (code["bracket"] and named[-1] == "D")):
        return number._replace(end=code.end(), currency="")
    magnitude = _MAGNITUDE_AFTER.match(text, end)
    if magnitude is not None:
        return _with_magnitude(text, number, magnitude)
    part = _SUBUNIT_AFTER.match(text, end)
    unit = part["unit"].lower() if part else ""
    if part and unit in words.SUBUNITS and ("tenge" not in unit or number.currency in _MANATS):
        return _with_subunit(text, number, part, unit)
    refused = (
        (number.scale == 1 and _LOOSE_PART.match(text, end))
        or (number.currency == "USD" and _OTHER_DOLLARS.match(text, end))
        or (not led and _COMPOUND_AFTER.match(text, end))
        or _has_smaller_number(text, end, number.scale)
    )
    return number._replace(currency="") if refused else number


def _with_magnitude(text: str, number: Numeral, magnitude: re.Match[str]) -> Numeral:
    """Apply the magnitude after a currency to the number: in "75 USD million", not in "75 USD millions of people"."""
    after = magnitude.end()
    word = (magnitude["word"] or magnitude["letter"] or magnitude["unsure"]).lower()
    unclosed = magnitude["open"] is not None and magnitude["close"] is None
    if word.endswith("s") and (magnitude["of"] or unclosed) and magnitude["in"] is None:
        return number
    scale = words.MAGNITUDES.get(word)
    unsure = magnitude["unsure"] or magnitude["in"] or unclosed or word == "hundred" or word.endswith("s")
    if scale is None or unsure or number.scale > 1 or magnitude["of"] or _NOT_OF_MONEY.match(text, after):
        return number._replace(end=after, currency="")
    meant = number._replace(end=after, value=number.value * scale, scale=scale)
    return meant._replace(currency="") if _has_smaller_number(text, after, scale) else meant


def _has_smaller_number(text: str, end: int, scale: Decimal) -> bool:
    """Whether a number with a smaller magnitude follows the currency: "1 million som 200 thousand"."""
    number = _SMALLER_NUMBER.match(text, end) if scale > 1 else None
    if number is None or words.MAGNITUDES[number["word"].lower()] >= scale:
        return False
    return _NOT_OF_MONEY.match(text, number.end()) is None


def _with_subunit(text: str, number: Numeral, part: re.Match[str], unit: str) -> Numeral:
    """Add hundredths to an amount: in "1 som 37 tyiyn" and "5 dollars and 20 cents", not in "10 manat 50 tyiyn"."""
    digits, join, tenge = part["digits"], part["join"].strip().lower(), "tenge" in unit
    if join and part["word"] is None and _MORE.match(text, part.end()):
        return number
    count: Decimal | None = None
    if part["spelled"]:
        small = spelled(text, part.start("spelled"), part.end("spelled"))
        count = None if small is None or small.value >= 100 else small.value
    elif digits and _HUNDREDTHS.fullmatch(digits):
        count = Decimal(digits)
    # "10 manat and 500 tenge" are two amounts, "10 manat and 50 tenge" may be either.
    if tenge and join and digits and count is None:
        return number
    is_whole = number.scale == 1 and number.value.as_tuple().exponent == 0
    unsure = part["near"] or join.startswith(("-", "\u2013", "\u2014", "/"))
    unsure = unsure or (join and (tenge or lead_before(text, number.start) == "between"))
    if count is None or unsure or not is_whole or number.currency not in words.SUBUNITS[unit]:
        return number._replace(end=part.end(), currency="")
    return number._replace(end=part.end(), value=number.value + count * _HUNDREDTH)
