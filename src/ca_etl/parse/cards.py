"""Articles of an HTML page: headings with links, and what stands under them.

The card of a heading is the widest element around it that holds no other article's heading. The text is what
follows the heading within its card, or where that is nothing (the card is the heading alone) what follows up to
the next card or the end of the element that holds the cards. Lines above a heading are its labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from selectolax.lexbor import LexborNode

from ca_etl.parse.clean import Cleaned, byline, clean, is_furniture, squeeze
from ca_etl.parse.dates import instant
from ca_etl.parse.labels import describes_article, is_credit
from ca_etl.parse.links import article_link, resolve
from ca_etl.parse.markup import GAP, MARK, MARK_END, Body, Markup
from ca_etl.parse.page import Article, Media
from ca_etl.parse.ticker import is_ticker_line

# Attributes of HTML, microdata and WordPress itself: no theme's.
AUTHOR: Final = '[rel~=author],[itemprop=author],a[href*="/author/"]'
_CAPTION: Final = "figcaption,.wp-caption-text:not(figcaption)"
_MARKED: Final = re.compile(f"{MARK}([0-9]+){MARK_END}")
_ATTACHMENT: Final = re.compile(r"(?:attachment_|wp-image-)([0-9]{1,18})(?![0-9])")
# Ancestors of a heading that are looked at for its card; no theme nests cards deeper.
_CLIMB: Final = 24
_FACTS: Final = frozenset({"time", "modified", "author", "media"})
# A line with a date or a byline in it is the article's meta line up to this length, and text beyond.
_META_LINE_CHARS: Final = 80
# No label, byline, date or ticker line is longer; most paragraphs are.
_LABEL_CHARS: Final = 300


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


class Lead(NamedTuple):
    """The paragraphs of an article, the author that a byline above them names, and photo credits beside them."""

    author: str | None
    paragraphs: list[str]
    credits: tuple[Media, ...]


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


@dataclass(frozen=True, slots=True)
class Cards:
    """The articles of a page, the lines before the first of them, and the short lines within their cards."""

    articles: tuple[Article, ...]
    before: tuple[str, ...]
    labels: tuple[str, ...]


def read_cards(markup: Markup, body: Body, base: str | None) -> Cards:
    """The articles of `markup`, which is used up by it; links are relative to `base`.

    Headings of a level that has no text under any of them are a widget's when another level has text.
    """
    titles = [
        Title(node, node.tag or "", href, node)
        for node in body.headings
        if (href := article_link(node)) is not None and not describes_article(squeeze(node.text()))
    ]
    _find_cards(titles)
    # Outer elements first: the text of a caption or name is read before a mark can be set in it.
    facts = [*markup.find(f"{AUTHOR},{_CAPTION}"), *body.times]
    reading = _read_lines(markup, titles, facts)
    return Cards(_articles(_kept(titles), base), tuple(reading.before), tuple(reading.labels))


def _find_cards(titles: Sequence[Title]) -> None:
    paths = [_ancestors(title.node) for title in titles]
    if len(titles) == 1:
        # Nothing tells where the card of a lone article ends, but these elements.
        named = [node for tag in ("article", "main") for node in paths[0] if node.tag == tag]
        titles[0].card = (named or paths[0][-1:] or [titles[0].node])[0]
        return
    held: dict[int, int] = {}
    for path in paths:
        for node in path:
            held[node.mem_id] = held.get(node.mem_id, 0) + 1
    for title, path in zip(titles, paths, strict=True):
        for node in path:
            if held[node.mem_id] > 1:
                break
            title.card = node


def _ancestors(node: LexborNode) -> list[LexborNode]:
    path: list[LexborNode] = []
    parent = node.parent
    while parent is not None and parent.tag not in {"body", "html"} and len(path) < _CLIMB:
        path.append(parent)
        parent = parent.parent
    return path


def _set_marks(markup: Markup, titles: Sequence[Title], facts: Sequence[LexborNode]) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    for node in facts:
        mark = _fact(node)
        marks[markup.mark_before(node)] = mark
        if mark.kind == "media":
            node.decompose()
    stopped: set[int] = set()
    for title in titles:
        marks[markup.mark_before(title.card)] = Mark("card", title)
        marks[markup.mark_before(title.node)] = Mark("title", title)
        # Where the card is the heading, the mark set last stands next to it: the title's end must.
        marks[markup.mark_after(title.card)] = Mark("card_end", title)
        marks[markup.mark_after(title.node)] = Mark("title_end", title)
        holder = title.card.parent
        if holder is not None and holder.mem_id not in stopped and holder.tag not in {"body", "html"}:
            stopped.add(holder.mem_id)
            marks[markup.mark_after(holder)] = Mark("stop")
    return marks


def _fact(node: LexborNode) -> Mark:
    attributes = node.attributes
    if node.tag == "time":
        classes = (attributes.get("class") or "").split()
        changed = "updated" in classes and "published" not in classes
        return Mark("modified" if changed else "time", value=attributes.get("datetime") or "")
    text = squeeze(node.text())
    if node.tag == "figcaption" or "wp-caption-text" in (attributes.get("class") or ""):
        return Mark("media", media=Media("caption", attachment_of(node), text or None))
    return Mark("author", value=text[:200])


def attachment_of(caption: LexborNode) -> int | None:
    """The number of the attachment that a caption belongs to, of its figure or image."""
    figure = caption.parent
    if figure is None:
        return None
    image = figure.css_first("img")
    for name in (figure.attributes.get("id"), None if image is None else image.attributes.get("class")):
        found = _ATTACHMENT.search(name or "")
        if found is not None:
            return int(found[1])
    return None


def take_captions(container: LexborNode | None) -> list[Media]:
    """The captions of pictures in an element, which they leave."""
    captions = [] if container is None else container.css(_CAPTION)
    media = [Media("caption", attachment_of(node), squeeze(node.text()) or None) for node in captions]
    # From the end: what is taken out holds none that is still to come.
    for node in reversed(captions):
        node.decompose()
    return media


def _read_lines(markup: Markup, titles: Sequence[Title], facts: Sequence[LexborNode]) -> Reading:
    """Fill the titles with the lines under them."""
    marks = _set_marks(markup, titles, facts)
    reading = Reading(is_lone=len(titles) == 1)
    pieces = _MARKED.split(markup.text())
    said = ""
    has_facts = False
    for piece, number in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if GAP in piece:
            first, *whole, last = piece.split(GAP)
            reading.keep_marked(said + first, has_facts=has_facts)
            if whole:
                reading.keep(whole)
            said, has_facts = last, False
        else:
            said += piece
        mark = marks.get(number)
        if mark is not None and mark.kind in _FACTS:
            reading.take_fact(mark)
            has_facts = True
            continue
        if said:
            reading.keep_marked(said, has_facts=has_facts)
            said = ""
        has_facts = False
        if mark is not None:
            reading.pass_border(mark)
    return reading


def _text_of(title: Title) -> Cleaned:
    for lines in (title.inside, title.behind):
        if title.cleaned is None or not (title.cleaned.text or title.cleaned.media):
            lead = split_lead(lines)
            title.author = title.author or lead.author
            title.media += lead.credits
            title.cleaned = clean(lead.paragraphs)
    return title.cleaned or clean(())


def split_lead(lines: Iterable[str]) -> Lead:
    """The lines of an article without the theme's labels and without what describes it above and below its text."""
    author: str | None = None
    credits_: list[Media] = []
    kept: list[str] = []
    for raw in lines:
        line = squeeze(raw)
        if len(line) > _LABEL_CHARS:
            kept.append(line)
        elif not line or is_furniture(line) or is_ticker_line(line):
            continue
        elif kept:
            kept.append(line)
        elif (name := byline(line)) is not None:
            author = author or name
        elif not describes_article(line):
            kept.append(line)
        elif is_credit(line):
            credits_.append(Media("caption", None, line))
    while kept and describes_article(kept[-1]):
        line = kept.pop()
        if is_credit(line):
            credits_.append(Media("caption", None, line))
    return Lead(author, kept, tuple(credits_))


def _kept(titles: Sequence[Title]) -> list[Title]:
    speaking = {title.level for title in titles if _text_of(title).text is not None}
    return [title for title in titles if title.text and (not speaking or title.level in speaking)]


def _articles(titles: Sequence[Title], base: str | None) -> tuple[Article, ...]:
    return tuple(_article(position, title, base) for position, title in enumerate(titles, start=1))


def _article(position: int, title: Title, base: str | None) -> Article:
    cleaned = _text_of(title)
    return Article(
        position=position,
        title=title.text,
        url=base if title.href is None else resolve(base, title.href),
        text=cleaned.text,
        is_truncated=cleaned.is_truncated,
        author=title.author,
        published_at=title.published,
        modified_at=title.modified,
        dateline=cleaned.dateline,
        media=(*title.media, *cleaned.media),
    )
