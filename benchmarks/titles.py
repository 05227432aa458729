"""Precision and recall of titles on text pages, per layout, over a labelled corpus of our own prose.

`titles_corpus/build.txt` is what the scoring was built on, `titles_corpus/measure.txt` what it is measured on. Of the
latter only the totals of this table were seen while weights were chosen, never which titles were wrong; both halves
are by one hand, so pages of another may do worse. In both, "# " is a title, "## " a section heading,
"> " a picture's caption. The articles
are put together to pages of six in every layout, each article on each place, whole and cut after 2,000
bytes as web archives do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ca_etl.parse.text_page import read_text

CORPUS: Final = Path(__file__).parent / "titles_corpus"
HALVES: Final = ("build", "measure")
PER_PAGE: Final = 6
CUT_BYTES: Final = 2000
_FIVE: Final = "".join(
    f"  \N{BULLET} {pair}/USD = {rate} {change}\n"
    for pair, rate, change in (
        ("KGS", "0.01144", "0%"),
        ("KZT", "0.00198", "-0%"),
        ("TJS", "0.10857", "-0.18%"),
        ("UZS", "0.00008", "0%"),
        ("TMT", "0.28571", "0%"),
    )
)
_TICKER: Final = (_FIVE * 8)[2:]
_FOUR: Final = "".join(_FIVE.splitlines(keepends=True)[:4])
_DATE: Final = "05 December 2025\n"
_HEADER: Final = "Viewing results 1 - 6 of 48\n\n"
_BIOGRAPHY: Final = (
    "Nodira Example is a journalist based in Khorog who has reported on rivers, roads and radio for twelve years. "
    "divider Before that she taught physics."
)
_OTHER_BIOGRAPHY: Final = "Her work has appeared in three newspapers & one almanac: \u201cThe Pass\u201d."


@dataclass(slots=True)
class Story:
    """One article of the corpus; a paragraph is (mark, text) with the mark "", "## " or "> "."""

    title: str
    paragraphs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def flat(self) -> str:
        """The body in one paragraph, headings and captions run into it behind three blanks."""
        said = "".join(f"  {' ' if mark else ''}{text}" for mark, text in self.paragraphs)
        return said.strip()

    @property
    def full(self) -> str:
        """The body in paragraphs, one of them a no-break space."""
        texts = [text for _, text in self.paragraphs]
        return "\n\n".join([*texts[:2], "\N{NO-BREAK SPACE}", *texts[2:]])

    @property
    def teaser(self) -> str:
        """The first paragraph."""
        return self.paragraphs[0][1]


@dataclass(frozen=True, slots=True)
class Score:
    """Titles found and told, of pages of one layout."""

    right: int
    found: int
    told: int

    @property
    def precision(self) -> float:
        """The share of titles among what was taken for one."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the titles that was found."""
        return self.right / self.told if self.told else 1.0


