"""The page of one article: whether a page is one, its title and text, and the facts that its head states.

trafilatura selects the text. Whether the page is an article of the site at all is decided here, by the page's
structure with its head as a witness. So are author and times: JSON-LD first, since it gives the whole name and the
offset of a time, then meta tags and what is shown beside the title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from selectolax.lexbor import LexborNode

from ca_etl.parse.cards import AUTHOR, split_lead, take_captions
from ca_etl.parse.clean import clean, squeeze
from ca_etl.parse.content import plain, well_formed
from ca_etl.parse.dates import instant, read_date
from ca_etl.parse.doubts import unread_time
from ca_etl.parse.linked_data import LinkedArticle, LinkedData, is_address, is_same_title, share_address
from ca_etl.parse.links import article_address, article_link, resolve, slug_of
from ca_etl.parse.markup import GAP, HEADINGS, Body, Markup
from ca_etl.parse.page import Article, Reject
from ca_etl.records import RejectReason, site_name

if TYPE_CHECKING:
    from configparser import ConfigParser

# Classes that WordPress' body_class() gives to the page of a post, and to pages that list posts.
_POST_CLASSES: Final = frozenset({"single", "single-post"})
_LIST_CLASSES: Final = frozenset({"archive", "blog", "category", "tag", "author", "search", "search-results"})
_LOST: Final = "error404"
_SITE_TITLE: Final = frozenset({"site-title", "site-name", "site-logo", "logo", "blog-title", "navbar-brand"})
_SHORT_LINK: Final = re.compile(r"[?&]p=([0-9]{1,18})(?![0-9])")
_POST_NUMBER: Final = re.compile(r"post(?:id)?-([0-9]{1,18})")
_FACTS: Final = f"{','.join(HEADINGS)},time,{AUTHOR}"
_FOREIGN_TAGS: Final = frozenset({"article", "aside", "blockquote"})
_FOREIGN_NAME: Final = re.compile(r"(?:comment|related|sidebar|widget)(?![a-z])", re.IGNORECASE)
# A block with a date or a byline in it is the article's meta line up to this length, and text beyond.
_META_LINE_CHARS: Final = 80
# Lines under the title of an article in which its date can be.
_META_LINES: Final = 4
# A list whose theme has no class for the body begins with a heading and at most a sentence on the category.
_LEAD_CHARS: Final = 80
# Real pages of articles have 1,000 to 5,000 tags; trafilatura takes a second for 20,000 links, a minute for 120,000.
MAX_TAGS: Final = 20_000
# Elements of trafilatura's tree that are part of a line.
_INLINE: Final = frozenset({"hi", "ref", "del", "code", "span"})


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """A page that is one article, or looks like one: unless it is proven it may be an error page.

    `is_post` is WordPress' word for it. `before` are the lines above the title. `article` has the position 1.
    """

    article: Article
    before: tuple[str, ...]
    is_post: bool
    is_proven: bool
    rejects: tuple[Reject, ...]


def read_article_page(
    markup: Markup, body: Body, url: str | None, base: str | None, *, has_ticker: bool, is_list_url: bool
) -> ArticlePage | None:
    """The one article that a page is, or None where it lists articles or shows none.

    `url` is the page's address, `base` what its links are relative to, and `is_list_url` says that the address is one
    of a list. `markup` is used up, unless the result is None.
    """
    head = _Head(markup, url)
    title = head.own_title(body.headings, base)
    others = [node for node in body.headings if node is not title and article_link(node) is not None]
    if title is None and not head.is_single and (others or not head.is_typed):
        return None
    container = _container(markup, title)
    is_listing = is_list_url or head.is_list or _is_listing(container, title, others)
    if others and is_listing and not (head.is_post or (head.is_single and not is_list_url)):
        return None
    shown = _Shown.of(container, title, others)
    is_proven = head.is_proven(shown, has_ticker=has_ticker)
    if others and not is_proven and (container is None or container.tag != "article"):
        return None
    article, before, rejects = _read(head, container, title, shown, base)
    return ArticlePage(article, before, head.is_post, is_proven, rejects)


class _Head:
    """What a page states of itself outside its text."""

    def __init__(self, markup: Markup, url: str | None) -> None:
        self.markup = markup
        self.linked = LinkedData.of(markup.linked_data())
        self.canonical = _canonical_url(markup, url)
        self.addresses = [address for address in (url, self.canonical) if address]
        self.is_typed = self.meta('property="og:type"') == "article"
        self.names = [name for name in (self.meta('property="og:title"'), self._page_title()) if name]
        body_class = "" if markup.body is None else markup.body.attributes.get("class") or ""
        self.classes = frozenset(body_class.split())
        short = _SHORT_LINK.search(markup.head_attribute("link[rel=shortlink]", "href") or "")
        numbers = [_number(name) for name in self.classes if name.startswith("postid-")]
        self.post_id = next(filter(None, [short and int(short[1]), *numbers]), None)
        self.is_post = bool(self.classes & _POST_CLASSES) or any(numbers)
        own = self.canonical is not None and url is not None and share_address([self.canonical], [url])
        self.is_at_canonical = own and bool(markup.find("article"))

    def meta(self, which: str) -> str | None:
        """The content of a meta tag as text."""
        value = self.markup.head_attribute(f"meta[{which}]", "content")
        return None if value is None else squeeze(well_formed(value)) or None

    def _page_title(self) -> str | None:
        """The page's title, without the site's name after it."""
        node = None if self.markup.tree.head is None else self.markup.tree.head.css_first("title")
        title = "" if node is None else squeeze(well_formed(node.text()))
        site = self.meta('property="og:site_name"')
        if site and title.endswith(site) and title != site:
            return title[: -len(site)].rstrip(" -\u2013\u2014|\u00bb\u2022:") or title
        return title or None

    def author(self) -> str | None:
        """The author that a meta tag names, unless it is an address or the site."""
        name = self.meta("name=author")
        return (
            None if name is None or is_address(name) or name == self.meta('property="og:site_name"') else name
        )

    @property
    def is_single(self) -> bool:
        """Whether WordPress states that the page is a post's, or JSON-LD that the article of this address is there."""
        return self.is_post or self.post_id is not None or self.linked.has_article_at(self.addresses)

    @property
    def is_list(self) -> bool:
        """Whether WordPress or JSON-LD states that the page lists articles."""
        return bool(self.classes & _LIST_CLASSES) or self.linked.is_list

    def is_proven(self, shown: _Shown, *, has_ticker: bool) -> bool:
        """Whether something states that the page is an article's, which an address and a heading do not.

        An error page has the address that was requested, too. The signs: the classes of the body, the number of a post,
        JSON-LD, `og:type`, an author or a time at the title, a date line there on a page with the site's ticker, or a
        canonical link to the page's own address together with an `article` element.
        """
        is_signed = any((shown.author, shown.published_at, shown.modified_at))
        has_sign = self.is_single or self.is_typed or is_signed or self.is_at_canonical
        return _LOST not in self.classes and (
            has_sign or (shown.is_dated and has_ticker) or self.linked.article(self.addresses) is not None
        )

    def own_title(self, headings: Sequence[LexborNode], base: str | None) -> LexborNode | None:
        """The heading of the page's article: the one that the head names, else the only h1, else one in an article."""
        linked = self.linked.article(self.addresses)
        names = [*self.names, *([linked.headline] if linked and linked.headline else [])]
        candidates = [node for node in headings if self._may_be_own(node, base)]
        for level in HEADINGS:
            for node in candidates:
                if node.tag == level and any(is_same_title(node.text(), name) for name in names):
                    return self._with_number(node)
        first = [node for node in candidates if node.tag == "h1" and squeeze(node.text())]
        inside = [node for node in first if _ancestor(node, "article") is not None]
        lone = first if len(first) == 1 else inside
        return self._with_number(lone[0]) if lone else None

    def _may_be_own(self, node: LexborNode, base: str | None) -> bool:
        """Whether a heading leads nowhere else: not to another article, and not home as the site's name does."""
        link = article_link(node)
        if link is not None:
            return share_address([resolve(base, link) or ""], self.addresses)
        if _SITE_TITLE.intersection((node.attributes.get("class") or "").split()):
            return False
        anchor = node.css_first("a[href]")
        return anchor is None or (anchor.attributes.get("href") or "").strip().startswith("#")

    def _with_number(self, title: LexborNode) -> LexborNode:
        """`title`, after the number of its post was taken from the `article` element around it."""
        around = _ancestor(title, "article")
        if self.post_id is None and around is not None:
            self.post_id = _number(around.attributes.get("id"))
        return title


