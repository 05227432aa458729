"""Parser of HTML pages: a WordPress page of any theme.

The ticker, the date line and the "Viewing results" header are recognised by their text, wherever they are. An article
is a heading with a link, and the text below it.

The card of a heading is the largest element around it that contains no other article's heading. The article's text
follows the heading within its card; where the card is the heading alone, it ends at the next card or at the end of the
element that contains the cards. Lines above a heading are its labels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from itertools import islice
from typing import Final, NamedTuple

from selectolax.lexbor import LexborNode

from ca_etl.parse.article_page import AUTHOR, META_LINE_CHARS, read_article_page, read_author_or_time
from ca_etl.parse.html_document import (
    CAPTION,
    MARK,
    MARK_END,
    Heading,
    Markup,
    ancestors,
    caption_of,
    why_too_complex,
)
from ca_etl.parse.lines import (
    START,
    clean_article,
    collapse_spaces,
    describes_article,
    is_date_like,
    read_date,
    read_header,
)
from ca_etl.parse.links import resolve
from ca_etl.parse.page import (
    EXCERPT_CHARS,
    GAP,
    Article,
    Features,
    Page,
    PageKind,
    Reject,
    ResultCount,
    kind_of,
    ticker_day,
)
from ca_etl.parse.ticker import find_ticker, read_ticker
from ca_etl.records import RejectReason

# Texts that begin like the header and are checked; prose can quote it.
_HEADERS: Final = 5
_HEADER: Final = re.compile(r".{0,60}? of [0-9]{1,80}")
_BREADCRUMB: Final = re.compile(rf"Our People[\s{GAP}]{{0,20}}[>\u00bb]")
_UNPROVEN: Final = "nothing on the page states that it is an article's, as on an error page"


def read_html(html: bytes, *, url: str | None, on: date | None, charset: str) -> Page | Reject:
    """Parse an HTML page (UTF-8) to its kind, ticker, date line, result count and articles.

    A page with too many or too deeply nested tags is a reject. `url` (absolute) resolves links and helps to decide the
    kind; where it is None, the page's `<base>` and canonical link serve instead. `on` is the local day of the
    capture, if known.
    """
    why = why_too_complex(html)
    if why is not None:
        return Reject.of(RejectReason.TOO_LARGE, why, html[: 4 * EXCERPT_CHARS].decode("utf-8", "ignore"))
    markup = Markup(html)
    flat = markup.flat
    page_url = url or markup.head_attribute("link[rel~=canonical]", "href")
    base = resolve(page_url, markup.head_attribute("base[href]", "href") or "")
    headings = markup.read_body()
    ticker_text = find_ticker(flat)
    shown, header_rejects = _header(flat)
    has_breadcrumb = _BREADCRUMB.search(flat) is not None
    is_list, has_ticker = shown is not None or has_breadcrumb, bool(ticker_text.lines)
    own = None if is_list else read_article_page(markup, headings, url, base, has_ticker=has_ticker)
    cards = Cards((), own.before, ()) if own is not None else read_cards(markup, headings, base)
    page_date, rejects = _page_date(flat, ticker_text.end, cards)
    features = Features(
        has_header=shown is not None,
        has_breadcrumb=has_breadcrumb,
        is_single_article=own is not None,
        is_post=own is not None and own.is_post,
        is_unproven=own is None or not own.is_proven,
        has_ticker_or_date=has_ticker or page_date is not None,
        articles=len(cards.articles),
    )
    kind = kind_of(features, url)
    articles = cards.articles
    if own is not None and kind in {PageKind.ARTICLE, PageKind.OLD_SITE}:
        articles = (own.article,)
        rejects += own.rejects
    if kind is PageKind.OTHER and kind_of(features._replace(is_unproven=False), url) is PageKind.ARTICLE:
        # The date line may be an article's after all.
        page_date = None
        if not articles:
            parts = [] if own is None else [own.article.title, own.article.text]
            rejects.append(Reject.of(RejectReason.NO_ARTICLES, _UNPROVEN, " ".join(filter(None, parts))))
    ticker = read_ticker(ticker_text.lines, ticker_day(kind, page_date, on))
    rejects = [*ticker.rejects, *rejects, *header_rejects]
    return Page(kind, charset, articles, tuple(rejects), page_date, ticker.rates, ticker.cycles, shown)


def _header(flat: str) -> tuple[ResultCount | None, list[Reject]]:
    rejects: list[Reject] = []
    for start in islice(re.finditer(START, flat), _HEADERS):
        line = collapse_spaces(flat[start.start() : start.start() + 80].replace(GAP, " "))
        # The header ends at its last number; what follows it in the flat text is another node's.
        header = _HEADER.match(line)
        shown = None if header is None else read_header(header[0])
        if shown is not None:
            return shown, []
        if line[len(START) : len(START) + 2].strip().isdigit():
            rejects.append(Reject.of(RejectReason.BAD_HEADER, "not 'Viewing results A - B of C'", line))
    return None, rejects[:1]


def _page_date(flat: str, ticker_end: int, cards: Cards) -> tuple[date | None, list[Reject]]:
    """The page date: the first date line above the first article, else the date line directly after the ticker.

    A date directly after the ticker but within an article's card is the date of that article, not of the page.
    """
    before = (line for line in cards.before if line.lstrip()[:1].isdigit())
    day = next(filter(None, map(read_date, map(collapse_spaces, before))), None)
    if day is not None:
        return day, []
    after = flat[ticker_end : ticker_end + 60] if ticker_end else ""
    first = next(filter(None, map(collapse_spaces, after.split(GAP))), "")
    day = read_date(first)
    if day is None and is_date_like(first):
        return None, [Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", first)]
    if day is not None:
        nodes = (node for node in flat.split(GAP) if node.lstrip()[:1] == first[0])
        printed = sum(collapse_spaces(node) == first for node in nodes)
        in_cards = sum(first in collapse_spaces(label) for label in cards.labels)
        day = day if printed > in_cards else None
    return day, []


_MARKED: Final = re.compile(f"{MARK}([0-9]{{1,9}}){MARK_END}")
# Ancestors of a heading that are searched for its card; no theme nests cards deeper.
_CLIMB: Final = 24


@dataclass(slots=True)
class _Title:
    """A heading that may be an article's title, with its card.

    `heading` are its own lines, `inside` the lines below it in its card, `after` the lines after the card.
    """

    node: LexborNode
    href: str
    card: LexborNode
    heading: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    facts: list[Article] = field(default_factory=list)


class _Border(NamedTuple):
    """The list that the lines after a mark are added to, and the title that authors and times there belong to.

    With `title` None, authors and times belong to the title of the border before.
    """

    title: _Title | None
    lines: list[str]


_Marks = dict[str, Article | _Border]


class Cards(NamedTuple):
    """The articles listed on a page, the lines above the first article, and the short lines beside titles and texts."""

    articles: tuple[Article, ...]
    before: Sequence[str]
    labels: Sequence[str]


def read_cards(markup: Markup, headings: Iterable[Heading], base: str | None) -> Cards:
    """Read the articles that a page lists; links are relative to `base`. Afterwards `markup` cannot be read again.

    Where only headings of some levels have text below them, the other headings belong to widgets and are not read.
    """
    titles = [
        _Title(node, href, node)
        for node, href in headings
        if href is not None and not describes_article(collapse_spaces(node.text()))
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
    """Insert marks at authors, times and captions, and remove the captions: the marks, and ids of removed nodes."""
    marks: _Marks = {}
    dropped: set[int] = set()
    # Outer elements first: the text of a name or caption is read before a mark can be set in it.
    for node in markup.body.css(f"{AUTHOR},{CAPTION},time"):
        if node.mem_id in dropped:
            continue
        is_caption = node.tag == "figcaption" or "wp-caption-text" in (node.attrs.get("class") or "")
        facts = Article(media=(caption_of(node),)) if is_caption else read_author_or_time(node)
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
    """Insert marks at the borders of cards and titles, and at the end of each element that holds cards."""
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
    """Add each line of the page to the list of the mark before it; lines before the first mark go to `before`."""
    lines: list[str] = before
    facts: list[Article] = []
    for raw in markup.text().split(GAP):
        if MARK not in raw:
            lines.append(raw)
            continue
        line, has_facts = "", False
        pieces = _MARKED.split(raw)
        for piece, number in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
            line += piece
            mark = marks.get(number)
            if isinstance(mark, Article):
                facts.append(mark)
                has_facts = True
                continue
            # A short line with facts is the article's meta line and no text.
            if text := collapse_spaces(line):
                (labels if has_facts and len(text) <= META_LINE_CHARS else lines).append(text)
            line, has_facts = "", False
            if mark is not None:
                lines = mark.lines
                facts = facts if mark.title is None else mark.title.facts


def _article(title: _Title, base: str | None) -> Article:
    """The article of a title, with the text in its card, or, where that is empty, the text after the card."""
    article = clean_article(title.inside)
    if article.text is None:
        after = clean_article(title.after)
        article = after._replace(author=article.author or after.author, media=article.media + after.media)
    # Of author and times the first counts.
    facts = reduce(Article.or_else, title.facts) if title.facts else Article()
    return article._replace(
        title=collapse_spaces(" ".join(title.heading)),
        url=resolve(base, title.href),
        author=facts.author or article.author,
        published_at=facts.published_at,
        modified_at=facts.modified_at,
        media=(*(item for fact in title.facts for item in fact.media), *article.media),
    )
