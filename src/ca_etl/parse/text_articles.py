"""Division of a text page's lines into articles, with one reader for each kind of page (`READERS`).

Lines between articles ("Continue reading", author boxes, bylines, dividers) are not text, but mark where an article
ends (`_sections_of`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ca_etl.parse.lines import describes_article, fold_punctuation, is_boilerplate, is_credit, read_byline
from ca_etl.parse.page import PageKind
from ca_etl.parse.title_scoring import (
    MAX_CHARS,
    is_caption,
    is_title_case,
    is_title_like,
    listed_score,
    opens_article,
)

_TAKING_TURNS: Final = frozenset({PageKind.LISTING, PageKind.AUTHOR})
# What a whole text can end with; an asterisk follows names.
_ENDS: Final = ".!?\u2026\"\u201d'\u2019)]\u00bb*"


@dataclass(slots=True)
class Block:
    """The lines of one article in a text page: title, paragraphs, author, and the picture caption above the title."""

    title: str | None
    paragraphs: list[str] = field(default_factory=list)
    author: str | None = None
    caption: str | None = None


def take_truncated_title(kind: PageKind, blocks: list[Block]) -> tuple[list[Block], str | None]:
    """Remove a last title that the end of the capture truncates; returns the other blocks, and the title or None.

    Call it for captures that end within a line. On listings and author pages, where titles and texts alternate, a last
    line after a text is a truncated title.
    """
    last = blocks[-1] if blocks else None
    if kind not in _TAKING_TURNS or last is None:
        return blocks, None
    if last.title is not None and not last.paragraphs:
        return blocks[:-1], last.title
    if last.title is not None and len(last.paragraphs) > 1 and len(last.paragraphs[-1]) <= MAX_CHARS:
        return blocks, last.paragraphs.pop()
    return blocks, None


def is_last_text_truncated(blocks: Sequence[Block], lines: Sequence[str]) -> bool:
    """Whether the last text of a capture that ends within a line is truncated: its last line ends no sentence.

    A text that is truncated after a full stop cannot be distinguished from a complete one.
    """
    last = blocks[-1].paragraphs[-1:] if blocks else []
    return bool(last) and last[0] == lines[-1] and last[0][-1] not in _ENDS


# In an author's box: names, biography, dividers.
_BOX_LINES: Final = 10
NAME_WORDS: Final = 6
_BOX_END: Final = re.compile(r"view more articles from", re.IGNORECASE)
_MORE: Final = re.compile(
    r"(?:continue reading|read more|register to read more)(?!\w)[ .…→»:]*", re.IGNORECASE
)
_SITE: Final = "the times of central asia"


def has_written_by(lines: Sequence[str]) -> bool:
    """Whether one of the first 60 lines is a bullet "Written by NAME", as on pages of the site's old design."""
    return any(len(line) < 120 and _is_written_by(line) for line in lines[:60])


def _is_written_by(text: str) -> bool:
    """Whether the line is a bullet "Written by NAME"."""
    return text.lstrip("•*-– ").startswith("Written by ")  # noqa: RUF001 (printed so)


def _ends_teaser(text: str) -> bool:
    """Whether the line is only "Continue reading" or similar."""
    return len(text) < 60 and _MORE.fullmatch(text) is not None


def _sections_of(lines: Sequence[str]) -> Iterator[tuple[list[str], str | None]]:
    """Sections of lines without boilerplate, which end with a teaser or an author's box, each with its author."""
    texts: list[str] = []
    author: str | None = None
    skip_to = 0
    for number, text in enumerate(lines):
        if number < skip_to:
            continue
        if not (is_boilerplate(text) or _ends_teaser(text)):
            texts.append(text)
            continue
        if _BOX_END.match(text) is not None:
            author = _take_box(texts) or author
        elif _ends_teaser(text):
            if text[:1] in "Rr":
                # "Register to read more" marks a cut text, which `clean` reads from it.
                texts.append(text)
            skip_to, author = _after_teaser(lines, number + 1)
        else:
            continue
        if texts:
            yield texts, author
            texts, author = [], None
    yield texts, author


def _after_teaser(lines: Sequence[str], at: int) -> tuple[int, str | None]:
    """The index of the next article's first line after "Continue reading", and the author named before it, or None."""
    for number, text in enumerate(lines[at : at + _BOX_LINES], start=at):
        if _BOX_END.match(text) is not None:
            first = lines[at]
            return number + 1, read_byline(first) or (first if _is_name(first) else None)
        if _ends_teaser(text):
            break
    if at == len(lines):
        return at, None
    text = lines[at]
    name = read_byline(text) or (text if fold_punctuation(text).casefold() == _SITE else None)
    if name is not None:
        at += 1
    names = [line for line in lines[at : at + 2] if _is_name(line)]
    if len(lines) - at <= _BOX_LINES and (len(names) == 2 or names[:1] == [name]):
        # The capture ends within the box.
        return len(lines), name or names[0]
    return at, name


