"""Step 2 of a run: parse the archive files that the warehouse lacks, and load their rows into `raw.*`."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl.archive.reader import Resolve, archive_files, read_archive, read_origin
from ca_etl.errors import CaEtlError
from ca_etl.parse.page import Parser
from ca_etl.parse.rows import SITE, reject_repeats, rows_of
from ca_etl.records import (
    ARTICLE_PAGES,
    EXPECTED_RESPONSES,
    BadRecord,
    RejectReason,
    Rows,
    site_name,
)
from ca_etl.sources.session import Context, withheld_files
from ca_etl.warehouse.connection import checkpoint_at_commit, open_building
from ca_etl.warehouse.data_directory import MARKER, claimed_site
from ca_etl.warehouse.journal import RunKind
from ca_etl.warehouse.models import drop_models
from ca_etl.warehouse.raw_load import (
    ArchiveFile,
    forget_rejects,
    known_archive_files,
    load_archive_files,
)
from ca_etl.warehouse.raw_schema import ensure_raw, is_outdated
from ca_etl.warehouse.reading import consult, published_warehouse, readable, resolver
from ca_etl.warehouse.release import CURRENT, GO_BACK, begin_building, find_building, releases

log = logging.getLogger(__name__)

# What a batch holds in memory: some 50 MB of listing pages' rows, or one large file.
MOST_FILES: Final = 50
MOST_ROWS: Final = 10_000
UPGRADED: Final = (
    "the current release has the tables of an earlier version: the whole archive is loaded again, once"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Row counts of `load`: what the archive files new to this run added to `raw.*`.

    `expected` counts the `rejects` of a response class in `EXPECTED_RESPONSES`, about which no check warns;
    `other_rates` those of the `rates` that a source with a parser of its own gave, and no ticker; `official_rates` are
    not among these. With `is_fresh` the warehouse was empty before.
    """

    archive_files: int = 0
    captures: int = 0
    rates: int = 0
    other_rates: int = 0
    official_rates: int = 0
    articles: int = 0
    rejects: int = 0
    expected: int = 0
    warnings: tuple[str, ...] = ()
    is_fresh: bool = False


def load(ctx: Context) -> Loaded:
    """Copy the warehouse of the current release for this run, and load the archive files that the copy lacks.

    A rebuild, and the first run on a release with the tables of an earlier version, start from an empty warehouse and
    load every file; a retry first deletes what an older parser rejected. Raises `CaEtlError` when the data
    directory cannot be written, `ArchiveDamagedError` when a fresh start would lose rows.
    """
    is_upgrade = _is_upgrade(ctx.settings.data_dir)
    is_fresh = is_upgrade or ctx.kind is RunKind.REBUILD
    if is_fresh:
        assert_archive_is_whole(ctx)
    building = begin_building(ctx.settings.data_dir, ctx.run_id, fresh=is_fresh)
    root = ctx.settings.archive_dir
    parsers = {source.name: source.parser for source in ctx.sources}
    batch = _Batch()
    archived = 0 if building.warehouse.exists() else sum(path.stat().st_size for path in archive_files(root))
    with open_building(building.warehouse, archived=archived) as con:
        ensure_raw(con)
        drop_models(con)
        con.execute("checkpoint")
        if ctx.kind is RunKind.RETRY:
            versions = {name: parser.version for name, parser in parsers.items()}
            forget_rejects(con, versions, otherwise=SITE.version)
        known = known_archive_files(con) | withheld_files(ctx.runs, ctx.started_at)
        # by their text: a thousand calls of relative_to take 10 ms of every run
        below = len(f"{root.as_posix()}/")
        new = [path for path in archive_files(root) if path.as_posix()[below:] not in known]
        originals: dict[str, tuple[str, int]] = {}
        resolve = resolver(con, root, ChainMap(batch.positions, originals))
        queue = [(path, False) for path in new]
        for done, (path, is_again) in enumerate(queue):
            ctx.progress("load", done, len(queue))
            rows, archive_file = read_rows(ctx, path, resolve, parsers)
            if not is_again and _lacks_original(rows):
                # files are sorted by slot: a page that was requested again for an earlier slot repeats a later file's
                originals.update(_positions(rows))
                queue.append((path, True))
                continue
            batch.add(rows, archive_file, parsers)
            is_last = done == len(queue) - 1
            if is_last:
                checkpoint_at_commit(con)
            if is_last or batch.is_full:
                batch.load(con)
    return Loaded(
        archive_files=len(new),
        captures=batch.added["capture"],
        rates=batch.added["rate_observation"],
        other_rates=min(batch.other_rates, batch.added["rate_observation"]),
        official_rates=batch.added["official_rate"],
        articles=batch.added["article_observation"],
        rejects=batch.added["reject"],
        expected=min(batch.expected, batch.added["reject"]),
        warnings=(UPGRADED,) if is_upgrade and ctx.kind is not RunKind.REBUILD else (),
        is_fresh=is_fresh,
    )


