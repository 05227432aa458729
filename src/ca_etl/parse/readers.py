"""From the lines of a text page to its articles: one small reader for each kind of page.

`READERS` is the one place where a kind gets its reader. The furniture between articles is shared by all of them
(`runs`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ca_etl.parse.blocks import Block
from ca_etl.parse.clean import byline
from ca_etl.parse.headings import Told, opens_article
from ca_etl.parse.lines import Line
from ca_etl.parse.old_site import read_old
from ca_etl.parse.page import PageKind
from ca_etl.parse.runs import NAME_WORDS, Run, ends_teaser, runs_of, take_biography
from ca_etl.parse.titles import MAX_CHARS, is_caption, is_title_case, is_title_like, listed_score

# Scores of listings are about 3 points for a title; what goes against their alternation costs this.
_TITLE_AFTER_TITLE: Final = 3.0
_TEXT_AFTER_TEXT: Final = 2.5
_TEXT_FIRST: Final = 1.5


def read_blocks(kind: PageKind, lines: Sequence[Line]) -> list[Block]:
    """The articles of a page of this kind, in order."""
    return READERS[kind](lines)


def teasers(lines: Sequence[Line]) -> int:
    """How many "Continue reading" lines of their own there are."""
    return sum(line.text[:1] in "Cc" and len(line.text) < 40 and ends_teaser(line.text) for line in lines)


def _listed(lines: Sequence[Line]) -> list[Block]:
    """Titles and texts take turns: of all ways to part the lines the one that fits their looks best."""
    texts = [text for run in runs_of(lines) for text in run.texts]
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


def _full(lines: Sequence[Line]) -> list[Block]:
    """Full articles or teasers, whose section headings look like titles."""
    blocks: list[Block] = []
    for run in runs_of(lines):
        blocks += _full_run(run)
    return blocks


def _full_run(run: Run) -> list[Block]:
    """The articles of one run: its first line is a title if it can be one, the further ones by their score."""
    texts = run.texts
    caption = texts[0] if _has_caption_above(texts) else None
    if caption is not None:
        texts = texts[1:]
    blocks: list[Block] = []
    told = Told()
    in_title_case = True
    last: Block | None = None
    for number, text in enumerate(texts):
        # Most paragraphs are too long to be looked at.
        is_title = len(text) <= MAX_CHARS and is_title_like(text)
        if last is None:
            is_title = is_title and number + 1 < len(texts)
            in_title_case = not is_title or is_title_case(text)
        elif is_title:
            behind = texts[number + 1 : number + 3]
            is_title = _opens(text, behind, told, in_title_case=in_title_case)
        if is_title:
            last = Block(text)
            blocks.append(last)
            told = Told(text)
        elif last is None:
            last = Block(None, [text])
            blocks.append(last)
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
    if not behind or (len(behind) > 1 and is_title_like(behind[0])):
        return False
    return opens_article(text, behind, told, first_in_title_case=in_title_case)


def _has_caption_above(texts: Sequence[str]) -> bool:
    """Whether a run begins with a picture's caption: a short line above another one that has the text."""
    if len(texts) < 3 or not (is_title_like(texts[0]) and is_title_like(texts[1])) or is_title_like(texts[2]):
        return False
    return is_caption(texts[0]) or (texts[0].count(" ") < NAME_WORDS <= texts[1].count(" ") + 1)


def _single(lines: Sequence[Line]) -> list[Block]:
    """One article and all of the page: a title if the first line can be one, an author's box at the end."""
    runs = list(runs_of(lines))
    texts = [text for run in runs for text in run.texts]
    if not texts:
        return []
    author = next((run.author for run in runs if run.author is not None), None) or take_biography(texts)
    is_titled = is_title_like(texts[0]) and len(texts) > 1
    block = Block(texts[0], texts[1:], author) if is_titled else Block(None, texts, author)
    if is_titled and (name := byline(block.paragraphs[0])) is not None:
        block.author, block.paragraphs = name, block.paragraphs[1:]
    elif len(block.paragraphs) > 1 and (name := byline(block.paragraphs[-1])) is not None:
        block.author, block.paragraphs = name, block.paragraphs[:-1]
    return [block]


READERS: Final[Mapping[PageKind, Callable[[Sequence[Line]], list[Block]]]] = {
    PageKind.LISTING: _listed,
    PageKind.AUTHOR: _listed,
    PageKind.HOME: _full,
    PageKind.OTHER: _full,
    PageKind.ARTICLE: _single,
    PageKind.OLD_SITE: read_old,
}