@dataclass(slots=True)
class _Shown:
    """What the page shows of its article beside the title."""

    author: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
    is_dated: bool = False

    @classmethod
    def of(
        cls, container: LexborNode | None, title: LexborNode | None, others: Sequence[LexborNode]
    ) -> _Shown:
        """Author, times and date line within the article, none of a comment, a card, a quotation or a sentence."""
        shown = cls()
        if container is None:
            return shown
        is_article = container.tag == "article"
        linked = {node.mem_id for node in others}
        is_below = title is None or is_article
        for node in container.css(_FACTS):
            if title is not None and node.mem_id == title.mem_id:
                is_below = True
            elif node.mem_id in linked and is_below and not is_article:
                break
            elif node.tag not in HEADINGS and is_below and not _is_foreign(node, container):
                shown.take(node)
        name = "" if title is None else squeeze(title.text())
        lines = _lines(container)
        after = lines[lines.index(name) + 1 :] if name in lines else []
        shown.is_dated = any(read_date(line) for line in after[:_META_LINES])
        return shown

    def take(self, node: LexborNode) -> None:
        """Take an author or a time; the first of each counts."""
        classes = (node.attributes.get("class") or "").split()
        if node.tag != "time":
            name = squeeze(node.text())[:200]
            self.author = self.author or (None if is_address(name) else name or None)
        elif "updated" in classes and "published" not in classes:
            self.modified_at = self.modified_at or instant(node.attributes.get("datetime") or "")
        else:
            self.published_at = self.published_at or instant(node.attributes.get("datetime") or "")


