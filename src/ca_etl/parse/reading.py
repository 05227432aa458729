"""What stands under each title: the lines of a marked page, handed out one after the other.

`cards` sets the marks; here each line goes to the title whose card it stands in, and each fact (author, time,
caption) to its article.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from selectolax.lexbor import LexborNode

from ca_etl.parse.clean import Cleaned, squeeze
from ca_etl.parse.page import Media

FACTS: Final = frozenset({"time", "modified", "author", "media"})
# A line with a date or a byline in it is the article's meta line up to this length, and text beyond.
_META_LINE_CHARS: Final = 80


@dataclass(slots=True)
class Title:
    """A heading that may be an article's, and what was read under it."""

    node: LexborNode
    level: str
    href: str | None
    card: LexborNode
    text: str = ""
    inside: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    author: str | None = None
    published: datetime | None = None
    modified: datetime | None = None
    media: list[Media] = field(default_factory=list)
    cleaned: Cleaned | None = None


class Mark(NamedTuple):
    """What a mark stands for: card, title, title_end, card_end, stop, or one of the article's own facts."""

    kind: str
    title: Title | None = None
    value: str = ""
    media: Media | None = None


class Reading:
    """Where the next line belongs."""

    def __init__(self, *, is_lone: bool) -> None:
        self.before: list[str] = []
        self.labels: list[str] = []
        self.is_lone = is_lone
        self._lines = self.before
        self._heading: list[str] | None = None
        self._title: Title | None = None
        self._in_card = False

    def keep(self, lines: Sequence[str]) -> None:
        """Take whole lines of text."""
        (self._lines if self._heading is None else self._heading).extend(lines)
        if self._in_card:
            self.labels.extend(line for line in lines if len(line) <= _META_LINE_CHARS)

    def keep_marked(self, line: str, *, has_facts: bool) -> None:
        """Take a line that marks stood in; a short one with facts is the article's meta line and no text."""
        line = squeeze(line)
        if not line:
            return
        if has_facts and len(line) <= _META_LINE_CHARS:
            self.labels.append(line)
        else:
            self.keep([line])

    def pass_border(self, mark: Mark) -> None:
        """Go on behind the begin or end of a card or title."""
        if mark.kind == "card":
            self._title = mark.title
            self._in_card = not self.is_lone
            # The card of a lone article can be the whole page, its date line included.
            self._lines = self.before if self.is_lone else []
        elif mark.kind == "title":
            self._heading = []
        elif mark.kind == "title_end" and mark.title is not None:
            mark.title.text = squeeze(" ".join(self._heading or []))
            self._heading, self._lines = None, mark.title.inside
        elif mark.kind == "card_end" and mark.title is not None:
            self._lines = mark.title.behind
            self._in_card = False
        elif mark.kind == "stop":
            self._lines = []

    def take_fact(self, mark: Mark) -> None:
        """Give a fact to the article it stands in; the first of each kind counts."""
        title = self._title
        if title is None:
            return
        if mark.kind == "author":
            title.author = title.author or mark.value or None
        elif mark.kind == "time":
            title.published = title.published or instant(mark.value)
        elif mark.kind == "modified":
            title.modified = title.modified or instant(mark.value)
        elif mark.media is not None:
            title.media.append(mark.media)


def instant(value: str) -> datetime | None:
    """An ISO 8601 time in UTC; None without an offset, because the site's own zone has changed."""
    try:
        read = datetime.fromisoformat(value.strip()[:40])
    except ValueError:
        return None
    if read.tzinfo is None or not 1990 <= read.year <= 2200:
        return None
    return read.astimezone(UTC)
