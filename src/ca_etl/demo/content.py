"""The demo site's articles and tickers: articles are invented, the same on every machine and at every call.

Article `n` is article `n` for ever: its story, place, persons and numbers follow from a hash of its number.
Articles appear overnight, one or two a day from 2024-07-01 on, so that the first playable day already has
several pages. All times are those of the site, UTC+5, as all of Kazakhstan has kept since March 2024.

`tickers.csv` holds one real ticker for each of 84 days between 2024-09-07 and 2026-02-25: of several tickers of a day
the one shown by most captured URLs, among equals the first in alphabetical order of its (pair, rate, change) texts. On
the days between, the site goes on printing the ticker of the latest earlier day, as a real site with a stale feed does.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from importlib import resources
from typing import Final

from ca_etl.demo.prose import Dice, Prose, Story, Writer, prose
from ca_etl.errors import UsageError

SITE_ZONE: Final = timezone(timedelta(hours=5))

_FIRST_ISSUE: Final = date(2024, 7, 1)
_FIRST_POST_ID: Final = 40_000
_TEASER_WORDS: Final = (38, 60)
_STRAIGHT: Final = str.maketrans({"“": '"', "”": '"', "\u2019": "'"})


@dataclass(frozen=True, slots=True)
class Caption:
    """A picture in an article, with the number that WordPress gave the file."""

    attachment_id: int
    text: str

    @property
    def shortcode(self) -> str:
        """The shortcode as listings leave it in the text; the image itself leaves a blank."""
        return (
            f'[caption id="attachment_{self.attachment_id}" align="alignnone" width="300"] '
            f"{self.text}[/caption]"
        )


@dataclass(frozen=True, slots=True)
class Article:
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
    caption: Caption | None
    teaser: str | None
    edited_at: datetime | None = None

    @property
    def modified_at(self) -> datetime:
        """When the article was last changed: its publication, where nobody has edited it."""
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
def articles() -> tuple[Article, ...]:
    """All articles of the history, oldest first."""
    pieces = prose()
    times = _publication_times()
    return tuple(_article(number, at, pieces) for number, at in enumerate(times))


def published_by(day: date) -> tuple[Article, ...]:
    """The articles that stand on the site on `day`, newest first."""
    every = articles()
    count = bisect_right(every, day, key=lambda article: article.published_at.date())
    return every[:count][::-1]


def slugify(title: str) -> str:
    """A title's address, the WordPress way: `Osh: 5 Soms?` becomes `osh-5-soms`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("\u2019", "")).strip("-")


def _publication_times() -> list[datetime]:
    times = []
    for offset in range((LAST_DAY - _FIRST_ISSUE).days + 1):
        day = _FIRST_ISSUE + timedelta(days=offset)
        midnight = datetime.combine(day, time(0), SITE_ZONE)
        minute = 61 + 37 * offset % 97
        times.append(midnight + timedelta(minutes=minute))
        if offset % 2:
            times.append(midnight + timedelta(minutes=minute + 143))
    return times


def _article(number: int, at: datetime, pieces: Prose) -> Article:
    dice = Dice(number)
    kinds, places = len(pieces.stories), len(pieces.places)
    # Seven has no factor in common with eighteen kinds, so each block of eighteen articles has one of each;
    # the shift by kind gives a kind every place once before a title can come again.
    cycle, kind = number // kinds, number * 7 % kinds
    story, place = pieces.stories[kind], pieces.places[(cycle + 11 * kind) % places]
    writer = Writer(dice, place, pieces)
    title = writer.fill(story.titles[(kind + cycle // places) % len(story.titles)], "title")
    post_id = _FIRST_POST_ID + 7 * number
    paragraphs = _paragraphs(dice, writer, story, pieces)
    cut = dice.roll("cut", 1, 4) == 1 and len(" ".join(paragraphs).split()) > _TEASER_WORDS[1]
    pictured = not cut and dice.roll("picture", 1, 3) == 1
    caption = writer.fill(dice.pick("caption", pieces.captions), "caption")
    return Article(
        post_id=post_id,
        slug=slugify(title),
        title=title,
        category=story.category,
        author=dice.pick("author", pieces.authors),
        published_at=at,
        paragraphs=paragraphs,
        caption=Caption(post_id + 3, caption) if pictured else None,
        teaser=_teaser(dice, paragraphs) if cut else None,
    )


def _paragraphs(dice: Dice, writer: Writer, story: Story, pieces: Prose) -> tuple[str, ...]:
    others = dice.roll("paragraphs", 0, 5)
    sentences = (*dice.order("details", story.details), *dice.order("common", pieces.common))
    filled = [writer.fill(sentence, str(i)) for i, sentence in enumerate(sentences[: 2 * others])]
    dateline = f"{writer.place.city.upper()} (TCA) — " if dice.roll("dateline", 1, 4) == 1 else ""
    paragraphs = [dateline + writer.fill(story.opening, "opening")]
    paragraphs.extend(" ".join(filled[2 * i : 2 * i + 2]) for i in range(others))
    if dice.roll("quotes", 1, 5) == 1:
        return tuple(paragraph.translate(_STRAIGHT) for paragraph in paragraphs)
    return tuple(paragraphs)


def _teaser(dice: Dice, paragraphs: tuple[str, ...]) -> str:
    words = " ".join(paragraphs).split()
    ellipsis = dice.pick("ellipsis", ("...", "…"))
    return " ".join(words[: dice.roll("teaser", *_TEASER_WORDS)]).rstrip(".,;:\u2013— ") + ellipsis


FIRST_DAY: Final = date(2024, 9, 7)
LAST_DAY: Final = date(2026, 2, 25)

# No later 30 days of 2025 have more days with a ticker of their own (18).
_DEFAULT_LAST_DAY: Final = date(2025, 12, 22)


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
    """The last day that is played when only a number of days is asked for."""
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
    found: dict[date, list[PrintedRate]] = {}
    text = resources.files(__package__).joinpath("tickers.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        line = PrintedRate(row["pair"], row["rate"], row["change"])
        found.setdefault(date.fromisoformat(row["page_date"]), []).append(line)
    return {day: tuple(found[day]) for day in sorted(found)}


def figure_day(day: date) -> date:
    """The day whose ticker is printed on `day`: itself, or the latest earlier one with a ticker.

    Raises `UsageError` outside the history.
    """
    check_day(day)
    days = list(tickers())
    return days[bisect_right(days, day) - 1]


def ticker_of(day: date) -> Ticker:
    """The ticker that the site prints on `day`. Raises `UsageError` outside the history."""
    return tickers()[figure_day(day)]