def _is_foreign(node: LexborNode, container: LexborNode) -> bool:
    """Whether a node is part of a comment, a card, a margin, a quotation or a sentence of the text."""
    block = _ancestor(node, "p", "li", "td", "body")
    if block is not None and block.tag != "body" and len(squeeze(block.text())) > _META_LINE_CHARS:
        return True
    parent = node.parent
    while parent is not None and parent.mem_id != container.mem_id and parent.tag != "body":
        names = f"{parent.attributes.get('class') or ''} {parent.attributes.get('id') or ''}"
        if parent.tag in _FOREIGN_TAGS or _FOREIGN_NAME.search(names) is not None:
            return True
        parent = parent.parent
    return False


def _container(markup: Markup, title: LexborNode | None) -> LexborNode | None:
    """The element that holds the article: the nearest `article` or `main` around its title, else the body."""
    around = None if title is None else _ancestor(title, "article") or _ancestor(title, "main")
    return around or markup.body


def _ancestor(node: LexborNode, *tags: str) -> LexborNode | None:
    parent = node.parent
    while parent is not None and parent.tag not in tags:
        parent = parent.parent
    return parent


def _is_listing(container: LexborNode | None, title: LexborNode | None, others: Sequence[LexborNode]) -> bool:
    """Whether linked headings follow the title with hardly any text before the first of them."""
    if container is None or title is None:
        return True
    linked = {node.mem_id for node in others}
    lead, below, is_below = 0, 0, False
    for node in container.css(f"{','.join(HEADINGS)},p,li"):
        if node.mem_id == title.mem_id:
            is_below = True
        elif is_below and node.mem_id in linked:
            below += 1
        elif is_below and not below and node.tag in {"p", "li"}:
            lead += len(squeeze(node.text()))
    return bool(below) and lead < _LEAD_CHARS and (below > 1 or not lead)


