"""From the lines of a text page to its articles: one small reader for each kind of page.

`READERS` is the one place where a kind gets its reader. The furniture between articles ("Continue reading", author
boxes, bylines, dividers) is shared by all of them: it is no text, but tells where an article ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ca_etl.parse.clean import byline, is_furniture
from ca_etl.parse.lines import Line, plain
from ca_etl.parse.page import PageKind
from ca_etl.parse.titles import (
    MAX_CHARS,
    OPENS,
    Told,
    full_score,
    is_caption,
    is_title_case,
    is_title_like,
    listed_score,
)

# In an author's box: names, biography, dividers.
_BOX_LINES: Final = 10
_NAME_WORDS: Final = 6
# What "Continue reading", "Read more", "Register", "View more", "divider" and "Leave a comment" begin with.
_FURNITURE_OPENS: Final = frozenset("CcRrVvDdLl")
_BOX_END: Final = re.compile(r"view more articles from", re.IGNORECASE)
_MORE: Final = re.compile(
    r"(?:continue reading|read more|register to read more)(?!\w)[ .…→»:]*", re.IGNORECASE
)
_REPEATED: Final = re.compile(r"read more:\s*(\S.*)", re.IGNORECASE)
_SITE: Final = "the times of central asia"
# Scores of listings are about 3 points for a title; what goes against their alternation costs this.
_TITLE_AFTER_TITLE: Final = 3.0
_TEXT_AFTER_TEXT: Final = 2.5
_TEXT_FIRST: Final = 1.5
_TAKING_TURNS: Final = frozenset({PageKind.LISTING, PageKind.AUTHOR})


@dataclass(slots=True)
class Block:
    """One article as lines: its title, its paragraphs, its byline, a picture's caption above its title."""

    title: str | None
    paragraphs: list[str] = field(default_factory=list)
    author: str | None = None
    caption: str | None = None


def read_blocks(kind: PageKind, lines: Sequence[Line]) -> list[Block]:
    """The articles of a page of this kind, in order."""
    return READERS[kind](lines)


def without_cut_title(kind: PageKind, blocks: list[Block]) -> tuple[list[Block], str | None]:
    """The blocks of a text that ends within a line, and the title, if that line is the beginning of one.

    Where titles and texts take turns, a last line behind a text is one, and nobody knows how it goes on.
    """
    last = blocks[-1] if blocks else None
    if kind not in _TAKING_TURNS or last is None:
        return blocks, None
    if last.title is not None and not last.paragraphs:
        return blocks[:-1], last.title
    if last.title is not None and len(last.paragraphs) > 1 and len(last.paragraphs[-1]) <= MAX_CHARS:
        return blocks, last.paragraphs.pop()
    return blocks, None


def teasers(lines: Sequence[Line]) -> int:
    """How many "Continue reading" lines of their own there are."""
    return sum(line.text[:1] in "Cc" and len(line.text) < 40 and _ends_teaser(line.text) for line in lines)


def has_written_by(lines: Sequence[Line]) -> bool:
    """Whether a bullet "Written by NAME" stands there, as on the old site."""
    return any(len(line.text) < 120 and _is_written_by(line.text) for line in lines[:60])


def _is_written_by(text: str) -> bool:
    return text.lstrip("•*-– ").startswith("Written by ")  # noqa: RUF001 (printed so)


def _ends_teaser(text: str) -> bool:
    return len(text) < 60 and _MORE.fullmatch(text) is not None


def _listed(lines: Sequence[Line]) -> list[Block]:
    """Titles and texts take turns: of all ways to part the lines the one that fits their looks best."""
    texts = [text for run in _runs(lines) for text in run.texts]
    if len(texts) > 1 and not is_title_like(texts[0]) and not any(map(is_title_like, texts)):
        return [Block(None, [text]) for text in texts]
    blocks: list[Block] = []
    for text, is_title in zip(texts, _alternating(texts), strict=True):
        last = blocks[-1] if blocks else None
        name = byline(text) if last is not None and not last.paragraphs and len(text) <= 120 else None
        if last is not None and name is not None:
            last.author = name
        elif is_title:
            blocks.append(Block(text))
        elif last is None:
            blocks.append(Block(None, [text]))
        else:
            last.paragraphs.append(text)
    return blocks


