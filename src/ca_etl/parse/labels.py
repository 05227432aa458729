"""Lines that describe an article and are no part of it: ages, dates, reading times, counts, "Updated", photo credits.

Only whole lines count: "3 hours ago" is one, "Three Hours That Changed Bishkek" is a headline. A line may hold several
("4 December 2025, 5 min read, 2 comments"), and where bars or dots set them apart a category or a name beside them
("News | 3 hours ago").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ca_etl.parse.clean import Cleaned, byline, clean, is_furniture, squeeze
from ca_etl.parse.page import Media
from ca_etl.parse.ticker import is_ticker_line

# Six descriptions in one line have some 90 characters; credits name places and agencies.
_MAX_CHARS: Final = 160
# No label, byline, date or ticker line is longer; most paragraphs are.
_LABEL_CHARS: Final = 300
_AROUND: Final = " ()[]*:|•·–—-"  # noqa: RUF001 (the en dash is printed so)
_BARS: Final = re.compile(r" ?[|·•∙] ?| / ")
_COMMAS: Final = re.compile(r", ?| [–—-] | on ")  # noqa: RUF001

_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY: Final = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?"
_YEAR: Final = r"(?:(?:19|20)[0-9]{2}|['’][0-9]{2})"  # noqa: RUF001
_DAY: Final = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_CLOCK: Final = (
    r"(?:[0-2]?[0-9][:.][0-5][0-9](?:[:.][0-5][0-9])?|[01]?[0-9](?= ?[ap]\.?m))(?: ?[ap]\.?m\.?)?(?: hrs| h)?"
    r"(?: ?\(?(?:[a-z]{3,4}|z)?(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?\)?)?"
)
_DATE: Final = (
    rf"(?:{_WEEKDAY},? )?(?:(?:the )?{_DAY}[ -](?:of )?{_MONTH}(?:,?[ -]{_YEAR})?|{_MONTH} {_DAY}(?:,? {_YEAR})?"
    r"|(?:19|20)[0-9]{2}(?:-[01]?[0-9]-|/[01]?[0-9]/|\.[01]?[0-9]\.)[0-3]?[0-9]"
    r"|[0-3]?[0-9](?:-[0-3]?[0-9]-|/[0-3]?[0-9]/|\.[0-3]?[0-9]\.)(?:[0-9]{2}){1,2})"
    rf"|{_MONTH},? {_YEAR}|{_WEEKDAY}"
)
_SOME: Final = (
    r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a few|a couple of|[0-9]{1,3}\+?)"
)
_NEARLY: Final = r"(?:(?:about|around|over|almost|nearly|more than|less than|under) |[<>~] ?)?"
_UNIT: Final = r"(?:sec(?:ond)?|min(?:ute)?|h|hr|hour|d|day|wk|week|mo|month|yr|year)s?\.?"
_MINUTES: Final = r"(?:min(?:ute)?s?\.?|sec(?:ond)?s?\.?)"
_COUNTED: Final = r"(?:view|comment|share|like|read|hit|reply|replie|reaction|retweet)s?"
_AMOUNT: Final = r"[0-9]{1,3}(?:[,. ]?[0-9]{3}){0,3}(?:\.[0-9]{1,2})?[km]?\+?"
_CHANGED: Final = r"(?:updated?|published|posted|modified|edited|created|uploaded)"
# What is before a date, a time or an age, or is a line by itself.
_EVENT: Final = re.compile(
    rf"(?:(?:(?:first|originally|last|latest|article) )?{_CHANGED}|(?:publication |posting )?date)"
    r"(?: (?:on|at))?(?: ?: ?| |$)"
)
_DESCRIPTION: Final = re.compile(
    rf"(?:{_DATE})(?:(?:,? at |,? @ ?|,? [–-] |, ?| |t){_CLOCK})?"  # noqa: RUF001
    rf"|{_CLOCK}(?:(?:, ?| on | [–-] | )(?:{_DATE}))?"  # noqa: RUF001
    rf"|{_NEARLY}{_SOME}[ -]?{_UNIT}(?:,? (?:and )?{_SOME} {_UNIT})? ago|[0-9]{{1,3}} ?[smhdw]"
    r"|(?:just|right) now|(?:a few |a )?moments? ago|today|yesterday|last (?:week|month|year)"
    rf"|(?:(?:estimated |average )?read(?:ing)?(?: time)?|time to read) ?:? ?{_NEARLY}{_SOME} ?{_MINUTES}(?: read)?"
    rf"|{_NEARLY}{_SOME}[ -]?(?:{_MINUTES}[ -](?:read|reading|to read|of reading)|mins?\.?)"
    rf"|(?:{_AMOUNT}|one) (?:total |post |page |unique )?{_COUNTED}"
    r"|(?:no|zero) (?:comment|view|share|like|replie)s(?: yet)?"
    rf"|(?:total |post |page )?{_COUNTED} ?[:(]? ?{_AMOUNT}|(?:read|viewed|shared|seen) {_AMOUNT} times"
    r"|(?:leave|add|post|write)(?: an?| your)? (?:comment|reply)|comments? (?:off|are (?:off|closed|disabled))"
    r"|be the first to comment|(?:view|show|read)(?: all)? comments|(?:share|tweet|print|e-?mail) this(?: article)?"
)
_AGENCY: Final = (
    r"(?:getty(?: images)?|shutterstock|i?stock(?:photo)?|unsplash|pixabay|pexels|flickr|wikimedia(?: commons)?|"
    r"depositphotos|(?:ap|afp|epa|reuters|tass)(?: photo)?|epa-efe|ria novosti|sputnik|xinhua|anadolu(?: agency)?)"
)
_WORD: Final = r"[^\s:]{1,40}"
_PICTURE: Final = r"(?:photo(?:graph)?|image|picture|illustration|screenshot)"
_WHICH: Final = (
    r"(?:file|cover|featured?|main|header|stock|archive|lead|title|press|handout|courtesy|illustrative|"
    r"ap|afp|epa|reuters) "
)
_CREDIT: Final = re.compile(
    rf"(?:{_WHICH})?{_PICTURE}(?: credits?| source| courtesy| copyright)? ?[:©/] ?\S.{{0,160}}"
    rf"|{_PICTURE}s(?: credits?| courtesy)? ?: ?(?:{_WORD}(?: {_WORD})?|.{{0,160}}(?:/|©|@|\b{_AGENCY}\b).{{0,160}})"
    rf"|{_PICTURE}s? (?:(?:taken |provided )?by|courtesy(?: of)?|copyright) {_WORD}(?: {_WORD}){{0,5}}"
    rf"|{_PICTURE}s? (?:from|via) {_AGENCY}|credits?: ?{_WORD}(?: {_WORD}){{0,4}}"
    rf"|(?:source|courtesy): ?{_WORD}(?: {_WORD}){{0,2}}"
    rf"|courtesy of {_WORD}(?: {_WORD}){{0,5}}|(?:©|\(c\)|copyright:) ?{_WORD}(?: {_WORD}){{0,6}}"
    rf"|(?:[^:;!?]{{1,60}}(?: ?/ ?| via ))?{_AGENCY}(?:(?: ?/ ?| via ){_WORD}(?: {_WORD}){{0,3}})?"
    rf"|{_WHICH}{_PICTURE}"
)
# A line that does not begin with a number has one of these; few headlines have, and the patterns are slow.
_HINTS: Final = frozenset(
    """
    ago now moments today yesterday last read reading comment comments reply replies views likes shares reads
    hits viewed seen share tweet print e updated update published posted modified edited created uploaded date
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun january
    february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec photo photos photograph photographs image images picture pictures illustration
    illustrations screenshot screenshots courtesy credit credits source copyright c getty shutterstock stock
    istock istockphoto unsplash pixabay pexels flickr wikimedia depositphotos ap afp epa reuters tass ria
    sputnik xinhua anadolu less about
    """.split()  # noqa: SIM905 (a list of quoted words would fill a screen)
)
_WORDS: Final = re.compile(r"[a-z]{1,40}")


def describes_article(line: str) -> bool:
    """Whether the whole squeezed `line` describes an article, so that it is neither its title nor its text."""
    return 0 < len(line) <= _MAX_CHARS and _describes(line)


# Readers check the same lines several times over.
@lru_cache(maxsize=1_024)
def _describes(line: str) -> bool:
    folded = line.casefold().strip(_AROUND)
    has_hint = folded[:1].isdigit() or line[0] in "©<~"
    if not has_hint and _HINTS.isdisjoint(_WORDS.findall(folded)):
        return False
    return (
        _is_description(line)
        or is_credit(line)
        or _is_list(_BARS.split(line), category_words=3)
        or _is_list(_COMMAS.split(line), category_words=0)
    )


def is_credit(line: str) -> bool:
    """Whether the whole squeezed `line` names whom or what agency a picture is by."""
    return len(line) <= _MAX_CHARS and _CREDIT.fullmatch(line.casefold().strip(" ()[]*")) is not None


def _is_list(parts: Iterable[str], category_words: int) -> bool:
    """Whether some of several parts are descriptions and the others names, numbers or a short category."""
    shown = [part for part in parts if part]
    others = [part for part in shown if not _is_description(part)]
    return 1 < len(shown) > len(others) and all(
        part.count(" ") < category_words or part.isdecimal() or byline(part) is not None for part in others
    )


def _is_description(part: str) -> bool:
    part = part.casefold().strip(_AROUND)
    event = _EVENT.match(part)
    rest = part if event is None else part[event.end() :]
    return (event is not None and not rest) or _DESCRIPTION.fullmatch(rest) is not None


def clean_article(lines: Iterable[str]) -> Cleaned:
    """The text of an article's lines without the theme's labels and without what describes it above and below."""
    author: str | None = None
    kept: list[str] = []
    described: list[str] = []
    for raw in lines:
        line = squeeze(raw)
        is_long = len(line) > _LABEL_CHARS
        if not line or (not is_long and (is_furniture(line) or is_ticker_line(line))):
            continue
        if kept or is_long:
            kept.append(line)
        elif (name := byline(line)) is not None:
            author = author or name
        else:
            (described if describes_article(line) else kept).append(line)
    while kept and describes_article(kept[-1]):
        described.append(kept.pop())
    cleaned = clean(kept)
    credits_ = [Media("caption", None, line) for line in described if is_credit(line)]
    return cleaned._replace(author=author, media=(*credits_, *cleaned.media))