def _read(
    head: _Head, container: LexborNode | None, title: LexborNode | None, shown: _Shown, base: str | None
) -> tuple[Article, tuple[str, ...], tuple[Reject, ...]]:
    """The article, the lines above its title, and what could not be read."""
    names = [*([] if title is None else [squeeze(title.text())]), *head.names]
    name = next(filter(None, names), None)
    linked = head.linked.article(head.addresses, name) or LinkedArticle()
    name = name or linked.headline
    media = take_captions(container)
    above = [] if head.markup.body is None else _lines(head.markup.body)
    head.markup.drop_article_boilerplate()
    lines, too_large = _selected_lines(head.markup.tree.html or "")
    lead = split_lead(lines[1:] if lines[:1] == [name] else lines)
    cleaned = clean(lead.paragraphs)
    published, modified = (head.meta(f'property="article:{time}_time"') for time in ("published", "modified"))
    section = plain(head.meta('property="article:section"') or "")
    link = head.canonical or base
    article = Article(
        position=1,
        title=name,
        url=link,
        text=cleaned.text or linked.body,
        is_truncated=cleaned.is_truncated,
        author=linked.author or shown.author or lead.author or head.author(),
        published_at=linked.published_at or instant(published or "") or shown.published_at,
        modified_at=linked.modified_at or instant(modified or "") or shown.modified_at,
        dateline=cleaned.dateline,
        media=(*media, *lead.credits, *cleaned.media),
        post_id=head.post_id,
        slug=slug_of(link and article_address(link)),
        categories=linked.categories or ((section,) if section else ()),
    )
    rejects = [*head.linked.rejects, *linked.rejects, *too_large]
    rejects += unread_time("article:published_time", published, article.published_at)
    rejects += unread_time("article:modified_time", modified, article.modified_at)
    if article.text is None and not too_large:
        rejects.append(Reject.of(RejectReason.NO_TEXT, "the page of an article shows no text", name or ""))
    return article, tuple(above[: above.index(name)] if name in above else above), tuple(rejects)


def _lines(element: LexborNode) -> list[str]:
    return [squeeze(line) for line in element.text(separator=GAP, skip_empty=True).split(GAP)]


def _selected_lines(html: str) -> tuple[list[str], list[Reject]]:
    """The lines of the article in a page, as trafilatura selects them; a reject where the page is too large for it."""
    # Some 150 ms: only who reads such a page pays for it.
    from trafilatura import bare_extraction  # noqa: PLC0415
    from trafilatura.settings import Document  # noqa: PLC0415

    tags = html.count("<")
    if tags > MAX_TAGS:
        why = f"{tags} tags, more than {MAX_TAGS} for the page of an article: its text is not read"
        return [], [Reject.of(RejectReason.TOO_LARGE, why, "")]
    document = bare_extraction(html, include_comments=False, config=_trafilatura_config())
    lines: list[str] = []
    if isinstance(document, Document):
        _read_element(document.body, lines, [])
    return lines, []


@cache
def _trafilatura_config() -> ConfigParser:
    """The settings of trafilatura, but for short texts: its fallbacks would join all of a short page to one line."""
    from trafilatura.settings import use_config  # noqa: PLC0415

    config = use_config()
    for name in ("MIN_EXTRACTED_SIZE", "MIN_OUTPUT_SIZE"):
        config.set("DEFAULT", name, "1")
    return config


class _TreeElement(Protocol):
    """An element of trafilatura's tree, as far as it is read."""

    tag: str
    text: str | None
    tail: str | None

    def __iter__(self) -> Iterator[_TreeElement]: ...


def _read_element(element: _TreeElement, lines: list[str], line: list[str]) -> None:
    """Add the lines of an element to `lines`; `line` holds the parts of the one that is being read."""
    is_block = element.tag not in _INLINE
    if is_block:
        _end_line(lines, line)
    line.append(element.text or "")
    for child in element:
        _read_element(child, lines, line)
        line.append(child.tail or "")
    if is_block:
        _end_line(lines, line)


def _end_line(lines: list[str], line: list[str]) -> None:
    if text := squeeze("".join(line)):
        lines.append(text)
    line.clear()


def _canonical_url(markup: Markup, url: str | None) -> str | None:
    """The canonical link, where it leads to the page's own site."""
    link = markup.head_attribute("link[rel~=canonical]", "href")
    address = resolve(url, link) if link else None
    if address is None or (url is not None and site_name(address) != site_name(url)):
        return None
    return address


def _number(name: str | None) -> int | None:
    match = _POST_NUMBER.fullmatch(name or "")
    return None if match is None else int(match[1]) or None
