"""Listing pages of many long articles that are made up from a seed, as WET and WARC files for `ca-etl ingest`.

Titles and texts are sentences of our own phrases, rates are those of the demo's tickers, page layouts those of the
demo site. An article is on as many pages as asked for: on one, every text is new; on ten, as on a news site.
`python -m benchmarks.corpus FOLDER` writes one file of each kind.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from benchmarks.pages import BASE_URL, render_text, write_html, write_text
from benchmarks.weight import weighted
from ca_etl.demo.content import SITE_ZONE, DemoArticle, prose, slugify, tickers
from ca_etl.demo.pages import PER_PAGE, Listing, ListingKind, PageOptions, render_html

ARTICLES: Final = 30_000
SENTENCES: Final = (20, 50)
# The shares of sentences that name a city, and an amount: some ten and two of an article.
PLACED: Final = 0.3
PRICED: Final = 0.05
CITIES: Final = (
    "Almaty", "Astana", "Shymkent", "Aktau", "Bishkek", "Osh", "Naryn", "Karakol", "Tashkent", "Samarkand",
    "Bukhara", "Nukus", "Dushanbe", "Khujand", "Khorog", "Ashgabat", "Mary", "Turkmenbashi",
)  # fmt: skip
WHO: Final = (
    "The city council", "A cooperative of beekeepers", "The regional railway", "An association of teachers",
    "The water authority", "A group of weavers", "The chamber of commerce", "The institute of geology",
    "A family of orchardists", "The harbour office", "The ministry of transport", "A start-up of engineers",
    "The customs service", "A museum of carpets", "The seismological station", "The union of drivers",
    "The state library", "A brigade of electricians", "The veterinary clinic", "The meteorologists",
)  # fmt: skip
DOES: Final = (
    "opened", "rebuilt", "measured", "leased", "insured", "photographed", "postponed", "paid for", "surveyed",
    "widened", "inspected", "renamed", "auctioned", "repaired", "counted", "painted", "ordered", "described",
)  # fmt: skip
WHAT: Final = (
    "{n} hives above the old road", "a bridge of {n} tonnes", "{n} looms from the closed mill",
    "a school for {n} pupils", "the pumps of {n} villages", "{n} kilometres of track", "a store of {n} carpets",
    "wells that serve {n} households", "{n} hectares of apricots", "a hall with {n} seats", "{n} maps of the delta",
    "lamps along {n} streets", "{n} crates of dried fruit", "a fleet of {n} minibuses", "the archive of {n} letters",
    "{n} sensors on the dam", "ferries for {n} passengers", "a clinic with {n} beds",
)  # fmt: skip
WHEN: Final = (
    "before the first snow", "in the spring of {y}", "after {n} hearings", "within {s} weeks", "despite the drought",
    "for the third time since {y}", "on the advice of two auditors", "at the request of the neighbours",
    "while the pass was closed", "with money left from {y}", "without waiting for the tender", "by a narrow vote",
    "as the river fell by {s} centimetres", "during the wheat harvest", "under a plan of {y}",
)  # fmt: skip
PAID: Final = ("at a cost of ${m} million", "for {m} billion soms", "with a loan of {m} million tenge")
NUMBER: Final = re.compile(r"\{[nsmy]\}")
NUMBERS: Final = {"{n}": (20, 9_999), "{s}": (2, 19), "{m}": (2, 400), "{y}": (1991, 2024)}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Listings of `articles` distinct articles, each of them on `pages_each` pages, all chosen by `seed`."""

    articles: int = ARTICLES
    pages_each: int = 1
    seed: int = 1

    @property
    def pages(self) -> int:
        """The number of listing pages, of `PER_PAGE` articles each."""
        return self.articles * self.pages_each // PER_PAGE

    def captured_at(self, page: int) -> datetime:
        """The capture time of a page by its number from 0, in UTC: on the day that it prints, some seconds apart."""
        days = len(tickers())
        first = -(-(page * days // self.pages) * self.pages // days)
        return datetime.combine(self._day(page), time(2), UTC) + timedelta(seconds=page - first)

    def text(self) -> Iterator[tuple[str, bytes]]:
        """URL and text of each page, as a WET file has them."""
        for url, listing, options in self._listings():
            yield url, render_text(listing, options).encode()

    def html(self) -> Iterator[tuple[str, bytes]]:
        """URL and HTML of each page, with the weight of a real page."""
        for url, listing, options in self._listings():
            yield url, weighted(render_html(listing, options, BASE_URL), BASE_URL).encode()

    def _listings(self) -> Iterator[tuple[str, Listing, PageOptions]]:
        for page in range(self.pages):
            day = self._day(page)
            first = page * PER_PAGE // self.pages_each
            articles = tuple(_article(self.seed, number, day) for number in range(first, first + PER_PAGE))
            listing = Listing(ListingKind.LATEST, "/latest/", "Latest", page + 1, self.articles, articles, ())
            yield BASE_URL + listing.path(page + 1)[1:], listing, PageOptions(day, tickers()[day])

    def _day(self, page: int) -> date:
        days = list(tickers())
        return days[page * len(days) // self.pages]


@lru_cache(maxsize=4 * PER_PAGE)
def _article(seed: int, number: int, day: date) -> DemoArticle:
    rng = random.Random(f"{seed}/{number}")  # noqa: S311  made-up prose is no secret
    title = f"{_sentence(rng).rstrip('.')}, {rng.choice(CITIES)} reports"
    sentences = [_sentence(rng) for _ in range(rng.randint(*SENTENCES))]
    return DemoArticle(
        post_id=number,
        slug=slugify(title),
        title=title,
        category=next(iter(prose().categories)),
        author=prose().authors[0],
        published_at=datetime.combine(day, time(9), SITE_ZONE),
        paragraphs=(" ".join(sentences),),
    )


def _sentence(rng: random.Random) -> str:
    place = f" near {rng.choice(CITIES)}" if rng.random() < PLACED else ""
    ending = rng.choice(PAID if rng.random() < PRICED else WHEN)
    pieces = f"{rng.choice(WHO)} {rng.choice(DOES)} {rng.choice(WHAT)}{place} {ending}."
    return NUMBER.sub(lambda field: str(rng.randint(*NUMBERS[field[0]])), pieces)


def main(folder: Path) -> None:
    """Write both corpora as WET and WARC files, and print their paths."""
    for name, corpus in (("distinct", Corpus()), ("repeated", Corpus(ARTICLES // 10, 10))):
        (folder / name).mkdir(parents=True)
        print(write_text(folder / name, corpus.text(), corpus.captured_at))
        print(write_html(folder / name, name, corpus.html(), corpus.captured_at))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
