"""Classification of text lines (byline, label, date line, result count) and the making of an article's text from lines.

- White space: every run of it (no-break spaces included) becomes one space; paragraphs are separated by an empty line.
  Zero-width characters (zero-width space, word joiner, byte order mark, soft hyphen) are removed, since one in "1,000"
  would split the number. Quotes, dashes and letters are never changed.
- Shortcodes (`[caption ...]...[/caption]`, `[video ...]`, `[embed]...[/embed]`, `[gallery ...]`, any
  `[name key=value ...]`) are removed from the text and become `Media`. Tags of page builders (`[vc_row]`) and end tags
  are only removed. Other square brackets are prose and stay: "[the fold]", "[sic]".
- Truncation: a text is truncated when it ends in an ellipsis ("...", U+2026, either in square brackets) or in "Register
  to read more". An ellipsis inside the text, or before a closing quotation mark, is the author's; an author's ellipsis
  at the end cannot be distinguished and counts as truncation. For a capture that ends within a text see
  `text_articles.is_last_text_truncated`.
- Labels describe an article and are not part of its text: ages, dates, reading times, counts, "Updated", photo credits.
  Only whole lines count: "3 hours ago" is a label, "Three Hours That Changed Bishkek" a headline. A line may have
  several ("4 December 2025, 5 min read, 2 comments"), with a category or a name between bars or dots beside them
  ("News | 3 hours ago").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Final

from ca_etl.parse.page import Article, Media, ResultCount
from ca_etl.parse.ticker import is_ticker_line

_ENCLOSING: Final = frozenset({"caption", "wp_caption", "embed", "video", "audio", "playlist"})
_WORDPRESS: Final = _ENCLOSING | {"gallery"}
# What these enclose is code in base64 and never text.
_ENCODED: Final = frozenset({"vc_raw_html", "vc_raw_js", "fusion_code"})
# Known by their name alone. No table has the builders' (vc_row, et_pb_text, av_hr): editors write no underscore.
# fmt: off
_BARE: Final = frozenset({
    "toc", "ez-toc", "lwptoc", "contact-form-7", "elementor-template", "addtoany", "ssba", "ssba-buttons", "yarpp",
    "wpforms", "gravityform", "instagram-feed", "smartslider3", "related-posts", "social-share", "adrotate", "nextpage",
})
# fmt: on
# Brackets that can be a tag. What they hold is bounded and holds no bracket, so that "[caption [caption [caption" costs
# no more than its length.
_SHORTCODE: Final = re.compile(
    r"\[(?P<end>/?)(?P<name>[A-Za-z][\w-]{0,40})(?P<rest>(?:[\s/=][^\[\]]{0,2000})?)(?:\]|$)"
)
_ATTRIBUTE: Final = re.compile(r"\s{1,4}[a-z][a-z0-9_-]{0,30}=")
# Within a word or sentence; every other tag separates the text before and after it.
_WITHIN_LINE: Final = re.compile(
    r"(?:[a-z]{1,9}_)?(?:b|i|u|em|strong|drop_?caps?[0-9]?|highlight|colou?r|size|url|font|span|su[bp])"
)
# Texts have one or two; half a million took two seconds and 240 MB.
MAX_TAGS: Final = 20_000
_ATTACHMENT: Final = re.compile(r"(?:attachment_|wp-image-)([0-9]{1,18})(?![0-9])")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_ELLIPSIS: Final = ("...", "…", "[...]", "[…]")
_TAIL: Final = re.compile(
    r"\s{0,4}(?<!\w)(Continue reading|Register to read more|READ MORE|Read more)(?:\s{0,2}(?:\.{3}|…|→|»|:))?$"
)
_TAIL_CHARS: Final = 40
_BOILERPLATE: Final = re.compile(
    r"(?:continue reading|divider|read more|leave a comment)[ .…→»]{0,20}"
    r"|(?:view more articles from|read more:)(?!\w).{0,300}",
    re.IGNORECASE,
)
# Quotes and dashes as ASCII has them; characters without a width are dropped.
_SIGNS: Final = str.maketrans(
    dict.fromkeys("‘’´`ʼ", "'")  # noqa: RUF001
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("‐‑‒–—―", "-")  # noqa: RUF001
    | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad")
)
# White space of ASCII, other than the space.
_SPACES: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f"
_NO_WIDTH: Final = dict.fromkeys(map(ord, "\u200b\u2060\u00ad\ufeff"))
_DATELINE: Final = re.compile(
    r"([^\W\d_][\w .,'’/-]{1,60}\(TCA\))\s{0,2}(?:—|–|--?)\s{1,2}"  # noqa: RUF001 (the en dash is printed so)
)
_BYLINE: Final = re.compile(
    r"[•*–-]?\s{0,2}(?:Written by|By) ([^\W\d_][\w.'’-]{0,30}(?: [^\W_][\w.'’-]{0,30}){0,5})"  # noqa: RUF001
)


def collapse_spaces(line: str) -> str:
    """Collapse each run of white space in `line` to one space, strip its ends and remove zero-width characters."""
    # The space is the only white space that is printable; splitting into words costs several times more. In long lines
    # a search for each of the other spaces of ASCII takes a tenth of the time that all characters take.
    is_long = len(line) > _LABEL_CHARS and line.isascii()
    if any(space in line for space in _SPACES) if is_long else not line.isprintable():
        return " ".join((line if line.isascii() else line.translate(_NO_WIDTH)).split())
    line = line.strip(" ")
    while "  " in line:
        line = line.replace("  ", " ")
    return line


def fold_punctuation(text: str) -> str:
    """Replace typographic quotes and dashes by ASCII ones and remove zero-width characters, for matching only."""
    return text if text.isascii() else text.translate(_SIGNS)


def is_boilerplate(line: str) -> bool:
    """Whether the whole `line` (spaces collapsed) is a link or label of the theme, such as "Continue reading"."""
    return _BOILERPLATE.fullmatch(line) is not None


def read_byline(line: str) -> str | None:
    """The author's name in a line that is only "By NAME" or "Written by NAME"; None for any other line."""
    match = _BYLINE.fullmatch(line) if len(line) <= 120 else None
    return None if match is None else match[1]


