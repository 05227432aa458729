"""Parser of single-article pages: whether an HTML page is one article, and its title, text, author and times.

trafilatura selects the text. Whether the page is an article is decided here, from its structure and its `<head>`.
Author and times come from JSON-LD first, which has the whole name and the UTC offset of a time, then from meta tags,
then from the elements beside the title.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, islice, takewhile
from typing import Any, Final, NamedTuple

from selectolax.lexbor import LexborNode

from ca_etl.parse.html_document import (
    HEADINGS,
    Heading,
    Markup,
    ancestors,
    drop_article_boilerplate,
    take_captions,
)
from ca_etl.parse.item_validation import html_to_text, time_rejects, to_valid_text
from ca_etl.parse.lines import clean_article, collapse_spaces, parse_instant, read_date
from ca_etl.parse.linked_data import LinkedArticle, LinkedData, is_same_title
from ca_etl.parse.links import bare_address, is_address, resolve
from ca_etl.parse.page import GAP, Article, PageKind, Reject, kind_of_url
from ca_etl.records import RejectReason, site_name

# Attributes of HTML, microdata and WordPress itself: no theme's.
AUTHOR: Final = '[rel~=author],[itemprop=author],a[href*="/author/"]'
_NAME_CHARS: Final = 200
# A line with a date or a byline in it is the article's meta line up to this length, and text beyond.
META_LINE_CHARS: Final = 80
# Classes that WordPress' body_class() gives to the page of a post, and to pages that list posts.
_POST_CLASSES: Final = frozenset({"single", "single-post"})
_LIST_CLASSES: Final = frozenset({"archive", "blog", "category", "tag", "author", "search", "search-results"})
_HEADINGS: Final = ",".join(HEADINGS)
_SITE_TITLE: Final = frozenset({"site-title", "site-name", "site-logo", "logo", "blog-title", "navbar-brand"})
_POST_NUMBER: Final = re.compile(r"(?:^post(?:id)?-|[?&]p=)([0-9]{1,18})(?![^&#])")
_META_TIMES: Final = ("article:published_time", "article:modified_time")
_FOREIGN_TAGS: Final = frozenset({"article", "aside", "blockquote"})
_FOREIGN_NAME: Final = re.compile(r"(?:comment|related|sidebar|widget)(?![a-z])", re.IGNORECASE)
# Authors and times within an article that are read; no page has that many before its own.
_MAX_FACTS: Final = 200
# Lines under the title of an article in which its date can be.
_META_LINES: Final = 4
# A list whose theme has no class for the body begins with a heading and at most a sentence on the category.
_LEAD_CHARS: Final = 80
# Real pages of articles have 1,000 to 5,000 tags; trafilatura takes a second for 20,000 links, a minute for 120,000.
MAX_TAGS: Final = 20_000
# Elements of trafilatura's tree that are part of a line, and what parts lines there (lxml takes no control characters).
_INLINE: Final = frozenset({"hi", "ref", "del", "code", "span"})
_DROPPED_INLINE: Final = ("time", "label", "output", "q", "center")
_BLOCKS: Final = frozenset(
    "p div ul ol dl table section article h1 h2 h3 h4 h5 h6 blockquote figure pre form header footer aside nav main "  # noqa: SIM905
    "details hr".split()
)
_LINE_END: Final = "\ue000"


def read_author_or_time(node: LexborNode) -> Article:
    """Read the author or the time in one HTML element: a `time` element, or an element that names an author.

    Returns an `Article` with that one field set. The article is empty where the element has no readable time, or an
    address in place of a name.
    """
    if node.tag != "time":
        name = collapse_spaces(node.text()[:_NAME_CHARS])
        return Article(author=None if is_address(name) else name or None)
    classes = (node.attrs.get("class") or "").split()
    at = parse_instant(node.attrs.get("datetime"))
    is_change = "updated" in classes and "published" not in classes
    return Article(modified_at=at) if is_change else Article(published_at=at)


class SingleArticle(NamedTuple):
    """The article that a page shows, where the page shows only one.

    `is_proven` is False where only the layout shows that it is an article: it may be an error page. `is_post` is True
    where the CSS classes of WordPress state a post. `before` are the lines above the title; `article.position` is 1.
    """

    article: Article
    before: Sequence[str]
    is_post: bool
    is_proven: bool
    rejects: Sequence[Reject]


def read_article_page(
    markup: Markup, headings: Sequence[Heading], url: str | None, base: str | None, *, has_ticker: bool
) -> SingleArticle | None:
    """Read the article of a page that shows one article; None where the page lists articles or shows none.

    `url` is the page's address, `base` the address that its links are relative to. Where the result is not None, the
    call has removed elements from `markup`, which cannot be read again.
    """
    head = _PageHead(markup, url)
    title = head.own_title(headings, base)
    others = {node.mem_id for node, href in headings if node is not title and href is not None}
    around = None if title is None else _nearest(title, "article")
    if head.post_id is None and around is not None:
        head.post_id = _number(around.attrs.get("id"))
    is_single = head.is_single or head.post_id is not None
    if title is None and not is_single and (others or not head.is_typed):
        return None
    container = around or (title and _nearest(title, "main")) or markup.body
    is_list_url = kind_of_url(url) in {PageKind.HOME, PageKind.AUTHOR, PageKind.LISTING}
    is_listing = is_list_url or head.is_list or _is_listing(container, title, others)
    if others and is_listing and not (head.is_post or (is_single and not is_list_url)):
        return None
    shown = _shown_facts(container, title, others)
    is_proven = not head.is_lost and (
        is_single
        or head.is_signed
        or any((shown.author, shown.published_at, shown.modified_at))
        or (has_ticker and _is_dated(container, title))
    )
    if others and not is_proven and container.tag != "article":
        return None
    article, before, rejects = _read(head, container, title, shown, base)
    return SingleArticle(article, before, head.is_post, is_proven, rejects)


class _PageHead:
    """The title, author, times, post id and type of a page as its `<head>`, JSON-LD and body classes state them."""

    def __init__(self, markup: Markup, url: str | None) -> None:
        self.markup = markup
        self.metas: dict[str, str] = {}
        for node in markup.head.css("meta[content]"):
            attributes = node.attrs
            for key in (attributes.get("property"), attributes.get("name")):
                self.metas.setdefault(key or "", collapse_spaces(to_valid_text(attributes["content"] or "")))
        author = self.metas.get("author", "")
        is_name = not is_address(author) and author != self.metas.get("og:site_name")
        self.author = author if author and is_name else None
        self.linked = LinkedData.of(markup.linked_data())
        self.canonical = _canonical_url(markup, url)
        self.addresses = frozenset(bare_address(address) for address in (url, self.canonical) if address)
        self.names = [name for name in (self.metas.get("og:title"), self._page_title()) if name]
        classes = frozenset((markup.body.attrs.get("class") or "").split())
        numbers = [_number(name) for name in classes if name.startswith("postid-")]
        short = _number(markup.head_attribute("link[rel=shortlink]", "href"))
        self.post_id = next(filter(None, [short, *numbers]), None)
        self.is_post = bool(classes & _POST_CLASSES) or any(numbers)
        self.is_typed = self.metas.get("og:type") == "article"
        self.is_lost = "error404" in classes
        described = self.linked.article(self.addresses)
        if described is not None and described.article.title:
            self.names.append(described.article.title)
        # WordPress or JSON-LD states that the page lists articles, or that it is a post's or this article's.
        self.is_list = bool(classes & _LIST_CLASSES) or self.linked.is_list
        self.is_single = self.is_post or (described is not None and described.is_own)
        # Other signs of an article: an address and a heading are not, for an error page has those, too.
        is_at_canonical = self.canonical is not None and url is not None and len(self.addresses) == 1
        has_article = is_at_canonical and markup.body.css_first("article") is not None
        self.is_signed = self.is_typed or has_article or described is not None

    def _page_title(self) -> str | None:
        """The text of the page's `title` element without the site's name at its end; None without a title."""
        node = self.markup.head.css_first("title")
        title = "" if node is None else collapse_spaces(to_valid_text(node.text()))
        site = self.metas.get("og:site_name") or title
        return title.removesuffix(site).rstrip(" -\u2013\u2014|\u00bb\u2022:") or title or None

    def own_title(self, headings: Iterable[Heading], base: str | None) -> LexborNode | None:
        """The heading that is the title of the page's article; None where no heading is.

        It is the one that the head of the page names, else the only h1, else an h1 in an element `article`.
        """
        candidates = [heading.node for heading in headings if self._may_be_own(heading, base)]
        for node in sorted(candidates, key=lambda node: node.tag or ""):
            if any(is_same_title(node.text(), name) for name in self.names):
                return node
        first = [node for node in candidates if node.tag == "h1" and collapse_spaces(node.text())]
        lone = first if len(first) == 1 else (node for node in first if _nearest(node, "article") is not None)
        return next(iter(lone), None)

    def _may_be_own(self, heading: Heading, base: str | None) -> bool:
        """Whether a heading links neither to another article nor to the front page, as the site's name does."""
        node, href = heading
        if href is not None:
            return bare_address(resolve(base, href) or "") in self.addresses
        if _SITE_TITLE.intersection((node.attrs.get("class") or "").split()):
            return False
        anchor = node.css_first("a[href]")
        return anchor is None or (anchor.attrs.get("href") or "").strip().startswith("#")


