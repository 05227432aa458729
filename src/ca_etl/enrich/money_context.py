"""What stands around an amount: hedges, prices per unit, verbs of change, and what makes a number no amount."""

from __future__ import annotations

import re
from typing import Final

from ca_etl.enrich.money_numbers import BLANK, Numeral
from ca_etl.enrich.money_words import ADVERBS, CODES, HEDGES, UNITS

_HEDGE: Final = "|".join(
    re.escape(hedge).replace(r"\ ", BLANK) for hedge in sorted(HEDGES, key=len, reverse=True)
)
_HEDGE_BEFORE: Final = re.compile(
    rf"(?<!\w)(?:{_HEDGE})(?:{BLANK}(?:the|a|an|only|just))?{BLANK}?\Z", re.IGNORECASE
)
_HEDGE_ENDS: Final = frozenset({*(hedge.split()[-1] for hedge in HEDGES), "the", "a", "an", "only", "just"})
_OPENING: Final = "([\"'\u201c\u2018\u2013\u2014-"
_HEDGE_BEHIND: Final = re.compile(rf"\+|{BLANK}or{BLANK}(?:more|less|so)(?!\w)", re.IGNORECASE)
_HEDGE_WITHIN: Final = re.compile(r"[0-9](?:-(?:plus|odd|some)|\+)", re.IGNORECASE)
_UNIT: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_COUNT: Final = (
    rf"(?:(?:[0-9][0-9,]{{0,9}}{BLANK}(?:(?:thousand|million|billion){BLANK})?|(?:a{BLANK})?(?:hundred|thousand|million|billion){BLANK})"
    rf"(?!(?:and|or|in|of|for|to|by|on|at|is|was|were|from|as|with|this|last|than|while|but){BLANK}))?"
)
_KIND: Final = rf"(?:(?:square|cubic|metric|troy|standard|sq|cu)\.?{BLANK})?"
# "m3" is a unit, "m4" a road.
_NAME: Final = "[A-Za-z]{1,20}(?:(?<=m)[23\u00b2\u00b3])?"
_PER: Final = re.compile(
    rf"{BLANK}?/{BLANK}?(?P<slash>{_COUNT}{_KIND}{_NAME})(?!\w)"
    rf"|(?:{BLANK}|-)per(?:{BLANK}|-)(?:one{BLANK})?(?:U\.?S\.?{BLANK}(?=dollar))?"
    rf"(?P<per>{_COUNT}{_KIND}{_NAME}(?:-hours?)?)"
    rf"|(?:{BLANK}|-)(?:an?|(?:for{BLANK})?(?:each|every))(?:{BLANK}|-)(?P<each>{_COUNT}(?:{_UNIT}))(?![\w-])(?!{BLANK}(?:ago|earlier|before|later|old)\b)"
    rf"|{BLANK}(?:to|against){BLANK}the{BLANK}(?:U\.?S\.?{BLANK})?(?P<rate>dollar|euro)(?!\w)"
    rf"|{BLANK}(?P<adverb>{'|'.join(ADVERBS)})(?!\w)",
    re.IGNORECASE,
)
_LEAD: Final = re.compile(rf"(?<!\w)(from|between|by){BLANK}(?:(?:{_HEDGE}){BLANK}?)?\Z", re.IGNORECASE)
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
_DAY_OF: Final = re.compile(rf"(?<!\w)(?:{_MONTHS}){BLANK}\Z")
_IN_A_YEAR: Final = re.compile(
    rf"(?<!\w)(?:in|since|during|early|late|mid|year|spring|summer|autumn|fall|winter|{_MONTHS})(?:{BLANK}|-)\Z",
    re.IGNORECASE,
)
_BY_A_YEAR: Final = re.compile(
    rf"(?<!\w)(?:by|before|after|until|till|the|this|its|their){BLANK}\Z", re.IGNORECASE
)
_YEAR: Final = re.compile("(?:19|20)[0-9]{2}")
_WORD_OR_NUMBER: Final = re.compile(rf"{BLANK}[A-Za-z0-9]")
_THINGS: Final = re.compile(
    rf"{BLANK}(?:bonds?|accounts?|loans?|deposits?|tranches?|swaps?|transfers?|markets?|issues?|savings|zones?"
    r"|people|residents|citizens|families|households|farmers|children|students|pupils|pensioners|migrants|workers"
    r"|women|men|users|customers|tons|tonnes|hectares|subscribers|tourists|visitors)(?!\w)",
    re.IGNORECASE,
)
_EQUALS_BEHIND: Final = re.compile(rf"{BLANK}?=")
_EQUALS_BEFORE: Final = re.compile(rf"(?<!\()={BLANK}?\Z")