def clean(paragraphs: Iterable[str]) -> Article:
    """Make an article of `paragraphs` (spaces collapsed): its text (None where none is left), dateline and media."""
    kept = list(paragraphs)
    media: tuple[Media, ...] = ()
    if any("[" in paragraph for paragraph in kept):
        rest, media = take_shortcodes("\n\n".join(kept))
        kept = list(map(collapse_spaces, rest.split("\n\n")))
    text, cut = _without_tails(kept)
    dateline = _DATELINE.match(text[:80]) if "(TCA)" in text[:80] else None
    if dateline is not None:
        text = text[dateline.end() :]
    return Article(
        text=text or None,
        is_truncated=cut or text.endswith(_ELLIPSIS),
        dateline=dateline and dateline[1],
        media=media,
    )


def take_shortcodes(text: str) -> tuple[str, tuple[Media, ...]]:
    """Remove WordPress shortcodes (wp-includes/shortcodes.php) from `text`; returns the text and their content.

    Of a caption without an end tag only the tag is removed. A tag that the end of the text interrupts counts as
    complete. Tags after the first `MAX_TAGS` stay in the text.
    """
    brackets = list(islice(_SHORTCODE.finditer(text), MAX_TAGS))
    ended = {tag["name"] for tag in brackets if tag["end"]}
    # Each enclosing tag with the next end tag of its name, unless it opens again before that.
    tags: list[tuple[re.Match[str], re.Match[str] | None]] = []
    ends: dict[str, re.Match[str]] = {}
    for tag in reversed(brackets):
        if _is_shortcode(tag, ended):
            is_closed = not tag["end"] and tag["name"] in _ENCLOSING | _ENCODED
            tags.append((tag, ends.pop(tag["name"], None) if is_closed else None))
            if tag["end"]:
                ends[tag["name"]] = tag
    kept: list[str] = []
    media: list[Media] = []
    done = 0
    for tag, end in reversed(tags):
        if tag.start() < done:
            continue
        name = tag["name"]
        kept += [text[done : tag.start()], "" if _WITHIN_LINE.fullmatch(name) else " "]
        held = "" if end is None else text[tag.end() : end.start()]
        done = (end or tag).end()
        if not tag["end"] and (
            name in _WORDPRESS or (name not in _ENCODED and _ATTRIBUTE.match(tag["rest"]))
        ):
            caption = collapse_spaces(_TAG.sub(" ", held) if "<" in held else held)
            media.append(Media(name, attachment_number(tag["rest"]), caption or None))
    kept.append(text[done:])
    return "".join(kept), tuple(media)


