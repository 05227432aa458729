"""Entry point of the parsers: from one capture to its rows for the `raw` tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ca_etl.parse.decode import Decoded, Form, decode, find_challenge, form_of, text_prefix
from ca_etl.parse.html_document import Markup
from ca_etl.parse.html_page import read_html
from ca_etl.parse.item_validation import refused_page
from ca_etl.parse.links import article_address, bare_address, is_api, title_slug, url_slug
from ca_etl.parse.page import (
    GAP,
    PARSER_VERSION,
    Article,
    Content,
    Page,
    PageKind,
    Parser,
    Reject,
    Terms,
    ticker_day,
)
from ca_etl.parse.text_page import read_text
from ca_etl.parse.wordpress_json import read_posts
from ca_etl.records import (
    UNAVAILABLE_STATUSES,
    Capture,
    RateObservation,
    RejectReason,
    Rows,
    response_class,
    site_name,
)

# Kinds that list articles; a page of another kind may have none.
_LISTS: Final = frozenset(
    {PageKind.LISTING, PageKind.HOME, PageKind.AUTHOR, PageKind.POSTS_API, PageKind.FEED}
)

# Responses for machines, which print no ticker.
_FOR_MACHINES: Final = frozenset({PageKind.POSTS_API, PageKind.FEED, PageKind.API_ERROR})

# Fewer pairs than this are a quotation: the ticker has never had fewer than four.
MIN_PAIRS: Final = 3

# With one of these a response for machines that gives no row could not be read.
_UNREAD: Final = frozenset({RejectReason.BAD_JSON, RejectReason.BAD_XML, RejectReason.TOO_LARGE})

_FIRST_DAY: Final = date(1, 1, 2)

# Ten thousand cycles fit; at 100,000 lines a page of malformed ticker lines took a second.
MAX_LINES: Final = 60_000

# What a title may have between its words on a page: spaces, marks, tags, and escapes of JSON and HTML.
_BETWEEN: Final = r"(?:\\u[0-9a-fA-F]{4}|&#?\w{1,8};|<[^>]{0,99}>|[^A-Za-z0-9]){1,8}?"
_NO_WORD: Final = re.compile(r"[\W_]+")


def read_site(capture: Capture, terms: Terms) -> Content:
    """Parse a capture of the site (page, API response or feed) to records and rejects. Never raises.

    There is at least one record or reject, except for a response of the posts API that counts zero posts.
    """
    on = terms.day_of(capture)
    page = _read(capture, on, terms.site)
    if isinstance(page, Reject):
        return Content.unreadable(page)
    rejects = [*page.rejects, *_missing_parts(capture, page)]
    day = ticker_day(page.kind, page.page_date, on)
    if day is None:
        rejects.append(_undated(page))
        page = page._replace(rates=(), articles=())
    ambiguous = {article.position: reject for article, reject in _ambiguous_titles(page.articles)}
    rejects += ambiguous.values()
    page = page._replace(articles=tuple(a for a in page.articles if a.position not in ambiguous))
    if len(page.rates) < MIN_PAIRS:
        # The grammar has reported the cycle as incomplete: an article quotes a pair in a line of its own.
        page = page._replace(rates=())
    records = tuple(
        RateObservation(capture.capture_id, rate=line.rate, change_pct=line.change_pct, **line._asdict())
        for line in page.rates
    )
    return Content(records, tuple(rejects), day, _is_page(page), page)


SITE: Final = Parser(PARSER_VERSION, read_site, reads_errors=True)


def rows_of(
    capture: Capture, *, zone: ZoneInfo, run_id: str, site: str | None = None, parser: Parser = SITE
) -> Rows:
    """Parse one capture to rows: exactly one `capture` row, and the observations and rejects that its `parser` reads.

    `zone` and `site` are those of `Terms`. Positions count from 1 in each table. Where the parser of a source other
    than the site raises an exception, the capture is a reject, so that a defect there does not hold up the ticker.
    """
    terms = Terms(zone, site)
    try:
        content = _content(capture, parser, terms)
    except Exception as error:
        if parser == SITE:
            raise
        content = Content.unreadable(
            Reject.of(
                RejectReason.PARSER_ERROR, f"{type(error).__name__}: {error}", text_prefix(capture.payload)
            )
        )
    made_by = {"parser_version": parser.version, "run_id": run_id}
    rows = Rows(capture=[_capture_row(capture, content, terms) | made_by])
    for record in content.records:
        rows.add(record)
    if content.page is not None:
        _add_articles(rows, capture, content.page.articles, zone)
    for position, reject in enumerate(content.rejects, start=1):
        rows.reject.append(_reject_row(reject, capture.capture_id, position) | made_by)
    return rows


def _content(capture: Capture, parser: Parser, terms: Terms) -> Content:
    if parser.reads_errors or _is_whole(capture):
        return parser.read(capture, terms)
    return Content.unreadable(_refused(capture))


def read_page(payload: bytes, *, content_type: str | None, url: str | None, on: date | None) -> Page | Reject:
    """Parse the bytes of a response to a page; returns the reject of a response that is not a page.

    `content_type` is the HTTP header, `on` the local day of the capture; each is None where unknown.
    """
    form = form_of(payload, content_type, url)
    if isinstance(form, Reject):
        return form
    decoded = decode(payload, content_type, is_html=form is Form.HTML, is_xml=form is Form.FEED)
    if not decoded.is_usable and decoded.damage is not None:
        return decoded.damage
    if b"\x00" in payload:
        # DuckDB and Arrow take NUL, many of their readers do not.
        decoded = decoded._replace(text=decoded.text.replace("\x00", "\ufffd"), is_verbatim=False)
    page = _read_form(form, payload, decoded, url=url, on=on)
    if isinstance(page, Reject) or decoded.damage is None:
        return page
    return page._replace(rejects=(*page.rejects, decoded.damage))


def printed_text(payload: bytes, *, content_type: str | None, url: str | None) -> str | None:
    """The text of a response as its parser searches it, with `GAP` between nodes and lines; None where it has no text.

    Of HTML that is the text of the body; JSON and feeds are returned as sent.
    """
    form = form_of(payload, content_type, url)
    if isinstance(form, Reject):
        return None
    decoded = decode(payload, content_type, is_html=form is Form.HTML, is_xml=form is Form.FEED)
    text = decoded.text.replace("\x00", "\ufffd")
    return Markup(text.encode()).flat if form is Form.HTML else text.replace("\n", GAP)


def find_title(text: str, title: str) -> tuple[int, int] | None:
    """Start and end in `text` of the first place that has `title`, as written or with escapes between its words."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    at = text.find(title)
    if at >= 0 or not words:
        return (at, at + len(title)) if at >= 0 else None
    match = re.search(_BETWEEN.join(words), text)
    return None if match is None else match.span()


