"""The demo site's HTML pages, as a WordPress theme renders them: find the page of an address, and render it.

As on the real site, the ticker repeats its cycle eight times in one list, with the date line directly after it;
listings show a results line, and each article as one paragraph with its shortcodes; the home page shows paragraphs and
no results line; an article's page shows the date of the article beside the ticker of the day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from html import escape
from typing import Final

from ca_etl.demo.content import Caption, DemoArticle, Ticker, prose, slugify, ticker_of
from ca_etl.demo.posts import SiteSnapshot

PER_PAGE: Final = 6
CYCLES: Final = 8
SITE_NAME: Final = "The Caravan Times"

_PATH: Final = re.compile(r"(?P<root>/(?:[\w-]+/)*?)(?:page/(?P<page>[1-9]\d{0,5})/)?\Z")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_CSS: Final = ".cv-ribbon{overflow:hidden;white-space:nowrap}.cv-ribbon-track li{display:inline-block}"
_FOOTER: Final = (
    '<footer id="colophon" class="site-footer"><p>Demo site: the rates are real, every word is invented.</p>'
    "</footer>\n"
)


class ListingKind(StrEnum):
    """The kind of a demo listing page; only `latest` and `category` pages show a results line ("1 - 6 of 20")."""

    HOME = "home"
    LATEST = "latest"
    CATEGORY = "category"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a demo listing: page number `page`, from 1, with the `articles` that it shows.

    `root` is the path of the listing's first page, `total` the number of articles on all its pages, `recent` are those
    of the sidebar.
    """

    kind: ListingKind
    root: str
    heading: str
    page: int
    total: int
    articles: tuple[DemoArticle, ...]
    recent: tuple[DemoArticle, ...]

    @property
    def pages(self) -> int:
        """The number of pages of a demo listing; an empty listing has one page."""
        return max(1, -(-self.total // PER_PAGE))

    @property
    def results_line(self) -> str | None:
        """The results line of a demo listing, `Viewing results 7 - 12 of 8`, whose end can exceed the total.

        None on the home page and on author pages, which have no such line.
        """
        if self.kind in (ListingKind.HOME, ListingKind.AUTHOR):
            return None
        start = PER_PAGE * (self.page - 1) + 1
        return f"Viewing results {start} - {start + PER_PAGE - 1} of {self.total}"

    def path(self, page: int) -> str:
        """The path of page number `page` of a demo listing."""
        return self.root if page == 1 else f"{self.root}page/{page}/"


@dataclass(frozen=True, slots=True)
class DemoArticlePage:
    """The page of one demo article; `recent` are the articles in its sidebar."""

    article: DemoArticle
    recent: tuple[DemoArticle, ...]

    @property
    def root(self) -> str:
        """The path of a demo article's page: `/SLUG/`."""
        return f"/{self.article.slug}/"


@dataclass(frozen=True, slots=True)
class Moved:
    """A permanent redirect (301) to another path of the demo site."""

    path: str


def resolve(path: str, snapshot: SiteSnapshot) -> Listing | DemoArticlePage | Moved | None:
    """The page of the demo site at `path` (without query), given its articles; None for an unknown address.

    As in WordPress, addresses without a trailing slash, and `page/1/` of a listing, are redirects.
    """
    if not path.endswith("/"):
        return Moved(f"{path}/") if resolve(f"{path}/", snapshot) else None
    match = _PATH.match(path)
    if match is None:
        return None
    root, page = match["root"], match["page"]
    listing = _listing_of(root)
    if listing is None:
        article = snapshot.pages.get(root.strip("/")) if page is None else None
        return DemoArticlePage(article, snapshot.listed[:5]) if article else None
    if page == "1":
        return Moved(root)
    kind, heading, belongs = listing
    articles = tuple(article for article in snapshot.listed if belongs(article))
    number = int(page or 1)
    shown = articles[PER_PAGE * (number - 1) :][:PER_PAGE]
    if number > 1 and not shown:
        return None
    return Listing(kind, root, heading, number, len(articles), shown, snapshot.listed[:5])


def _listing_of(root: str) -> tuple[ListingKind, str, Callable[[DemoArticle], bool]] | None:
    """Kind and heading of the listing at `root`, and the test whether it has an article; None for another path."""
    match root.strip("/").split("/"):
        case [""]:
            return ListingKind.HOME, "Home", lambda _: True
        case ["latest"]:
            return ListingKind.LATEST, "Latest", lambda _: True
        case ["category", "home", slug] if slug in prose().categories:
            return ListingKind.CATEGORY, prose().categories[slug], lambda article: article.category == slug
        case ["author", slug] if slug in map(slugify, prose().authors):
            return ListingKind.AUTHOR, "Articles", lambda article: slugify(article.author) == slug
    return None


@dataclass(frozen=True, slots=True)
class PageOptions:
    """The content of a demo page besides its articles: day, ticker, date line and JSON-LD.

    An empty `ticker` omits the ticker, `dated` False the date line; `breaks_linked_data` truncates the JSON-LD.
    """

    day: date
    ticker: Ticker
    dated: bool = True
    breaks_linked_data: bool = False

    @classmethod
    def of(cls, day: date) -> PageOptions:
        """The options with which the demo site renders the pages of `day`, without a fault.

        Raises `UsageError` for a day outside `FIRST_DAY` to `LAST_DAY`.
        """
        return cls(day, ticker_of(day))


def date_line(day: date) -> str:
    """Format a day as the site's date line, `05 December 2025`, in English whatever the locale."""
    return f"{day.day:02} {_MONTHS[day.month - 1]} {day.year}"


def render_html(page: Listing | DemoArticlePage, options: PageOptions, base_url: str) -> str:
    """Render a listing or article page as HTML; `base_url` ends in a slash, and all links are absolute."""
    if isinstance(page, DemoArticlePage):
        title, path = page.article.title, page.root
        main = _single(page.article, base_url)
        shown_day = page.article.published_at.date()
    else:
        title, path = page.heading, page.path(page.page)
        main = _listing(page, base_url)
        shown_day = options.day
    dated = f'<div class="cv-today">{date_line(shown_day)}</div>\n' if options.dated else ""
    body_class = "single single-post" if isinstance(page, DemoArticlePage) else f"archive {page.kind}"
    return (
        f"{_head(page, title, base_url + path[1:], base_url, breaks=options.breaks_linked_data)}"
        f'<body class="{body_class} wp-theme-caravan">\n'
        f"{_header(base_url)}{_ticker(options.ticker)}{dated}"
        f'<div id="content" class="site-content">\n<main id="primary" class="content-area">\n{main}</main>\n'
        f"{_aside(page.recent, base_url)}</div>\n{_FOOTER}</body>\n</html>\n"
    )


def render_not_found(base_url: str) -> str:
    """Render the demo site's "Page not found" page as HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en-US">\n<head>\n<meta charset="UTF-8">\n'
        f'<title>Page not found - {SITE_NAME}</title>\n</head>\n<body class="error404">\n{_header(base_url)}'
        f"<main><h1>Nothing stands here</h1><p>The caravan has moved on.</p></main>\n"
        f"{_FOOTER}</body>\n</html>\n"
    )


def _head(page: Listing | DemoArticlePage, title: str, url: str, base_url: str, *, breaks: bool) -> str:
    shown = escape(f"{title} - {SITE_NAME}")
    article = page.article if isinstance(page, DemoArticlePage) else None
    kind = "article" if article else "website"
    times = _times(article) if article else ""
    linked = json.dumps(_linked_data(title, url, base_url, article), ensure_ascii=False).replace("</", "<\\/")
    linked = linked[: len(linked) * 2 // 3] if breaks else linked
    return (
        f'<!DOCTYPE html>\n<html lang="en-US">\n<head>\n<meta charset="UTF-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{shown}</title>\n'
        f'<link rel="canonical" href="{url}">\n<meta property="og:type" content="{kind}">\n'
        f'<meta property="og:title" content="{escape(title)}">\n'
        f'<meta property="og:url" content="{url}">\n{times}'
        f'<script type="application/ld+json" class="schema-graph">{linked}</script>\n'
        f'<style id="caravan-inline-css">{_CSS}</style>\n'
        f'<meta name="generator" content="WordPress-like demo">\n</head>\n'
    )


def _times(article: DemoArticle) -> str:
    named = {"published_time": article.published_at, "modified_time": article.edited_at}
    return "".join(
        f'<meta property="article:{name}" content="{at.isoformat()}">\n' for name, at in named.items() if at
    )


def _linked_data(title: str, url: str, base_url: str, article: DemoArticle | None) -> dict[str, object]:
    site = {"@type": "WebSite", "@id": f"{base_url}#website", "url": base_url, "name": SITE_NAME}
    page: dict[str, object] = {"@type": "CollectionPage", "@id": url, "url": url, "name": title}
    if article:
        page |= {
            "@type": "NewsArticle",
            "headline": article.title,
            "datePublished": article.published_at.isoformat(),
            "dateModified": article.modified_at.isoformat(),
            "author": {"@type": "Person", "name": article.author},
            "articleSection": prose().categories[article.category],
        }
    page["isPartOf"] = {"@id": site["@id"]}
    return {"@context": "https://schema.org", "@graph": [page, site]}


def _header(base_url: str) -> str:
    places = {"": "Home", "latest/": "Latest"}
    places |= {f"category/home/{slug}/": name for slug, name in prose().categories.items()}
    items = "".join(
        f'<li class="menu-item"><a href="{base_url}{path}">{escape(name)}</a></li>'
        for path, name in places.items()
    )
    return (
        f'<header id="masthead" class="site-header"><p class="site-title"><a href="{base_url}" rel="home">'
        f'{SITE_NAME}</a></p>\n<nav class="main-navigation">'
        f'<ul id="primary-menu" class="menu">{items}</ul></nav></header>\n'
    )


def _ticker(ticker: Ticker) -> str:
    if not ticker:
        return ""
    cycle = "".join(
        f'<li class="cv-rate"><span class="cv-pair">{rate.pair} = {rate.rate}</span> '
        f'<span class="{"cv-down" if rate.change.startswith("-") else "cv-up"}">{rate.change}</span></li>\n'
        for rate in ticker
    )
    return f'<div class="cv-ribbon"><ul class="cv-ribbon-track">\n{cycle * CYCLES}</ul></div>\n'


def _listing(page: Listing, base_url: str) -> str:
    results = f'<div class="cv-results">{page.results_line}</div>\n' if page.results_line else ""
    articles = "".join(_teased(article, page.kind, base_url) for article in page.articles)
    return (
        f'<header class="page-header"><h1 class="page-title">{escape(page.heading)}</h1></header>\n'
        f"{results}{articles}{_pager(page, base_url)}"
    )


def _teased(article: DemoArticle, kind: ListingKind, base_url: str) -> str:
    url = f"{base_url}{article.slug}/"
    if kind is not ListingKind.HOME:
        # The theme prints the image and leaves the shortcode around it, as the real listings do.
        image = f'width="300"]<img src="{base_url}wp-content/uploads/{article.post_id}.jpg" alt="">'
        text = escape(article.listing_text, quote=False).replace('width="300"]', image)
        body = f"<p>{text}</p>\n"
    elif article.teaser is not None:
        body = (
            f"<p>{escape(article.teaser, quote=False)}</p>\n"
            f'<p class="link-more"><a href="{url}" class="more-link">Continue reading</a></p>\n'
        )
    else:
        body = content_html(article, base_url)
    return (
        f"{_article_tag(article)}"
        f'<header class="entry-header"><h2 class="entry-title"><a href="{url}" rel="bookmark">'
        f"{escape(article.title, quote=False)}</a></h2>\n{_byline(article, base_url)}</header>\n"
        f'<div class="entry-summary">\n{body}</div>\n</article>\n'
    )


def _single(article: DemoArticle, base_url: str) -> str:
    return (
        f"{_article_tag(article)}"
        f'<header class="entry-header"><h1 class="entry-title">{escape(article.title, quote=False)}</h1>\n'
        f"{_byline(article, base_url)}</header>\n"
        f'<div class="entry-content">\n{content_html(article, base_url)}</div>\n</article>\n'
    )


def _article_tag(article: DemoArticle) -> str:
    return (
        f'<article id="post-{article.post_id}" class="post-{article.post_id} post type-post status-publish '
        f'format-standard hentry category-{article.category}">\n'
    )


def _byline(article: DemoArticle, base_url: str) -> str:
    at, edited = article.published_at, article.edited_at
    changed = f' <time class="updated" datetime="{edited.isoformat()}"></time>' if edited else ""
    return (
        f'<div class="entry-meta"><span class="byline">By <span class="author vcard"><a class="url fn n" '
        f'href="{base_url}author/{slugify(article.author)}/">{article.author}</a></span></span> '
        f'<time class="entry-date published" datetime="{at.isoformat()}">'
        f"{_MONTHS[at.month - 1]} {at.day}, {at.year}</time>{changed}</div>\n"
    )


def content_html(article: DemoArticle, base_url: str) -> str:
    """Render the whole text of an article as HTML paragraphs, with its picture after the first paragraph."""
    first, *others = (f"<p>{escape(text, quote=False)}</p>\n" for text in article.paragraphs)
    figure = _figure(article.caption, article.post_id, base_url) if article.caption else ""
    return "".join([first, figure, *others])


def _figure(caption: Caption, post_id: int, base_url: str) -> str:
    return (
        f'<figure id="attachment_{caption.attachment_id}" style="width: 300px" class="wp-caption alignnone">'
        f'<img class="size-medium" src="{base_url}wp-content/uploads/{post_id}.jpg" alt="" width="300">'
        f'<figcaption id="caption-attachment-{caption.attachment_id}" class="wp-caption-text">'
        f"{escape(caption.text, quote=False)}</figcaption></figure>\n"
    )


def _pager(page: Listing, base_url: str) -> str:
    if page.pages == 1:
        return ""
    numbers = sorted({1, page.pages, *range(max(1, page.page - 1), min(page.pages, page.page + 1) + 1)})
    links = "\n".join(
        f'<span aria-current="page" class="page-numbers current">{number}</span>'
        if number == page.page
        else f'<a class="page-numbers" href="{base_url}{page.path(number)[1:]}">{number}</a>'
        for number in numbers
    )
    return (
        f'<nav class="navigation pagination" aria-label="Posts pagination">'
        f'<h2 class="screen-reader-text">Posts pagination</h2>\n<div class="nav-links">{links}</div></nav>\n'
    )


def _aside(recent: tuple[DemoArticle, ...], base_url: str) -> str:
    items = "".join(
        f'<li><a href="{base_url}{article.slug}/">{escape(article.title, quote=False)}</a></li>\n'
        for article in recent
    )
    return (
        f'<aside id="secondary" class="widget-area"><section class="widget widget_recent_entries">'
        f'<h2 class="widget-title">Recent Posts</h2>\n<ul>\n{items}</ul></section></aside>\n'
    )
