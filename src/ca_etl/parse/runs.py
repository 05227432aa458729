"""The furniture between articles of a text page: "Continue reading", author boxes, bylines, dividers.

It is no text, but tells where an article ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ca_etl.parse.clean import byline, is_furniture
from ca_etl.parse.lines import Line, plain
from ca_etl.parse.titles import is_title_like

# In an author's box: names, biography, dividers.
_BOX_LINES: Final = 10
NAME_WORDS: Final = 6
# What "Continue reading", "Read more", "Register", "View more", "divider" and "Leave a comment" begin with.
_FURNITURE_OPENS: Final = frozenset({"cont", "read", "regi", "view", "divi", "leav"})
_BOX_END: Final = re.compile(r"view more articles from", re.IGNORECASE)
_MORE: Final = re.compile(
    r"(?:continue reading|read more|register to read more)(?!\w)[ .…→»:]*", re.IGNORECASE
)
_SITE: Final = "the times of central asia"


def has_written_by(lines: Sequence[Line]) -> bool:
    """Whether a bullet "Written by NAME" stands there, as on the old site."""
    return any(len(line.text) < 120 and is_written_by(line.text) for line in lines[:60])


def is_written_by(text: str) -> bool:
    """Whether the line is a bullet "Written by NAME"."""
    return text.lstrip("•*-– ").startswith("Written by ")  # noqa: RUF001 (printed so)


def ends_teaser(text: str) -> bool:
    """Whether the line is a "Continue reading" or its like and nothing else."""
    return len(text) < 60 and _MORE.fullmatch(text) is not None


@dataclass(slots=True)
class Run:
    """Lines between two borders that furniture draws; `author` is the byline that stood behind them."""

    texts: list[str] = field(default_factory=list)
    author: str | None = None


def runs_of(lines: Sequence[Line]) -> Iterator[Run]:
    """The lines without furniture, parted where a teaser or an author's box ends."""
    run = Run()
    skip_to = 0
    for number, line in enumerate(lines):
        if number < skip_to:
            continue
        text = line.text
        opening = text[:4]
        if (
            opening[0] not in "CcRrVvDdLl"
            or (opening.isascii() and opening.lower() not in _FURNITURE_OPENS)
            or len(text) > 300
            or not (is_furniture(text) or ends_teaser(text))
        ):
            run.texts.append(text)
            continue
        if _BOX_END.match(text) is not None:
            _drop_box(run)
        elif ends_teaser(text):
            if text[:1] in "Rr":
                # "Register to read more" says that the text is cut, which `clean` takes from it.
                run.texts.append(text)
            skip_to, run.author = _behind_teaser(lines, number + 1)
        else:
            continue
        if run.texts:
            yield run
            run = Run()
    yield run


def _behind_teaser(lines: Sequence[Line], at: int) -> tuple[int, str | None]:
    """Where the next article begins behind "Continue reading", and the byline between: a name or the site's own."""
    for number in range(at, min(at + _BOX_LINES, len(lines))):
        text = lines[number].text
        if _BOX_END.match(text) is not None:
            first = lines[at].text
            return number + 1, byline(first) or (first if is_name(first) else None)
        if ends_teaser(text):
            break
    if at == len(lines):
        return at, None
    text = lines[at].text
    name = byline(text) or (text if plain(text).casefold() == _SITE else None)
    if name is not None:
        at += 1
    names = [line.text for line in lines[at : at + 2] if is_name(line.text)]
    if len(lines) - at <= _BOX_LINES and (len(names) == 2 or names[:1] == [name]):
        # The capture ends within the box.
        return len(lines), name or names[0]
    return at, name


def _drop_box(run: Run) -> None:
    """Take an author's box off the end of a run: from the name above the biography on."""
    texts = run.texts
    nearest = next((back for back in range(1, min(_BOX_LINES, len(texts)) + 1) if is_name(texts[-back])), 0)
    if nearest:
        first = len(texts) - nearest
        while first and is_name(texts[first - 1]):
            first -= 1
        run.author = texts[first]
        del texts[first:]


def take_biography(texts: list[str]) -> str | None:
    """The name above a biography that ends an article, both taken off: the biography repeats the name."""
    for at in range(max(1, len(texts) - 4), len(texts) - 1):
        if is_name(texts[at]) and texts[at].split()[-1] in texts[at + 1]:
            name = texts[at]
            del texts[at:]
            return name
    return None


def is_name(text: str) -> bool:
    """Whether the line can be a person's name and nothing else."""
    words = text.split()
    return (
        len(words) <= NAME_WORDS
        and len(text) < 60
        and is_title_like(text)
        and not any(sign.isdigit() or sign in ":?!$%" for sign in text)
        and all(word[:1].isupper() or len(word) < 4 for word in words)
    )
