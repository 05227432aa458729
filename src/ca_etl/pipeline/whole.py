"""Whether the archive still holds what the current release was made of."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import duckdb

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.resolve import readable
from ca_etl.warehouse.release import CURRENT, releases

log = logging.getLogger(__name__)

SHOWN: Final = 5


class ArchiveDamagedError(CaEtlError):
    """A rebuild would lose what the current release holds."""


def assert_archive_is_whole(ctx: Context) -> None:
    """Raise `ArchiveDamagedError` when an archive file that the current release knows is missing or has changed.

    A rebuild from what is left would publish a poorer release, with nothing on it to show that.
    """
    root = ctx.settings.archive_dir
    odd = [f"{name} {how}" for name, how in archive_problems(root, _known_files(ctx.settings.data_dir))]
    if odd:
        more = f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""
        raise ArchiveDamagedError(
            f"the archive is not what the current release was made of: {'; '.join(odd[:SHOWN])}{more}",
            f"restore {root} from a backup; to give the rest up: rm {ctx.settings.data_dir / 'current'}, "
            "then ca-etl rebuild",
        )


def archive_problems(root: Path, known: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The archive files of `known`, names with SHA-256, that are not as they were, and what became of them."""
    for name, sha256 in known:
        try:
            with (root / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    yield name, "has changed"
        except FileNotFoundError:
            yield name, "is missing"


def _known_files(data_dir: Path) -> list[tuple[str, str]]:
    """The archive files of the newest release that can be read: a rebuild is the way out where others are damaged."""
    if os.path.lexists(data_dir / CURRENT):
        for release in reversed(releases(data_dir)):
            try:
                with readable(release.warehouse) as con:
                    return con.execute("select archive_file, sha256 from raw.archive_file").fetchall()
            except (CaEtlError, duckdb.Error) as error:
                log.warning("%s", error)
    return []
