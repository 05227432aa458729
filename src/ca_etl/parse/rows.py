"""From a capture to its rows: the one door into this room."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from ca_etl.parse.charset import Decoded, decode
from ca_etl.parse.doubts import response_page
from ca_etl.parse.html import read_html
from ca_etl.parse.kinds import ticker_day
from ca_etl.parse.links import article_address, is_api
from ca_etl.parse.markup import too_complex
from ca_etl.parse.page import PARSER_VERSION, Article, Page, PageKind, RateLine, Reject
from ca_etl.parse.posts_json import read_posts
from ca_etl.parse.sniff import Form, challenge_in, form_of
from ca_etl.parse.text import read_text
from ca_etl.records import Capture, RejectReason, Rows, site_name

# Kinds that list articles; on the others a page without one is nothing to report.
_LISTS: Final = frozenset(
    {PageKind.LISTING, PageKind.HOME, PageKind.AUTHOR, PageKind.POSTS_API, PageKind.FEED}
)

# Answers for machines, which print no ticker.
_FOR_MACHINES: Final = frozenset({PageKind.POSTS_API, PageKind.FEED, PageKind.API_ERROR})

# These leave open what the rest of the response is.
_AROUND: Final = frozenset({RejectReason.EXTRA_TEXT})

# Fewer pairs than this are a quotation and no ticker, which has never had fewer than four.
MIN_PAIRS: Final = 3

# With one of these an API is closed; 429 and 5xx are a bad day, as on any page.
_REFUSALS: Final = frozenset({400, 401, 403, 404, 405, 406, 410, 451})

# Ten thousand cycles fit; at 100,000 lines a page of malformed ticker lines took a second.
MAX_LINES: Final = 60_000


def rows_of(capture: Capture, *, zone: ZoneInfo, run_id: str, site: str | None = None) -> Rows:
    """The rows of one capture: exactly one `capture` row, and an observation or a reject at least.

    An answer of the posts API that counts nothing, and holds nothing, has its `capture` row alone.

    `zone` is the zone in which an undated capture's day is reckoned. Pure, and raises for no input.
    Positions count from 1 in each table. `site` is the host (without `www.`, or "loopback") whose pages are wanted: a
    page known to be another's is rejected, since a web archive's file holds many sites. None takes every page.
    """
    on = None if capture.captured_at is None else capture.captured_at.astimezone(zone).date()
    read = _foreign(capture, site) or _read(capture, on)
    if isinstance(read, Page):
        page: Page | None = read
        rejects = (*read.rejects, *(() if _says_none(capture, read) else _lacking(read)))
    else:
        page, rejects = None, (read,)
    if page is not None and ticker_day(page.kind, page.page_date, on) is None:
        rejects = (*rejects, _undated(page))
        page = page._replace(rates=(), articles=())
    if page is not None and len(page.rates) < MIN_PAIRS:
        # The grammar has reported the cycle as incomplete: an article quotes a pair in a line of its own.
        page = page._replace(rates=())
    rows = Rows(capture=[_capture_row(capture, page, on, run_id)])
    if page is not None:
        rows.rate_observation = [_rate_row(capture, rate) for rate in page.rates]
        _add_articles(rows, capture, page.articles, zone)
    rows.reject = list(_reject_rows(capture, rejects, run_id))
    return rows


def read_page(payload: bytes, *, content_type: str | None, url: str | None, on: date | None) -> Page | Reject:
    """The page that the bytes are, or why they are none. `on` is the day of the capture, if known."""
    form = form_of(payload, content_type, url)
    if isinstance(form, Reject):
        return form
    decoded = decode(payload, content_type, is_html=form is Form.HTML, is_xml=form is Form.FEED)
    if not decoded.is_usable and decoded.damage is not None:
        return decoded.damage
    # DuckDB and Arrow take NUL, many of their readers do not.
    text = decoded.text.replace("\x00", "\ufffd") if b"\x00" in payload else decoded.text
    page = _read_form(form, payload, decoded._replace(text=text), url=url, on=on)
    if isinstance(page, Reject) or decoded.damage is None:
        return page
    return page._replace(rejects=(*page.rejects, decoded.damage))


def _read_form(
    form: Form, payload: bytes, decoded: Decoded, *, url: str | None, on: date | None
) -> Page | Reject:
    text, charset = decoded.text, decoded.charset
    if form is Form.FEED:
        from ca_etl.parse.feed_xml import read_feed  # noqa: PLC0415  feedparser takes 50 ms to import

        return read_feed(text, url=url, charset=charset)
    if form is Form.JSON or is_api(url):
        page = read_posts(text.removeprefix("\ufeff"), url=url, charset=charset)
        # With a notice of PHP's before it JSON comes as text/html.
        if form is Form.JSON or any(reject.reason is RejectReason.EXTRA_TEXT for reject in page.rejects):
            return page
        return _closed(f"{form.value} where JSON was asked for", text, charset)
    if form is Form.HTML:
        is_whole = decoded.is_verbatim and b"\x00" not in payload
        html = payload if is_whole else text.encode()
        why = too_complex(html)
        if why is not None:
            return Reject.of(RejectReason.TOO_LARGE, why, text)
        page = read_html(html, url=url, on=on, charset=charset)
    else:
        if text.count("\n") > MAX_LINES:
            return Reject.of(RejectReason.TOO_LARGE, f"more than {MAX_LINES} lines of text", text)
        page = read_text(text, url=url, on=on, charset=charset)
    mark = challenge_in(text) if not page.ticker_cycles else None
    return page if mark is None else Reject.of(RejectReason.BLOCKED, f"a bot check, told by {mark!r}", text)


def _closed(why: str, text: str, charset: str) -> Page:
    """The answer of an API that lets nobody in: a firewall's page, or an error in a dialect of its own."""
    mark = challenge_in(text)
    told = why if mark is None else f"{why}, told by {mark!r}"
    reject = Reject.of(RejectReason.API_REFUSED, told, text)
    return response_page(PageKind.API_ERROR, (), [reject], charset)


