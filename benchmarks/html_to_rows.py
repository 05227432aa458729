"""Pages per second of processor time from an archive file to rows, on one core.

Three readers of one WARC file with the same listings: ours (every record verified, every page to rows), FastWARC
with a bare lexbor parse (no verification, no rows: what the two libraries take by themselves), and trafilatura,
a general extractor, which gets its pages from memory and is given every fifth of them, as it is the slowest by far. The
pages are measured as the demo prints them and with the weight of a real site's pages (see `pages.py`). Then each kind
of page, one of the demo a row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from fastwarc.warc import ArchiveIterator, WarcRecordType
from selectolax.lexbor import LexborHTMLParser
from trafilatura import bare_extraction

from benchmarks.history import NEWEST
from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from benchmarks.pages import BASE_URL, heavy_pages, light_pages, write_html
from ca_etl.archive.reader import read_archive
from ca_etl.demo.handlers import respond
from ca_etl.parse.page import Page as ReadPage
from ca_etl.parse.rows import read_page, rows_of
from ca_etl.records import Capture, Rows

PAGES: Final = 300
EVERY: Final = 5
OF_LEXBOR, OF_TRAFILATURA = 0.6, 15.0
ZONE: Final = ZoneInfo("Asia/Almaty")
KINDS: Final = {
    "listing": "/latest/",
    "home": "/",
    "article": "/{slug}/",
    "posts_api": "/wp-json/wp/v2/posts?per_page=20&_embed=author,wp:term",
    "feed": "/feed/",
}
# A few article pages a day are read, thousands of listings in a backfill.
ARTICLE_MILLISECONDS: Final = 100.0

Page = tuple[str, bytes]


def claims() -> Iterator[Claim]:
    """Both weights against both alternatives."""
    light, heavy = list(light_pages(PAGES)), list(heavy_pages(PAGES))
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as folder:
        root = Path(folder)
        light_file = write_html(root, "light", iter(light))
        heavy_file = write_html(root, "heavy", iter(heavy))
        _assert_same_content(rows_in(light_file, root), rows_in(heavy_file, root))
        yield from _compare(root, light_file, light, "as the demo prints them")
        yield from _compare(root, heavy_file, heavy, "with a real site's weight")
    yield from _kinds()


def rows_in(path: Path, root: Path) -> Rows:
    """Every row of an archive file; a record or a page that gives none is an error here."""
    rows = Rows()
    for found in read_archive(path, root=root):
        assert isinstance(found, Capture), found
        rows.extend(rows_of(found, zone=ZONE, run_id="benchmark"))
    assert not rows.reject, rows.reject[0]
    return rows


def bare_parse(path: Path) -> None:
    """FastWARC and lexbor alone."""
    parsed = 0
    for record in ArchiveIterator(str(path), record_types=WarcRecordType.response, parse_http=True):
        parsed += LexborHTMLParser(record.reader.read()).body is not None
    assert parsed == PAGES


def _compare(root: Path, path: Path, pages: list[Page], weight: str) -> Iterator[Claim]:
    size = sum(len(html) for _, html in pages) / len(pages) / 1000
    tell(f"html: {len(pages)} pages of {size:.0f} kB, ours, lexbor and trafilatura")
    few = [html for _, html in pages[::EVERY]]
    took = interleaved(
        {
            "ours": lambda: processor(lambda: rows_in(path, root)),
            "lexbor": lambda: processor(lambda: bare_parse(path)),
            "trafilatura": lambda: processor(lambda: [bare_extraction(html) for html in few]),
            "fast": lambda: processor(lambda: [bare_extraction(html, fast=True) for html in few]),
        }
    )
    ours, lexbor = len(pages) / took["ours"], len(pages) / took["lexbor"]
    full, fast = (len(few) / took[name] for name in ("trafilatura", "fast"))
    name = f"trafilatura {version('trafilatura')}"
    what = f"HTML to rows, {size:.0f} kB a page ({weight})"
    share, times = ours / lexbor, ours / full
    yield Claim(
        what,
        f"{ours:,.0f} pages/s",
        f"{lexbor:,.0f} pages/s (FastWARC and a bare lexbor parse)",
        f"{share:.2f}",
        f"at least {OF_LEXBOR:g}",
        share >= OF_LEXBOR,
    )
    yield Claim(
        what,
        f"{ours:,.0f} pages/s",
        f"{full:,.1f} pages/s ({name}, bare_extraction)",
        f"{times:.1f} times",
        f"at least {OF_TRAFILATURA:g} times",
        times >= OF_TRAFILATURA,
    )
    yield Claim(
        what, f"{ours:,.0f} pages/s", f"{fast:,.1f} pages/s ({name}, fast=True)", f"{ours / fast:.1f} times"
    )


def _kinds() -> Iterator[Claim]:
    """Milliseconds of one page of each kind of the demo, from bytes to a page."""
    posts = _demo(KINDS["posts_api"])
    (slug,) = {article.slug for article in posts[1].articles[:1]}
    read = {kind: _demo(path.format(slug=slug)) for kind, path in KINDS.items()}
    assert [str(page.kind) for _, page in read.values()] == list(KINDS)
    measured = {kind: lambda body=body: processor(body) for kind, (body, _) in read.items()}
    for kind, seconds in interleaved(measured).items():
        bound = ARTICLE_MILLISECONDS if kind == "article" else None
        yield Claim(
            f"A page of kind {kind}, {len(read[kind][1].articles)} articles",
            f"{1000 * seconds:.2f} ms",
            "-",
            "-",
            "-" if bound is None else f"at most {bound:g} ms",
            None if bound is None else 1000 * seconds <= bound,
        )


def _demo(target: str) -> tuple[Callable[[], object], ReadPage]:
    """What reads a page of the demo, and the page."""
    day = NEWEST - timedelta(days=1)
    response = respond(target, MappingProxyType({}), day, (), BASE_URL)
    content_type = response.headers["Content-Type"]

    def read() -> object:
        return read_page(response.body, content_type=content_type, url=BASE_URL + target[1:], on=day)

    page = read()
    assert isinstance(page, ReadPage), page
    return read, page


def _assert_same_content(light: Rows, heavy: Rows) -> None:
    """The weight may change nothing that becomes a row."""
    for table in ("rate_observation", "article_observation"):
        one, other = (
            [{k: v for k, v in row.items() if k != "capture_id"} for row in getattr(rows, table)]
            for rows in (light, heavy)
        )
        assert one, f"the pages give no {table}"
        assert one == other, f"{table} differs between the light pages and the heavy ones"


if __name__ == "__main__":
    print_table(claims())
