"""Step 1 of an ingest: files given by hand enter the archive by the same door as fetched pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ca_etl.archive.ingest import IngestReport, ingest_paths
from ca_etl.sources.session import Context

# A folder may be a data directory, with hundreds of files of other kinds.
MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Given:
    """Files and folders, and what the operator knows of them. `captured_at` is zone-aware."""

    paths: tuple[Path, ...]
    url: str | None = None
    captured_at: datetime | None = None


def ingest(ctx: Context, given: Given) -> IngestReport:
    """Archive what is given. Raises `CaEtlError` for a missing path or a file of an unknown kind."""
    return ingest_paths(
        given.paths,
        ctx.settings.archive_dir,
        now=ctx.started_at,
        url=given.url,
        captured_at=given.captured_at,
    )


def oddities(report: IngestReport) -> tuple[str, ...]:
    """A sentence for each input that was not taken as it is."""
    told = [] if report.inputs else ["no file was found in what was given"]
    told += [
        f"{path} was not taken: not a kind of file that can be archived"
        for path in report.skipped[:MOST_TOLD]
    ]
    if more := report.skipped[MOST_TOLD:]:
        told.append(f"{len(more)} more files were not taken")
    told += [f"{path} was given twice" for path in report.duplicates]
    if report.already_held:
        told.append(f"nothing was archived: {report.already_held} holds the same content")
    told += [
        f"{bad.archive_file} at byte {bad.archive_offset}: {bad.reason} ({bad.detail})"
        for bad in report.bad_records
    ]
    told += [f"the damaged input is kept as {path}" for path in report.damaged]
    return tuple(told)
