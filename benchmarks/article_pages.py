"""Text of real article pages, ours and trafilatura's: `python -m benchmarks.article_pages FOLDER`.

FOLDER is `tests/` of a checkout of `adbar/trafilatura` (its evaluation pages with their labels; they are not ours and
are not in this repository). Of its pages those count that WordPress made, that call themselves an article, and that
have an absolute canonical link, which stands in for the address of the page. Each page has snippets that its text has
and snippets that it has not; a page is whole when its text has two thirds of the former. A page is lost where neither
an article of its address nor a reject comes of it. The status is 1 where a target is missed.
"""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser
from trafilatura import extract

from benchmarks.measure import machine
from ca_etl.parse.links import bare_address
from ca_etl.parse.page import Page
from ca_etl.parse.rows import read_page
from ca_etl.records import RejectReason

WHOLE, F_SCORE, LOST = 0.95, 0.93, 0
_FOLDERS: Final = ("eval", "cache")


class Labelled(NamedTuple):
    """A page, its address, and what its text has and has not."""

    url: str
    html: bytes
    wanted: Sequence[str]
    unwanted: Sequence[str]


class Reading(NamedTuple):
    """The text of a page, and whether a reject says why there is none."""

    text: str
    has_reject: bool


@dataclass(slots=True)
class Score:
    """What a reader made of all pages."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    whole: int = 0
    complete: int = 0
    lost: int = 0
    seconds: float = 0.0

    @property
    def precision(self) -> float:
        """Wanted snippets among those that were found."""
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Wanted snippets that were found."""
        return self.right / (self.right + self.missed)

    @property
    def f_score(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def labelled_pages(folder: Path) -> Iterator[Labelled]:
    """The articles of WordPress sites among the evaluation pages in `folder`."""
    labels = json.loads((folder / "evaldata.json").read_text(encoding="utf-8"))
    for item in labels.values():
        path = next((path for name in _FOLDERS if (path := folder / name / item["file"]).exists()), None)
        if path is None:
            continue
        html = path.read_bytes()
        tree = LexborHTMLParser(html)
        kind = tree.css_first('meta[property="og:type"]')
        link = tree.css_first("link[rel~=canonical]")
        url = "" if link is None else link.attributes.get("href") or ""
        is_article = kind is not None and kind.attributes.get("content") == "article"
        if (
            is_article
            and url.startswith("http")
            and any(map(html.lower().__contains__, (b"wp-content", b"wp-includes")))
        ):
            yield Labelled(url, html, item["with"], item["without"])


def ours(page: Labelled) -> Reading:
    """The text of the article of the page's address."""
    read = read_page(page.html, content_type="text/html", url=page.url, on=None)
    if not isinstance(read, Page):
        return Reading("", has_reject=True)
    own = [
        one.text or "" for one in read.articles if one.url and bare_address(one.url) == bare_address(page.url)
    ]
    rejects = [reject for reject in read.rejects if reject.reason is not RejectReason.NO_TICKER]
    return Reading(own[0] if own else "", bool(rejects))


def trafilatura(page: Labelled) -> Reading:
    """The text as trafilatura gives it to anyone."""
    return Reading(extract(page.html, include_comments=False) or "", has_reject=False)


def score(pages: Sequence[Labelled], read: Callable[[Labelled], Reading]) -> Score:
    """Read all pages and compare each with its labels."""
    made = Score()
    for page in pages:
        started = time.process_time()
        reading = read(page)
        made.seconds += time.process_time() - started
        text = _plain(reading.text)
        right = sum(_plain(snippet) in text for snippet in page.wanted)
        made.right += right
        made.missed += len(page.wanted) - right
        made.wrong += sum(_plain(snippet) in text for snippet in page.unwanted)
        made.whole += 3 * right >= 2 * len(page.wanted)
        made.complete += right == len(page.wanted)
        made.lost += not text and not reading.has_reject
    return made


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def main() -> int:
    """Print both readers' scores."""
    folder = Path(sys.argv[1]) if len(sys.argv) == 2 else None
    if folder is None or not (folder / "evaldata.json").exists():
        print("skipped: give the folder tests/ of a checkout of adbar/trafilatura, which has evaldata.json")
        return 0
    pages = list(labelled_pages(folder))
    print(f"{machine()}\n\n{len(pages)} pages\n")
    print("| reader | whole | every snippet | precision | recall | F | lost | ms a page |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    scores = {reader.__name__: score(pages, reader) for reader in (ours, trafilatura)}
    for name, made in scores.items():
        print(
            f"| {name} | {made.whole / len(pages):.3f} | {made.complete / len(pages):.3f} | {made.precision:.3f} "
            f"| {made.recall:.3f} | {made.f_score:.3f} | {made.lost} | {1000 * made.seconds / len(pages):.1f} |"
        )
    own = scores["ours"]
    is_met = own.whole >= WHOLE * len(pages) and own.f_score >= F_SCORE and own.lost <= LOST
    print(f"\nwhole at least {WHOLE}, F at least {F_SCORE}, lost {LOST}: {'met' if is_met else 'not met'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
