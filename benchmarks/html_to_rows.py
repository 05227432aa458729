"""Pages per second of processor time from an archive file to rows, on one core.

Three readers of one WARC file with the same pages: ours (every record verified, every page to rows), FastWARC
with a bare lexbor parse (no verification, no rows: what the two libraries take by themselves), and trafilatura,
a general extractor, which gets its pages from memory and is given every fifth of them, as it is the slowest by far. The
pages are measured as the demo prints them and with the weight of a real site's pages (see `pages.py`).
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from fastwarc.warc import ArchiveIterator, WarcRecordType
from selectolax.lexbor import LexborHTMLParser

from benchmarks.alternatives import alternative, alternative_version
from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from benchmarks.pages import heavy_pages, light_pages, write_html
from ca_etl.archive.read import read_archive
from ca_etl.parse.rows import rows_of
from ca_etl.records import Capture, Rows

PAGES: Final = 300
EVERY: Final = 5
OF_LEXBOR, OF_TRAFILATURA = 0.6, 15.0
ZONE: Final = ZoneInfo("Asia/Almaty")
WORKER: Final = Path(__file__).with_name("extract_pages.py")

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
    with _trafilatura(root / f"pages-{size:.0f}", pages[::EVERY]) as extract:
        took = interleaved(
            {
                "ours": lambda: processor(lambda: rows_in(path, root)),
                "lexbor": lambda: processor(lambda: bare_parse(path)),
                "trafilatura": lambda: extract.seconds("full"),
                "fast": lambda: extract.seconds("fast"),
            }
        )
    ours, lexbor = len(pages) / took["ours"], len(pages) / took["lexbor"]
    full, fast = (len(pages[::EVERY]) / took[name] for name in ("trafilatura", "fast"))
    name = f"trafilatura {alternative_version('trafilatura')}"
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


class _Extractor:
    """The worker process: one line asks, one line answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def seconds(self, mode: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{mode}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def _trafilatura(folder: Path, pages: list[Page]) -> Iterator[_Extractor]:
    folder.mkdir()
    for turn, (_, html) in enumerate(pages):
        (folder / f"{turn:04}.html").write_bytes(html)
    command = [str(alternative("python")), "-I", str(WORKER), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield _Extractor(process)


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