def _read_form(
    form: Form, payload: bytes, decoded: Decoded, *, url: str | None, on: date | None
) -> Page | Reject:
    text, charset = decoded.text, decoded.charset
    read: Page | Reject
    if form is Form.FEED:
        from ca_etl.parse.feed import read_feed  # noqa: PLC0415  feedparser takes 50 ms to import

        return read_feed(text, url=url, charset=charset)
    if form is Form.JSON or is_api(url):
        page = read_posts(text.removeprefix("\ufeff"), url=url, charset=charset)
        # With a notice of PHP's before it JSON comes as text/html.
        if form is Form.JSON or any(reject.reason is RejectReason.EXTRA_TEXT for reject in page.rejects):
            return page
        return _api_refused(f"{form.value} where JSON was asked for", text, charset)
    if form is Form.HTML:
        html = payload if decoded.is_verbatim else text.encode()
        read = read_html(html, url=url, on=on, charset=charset)
    elif text.count("\n") > MAX_LINES:
        read = Reject.of(RejectReason.TOO_LARGE, f"more than {MAX_LINES} lines of text", text)
    else:
        read = read_text(text, url=url, on=on, charset=charset)
    mark = None if isinstance(read, Reject) or read.ticker_cycles else find_challenge(text)
    return read if mark is None else Reject.of(RejectReason.BLOCKED, f"a bot check, told by {mark!r}", text)


def _api_refused(why: str, text: str, charset: str) -> Page:
    """The page of kind `api_error` for an API response that is not JSON of posts, such as a firewall's page."""
    why = f"{why}{_challenge(text)}"
    return refused_page(PageKind.API_ERROR, RejectReason.API_REFUSED, why, text, charset)


def _challenge(text: str) -> str:
    mark = find_challenge(text)
    return "" if mark is None else f", told by {mark!r}"


def _read(capture: Capture, on: date | None, site: str | None) -> Page | Reject:
    """The parsed page of a capture, or its reject. Of error responses only those of the API are parsed."""
    status, url = capture.http_status, capture.url
    if site is not None and url is not None and (name := site_name(url)) != site:
        return Reject(RejectReason.OTHER_SITE, f"a page of {name}, not of {site}", "")
    is_api_error = capture.truncated is None and status in UNAVAILABLE_STATUSES and is_api(url)
    if not is_api_error and not _is_whole(capture):
        return _refused(capture)
    page = read_page(capture.payload, content_type=capture.content_type, url=url, on=on)
    if not is_api_error:
        return page
    why, charset = f"status {status}", "unread"
    if isinstance(page, Page):
        charset = page.charset
        why += f", {page.rejects[0].detail}" if page.kind is PageKind.API_ERROR else ""
    return _api_refused(why, text_prefix(capture.payload), charset)