def attachment_number(attribute: str) -> int | None:
    """The attachment number in an attribute of a caption, figure or image: 7 in "attachment_7"; None without one."""
    match = _ATTACHMENT.search(attribute)
    return None if match is None else int(match[1])


def _is_shortcode(tag: re.Match[str], ended: Collection[str]) -> bool:
    """Whether the brackets are a shortcode, unlike an editor's "[sic]" or "[video unavailable]"."""
    name, rest = tag["name"], tag["rest"].strip(" /")
    if name in {"video", "audio"} and not tag["end"] and rest and "=" not in rest and "//" not in rest:
        return False
    if tag["end"] or name in ended or name in _WORDPRESS or name in _BARE:
        return True
    return name.islower() and ("_" in name or (len(name) > 1 and _ATTRIBUTE.match(tag["rest"]) is not None))


def _without_tails(paragraphs: Iterable[str]) -> tuple[str, bool]:
    """The text of paragraphs without "Read more" links after them, and whether it ended in "Register to read more"."""
    kept: list[str] = []
    cut = False
    for paragraph in paragraphs:
        # Nearly no paragraph ends so, and the search is slow.
        may_end = "read" in paragraph[-_TAIL_CHARS:].lower()
        tail = _TAIL.search(paragraph, max(0, len(paragraph) - _TAIL_CHARS)) if may_end else None
        line = paragraph if tail is None else paragraph[: tail.start()]
        cut = cut if tail is None else tail[1].startswith("Register")
        if line and not is_boilerplate(line):
            kept.append(line)
    return "\n\n".join(kept), cut


START: Final = "Viewing results"
# WordPress can print the hyphen as an en dash.
_HEADER: Final = re.compile(
    r"Viewing results ([0-9]{1,9}) [-–] ([0-9]{1,9}) of ([0-9]{1,9})"  # noqa: RUF001
)
# Also with letters that are not Latin, or numbers with other characters.
_LOOSE_HEADER: Final = re.compile(
    r"\w{5,8}\s+\w{5,8}\s+[0-9]\S{0,9}\s+\W\s+[0-9]\S{0,9}\s+\w{2}\s+[0-9]\S{0,9}"
)


def is_header(line: str) -> bool:
    """Whether `line` (spaces collapsed) is a listing's "Viewing results A - B of C", well-formed or malformed."""
    return len(line) <= 80 and (line.startswith(START) or _LOOSE_HEADER.fullmatch(line) is not None)


def read_header(line: str) -> ResultCount | None:
    """The numbers of a line "Viewing results 91 - 100 of 95" as printed (100, not 95); None for any other line."""
    match = _HEADER.fullmatch(line)
    return None if match is None else ResultCount(*map(int, match.groups()))


# calendar.month_name follows the locale of the process; the site always prints English.
_MONTH_NAMES: Final = "January February March April May June July August September October November December"
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}
_STRICT: Final = re.compile(r"([0-9]{2}) ([A-Z][a-z]{2,8}) ([0-9]{4})")
_LOOSE: Final = re.compile(r"\w{1,4}[ .,]{1,3}\w{3,12}[ .,]{1,3}[0-9]{2,4}")


