"""Articles of an HTML page: headings with links, and what is under them.

The card of a heading is the widest element around it that holds no other article's heading. The text is what
follows the heading within its card, or where that is nothing (the card is the heading alone) what follows up to
the next card or the end of the element that holds the cards. Lines above a heading are its labels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from selectolax.lexbor import LexborNode

from ca_etl.parse.clean import attachment_number, squeeze
from ca_etl.parse.dates import instant
from ca_etl.parse.html_document import GAP, MARK, MARK_END, Heading, Markup, ancestors
from ca_etl.parse.labels import clean_article, describes_article
from ca_etl.parse.links import is_address, resolve
from ca_etl.parse.page import Article, Media

# Attributes of HTML, microdata and WordPress itself: no theme's.
AUTHOR: Final = '[rel~=author],[itemprop=author],a[href*="/author/"]'
_CAPTION: Final = "figcaption,.wp-caption-text:not(figcaption)"
_MARKED: Final = re.compile(f"{MARK}([0-9]{{1,9}}){MARK_END}")
# Ancestors of a heading that are looked at for its card; no theme nests cards deeper.
_CLIMB: Final = 24
_NAME_CHARS: Final = 200
# A line with a date or a byline in it is the article's meta line up to this length, and text beyond.
META_LINE_CHARS: Final = 80


@dataclass(slots=True)
class Facts:
    """What a page shows of an article beside its text; times are UTC."""

    author: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
    media: list[Media] = field(default_factory=list)

    @classmethod
    def of(cls, node: LexborNode) -> Facts:
        """What a `time` or an element that names an author states."""
        if node.tag != "time":
            name = squeeze(node.text()[:_NAME_CHARS])
            return cls(author=None if is_address(name) else name or None)
        classes = (node.attrs.get("class") or "").split()
        at = instant(node.attrs.get("datetime") or "")
        is_change = "updated" in classes and "published" not in classes
        return cls(modified_at=at) if is_change else cls(published_at=at)

    def add(self, later: Facts) -> None:
        """Add what is stated further down: of author and times the first counts."""
        self.author = self.author or later.author
        self.published_at = self.published_at or later.published_at
        self.modified_at = self.modified_at or later.modified_at
        self.media += later.media


@dataclass(slots=True)
class _Title:
    """A heading that may be an article's, its card, and the lines in it, under it in the card, and after the card."""

    node: LexborNode
    href: str
    card: LexborNode
    heading: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)


class _Border(NamedTuple):
    """Where a mark sends the lines that follow it; facts go to its title, or to that of the border before."""

    title: _Title | None
    lines: list[str]


_Marks = dict[str, Facts | _Border]


class Cards(NamedTuple):
    """The articles of a page, the lines before the first of them, and the short lines within their cards."""

    articles: tuple[Article, ...]
    before: Sequence[str]
    labels: Sequence[str]


def read_cards(markup: Markup, headings: Iterable[Heading], base: str | None) -> Cards:
    """The articles of `markup`, which is used up by it; links are relative to `base`.

    Headings of a level that has no text under any of them are a widget's when another level has text.
    """
    titles = [
        _Title(node, href, node)
        for node, href in headings
        if href is not None and not describes_article(squeeze(node.text()))
    ]
    marks, dropped = _mark_facts(markup)
    titles = [title for title in titles if title.node.mem_id not in dropped]
    _find_cards(titles)
    before: list[str] = []
    labels: list[str] = []
    is_lone = len(titles) == 1
    # The card of a lone article can be the whole page, its date line included.
    marks |= _mark_borders(markup, titles, above=before if is_lone else labels)
    _read_lines(markup, marks, before, labels)
    labels += [] if is_lone else [line for title in titles for line in title.inside]
    articles = [(title.node.tag, _article(title, base)) for title in titles]
    levels = {level for level, one in articles if one.text is not None}
    shown = [one for level, one in articles if one.title and (not levels or level in levels)]
    numbered = (one._replace(position=position) for position, one in enumerate(shown, start=1))
    return Cards(tuple(numbered), before, [line for line in labels if len(line) <= META_LINE_CHARS])


