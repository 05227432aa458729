"""The demo site's articles and tickers: articles are invented, the same on every machine and at every call.

Article `n` is always the same: its story, city, persons and numbers follow from a hash of its number.
Articles appear overnight, one or two a day from 2024-07-01 on, so that the first playable day already has
several pages. All times are those of the site, UTC+5, as in all of Kazakhstan since March 2024.

`tickers.csv` holds one real ticker for each of 84 days between 2024-09-07 and 2026-02-25: of several tickers of a day
the one shown by most captured URLs, among equals the first in alphabetical order of its (pair, rate, change) texts. On
the days between, the site prints the ticker of the latest earlier day, as a real site with a stale feed does.
"""

from __future__ import annotations

import csv
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from hashlib import blake2b
from importlib import resources
from typing import Final, TypeVar

from ca_etl.errors import UsageError

SITE_ZONE: Final = timezone(timedelta(hours=5))
FIRST_DAY: Final = date(2024, 9, 7)
LAST_DAY: Final = date(2026, 2, 25)

# No later 30 days of 2025 have more days with a ticker of their own (18).
_DEFAULT_LAST_DAY: Final = date(2025, 12, 22)
_FIRST_ISSUE: Final = date(2024, 7, 1)
_FIRST_POST_ID: Final = 40_000
_TEASER_WORDS: Final = (38, 60)
_STRAIGHT: Final = str.maketrans({"“": '"', "”": '"', "\u2019": "'"})

_FIELD: Final = re.compile(r"\{(\w+)\}")
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "count": (100, 4_900),
    "small": (2, 19),
    "share": (3, 64),
    "year": (2011, 2023),
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PrintedRate:
    """One line of a ticker, as printed: `KZT/USD`, `0.00198`, `-0%`."""

    pair: str
    rate: str
    change: str

    @property
    def base(self) -> str:
        """The currency before the slash."""
        return self.pair.partition("/")[0]

    @property
    def line(self) -> str:
        """The line without its bullet."""
        return f"{self.pair} = {self.rate} {self.change}"


Ticker = tuple[PrintedRate, ...]


def default_last_day() -> date:
    """The last day that is played when only a number of days is given."""
    return _DEFAULT_LAST_DAY


def check_day(day: date) -> None:
    """Raise `UsageError` when `day` is outside the history, both ends of which can be played."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(
            f"the demo site has no {day}: it plays {FIRST_DAY} to {LAST_DAY}",
            f"ca-etl demo --days 30 --until {_DEFAULT_LAST_DAY}",
        )


@lru_cache(maxsize=1)
def tickers() -> Mapping[date, Ticker]:
    """The tickers by page date, in order of time."""
    lines: dict[date, list[PrintedRate]] = {}
    for row in csv.DictReader(_package_file("tickers.csv").splitlines()):
        rate = PrintedRate(row["pair"], row["rate"], row["change"])
        lines.setdefault(date.fromisoformat(row["page_date"]), []).append(rate)
    return {day: tuple(lines[day]) for day in sorted(lines)}


def ticker_day(day: date) -> date:
    """The day whose ticker is printed on `day`: itself, or the latest earlier one with a ticker.

    Raises `UsageError` outside the history.
    """
    check_day(day)
    days = list(tickers())
    return days[bisect_right(days, day) - 1]


def ticker_of(day: date) -> Ticker:
    """The ticker that the site prints on `day`. Raises `UsageError` outside the history."""
    return tickers()[ticker_day(day)]


def _package_file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Caption:
    """A picture in an article, with the number that WordPress gave the file."""

    attachment_id: int
    text: str

    @property
    def shortcode(self) -> str:
        """The shortcode as listings leave it in the text, with a space in place of the image."""
        return (
            f'[caption id="attachment_{self.attachment_id}" align="alignnone" width="300"] '
            f"{self.text}[/caption]"
        )


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """One article. `teaser` is the cut text that listings show instead, None where they show all of it.

    `edited_at` is the time of the last edit, None where there was none; both times are those of the site.
    """

    post_id: int
    slug: str
    title: str
    category: str
    author: str
    published_at: datetime
    paragraphs: tuple[str, ...]
    caption: Caption | None = None
    teaser: str | None = None
    edited_at: datetime | None = None

    @property
    def modified_at(self) -> datetime:
        """The time of the last change: of the publication, where there was no edit."""
        return self.edited_at or self.published_at

    @property
    def listing_text(self) -> str:
        """The text in one paragraph as listings print it: the teaser, or everything with the shortcode."""
        if self.teaser is not None:
            return self.teaser
        first, *others = self.paragraphs
        shortcode = [self.caption.shortcode] if self.caption else []
        return " ".join([first, *shortcode, *others])


@lru_cache(maxsize=1)
def articles() -> tuple[DemoArticle, ...]:
    """All articles of the history, oldest first."""
    return tuple(_article(number, at, prose()) for number, at in enumerate(_publication_times()))


def published_by(day: date) -> tuple[DemoArticle, ...]:
    """The articles that were published by the end of `day`, newest first."""
    count = bisect_right(articles(), day, key=lambda article: article.published_at.date())
    return articles()[:count][::-1]


def slugify(title: str) -> str:
    """A title's address, the WordPress way: `Osh: 5 Soms?` becomes `osh-5-soms`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("\u2019", "")).strip("-")