def hedged(text: str, start: int, end: int) -> bool:
    """Whether a word before, within or behind says that the figure is a bound or only near."""
    if _HEDGE_WITHIN.search(text, start, end):
        return True
    before = text[max(0, start - 24) : start].split()
    if before and (before[-1].lower().lstrip(_OPENING) in _HEDGE_ENDS or before[-1][-1] in "~≈"):
        return bool(_HEDGE_BEFORE.search(text, max(0, start - 24), start) or _HEDGE_BEHIND.match(text, end))
    return _HEDGE_BEHIND.match(text, end) is not None


def unit_behind(text: str, end: int) -> tuple[str, int] | None:
    """The unit that the price is for, as it is written, and where the phrase ends."""
    phrase = _PER.match(text, end)
    if phrase is None or phrase.lastgroup is None:
        return None
    unit = phrase[phrase.lastgroup]
    if phrase.lastgroup == "adverb":
        unit = ADVERBS[unit.lower()]
    return unit, phrase.end()


def lead_before(text: str, start: int) -> str:
    """The word "from", "between" or "by" before an amount, else nothing."""
    lead = _LEAD.search(text, max(0, start - 30), start)
    return lead[1].lower() if lead else ""


def changes(text: str, start: int) -> bool:
    """Whether the sentence so far tells of a change, so that "from 80 to 100 tenge" is two amounts, no range."""
    return bool(_CHANGE.search(_sentence_before(text, start)))


def changed_directly(text: str, start: int) -> bool:
    """Whether the word before is a verb of change: "fell $2 million to $30 million"."""
    words = text[max(0, start - 20) : start].split()
    return bool(words) and _CHANGE.fullmatch(words[-1]) is not None


def counts_things(text: str, end: int) -> bool:
    """Whether what follows is counted, so that the number before is a count: "two dollar bonds"."""
    return _THINGS.match(text, end) is not None


def is_date(text: str, number: Numeral, end: int) -> bool:
    """Whether the number is a year ("In 2024 tenge deposits", `end` behind the currency) or a day of a month."""
    written = text[number.start : number.end]
    before = max(0, number.start - 12)
    if written.isdigit() and len(written) <= 2:
        return _DAY_OF.search(text, before, number.start) is not None
    if _YEAR.fullmatch(written) is None:
        return False
    if _IN_A_YEAR.search(text, before, number.start):
        return True
    # "the 2000 som fine": a round sum rather than a year.
    by = None if written == "2000" else _BY_A_YEAR.search(text, before, number.start)
    return bool(by and _WORD_OR_NUMBER.match(text, end) and unit_behind(text, end) is None)


def are_years(text: str, first: Numeral, second: Numeral, end: int) -> bool:
    """Whether both numbers are years ("from 2022 to 2025 tenge loans grew"), `end` behind the currency."""
    written = (text[number.start : number.end] for number in (first, second))
    return all(map(_YEAR.fullmatch, written)) and unit_behind(text, end) is None


def is_rate(text: str, end: int, start: int | None = None) -> bool:
    """Whether an equals sign makes it a line of a ticker: "1 USD = 87.45 KGS", "KGS/USD = 0.01144"."""
    if start is not None and _EQUALS_BEFORE.search(text, max(0, start - 3), start):
        return True
    slash = text[end : end + 1] == "/" and text[end + 1 : end + 4] in CODES
    return slash or _EQUALS_BEHIND.match(text, end) is not None


def _sentence_before(text: str, start: int) -> str:
    before = text[max(0, start - _CHANGE_REACH) : start]
    return before[max(before.rfind(". "), before.rfind("\n"), before.rfind("; ")) + 1 :]