def _canonical_url(markup: Markup, url: str | None) -> str | None:
    """The canonical link of a page; None without such a link, and for a link to another site."""
    link = markup.head_attribute("link[rel~=canonical]", "href")
    address = resolve(url, link) if link else None
    if address is None or (url is not None and site_name(address) != site_name(url)):
        return None
    return address


def _number(name: str | None) -> int | None:
    """The post id in a short link, CSS class or element id ("postid-7"); None without an id."""
    match = _POST_NUMBER.search(name or "")
    return None if match is None else int(match[1]) or None


def _nearest(node: LexborNode, tag: str) -> LexborNode | None:
    return next((around for around in ancestors(node) if around.tag == tag), None)


def _after(title: LexborNode, nodes: Iterable[LexborNode]) -> Iterator[LexborNode]:
    """The nodes after the title, which is one of `nodes`."""
    return islice(dropwhile(lambda node: node.mem_id != title.mem_id, nodes), 1, None)


def _is_listing(container: LexborNode, title: LexborNode | None, others: set[int]) -> bool:
    """Whether a page lists articles: linked headings follow its title, with hardly any text before them."""
    if title is None:
        return True
    lead = below = 0
    for node in _after(title, container.css(f"{_HEADINGS},p,li")):
        if node.mem_id in others:
            below += 1
        elif not below and lead < _LEAD_CHARS and node.tag in {"p", "li"}:
            lead += len(collapse_spaces(node.text()))
    return bool(below) and lead < _LEAD_CHARS and (below > 1 or not lead)