def _api_answer(capture: Capture, on: date | None) -> Page | None:
    """What an API answers under a status that refuses: its error object, or whatever stands in for it."""
    status = capture.http_status
    if capture.truncated is not None or status not in _REFUSALS or not is_api(capture.url):
        return None
    read = read_page(capture.payload, content_type=capture.content_type, url=capture.url, on=on)
    told = read.rejects[0] if isinstance(read, Page) and read.kind is PageKind.API_ERROR else None
    why = f"status {status}" if told is None else f"status {status}, {told.detail}"
    text = capture.payload[:4096].decode("utf-8", "replace").replace("\x00", "\ufffd")
    charset = read.charset if isinstance(read, Page) else "unread"
    return _closed(why, text, charset)


def _read(capture: Capture, on: date | None) -> Page | Reject:
    answered = _api_answer(capture, on)
    if answered is not None:
        return answered
    refused = _refused(capture)
    if refused is not None:
        return refused
    return read_page(capture.payload, content_type=capture.content_type, url=capture.url, on=on)


def _foreign(capture: Capture, site: str | None) -> Reject | None:
    if site is None or capture.url is None:
        return None
    found = site_name(capture.url)
    return None if found == site else Reject(RejectReason.OTHER_SITE, f"a page of {found}, not of {site}", "")


def _refused(capture: Capture) -> Reject | None:
    """Why the answer is no page to begin with; the body of an error page is not read."""
    status = capture.http_status
    excerpt = capture.payload[:200].decode("utf-8", "replace").replace("\x00", "\ufffd")
    if capture.truncated is not None:
        return Reject.of(RejectReason.TRUNCATED, f"cut in the archive: {capture.truncated}", excerpt)
    if status is None or 200 <= status < 300:
        return None
    if status == 304:
        if capture.refers_to is not None and capture.payload:
            return None
        return Reject.of(RejectReason.HTTP_ERROR, "status 304 without an archived body", excerpt)
    head = capture.payload[:4096].decode("utf-8", "replace")
    mark = challenge_in(head)
    if status == 403 or mark is not None:
        told = "" if mark is None else f", told by {mark!r}"
        return Reject.of(RejectReason.BLOCKED, f"status {status}{told}", excerpt)
    return Reject.of(RejectReason.HTTP_ERROR, f"status {status}", excerpt)