def _take_box(texts: list[str]) -> str | None:
    """Remove an author's box (name and biography) from the end of `texts`; returns the name, or None without a box."""
    nearest = next((back for back in range(1, min(_BOX_LINES, len(texts)) + 1) if _is_name(texts[-back])), 0)
    if not nearest:
        return None
    first = len(texts) - nearest
    while first and _is_name(texts[first - 1]):
        first -= 1
    name = texts[first]
    del texts[first:]
    return name


def _take_biography(texts: list[str]) -> str | None:
    """Remove a name and the biography that repeats it from the end of `texts`; returns the name, or None."""
    for at in range(max(1, len(texts) - 4), len(texts) - 1):
        if _is_name(texts[at]) and texts[at].split()[-1] in texts[at + 1]:
            name = texts[at]
            del texts[at:]
            return name
    return None


def _is_name(text: str) -> bool:
    """Whether the line can be only a person's name."""
    words = text.split()
    return (
        len(words) <= NAME_WORDS
        and len(text) < 60
        and is_title_like(text)
        and not any(sign.isdigit() or sign in ":?!$%" for sign in text)
        and all(word[:1].isupper() or len(word) < 4 for word in words)
    )


_REPEATED: Final = re.compile(r"read more:\s*(\S.*)", re.IGNORECASE)


def _read_old(lines: Sequence[str]) -> list[Block]:
    """The articles of a page of the site's old design.

    A title is a line that a bullet "Written by" follows or "Read more:" repeats; all other lines are text. Digests have
    no title, and their sub-headlines are text. Each teaser that ends in an ellipsis is an article.
    """
    repeated = _repeated(lines)
    blocks: list[Block] = []
    is_over = True
    for number, text in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        is_signed = _is_written_by(following) and not describes_article(text)
        if is_signed or fold_punctuation(text).casefold() in repeated:
            blocks.append(Block(text))
            is_over = False
        elif _is_written_by(text) and len(text) < 120:
            if blocks and not blocks[-1].paragraphs:
                blocks[-1].author = read_byline(text)
        elif _REPEATED.match(text) is not None or (_ends_teaser(text) and text[:2] != "Re"):
            is_over = True
        elif is_boilerplate(text):
            continue
        elif is_over or (blocks[-1].title is None and blocks[-1].paragraphs[-1].endswith(("...", "…"))):
            blocks.append(Block(None, [text]))
            is_over = False
        else:
            blocks[-1].paragraphs.append(text)
    return blocks


def drop_spam(lines: Sequence[str]) -> tuple[Sequence[str], str | None]:
    """Remove a line of spam keywords at the top of an old-design page; returns the other lines, and the spam or None.

    Spam is a first line without a sentence that is neither an article's title nor boilerplate.
    """
    if len(lines) < 2:
        return lines, None
    text = lines[0]
    first = fold_punctuation(text)
    is_prose = first.endswith((".", "!", "?", '"')) or " (TCA) " in first
    is_title = _is_written_by(lines[1]) or first.casefold() in _repeated(lines)
    if is_prose or is_title or _is_written_by(text) or is_boilerplate(text) or _ends_teaser(text):
        return lines, None
    return lines[1:], text


def _repeated(texts: Sequence[str]) -> set[str]:
    """The titles after "Read more:" in the lines, folded for matching."""
    return {
        fold_punctuation(match[1]).casefold()
        for text in texts
        if (match := _REPEATED.match(text)) is not None
    }


# Scores of listings are about 3 points for a title; what breaks their alternation costs this.
_TITLE_AFTER_TITLE: Final = 3.0
_TEXT_AFTER_TEXT: Final = 2.5
_TEXT_FIRST: Final = 1.5


def _without_labels(texts: list[str]) -> tuple[list[str], dict[int, str]]:
    """Remove label lines (dates, counts, credits): the texts left, and the credits by the index of the text after them.

    A label is removed next to a title or another label and at either end; a date between two paragraphs is text.
    """
    labels = {number for number, text in enumerate(texts) if describes_article(text)}
    if not labels:
        return texts, {}
    kept: list[str] = []
    credit_of: dict[int, str] = {}
    for number, text in enumerate(texts):
        beside = [at for at in (number - 1, number + 1) if 0 <= at < len(texts) and at not in labels]
        if number not in labels or (len(beside) == 2 and not any(is_title_like(texts[at]) for at in beside)):
            kept.append(text)
        elif is_credit(text):
            credit_of.setdefault(len(kept), text)
    return kept, credit_of


def count_teasers(lines: Sequence[str]) -> int:
    """The number of lines that are only "Continue reading"."""
    return sum(line[:1] in "Cc" and len(line) < 40 and _ends_teaser(line) for line in lines)


def _listed(lines: Sequence[str]) -> list[Block]:
    """The articles of a listing, where titles and one-paragraph texts alternate; the best-scoring division is taken."""
    texts, credit_of = _without_labels([text for texts, _ in _sections_of(lines) for text in texts])
    if len(texts) > 1 and not any(map(is_title_like, texts)):
        return [Block(None, [text]) for text in texts]
    blocks: list[Block] = []
    for number, (text, is_title) in enumerate(zip(texts, _alternating(texts), strict=True)):
        is_byline = bool(blocks) and not blocks[-1].paragraphs and read_byline(text) is not None
        _add_line(blocks, text, is_title=is_title and not is_byline, caption=credit_of.get(number))
    return blocks