def stories(half: str) -> list[Story]:
    """The articles of one half of the corpus, in order."""
    read: list[Story] = []
    for line in (CORPUS / f"{half}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            read.append(Story(line[2:]))
        elif line:
            mark = next((mark for mark in ("## ", "> ") if line.startswith(mark)), "")
            read[-1].paragraphs.append((mark, line.removeprefix(mark)))
    return read


def corpus_hash(half: str) -> str:
    """SHA-256 of one half of the corpus."""
    return hashlib.sha256((CORPUS / f"{half}.txt").read_bytes()).hexdigest()


def _opening(*lines: str) -> str:
    return "".join(f"{line}\n\n" for line in ("Our People > N. Example", "N. Example\u2019s Avatar", *lines))


def _flat(shown: Sequence[Story]) -> str:
    return "".join(f"{story.title}\n\n{story.flat}\n\n" for story in shown)


def _full(shown: Sequence[Story]) -> str:
    return "".join(f"{story.title}\n\n{story.full}\n\n" for story in shown)


def _teased(shown: Sequence[Story]) -> str:
    """Teasers with "Continue reading", every third article in full."""
    return "".join(
        f"{story.title}\n\n{story.full}\n\n"
        if number % 3 == 2
        else f"{story.title}\n\n{story.teaser}\n\nContinue reading\n\n"
        for number, story in enumerate(shown)
    )


def _signed(shown: Sequence[Story]) -> str:
    return "".join(
        f"{story.title}\n\n{story.teaser}\n\nContinue reading\n\nThe Times of Central Asia\n\n"
        for story in shown
    )


def _boxed(shown: Sequence[Story]) -> str:
    box = (
        f"Nodira Example\n\nN. Example\n\n{_BIOGRAPHY}\n\ndivider\n\n{_OTHER_BIOGRAPHY}\n\n"
        "View more articles fromNodira Example"
    )
    return "".join(
        f"{story.title}\n\n{story.teaser}\n\nContinue reading\n\nBy Nodira Example\n\n{box}\n\n"
        for story in shown
    )


def _glued(shown: Sequence[Story]) -> str:
    return "".join(
        f"{story.title}\n\nBISHKEK (TCA) \N{EM DASH} {story.teaser}{'   ' if number % 2 else ' '}Continue reading\n\n"
        for number, story in enumerate(shown)
    )


def _old(shown: Sequence[Story]) -> str:
    return "cheap shoes buy online best replica outlet\n\n" + "".join(
        f"{story.title}\n\n  \N{BULLET} Written by TCA\n\n{story.teaser}\n\nRead more: {story.title}\n\n"
        for story in shown
    )


_LISTING: Final = "https://timesca.com/category/news/"
_AUTHOR: Final = "https://timesca.com/author/n-example/"
_HOME: Final = "https://timesca.com/page/572/?catid=14&id=6054"
LAYOUTS: Final[Mapping[str, tuple[str, str, Callable[[Sequence[Story]], str]]]] = {
    "V1 listing without date": (_LISTING, f"{_TICKER}\n{_HEADER}", _flat),
    "V2 listing": (_LISTING, f"{_TICKER}{_DATE}\n{_HEADER}", _flat),
    "V4 listing of four pairs": (_LISTING, f"{(_FOUR * 8)[2:]}\n{_HEADER}", _flat),
    "V14 listing, glued links": (_LISTING, f"{_TICKER}\n{_HEADER}", _glued),
    "V16 listing, two cycles": (_LISTING, f"{(_FOUR * 2)[2:]}\n{_HEADER}", _flat),
    "V19 listing without ticker": (_LISTING, _HEADER, _glued),
    "V25 listing without ticker": (_LISTING, _HEADER, _flat),
    "V3 home pagination": (_HOME, f"{_TICKER}{_DATE}\n", _full),
    "V6 home, teasers": (_HOME, f"{_TICKER}{_DATE}\n", _teased),
    "V8 home without ticker": (_HOME, "", _signed),
    "V17 home, author boxes": (_HOME, "", _boxed),
    "V23 home, category label": (_HOME, f"{_TICKER}{_DATE}Uncategorized\n\n", _full),
    "V5 author, no biography": (_AUTHOR, f"{_TICKER}{_DATE}\n{_opening()}\n", _flat),
    "V5 author, Articles": (_AUTHOR, f"{_TICKER}\n{_opening('Articles')}", _flat),
    "V15 author, biography": (
        _AUTHOR,
        f"{_TICKER}{_DATE}\n{_opening('Nodira Example', 'Senior Editor', _BIOGRAPHY, _OTHER_BIOGRAPHY, 'Articles')}",
        _flat,
    ),
    "V15 author, no Articles": (
        _AUTHOR,
        f"{_TICKER}{_DATE}\n{_opening('Nodira Example', 'Senior Editor', _BIOGRAPHY)}",
        _flat,
    ),
    "V22 author without ticker": (_AUTHOR, _opening("Nodira Example", _BIOGRAPHY, "Articles"), _flat),
    "V7 old site": ("https://www.timesca.com/index.php/news", "", _old),
}


def pages(layout: str, told: Sequence[Story]) -> Iterator[tuple[str, str, list[str]]]:
    """Address, text and titles of the pages of one layout, whole and cut."""
    url, head, body = LAYOUTS[layout]
    for first in range(len(told)):
        shown = [told[(first + turn * (1 + first % 3)) % len(told)] for turn in range(PER_PAGE)]
        text = head + body(shown)
        yield url, text, [story.title for story in shown]
        cut = text.encode()[:CUT_BYTES].decode("utf-8", "ignore")
        # A title is on a cut page when something behind it is.
        for story in shown:
            cut = cut.removesuffix(f"{story.title}\n\n").removesuffix(f"{story.title}\n")
        yield url, cut, [story.title for story in shown if f"\n{story.title}\n\n" in f"\n{cut}"]


def measured(half: str, layout: str) -> Score:
    """Precision and recall of one layout over one half of the corpus."""
    right = found = told = 0
    for url, text, titles in pages(layout, stories(half)):
        page = read_text(text, url=url, on=None, charset="utf-8")
        read = Counter(article.title for article in page.articles if article.title is not None)
        right += (read & Counter(titles)).total()
        found += read.total()
        told += len(titles)
    return Score(right, found, told)


def mistakes(half: str, layout: str) -> Counter[str]:
    """What was taken for a title and is none ("+"), and what was missed ("-"), with the number of times."""
    wrong: Counter[str] = Counter()
    for url, text, titles in pages(layout, stories(half)):
        page = read_text(text, url=url, on=None, charset="utf-8")
        read = Counter(article.title for article in page.articles if article.title is not None)
        wrong.update(f"+ {title}" for title in (read - Counter(titles)).elements())
        wrong.update(f"- {title}" for title in (Counter(titles) - read).elements())
    return wrong


def main() -> None:
    """Print the table: what the scoring was built on and what it is measured on, side by side."""
    print("| layout | precision (build) | recall (build) | precision | recall | titles |")
    print("| --- | --- | --- | --- | --- | --- |")
    for layout in LAYOUTS:
        build, measure = (measured(half, layout) for half in HALVES)
        print(
            f"| {layout} | {build.precision:.3f} | {build.recall:.3f} | {measure.precision:.3f} "
            f"| {measure.recall:.3f} | {measure.told} |"
        )
    for half in HALVES:
        print(f"\n{half}: {len(stories(half))} articles, SHA-256 {corpus_hash(half)}")


if __name__ == "__main__":
    main()