def _shown_facts(container: LexborNode, title: LexborNode | None, others: set[int]) -> Article:
    """Author and times that the page shows for its article; comments, other articles' cards and quotations are skipped.

    Without an `article` element, only what is between the title and the next linked heading is read.
    """
    nodes: Iterable[LexborNode] = container.css(f"{_HEADINGS},time,{AUTHOR}")
    if container.tag != "article":
        below = nodes if title is None else _after(title, nodes)
        nodes = takewhile(lambda node: node.mem_id not in others, below)
    shown = Article()
    for node in islice((node for node in nodes if node.tag not in HEADINGS), _MAX_FACTS):
        if not _is_foreign(node, container):
            shown = shown.or_else(read_author_or_time(node))
    return shown


def _is_foreign(node: LexborNode, container: LexborNode) -> bool:
    """Whether a node is part of a comment, another article's card, a sidebar, a quotation or a sentence of the text."""
    block = next((around for around in ancestors(node) if around.tag in {"p", "li", "td"}), None)
    if block is not None and len(collapse_spaces(block.text()[:2_000])) > META_LINE_CHARS:
        return True
    for around in takewhile(lambda around: around.mem_id != container.mem_id, ancestors(node)):
        names = f"{around.attrs.get('class') or ''} {around.attrs.get('id') or ''}"
        if around.tag in _FOREIGN_TAGS or _FOREIGN_NAME.search(names) is not None:
            return True
    return False


def _is_dated(container: LexborNode, title: LexborNode | None) -> bool:
    """Whether one of the lines after the title is a date line."""
    name = "" if title is None else collapse_spaces(title.text())
    after = dropwhile(lambda line: line != name, _lines(container))
    return any(map(read_date, islice(after, 1, 1 + _META_LINES)))