def _add_line(blocks: list[Block], text: str, *, is_title: bool, caption: str | None) -> None:
    """Add a line to the articles so far: as the title of the next, or as a byline or paragraph of the last."""
    if is_title or not blocks:
        blocks.append(Block(text) if is_title else Block(None, [text]))
    elif not blocks[-1].paragraphs and (name := read_byline(text)) is not None:
        blocks[-1].author = name
    else:
        blocks[-1].paragraphs.append(text)
    blocks[-1].caption = blocks[-1].caption or caption


def _alternating(texts: Sequence[str]) -> list[bool]:
    """For each of the texts whether it is a title, by the best-scoring sequence of titles and texts."""
    if all(map(is_title_like, texts[::2])) and not any(map(is_title_like, texts[1::2])):
        # Nearly every page; no other sequence costs less.
        return [number % 2 == 0 for number in range(len(texts))]
    # As after a text, so that a title costs nothing at first.
    best_title, best_text = -_TEXT_FIRST, 0.0
    came: list[tuple[bool, bool]] = []
    for number, text in enumerate(texts):
        following = texts[number + 1] if number + 1 < len(texts) else ""
        score = listed_score(text, following)
        twice, again = best_title - _TITLE_AFTER_TITLE, best_text - _TEXT_AFTER_TEXT
        came.append((twice > best_text, best_title >= again))
        best_title, best_text = max(best_text, twice) + score, max(best_title, again) - score
    marks: list[bool] = []
    # After a title the last line is its text, however short: captures end within one.
    is_title = best_title > best_text and not (len(came) > 1 and came[-1][0])
    for from_title, text_from_title in reversed(came):
        marks.append(is_title)
        is_title = from_title if is_title else text_from_title
    return marks[::-1]


def _full(lines: Sequence[str]) -> list[Block]:
    """The articles of a page of full articles or teasers, whose section headings have the form of titles."""
    return [block for texts, author in _sections_of(lines) for block in _full_section(texts, author)]


def _full_section(texts: list[str], author: str | None) -> list[Block]:
    """The articles of one section: the first line is a title by its form, later lines by their score."""
    texts, credit_of = _without_labels(texts)
    caption = texts[0] if _has_caption_above(texts) else None
    if caption is not None:
        texts, credit_of = texts[1:], {number - 1: credit for number, credit in credit_of.items()}
    blocks: list[Block] = []
    in_title_case = True
    for number, text in enumerate(texts):
        last = blocks[-1] if blocks else None
        # Most paragraphs are too long to be checked.
        is_title = len(text) <= MAX_CHARS and is_title_like(text)
        if last is None:
            is_title = is_title and len(texts) > 1
            in_title_case = not is_title or is_title_case(text)
        elif is_title:
            is_title = _opens(text, texts[number + 1 : number + 3], last, in_title_case=in_title_case)
        _add_line(blocks, text, is_title=is_title, caption=credit_of.get(number))
    if blocks:
        blocks[0].caption = caption or blocks[0].caption
        blocks[-1].author = blocks[-1].author or author
    return blocks


def _opens(text: str, following: Sequence[str], last: Block, *, in_title_case: bool) -> bool:
    # At the end, a heading, a title and a paragraph cut by the end of the capture cannot be distinguished.
    if not following or (len(following) > 1 and is_title_like(following[0])):
        return False
    return opens_article(
        text, following, last.title or "", last.paragraphs, first_in_title_case=in_title_case
    )


def _has_caption_above(texts: Sequence[str]) -> bool:
    """Whether a section begins with a picture caption: a short line above the title."""
    if len(texts) < 3 or not (is_title_like(texts[0]) and is_title_like(texts[1])) or is_title_like(texts[2]):
        return False
    return is_caption(texts[0]) or (texts[0].count(" ") < NAME_WORDS <= texts[1].count(" ") + 1)


def _single(lines: Sequence[str]) -> list[Block]:
    """The one article that a whole page is: a title if the first line has the form of a title, the text, the author."""
    sections = list(_sections_of(lines))
    texts, credit_of = _without_labels([text for texts, _ in sections for text in texts])
    if not texts:
        return []
    author = next((name for _, name in sections if name is not None), None) or _take_biography(texts)
    title = texts.pop(0) if is_title_like(texts[0]) and len(texts) > 1 else None
    above = read_byline(texts[0]) if title is not None else None
    below = read_byline(texts[-1]) if above is None and len(texts) > 1 else None
    if above is not None or below is not None:
        del texts[0 if below is None else -1]
    return [Block(title, texts, above or below or author, next(iter(credit_of.values()), None))]


READERS: Final[Mapping[PageKind, Callable[[Sequence[str]], list[Block]]]] = {
    PageKind.LISTING: _listed,
    PageKind.AUTHOR: _listed,
    PageKind.HOME: _full,
    PageKind.OTHER: _full,
    PageKind.ARTICLE: _single,
    PageKind.OLD_SITE: _read_old,
}