def _lacking(page: Page) -> Iterable[Reject]:
    """What a page of its kind should have and has not; a reject has said why an answer for machines is empty."""
    for_machines = page.kind in _FOR_MACHINES
    if for_machines and not page.articles and {reject.reason for reject in page.rejects} - _AROUND:
        return
    if not for_machines and not page.ticker_cycles and not _is_told(page):
        yield Reject(RejectReason.NO_TICKER, "no ticker line on the page", "")
    if not page.articles and not _is_told(page) and (page.kind in _LISTS or not page.ticker_cycles):
        yield Reject(RejectReason.NO_ARTICLES, f"no article on a page of kind {page.kind}", "")
    untitled = [article for article in page.articles if article.title is None]
    if untitled:
        said = f"{len(untitled)} of {len(page.articles)} articles have no title on the page"
        yield Reject.of(RejectReason.UNTITLED, said, untitled[0].text or "")


def _says_none(capture: Capture, page: Page) -> bool:
    """Whether the answer says of itself that nothing fits the question: empty is not missing."""
    return page.kind is PageKind.POSTS_API and capture.total == 0 and not page.articles


def _is_told(page: Page) -> bool:
    """Whether the reader has said itself that there is no article, as of the API's index."""
    return any(reject.reason is RejectReason.NO_ARTICLES for reject in page.rejects)


def _undated(page: Page) -> Reject:
    printed = ", ".join(f"{rate.base} {rate.rate_text} {rate.change_text}" for rate in page.rates)
    return Reject.of(
        RejectReason.UNDATED,
        f"neither a page date nor a capture time; {len(page.rates)} rates and {len(page.articles)} articles "
        "are not taken (ingest a WARC, which carries the time)",
        printed,
    )


def _capture_row(capture: Capture, page: Page | None, on: date | None, run_id: str) -> dict[str, Any]:
    shown = None if page is None else page.shown
    counted = capture.total if page is not None and page.kind is PageKind.POSTS_API else None
    return {
        "capture_id": capture.capture_id,
        "source": capture.source,
        "url": capture.url,
        "captured_at": capture.captured_at,
        "captured_date": on,
        "page_date": None if page is None else page.page_date,
        "page_kind": None if page is None else str(page.kind),
        "http_status": capture.http_status,
        "content_type": capture.content_type,
        "charset": None if page is None else page.charset,
        "etag": capture.etag,
        "last_modified": capture.last_modified,
        "refers_to": capture.refers_to,
        "payload_sha256": capture.payload_sha256,
        "payload_bytes": len(capture.payload),
        "shown_from": None if shown is None else shown.first,
        "shown_to": None if shown is None else shown.last,
        "shown_total": counted if shown is None else shown.total,
        "ticker_cycles": 0 if page is None else page.ticker_cycles,
        "articles_parsed": 0 if page is None else len(page.articles),
        "archive_file": capture.archive_file,
        "archive_offset": capture.archive_offset,
        "parser_version": PARSER_VERSION,
        "run_id": run_id,
    }


def _rate_row(capture: Capture, rate: RateLine) -> dict[str, Any]:
    return {
        "capture_id": capture.capture_id,
        "base": rate.base,
        "quote": rate.quote,
        "rate": rate.rate,
        "rate_text": rate.rate_text,
        "change_pct": rate.change_pct,
        "change_text": rate.change_text,
        "position": rate.position,
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
        rows.article_observation.append(
            {
                "capture_id": capture.capture_id,
                "position": article.position,
                "title": article.title,
                "url": article.url and article_address(article.url),
                "text_id": text_id,
                "is_truncated": article.is_truncated,
                "author": article.author,
                "published_at": article.published_at,
                "published_date": article.published_at and article.published_at.astimezone(zone).date(),
                "modified_at": article.modified_at,
                "dateline": article.dateline,
                "media": [
                    {"kind": item.kind, "attachment_id": item.attachment_id, "caption": item.caption}
                    for item in article.media
                ],
                "post_id": article.post_id,
                "slug": article.slug,
                "categories": list(article.categories) or None,
            }
        )


def _reject_rows(capture: Capture, rejects: Iterable[Reject], run_id: str) -> Iterable[dict[str, Any]]:
    for position, reject in enumerate(rejects, start=1):
        yield {
            "capture_id": capture.capture_id,
            "position": position,
            "reason": str(reject.reason),
            "detail": reject.detail,
            "excerpt": reject.excerpt,
            "parser_version": PARSER_VERSION,
            "run_id": run_id,
        }
