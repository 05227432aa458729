"""Seconds of processor time for each stage of an ingest on one core, beside the least that the stage could take.

The least: FastWARC alone reads the bodies, lexbor alone parses the pages, one pass of Aho-Corasick finds the names of
places, and DuckDB inserts the same rows from Arrow into tables without keys. Ours verifies each digest, gives rows, and
finds amounts, languages and near-duplicates besides. Then a slice by what else one would take: trafilatura for the
texts, dlt for the load into DuckDB.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

# One core: Polars would use all of them.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import duckdb
import polars as pl
import pyarrow as pa
from fastwarc.warc import ArchiveIterator, WarcRecordType
from selectolax.lexbor import LexborHTMLParser

from benchmarks.alternatives import alternative, alternative_version
from benchmarks.corpus import Corpus
from benchmarks.measure import Claim, interleaved, print_table, processor, tell
from benchmarks.pages import write_html, write_text
from ca_etl.archive.reader import read_archive
from ca_etl.parse.rows import rows_of
from ca_etl.pipeline.enrich import read_gazetteer, search, store_matches
from ca_etl.pipeline.parts import ParsedPart, Part, PartReader
from ca_etl.records import Capture, Rows
from ca_etl.warehouse.connection import open_building, transaction
from ca_etl.warehouse.raw_load import load_tables
from ca_etl.warehouse.raw_schema import arrow_schema, ensure_raw

REPEATS: Final = 3
CORPUS: Final = Corpus(9_000)
SLICE: Final = Corpus(1_200)
ZONE: Final = ZoneInfo("Asia/Almaty")
SITE: Final = "loopback"
WORKER: Final = Path(__file__).with_name("read_pages.py")


def claims() -> Iterator[Claim]:
    """Each stage of both forms, then the slice."""
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as name:
        folder = Path(name)
        tell(f"stages: making {CORPUS.pages} pages")
        text = write_text(folder, CORPUS.text(), CORPUS.captured_at)
        html = write_html(folder, "html", CORPUS.html(), CORPUS.captured_at)
        yield from _read_and_parse("text", text)
        yield from _read_and_parse("HTML", html)
        part = _reader(folder).read(Part((html.relative_to(folder).as_posix(),)))
        yield from _search_and_load(part, folder)
        yield from _by_others(folder)


def _read_and_parse(form: str, path: Path) -> Iterator[Claim]:
    tell(f"stages: reading and parsing {form}")
    captures = [found for found in read_archive(path, root=path.parent) if isinstance(found, Capture)]
    took = interleaved(
        {
            "read": lambda: processor(lambda: sum(1 for _ in read_archive(path, root=path.parent))),
            "fastwarc": lambda: processor(lambda: _bodies(path)),
            "parse": lambda: processor(lambda: _rows(captures)),
            "lexbor": lambda: processor(lambda: _trees(captures)),
        },
        REPEATS,
    )
    yield _stage(f"{form}, {len(captures)} pages: records, verified", took, "read", "fastwarc", "FastWARC")
    least = "lexbor" if form == "HTML" else None
    yield _stage(f"{form}, {len(captures)} pages: rows", took, "parse", least, "a bare lexbor parse")


def _search_and_load(part: ParsedPart, folder: Path) -> Iterator[Claim]:
    texts = pl.DataFrame(part.tables["article_text"]).rename({"text_id": "item"})
    items = texts.to_arrow()
    names = pl.lit(pl.Series([name.name for name in read_gazetteer().names])).implode()
    matches = search(items)
    tell("stages: searching and loading")
    took = interleaved(
        {
            "search": lambda: processor(lambda: search(items)),
            "pass": lambda: processor(
                lambda: texts.select(pl.col("text").str.find_many(names, leftmost=True))
            ),
            "load": lambda: processor(lambda: _load(part.tables, matches, folder)),
            "insert": lambda: processor(lambda: _insert({**part.tables, **matches}, folder)),
        },
        REPEATS,
    )
    what = f"{items.num_rows} texts"
    yield _stage(f"{what}: countries, amounts, profiles", took, "search", "pass", "one pass of Aho-Corasick")
    rows = sum(table.num_rows for table in (*part.tables.values(), *matches.values()))
    yield _stage(f"{what}: {rows} rows into DuckDB", took, "load", "insert", "a bare insert from Arrow")


def _by_others(folder: Path) -> Iterator[Claim]:
    """The slice from file to DuckDB: ours gives articles and rates with their keys, the others a text per page."""
    tell(f"stages: {SLICE.pages} pages by trafilatura and dlt")
    path = write_html(folder, "slice", SLICE.html(), SLICE.captured_at)
    command = [alternative("python"), WORKER, path, folder]
    environment = os.environ | {"DLT_DATA_DIR": str(folder / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    done = json.loads(ended.stdout)
    assert done["pages"] == SLICE.pages
    assert done["characters"]
    reader, name = _reader(folder), path.relative_to(folder).as_posix()
    read = processor(lambda: reader.read(Part((name,))))
    part = reader.read(Part((name,)))
    took = {
        "read": read,
        "load": processor(lambda: _load(part.tables, {}, folder)),
        "trafilatura": done["read"],
        "dlt": done["load"],
    }
    what = f"HTML, {SLICE.pages} pages"
    versions = {name: f"{name} {alternative_version(name)}" for name in ("trafilatura", "dlt")}
    yield _times(
        f"{what}: file to rows", took, "read", "trafilatura", f"warcio and {versions['trafilatura']}"
    )
    yield _times(f"{what}: rows to DuckDB", took, "load", "dlt", versions["dlt"])
    took = {"ours": took["read"] + took["load"], "theirs": took["trafilatura"] + took["dlt"]}
    yield _times(f"{what}: file to DuckDB", took, "ours", "theirs", "both")


def _stage(what: str, took: Mapping[str, float], ours: str, least: str | None, by: str) -> Claim:
    if least is None:
        return Claim(what, f"{took[ours]:.2f} s", "-", "-")
    ratio = f"{took[ours] / took[least]:.1f} times the least"
    return Claim(what, f"{took[ours]:.2f} s", f"{took[least]:.2f} s ({by})", ratio)


def _times(what: str, took: Mapping[str, float], ours: str, theirs: str, by: str) -> Claim:
    ratio = f"{took[theirs] / took[ours]:.1f} times"
    return Claim(what, f"{took[ours]:.2f} s", f"{took[theirs]:.2f} s ({by})", ratio)


def _reader(folder: Path) -> PartReader:
    with duckdb.connect() as con:
        ensure_raw(con)
        schemas = {table: arrow_schema(con, table) for table in Rows().by_table()}
    return PartReader(folder, ZONE, SITE, "benchmark", {}, schemas)


def _bodies(path: Path) -> None:
    kinds = WarcRecordType.response | WarcRecordType.conversion
    assert sum(len(record.reader.read()) for record in ArchiveIterator(str(path), record_types=kinds))


def _rows(captures: list[Capture]) -> None:
    rows = Rows()
    for capture in captures:
        rows.extend(rows_of(capture, zone=ZONE, run_id="benchmark", site=SITE))
    assert not rows.reject, rows.reject[0]


def _trees(captures: list[Capture]) -> None:
    assert all(LexborHTMLParser(capture.payload).body is not None for capture in captures)


def _load(tables: Mapping[str, pa.Table], matches: Mapping[str, pa.Table], folder: Path) -> None:
    path = folder / "load.duckdb"
    path.unlink(missing_ok=True)
    with open_building(path) as con:
        ensure_raw(con)
        with transaction(con):
            load_tables(con, tables)
            if matches:
                store_matches(con, matches)


def _insert(tables: Mapping[str, pa.Table], folder: Path) -> None:
    path = folder / "insert.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        for name, rows in tables.items():
            con.register("incoming", rows)
            con.execute(f"create table {name} as from incoming")


if __name__ == "__main__":
    print_table(claims())
