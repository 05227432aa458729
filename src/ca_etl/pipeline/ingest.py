"""Step 1 of an ingest: files given by hand enter the archive by the same door as fetched pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ca_etl.archive.ingest import IngestReport, ingest_paths
from ca_etl.pipeline.context import Context


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
