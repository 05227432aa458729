"""Articles of an HTML page: headings with links, and what stands under them.

The card of a heading is the widest element around it that holds no other article's heading. The text is what
follows the heading within its card, or where that is nothing (the card is the heading alone) what follows up to
the next card or the end of the element that holds the cards. Lines above a heading are its labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from ca_etl.parse.clean import Cleaned, byline, clean, is_furniture, squeeze
from ca_etl.parse.dates import read_date
from ca_etl.parse.links import article_link, resolve
from ca_etl.parse.markup import GAP, MARK, MARK_END, Markup
from ca_etl.parse.page import Article, Media
from ca_etl.parse.reading import FACTS, Mark, Reading, Title
from ca_etl.parse.ticker_lines import is_ticker_line

# Attributes of HTML, microdata and WordPress itself: no theme's.
_SPOKEN: Final = '[rel~=author],[itemprop=author],a[href*="/author/"],figcaption,.wp-caption-text'
_MARKED: Final = re.compile(f"{MARK}([0-9]+){MARK_END}")
_ATTACHMENT: Final = re.compile(r"(?:attachment_|wp-image-)([0-9]{1,18})(?![0-9])")
# Ancestors of a heading that are looked at for its card; no theme nests cards deeper.
_CLIMB: Final = 24
# No label, byline, date or ticker line is longer; most paragraphs are.
_LABEL_CHARS: Final = 300
# Lines under the title of an article in which its date can stand, blank ones among them.
_META_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Cards:
    """The articles of a page and what is told around them.

    `before` are the lines before the first article, `labels` the short lines within cards. `is_single` says
    that the page is one article itself, `is_signed` that it shows its author or time, `is_dated` that a date line
    stands at its title.
    """

    articles: tuple[Article, ...]
    before: tuple[str, ...]
    labels: tuple[str, ...]
    is_single: bool
    is_signed: bool = False
    is_dated: bool = False


def read_cards(
    markup: Markup, base: str | None, *, headline: str | None = None, ends_at_links: bool = False
) -> Cards:
    """The articles of `markup`, which is used up by it.

    Headings of a level that has no text under any of them are a widget's when another level has text. A
    page without linked headings and with one h1 is an article itself, whose URL is `base`. With
    `headline` the page is known to be that article, whatever other headings it has: its title is the h1 that says
    so, else the only one. With `ends_at_links` its text ends at a heading that leads to another article.
    """
    body = markup.read_body()
    lone = None if headline is None else _lone_title(body.headings, headline)
    titles = [
        Title(node, node.tag or "", href, node)
        for node in body.headings
        if lone is None and (href := article_link(node)) is not None
    ]
    first = [] if titles else [node for node in body.headings if node.tag == "h1"]
    if lone is not None:
        first = [lone]
    is_single = len(first) == 1
    if is_single:
        titles = [Title(first[0], "h1", None, first[0])]
    _find_cards(titles)
    # Outer elements first: the text of a caption or name is read before a mark can stand in it.
    facts = [*markup.find(_SPOKEN), *body.times]
    end = None
    if lone is not None and ends_at_links:
        behind = body.headings[body.headings.index(lone) + 1 :]
        end = next((node for node in behind if article_link(node) is not None), None)
    reading = _read_lines(markup, titles, facts, end)
    articles = _articles(_kept(titles), base)
    before, labels = tuple(reading.before), tuple(reading.labels)
    if not is_single:
        return Cards(articles, before, labels, is_single=False)
    (title,) = titles
    is_signed = any((title.author, title.published, title.modified))
    is_dated = any(
        read_date(squeeze(line)) for line in title.inside[:_META_LINES] if len(line) <= _LABEL_CHARS
    )
    return Cards(articles, before, labels, is_single, is_signed, is_dated)


def _lone_title(headings: Sequence[LexborNode], headline: str) -> LexborNode | None:
    first = [node for node in headings if node.tag == "h1"]
    named = next((node for node in first if squeeze(node.text()) == headline), None)
    return named or (first[0] if len(first) == 1 else None)


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


def _set_marks(
    markup: Markup, titles: Sequence[Title], facts: Sequence[LexborNode], end: LexborNode | None
) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    if end is not None:
        marks[markup.mark_before(end)] = Mark("stop")
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
        return Mark("media", media=Media("caption", _attachment_of(node), text or None))
    return Mark("author", value=text[:200])


def _attachment_of(caption: LexborNode) -> int | None:
    figure = caption.parent
    if figure is None:
        return None
    image = figure.css_first("img")
    for name in (figure.attributes.get("id"), None if image is None else image.attributes.get("class")):
        found = _ATTACHMENT.search(name or "")
        if found is not None:
            return int(found[1])
    return None


def _read_lines(
    markup: Markup, titles: Sequence[Title], facts: Sequence[LexborNode], end: LexborNode | None
) -> Reading:
    """Fill the titles with what stands under them, up to `end`."""
    marks = _set_marks(markup, titles, facts, end)
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
        if mark is not None and mark.kind in FACTS:
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
    if title.cleaned is None:
        title.cleaned = clean(_paragraphs(title, title.inside))
        if title.cleaned.text is None and not title.cleaned.media:
            title.cleaned = clean(_paragraphs(title, title.behind))
    return title.cleaned


def _paragraphs(title: Title, lines: Iterable[str]) -> list[str]:
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
            title.author = title.author or name
        elif read_date(line) is None:
            kept.append(line)
    return kept


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