def _alternating(texts: Sequence[str]) -> list[bool]:
    """Which of the texts are titles, by the least costly sequence of titles and texts."""
    if all(map(is_title_like, texts[::2])) and not any(map(is_title_like, texts[1::2])):
        # Nearly every page; nothing is less costly.
        return [number % 2 == 0 for number in range(len(texts))]
    best_title, best_text = 0.0, -_TEXT_FIRST
    came: list[tuple[bool, bool]] = []
    for number, text in enumerate(texts):
        following = texts[number + 1] if number + 1 < len(texts) else ""
        score = listed_score(text, following)
        if number:
            twice, again = best_title - _TITLE_AFTER_TITLE, best_text - _TEXT_AFTER_TEXT
            came.append((twice > best_text, best_title >= again))
            best_title, best_text = max(best_text, twice) + score, max(best_title, again) - score
        else:
            came.append((False, False))
            best_title, best_text = best_title + score, best_text - score
    marks: list[bool] = []
    # Behind a title the last line is its text, however short: captures end within one.
    is_title = best_title > best_text and not (len(came) > 1 and came[-1][0])
    for from_title, text_from_title in reversed(came):
        marks.append(is_title)
        is_title = from_title if is_title else text_from_title
    return marks[::-1]


@dataclass(slots=True)
class _Run:
    """Lines between two borders that furniture draws; `author` is the byline that stood behind them."""

    texts: list[str] = field(default_factory=list)
    author: str | None = None


def _runs(lines: Sequence[Line]) -> Iterator[_Run]:
    """The lines without furniture, parted where a teaser or an author's box ends."""
    run = _Run()
    skip_to = 0
    for number, line in enumerate(lines):
        if number < skip_to:
            continue
        text = line.text
        if (
            text[0] not in _FURNITURE_OPENS
            or len(text) > 300
            or not (is_furniture(text) or _ends_teaser(text))
        ):
            run.texts.append(text)
            continue
        if _BOX_END.match(text) is not None:
            _drop_box(run)
        elif _ends_teaser(text):
            if text[:1] in "Rr":
                # "Register to read more" says that the text is cut, which `clean` takes from it.
                run.texts.append(text)
            skip_to, run.author = _behind_teaser(lines, number + 1)
        else:
            continue
        if run.texts:
            yield run
            run = _Run()
    yield run


def _behind_teaser(lines: Sequence[Line], at: int) -> tuple[int, str | None]:
    """Where the next article begins behind "Continue reading", and the byline between: a name or the site's own."""
    for number in range(at, min(at + _BOX_LINES, len(lines))):
        text = lines[number].text
        if _BOX_END.match(text) is not None:
            first = lines[at].text
            return number + 1, byline(first) or (first if _is_name(first) else None)
        if _ends_teaser(text):
            break
    if at == len(lines):
        return at, None
    text = lines[at].text
    name = byline(text) or (text if plain(text).casefold() == _SITE else None)
    if name is not None:
        at += 1
    names = [line.text for line in lines[at : at + 2] if _is_name(line.text)]
    if len(lines) - at <= _BOX_LINES and (len(names) == 2 or names[:1] == [name]):
        # The capture ends within the box.
        return len(lines), name or names[0]
    return at, name


def _drop_box(run: _Run) -> None:
    """Take an author's box off the end of a run: from the name above the biography on."""
    texts = run.texts
    nearest = next((back for back in range(1, min(_BOX_LINES, len(texts)) + 1) if _is_name(texts[-back])), 0)
    if nearest:
        first = len(texts) - nearest
        while first and _is_name(texts[first - 1]):
            first -= 1
        run.author = texts[first]
        del texts[first:]


def _take_biography(texts: list[str]) -> str | None:
    """The name above a biography that ends an article, both taken off: the biography repeats the name."""
    for at in range(max(1, len(texts) - 4), len(texts) - 1):
        if _is_name(texts[at]) and texts[at].split()[-1] in texts[at + 1]:
            name = texts[at]
            del texts[at:]
            return name
    return None


def _is_name(text: str) -> bool:
    words = text.split()
    return (
        len(words) <= _NAME_WORDS
        and len(text) < 60
        and is_title_like(text)
        and not any(sign.isdigit() or sign in ":?!$%" for sign in text)
        and all(word[:1].isupper() or len(word) < 4 for word in words)
    )


def _full(lines: Sequence[Line]) -> list[Block]:
    """Full articles or teasers, whose section headings look like titles."""
    blocks: list[Block] = []
    for run in _runs(lines):
        blocks += _full_run(run)
    return blocks


