"""The demo site's articles and tickers: invented articles, equal on every machine, and real exchange rates.

Story, city, persons and numbers of an article follow from a hash of its number. Articles appear overnight, one or two a
day from 2024-07-01 on, so that listings have several pages on the first available day (`FIRST_DAY`). All times are in
the site's zone, UTC+5, as in all of Kazakhstan since March 2024.

`tickers.csv` holds one real ticker for each of 84 days between 2024-09-07 and 2026-02-25: of several tickers of a day
the one shown by most captured URLs, among equals the first in alphabetical order of its (pair, rate, change) texts. On
the days between, the site shows the ticker of the latest earlier day, as a real site with a stale feed does.
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
    """One line of the demo site's ticker, as text: `KZT/USD`, `0.00198`, `-0%`."""

    pair: str
    rate: str
    change: str

    @property
    def base(self) -> str:
        """The base currency of the pair: `KZT` of `KZT/USD`."""
        return self.pair.partition("/")[0]

    @property
    def line(self) -> str:
        """The ticker line without its bullet: `KZT/USD = 0.00198 -0%`."""
        return f"{self.pair} = {self.rate} {self.change}"


Ticker = tuple[PrintedRate, ...]


def default_last_day() -> date:
    """The last day of a demo when only its number of days is given."""
    return _DEFAULT_LAST_DAY


def check_day(day: date) -> None:
    """Raise `UsageError` when the demo site has no content for `day`: outside `FIRST_DAY` to `LAST_DAY`."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(
            f"the demo site has no content for {day}, only for {FIRST_DAY} to {LAST_DAY}",
            f"ca-etl demo --days 30 --until {_DEFAULT_LAST_DAY}",
        )


@lru_cache(maxsize=1)
def tickers() -> Mapping[date, Ticker]:
    """The real tickers of the demo site by page date, the oldest first."""
    lines: dict[date, list[PrintedRate]] = {}
    for row in csv.DictReader(_package_file("tickers.csv").splitlines()):
        rate = PrintedRate(row["pair"], row["rate"], row["change"])
        lines.setdefault(date.fromisoformat(row["page_date"]), []).append(rate)
    return {day: tuple(lines[day]) for day in sorted(lines)}


def ticker_day(day: date) -> date:
    """The day whose ticker the demo site shows on `day`: `day` itself, or the latest earlier day with a ticker.

    Raises `UsageError` for a day outside `FIRST_DAY` to `LAST_DAY`.
    """
    check_day(day)
    days = list(tickers())
    return days[bisect_right(days, day) - 1]


def ticker_of(day: date) -> Ticker:
    """The ticker that the demo site shows on `day`. Raises `UsageError` outside `FIRST_DAY` to `LAST_DAY`."""
    return tickers()[ticker_day(day)]


def _package_file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Caption:
    """The caption of a picture in a demo article, and the picture's attachment id in WordPress."""

    attachment_id: int
    text: str

    @property
    def shortcode(self) -> str:
        """The caption as a WordPress shortcode, as listings show it in the text, with a space for the image."""
        return (
            f'[caption id="attachment_{self.attachment_id}" align="alignnone" width="300"] '
            f"{self.text}[/caption]"
        )


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """One invented article of the demo site.

    `teaser` is the truncated text that listings show, None where they show the whole text. `edited_at` is the time of
    the last edit, None without an edit. Times are in the site's zone, UTC+5.
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
        """The time of the last edit of the article, or of its publication where it was never edited."""
        return self.edited_at or self.published_at

    @property
    def listing_text(self) -> str:
        """The text of a demo article as listings show it, in one paragraph: the teaser, or the whole text.

        The whole text has the shortcode of its picture's caption.
        """
        if self.teaser is not None:
            return self.teaser
        first, *others = self.paragraphs
        shortcode = [self.caption.shortcode] if self.caption else []
        return " ".join([first, *shortcode, *others])


@lru_cache(maxsize=1)
def articles() -> tuple[DemoArticle, ...]:
    """All articles of the demo site until `LAST_DAY`, the oldest first."""
    return tuple(_article(number, at, prose()) for number, at in enumerate(_publication_times()))


def published_by(day: date) -> tuple[DemoArticle, ...]:
    """The demo articles published by the end of `day`, the newest first."""
    count = bisect_right(articles(), day, key=lambda article: article.published_at.date())
    return articles()[:count][::-1]


def slugify(title: str) -> str:
    """Make a slug of a title as WordPress does: `Osh: 5 Soms?` becomes `osh-5-soms`."""
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
    """A city that demo articles are about, with its country, people and currency.

    `per_100_usd` is what 100 US dollars cost, in whole units of that currency.
    """

    name: str
    country: str
    people: str
    currency: str
    code: str
    per_100_usd: int


@dataclass(frozen=True, slots=True)
class Story:
    """A template of invented articles: a category, two titles, an opening, and sentences that may follow."""

    category: str
    titles: Sequence[str]
    opening: str
    details: Sequence[str]


@dataclass(frozen=True, slots=True)
class Prose:
    """The templates and names that invented articles are made of; `categories` maps a slug to its display name."""

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
    """Read the templates and names of demo articles from `stories.toml`."""
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
    """Fills templates with names and numbers for one article; its persons stay the same, its numbers vary by `key`.

    All choices are made by a hash of the article's number: Python's `random` may change between versions.
    """

    number: int
    city: City
    pieces: Prose

    def roll(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included, chosen by the number of the demo article and `key`."""
        digest = blake2b(f"{self.number}/{key}".encode(), digest_size=8).digest()
        return low + int.from_bytes(digest, "big") % (high - low + 1)

    def pick(self, key: str, options: Sequence[T]) -> T:
        """One of `options`, chosen by the number of the demo article and `key`; the choice is always the same."""
        return options[self.roll(key, 0, len(options) - 1)]

    def order(self, key: str, options: Sequence[T]) -> list[T]:
        """All of `options`, in an order chosen by the number of the demo article and `key`."""
        return [
            options[i] for i in sorted(range(len(options)), key=lambda i: self.roll(f"{key}{i}", 0, 1 << 60))
        ]

    def fill(self, piece: str, key: str) -> str:
        """Replace the `{fields}` of a template by names and numbers.

        Two templates with different `key`s get different numbers in one article. Raises `ValueError` on an unknown
        field.
        """
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
        """An amount in whole dollars: some hundreds for a "modest" field, else up to ten millions."""
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
    """Format `1500000` as `1.5 million`, `12300` as `12,300`; truncated, not rounded, to one decimal."""
    for size, name in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            tenths = number * 10 // size
            return f"{tenths // 10:,}{f'.{tenths % 10}' if tenths % 10 else ''} {name}"
    return f"{number:,}"
