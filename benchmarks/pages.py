"""Demo pages on file: as they are (some 15 kB), with the weight of a news site's pages (some 100 kB), and as text.

The demo's pages hold what an article listing says and little else. Half of a real page is style and script, a
quarter is menus, icons, pictures in many sizes and links to other articles: the weight adds those, in the
places where WordPress themes have them, also within the article cards. It adds nothing that could become a row, and
`html_to_rows.py` asserts that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from benchmarks.history import NEWEST, pages
from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.write import ArchiveWriter
from ca_etl.demo.figures import ticker_of
from ca_etl.demo.render import Printed, render_text
from ca_etl.demo.routes import Listing, resolve

BASE_URL: Final = "http://127.0.0.1:8808/"
PATHS: Final = ("/", "/latest/", "/category/home/local-politics/", "/category/home/business-economy/")
SOURCE: Final = "timesca"

_CARD_END: Final = re.compile(r"</article>")


def light_pages(count: int) -> Iterator[tuple[str, bytes]]:
    """Address and HTML of `count` listing pages of the last days of the demo's history."""
    for day in _days(count):
        for path, html in pages(PATHS, day, BASE_URL):
            yield BASE_URL + path[1:], html


def heavy_pages(count: int) -> Iterator[tuple[str, bytes]]:
    """The same pages with the weight of real ones."""
    for url, html in light_pages(count):
        yield url, weighted(html.decode()).encode()


def text_pages(count: int) -> Iterator[tuple[str, bytes]]:
    """Address and text of the same listings, as a WET file holds them."""
    for day in _days(count):
        printed = Printed(day, ticker_of(day))
        for path in PATHS:
            listing = resolve(path, day)
            assert isinstance(listing, Listing)
            yield BASE_URL + path[1:], render_text(listing, printed).encode()


def write_html(root: Path, name: str, found: Iterator[tuple[str, bytes]]) -> Path:
    """An archive file of the pages, by the archive's own writer; bodies stand decoded, as in Common Crawl's files."""
    at = datetime.combine(NEWEST, datetime.min.time(), UTC)
    with ArchiveWriter(root, f"{at:%Y%m%dT%H%M%SZ}-{name}", source=SOURCE, info={}, clock=lambda: at) as writer:
        for turn, (url, body) in enumerate(found):
            writer.add(
                Attempt(
                    url=url,
                    number=1,
                    started_at=at + timedelta(seconds=turn),
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


def write_text(root: Path, found: Iterator[tuple[str, bytes]]) -> Path:
    """A WET file of the texts: `conversion` records, as Common Crawl writes them."""
    path = root / "text.warc.wet.gz"
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True, warc_version="WARC/1.0")
        for turn, (url, body) in enumerate(found):
            at = datetime.combine(NEWEST, datetime.min.time(), UTC) + timedelta(seconds=turn)
            writer.write_record(
                writer.create_warc_record(
                    url,
                    "conversion",
                    payload=BytesIO(body),
                    length=len(body),
                    warc_content_type="text/plain",
                    warc_headers_dict={"WARC-Date": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
                )
            )
    return path


def weighted(html: str) -> str:
    """`html` with style, script, menu, icons, pictures and links of a grown site around the same articles."""
    head, menu, card, margin, end = _weight()
    html = html.replace("</head>", f"{head}</head>", 1).replace("</nav></header>", f"{menu}</nav></header>", 1)
    html = _CARD_END.sub(lambda _: f"{card}</article>", html)
    return html.replace("</main>", f"{margin}</main>", 1).replace("</body>", f"{end}</body>", 1)


def _days(count: int) -> list[date]:
    return [NEWEST - timedelta(days=back) for back in range(-(-count // len(PATHS)))]


@cache
def _weight() -> tuple[str, str, str, str, str]:
    """What is added to the head, the menu, each article card, the margin, and the end of the body."""
    rules = "".join(
        f".wp-block-{n % 40}-{n} .is-layout-{n % 7}{{margin:{n % 30}px auto;padding:{n % 9}px;color:#{n * 7919 % 4096:03x};"
        f"font-size:clamp({12 + n % 5}px,{n % 4}vw,{20 + n % 9}px)}}"
        for n in range(190)
    )
    head = f'<style id="global-styles-inline-css">{rules}</style>\n' + "".join(
        f'<link rel="stylesheet" id="plugin-{n}-css" href="{BASE_URL}wp-content/plugins/{n}/style.css?ver=6.8.{n}">\n'
        f'<meta property="og:extra:{n}" content="{BASE_URL}wp-content/uploads/2025/{n}.jpg">\n'
        for n in range(24)
    )
    menu = "".join(
        f'<ul class="sub-menu level-{n}">'
        + "".join(
            f'<li id="menu-item-{n}{k}" class="menu-item menu-item-type-taxonomy menu-item-{n}{k}">'
            f'<a href="{BASE_URL}category/home/section-{n}/part-{k}/"><span class="menu-text">Section {n}.{k}</span></a></li>'
            for k in range(12)
        )
        + "</ul>"
        for n in range(8)
    )
    card = (
        f'<div class="post-thumbnail"><img loading="lazy" decoding="async" width="1024" height="683" alt="" {_sources(1)}></div>'
        '<ul class="share-buttons">'
        + "".join(
            f'<li><a class="share share-{n}" rel="nofollow noopener" target="_blank" '
            f'href="https://share.example/{n}?u={BASE_URL}" aria-label="Share">{_icon(n)}</a></li>'
            for n in range(5)
        )
        + "</ul>\n"
    )
    footer = "".join(
        f'<div class="footer-column"><h4>Column {n}</h4><ul>'
        + "".join(f'<li><a href="{BASE_URL}tag/topic-{n}-{k}/">Topic {n}.{k}</a></li>' for k in range(10))
        + "</ul></div>"
        for n in range(6)
    )
    margin = (
        '<aside class="widget-area popular"><h2 class="widget-title">Most read</h2>\n'
        + "".join(
            f'<div class="card"><a class="thumb" href="{BASE_URL}popular-story-{n}/">'
            f'<img loading="lazy" width="300" height="200" alt="" {_sources(n)}></a>'
            f'<h4 class="card-title"><a href="{BASE_URL}popular-story-{n}/">A popular story, number {n}</a></h4></div>\n'
            for n in range(20)
        )
        + "</aside>\n"
    )
    statements = "".join(
        f'(window.q=window.q||[]).push({{"event":"view{n}","id":{n * 7919},"consent":{{"ads":false,"stats":{n % 2}}}}});'
        for n in range(150)
    )
    end = f'<div class="footer-columns">{footer}</div>\n<script id="site-js-extra">{statements}</script>\n'
    return head, menu, card, margin, end


def _sources(number: int) -> str:
    sizes = (300, 480, 768, 1024, 1536, 2048)
    name = f"{BASE_URL}wp-content/uploads/2025/12/picture-{number}"
    sources = ", ".join(f"{name}-{size}x{size * 2 // 3}.jpg {size}w" for size in sizes)
    return f'src="{name}.jpg" srcset="{sources}" sizes="(max-width: 1024px) 100vw, 1024px"'


def _icon(number: int) -> str:
    path = " ".join(f"M{(number * 31 + n * 17) % 24} {n * 13 % 24}l{n % 5}.{n} {n % 7}.5z" for n in range(16))
    return f'<svg aria-hidden="true" width="24" height="24" viewBox="0 0 24 24"><path fill="currentColor" d="{path}"/></svg>'