def _publication_times() -> list[datetime]:
    times = []
    for offset in range((LAST_DAY - _FIRST_ISSUE).days + 1):
        midnight = datetime.combine(_FIRST_ISSUE + timedelta(days=offset), time(0), SITE_ZONE)
        minute = 61 + 37 * offset % 97
        times.append(midnight + timedelta(minutes=minute))
        if offset % 2:
            times.append(midnight + timedelta(minutes=minute + 143))
    return times


@dataclass(frozen=True, slots=True)
class City:
    """A city with what an article about it needs. `per_100_usd` is in whole units of the currency."""

    name: str
    country: str
    people: str
    currency: str
    code: str
    per_100_usd: int


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of article: its category, two titles, an opening and the sentences that may follow."""

    category: str
    titles: Sequence[str]
    opening: str
    details: Sequence[str]


@dataclass(frozen=True, slots=True)
class Prose:
    """Everything that articles are made of. Categories map a slug to the name that is shown."""

    authors: Sequence[str]
    first_names: Sequence[str]
    last_names: Sequence[str]
    offices: Sequence[str]
    trades: Sequence[str]
    captions: Sequence[str]
    common: Sequence[str]
    categories: Mapping[str, str]
    cities: Sequence[City]
    stories: Sequence[Story]


@lru_cache(maxsize=1)
def prose() -> Prose:
    """The pieces of sentences in `stories.toml`."""
    data = tomllib.loads(_package_file("stories.toml"))
    countries = data.pop("countries")
    cities = [City(name, country, **countries[country]) for name, country in data.pop("cities").items()]
    return Prose(cities=cities, stories=[Story(**story) for story in data.pop("stories")], **data)


def _article(number: int, at: datetime, pieces: Prose) -> DemoArticle:
    kinds, cities = len(pieces.stories), len(pieces.cities)
    # Seven has no factor in common with eighteen kinds, so each block of eighteen articles has one of each;
    # the shift by kind gives a kind every city once before a title can come again.
    cycle, kind = number // kinds, number * 7 % kinds
    story, city = pieces.stories[kind], pieces.cities[(cycle + 11 * kind) % cities]
    writer = Writer(number, city, pieces)
    title = writer.fill(story.titles[(kind + cycle // cities) % len(story.titles)], "title")
    post_id = _FIRST_POST_ID + 7 * number
    paragraphs = _paragraphs(writer, story)
    is_cut = writer.roll("cut", 1, 4) == 1 and len(" ".join(paragraphs).split()) > _TEASER_WORDS[1]
    has_picture = not is_cut and writer.roll("picture", 1, 3) == 1
    caption = writer.fill(writer.pick("caption", pieces.captions), "caption")
    return DemoArticle(
        post_id=post_id,
        slug=slugify(title),
        title=title,
        category=story.category,
        author=writer.pick("author", pieces.authors),
        published_at=at,
        paragraphs=paragraphs,
        caption=Caption(post_id + 3, caption) if has_picture else None,
        teaser=_teaser(writer, paragraphs) if is_cut else None,
    )


def _paragraphs(writer: Writer, story: Story) -> tuple[str, ...]:
    others = writer.roll("paragraphs", 0, 5)
    sentences = [*writer.order("details", story.details), *writer.order("common", writer.pieces.common)]
    filled = [writer.fill(sentence, str(i)) for i, sentence in enumerate(sentences[: 2 * others])]
    dateline = f"{writer.city.name.upper()} (TCA) — " if writer.roll("dateline", 1, 4) == 1 else ""
    paragraphs = [dateline + writer.fill(story.opening, "opening")]
    paragraphs.extend(" ".join(filled[2 * i : 2 * i + 2]) for i in range(others))
    if writer.roll("quotes", 1, 5) == 1:
        return tuple(paragraph.translate(_STRAIGHT) for paragraph in paragraphs)
    return tuple(paragraphs)


def _teaser(writer: Writer, paragraphs: tuple[str, ...]) -> str:
    words = " ".join(paragraphs).split()
    ellipsis = writer.pick("ellipsis", ("...", "…"))
    return " ".join(words[: writer.roll("teaser", *_TEASER_WORDS)]).rstrip(".,;:\u2013— ") + ellipsis


@dataclass(frozen=True, slots=True)
class Writer:
    """Fills the fields of a piece. Persons stay the same through an article, numbers change by `key`.

    All choices follow from the article's number; `random` promises no equal draws across versions.
    """

    number: int
    city: City
    pieces: Prose

    def roll(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        digest = blake2b(f"{self.number}/{key}".encode(), digest_size=8).digest()
        return low + int.from_bytes(digest, "big") % (high - low + 1)

    def pick(self, key: str, options: Sequence[T]) -> T:
        """One of `options`."""
        return options[self.roll(key, 0, len(options) - 1)]

    def order(self, key: str, options: Sequence[T]) -> list[T]:
        """All of `options` in another order."""
        return [
            options[i] for i in sorted(range(len(options)), key=lambda i: self.roll(f"{key}{i}", 0, 1 << 60))
        ]

    def fill(self, piece: str, key: str) -> str:
        """The piece with its fields filled. Raises `ValueError` on an unknown field."""
        return _FIELD.sub(lambda field: self._value(field[1], key), piece)

    def _value(self, field: str, key: str) -> str:
        match field:
            case "city":
                text = self.city.name
            case "country" | "people":
                text = str(getattr(self.city, field))
            case "official":
                text = f"{self._person('o')}, {self.pick('office', self.pieces.offices)} of {self.city.name},"
            case "witness":
                text = f"{self._person('w')}, {self.pick('trade', self.pieces.trades)}"
            case "usd" | "modest_usd":
                text = f"${_short(self._dollars(field, key))}"
            case "money" | "modest":
                text = self._local(self._dollars(field, key))
            case "count" | "small" | "share" | "year":
                number = self.roll(f"{field}{key}", *_RANGES[field])
                text = f"{number:,}" if field == "count" else str(number)
            case _:
                raise ValueError(f"stories.toml: unknown field {{{field}}} (see the head of the file)")
        return text

    def _dollars(self, field: str, key: str) -> int:
        """Whole dollars: some hundreds, or up to ten millions."""
        if field.startswith("modest"):
            return 20 * self.roll(f"modest{key}", 3, 45)
        return 50_000 * self.roll(f"money{key}", 2, 190)

    def _person(self, key: str) -> str:
        first = self.pick(f"first{key}", self.pieces.first_names)
        return f"{first} {self.pick(f'last{key}', self.pieces.last_names)}"

    def _local(self, dollars: int) -> str:
        as_code = self.roll("currency", 1, 5) == 1
        number = _short(dollars * self.city.per_100_usd // 100)
        return f"{number} {self.city.code if as_code else self.city.currency}"


def _short(number: int) -> str:
    """`1500000` as `1.5 million`, `12300` as `12,300`; cut, not rounded, to one decimal."""
    for size, name in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            tenths = number * 10 // size
            return f"{tenths // 10:,}{f'.{tenths % 10}' if tenths % 10 else ''} {name}"
    return f"{number:,}"