def _is_whole(capture: Capture) -> bool:
    """Whether a capture has the whole body of a response without an error, or that of the page it is unchanged from."""
    status = capture.http_status
    is_ok = status is None or 200 <= status < 300
    is_unchanged = status == 304 and capture.refers_to is not None and bool(capture.payload)
    return capture.truncated is None and (is_ok or is_unchanged)


def _refused(capture: Capture) -> Reject:
    """The reject of a response whose body is not read."""
    status, text = capture.http_status, text_prefix(capture.payload)
    if capture.truncated is not None:
        return Reject.of(RejectReason.TRUNCATED, f"cut in the archive: {capture.truncated}", text)
    if status == 304:
        return Reject.of(RejectReason.HTTP_ERROR, "status 304 without an archived body", text)
    challenge = _challenge(text)
    reason = RejectReason.BLOCKED if status == 403 or challenge else RejectReason.HTTP_ERROR
    return Reject.of(reason, f"status {status}{challenge}", text)


def _missing_parts(capture: Capture, page: Page) -> Iterator[Reject]:
    """The rejects of a page without the ticker, articles or titles that a page of its kind should have.

    A response of API or feed without articles has a reject already, or states that zero posts match the request.
    """
    for_machines = page.kind in _FOR_MACHINES
    # What was cut off leaves open what the rest of the response is.
    reasons = {reject.reason for reject in page.rejects} - {RejectReason.EXTRA_TEXT}
    is_empty = page.kind is PageKind.POSTS_API and capture.total == 0
    if not page.articles and (is_empty or (for_machines and reasons)):
        return
    # As of the API's index.
    is_reported = RejectReason.NO_ARTICLES in reasons
    if not for_machines and not page.ticker_cycles and not is_reported:
        yield Reject(RejectReason.NO_TICKER, "no ticker line on the page", "")
    if not page.articles and not is_reported and (page.kind in _LISTS or not page.ticker_cycles):
        yield Reject(RejectReason.NO_ARTICLES, f"no article on a page of kind {page.kind}", "")
    untitled = [article for article in page.articles if article.title is None]
    if untitled:
        why = f"{len(untitled)} of {len(page.articles)} articles have no title on the page"
        yield Reject.of(RejectReason.UNTITLED, why, untitled[0].text or "")


def _ambiguous_titles(articles: Iterable[Article]) -> Iterator[tuple[Article, Reject]]:
    """The articles that share a title on one page and have no link and no post id, each with its reject.

    It is unknown which of them another page shows. Texts of which one is the prefix of another are one article.
    """
    by_title: dict[str, list[Article]] = {}
    for article in articles:
        if article.title and article.post_id is None and url_slug(article.url or "") is None:
            by_title.setdefault(title_slug(article.title), []).append(article)
    for namesakes in by_title.values():
        if len(namesakes) == 1:
            continue
        texts = [_NO_WORD.sub(" ", article.text.lower()).strip() for article in namesakes if article.text]
        longest = max(texts, key=len, default="")
        if all(longest.startswith(text) for text in texts):
            continue
        why = (
            f"{len(namesakes)} articles with this title, different texts, no link and no post id on one page"
        )
        for article in namesakes:
            shown = f"{article.title}\n{article.text or ''}"
            yield article, Reject.of(RejectReason.AMBIGUOUS_TITLE, why, shown)


def _undated(page: Page) -> Reject:
    printed = ", ".join(f"{rate.base} {rate.rate_text} {rate.change_text}" for rate in page.rates)
    return Reject.of(
        RejectReason.UNDATED,
        f"neither a page date nor a capture time; {len(page.rates)} rates and {len(page.articles)} articles "
        "are not taken (ingest a WARC, which carries the time)",
        printed,
    )


_OF_CAPTURE: Final = (
    *("capture_id", "source", "source_kind", "url", "captured_at", "http_status", "content_type"),
    *("etag", "last_modified", "refers_to", "payload_sha256", "archive_file", "archive_offset"),
)


def _is_page(page: Page) -> bool:
    """Whether the body of a capture was parsed as a page, and not as an error or an unreadable response."""
    if page.kind is PageKind.API_ERROR:
        return False
    is_empty = not page.rates and not page.articles
    return not (is_empty and page.kind in _FOR_MACHINES and any(r.reason in _UNREAD for r in page.rejects))