def _read(
    head: _PageHead, container: LexborNode, title: LexborNode | None, shown: Article, base: str | None
) -> tuple[Article, list[str], list[Reject]]:
    """The article of the page, the lines above its title, and the rejects of what could not be read."""
    shown_title = "" if title is None else collapse_spaces(title.text())
    name = next(filter(None, [shown_title, *head.names]), None)
    linked, unread, _ = head.linked.article(head.addresses, name) or LinkedArticle()
    media = take_captions(container)
    above = _lines(head.markup.body)
    drop_article_boilerplate(head.markup.body)
    # Cards of other articles have elements of their own, whose text a short article would get.
    own = f"<html><body>{container.html}</body></html>" if container.tag == "article" else None
    html = own or head.markup.tree.html or ""
    tags = html.count("<")
    lines = _selected_lines(html) if tags <= MAX_TAGS else []
    # The title may have a date line above it.
    opening = [line for line in lines[:_META_LINES] if line != name]
    cleaned = clean_article([*opening, *lines[_META_LINES:]])
    stated = {key: head.metas.get(key) or None for key in _META_TIMES}
    published, modified = map(parse_instant, stated.values())
    section = html_to_text(head.metas.get("article:section", ""))
    metas = Article(published_at=published, modified_at=modified, categories=(section,) if section else ())
    facts = linked.or_else(metas).or_else(shown)
    article = cleaned._replace(
        title=name,
        url=head.canonical or base,
        text=cleaned.text or linked.text,
        author=facts.author or cleaned.author or head.author,
        published_at=facts.published_at,
        modified_at=facts.modified_at,
        media=(*media, *cleaned.media),
        post_id=head.post_id,
        categories=facts.categories,
    )
    rejects = [*head.linked.rejects, *unread]
    for (key, value), at in zip(stated.items(), (article.published_at, article.modified_at), strict=True):
        rejects += time_rejects(key, value, at)
    if tags > MAX_TAGS:
        why = f"{tags} tags, more than {MAX_TAGS} for the page of an article: its text is not read"
        rejects.append(Reject.of(RejectReason.TOO_LARGE, why, ""))
    elif article.text is None:
        rejects.append(Reject.of(RejectReason.NO_TEXT, "the page of an article shows no text", name or ""))
    return article, above[: above.index(name)] if name in above else above, rejects


def _lines(element: LexborNode) -> list[str]:
    return [collapse_spaces(line) for line in element.text(separator=GAP, skip_empty=True).split(GAP)]


def _selected_lines(html: str) -> list[str]:
    """The lines of the article in a page, as trafilatura selects them."""
    # Some 150 ms: only who reads such a page pays for it.
    from trafilatura import bare_extraction, load_html  # noqa: PLC0415
    from trafilatura.settings import Document, use_config  # noqa: PLC0415

    config = use_config()
    for name in ("MIN_EXTRACTED_SIZE", "MIN_OUTPUT_SIZE"):
        # The fallbacks for short texts would join all of a short page to one line.
        config.set("DEFAULT", name, "1")
    tree = load_html(html)
    if tree is None:
        return []
    _make_paragraphs(tree)
    document = bare_extraction(tree, include_comments=False, config=config)
    if not isinstance(document, Document):
        return []
    for element in document.body.iter():
        if element.tag not in _INLINE:
            element.text = f"{_LINE_END}{element.text or ''}"
            element.tail = f"{_LINE_END}{element.tail or ''}"
    lines = map(collapse_spaces, "".join(document.body.itertext()).split(_LINE_END))
    return [line for line in lines if line]


def _make_paragraphs(tree: Any) -> None:  # noqa: ANN401  lxml has no types
    """Wrap text directly in `div` elements into paragraphs, since trafilatura skips such text beside a `p`.

    Inline elements that trafilatura would remove together with their text are unwrapped.
    """
    for element in list(tree.iter(*_DROPPED_INLINE)):
        element.drop_tag()
    for block in list(tree.iter("div")):
        inner = {child.tag for child in block}
        if inner.isdisjoint(_BLOCKS):
            block.tag = "p"
        elif "p" in inner:
            _wrap_bare_text(block)


def _wrap_bare_text(block: Any) -> None:  # noqa: ANN401
    paragraph = None
    if (block.text or "").strip():
        paragraph = block.makeelement("p")
        paragraph.text, block.text = block.text, None
        block.insert(0, paragraph)
    for child in list(block):
        if child is paragraph:
            continue
        if child.tag in _BLOCKS:
            paragraph = None
        elif paragraph is None and isinstance(child.tag, str) and child.text_content().strip():
            paragraph = block.makeelement("p")
            child.addprevious(paragraph)
        if paragraph is not None:
            paragraph.append(child)
        elif (child.tail or "").strip():
            paragraph = block.makeelement("p")
            paragraph.text, child.tail = child.tail, None
            child.addnext(paragraph)
