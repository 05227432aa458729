"""Demo pages on file: as they are (some 15 kB), with the weight of a news site's pages (some 120 kB), and as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from benchmarks.history import NEWEST, pages
from benchmarks.weight import weighted
from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.demo.content import DemoArticle, ticker_of
from ca_etl.demo.pages import CYCLES, Listing, ListingKind, PageOptions, date_line, resolve
from ca_etl.demo.posts import default_snapshot

BASE_URL: Final = "http://127.0.0.1:8808/"
PATHS: Final = ("/", "/latest/", "/category/home/local-politics/", "/category/home/business-economy/")
SOURCE: Final = "timesca"


def light_pages(count: int) -> Iterator[tuple[str, bytes]]:
    """Address and HTML of `count` listing pages of the last days of the demo's history."""
    for day in _days(count):
        for path, html in pages(PATHS, day, BASE_URL):
            yield BASE_URL + path[1:], html


def heavy_pages(count: int) -> Iterator[tuple[str, bytes]]:
    """The same pages with the weight of real ones."""
    for url, html in light_pages(count):
        yield url, weighted(html.decode(), BASE_URL).encode()


def text_pages(count: int) -> Iterator[tuple[str, bytes]]:
    """Address and text of the same listings, as a WET file holds them."""
    for day in _days(count):
        options = PageOptions(day, ticker_of(day))
        for path in PATHS:
            listing = resolve(path, default_snapshot(day))
            assert isinstance(listing, Listing)
            yield BASE_URL + path[1:], render_text(listing, options).encode()


def render_text(page: Listing, options: PageOptions) -> str:
    """The listing as a text capture: ticker lines, date line, results line, titles and bodies."""
    lines = [f"  • {rate.line}" for rate in options.ticker * CYCLES]
    if lines:
        lines[0] = lines[0].lstrip()
    if options.dated:
        lines.append(date_line(options.day))
    if page.results_line:
        lines += ["", page.results_line]
    for article in page.articles:
        lines += ["", article.title]
        for body in _text_bodies(article, page.kind):
            lines += ["", body]
    return "\n".join(lines)


def _text_bodies(article: DemoArticle, kind: ListingKind) -> tuple[str, ...]:
    if kind is not ListingKind.HOME:
        return (article.listing_text,)
    if article.teaser is not None:
        return article.teaser, "Continue reading"
    return article.paragraphs


def second_after_second(turn: int) -> datetime:
    """The capture time of a page by its position in the file, in seconds of the newest day."""
    return datetime.combine(NEWEST, datetime.min.time(), UTC) + timedelta(seconds=turn)


def write_html(
    root: Path,
    name: str,
    found: Iterator[tuple[str, bytes]],
    captured_at: Callable[[int], datetime] = second_after_second,
) -> Path:
    """An archive file of the pages, by the archive's own writer; bodies are decoded, as in Common Crawl's files."""
    at = second_after_second(0)
    with ArchiveWriter(
        root, f"{at:%Y%m%dT%H%M%SZ}-{name}", source=SOURCE, info={}, clock=lambda: at
    ) as writer:
        for turn, (url, body) in enumerate(found):
            writer.add(
                Attempt(
                    url=url,
                    number=1,
                    started_at=captured_at(turn),
                    verdict=Verdict.OK,
                    detail="200 OK",
                    status=200,
                    reason="OK",
                    response_headers=(("Content-Type", "text/html; charset=UTF-8"),),
                    wire_body=body,
                    body=body,
                )
            )
    assert writer.path is not None
    return writer.path


def write_text(
    root: Path,
    found: Iterator[tuple[str, bytes]],
    captured_at: Callable[[int], datetime] = second_after_second,
) -> Path:
    """A WET file of the texts: `conversion` records, as Common Crawl writes them."""
    path = root / "text.warc.wet.gz"
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True, warc_version="WARC/1.0")
        for turn, (url, body) in enumerate(found):
            writer.write_record(
                writer.create_warc_record(
                    url,
                    "conversion",
                    payload=BytesIO(body),
                    length=len(body),
                    warc_content_type="text/plain",
                    warc_headers_dict={"WARC-Date": f"{captured_at(turn):%Y-%m-%dT%H:%M:%SZ}"},
                )
            )
    return path


def _days(count: int) -> list[date]:
    return [NEWEST - timedelta(days=back) for back in range(-(-count // len(PATHS)))]