def _capture_row(capture: Capture, content: Content, terms: Terms) -> dict[str, Any]:
    on, page = terms.day_of(capture), content.page
    # a page can print the first day of the first year, which begins before year 1 of UTC in a zone east of Greenwich
    day = content.day or on
    day_began = day and datetime.combine(max(day, _FIRST_DAY), time(), terms.zone)
    shown = None if page is None else page.shown
    counted = capture.total if page is not None and page.kind is PageKind.POSTS_API else None
    return {name: getattr(capture, name) for name in _OF_CAPTURE} | {
        "captured_date": on,
        "page_date": None if page is None else page.page_date,
        "observed_date": day,
        "observed_from": capture.captured_at or day_began,
        "page_kind": None if page is None else str(page.kind),
        "charset": None if page is None else page.charset,
        "payload_bytes": len(capture.payload),
        "shown_from": None if shown is None else shown.first,
        "shown_to": None if shown is None else shown.last,
        "shown_total": counted if shown is None else shown.total,
        "ticker_cycles": 0 if page is None else page.ticker_cycles,
        "articles_parsed": 0 if page is None else len(page.articles),
        "response_class": str(
            response_class(
                capture.source,
                capture.http_status,
                is_page=content.is_readable,
                is_revisit=capture.refers_to is not None,
            )
        ),
    }


def _add_articles(rows: Rows, capture: Capture, articles: Iterable[Article], zone: ZoneInfo) -> None:
    stored: set[str] = set()
    for article in articles:
        text_id = None
        if article.text is not None:
            text_id = hashlib.sha256(article.text.encode()).hexdigest()
            if text_id not in stored:
                stored.add(text_id)
                rows.article_text.append({"text_id": text_id, "text": article.text})
        row = article._asdict()
        del row["text"]
        url = article.url and article_address(article.url)
        row |= {
            "capture_id": capture.capture_id,
            "url": url,
            "url_slug": url_slug(url) if url else None,
            "title_slug": title_slug(article.title) if article.title else None,
            "text_id": text_id,
            "published_date": article.published_at and article.published_at.astimezone(zone).date(),
            "media": [item._asdict() for item in article.media],
            "categories": list(article.categories) or None,
        }
        rows.article_observation.append(row)


class PageContent(NamedTuple):
    """The address, title, text and post id of one article page, for comparison with other pages.

    `text` is the text or its hash.
    """

    url: str
    title: str | None
    text: str | None
    post_id: int | None


def repeated_pages(pages: Sequence[PageContent]) -> dict[int, int]:
    """Find article pages with the same content under several addresses.

    Returns the number of these addresses by the index in `pages`. Such a page is not an article's: a server can
    respond to any request with one page that resembles an article. The content is the text, or the title of a page
    without text. A post that was published twice (one title, and a post id for each address) is not included.
    """
    same: dict[tuple[str | None, str | None], list[int]] = {}
    for index, page in enumerate(pages):
        if page.text or page.title:
            same.setdefault((page.text, None if page.text else page.title), []).append(index)
    repeated: dict[int, int] = {}
    for indexes in same.values():
        several = [pages[index] for index in indexes]
        addresses = len({bare_address(page.url) for page in several})
        post_ids = {page.post_id for page in several}
        is_published_twice = (
            None not in post_ids and len(post_ids) >= addresses and len({page.title for page in several}) == 1
        )
        if addresses > 1 and not is_published_twice:
            repeated |= dict.fromkeys(indexes, addresses)
    return repeated


def reject_repeats(rows: Rows, *, source: str, run_id: str) -> None:
    """Replace each article in `rows` by a reject, where several addresses have its content; see `repeated_pages`.

    Only captures of `source`, the source that requests article pages, are compared. `rows` are of one archive file.
    """
    pages = {
        row["capture_id"]: row
        for row in rows.capture
        if row["source"] == source and row["page_kind"] == PageKind.ARTICLE and row["articles_parsed"] == 1
    }
    shown = [row for row in rows.article_observation if row["capture_id"] in pages and row["url"]]
    contents = [PageContent(row["url"], row["title"], row["text_id"], row["post_id"]) for row in shown]
    lost: set[str] = set()
    for index, addresses in repeated_pages(contents).items():
        capture_id = shown[index]["capture_id"]
        why = f"{addresses} pages say the same"
        reject = Reject.of(RejectReason.NO_ARTICLES, why, shown[index]["title"] or "")
        positions = (row["position"] for row in rows.reject if row["capture_id"] == capture_id)
        made_by = {"parser_version": PARSER_VERSION, "run_id": run_id}
        rows.reject.append(_reject_row(reject, capture_id, max(positions, default=0) + 1) | made_by)
        pages[capture_id] |= {"page_kind": str(PageKind.OTHER), "page_date": None, "articles_parsed": 0}
        lost.add(capture_id)
    kept = [row for row in rows.article_observation if row["capture_id"] not in lost]
    lost_texts = {row["text_id"] for row in shown if row["capture_id"] in lost} - {
        row["text_id"] for row in kept
    }
    rows.article_observation = kept
    rows.article_text = [row for row in rows.article_text if row["text_id"] not in lost_texts]


def _reject_row(reject: Reject, capture_id: str, position: int) -> dict[str, Any]:
    of_capture = {"capture_id": capture_id, "position": position}
    return of_capture | reject._asdict() | {"reason": str(reject.reason)}
