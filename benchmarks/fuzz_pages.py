"""Damaged pages for some minutes: `python -m benchmarks.fuzz_pages --minutes 10`.

Each page must give rows or rejects that fit their schemas, the same ones each time, no rate that no line printed, no
ticker line that is neither a rate nor reported, within a second. The status is 1 where one does not, and the page is
kept in the folder `--keep`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from benchmarks.damage import damaged, html_pages, layouts, with_bytes_flipped
from benchmarks.measure import tell
from ca_etl.parse.rows import rows_of
from ca_etl.parse.ticker import is_ticker_line
from ca_etl.records import Capture, RejectReason, Rows
from ca_etl.warehouse.raw_schema import arrow_rows, ensure_raw

ZONE: Final = ZoneInfo("Asia/Almaty")
AT: Final = datetime(2025, 12, 5, 7, tzinfo=UTC)
SECONDS: Final = 1.0
URLS: Final = (
    None,
    "https://timesca.com/page/3/",
    "https://timesca.com/tag/x/",
    "https://timesca.com/author/a-writer/",
    "https://timesca.com/one-article/",
    "https://www.timesca.com/index.php/news",
)
_INVISIBLE: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
# Pages that are none, and what is said of a ticker that is not as it should be.
_REPORTED: Final = {
    *(
        RejectReason.BAD_RATE_LINE,
        RejectReason.UNKNOWN_PAIR,
        RejectReason.CYCLE_DIFFERS,
        RejectReason.PAIR_ORDER,
    ),
    *(RejectReason.INCOMPLETE_CYCLE, RejectReason.BINARY, RejectReason.EMPTY, RejectReason.UNDECODABLE),
    *(RejectReason.TOO_LARGE, RejectReason.BLOCKED),
}


@cache
def _schemas() -> dict[str, pa.Schema]:
    with duckdb.connect() as con:
        ensure_raw(con)
        return {table: arrow_rows(con, table, []).schema for table in Rows().by_table()}


def fault_of(payload: bytes, content_type: str, url: str | None) -> str | None:
    """What the parser does wrong with the page; None where all is well. An exception goes through."""
    capture = Capture("urn:uuid:1", "fuzz", payload, "a.warc.gz", 0, url, AT, 200, content_type)
    started = time.process_time()
    read = rows_of(capture, zone=ZONE, run_id="fuzz")
    took = time.process_time() - started
    if took > SECONDS:
        return f"it took {took:.1f} s"
    for table, parsed in read.by_table().items():
        pa.Table.from_pylist(parsed, schema=_schemas()[table])
    if len(read.capture) != 1 or not (read.rate_observation or read.article_observation or read.reject):
        return "it gives neither row nor reject"
    if read != rows_of(capture, zone=ZONE, run_id="fuzz"):
        return "it gives other rows the second time"
    is_text = content_type == "text/plain" and read.capture[0]["charset"] == "utf-8 (valid)"
    return _ticker_fault(payload.decode(), read) if is_text else None


def _ticker_fault(text: str, read: Rows) -> str | None:
    lines = text.replace("\x00", "\ufffd").split("\n")
    said = [
        re.sub(r" ?([=/]) ?", r"\1", " ".join(_INVISIBLE.sub("", line).split()).lstrip("•·∙●▪‣* "))
        for line in lines
    ]
    rates = {
        f"{row['base']}/{row['quote']}={row['rate_text']} {row['change_text']}"
        for row in read.rate_observation
    }
    if not rates <= set(said):
        return f"no line prints {sorted(rates - set(said))}"
    lost = [
        line for line, plain in zip(lines, said, strict=True) if is_ticker_line(line) and plain not in rates
    ]
    if lost and not {row["reason"] for row in read.reject} & _REPORTED:
        return f"{lost[0]!r} is neither a rate nor reported"
    return None


def run(minutes: float, seed: int, keep: Path) -> int:
    """How many pages broke a promise, within `minutes` of wall time."""
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    texts, pages = list(layouts().values()), html_pages()
    until = time.monotonic() + 60 * minutes
    tried = faults = 0
    while time.monotonic() < until:
        is_html = chance.random() < 0.25
        payload = damaged(chance.choice(pages if is_html else texts), chance).encode("utf-8", "replace")
        if chance.random() < 0.3:
            payload = with_bytes_flipped(payload, chance)
        content_type, url = "text/html" if is_html else "text/plain", chance.choice(URLS)
        tried += 1
        fault = _fault_or_error(payload, content_type, url)
        if fault is not None:
            faults += 1
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{seed}-{tried}.{'html' if is_html else 'txt'}").write_bytes(payload)
            tell(f"page {tried} ({content_type}, {url}): {fault}")
    print(f"{tried} pages in {minutes:g} minutes, seed {seed}: {faults} broke a promise")
    return faults


def _fault_or_error(payload: bytes, content_type: str, url: str | None) -> str | None:
    try:
        return fault_of(payload, content_type, url)
    except Exception as error:  # noqa: BLE001 (whatever leaves the parser is what is looked for)
        return f"{type(error).__name__}: {error}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    given = parser.parse_args(arguments)
    return 1 if run(given.minutes, given.seed, given.keep) else 0


if __name__ == "__main__":
    sys.exit(main())