def _is_upgrade(data_dir: Path) -> bool:
    """Whether the current release has the `raw.*` tables of an earlier version of the code."""

    def read() -> bool:
        with published_warehouse(data_dir) as con:
            return con is not None and is_outdated(con)

    # that a release cannot be read stops the run when its warehouse is copied
    return consult(read, without=False, what="the current release", next_command=GO_BACK).value


@dataclass(slots=True)
class _Batch:
    """Parsed archive files that are not loaded yet: loading many at once costs little more than loading one.

    `positions` has file and offset of their captures, which revisits of later files may repeat.
    """

    rows: Rows = field(default_factory=Rows)
    files: list[ArchiveFile] = field(default_factory=list)
    positions: dict[str, tuple[str, int]] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    other_rates: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the batch has reached `MOST_FILES` files or `MOST_ROWS` article rows, and is to be loaded."""
        return len(self.files) >= MOST_FILES or len(self.rows.article_observation) >= MOST_ROWS

    def add(self, rows: Rows, archive_file: ArchiveFile, parsers: Mapping[str, Parser]) -> None:
        self.rows.extend(rows)
        self.files.append(archive_file)
        self.expected += _expected(rows)
        self.other_rates += _other_rates(rows, parsers)
        for capture_id, position in _positions(rows).items():
            self.positions.setdefault(capture_id, position)

    def load(self, con: duckdb.DuckDBPyConnection) -> None:
        for table, count in load_archive_files(con, self.rows, *self.files).items():
            self.added[table] += count.loaded
        self.rows = Rows()
        self.files.clear()
        self.positions.clear()


def _positions(rows: Rows) -> dict[str, tuple[str, int]]:
    """File and offset of each capture, by its id."""
    return {row["capture_id"]: (row["archive_file"], row["archive_offset"]) for row in rows.capture}


def _lacks_original(rows: Rows) -> bool:
    return any(row["reason"] == RejectReason.UNRESOLVED_REVISIT for row in rows.reject)


def _expected(rows: Rows) -> int:
    """How many rejects the check `run_has_no_rejects` passes over."""
    captures = {row["capture_id"] for row in rows.capture if row["response_class"] in EXPECTED_RESPONSES}
    return sum(
        row["capture_id"] in captures or row["reason"] == RejectReason.NO_PUBLICATION for row in rows.reject
    )


def _other_rates(rows: Rows, parsers: Mapping[str, Parser]) -> int:
    """How many rates come from captures of a source that the site's parser does not read."""
    captures = {row["capture_id"] for row in rows.capture if parsers.get(row["source"], SITE) != SITE}
    return sum(row["capture_id"] in captures for row in rows.rate_observation)


def read_rows(
    ctx: Context, path: Path, resolve: Resolve, parsers: Mapping[str, Parser]
) -> tuple[Rows, ArchiveFile]:
    """Parse one archive file: its rows, and its own row of `raw.archive_file`. A bad record becomes a reject.

    Each record names its source, whose parser in `parsers` reads it; that of the site reads what other sources sent.
    """
    rows = Rows()
    captures = bad = 0
    site = claimed_site(ctx.settings.data_dir) or site_name(str(ctx.settings.site_url))
    origin = read_origin(path)
    version = parsers.get(origin.source, SITE).version
    for record in read_archive(path, root=ctx.settings.archive_dir, resolve=resolve):
        if isinstance(record, BadRecord):
            bad += 1
            rows.reject.append(_reject(record, version, ctx.run_id))
        else:
            captures += 1
            parser = parsers.get(record.source, SITE)
            rows.extend(rows_of(record, zone=ctx.settings.zone, run_id=ctx.run_id, site=site, parser=parser))
    reject_repeats(rows, source=ARTICLE_PAGES, run_id=ctx.run_id)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return rows, ArchiveFile(
        archive_file=path.relative_to(ctx.settings.archive_dir).as_posix(),
        source=origin.source,
        schedule=origin.schedule,
        slot=origin.slot,
        sha256=digest,
        bytes=path.stat().st_size,
        records=captures,
        bad_records=bad,
        parser_version=version,
        run_id=ctx.run_id,
    )


