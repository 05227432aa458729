"""Step 1 of a backfill: archive articles or bank tables of a date range, and record the months archived completely."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ca_etl.archive.sealed_file import recover_open_files
from ca_etl.errors import CaEtlError
from ca_etl.sources.session import Context, Session
from ca_etl.sources.source import DateRange, History, Source
from ca_etl.sources.timesca import ARTICLE_SOURCES
from ca_etl.warehouse.durable_files import read_if_there, write_atomic

log = logging.getLogger(__name__)

# The months that backfills have archived completely, a file a source.
COMPLETE_MONTHS: Final = "backfill-*.json"


def histories(sources: Iterable[Source]) -> Mapping[str, History]:
    """The function that archives the past of a source, by the name of the source on the command line.

    Sources without a past to request are left out.
    """
    short = {source.name: name.value for name, source in ARTICLE_SOURCES.items()}
    return {
        short.get(source.name, source.name): source.history
        for source in sources
        if source.history is not None
    }


def capture_history(ctx: Context, days: DateRange, source: str) -> int:
    """Archive the articles, or the tables of a bank, of the range `days` from `source`; return the number of articles.

    `source` is a key of `histories`. A month that was archived completely is not requested again, so that a backfill
    that was stopped resumes. Raises `SourceUnavailableError` when the source is not offered, refuses or fails;
    responses archived before stay.
    """
    recover_open_files(ctx.settings.archive_dir)
    path = _complete_months_file(ctx.settings.data_dir, source)
    complete = read_complete_months(ctx.settings.data_dir, source)
    months = [month for month in days.months() if f"{month}" not in complete]
    articles = 0
    if not months:
        log.warning(
            "all of %s was archived before; to fetch later edits: rm %s, and run the same command again",
            days,
            path,
        )
        return articles
    with Session(ctx) as session:
        for part in histories(ctx.sources)[source](session, months):
            articles += part.articles
            # the month under way may still get articles
            past = [f"{month}" for month in part.complete if month.last < ctx.started_at.date()]
            if past:
                complete = (*complete, *past)
                write_atomic(path, json.dumps(sorted(complete)).encode() + b"\n")
    return articles


def read_complete_months(data_dir: Path, source: str) -> tuple[str, ...]:
    """The months that backfills have archived completely from `source`, as text such as `2025-11-01..2025-11-30`.

    Raises `CaEtlError` where the file of these months is damaged, `StorageError` where it cannot be read.
    """
    path = _complete_months_file(data_dir, source)
    data = read_if_there(path)
    if data is None:
        return ()
    try:
        value = json.loads(data)
    except ValueError as error:
        raise CaEtlError(
            f"{path} is not a list of months: {error}; without it all months are requested again",
            f"rm {path}",
        ) from error
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _complete_months_file(data_dir: Path, source: str) -> Path:
    return data_dir / COMPLETE_MONTHS.replace("*", source)
