"""Pages per second of processor time from a WET file (plain text, as Common Crawl keeps it) to rows, on one core.

The alternative is FastWARC reading the same records and doing nothing with them: what cannot be got below. Nothing is
kept from page to page, so that articles which stand on several of the pages are read anew on each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastwarc.warc import ArchiveIterator, WarcRecordType

from benchmarks.html_to_rows import rows_in
from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from benchmarks.pages import text_pages, write_text

PAGES: Final = 1000
AIM: Final = 6000
OF_FASTWARC: Final = 0.2


def claims() -> Iterator[Claim]:
    """One figure, met by either of two aims."""
    pages = list(text_pages(PAGES))
    size = sum(len(text) for _, text in pages) / len(pages) / 1000
    tell(f"text: {len(pages)} pages of {size:.0f} kB")
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as folder:
        root = Path(folder)
        path = write_text(root, iter(pages))
        took = interleaved(
            {
                "ours": lambda: processor(lambda: rows_in(path, root)),
                "read": lambda: processor(lambda: bare_read(path)),
            }
        )
    ours, read = len(pages) / took["ours"], len(pages) / took["read"]
    yield Claim(
        f"Text (WET) to rows, {size:.0f} kB a page",
        f"{ours:,.0f} pages/s",
        f"{read:,.0f} pages/s (FastWARC, read only)",
        f"{ours / read:.3f}",
        f"at least {AIM:,} pages/s or {OF_FASTWARC:g}",
        ours >= AIM or ours / read >= OF_FASTWARC,
    )


def bare_read(path: Path) -> None:
    """FastWARC alone."""
    read = 0
    for record in ArchiveIterator(str(path), record_types=WarcRecordType.conversion):
        read += len(record.reader.read()) > 0
    assert read == PAGES


if __name__ == "__main__":
    print_table(claims())