def _reject(record: BadRecord, parser_version: str, run_id: str) -> dict[str, object]:
    return {
        # a record without a readable id is known by where it lies
        "capture_id": record.capture_id or f"{record.archive_file}#{record.archive_offset}",
        # the same damage in two archive files is one reject; rejects of a page count from 1
        "position": 0,
        "reason": record.reason,
        "detail": record.detail,
        "excerpt": "",
        "parser_version": parser_version,
        "run_id": run_id,
    }


SHOWN: Final = 5


class ArchiveDamagedError(CaEtlError):
    """Archive files of the current release are missing or changed, so that a rebuild would lose their rows."""


def assert_archive_is_whole(ctx: Context) -> None:
    """Raise `ArchiveDamagedError` when an archive file that the current release knows is missing or has changed.

    A rebuild from the other files would publish fewer rows, and nothing in the release would show it.
    """
    root = ctx.settings.archive_dir
    odd = [f"{name} {how}" for name, how in archive_problems(root, _known_files(ctx.settings.data_dir))]
    if odd:
        more = f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""
        raise ArchiveDamagedError(
            f"the archive is not what the current release was made of: {'; '.join(odd[:SHOWN])}{more}; "
            f"restore {root} from a backup; without the link {CURRENT}, a rebuild publishes without those files",
            "ca-etl doctor --deep",
        )


def archive_problems(root: Path, known: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The archive files that are missing or have another SHA-256 than in `known` (name, SHA-256), and the problem."""
    for name, sha256 in known:
        try:
            with (root / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    yield name, "has changed"
        except FileNotFoundError:
            yield name, "is missing"


class MostLostError(CaEtlError):
    """A warehouse that was built anew lacks most of what the current release or the archive has."""


KEPT: Final = """
    select 'captures with rates', count(distinct capture_id) from raw.rate_observation
    union all select 'rates', count(*) from raw.rate_observation
    union all select 'article observations', count(*) from raw.article_observation"""
UNREAD: Final = """
    select (select count(*) from raw.capture), count(*), mode(concat_ws(', ', reason, detail)) from raw.reject
    where not exists (from raw.rate_observation) and not exists (from raw.article_observation)
        and not exists (from raw.official_rate)"""


def assert_most_is_kept(ctx: Context) -> None:
    """Raise `MostLostError` when the run's new warehouse lacks more than half of what it is to replace.

    Compared with the newest readable release: captures with rates, rates, article observations. Without a release,
    one capture of the archive at least must have become such a row.
    """
    with open_building(find_building(ctx.settings.data_dir, ctx.run_id).warehouse) as con:
        built = dict(con.execute(KEPT).fetchall())
        captures, rejects, commonest = con.execute(UNREAD).fetchall()[0]
    published = dict(_read_newest_release(ctx.settings.data_dir, KEPT))
    lost = [
        f"{built[what]} of {count} {what}" for what, count in published.items() if 2 * built[what] < count
    ]
    if lost:
        problem = f"most of the current release would be lost, only these are left: {', '.join(lost)}"
    elif not published and rejects:
        problem = (
            f"no rate and no article came of the {captures} captures in {ctx.settings.archive_dir}: "
            f"{rejects} rejects, most often {commonest}"
        )
    else:
        return
    marker = ctx.settings.data_dir / MARKER
    raise MostLostError(
        f"nothing is published: {problem}. `ca-etl rebuild --accept-loss` publishes all the same",
        f"cat {marker} && ca-etl doctor --deep",
    )


def _known_files(data_dir: Path) -> list[tuple[str, str]]:
    return _read_newest_release(data_dir, "select archive_file, sha256 from raw.archive_file")


def _read_newest_release(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the newest release that can be read, none without `current`: a rebuild is the way out of damaged ones."""
    if os.path.lexists(data_dir / CURRENT):
        for release in reversed(releases(data_dir)):
            try:
                with readable(release.warehouse) as con:
                    return con.execute(query).fetchall()
            except (CaEtlError, duckdb.Error) as error:
                log.warning("%s", error)
    return []