def read_date(line: str) -> date | None:
    """Parse a whole line "05 December 2025" (two-digit day, full English month, year) to a date.

    None for any other line and for a date that does not exist.
    """
    match = _STRICT.fullmatch(line.strip())
    if match is None:
        return None
    day, month, year = match.groups()
    try:
        return date(int(year), _MONTHS.get(month, 0), int(day))
    except ValueError:
        return None


def is_date_like(line: str) -> bool:
    """Whether `line` has the form of a date, valid or not: "5 December 2025", "31 Febr 2025"."""
    line = line.strip()
    return line[:1].isdigit() and _LOOSE.fullmatch(line) is not None


def parse_instant(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Parse an ISO 8601 text to a UTC time; None for any other value and outside the years 1990 to 2200.

    `zone` applies to a time without an offset; with `zone` None such a time is None, since the site's zone has changed.
    """
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip()[:40])
    except ValueError:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=zone)
    return time.astimezone(UTC) if time.tzinfo and 1990 <= time.year <= 2200 else None


# Six descriptions in one line have some 90 characters; credits name places and agencies.
_MAX_CHARS: Final = 160
# No label, byline, date or ticker line is longer; most paragraphs are.
_LABEL_CHARS: Final = 300
_AROUND: Final = " ()[]*:|•·–—-"  # noqa: RUF001 (the en dash is printed so)
# The search for one sign is faster than the split.
_BAR: Final = re.compile(r"[|·•∙/]")
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


def describes_article(line: str) -> bool:
    """Whether the whole `line` (spaces collapsed) is a label such as "3 hours ago", and neither title nor text."""
    return 0 < len(line) <= _MAX_CHARS and _describes(line)


# Readers check the same lines several times over.
@lru_cache(maxsize=1_024)
def _describes(line: str) -> bool:
    return (
        _is_description(line)
        or is_credit(line)
        or (_BAR.search(line) is not None and _is_list(_BARS.split(line), category_words=3))
        or _is_list(_COMMAS.split(line), category_words=0)
    )


def is_credit(line: str) -> bool:
    """Whether the whole `line` (spaces collapsed) is a photo credit: it names a picture's author or agency."""
    return len(line) <= _MAX_CHARS and _CREDIT.fullmatch(line.casefold().strip(" ()[]*")) is not None


def _is_list(parts: Iterable[str], category_words: int) -> bool:
    """Whether at least one of several parts is a label, and the others are names, numbers or a short category."""
    shown = [part for part in parts if part]
    if len(shown) < 2:
        return False
    others = [part for part in shown if not _is_description(part)]
    return len(shown) > len(others) and all(
        part.count(" ") < category_words or part.isdecimal() or read_byline(part) is not None
        for part in others
    )


def _is_description(part: str) -> bool:
    part = part.casefold().strip(_AROUND)
    event = _EVENT.match(part)
    rest = part if event is None else part[event.end() :]
    return (event is not None and not rest) or _DESCRIPTION.fullmatch(rest) is not None


def clean_article(lines: Iterable[str]) -> Article:
    """Make an article of its lines, without the labels above and below the text and without links of the site's theme.

    A byline above the text gives `author`, photo credits become `media`.
    """
    author: str | None = None
    kept: list[str] = []
    described: list[str] = []
    for raw in lines:
        line = collapse_spaces(raw)
        is_long = len(line) > _LABEL_CHARS
        if not line or (not is_long and (is_boilerplate(line) or is_ticker_line(line))):
            continue
        if kept or is_long:
            kept.append(line)
        elif (name := read_byline(line)) is not None:
            author = author or name
        else:
            (described if describes_article(line) else kept).append(line)
    while kept and describes_article(kept[-1]):
        described.append(kept.pop())
    cleaned = clean(kept)
    credits_ = [Media("caption", None, line) for line in described if is_credit(line)]
    return cleaned._replace(author=author, media=(*credits_, *cleaned.media))