def _mark_facts(markup: Markup) -> tuple[_Marks, set[int]]:
    """Set marks at authors, times and captions; captions and all in them leave the tree (their ids are the second)."""
    marks: _Marks = {}
    dropped: set[int] = set()
    # Outer elements first: the text of a name or caption is read before a mark can be set in it.
    for node in markup.body.css(f"{AUTHOR},{_CAPTION},time"):
        if node.mem_id in dropped:
            continue
        is_caption = node.tag == "figcaption" or "wp-caption-text" in (node.attrs.get("class") or "")
        facts = Facts(media=[_caption(node)]) if is_caption else Facts.of(node)
        marks[markup.mark(node.insert_before)] = facts
        if is_caption:
            dropped.update(inner.mem_id for inner in node.css("*"))
            node.decompose()
    return marks, dropped


def _find_cards(titles: Sequence[_Title]) -> None:
    paths = [list(islice(ancestors(title.node), _CLIMB)) for title in titles]
    if len(titles) == 1:
        # Nothing states where the card of a lone article ends, but these elements.
        named = [node for tag in ("article", "main") for node in paths[0] if node.tag == tag]
        titles[0].card = (named or paths[0][-1:] or [titles[0].node])[0]
        return
    titles_in = Counter(node.mem_id for path in paths for node in path)
    for title, path in zip(titles, paths, strict=True):
        for node in path:
            if titles_in[node.mem_id] > 1:
                break
            title.card = node


def _mark_borders(markup: Markup, titles: Sequence[_Title], above: list[str]) -> _Marks:
    """Set marks at the cards and titles, and at the end of each element that holds cards."""
    marks: _Marks = {}
    stopped: set[int] = set()
    for title in titles:
        marks[markup.mark(title.card.insert_before)] = _Border(title, above)
        marks[markup.mark(title.node.insert_before)] = _Border(title, title.heading)
        # Where the card is the heading, the mark set last is next to it: the title's end must be.
        marks[markup.mark(title.card.insert_after)] = _Border(title, title.after)
        marks[markup.mark(title.node.insert_after)] = _Border(title, title.inside)
        holder = title.card.parent
        if holder is not None and holder.mem_id not in stopped and holder.tag not in {"body", "html"}:
            stopped.add(holder.mem_id)
            marks[markup.mark(holder.insert_after)] = _Border(None, [])
    return marks


def _read_lines(markup: Markup, marks: _Marks, before: list[str], labels: list[str]) -> None:
    """Give the text between the marks to what it belongs to, the page's begin to `before`."""
    lines, facts = before, Facts()
    for raw in markup.text().split(GAP):
        if MARK not in raw:
            lines.append(raw)
            continue
        line, has_facts = "", False
        pieces = _MARKED.split(raw)
        for piece, number in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
            line += piece
            mark = marks.get(number)
            if isinstance(mark, Facts):
                facts.add(mark)
                has_facts = True
                continue
            # A short line with facts is the article's meta line and no text.
            text = squeeze(line)
            (labels if has_facts and len(text) <= META_LINE_CHARS else lines).append(text)
            line, has_facts = "", False
            if mark is not None:
                lines = mark.lines
                facts = facts if mark.title is None else mark.title.facts


def _caption(node: LexborNode) -> Media:
    """The caption of a picture, with the number of the attachment, which its figure or image has."""
    figure = node.parent
    image = None if figure is None else figure.css_first("img")
    names = (figure and figure.attrs.get("id"), image and image.attrs.get("class"))
    attachment = next(filter(None, (attachment_number(name or "") for name in names)), None)
    return Media("caption", attachment, squeeze(node.text()) or None)


def take_captions(container: LexborNode) -> list[Media]:
    """The captions of pictures in an element, which they leave."""
    captions = container.css(_CAPTION)
    media = [_caption(node) for node in captions]
    # From the end: what is taken out holds none that is still to come.
    for node in reversed(captions):
        node.decompose()
    return media


def _article(title: _Title, base: str | None) -> Article:
    """The article of a title, with the text within its card, or where that has none the text after it."""
    cleaned = clean_article(title.inside)
    if cleaned.text is None:
        after = clean_article(title.after)
        media = cleaned.media + after.media
        cleaned = after._replace(author=cleaned.author or after.author, media=media)
    return Article(
        position=0,
        title=squeeze(" ".join(title.heading)),
        url=resolve(base, title.href),
        text=cleaned.text,
        is_truncated=cleaned.is_truncated,
        author=title.facts.author or cleaned.author,
        published_at=title.facts.published_at,
        modified_at=title.facts.modified_at,
        dateline=cleaned.dateline,
        media=(*title.facts.media, *cleaned.media),
    )