def _full_run(run: _Run) -> list[Block]:
    """The articles of one run: its first line is a title if it can be one, the further ones by their score."""
    texts = run.texts
    caption = texts[0] if _has_caption_above(texts) else None
    if caption is not None:
        texts = texts[1:]
    blocks: list[Block] = []
    told = Told()
    in_title_case = True
    for number, text in enumerate(texts):
        behind = texts[number + 1 : number + 3]
        last = blocks[-1] if blocks else None
        if last is None:
            is_title = is_title_like(text) and bool(behind)
            in_title_case = not is_title or is_title_case(text)
        else:
            is_title = _opens(text, behind, told, in_title_case=in_title_case)
        if is_title:
            blocks.append(Block(text))
            told = Told(text)
        elif last is None:
            blocks.append(Block(None, [text]))
            told.texts.append(text)
        elif not last.paragraphs and len(text) <= 120 and (name := byline(text)) is not None:
            last.author = name
        else:
            last.paragraphs.append(text)
            told.texts.append(text)
    if blocks:
        blocks[0].caption = caption
        blocks[-1].author = blocks[-1].author or run.author
    return blocks


def _opens(text: str, behind: Sequence[str], told: Told, *, in_title_case: bool) -> bool:
    # Where nothing follows, a heading, a title and a paragraph cut by the end of the capture are all alike.
    if not behind or not is_title_like(text) or (len(behind) > 1 and is_title_like(behind[0])):
        return False
    return full_score(text, behind, told, first_in_title_case=in_title_case) >= OPENS


def _has_caption_above(texts: Sequence[str]) -> bool:
    """Whether a run begins with a picture's caption: a short line above another one that has the text."""
    if len(texts) < 3 or not (is_title_like(texts[0]) and is_title_like(texts[1])) or is_title_like(texts[2]):
        return False
    return is_caption(texts[0]) or (texts[0].count(" ") < _NAME_WORDS <= texts[1].count(" ") + 1)


def _single(lines: Sequence[Line]) -> list[Block]:
    """One article and all of the page: a title if the first line can be one, an author's box at the end."""
    runs = list(_runs(lines))
    texts = [text for run in runs for text in run.texts]
    if not texts:
        return []
    author = next((run.author for run in runs if run.author is not None), None) or _take_biography(texts)
    is_titled = is_title_like(texts[0]) and len(texts) > 1
    block = Block(texts[0], texts[1:], author) if is_titled else Block(None, texts, author)
    if is_titled and (name := byline(block.paragraphs[0])) is not None:
        block.author, block.paragraphs = name, block.paragraphs[1:]
    elif len(block.paragraphs) > 1 and (name := byline(block.paragraphs[-1])) is not None:
        block.author, block.paragraphs = name, block.paragraphs[:-1]
    return [block]


def _old(lines: Sequence[Line]) -> list[Block]:
    """The old site: a title is what a bullet "Written by" follows, or "Read more:" repeats; the rest is text.

    The first line of its pages is injected spam. Digests have no title of their own, and their sub-headlines are
    text. Teasers that end in an ellipsis are an article each.
    """
    texts = [line.text for line in lines]
    repeated = {plain(found[1]).casefold() for text in texts if (found := _REPEATED.match(text)) is not None}
    blocks: list[Block] = []
    is_over = True
    for number, text in enumerate(texts):
        is_signed = number + 1 < len(texts) and _is_written_by(texts[number + 1])
        if is_signed or plain(text).casefold() in repeated:
            blocks.append(Block(text))
            is_over = False
        elif number == 0 and _is_spam(texts):
            continue
        elif _is_written_by(text) and len(text) < 120:
            if blocks and not blocks[-1].paragraphs:
                blocks[-1].author = byline(text)
        elif _REPEATED.match(text) is not None or (_ends_teaser(text) and text[:2] != "Re"):
            is_over = True
        elif is_furniture(text):
            continue
        elif is_over or (blocks[-1].title is None and blocks[-1].paragraphs[-1].endswith(("...", "…"))):
            blocks.append(Block(None, [text]))
            is_over = False
        else:
            blocks[-1].paragraphs.append(text)
    return blocks


def _is_spam(texts: Sequence[str]) -> bool:
    """Whether the first line is a row of keywords and no beginning of a text: it has no sentence."""
    first = plain(texts[0])
    return len(texts) > 1 and not first.endswith((".", "!", "?", "...", '"')) and " (TCA) " not in first


READERS: Final[Mapping[PageKind, Callable[[Sequence[Line]], list[Block]]]] = {
    PageKind.LISTING: _listed,
    PageKind.AUTHOR: _listed,
    PageKind.HOME: _full,
    PageKind.OTHER: _full,
    PageKind.ARTICLE: _single,
    PageKind.OLD_SITE: _old,
}
